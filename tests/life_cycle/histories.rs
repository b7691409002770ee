//! Random histories, played on the program and on the model side by side.

use super::{
    county::{CO, County, Heard, Officer, Scene, Way, morning, proposal, standing},
    model::{ALL, CITIZENS, Do, EVERYBODY, Model, OFFICES, Outcome, Ticket, Verdict},
};
use minhu::{
    clock::{DAY, HOUR, MINUTE, in_words, time_in_words},
    outbox::Target,
    tickets::{Kind, Matter, Mode, State, life::Verb},
};
use proptest::{
    prelude::*,
    test_runner::{Config, RngAlgorithm, TestCaseError, TestRng, TestRunner},
};
use std::{cell::RefCell, collections::BTreeSet, io::Write};

/// What sort of step is chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turning {
    /// On the straight way to the end, so that stories get there.
    Onward,
    /// What can only be done because of something before, and seldom comes up among all that can be done.
    Answering,
    /// Anything that the model says can be done.
    Possible,
    /// Anything by anybody.
    Whatever,
}

/// A step before it is known what stands: numbers that choose among what can be chosen then.
#[derive(Debug, Clone)]
pub struct Step {
    pub turning: Turning,
    pub choice: u16,
    pub ticket: u8,
    wait: u8,
}

#[derive(Debug, Clone)]
struct Story {
    tickets: Vec<(bool, bool, bool)>,
    steps: Vec<Step>,
}

fn stories() -> impl Strategy<Value = Story> {
    let tickets = prop::collection::vec((any::<bool>(), any::<bool>(), prop::bool::weighted(0.2)), 1..=3);
    (tickets, prop::collection::vec(step(), 1..=40)).prop_map(|(tickets, steps)| Story { tickets, steps })
}

pub fn step() -> impl Strategy<Value = Step> {
    let turning = prop_oneof![5 => Just(Turning::Onward), 3 => Just(Turning::Answering), 4 => Just(Turning::Possible), 2 => Just(Turning::Whatever)];
    (turning, any::<u16>(), any::<u8>(), any::<u8>()).prop_map(|(turning, choice, ticket, wait)| Step {
        turning,
        choice,
        ticket,
        wait,
    })
}

/// How long until the next step: mostly minutes, seldom days.
pub fn wait(wait: u8) -> i64 {
    match wait {
        ..=200 => i64::from(wait % 8) * MINUTE,
        201..=230 => HOUR,
        231..=250 => DAY,
        _ => 3 * DAY + HOUR,
    }
}

/// What a step means now: who does what to which ticket.
pub fn chosen(model: &Model, step: &Step) -> Option<(&'static str, Do, usize)> {
    let on = usize::from(step.ticket) % model.tickets.len();
    let onward = |what: Do| {
        matches!(
            what,
            Do::Accept
                | Do::Assign(_)
                | Do::Sign
                | Do::Done
                | Do::SignOff
                | Do::Pass
                | Do::Rate(..)
                | Do::Call(true)
                | Do::Resume
        )
    };
    let answering = |what: Do| {
        matches!(
            what,
            Do::Redispatch(_)
                | Do::SendBack
                | Do::Arbitrate(_)
                | Do::Opinion
                | Do::Extend
                | Do::ExtendOk
                | Do::ExtendNo
                | Do::Shelve
                | Do::Agree
                | Do::Disagree
                | Do::Resume
                | Do::Appeal
                | Do::Restore
                | Do::Answer
                | Do::Unmerge
                | Do::Undo
        )
    };
    // First the command, then the person: who many may do something does not make it likelier.
    let open = ALL.iter().map(|what| {
        let may = |who: &&&'static str| match model.predict(who, *what, on) {
            Verdict::Skip => false,
            Verdict::Refused => step.turning == Turning::Whatever,
            Verdict::Done(_) => match step.turning {
                Turning::Onward => onward(*what),
                Turning::Answering => answering(*what),
                Turning::Possible | Turning::Whatever => true,
            },
        };
        (*what, EVERYBODY.iter().filter(may).copied().collect::<Vec<_>>())
    });
    let open: Vec<(Do, Vec<&'static str>)> = open.filter(|(_, people)| !people.is_empty()).collect();
    let choice = usize::from(step.choice);
    let (what, people) = open.get(choice % open.len().max(1))?;
    Some((people[choice / open.len() % people.len()], *what, on))
}

/// Plays a story; gives the lines that were said, and what went otherwise.
async fn play(county: &County, story: &Story, done: &mut BTreeSet<String>) -> Result<(), (String, String)> {
    let mut model = begin(county, &story.tickets).await;
    let mut said = String::new();
    for step in &story.steps {
        county.clock.advance(wait(step.wait));
        model.now = county.clock.now();
        let Some((who, what, on)) = chosen(&model, step) else { continue };
        let number = i64::try_from(on).unwrap_or_default() + 1;
        let known = events_known(county, model.tickets.len()).await;
        county.hang_up().await;
        // The program's clock stands still within a step, so that both reckon with the same moment.
        let day = in_words(model.now, morning());
        said.push_str(&format!("    {day} {} {who} > {}\n", time_in_words(model.now), what.lines(number).join(" ⏐ ")));
        let heard = carry_out(county, who, &what.lines(number), Way::default()).await;
        if let Err(wrong) = compare(county, &model, (who, what, on), &known, &heard, true).await {
            return Err((said, format!("{wrong}\n    said: {}\n    before: {:?}", heard.text, model.tickets[on])));
        }
        if let Verdict::Done(outcome) = model.predict(who, what, on) {
            done.insert(format!("{what:?}"));
            model.happen(who, what, *outcome);
        }
    }
    Ok(())
}

/// Lays tickets that were just reported, by one or two, by name or not, an accusation or not.
pub async fn begin(county: &County, tickets: &[(bool, bool, bool)]) -> Model {
    county.clock.set(morning());
    let reported = tickets.iter().map(|(two, by_name, accusation)| {
        let reporters = if *two { vec!["zhou", "xiu"] } else { vec!["zhou"] };
        Ticket::reported(reporters, *by_name, *accusation)
    });
    let tickets: Vec<Ticket> = reported.collect();
    let scenes: Vec<Scene> = tickets.iter().map(scene).collect();
    county.lay(&scenes).await;
    Model::new(county.clock.now(), tickets)
}

fn scene(ticket: &Ticket) -> Scene {
    let mode = if ticket.by_name { Mode::RealName } else { Mode::Confidential };
    let kind = if ticket.accusation { Kind::Accusation } else { Kind::Complaint };
    let laid = minhu::tickets::Ticket { mode, kind, ..standing(State::Submitted, morning()) };
    Scene { reporters: ticket.reporters.iter().map(|name| (*name, mode)).collect(), ..laid.into() }
}

pub async fn carry_out(county: &County, who: &str, said: &[String], way: Way) -> Heard {
    let mut all = county.say_by(who, &said[0], way).await;
    for line in &said[1..] {
        if !all.asks || all.fault.is_some() {
            break;
        }
        let next = county.say_by(who, line, way).await;
        all.text = format!("{} ⏐ {}", all.text, next.text);
        all.pushes.extend(next.pushes);
        all.turns.extend(next.turns);
        (all.asks, all.fault) = (next.asks, next.fault);
    }
    all
}

/// Is what happened what the model foretold?
async fn compare(
    county: &County,
    model: &Model,
    (who, what, on): (&'static str, Do, usize),
    known: &[i64],
    heard: &Heard,
    whole: bool,
) -> Result<(), String> {
    if let Some(why) = &heard.fault {
        return Err(format!("it failed: {why}"));
    }
    let told = told(county, &heard.pushes).await;
    let foretold = match model.predict(who, what, on) {
        Verdict::Skip => return Ok(()),
        Verdict::Refused => Outcome::nothing(&model.tickets),
        Verdict::Done(outcome) => *outcome,
    };
    for (place, expected) in foretold.tickets.iter().enumerate() {
        let number = i64::try_from(place).unwrap_or_default() + 1;
        let (ticket, events) = (county.ticket(number).await, county.events(number, known[place]).await);
        let events: Vec<&str> = events.into_iter().map(|event| event.0).map(Verb::code).collect();
        if events != foretold.events_of(place) {
            return Err(format!("events of {number} {events:?}, foretold {:?}", foretold.events_of(place)));
        }
        let differences = if whole { expected.differences(&ticket) } else { Vec::new() };
        if ticket.state != expected.state || !differences.is_empty() {
            return Err(format!("state of {number} {:?}, foretold {:?}: {differences:?}", ticket.state, expected.state));
        }
    }
    tellings(&foretold, &told)?;
    if heard.text.is_empty() {
        return Err("nothing was answered".to_owned());
    }
    Ok(())
}

/// Were those told who ought to be?
pub fn tellings(foretold: &Outcome, told: &BTreeSet<String>) -> Result<(), String> {
    let missing: Vec<&String> = foretold.told.difference(told).collect();
    let foreseen: BTreeSet<String> = foretold.told.union(&foretold.may).cloned().collect();
    let besides: Vec<&String> = told.difference(&foreseen).collect();
    if !missing.is_empty() || !besides.is_empty() {
        return Err(format!("not told: {missing:?}; told besides: {besides:?}"));
    }
    Ok(())
}

/// How many events each ticket has.
pub async fn events_known(county: &County, tickets: usize) -> Vec<i64> {
    county.tickets(tickets).await.into_iter().map(|ticket| ticket.events).collect()
}

/// The targets in the model's words.
pub async fn told(county: &County, pushes: &[Target]) -> BTreeSet<String> {
    let mut told = BTreeSet::new();
    for target in pushes {
        told.insert(match target {
            Target::Reporter(entry) => format!("reporter {}", county.reporter_named(*entry).await),
            Target::Person(person) => format!("person {}", county.name_of(*person)),
            Target::Role { role, unit: Some(unit), .. } => format!("role {role} of {unit}"),
            Target::Role { role, unit: None, .. } => format!("role {role}"),
            Target::Group(group) => format!("group {group}"),
            Target::Chat(_) => "a chat".to_owned(),
        });
    }
    told
}

#[test]
fn random_histories_go_as_the_model_foretells() {
    // Without a wish always the same ones; whoever asks for a number gets new ones.
    let wished: Option<u32> = std::env::var("MINHUTEST_CASES").ok().and_then(|cases| cases.parse().ok());
    let cases = wished.unwrap_or(64);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let offices: Vec<Officer> = OFFICES.iter().map(|(id, name, grants)| Officer { id, name, grants }).collect();
    let county = runtime.block_on(County::found(&offices, CITIZENS));
    let done = RefCell::new(BTreeSet::new());
    let config = Config { cases, failure_persistence: None, max_shrink_iters: 400, ..Config::default() };
    let same = || TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let mut runner = if wished.is_some() { TestRunner::new(config) } else { TestRunner::new_with_rng(config, same()) };
    let result = runner.run(&stories(), |story| {
        let played = runtime.block_on(play(&county, &story, &mut done.borrow_mut()));
        played.map_err(|(said, wrong)| TestCaseError::fail(format!("\n{said}  → {wrong}\n")))
    });
    if let Err(proptest::test_runner::TestError::Fail(why, story)) = &result {
        let kinds: Vec<String> = story
            .tickets
            .iter()
            .map(|(two, by_name, accusation)| format!("two reporters {two}, by name {by_name}, accusation {accusation}"))
            .collect();
        panic!("a history went otherwise\n  tickets: {}\n{}", kinds.join("; "), why.message());
    }
    result.unwrap();
    runtime.block_on(county.close());
    let never: Vec<String> = ALL.iter().map(|what| format!("{what:?}")).filter(|what| !done.borrow().contains(what)).collect();
    std::io::stderr().write_all(format!("{cases} histories; never done in them: {}\n", never.join(" ")).as_bytes()).unwrap();
}

/// Every command by everybody from every state, with nothing else going on.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_single_step_goes_as_the_model_foretells() {
    single_steps(State::ALL, false).await;
}

/// The same with much going on.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_single_step_with_much_going_on_goes_as_the_model_foretells() {
    let busy =
        [State::Submitted, State::Working, State::InReview, State::Callback, State::Closed, State::Rejected, State::Cancelled];
    single_steps(&busy, true).await;
}

async fn single_steps(states: &[State], much: bool) {
    let offices: Vec<Officer> = OFFICES.iter().map(|(id, name, grants)| Officer { id, name, grants }).collect();
    let county = County::found(&offices, CITIZENS).await;
    let mut wrong = Vec::new();
    for state in states.iter().copied() {
        let ticket = Ticket::standing(state, much, morning());
        let scenes = [laid(&county, state, much), standing(State::Working, morning()).into()];
        let mut leader = Ticket::standing(State::Working, false, morning());
        leader.reporters.clear();
        let model = Model::new(morning(), vec![ticket, leader]);
        let mut changed = true;
        for (what, who) in ALL.iter().flat_map(|what| EVERYBODY.iter().map(move |who| (*what, *who))) {
            let foretold = model.predict(who, what, 0);
            if foretold == Verdict::Skip {
                continue;
            }
            if changed {
                county.lay(&scenes).await;
            } else {
                county.hang_up().await;
            }
            let before = county.tickets(2).await;
            let known: Vec<i64> = before.iter().map(|ticket| ticket.events).collect();
            let heard = carry_out(&county, who, &what.lines(1), Way::default()).await;
            if let Err(why) = compare(&county, &model, (who, what, 0), &known, &heard, false).await {
                let besides = if much { ", much going on" } else { "" };
                wrong.push(format!("{who} > {} ({state}{besides}): {why}\n    said: {}", what.lines(1).join(" ⏐ "), heard.text));
            }
            changed = foretold != Verdict::Refused || county.tickets(2).await != before;
        }
    }
    county.close().await;
    assert!(wrong.is_empty(), "{} steps go otherwise:\n{}", wrong.len(), wrong.join("\n"));
}

/// The same ticket as the model's, as rows.
fn laid(county: &County, state: State, much: bool) -> Scene {
    let now = morning();
    let plain = standing(state, now);
    let reporters = vec![("zhou", Mode::RealName), ("xiu", Mode::RealName)];
    if !much {
        return Scene { reporters, ..plain.into() };
    }
    let working = state == State::Working;
    let co_units = if plain.unit.is_some() { vec![(CO, false)] } else { Vec::new() };
    let by = county.voice("dispatcher", "dispatcher");
    let ticket = minhu::tickets::Ticket {
        asks: 2,
        signed_off: false,
        appealed: true,
        restored: true,
        supervised: true,
        reopens: 2,
        extension_days: working.then_some(3),
        proposal: working.then(|| proposal(Matter::Shelve, by, Some(now + 30 * DAY))),
        ..plain
    };
    Scene { reporters, co_units, ..ticket.into() }
}
