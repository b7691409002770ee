//! From words to a ticket.

use super::{Change, about, account, by, change, deputy::tell_chosen, key, leave, same, tell_role, text};
use crate::{
    bot::{
        Submitted, Turn,
        dialog::{self, Answer, Answers, Value},
    },
    clock::{DAY, HOUR, local},
    error::{Error, Result},
    media,
    message::{Point, Reply},
    outbox::{Class, Target},
    people::{self, Actor, FieldKind, Level, Role},
    seal::random_digits,
    text as words,
    tickets::{
        Kind, Mode, Priority, State, Ticket,
        calendar::{self, Clock},
        group, kept,
        life::{To, Verb, Who},
        show,
        store::{self, At, Event, Reporter},
        veil, wording,
    },
};
use chrono::Timelike;

/// At most so many of a field's questions are put into the one friendly message.
const QUESTIONS: usize = 4;

/// What is reported again so soon after it was closed has come back.
const RELAPSE_WINDOW: i64 = 90 * DAY;

/// What a report comes to, before it is a ticket.
pub(super) struct Clue {
    pub(super) area: String,
    place: String,
    pub(super) point: Option<Point>,
    pub(super) text: String,
    /// Said as well, for intake alone.
    pub(super) more: Option<String>,
    pub(super) media: Vec<i64>,
    pub(super) mode: Mode,
    pub(super) contact: Option<String>,
    /// What the reporter is called, which the unit must not read.
    pub(super) names: Vec<String>,
    on_behalf: bool,
    kind: Option<Kind>,
    /// The deputy whom the reporter chose.
    deputy: Option<i64>,
}

/// 提交: the report becomes a ticket.
pub(super) async fn submit(turn: &mut Turn<'_, Actor>, answers: &Answers, on_behalf: bool) -> Result<Submitted> {
    if on_behalf && key(answers, "more") == "no" {
        turn.say(wording::oversight::batch_over());
        return Ok(Submitted::Done(Vec::new()));
    }
    let Some(clue) = clue_of(turn, answers, on_behalf) else { return Ok(Submitted::Mend("place", String::new())) };
    if let Some(question) = same::question(turn, &clue, answers, on_behalf).await? {
        return Ok(question);
    }
    file(turn, answers, clue).await
}

/// What the answers of a report come to; none without a place.
pub(super) fn clue_of(turn: &Turn<'_, Actor>, answers: &Answers, on_behalf: bool) -> Option<Clue> {
    let Some(Value::Place { code, name, point, words }) = answers.get("place").and_then(Answer::value).cloned() else {
        return None;
    };
    let what = account(answers, "what");
    let mode = Mode::from_code(&key(answers, "identity")).unwrap_or(Mode::Confidential);
    let phone = text(answers, "phone");
    let who = text(answers, "who");
    let contact = [who, phone].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ");
    let names = kept::own_names(turn, Some(&contact));
    let (place, more) = place_named(name, &words, mode, &names);
    Some(Clue {
        area: code,
        place,
        point,
        text: what.text.clone(),
        more,
        media: what.files(),
        mode,
        contact: (!contact.is_empty() && mode == Mode::RealName).then_some(contact),
        names,
        on_behalf,
        kind: None,
        deputy: key(answers, "deputy").parse().ok(),
    })
}

/// The report becomes a ticket of its own.
pub(super) async fn file(turn: &mut Turn<'_, Actor>, answers: &Answers, clue: Clue) -> Result<Submitted> {
    let (mode, on_behalf) = (clue.mode, clue.on_behalf);
    let (ticket, reporter, code) = create(turn, clue).await?;
    let code = (mode == Mode::Anonymous).then_some(code);
    let deputy = ticket.given_to.and_then(|id| turn.actor.directory().staff(id));
    let promise = match deputy {
        Some(deputy) => wording::oversight::given_promise(&deputy.name, ticket.accept_due, turn.now, mode, code.as_deref()),
        None => wording::receipt_promise(ticket.accept_due, turn.now, mode, code.as_deref()),
    };
    if on_behalf {
        turn.say(wording::received(&ticket.short(), &promise));
        return Ok(next_of_batch(answers, mode));
    }
    let values = vec![("number", ticket.short()), ("promise", promise)];
    let mut given = about(&ticket);
    let field = campaign_field(turn, &ticket);
    given.insert("field".into(), Value::key(field.clone(), "").into());
    if key(answers, "detailed") == "yes" || turn.actor.has(Role::Deputy) {
        let (number, promise) = (&values[0].1, &values[1].1);
        turn.say(wording::received(number, promise));
        return Ok(Submitted::Then("details", given));
    }
    if let Some(questions) = questions(turn, &field) {
        turn.say(wording::more_questions(&questions));
        leave(turn, &ticket, Target::Reporter(reporter), ("add", true), turn.now + HOUR / 2)?;
    }
    Ok(Submitted::Done(values))
}

/// Of a visit there is often more than one matter: the next needs only its words. What an anonymous report said is kept nowhere.
fn next_of_batch(answers: &Answers, mode: Mode) -> Submitted {
    if mode == Mode::Anonymous {
        return Submitted::Done(Vec::new());
    }
    let kept = ["who", "phone", "place", "identity"];
    let same = answers.iter().filter(|(step, _)| kept.contains(&step.as_str()));
    Submitted::Then("report_more", same.map(|(step, answer)| (step.clone(), answer.clone())).collect())
}

/// What the dialog for the next matter must be given: whether there is one.
pub fn more_needs(answers: &Answers) -> Answers {
    let mut given = Answers::new();
    if let Some(what) = answers.get("what") {
        given.insert("more".into(), Value::yes_or_no(what.value().is_some()).into());
    }
    given
}

/// The place as the unit reads it, and what was typed for it where that says more of the reporter than the unit may know. What was
/// typed says more than the name when it says where in the village.
pub(super) fn place_named(name: String, words: &str, mode: Mode, names: &[String]) -> (String, Option<String>) {
    if words.chars().count() <= 2 || name.contains(words) || words.chars().count() > 40 {
        return (name, None);
    }
    let open = kept::for_unit(words, mode, names);
    let more = (open != words).then(|| wording::secrecy::place_as_said(words));
    (format!("{name}（{open}）"), more)
}

/// 转人工: words for intake, kept as a ticket of the county so that nothing is lost and an answer finds its way back.
pub(super) async fn human(turn: &mut Turn<'_, Actor>, answers: &Answers) -> Result<Submitted> {
    let directory = turn.actor.directory();
    let Some(county) = directory.areas.all().find(|area| area.level() == Level::County && !area.retired) else {
        return Err(Error::fault("the organisation has no county"));
    };
    let clue = Clue {
        area: county.code.clone(),
        place: county.name.clone(),
        point: None,
        text: text(answers, "text"),
        more: None,
        media: turn.media.iter().map(|file| file.id).collect(),
        mode: Mode::Confidential,
        contact: None,
        names: kept::own_names(turn, None),
        on_behalf: false,
        kind: Some(Kind::Help),
        deputy: None,
    };
    let (ticket, _, _) = create(turn, clue).await?;
    let local = local(turn.now);
    let minutes = local.hour() * 60 + local.minute();
    let open = calendar::works(local.date_naive()) && (8 * 60 + 30..17 * 60 + 30).contains(&minutes);
    turn.say(wording::human_promise(open, &ticket.short()));
    Ok(Submitted::Done(Vec::new()))
}

/// The answers to a field's own questions, after the number.
pub(super) async fn details(turn: &mut Turn<'_, Actor>, answers: &Answers) -> Result<Submitted> {
    let set = turn.actor.office.dialogs.clone();
    let dialog = set.get("details").ok_or_else(|| Error::fault("there is no dialog details"))?;
    let mut lines = Vec::new();
    let mut media = Vec::new();
    for (step, answer) in answers {
        let (Some(step), Some(value)) = (dialog.step(step), answer.value()) else { continue };
        if let Value::Account(account) = value {
            media.extend(account.files());
        }
        let said = dialog::in_words(value);
        if !said.is_empty() {
            lines.push(format!("{}：{said}", step.label));
        }
    }
    let id: i64 = key(answers, "ticket").parse().map_err(|_| Error::fault("details without a ticket"))?;
    let ticket = store::by_id(turn.tx.conn(), id).await?.ok_or_else(|| Error::fault("details of no ticket"))?;
    if lines.is_empty() && media.is_empty() {
        return Ok(Submitted::Done(Vec::new()));
    }
    media::attach(turn.tx, &media, id).await?;
    let said = kept::of_reporter(turn, &ticket, &lines.join("；")).await?;
    change(turn, &ticket, Change::of(Verb::Add).because(&said.open).sealing(&said.original).leading(To::Same), |_| {}).await?;
    Ok(Submitted::Done(Vec::new()))
}

/// Writes the ticket, who reported it, and tells intake. Gives the ticket, the reporter's entry, and the query code.
async fn create(turn: &mut Turn<'_, Actor>, clue: Clue) -> Result<(Ticket, i64, String)> {
    let now = turn.now;
    let office = turn.actor.office.clone();
    let directory = &office.directory;
    let (number, day, seq) = next_number(turn, &clue.area, "").await?;
    let field = directory.propose_field(&clue.text);
    let campaign = field.is_some_and(|field| field.kind == FieldKind::Campaign);
    let kind = clue.kind.unwrap_or_else(|| kind_of(&clue.text, campaign));
    let area = clue.area;
    let priority = if crate::tickets::words::danger(&clue.text) { Priority::Urgent } else { Priority::Normal };
    let village = Level::of(&area) == Some(Level::Village);
    let earlier = match field.filter(|_| village) {
        Some(field) => store::closed_since(turn.tx, &area, &field.id, now - RELAPSE_WINDOW).await?,
        None => None,
    };
    let mut ticket = Ticket {
        id: turn.tx.id()?,
        number,
        day,
        seq,
        kind,
        field: field.map(|field| field.id.clone()),
        // A title is read by all in whose area the ticket lies, whatever they may know of the reporter.
        title: title_of(
            // A title is read by all in whose area the ticket lies, and by others who report the same matter.
            &veil::hidden(&clue.text, &clue.names).replace(wording::HIDDEN, ""),
            &people::areas::short_name(directory, &area),
        ),
        area: area.clone(),
        place: clue.place,
        source: source(turn, clue.on_behalf).to_owned(),
        on_behalf: clue.on_behalf,
        mode: clue.mode,
        priority,
        relapse: earlier.is_some(),
        given_to: clue.deputy.filter(|id| group::may_be_chosen(directory, *id, &area)),
        accept_due: Some(calendar::due(now, calendar::limit(Clock::Accept, kind, priority))),
        ..Ticket::blank(now)
    };
    let kept = kept::report(&office.keys, &ticket, &clue.text, clue.more.as_deref(), &clue.names)?;
    (ticket.text, ticket.original) = (kept.open, kept.original);
    let (reporter, code) = write(turn, &ticket, clue.point, &clue.media, clue.contact).await?;
    match ticket.given_to {
        Some(deputy) => tell_chosen(turn, &ticket, deputy, clue.media.len()),
        None => tell_intake(turn, &ticket, clue.media.len(), earlier.as_deref()),
    }
    Ok((ticket, reporter, code))
}

/// The next number of a series in the county of an area: the number, its day with the mark of the series, and the sequence.
pub(super) async fn next_number(turn: &mut Turn<'_, Actor>, area: &str, series: &str) -> Result<(String, String, i64)> {
    let county = turn.actor.directory().areas.above(area, Level::County);
    let prefix = county.and_then(|county| county.prefix.clone()).unwrap_or_else(|| "MH".into());
    let day = format!("{series}{}", local(turn.now).format("%y%m%d"));
    let seq = store::next_seq(turn.tx, &format!("{prefix}{day}")).await?;
    Ok((format!("{prefix}{day}{seq:04}"), day, seq))
}

/// Writes a new ticket with its files, who reported it, and its first event. Gives the reporter's entry and the query code.
pub(super) async fn write(
    turn: &mut Turn<'_, Actor>,
    ticket: &Ticket,
    point: Option<Point>,
    media: &[i64],
    contact: Option<String>,
) -> Result<(i64, String)> {
    let now = turn.now;
    let keys = turn.actor.office.keys.clone();
    let code = random_digits(8)?;
    let point = point.map(|point| (point.lat, point.lng));
    store::insert(turn.tx, ticket, &keys.hash("query", &code), point).await?;
    media::attach(turn.tx, media, ticket.id).await?;
    let reporter = reporter(turn, ticket, contact)?;
    store::add_reporter(turn.tx, &reporter, now).await?;
    if ticket.mode == Mode::Anonymous {
        turn.answer_as(Target::Reporter(reporter.id));
        // What the dialog said back holds the same words as the ticket and would lead from one to the other.
        crate::outbox::forget_said(turn.tx, &Target::Chat(turn.conversation)).await?;
    }
    let event = Event::of(Verb::Report, State::Submitted);
    let at = At { ticket: ticket.id, seq: 1, turn_key: turn.key, now };
    store::event(turn.tx, &keys, at, by(turn, Who::Reporter), event).await?;
    Ok((reporter.id, code))
}

/// Where a report came from: a deputy or a station that writes for others, else the channel.
fn source<'t>(turn: &Turn<'t, Actor>, on_behalf: bool) -> &'t str {
    match on_behalf {
        true if turn.actor.has(Role::Deputy) => "deputy",
        true if turn.actor.has(Role::StationKeeper) => "station",
        _ => turn.ability.kind,
    }
}

/// Tells intake of a new matter, with so many files and the number of an earlier one of the kind that was closed there lately.
pub(super) fn tell_intake(turn: &mut Turn<'_, Actor>, ticket: &Ticket, files: usize, earlier: Option<&str>) {
    let office = turn.actor.office.clone();
    let directory = &office.directory;
    let proposal = directory.propose(&ticket.text, ticket.field.as_deref(), &ticket.area);
    let proposal = proposal.as_ref().map(|proposal| (proposal.unit.name.as_str(), proposal.reason.as_str()));
    let before = earlier.map(wording::terms::closed_here_before).unwrap_or_default();
    let detail = wording::with_media(&words::shorten(&ticket.text, 200), files);
    let reply = Reply::both(
        wording::new_for_intake(&ticket.number, &show::group_scope(ticket, directory), ticket.urgent()) + before.as_str(),
        wording::new_for_intake_private(&show::label(ticket, directory), &detail, ticket, proposal) + before.as_str(),
    );
    tell_role(turn, ticket, Role::Intake, Class::Batch, reply);
}

/// The entry that leads back to whoever reported: to the person, or for an anonymous one to the account alone.
pub(super) fn reporter(turn: &mut Turn<'_, Actor>, ticket: &Ticket, contact: Option<String>) -> Result<Reporter> {
    let id = turn.tx.id()?;
    let office = turn.actor.office.clone();
    let (holder, plain) = match ticket.mode {
        Mode::Anonymous => (turn.actor.nameless_holder(), serde_json::to_string(&turn.actor.address)?),
        Mode::RealName | Mode::Confidential => (turn.actor.holder(), turn.actor.person.to_string()),
    };
    let sealed = office.keys.seal(&people::reporter_place(id), &plain)?;
    let contact = contact.map(|contact| office.keys.seal(&store::contact_place(id), &contact)).transpose()?;
    Ok(Reporter { id, ticket: ticket.id, mode: ticket.mode, holder, sealed, contact })
}

/// What kind of ticket the words make (`domain.md` 5); intake corrects it.
pub fn kind_of(text: &str, campaign: bool) -> Kind {
    let has = |list: &[&str]| list.iter().any(|word| text.contains(word));
    if has(&["举报", "贪污", "受贿", "吃拿卡要"]) {
        Kind::Accusation
    } else if campaign {
        Kind::Clue
    } else if has(&["怎么办理", "怎么申请", "请问", "咨询", "需要什么手续", "什么时候能"]) {
        Kind::Consult
    } else if has(&["建议", "希望能"]) {
        Kind::Advice
    } else if has(&["感谢", "表扬"]) {
        Kind::Thanks
    } else if has(&["求助", "帮帮", "帮忙", "困难"]) {
        Kind::Help
    } else {
        Kind::Complaint
    }
}

/// A ticket's title: its first words, without the village's name at their beginning, which stands beside them.
pub fn title_of(text: &str, village: &str) -> String {
    let line = words::one_line(text);
    let bare = village.trim_end_matches('村');
    let whole = line.strip_prefix(village).filter(|_| !village.is_empty());
    let rest = whole.or_else(|| line.strip_prefix(bare).filter(|_| bare.chars().count() > 1));
    let line = match rest.map(|rest| rest.strip_prefix("村").unwrap_or(rest)) {
        // 前观津村口的路灯 is about 村口的路灯.
        Some(rest) if rest.starts_with(['口', '头', '东', '西', '南', '北']) => format!("村{rest}"),
        Some(rest) => rest.to_owned(),
        None => line,
    };
    let line = line.trim_start_matches(['，', ',', ' ', '的', '：']).trim_start_matches("里的").trim_start_matches("里头");
    let first = line.split(['。', '！', '？', ';', '；']).next().unwrap_or_default();
    let title = words::shorten(first, 16);
    if title.is_empty() { wording::UNTITLED.to_owned() } else { title }
}

/// The campaign field whose questions fit, else `topic`.
fn campaign_field(turn: &Turn<'_, Actor>, ticket: &Ticket) -> String {
    let field = ticket.field.as_deref().and_then(|id| turn.actor.directory().field(id));
    field.filter(|field| field.kind == FieldKind::Campaign).map_or_else(|| "topic".to_owned(), |field| field.id.clone())
}

/// The first questions of a field, from the dialog file; none for general topics, where they would only delay.
fn questions(turn: &Turn<'_, Actor>, field: &str) -> Option<Vec<String>> {
    if field == "topic" {
        return None;
    }
    let set = turn.actor.office.dialogs.clone();
    let dialog = set.get("details")?;
    let prefix = format!("{field}_");
    let asks: Vec<String> =
        dialog.steps.iter().filter(|step| step.id.starts_with(&prefix)).map(|step| step.ask.clone()).take(QUESTIONS).collect();
    (!asks.is_empty()).then_some(asks)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_by_their_words() {
        for (text, campaign, kind) in [
            ("夜里有人打井抽水卖", true, Kind::Clue),
            ("举报村干部受贿", true, Kind::Accusation),
            ("请问低保怎么申请", false, Kind::Consult),
            ("路灯不亮", false, Kind::Complaint),
            ("建议修一修桥", false, Kind::Advice),
        ] {
            assert_eq!(kind_of(text, campaign), kind, "{text}");
        }
    }

    #[test]
    fn a_title_is_the_first_words() {
        assert_eq!(title_of("夜里有人打井抽水卖。半年多了", "前观津村"), "夜里有人打井抽水卖");
        assert_eq!(title_of("前观津夜里有人打井", "前观津村"), "夜里有人打井");
        assert_eq!(title_of("村口路灯不亮", "前观津村"), "村口路灯不亮");
        assert_eq!(title_of("前观津村口的路灯坏了", "前观津村"), "村口的路灯坏了");
        assert_eq!(title_of("前观津村东的桥断了", "前观津村"), "村东的桥断了");
        assert_eq!(title_of("村东的桥断了", "前观津村"), "村东的桥断了");
        assert_eq!(title_of("", "前观津村"), "（照片或语音）");
    }
}
