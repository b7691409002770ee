//! `minhu demo fill`: many believable tickets, for measuring how the service does with them.
//!
//! Every table grows in proportion: histories that are chained as real ones, people, conversations, messages that went out, questions
//! and their answers. The same seed gives the same tickets, but for their ids and what is sealed.

mod life;
mod rows;
mod wording;

use crate::{
    clock::{DAY, HOUR, MINUTE, local, start_of},
    db::{Db, Tx},
    error::{Error, Result},
    message::{Address, Millis},
    people::{self, Directory, Field, FieldKind, Level, Role, Scope},
    seal::Keys,
    tickets::{Mode, Priority, State, Ticket, calendar, desk, store},
};
use life::{Cast, Dice, live};
use rows::{Filled, Rows, Whose};
use std::collections::{BTreeMap, HashMap};

/// Tickets written in one transaction.
const BATCH: i64 = 4_000;
/// Ids that a ticket needs with everything beside it, at most.
const IDS: i64 = 56;
/// How far back the first ticket lies.
const YEARS: Millis = 3 * 365 * DAY;
/// What is still open is no older than this.
const OPEN: Millis = 14 * DAY;
/// What is over was reported at least so long ago.
const OVER: Millis = 15 * DAY;

/// What is wanted.
#[derive(Debug, Clone, Copy)]
pub struct Wanted {
    /// How many tickets.
    pub tickets: i64,
    /// How many of them are still open.
    pub open: i64,
    /// What chance begins with.
    pub seed: u64,
}

/// Writes them, oldest first, in transactions of some thousands; says after each how many are written.
///
/// # Errors
/// A sentence when there are no villages or nobody in office; those of the database.
pub async fn fill(db: &Db, keys: &Keys, channel: &str, now: Millis, wanted: Wanted, mut progress: impl FnMut(i64)) -> Result<()> {
    let directory = people::store::load(&mut *db.read().await?, now).await?;
    let mut county = County::of(&directory)?;
    let mut dice = Dice(wanted.seed);
    let over = wanted.tickets - wanted.open.clamp(0, wanted.tickets);
    let mut done = 0;
    while done < wanted.tickets {
        let end = wanted.tickets.min(done + BATCH).min(if done < over { over } else { i64::MAX });
        let plans: Vec<Plan> = (done..end)
            .map(|index| {
                let (from, span, part, all) = match index < over {
                    true => (now - YEARS, YEARS - OVER, index, over),
                    false => (now - OPEN, OPEN - 2 * HOUR, index - over, wanted.tickets - over),
                };
                let end = if index < over { over_state(&mut dice) } else { open_state(&mut dice) };
                Plan { at: in_the_day(&mut dice, from + span / all.max(1) * part, now), end }
            })
            .collect();
        let mut tx = db.write_much((end - done) * IDS).await?;
        batch(&mut tx, keys, channel, now, &mut county, &mut dice, plans).await?;
        tx.commit().await?;
        done = end;
        progress(done);
    }
    Ok(())
}

/// When a ticket comes, and where it stands now.
struct Plan {
    at: Millis,
    end: State,
}

/// People report by day.
fn in_the_day(dice: &mut Dice, at: Millis, now: Millis) -> Millis {
    let moment = start_of(local(at).date_naive()) + 7 * HOUR + dice.below(14 * 60) * MINUTE + dice.below(MINUTE);
    if moment < now - MINUTE { moment } else { at }
}

fn over_state(dice: &mut Dice) -> State {
    match dice.below(100) {
        0..=4 => State::Rejected,
        5..=7 => State::Cancelled,
        8..=9 => State::HandedOver,
        _ => State::Closed,
    }
}

fn open_state(dice: &mut Dice) -> State {
    match dice.below(100) {
        0..=9 => State::Submitted,
        10..=11 => State::NeedInfo,
        12..=19 => State::Accepted,
        20..=34 => State::Dispatched,
        35..=37 => State::SentBack,
        38..=74 => State::Working,
        75..=84 => State::InReview,
        _ => State::Callback,
    }
}

/// What there is to choose from.
struct County<'d> {
    directory: &'d Directory,
    villages: Vec<(String, String)>,
    /// Each matter with the field that its words propose.
    matters: Vec<(&'static str, Option<&'d Field>)>,
    casts: HashMap<String, Cast>,
    prefixes: HashMap<String, String>,
}

impl<'d> County<'d> {
    fn of(directory: &'d Directory) -> Result<Self> {
        let villages: Vec<(String, String)> = directory
            .areas
            .all()
            .filter(|area| area.level() == Level::Village && !area.retired)
            .map(|area| (area.code.clone(), people::areas::short_name(directory, &area.code)))
            .collect();
        if villages.is_empty() || directory.all_staff().next().is_none() {
            return Err(Error::user("没有村，或者没有工作人员，造不出工单。先导入单位和人员"));
        }
        let matters = wording::MATTERS.iter().map(|matter| (*matter, directory.propose_field(matter))).collect();
        Ok(County { directory, villages, matters, casts: HashMap::new(), prefixes: HashMap::new() })
    }

    /// Who works on the tickets of a unit.
    fn cast(&mut self, unit: Option<&str>, area: &str) -> Cast {
        let directory = self.directory;
        *self.casts.entry(unit.unwrap_or_default().to_owned()).or_insert_with(|| {
            let scope = Scope::area(area);
            let somebody = directory.all_staff().next().map_or(0, |staff| staff.id);
            let holder = |role, scope, or| directory.holders(role, scope).first().map_or(or, |staff| staff.id);
            let dispatcher = holder(Role::Dispatcher, scope, somebody);
            let own = unit.map_or(scope, |unit| scope.unit(unit));
            Cast {
                intake: holder(Role::Intake, scope, somebody),
                dispatcher,
                liaison: holder(Role::Liaison, own, dispatcher),
                handler: holder(Role::Handler, own, dispatcher),
                leader: holder(Role::UnitLeader, own, dispatcher),
            }
        })
    }

    /// What the numbers of an area's county begin with.
    fn prefix(&mut self, area: &str) -> String {
        let directory = self.directory;
        let county = area.get(..Level::County.digits()).unwrap_or(area);
        let known = || directory.areas.above(area, Level::County).and_then(|county| county.prefix.clone());
        self.prefixes.entry(county.to_owned()).or_insert_with(|| known().unwrap_or_else(|| "MH".into())).clone()
    }
}

/// Writes the tickets of one transaction.
async fn batch(
    tx: &mut Tx,
    keys: &Keys,
    channel: &str,
    now: Millis,
    county: &mut County<'_>,
    dice: &mut Dice,
    plans: Vec<Plan>,
) -> Result<()> {
    let Some(since) = plans.first().map(|plan| plan.at) else { return Ok(()) };
    let people = citizens(tx, keys, channel, plans.len() / 3 + 1, since).await?;
    let places: Vec<(String, String)> = plans.iter().map(|_| dice.pick(&county.villages)).collect();
    let mut days: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for (index, (plan, (area, _))) in plans.iter().zip(&places).enumerate() {
        let day = format!("{}{}", county.prefix(area), local(plan.at).format("%y%m%d"));
        days.entry(day).or_default().push(index);
    }
    let mut numbers = vec![(String::new(), 0); plans.len()];
    for (day, of_day) in days {
        let count = i64::try_from(of_day.len()).unwrap_or_default();
        let last = store::take_seqs(tx, &day, count).await?;
        for (seq, index) in (last - count + 1..).zip(of_day) {
            numbers[index] = (day.clone(), seq);
        }
    }
    let mut rows = Rows::new(keys, channel, now);
    for ((plan, (area, village)), (series, seq)) in plans.into_iter().zip(places).zip(numbers) {
        let whose = dice.pick(&people);
        let filled = ticket(tx, county, dice, &plan, (&area, &village), (&series, seq), now)?;
        rows.add(tx, dice, filled, &whose)?;
    }
    rows.write(tx).await
}

/// New people who report, each with an account and a conversation.
async fn citizens(tx: &mut Tx, keys: &Keys, channel: &str, count: usize, since: Millis) -> Result<Vec<Whose>> {
    // An id in the name keeps it from meeting one of an earlier run.
    let mark = tx.id()?;
    let accounts: Vec<(String, String)> = (0..count).map(|n| (channel.to_owned(), format!("cunmin-{mark}-{n}"))).collect();
    let persons = people::store::add_citizens(tx, keys, &accounts, since).await?;
    let mut wanted: Vec<(String, Address)> = accounts
        .into_iter()
        .map(|(channel, account)| Address { channel, account, group: None })
        .map(|address| (crate::bot::store::conversation_hash(keys, &address), address))
        .collect();
    let whose = persons.into_iter().zip(wanted.clone()).collect::<Vec<_>>();
    wanted.sort_by(|a, b| a.0.cmp(&b.0));
    let conversations = crate::bot::store::conversations(tx, keys, &wanted, since).await?;
    whose
        .into_iter()
        .map(|(person, (hash, address))| {
            let conversation = conversations.get(&hash).ok_or_else(|| Error::fault("a conversation was not written"))?.id;
            Ok(Whose { person, address, conversation })
        })
        .collect()
}

/// One ticket with its life.
fn ticket(
    tx: &Tx,
    county: &mut County<'_>,
    dice: &mut Dice,
    plan: &Plan,
    (area, village): (&str, &str),
    (series, seq): (&str, i64),
    now: Millis,
) -> Result<Filled> {
    let (matter, field) = dice.pick(&county.matters);
    let text = wording::report(village, dice.pick(wording::SPOTS), matter, dice.pick(wording::SINCE));
    let kind = desk::kind_of(&text, field.is_some_and(|field| field.kind == FieldKind::Campaign));
    let priority = match dice.below(100) {
        0 => Priority::Urgent,
        1..=6 => Priority::High,
        7..=9 => Priority::Complex,
        _ => Priority::Normal,
    };
    let mode = match dice.below(10) {
        0 => Mode::RealName,
        1 | 2 => Mode::Anonymous,
        _ => Mode::Confidential,
    };
    let field = field.map(|field| field.id.clone());
    let directory = county.directory;
    let proposed = directory.propose(&text, field.as_deref(), area).map(|proposal| proposal.unit.id.clone());
    // The dispatcher finds one where nothing proposes one.
    let unit = proposed.or_else(|| directory.units().next().map(|unit| unit.id.clone()));
    let cast = county.cast(unit.as_deref(), area);
    let day = local(plan.at).format("%y%m%d").to_string();
    let mut ticket = Ticket {
        id: tx.id()?,
        number: format!("{series}{seq:04}"),
        day,
        seq,
        kind,
        field,
        title: desk::title_of(&text, village),
        text,
        area: area.to_owned(),
        place: village.to_owned(),
        source: "simulator".to_owned(),
        mode,
        priority,
        accept_due: Some(calendar::due(plan.at, calendar::limit(calendar::Clock::Accept, kind, priority))),
        ..Ticket::blank(plan.at)
    };
    let steps = live(dice, &mut ticket, cast, unit.as_deref(), plan.end, now);
    Ok(Filled { ticket, steps, cast })
}
