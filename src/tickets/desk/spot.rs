//! On the spot: 请查验, 查验, 销号.

use super::{
    Change, account, attach, change,
    deputy::tell_group,
    key, my_name,
    outcome::{anew, handled_by},
    tell_handler, tell_person, tell_reporters, tell_role,
};
use crate::{
    bot::{
        Turn, close_offers,
        dialog::{Account, Answers, Item, Value},
    },
    error::{Error, Result},
    message::{MediaKind, Reply},
    outbox::Class,
    people::{Actor, Role, may_judge},
    tickets::{
        State, Ticket, group,
        life::{To, Verb},
        oversight::{self, Checker},
        show,
        wording::{self, oversight as words},
    },
};

/// 请查验: a deputy or a group is asked to look.
pub(super) async fn check(turn: &mut Turn<'_, Actor>, ticket: Ticket, answers: &Answers) -> Result<Reply> {
    let of = group::checker(&key(answers, "who")).ok_or_else(|| Error::fault("请查验 without anybody"))?;
    let directory = turn.actor.office.directory.clone();
    let name = match &of {
        Checker::Person(id) => directory.staff(*id).map_or(words::SOMEBODY, |staff| staff.name.as_str()),
        Checker::Group(id) => group::name(&directory, id),
    };
    if oversight::checks_of(turn.tx, ticket.id).await?.iter().any(|check| check.of == of) {
        return Err(Error::user(words::asked_already(&ticket.short(), name)));
    }
    let after = change(turn, &ticket, Change::of(Verb::Check).because(name).internal(), |_| {}).await?;
    oversight::add_check(turn, after.id, &of).await?;
    let by = my_name(turn);
    let result = show::result_line(&after).unwrap_or_default();
    let private = words::check_in_private(&show::label(&after, &directory), &by, &after.place, &result, after.seq);
    let mut in_private = Reply::text(private);
    in_private.card = Some(show::private_card("请去现场看", &after, &directory, turn.now));
    in_private.choices = show::chips(&after, &["看"]);
    match &of {
        Checker::Person(id) => tell_person(turn, &after, *id, in_private),
        Checker::Group(id) => {
            let Some(group) = directory.deputy_groups().iter().find(|group| group.id == *id) else {
                return Err(Error::fault("请查验 by a group that is gone"));
            };
            let text = words::check_for_group(&show::group_label(&after, &directory), &by, after.seq);
            let chat = show::group_card("请去现场看", &after, &directory, turn.now, text, &["看"]);
            tell_group(turn, &after, group, Class::Now, chat, &in_private);
        }
    }
    Ok(words::check_asked(&show::here(turn, &after), name).into())
}

/// What the dialog of 查验 must be given: a picture that came with the command is what was seen; words without one are asked
/// for a picture once.
pub fn verify_needs(turn: &Turn<'_, Actor>, answers: &Answers) -> Answers {
    let mut given = Answers::new();
    if key(answers, "verdict").is_empty() {
        return given;
    }
    let shown: Vec<_> = turn.media.iter().filter(|file| file.kind != MediaKind::Voice).copied().collect();
    let seen = answers.get("seen");
    let has_picture = match seen.and_then(|answer| answer.value()) {
        Some(Value::Account(account)) => account.media.iter().any(|file| file.kind != MediaKind::Voice),
        _ => false,
    };
    match seen {
        None if !shown.is_empty() => {
            given.insert("seen".into(), Value::Account(Account { text: String::new(), media: shown }).into());
            given.insert("no_picture".into(), Value::yes_or_no(false).into());
        }
        None => {}
        // Whoever was asked and had neither is not asked again.
        Some(answer) => _ = given.insert("no_picture".into(), Value::yes_or_no(answer.value().is_some() && !has_picture).into()),
    }
    given
}

/// Why this person may not verify the ticket, though deputies may: he handled it himself.
pub(super) async fn may_not_verify(turn: &mut Turn<'_, Actor>, ticket: &Ticket) -> Result<Option<String>> {
    let judge = may_judge(turn.actor.person, &handled_by(turn, ticket).await?);
    Ok((!judge).then(|| words::handled_it(&ticket.short())))
}

/// 查验: a deputy was there.
pub(super) async fn verify(turn: &mut Turn<'_, Actor>, ticket: Ticket, answers: &Answers) -> Result<Reply> {
    if let Some(sentence) = may_not_verify(turn, &ticket).await? {
        return Err(Error::user(sentence));
    }
    let mut seen = account(answers, "seen");
    let photo = account(answers, "photo");
    seen.add("", &photo.media);
    let rectified = key(answers, "verdict") == "rectified";
    if !rectified && seen.is_empty() {
        return Err(Error::user(words::say_what_is_wrong(ticket.seq)));
    }
    let now = turn.now;
    let said = wording::with_media(&seen.text, seen.media.len());
    let to = match (rectified, &ticket.unit) {
        (true, _) => To::Same,
        (false, Some(_)) => To::State(State::Working),
        (false, None) => To::State(State::Submitted),
    };
    let payload = if ticket.state == State::Closed && !rectified { "relapse" } else { "" };
    let after = change(turn, &ticket, Change::of(Verb::Verify).because(&said).with(payload).leading(to), |after| match to {
        To::Same => after.verified_at = Some(now),
        // The result was not accepted yet: the time goes on from where it was.
        _ if ticket.state == State::InReview => {
            after.signed_off = false;
            after.resolved_at = None;
            unseen(after);
        }
        _ => anew(after, now),
    })
    .await?;
    attach(turn, &seen, after.id).await?;
    let asked = oversight::checks_of(turn.tx, after.id).await?;
    oversight::checked(turn, after.id).await?;
    let after = if rectified { strike_off(turn, after).await? } else { after };
    tell(turn, &ticket, &after, rectified, &said).await?;
    for asker in asked
        .iter()
        .map(|check| check.asked_by)
        .filter(|asker| *asker != turn.actor.person)
        .collect::<std::collections::BTreeSet<_>>()
    {
        let npc = turn.actor.directory().grants(asker).iter().any(|grant| grant.role == Role::NpcStaff);
        if !npc {
            let reply = report(turn, &after, rectified, &said);
            tell_person(turn, &after, asker, reply);
        }
    }
    Ok(words::verified(&show::here(turn, &after), rectified, after.struck_off_at.is_some()).into())
}

/// What the congress staff and whoever asked read.
fn report(turn: &Turn<'_, Actor>, after: &Ticket, rectified: bool, said: &str) -> Reply {
    let directory = turn.actor.directory();
    let by = &my_name(turn);
    let (group, label) = (show::group_label(after, directory), show::label(after, directory));
    let sentence = |label: &str, said: &str| {
        if rectified {
            words::seen_rectified(label, by, said)
        } else {
            words::not_rectified_for_staff(label, by, said, after.seq)
        }
    };
    Reply::both(sentence(&group, ""), sentence(&label, said))
}

async fn tell(turn: &mut Turn<'_, Actor>, before: &Ticket, after: &Ticket, rectified: bool, said: &str) -> Result<()> {
    let staff = report(turn, after, rectified, said);
    tell_role(turn, after, Role::NpcStaff, Class::Batch, staff.clone());
    if rectified {
        tell_handler(turn, after, Class::Batch, staff);
        return Ok(());
    }
    let (now, directory) = (turn.now, turn.actor.office.directory.clone());
    let by = my_name(turn);
    let (group, label) = (show::group_label(after, &directory), show::label(after, &directory));
    if after.state == State::Working {
        let reply = Reply::both(
            words::seen_not_rectified(&group, &by, "", after.resolve_due, now),
            words::seen_not_rectified(&label, &by, said, after.resolve_due, now),
        );
        tell_handler(turn, after, Class::Now, reply.clone());
        tell_role(turn, after, Role::UnitLeader, Class::Now, reply);
    } else {
        let reply = Reply::both(words::back_to_centre(&group, after.seq), words::back_to_centre(&label, after.seq));
        tell_role(turn, after, Role::Intake, Class::Now, reply);
    }
    if before.state != State::InReview {
        close_offers(turn.tx, after.id, &["rate"]).await?;
        tell_reporters(turn, after, words::reporter_not_rectified(&label, show::running_due(after), now).into()).await?;
    }
    Ok(())
}

/// What was seen on the spot says nothing about the work that follows.
pub(super) fn unseen(ticket: &mut Ticket) {
    ticket.verified_at = None;
    ticket.struck_off_at = None;
}

/// 销号, by itself, once the centre accepted the result and it was seen on the spot in this round, whichever came last.
pub(super) async fn strike_off(turn: &mut Turn<'_, Actor>, ticket: Ticket) -> Result<Ticket> {
    let accepted = matches!(ticket.state, State::Callback | State::Closed);
    if !accepted || ticket.verified_at.is_none() || ticket.struck_off_at.is_some() {
        return Ok(ticket);
    }
    let now = turn.now;
    change(turn, &ticket, Change::of(Verb::StrikeOff), |ticket| ticket.struck_off_at = Some(now)).await
}

/// Whom 请查验 offers for a ticket.
///
/// # Errors
/// Those of the database.
pub async fn checkers(turn: &mut Turn<'_, Actor>, ticket: &Ticket) -> Result<Vec<Item>> {
    let handled = handled_by(turn, ticket).await?;
    Ok(group::checkers(&turn.actor, ticket, &handled))
}
