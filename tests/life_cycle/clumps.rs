//! Histories in which several people do something at the same moment, on two bots where the database is a server. What comes of
//! it must be what the model gives for the same commands one after the other, in some order.

use super::{
    county::{County, Heard, Officer, Way},
    histories::{Step, begin, carry_out, chosen, events_known, step, tellings, told, wait},
    model::{ALL, CITIZENS, Do, EVERYBODY, Model, OFFICES, Outcome, Verdict},
};
use futures_util::future::join_all;
use minhu::clock::{in_words, time_in_words};
use proptest::{
    prelude::*,
    test_runner::{Config, RngAlgorithm, TestCaseError, TestError, TestRng, TestRunner},
};
use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    hash::{BuildHasher, RandomState},
    io::Write as _,
};

/// What is wished for at the same moment as others, before it is known what can be done then.
#[derive(Debug, Clone)]
struct Wish {
    step: Step,
    /// The same as the one before, by somebody else if somebody else may.
    rival: bool,
    way: Way,
}

/// Wishes of one moment, often all about one ticket.
#[derive(Debug, Clone)]
struct Clump {
    wait: u8,
    together: bool,
    wishes: Vec<Wish>,
}

#[derive(Debug, Clone)]
struct Story {
    tickets: Vec<(bool, bool, bool)>,
    clumps: Vec<Clump>,
}

/// A command that is really given.
#[derive(Debug, Clone, Copy)]
struct Act {
    who: &'static str,
    what: Do,
    on: usize,
    way: Way,
}

fn stories() -> impl Strategy<Value = Story> {
    let way = (0..2_usize, prop::bool::weighted(0.2)).prop_map(|(replica, twice)| Way { replica, twice });
    let wish = (step(), prop::bool::weighted(0.3), way).prop_map(|(step, rival, way)| Wish { step, rival, way });
    let clump = (any::<u8>(), prop::bool::weighted(0.7), prop::collection::vec(wish, 2..=4));
    let clump = clump.prop_map(|(wait, together, wishes)| Clump { wait, together, wishes });
    let tickets = prop::collection::vec((any::<bool>(), any::<bool>(), prop::bool::weighted(0.2)), 1..=3);
    (tickets, prop::collection::vec(clump, 1..=16)).prop_map(|(tickets, clumps)| Story { tickets, clumps })
}

/// A low score is stored answer by answer, so that others may come between: it stands for itself.
fn stands_alone(what: Do) -> bool {
    matches!(what, Do::Rate(false, _))
}

/// Do the rules leave open what comes of these two at the same moment? A score is stored before the rating is complete; whether
/// that alone keeps somebody else from taking something back is not said.
fn open_together(one: Do, other: Do) -> bool {
    matches!((one, other), (Do::Rate(..), Do::Undo) | (Do::Undo, Do::Rate(..)))
}

/// What the wishes mean now. Nothing is tried that the rules leave open in some order.
fn acts(models: &[Model], clump: &Clump) -> Vec<Act> {
    let mut acts: Vec<Act> = Vec::new();
    for wish in &clump.wishes {
        let mut step = wish.step.clone();
        if clump.together {
            step.ticket = clump.wishes[0].step.ticket;
        }
        let rival = acts.last().filter(|_| wish.rival).and_then(|before| rival(&models[0], &acts, *before, step.choice));
        let Some((who, what, on)) = rival.or_else(|| chosen(&models[0], &step)) else { continue };
        let several_lines = |what: Do| what.lines(1).len() > 1;
        // Somebody's second message would be taken for an answer within a dialog.
        let busy = acts.iter().any(|act| act.who == who && (several_lines(act.what) || several_lines(what)));
        if busy || stands_alone(what) && !acts.is_empty() || acts.iter().any(|act| open_together(act.what, what)) {
            continue;
        }
        acts.push(Act { who, what, on, way: wish.way });
        if models.iter().any(|model| orders(&acts).iter().any(|order| foretold(model, &acts, order, &[]).is_none())) {
            acts.pop();
        }
        if acts.first().is_some_and(|first| stands_alone(first.what)) {
            break;
        }
    }
    acts
}

/// Somebody else who may do the same, or is at least not known to be in the way of a rule.
fn rival(model: &Model, acts: &[Act], before: Act, choice: u16) -> Option<(&'static str, Do, usize)> {
    let others = EVERYBODY.iter().filter(|who| acts.iter().all(|act| act.who != **who));
    let same_verb = |what: &Do| std::mem::discriminant(what) == std::mem::discriminant(&before.what);
    let can: Vec<(&'static str, Do, usize)> = others
        .flat_map(|who| ALL.iter().filter(|what| same_verb(what)).map(move |what| (*who, *what, before.on)))
        .filter(|(who, what, on)| matches!(model.predict(who, *what, *on), Verdict::Done(_)))
        .collect();
    can.get(usize::from(choice) % can.len().max(1)).copied()
}

/// The orders in which these can have happened: each person's own in his order.
fn orders(acts: &[Act]) -> Vec<Vec<usize>> {
    let mut all = vec![Vec::new()];
    for _ in acts {
        let longer = all.iter().flat_map(|order: &Vec<usize>| {
            let left = (0..acts.len()).filter(|act| !order.contains(act));
            let next = left.filter(|act| (0..*act).all(|one| order.contains(&one) || acts[one].who != acts[*act].who));
            next.map(|act| order.iter().copied().chain([act]).collect()).collect::<Vec<_>>()
        });
        all = longer.collect();
    }
    all
}

/// What the model gives for this order: what each comes to, and how everything stands then. Those told that they came too late
/// are refused if somebody before them did something. `None`: the rules leave something open.
fn foretold(model: &Model, acts: &[Act], order: &[usize], late: &[usize]) -> Option<(BTreeMap<usize, Outcome>, Model)> {
    let mut model = model.clone();
    let mut outcomes = BTreeMap::new();
    for at in order {
        let Act { who, what, on, .. } = acts[*at];
        let outcome = match model.predict(who, what, on) {
            Verdict::Skip => return None,
            Verdict::Refused => Outcome::nothing(&model.tickets),
            Verdict::Done(_) if late.contains(at) && outcomes.values().any(|before: &Outcome| !before.events.is_empty()) => {
                Outcome::nothing(&model.tickets)
            }
            Verdict::Done(outcome) => {
                model.happen(who, what, (*outcome).clone());
                *outcome
            }
        };
        outcomes.insert(*at, outcome);
    }
    Some((outcomes, model))
}

/// What came of a clump: of each command, and the events of each ticket with whose they are.
struct Seen {
    heard: Vec<Heard>,
    told: Vec<BTreeSet<String>>,
    events: Vec<Vec<(&'static str, Option<usize>)>>,
    tickets: Vec<minhu::tickets::Ticket>,
}

/// Does everything at the same time, each person's commands one after the other.
async fn at_once(county: &County, acts: &[Act], tickets: usize) -> Seen {
    let known = events_known(county, tickets).await;
    let people: BTreeSet<&'static str> = acts.iter().map(|act| act.who).collect();
    let all = join_all(people.into_iter().map(|who| async move {
        let mut heard = Vec::new();
        for (at, act) in acts.iter().enumerate().filter(|(_, act)| act.who == who) {
            let number = i64::try_from(act.on).unwrap_or_default() + 1;
            heard.push((at, carry_out(county, who, &act.what.lines(number), act.way).await));
        }
        heard
    }));
    let mut heard: Vec<(usize, Heard)> = all.await.into_iter().flatten().collect();
    heard.sort_by_key(|(at, _)| *at);
    let heard: Vec<Heard> = heard.into_iter().map(|(_, heard)| heard).collect();
    let mut who_told = Vec::new();
    for one in &heard {
        who_told.push(told(county, &one.pushes).await);
    }
    let mut events = Vec::new();
    for (place, known) in known.iter().enumerate() {
        let turns = county.turns(i64::try_from(place).unwrap_or_default() + 1, *known).await;
        let whose = |turn: &String| heard.iter().position(|heard| heard.turns.contains(turn));
        events.push(turns.iter().map(|(verb, turn)| (verb.code(), whose(turn))).collect());
    }
    Seen { heard, told: who_told, events, tickets: county.tickets(tickets).await }
}

/// Is this what was foretold for the order?
fn matches(seen: &Seen, order: &[usize], outcomes: &BTreeMap<usize, Outcome>, after: &Model) -> Result<(), String> {
    for (place, events) in seen.events.iter().enumerate() {
        let of = |at: &usize| outcomes[at].events_of(place).into_iter().map(|event| (event, Some(*at))).collect::<Vec<_>>();
        let expected: Vec<_> = order.iter().flat_map(of).collect();
        if *events != expected {
            return Err(format!("events of {}: foretold {expected:?}", place + 1));
        }
        let differences = after.tickets[place].differences(&seen.tickets[place]);
        if !differences.is_empty() {
            return Err(format!("ticket {}: {differences:?}", place + 1));
        }
    }
    for at in order {
        tellings(&outcomes[at], &seen.told[*at]).map_err(|wrong| format!("command {at}: {wrong}"))?;
    }
    Ok(())
}

/// What the runs came to in figures.
#[derive(Debug, Default)]
struct Tally {
    histories: u32,
    clumps: u32,
    commands: u32,
    twice: u32,
    /// Clumps that only fit when they did not happen in the order they are written.
    otherwise: u32,
    /// Clumps that do not fit every order.
    decided: u32,
    /// Commands that were refused only because somebody did something at the same moment.
    late: u32,
    /// Histories that ended early, at a score whose rating was refused before it was complete: what it counts for is left open.
    ended_early: u32,
    most_candidates: usize,
}

/// Plays a story; gives what was said, and what went otherwise.
async fn play(county: &County, story: &Story, tally: &mut Tally) -> Result<(), String> {
    let mut models = vec![begin(county, &story.tickets).await];
    let mut said = String::new();
    tally.histories += 1;
    for clump in &story.clumps {
        county.clock.advance(wait(clump.wait));
        let now = county.clock.now();
        models.iter_mut().for_each(|model| model.now = now);
        let acts = acts(&models, clump);
        if acts.is_empty() {
            continue;
        }
        county.hang_up().await;
        let _ = writeln!(said, "    {} {}", in_words(now, super::county::morning()), time_in_words(now));
        for (at, Act { who, what, on, way }) in acts.iter().enumerate() {
            let lines = what.lines(i64::try_from(*on).unwrap_or_default() + 1).join(" ⏐ ");
            let twice = if way.twice { ", twice" } else { "" };
            let _ = writeln!(said, "      {at}. {who} > {lines} (to bot {}{twice})", way.replica);
        }
        let seen = at_once(county, &acts, story.tickets.len()).await;
        tally.clumps += 1;
        tally.commands += u32::try_from(acts.len()).unwrap_or_default();
        tally.twice += u32::try_from(acts.iter().filter(|act| act.way.twice).count()).unwrap_or_default();
        models = fitting(&models, &acts, &seen, tally).map_err(|wrong| {
            let mut report = said.clone();
            for (at, heard) in seen.heard.iter().enumerate() {
                let fault = heard.fault.as_ref().map(|why| format!(" FAULT {why}")).unwrap_or_default();
                let _ = writeln!(report, "    {at} heard: {}{fault}; told {:?}", heard.text.replace('\n', " / "), seen.told[at]);
            }
            let _ = writeln!(report, "    events: {:?}", seen.events);
            for model in &models {
                let _ = writeln!(report, "    before: {:?}", model.tickets);
            }
            format!("{report}{wrong}")
        })?;
        tally.most_candidates = tally.most_candidates.max(models.len());
        let begun_only = |(at, act): (usize, &Act)| {
            let has_event = seen.events.iter().flatten().any(|(_, whose)| *whose == Some(at));
            matches!(act.what, Do::Rate(..)) && seen.heard[at].turns.len() > 1 && !has_event
        };
        if acts.iter().enumerate().any(begun_only) {
            tally.ended_early += 1;
            return Ok(());
        }
    }
    Ok(())
}

/// The models as they can stand now: every one that an order leads to whose outcome is what was seen.
fn fitting(models: &[Model], acts: &[Act], seen: &Seen, tally: &mut Tally) -> Result<Vec<Model>, String> {
    if seen.heard.iter().any(|heard| heard.fault.is_some() || heard.text.is_empty()) {
        return Err("    a command failed or was not answered\n".to_owned());
    }
    let late: Vec<usize> = (0..acts.len()).filter(|at| seen.heard[*at].text.contains("刚刚有人办过了")).collect();
    let (mut fit, mut why) = (Vec::<Model>::new(), String::new());
    let (mut tried, mut fitted, mut as_written) = (0, 0, false);
    for model in models {
        for order in orders(acts) {
            tried += 1;
            let Some((outcomes, after)) = foretold(model, acts, &order, &late) else { continue };
            match matches(seen, &order, &outcomes, &after) {
                Ok(()) => {
                    fitted += 1;
                    as_written |= order.is_sorted();
                    if !fit.contains(&after) {
                        fit.push(after);
                    }
                }
                Err(wrong) => {
                    let _ = writeln!(why, "    order {order:?}: {wrong}");
                }
            }
        }
    }
    if fit.is_empty() {
        return Err(why);
    }
    tally.late += u32::try_from(late.len()).unwrap_or_default();
    tally.decided += u32::from(fitted < tried);
    tally.otherwise += u32::from(!as_written);
    Ok(fit)
}

fn wished(name: &str) -> Option<u64> {
    std::env::var(name).ok().and_then(|number| number.parse().ok())
}

/// `MINHUTEST_CASES` says how many, `MINHUTEST_SEED` which ones; who wishes for a number alone gets new ones.
#[test]
fn what_happens_at_the_same_moment_is_what_happens_in_some_order() {
    let cases = wished("MINHUTEST_CASES").and_then(|cases| u32::try_from(cases).ok());
    let fresh = cases.map(|_| RandomState::new().hash_one(0));
    let seed = wished("MINHUTEST_SEED").or(fresh).unwrap_or(4);
    let cases = cases.unwrap_or(96);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(4).enable_all().build().unwrap();
    let offices: Vec<Officer> = OFFICES.iter().map(|(id, name, grants)| Officer { id, name, grants }).collect();
    let county = runtime.block_on(County::found(&offices, CITIZENS));
    let tally = RefCell::new(Tally::default());
    // What is tried is the same each time, what comes of it is not: a shrunk history has failed as it is shown.
    let config = Config { cases, failure_persistence: None, max_shrink_iters: 200, ..Config::default() };
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let mut runner = TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &bytes));
    let result = runner.run(&stories(), |story| {
        let played = runtime.block_on(play(&county, &story, &mut tally.borrow_mut()));
        played.map_err(|wrong| TestCaseError::fail(format!("\n{wrong}")))
    });
    let again = county.brought_again();
    let kind = county.db.kind();
    runtime.block_on(county.close());
    let figures = format!("seed {seed}, {kind:?}: {:?}, brought again {again}", tally.borrow());
    match result {
        Err(TestError::Fail(why, story)) => {
            panic!("a history went otherwise\n  {figures}\n  tickets: {:?}\n{}", story.tickets, why.message())
        }
        other => other.unwrap(),
    }
    std::io::stderr().write_all(format!("{figures}\n").as_bytes()).unwrap();
}
