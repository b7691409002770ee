//! 举报干部: clues that only the inspectors see (`domain.md` 16).

use super::{Change, account, change, key, report, tell_reporters, tell_role, text};
use crate::{
    bot::{
        Submitted, Turn,
        dialog::{Answer, Answers, Value},
    },
    error::{Error, Result},
    message::Reply,
    outbox::{Class, Target, forget_said},
    people::{Actor, Directory, Role},
    tickets::{
        Kind, Mode, SEALED_SERIES, Sealed, Ticket,
        calendar::Clock,
        kept,
        life::{To, Verb},
        refs, show, wording,
    },
};

/// Words that mean the discipline inspection itself, where they say whom a clue is about.
const INSPECTION: &[&str] = &["纪委", "纪检", "监委", "监察", "巡察"];
/// The same within an account: there, 我向纪委反映过 is not about them.
const INSPECTION_PEOPLE: &[&str] = &[
    "纪委书记",
    "纪委副书记",
    "纪检书记",
    "纪委主任",
    "监委主任",
    "纪检干部",
    "纪委干部",
    "监委干部",
    "纪检人员",
    "纪委人员",
    "纪检监察人员",
    "纪检的人",
    "纪委的人",
    "监委的人",
    "纪检员",
    "纪检组长",
    "纪委工作人员",
    "纪检监察干部",
];
/// The inspection above the county.
const ABOVE: &[&str] = &["市纪委", "省纪委", "市监委", "省监委", "中纪委", "上级纪委"];

/// Who reads a clue; `None`: nobody here may, because all who would are its subject, or there is nobody.
///
/// `county` and `above` are the names of the inspectors of the area who would read it, by the size of their area.
fn reader(about: &str, account: &str, county: &[&str], above: &[&str]) -> Option<Sealed> {
    let bare = |text: &str| text.chars().filter(|c| !c.is_whitespace()).collect::<String>();
    let (about, account) = (bare(about), bare(account));
    let has = |text: &str, words: &[&str]| words.iter().any(|word| text.contains(word));
    // A name of one character stands in too many words to mean anybody.
    let named = |names: &[&str]| {
        names.iter().filter(|name| name.chars().count() > 1).any(|name| about.contains(name) || account.contains(name))
    };
    if named(above) || has(&about, ABOVE) {
        return None;
    }
    let of_county = named(county) || has(&about, INSPECTION) || has(&account, INSPECTION_PEOPLE);
    match (of_county, county.is_empty(), above.is_empty()) {
        (_, true, true) | (true, _, true) => None,
        (true, _, false) => Some(Sealed::Above),
        (false, ..) => Some(Sealed::Area),
    }
}

/// The same, of the inspectors there are.
pub(super) fn reader_here(directory: &Directory, area: &str, about: &str, account: &str) -> Option<Sealed> {
    let names = |sealed| refs::inspectors(directory, area, sealed).into_iter().map(|staff| staff.name.as_str());
    let above: Vec<&str> = names(Sealed::Above).collect();
    let county: Vec<&str> = names(Sealed::Area).filter(|name| !above.contains(name)).collect();
    reader(about, account, &county, &above)
}

/// Do the words name the inspection above the county?
pub(super) fn is_above(words: &str) -> bool {
    ABOVE.iter().any(|above| words.contains(above))
}

/// Is there no inspector at all? Then 举报干部 leads outside.
pub fn nobody_inspects(directory: &Directory) -> bool {
    directory.all_staff().all(|staff| staff.grants.iter().all(|grant| grant.role != Role::Inspector))
}

/// 举报干部, complete.
pub(super) async fn accuse(turn: &mut Turn<'_, Actor>, answers: &Answers) -> Result<Submitted> {
    let Some(Value::Place { code, name, point, words }) = answers.get("place").and_then(Answer::value).cloned() else {
        return Ok(Submitted::Mend("place", String::new()));
    };
    let (about, what) = (text(answers, "about"), account(answers, "what"));
    let office = turn.actor.office.clone();
    let Some(sealed) = reader_here(&office.directory, &code, &about, &what.text) else {
        // Nothing of it stays: not even what the dialog said back.
        forget_said(turn.tx, &Target::Chat(turn.conversation)).await?;
        return Ok(Submitted::Done(vec![("receipt", wording::secrecy::go_outside().to_owned())]));
    };
    let mode = Mode::from_code(&key(answers, "identity")).unwrap_or(Mode::Confidential);
    let phone = text(answers, "phone");
    let (number, day, seq) = report::next_number(turn, &code, &SEALED_SERIES.to_string()).await?;
    let now = turn.now;
    let mut ticket = Ticket {
        id: turn.tx.id()?,
        number,
        day,
        seq,
        kind: Kind::Accusation,
        title: wording::secrecy::TITLE.to_owned(),
        area: code,
        place: name,
        source: turn.ability.kind.to_owned(),
        mode,
        sealed,
        ..Ticket::blank(now)
    };
    ticket.accept_due = Some(ticket.due(Clock::Accept, now));
    let words = if words.chars().count() > 2 && !ticket.place.contains(&words) { words } else { String::new() };
    let whole = wording::secrecy::account(&about, &words, &what.text);
    let kept = kept::report(&office.keys, &ticket, &whole, None, &[])?;
    (ticket.text, ticket.original) = (kept.open, kept.original);
    let contact = Some(phone).filter(|phone| !phone.is_empty() && mode == Mode::RealName);
    let (_, code) = report::write(turn, &ticket, point, &what.files(), contact).await?;
    let told = wording::secrecy::new_for_inspector(&show::label(&ticket, &office.directory), ticket.seq);
    tell_role(turn, &ticket, Role::Inspector, Class::Now, told.into());
    forget_said(turn.tx, &Target::Chat(turn.conversation)).await?;
    let code = (mode == Mode::Anonymous).then_some(code);
    let receipt = wording::secrecy::receipt(&ticket.short(), ticket.accept_due, now, code.as_deref());
    Ok(Submitted::Done(vec![("receipt", receipt)]))
}

/// 受理 of a sealed clue: the inspectors work on it themselves, and no unit hears of it.
pub(super) async fn accept(turn: &mut Turn<'_, Actor>, ticket: Ticket) -> Result<Reply> {
    let now = turn.now;
    let after = change(turn, &ticket, Change::of(Verb::Accept).leading(To::State(crate::tickets::State::Working)), |ticket| {
        ticket.dispatched_at = Some(now);
        ticket.resolve_due = Some(ticket.due(Clock::Resolve, now));
    })
    .await?;
    let label = show::label(&after, turn.actor.directory());
    tell_reporters(turn, &after, wording::secrecy::accepted_for_reporter(&label, after.resolve_due, now).into()).await?;
    tell_role(turn, &after, Role::Inspector, Class::Batch, wording::secrecy::taken_by_colleague(&label).into());
    Ok(wording::secrecy::accepted(&label, &after.typed(), after.resolve_due, now).into())
}

/// Words that a reporter adds to a sealed clue must not reach the very person they are about.
///
/// # Errors
/// The sentence that names the way outside; nothing is kept then.
pub(super) fn guard(turn: &Turn<'_, Actor>, ticket: &Ticket, words: &str) -> Result<()> {
    if ticket.sealed == Sealed::Open || refs::inspects(&turn.actor, ticket) {
        return Ok(());
    }
    match reader_here(turn.actor.directory(), &ticket.area, "", words) {
        Some(reader) if reader == Sealed::Area || ticket.sealed == Sealed::Above => Ok(()),
        _ => Err(Error::user(wording::secrecy::not_added())),
    }
}

/// Do these words accuse somebody in office?
fn accuses_cadre(text: &str) -> bool {
    const DEEDS: &[&str] = &[
        "贪污",
        "受贿",
        "行贿",
        "索贿",
        "吃拿卡要",
        "违纪",
        "以权谋私",
        "优亲厚友",
        "挪用",
        "克扣",
        "截留",
        "虚报冒领",
        "公款",
        "收红包",
        "收礼",
        "收好处费",
        "要好处",
        "滥用职权",
        "欺压",
    ];
    const OFFICES: &[&str] = &[
        "干部",
        "书记",
        "主任",
        "村长",
        "乡长",
        "镇长",
        "县长",
        "局长",
        "科长",
        "所长",
        "站长",
        "队长",
        "会计",
        "领导",
        "公务员",
        "公职",
    ];
    let has = |words: &[&str]| words.iter().any(|word| text.contains(word));
    has(DEEDS) || (text.contains("举报") && has(OFFICES))
}

/// What the dialog of a report says beside its questions: that there is a way for clues about cadres, at the first question and
/// again where the words accuse one; and that something will be hidden.
pub fn brought(turn: &Turn<'_, Actor>, answers: &Answers) -> Answers {
    let what = account(answers, "what").text;
    let inspected = !nobody_inspects(turn.actor.directory());
    let begun = answers.contains_key("place") || answers.contains_key("what");
    let mode = Mode::from_code(&key(answers, "identity")).unwrap_or(Mode::Confidential);
    let hidden = kept::warning(&what, mode, &kept::own_names(turn, None));
    let said = [
        ("discipline", (inspected && !begun).then(wording::secrecy::way_for_cadres)),
        ("cadre", (inspected && accuses_cadre(&what)).then(wording::secrecy::offer_for_cadres)),
        ("hidden", hidden),
    ];
    said.into_iter().map(|(slot, words)| (slot.to_owned(), Value::text(words.unwrap_or_default()).into())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clue_never_goes_to_whom_it_is_about() {
        let (jiang, city) = (&["蒋纪检"][..], &["郝巡视"][..]);
        for (about, account, county, above, expected) in [
            ("李支书", "收了低保户的钱", jiang, &[][..], Some(Sealed::Area)),
            ("", "李支书收了低保户的钱", jiang, city, Some(Sealed::Area)),
            ("蒋纪检", "收了烟酒", jiang, &[], None),
            ("蒋 纪检", "收了烟酒", jiang, city, Some(Sealed::Above)),
            ("", "蒋纪检收了烟酒", jiang, city, Some(Sealed::Above)),
            ("县纪委", "压着不办", jiang, &[], None),
            ("县纪委的人", "压着不办", jiang, city, Some(Sealed::Above)),
            ("市纪委", "压着不办", jiang, city, None),
            ("郝巡视", "收了烟酒", jiang, city, None),
            ("", "纪检干部收了烟酒", jiang, &[], None),
            ("李支书", "我向纪委反映过，没人管", jiang, &[], Some(Sealed::Area)),
            ("李支书", "收钱", &[], &[], None),
            ("李支书", "收钱", &[], city, Some(Sealed::Area)),
            ("镇纪检员", "收钱", &[], city, Some(Sealed::Above)),
        ] {
            assert_eq!(reader(about, account, county, above), expected, "{about} {account}");
        }
    }

    #[test]
    fn only_words_about_people_in_office_are_offered_the_way() {
        for (text, expected) in [
            ("我举报前观津村干部贪污低保款", true),
            ("举报村主任", true),
            ("村书记挪用修路的钱", true),
            ("举报有人夜里打井抽水", false),
            ("村主任不给修路灯", false),
            ("希望领导管一管", false),
        ] {
            assert_eq!(accuses_cadre(text), expected, "{text}");
        }
    }
}
