//! The unit's work: 签收, 退单, 进展, 联系, 转办, 转告, 办结.

use super::{
    Change, about, account, answer, attach, change, dispute, joint, key, my_name, push, sealed, tell_handler, tell_reporters,
    tell_role, text, unit_name,
};
use crate::{
    bot::{
        Offer, Submitted, Turn,
        dialog::{Account, Answers, Value},
    },
    clock::DAY,
    error::{Error, Result},
    message::Reply,
    outbox::{Class, Target},
    people::{Actor, Role},
    tickets::{
        Method, Mode, Sealed, State, Ticket, Verification,
        calendar::{self, Amount, Clock},
        group, kept,
        life::{Verb, When, Who},
        refs, show, taken_back, wording,
    },
};

/// 签收.
pub(super) async fn sign(turn: &mut Turn<'_, Actor>, ticket: Ticket) -> Result<Reply> {
    let after = change(turn, &ticket, Change::of(Verb::Sign), |_| {}).await?;
    let extra = wording::signed_hint(&after, turn.now);
    Ok(answer(turn, Verb::Sign, &after, &extra))
}

/// 退单: the first of a ticket is the dispatcher's, the second a dispute; each unit may once.
pub(super) async fn send_back(turn: &mut Turn<'_, Actor>, ticket: Ticket, answers: &Answers) -> Result<Reply> {
    let unit = unit_name(turn, &ticket);
    dispute::may_send_back(turn, &ticket, &unit).await?;
    let now = turn.now;
    let until = ticket.dispatched_at.map(|at| calendar::due(at, Amount::Days(2)));
    if until.is_some_and(|until| now > until) {
        return Err(Error::user(wording::send_back_too_late()));
    }
    let reason = wording::unit_reason(&key(answers, "reason"));
    let to = key(answers, "unit");
    let directory = turn.actor.office.directory.clone();
    let proposed = directory.unit(&to).map(|unit| unit.name.clone());
    let why = format!("{unit}：{reason}");
    let sent = dispute::SentBack { unit: ticket.unit.clone().unwrap_or_default(), to };
    let payload = serde_json::to_string(&sent)?;
    let after = change(turn, &ticket, Change::of(Verb::SendBack).because(&why).with(&payload).internal(), |ticket| {
        ticket.send_backs += 1;
        ticket.sign_due = None;
        ticket.contact_due = None;
        ticket.dispatch_due = Some(ticket.due(Clock::Dispatch, now));
    })
    .await?;
    if after.state == State::Disputed {
        dispute::tell_dispute(turn, &after, reason, proposed.as_deref()).await?;
        return Ok(wording::joint::dispute_waits(&show::here(turn, &after)).into());
    }
    let text = wording::sent_back(&show::group_label(&after, &directory), &unit, reason, proposed.as_deref(), after.seq);
    let private = wording::sent_back(&show::label(&after, &directory), &unit, reason, proposed.as_deref(), after.seq);
    tell_role(turn, &after, Role::Dispatcher, Class::Now, Reply::both(text, private));
    Ok(answer(turn, Verb::SendBack, &after, ""))
}

/// 进展; with 公开 the reporter reads it.
pub(super) async fn note(turn: &mut Turn<'_, Actor>, ticket: Ticket, answers: &Answers) -> Result<Reply> {
    let said = text(answers, "text");
    let open = key(answers, "open") == "yes";
    let what = Change::of(Verb::Note).because(&said);
    let after = change(turn, &ticket, if open { what } else { what.internal() }, |_| {}).await?;
    if open {
        let label = show::label(&after, turn.actor.directory());
        let unit = unit_name(turn, &after);
        tell_reporters(turn, &after, wording::public_note(&label, &unit, &said).into()).await?;
    }
    Ok(wording::noted(&show::here(turn, &after), open).into())
}

/// 联系: the first one stops the contact clock, where the unit may know the reporter.
pub(super) async fn contact(turn: &mut Turn<'_, Actor>, ticket: Ticket, answers: &Answers) -> Result<Reply> {
    let now = turn.now;
    if ticket.mode != Mode::RealName {
        return Err(Error::user(wording::contact_through_bot(ticket.typed())));
    }
    let words = text(answers, "words");
    let after = change(turn, &ticket, Change::of(Verb::Contact).because(&words).internal(), |ticket| {
        ticket.first_contact_at.get_or_insert(now);
    })
    .await?;
    Ok(wording::contacted(&show::here(turn, &after)).into())
}

/// 转办: to a colleague of the unit.
pub(super) async fn give(turn: &mut Turn<'_, Actor>, ticket: Ticket, answers: &Answers) -> Result<Reply> {
    let person: i64 = key(answers, "person").parse().map_err(|_| Error::fault("转办 without a person"))?;
    let directory = turn.actor.office.directory.clone();
    let colleague = directory.staff(person).filter(|staff| refs::is_of_unit(&directory, staff, &ticket));
    let Some(colleague) = colleague else { return Err(Error::user(wording::only_colleagues())) };
    let name = colleague.name.clone();
    let after =
        change(turn, &ticket, Change::of(Verb::Give).because(&name).internal(), |ticket| ticket.handler = Some(person)).await?;
    let by = my_name(turn);
    let mut reply = Reply::text(wording::given(&show::label(&after, &directory), &by));
    reply.card = Some(show::private_card("转给您的工单", &after, &directory, turn.now));
    reply.choices = show::chips(&after, &["看", "办结"]);
    push(turn, &after, Target::Person(person), Class::Now, reply);
    Ok(wording::given_to(&show::here(turn, &after), &name).into())
}

/// The sides between which words go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side {
    Reporter,
    /// A call-back clerk, who asks where he may not telephone.
    Clerk,
    /// Intake; of a sealed ticket the inspectors.
    Centre,
    Unit,
}

/// 转告: between whoever reported, intake and the unit, one hop at a time; names stay hidden. Said to nobody by name, a reporter's
/// words go to whoever has the ticket, and all others' to the reporter.
pub(super) async fn relay(turn: &mut Turn<'_, Actor>, ticket: Ticket, answers: &Answers) -> Result<Reply> {
    let (now, said) = (turn.now, text(answers, "text"));
    let mine = refs::reported(turn, ticket.id).await?.is_some();
    let staff = refs::permitted(&turn.actor, &ticket, Verb::Relay, false);
    if matches!(staff, Some((_, Who::Holder(Role::GroupLead)))) {
        return relay_of_lead(turn, ticket, &said).await;
    }
    let by_clerk = matches!(staff, Some((_, Who::Holder(Role::CallbackClerk)))) && ticket.sealed == Sealed::Open;
    let with_deputy = group::with_deputy(turn.actor.directory(), &ticket, now) == Some(turn.actor.person);
    let of_unit = [Role::Liaison, Role::Handler].iter().any(|role| refs::is(&turn.actor, &ticket, Who::Holder(*role), false));
    let from = match (mine && staff.is_none(), of_unit && ticket.sealed == Sealed::Open) {
        (true, _) => Side::Reporter,
        _ if by_clerk => Side::Clerk,
        (false, true) => Side::Unit,
        (false, false) => Side::Centre,
    };
    let asking = if from == Side::Reporter { asking_clerk(turn, &ticket).await? } else { None };
    let with_unit = has_unit(&ticket);
    let to = match key(answers, "to").as_str() {
        "unit" | "intake" if from == Side::Clerk => return Err(Error::user(wording::secrecy::clerk_to_reporter(ticket.seq))),
        "reporter" => Side::Reporter,
        "intake" => Side::Centre,
        "unit" if ticket.sealed != Sealed::Open && from == Side::Reporter => Side::Centre,
        "unit" if !with_unit => return Err(Error::user(wording::secrecy::no_unit_yet(&ticket.short()))),
        "unit" => Side::Unit,
        _ if from != Side::Reporter => Side::Reporter,
        // What a call-back clerk asked is answered to the clerk alone.
        _ if asking.is_some() => Side::Clerk,
        _ if with_unit => Side::Unit,
        _ => Side::Centre,
    };
    if from == to {
        return Err(Error::user(wording::secrecy::to_whom(ticket.typed())));
    }
    let office = turn.actor.office.clone();
    let kept = match (from, to) {
        (Side::Reporter, _) => {
            sealed::guard(turn, &ticket, &said)?;
            kept::of_reporter(turn, &ticket, &said).await?
        }
        (Side::Centre, Side::Unit) => {
            let (mode, names) = kept::most_hidden(turn, &ticket).await?;
            let open = kept::for_unit(&said, mode, &names);
            kept::Kept { open, original: None }
        }
        _ => kept::Kept::of(&said),
    };
    let what = Change::of(Verb::Relay).because(&kept.open).sealing(&kept.original);
    let what = match (from, to) {
        (Side::Centre, Side::Unit) | (Side::Unit, Side::Centre) => what.internal(),
        // While the unit works on it, what reporter and intake say to each other is theirs.
        (Side::Reporter, Side::Centre) | (Side::Centre, Side::Reporter) if with_unit => what.of_centre(),
        // How the unit's people behaved is asked behind their backs.
        (Side::Clerk, _) | (_, Side::Clerk) => what.of_centre(),
        _ => what,
    };
    let after = change(turn, &ticket, what, |ticket| {
        if from == Side::Unit && to == Side::Reporter && ticket.mode != Mode::RealName {
            ticket.first_contact_at.get_or_insert(now);
        }
    })
    .await?;
    let label = show::label(&after, &office.directory);
    match (from, to) {
        (_, Side::Reporter) => {
            let name = match from {
                Side::Unit => unit_name(turn, &after),
                _ if with_deputy => my_name(turn),
                _ if after.sealed != Sealed::Open => unit_name(turn, &after),
                Side::Clerk => Role::CallbackClerk.chinese().to_owned(),
                Side::Reporter | Side::Centre => wording::INTAKE.to_owned(),
            };
            let told = tell_reporters(turn, &after, wording::relay_to_reporter(&label, &name, &said).into()).await?;
            for reporter in told {
                // The answer goes back to whoever spoke.
                let back = match from {
                    Side::Unit => "unit",
                    Side::Clerk => "clerk",
                    // Whoever has it by then: the deputy, or intake.
                    _ if with_deputy => "",
                    Side::Reporter | Side::Centre => "intake",
                };
                leave_relay(turn, &after, Target::Reporter(reporter.id), back)?;
            }
        }
        (Side::Reporter, _) => {
            let reply = Reply::both(
                wording::word_from_reporter(&after.short()),
                wording::relay_to_staff(&label, &kept.open, after.typed()),
            );
            match (to, asking) {
                (Side::Clerk, Some(clerk)) => super::tell_person(turn, &after, clerk, reply),
                (Side::Centre, _) if with_unit => tell_role(turn, &after, Role::Intake, Class::Now, reply),
                _ => tell_whoever_has_it(turn, &after, Class::Now, reply),
            }
        }
        (_, to) => {
            let name = if from == Side::Unit { unit_name(turn, &after) } else { wording::INTAKE.to_owned() };
            let back = if from == Side::Unit { "单位" } else { wording::INTAKE };
            let reply = Reply::both(
                wording::secrecy::word_between(&after.short(), &name),
                wording::secrecy::relay_between(&label, &name, &kept.open, after.typed(), back),
            );
            match to {
                Side::Unit => tell_handler(turn, &after, Class::Now, reply),
                _ => tell_role(turn, &after, Role::Intake, Class::Now, reply),
            }
        }
    }
    let mut done = wording::relayed(&show::here(turn, &after));
    if from == Side::Centre && kept.open != said {
        done.push_str(wording::secrecy::numbers_left_out());
    }
    Ok(done.into())
}

/// 转告 by a group's lead, who speaks for the deputy who reported it: both the unit and the deputy hear it.
async fn relay_of_lead(turn: &mut Turn<'_, Actor>, ticket: Ticket, said: &str) -> Result<Reply> {
    // Whom he speaks for, and whom that one speaks for, is not the unit's to know where they did not give their names.
    let office = turn.actor.office.clone();
    let (mode, mut names) = kept::most_hidden(turn, &ticket).await?;
    let deputies = office.directory.holders(Role::Deputy, refs::scope_of(&ticket));
    names.extend(deputies.into_iter().filter(|staff| staff.id != turn.actor.person).map(|staff| staff.name.clone()));
    let open = kept::for_unit(said, mode, &names);
    let after = change(turn, &ticket, Change::of(Verb::Relay).because(&open), |_| {}).await?;
    let label = show::label(&after, turn.actor.directory());
    let name = my_name(turn);
    let reply = Reply::both(
        wording::word_from_reporter(&after.short()),
        wording::oversight::relay_from_lead(&label, &name, &open, after.seq),
    );
    tell_whoever_has_it(turn, &after, Class::Now, reply);
    let told = tell_reporters(turn, &after, wording::relay_to_reporter(&label, &name, said).into()).await?;
    for reporter in told {
        leave_relay(turn, &after, Target::Reporter(reporter.id), "")?;
    }
    Ok(wording::relayed(&show::here(turn, &after)).into())
}

/// Leaves a question whose answer is taken back to this side.
fn leave_relay(turn: &mut Turn<'_, Actor>, ticket: &Ticket, target: Target, back: &str) -> Result<()> {
    let mut preset = about(ticket);
    if !back.is_empty() {
        preset.insert("to".into(), Value::key(back, "").into());
    }
    let expires_at = turn.now + 10 * DAY;
    turn.offer(Offer { target, dialog: "relay", preset, ticket: ticket.id, urgent: ticket.urgent(), optional: true, expires_at })
}

/// Does a unit have the ticket now?
fn has_unit(ticket: &Ticket) -> bool {
    let with_centre =
        matches!(ticket.state, State::Submitted | State::NeedInfo | State::Accepted | State::SentBack | State::Disputed);
    ticket.unit.is_some() && !with_centre && ticket.sealed == Sealed::Open
}

/// The call-back clerk, if the last words to the reporter were his. Once it is worked on again, words are for the unit.
async fn asking_clerk(turn: &mut Turn<'_, Actor>, ticket: &Ticket) -> Result<Option<i64>> {
    if ticket.sealed != Sealed::Open || ticket.state != State::Callback {
        return Ok(None);
    }
    let history = taken_back::in_force(turn.tx, ticket.id).await?;
    let last = history.iter().rfind(|past| past.verb == Verb::Relay && past.actor.is_some());
    Ok(last.filter(|past| past.role == Role::CallbackClerk.as_str()).and_then(|past| past.actor))
}

/// Tells the unit while it has the ticket, the dispatcher while nobody has, before that intake, or the deputy whom the reporter
/// chose.
pub(super) fn tell_whoever_has_it(turn: &mut Turn<'_, Actor>, ticket: &Ticket, class: Class, reply: Reply) {
    if let Some(deputy) = group::with_deputy(turn.actor.directory(), ticket, turn.now) {
        super::tell_person(turn, ticket, deputy, reply);
        return;
    }
    match ticket.state {
        State::Submitted | State::NeedInfo => tell_role(turn, ticket, Role::Intake, class, reply),
        State::Accepted | State::SentBack | State::Disputed => tell_role(turn, ticket, Role::Dispatcher, class, reply),
        _ if ticket.unit.is_some() => tell_handler(turn, ticket, class, reply),
        _ => tell_role(turn, ticket, Role::Intake, class, reply),
    }
}

/// The rule `finish_result`: ten characters with a picture, twenty without; a picture where the field demands one.
///
/// # Errors
/// The sentence that says what is missing.
pub fn finish_result(value: &Value, answers: &Answers) -> Result<(), String> {
    let empty = Account::default();
    let account = match value {
        Value::Account(account) => account,
        _ => &empty,
    };
    let with_photo = !account.media.is_empty();
    let length = account.text.chars().filter(|c| !c.is_whitespace()).count();
    if key(answers, "needs_photo") == "yes" && !with_photo {
        return Err(wording::photo_needed().to_owned());
    }
    if length < if with_photo { 10 } else { 20 } {
        return Err(wording::result_too_short(with_photo).to_owned());
    }
    Ok(())
}

/// What the finishing dialog must be given about its ticket: whether a verdict and a picture are needed.
///
/// # Errors
/// Those of the database.
pub async fn finish_needs(turn: &mut Turn<'_, Actor>, answers: &Answers) -> Result<Answers> {
    let mut given = Answers::new();
    if !answers.contains_key("ticket") {
        return Ok(given);
    }
    let tickets = super::tickets(turn, answers).await?;
    let Some(ticket) = tickets.first() else { return Ok(given) };
    // A deputy who settled it on the spot tells how, no more; what inspectors found out shows on no picture of the place.
    let settled = ticket.state == State::Submitted;
    let field = ticket.field.as_deref().and_then(|id| turn.actor.directory().field(id));
    let photo = !settled && ticket.sealed == Sealed::Open && field.is_some_and(|field| field.photo);
    given.insert("needs_verdict".into(), Value::yes_or_no(!settled && ticket.kind.needs_verdict()).into());
    given.insert("needs_photo".into(), Value::yes_or_no(photo).into());
    Ok(given)
}

/// 办结.
pub(super) async fn finish(turn: &mut Turn<'_, Actor>, answers: &Answers) -> Result<Submitted> {
    let mut tickets = super::tickets(turn, answers).await?;
    let Some(ticket) = tickets.pop().filter(|_| tickets.is_empty()) else {
        return Err(Error::user(wording::finish_one_by_one()));
    };
    let result = account(answers, "result");
    let verification = Verification::from_code(&key(answers, "verification"));
    let method = Method::from_code(&key(answers, "method"));
    let now = turn.now;
    if let Some(sentence) = joint::awaited(turn, &ticket).await? {
        return Err(Error::user(sentence));
    }
    let why = joint::missed(turn, &ticket).await? + result.text.as_str();
    // The reporter reads a unit's result once it has been checked, with 通过; a deputy's, the inspectors' and the answer to a
    // question at once.
    let settled = ticket.state == State::Submitted;
    let answered = When::NeedsNoReview.holds(&ticket);
    let what = Change::of(Verb::Done).because(&why);
    let what = if settled || answered || ticket.sealed != Sealed::Open { what } else { what.internal() };
    let after = change(turn, &ticket, what, |ticket| {
        // Of a sealed ticket the result stands in the event alone, sealed.
        ticket.result = (ticket.sealed == Sealed::Open).then(|| result.text.clone());
        ticket.verification = verification;
        ticket.method = method;
        ticket.resolved_at = Some(now);
        ticket.signed_off = false;
    })
    .await?;
    attach(turn, &result, after.id).await?;
    if settled {
        super::deputy::settled(turn, &after).await?;
        return Ok(Submitted::Done(Vec::new()));
    }
    if after.sealed != Sealed::Open {
        let told = Ticket { result: Some(result.text.clone()), ..after.clone() };
        let unit = unit_name(turn, &told);
        super::outcome::ask_rating(turn, &told, &unit).await?;
        let done = answer(turn, Verb::Done, &after, wording::secrecy::result_told());
        turn.say(done);
        return Ok(Submitted::Done(Vec::new()));
    }
    if after.state == State::Callback {
        let unit = unit_name(turn, &after);
        super::outcome::ask_rating(turn, &after, &unit).await?;
        let done = answer(turn, Verb::Done, &after, wording::answer_passed_on());
        turn.say(done);
        super::photos::expect(turn, &after)?;
        return Ok(Submitted::Done(Vec::new()));
    }
    let directory = turn.actor.office.directory.clone();
    let number = show::group_label(&after, &directory);
    let detail = show::result_line(&after).unwrap_or_default();
    let head = wording::to_sign_off(&after.short(), after.seq);
    let private = wording::result_private(&head, &show::label(&after, &directory), &detail);
    let reply = Reply::both(wording::to_sign_off(&number, after.seq), private);
    tell_role(turn, &after, Role::UnitLeader, Class::Batch, reply);
    let extra = if result.media.is_empty() { String::new() } else { wording::files(result.media.len()) };
    let done = answer(turn, Verb::Done, &after, &extra);
    turn.say(done);
    super::photos::expect(turn, &after)?;
    Ok(Submitted::Done(Vec::new()))
}
