//! The rows of generated tickets, gathered for a transaction and written table by table.

use super::{
    life::{Cast, Dice, Step},
    wording,
};
use crate::{
    clock::{DAY, HOUR, MINUTE},
    db::{Tx, insert},
    error::Result,
    message::{Address, Millis, Reply},
    outbox::{self, Class, Target, WORTH},
    people::{person_holder, reporter_place},
    seal::Keys,
    tickets::{
        Mode, State, Ticket,
        chain::{self, Link},
        desk,
        life::Verb,
        store::{self, Reporter},
    },
};

/// Texts of messages are forgotten after this time, as upkeep does.
const BODIES: Millis = 30 * DAY;
/// Marks of messages are kept this long.
const SEEN: Millis = 3 * DAY;
/// A nameless reporter is forgotten this long after closing.
const ALIASES: Millis = 180 * DAY;

/// Somebody who reports.
#[derive(Debug, Clone)]
pub(super) struct Whose {
    pub person: i64,
    pub address: Address,
    pub conversation: i64,
}

/// A ticket with its life.
pub(super) struct Filled {
    pub ticket: Ticket,
    pub steps: Vec<Step>,
    pub cast: Cast,
}

struct Event {
    id: i64,
    ticket: i64,
    seq: i64,
    key: String,
    step: Step,
    hash: String,
}

struct Message {
    id: i64,
    key: String,
    ticket: i64,
    target: Target,
    class: Class,
    body: String,
    at: Millis,
    state: &'static str,
    why: Option<&'static str>,
}

struct Offer {
    id: i64,
    target: Target,
    preset: String,
    ticket: i64,
    state: &'static str,
    at: Millis,
}

/// What may stand beside a ticket; `what` is a unit's id, a demand, or nothing.
struct Beside {
    id: i64,
    ticket: i64,
    at: Millis,
    key: String,
    who: i64,
    what: String,
    done: Option<Millis>,
}

/// The rows of one transaction.
pub(super) struct Rows<'k> {
    keys: &'k Keys,
    channel: &'k str,
    now: Millis,
    tickets: Vec<store::New>,
    reporters: Vec<(Reporter, Millis)>,
    events: Vec<Event>,
    messages: Vec<Message>,
    offers: Vec<Offer>,
    ratings: Vec<(i64, i64, i64, Millis)>,
    looks: Vec<Beside>,
    files: Vec<Beside>,
    seen: Vec<(String, String, Millis)>,
    helpers: Vec<Beside>,
    orders: Vec<Beside>,
    checks: Vec<Beside>,
}

impl<'k> Rows<'k> {
    pub(super) fn new(keys: &'k Keys, channel: &'k str, now: Millis) -> Self {
        Rows {
            keys,
            channel,
            now,
            tickets: Vec::new(),
            reporters: Vec::new(),
            events: Vec::new(),
            messages: Vec::new(),
            offers: Vec::new(),
            ratings: Vec::new(),
            looks: Vec::new(),
            files: Vec::new(),
            seen: Vec::new(),
            helpers: Vec::new(),
            orders: Vec::new(),
            checks: Vec::new(),
        }
    }

    /// Adds a ticket with everything beside it.
    pub(super) fn add(&mut self, tx: &Tx, dice: &mut Dice, filled: Filled, whose: &Whose) -> Result<()> {
        let Filled { ticket, steps, cast } = filled;
        let entry = self.reporter(tx, dice, &ticket, whose)?;
        let reporter = if ticket.mode == Mode::Anonymous { Target::Reporter(entry) } else { Target::Chat(whose.conversation) };
        let mut last = String::new();
        for (seq, step) in (1..).zip(steps) {
            let key = tx.id()?.to_string();
            if step.at > self.now - SEEN {
                self.seen.push((self.keys.hash("turn", &format!("fill-{key}")), key.clone(), step.at));
            }
            self.tell(tx, dice, &ticket, (entry, &reporter), &step, &key)?;
            last = self.event(tx, &ticket, seq, key, step, &last)?;
        }
        self.beside(tx, dice, &ticket, entry, cast)?;
        let code = self.keys.hash("query", &format!("fill-{}", ticket.id));
        let off = |dice: &mut Dice| dice.below(50_000) as f64 / 100_000.0 - 0.25;
        let point = dice.one_in_thousand(300).then(|| (37.80 + off(dice), 115.89 + off(dice)));
        self.tickets.push((ticket, code, point));
        Ok(())
    }

    fn reporter(&mut self, tx: &Tx, dice: &mut Dice, ticket: &Ticket, whose: &Whose) -> Result<i64> {
        let id = tx.id()?;
        let forgotten = ticket.closed_at.is_some_and(|at| at < self.now - ALIASES);
        let (holder, sealed) = match ticket.mode {
            Mode::Anonymous if forgotten => (String::new(), String::new()),
            Mode::Anonymous => {
                let address = &whose.address;
                let holder = self.keys.hash("holder", &format!("a:{}|{}", address.channel, address.account));
                (holder, self.keys.seal(&reporter_place(id), &serde_json::to_string(address)?)?)
            }
            Mode::RealName | Mode::Confidential => {
                let sealed = self.keys.seal(&reporter_place(id), &whose.person.to_string())?;
                (person_holder(self.keys, whose.person), sealed)
            }
        };
        let contact = match ticket.mode {
            Mode::RealName => {
                let phone = format!("139{:08}", dice.below(100_000_000));
                Some(self.keys.seal(&store::contact_place(id), &phone)?)
            }
            Mode::Confidential | Mode::Anonymous => None,
        };
        let reporter = Reporter { id, ticket: ticket.id, mode: ticket.mode, holder, sealed, contact };
        self.reporters.push((reporter, ticket.submitted_at));
        Ok(id)
    }

    /// An event, chained to the one before; gives its hash.
    fn event(&mut self, tx: &Tx, ticket: &Ticket, seq: i64, key: String, step: Step, last: &str) -> Result<String> {
        let link = Link {
            ticket: ticket.id,
            seq,
            at: step.at,
            turn_key: &key,
            actor: step.by.person,
            role: step.by.role,
            command: step.event.verb.code(),
            from: step.event.from.map(State::code),
            to: step.event.to.code(),
            reason: step.event.reason,
            payload: None,
            visible: step.event.visible,
            before: step.event.before.as_deref(),
        };
        let hash = chain::hash(self.keys, last, &link);
        self.events.push(Event { id: tx.id()?, ticket: ticket.id, seq, key, step, hash: hash.clone() });
        Ok(hash)
    }

    /// What a step told others, all of it out long ago.
    fn tell(
        &mut self,
        tx: &Tx,
        dice: &mut Dice,
        ticket: &Ticket,
        (entry, chat): (i64, &Target),
        step: &Step,
        key: &str,
    ) -> Result<()> {
        let role = |role: &str, unit: Option<&str>| Target::Role {
            role: role.to_owned(),
            area: ticket.area.clone(),
            unit: unit.map(str::to_owned),
        };
        let unit = ticket.unit.as_deref();
        let mut told: Vec<(Target, Class)> = Vec::new();
        // The answer to whoever did it.
        told.push((step.by.person.map_or_else(|| chat.clone(), Target::Person), Class::Reply));
        match step.event.verb {
            Verb::Report => told.push((role("intake", None), Class::Batch)),
            Verb::Assign => {
                told.push((role("liaison", unit), Class::Now));
                told.push((Target::Reporter(entry), Class::Now));
            }
            Verb::Sign | Verb::SendBack => told.push((role("dispatcher", None), Class::Batch)),
            Verb::Done => told.push((role("unit_leader", unit), Class::Now)),
            Verb::Accept | Verb::Reject | Verb::Ask | Verb::Handover | Verb::Pass => {
                told.push((Target::Reporter(entry), Class::Now));
            }
            _ => {}
        }
        let kept = step.at > self.now - BODIES;
        for (target, class) in told {
            let (body, key) = match kept {
                true => {
                    let reply = Reply::text(wording::told(&ticket.number, step.event.verb.chinese()));
                    (outbox::sealed(self.keys, &reply)?, key.to_owned())
                }
                false => (String::new(), String::new()),
            };
            let (state, why) = match &target {
                Target::Role { .. } => ("superseded", Some("given to the holders")),
                _ if class != Class::Reply && dice.one_in_thousand(1) => ("undeliverable", Some("no address")),
                _ => ("sent", None),
            };
            let (id, at) = (tx.id()?, step.at);
            self.messages.push(Message { id, key, ticket: ticket.id, target, class, body, at, state, why });
        }
        Ok(())
    }

    /// Questions, answers, look-ups, files, and whoever else had to do with it.
    fn beside(&mut self, tx: &Tx, dice: &mut Dice, ticket: &Ticket, entry: i64, cast: Cast) -> Result<()> {
        let passed = matches!(ticket.state, State::Callback | State::Closed).then_some(ticket.resolved_at).flatten();
        if let Some(at) = passed {
            let (target, preset) = (Target::Reporter(entry), serde_json::to_string(&desk::about(ticket))?);
            let state = if ticket.state == State::Closed { "answered" } else { "waiting" };
            self.offers.push(Offer { id: tx.id()?, target, preset, ticket: ticket.id, state, at });
        }
        if let Some(at) = ticket.closed_at.filter(|_| ticket.state == State::Closed && dice.one_in_thousand(700)) {
            self.ratings.push((ticket.id, entry, 1 + dice.below(5), at));
        }
        let beside = |at: Millis, who: i64, what: &str, done: Option<Millis>| -> Result<Beside> {
            let (id, key) = (tx.id()?, tx.id()?.to_string());
            Ok(Beside { id, ticket: ticket.id, at, key, who, what: what.to_owned(), done })
        };
        if dice.one_in_thousand(300) {
            self.files.push(beside(ticket.submitted_at, 0, "", None)?);
        }
        let Some(at) = ticket.dispatched_at else { return Ok(()) };
        let unit = ticket.unit.as_deref().unwrap_or_default();
        if dice.one_in_thousand(300) {
            self.looks.push(beside(at, cast.handler, unit, None)?);
        }
        if dice.one_in_thousand(30) && unit != "sp" {
            self.helpers.push(beside(at, cast.dispatcher, "sp", ticket.resolved_at)?);
        }
        if dice.one_in_thousand(10) {
            self.orders.push(beside(at, cast.dispatcher, wording::DEMAND, ticket.resolved_at)?);
        }
        if dice.one_in_thousand(10) {
            self.checks.push(beside(at, cast.dispatcher, "", ticket.resolved_at)?);
        }
        Ok(())
    }

    /// Writes everything.
    pub(super) async fn write(mut self, tx: &mut Tx) -> Result<()> {
        store::insert_many(tx, std::mem::take(&mut self.tickets)).await?;
        let head = "INSERT INTO reporter (id, ticket_id, mode, holder, sealed, contact, at)";
        insert(tx, head, 7, "", &self.reporters, |query, (reporter, at)| {
            let query = query.bind(reporter.id).bind(reporter.ticket).bind(reporter.mode.code()).bind(reporter.holder.as_str());
            query.bind(reporter.sealed.as_str()).bind(reporter.contact.as_deref()).bind(*at)
        })
        .await?;
        let head = "INSERT INTO ticket_event (id, ticket_id, seq, at, turn_key, actor_id, actor_role, command, from_state, to_state, \
                    reason, visible_to, before, hash)";
        insert(tx, head, 14, "", &self.events, |query, event| {
            let told = &event.step.event;
            let query = query.bind(event.id).bind(event.ticket).bind(event.seq).bind(event.step.at).bind(event.key.as_str());
            let query = query.bind(event.step.by.person).bind(event.step.by.role).bind(told.verb.code());
            let query = query.bind(told.from.map(State::code)).bind(told.to.code()).bind(told.reason).bind(told.visible);
            query.bind(told.before.as_deref()).bind(event.hash.as_str())
        })
        .await?;
        let head = "INSERT INTO outbox (id, turn_key, ticket_id, target, lane, class, body, at, not_before, expires_at, tries, state, \
                    lease_until, sent_at, channel, why)";
        insert(tx, head, 16, "", &self.messages, |query, message| {
            let sent = message.state == "sent";
            let query = query.bind(message.id).bind(message.key.as_str()).bind(message.ticket).bind(message.target.to_string());
            let query = query.bind(message.target.lane()).bind(message.class.name()).bind(message.body.as_str()).bind(message.at);
            let query = query.bind(message.at).bind(message.at + WORTH).bind(1_i32).bind(message.state).bind(0_i64);
            query.bind(sent.then_some(message.at + MINUTE)).bind(sent.then_some(self.channel)).bind(message.why)
        })
        .await?;
        let head = "INSERT INTO offer (id, target, dialog, preset, ticket_id, priority, state, at, expires_at)";
        insert(tx, head, 9, "", &self.offers, |query, offer| {
            let query = query.bind(offer.id).bind(offer.target.to_string()).bind("rate").bind(offer.preset.as_str());
            query.bind(offer.ticket).bind(1_i32).bind(offer.state).bind(offer.at).bind(offer.at + 15 * DAY)
        })
        .await?;
        let head = "INSERT INTO rating (ticket_id, round, reporter_id, solved, value, at)";
        insert(tx, head, 6, "", &self.ratings, |query, (ticket, entry, value, at)| {
            let solved = if *value > 2 { "yes" } else { "no" };
            query.bind(*ticket).bind(1_i64).bind(*entry).bind(solved).bind(*value).bind(*at)
        })
        .await?;
        insert(tx, "INSERT INTO seen (message, turn_key, at)", 3, "", &self.seen, |query, (message, key, at)| {
            query.bind(message.as_str()).bind(key.as_str()).bind(*at)
        })
        .await?;
        self.write_beside(tx).await
    }

    async fn write_beside(&self, tx: &mut Tx) -> Result<()> {
        insert(tx, "INSERT INTO look (id, ticket_id, at, actor_id, unit)", 5, "", &self.looks, |query, look| {
            query.bind(look.id).bind(look.ticket).bind(look.at).bind(look.who).bind(look.what.as_str())
        })
        .await?;
        // There is no file behind the row: it counts as lost.
        let head = "INSERT INTO media (id, turn_key, ticket_id, kind, channel, reference, at, state, fetch_by, tries, due_at)";
        insert(tx, head, 11, "", &self.files, |query, file| {
            let query = query.bind(file.id).bind(file.key.as_str()).bind(file.ticket).bind("photo").bind(self.channel).bind("");
            query.bind(file.at).bind("lost").bind(file.at + 3 * DAY).bind(0_i32).bind(file.at)
        })
        .await?;
        let head = "INSERT INTO co_unit (ticket_id, unit, at, due_at, turn_key, opinion, answered_at, answer_key)";
        insert(tx, head, 8, "", &self.helpers, |query, helper| {
            let query = query.bind(helper.ticket).bind(helper.what.as_str()).bind(helper.at).bind(helper.at + 72 * HOUR);
            let query = query.bind(helper.key.as_str()).bind(helper.done.map(|_| wording::OPINION)).bind(helper.done);
            query.bind(helper.done.map(|_| helper.key.as_str()))
        })
        .await?;
        let head = "INSERT INTO supervision (id, ticket_id, at, turn_key, person_id, role, demand, due_at, answer, answered_at)";
        insert(tx, head, 10, "", &self.orders, |query, order| {
            let query = query.bind(order.id).bind(order.ticket).bind(order.at).bind(order.key.as_str()).bind(order.who);
            let query = query.bind("dispatcher").bind(order.what.as_str()).bind(order.at + 72 * HOUR);
            query.bind(order.done.map(|_| wording::OPINION)).bind(order.done)
        })
        .await?;
        let head = "INSERT INTO spot_check (id, ticket_id, at, turn_key, asked_by, person_id, done_at)";
        insert(tx, head, 7, "", &self.checks, |query, check| {
            let query = query.bind(check.id).bind(check.ticket).bind(check.at).bind(check.key.as_str()).bind(check.who);
            query.bind(check.who).bind(check.done)
        })
        .await
    }
}
