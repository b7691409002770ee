//! Walks the whole table: every row, from each of its states, by everybody there can be.

use super::{
    county::{CO, County, Heard, LEAD, Officer, Scene, standing},
    lines::{lines, origin, scenes, spoil, with_leader},
};
use minhu::{
    outbox::Target,
    people::Role,
    tickets::{
        Mode, Sealed, State, Ticket,
        life::{self, ROWS, Row, To, Told, Verb, Who},
    },
};
use std::io::Write;

/// Somebody who tries everything.
pub struct Actor {
    pub id: &'static str,
    pub name: &'static str,
    grants: &'static str,
    pub roles: &'static [Role],
    /// Of the unit that only helps.
    of_co: bool,
    pub is_reporter: bool,
    pub is_chosen: bool,
}

const fn office(id: &'static str, name: &'static str, grants: &'static str, roles: &'static [Role]) -> Actor {
    Actor { id, name, grants, roles, of_co: false, is_reporter: false, is_chosen: false }
}

/// One for each role with exactly that right, and those whom the table names besides.
pub const ACTORS: &[Actor] = &[
    Actor { is_reporter: true, ..office("reporter", "", "", &[]) },
    office("stranger", "", "", &[Role::Citizen]),
    office("deputy", "别的代表", r#"{ role = "deputy", area = "131122102" }"#, &[Role::Deputy]),
    Actor { is_chosen: true, ..office("chosen", "被选代表", r#"{ role = "deputy", area = "131122102" }"#, &[Role::Deputy]) },
    office("group_lead", "代表组长", r#"{ role = "group_lead", area = "131122102" }"#, &[Role::GroupLead]),
    office("info_officer", "网格员", r#"{ role = "info_officer", area = "131122102214" }"#, &[Role::InfoOfficer]),
    office("station_keeper", "站联络员", r#"{ role = "station_keeper", area = "131122102" }"#, &[Role::StationKeeper]),
    office("intake", "受理员", r#"{ role = "intake", area = "131122" }"#, &[Role::Intake]),
    office("dispatcher", "派单员", r#"{ role = "dispatcher", area = "131122" }"#, &[Role::Dispatcher]),
    office(
        "both",
        "受理兼派单",
        r#"{ role = "intake", area = "131122" }, { role = "dispatcher", area = "131122" }"#,
        &[Role::Intake, Role::Dispatcher],
    ),
    office("liaison", "水务联络员", r#"{ role = "liaison", unit = "swj" }"#, &[Role::Liaison]),
    Actor { of_co: true, ..office("co_liaison", "城管联络员", r#"{ role = "liaison", unit = "cgj" }"#, &[Role::Liaison]) },
    office("handler", "水务承办人", r#"{ role = "handler", unit = "swj" }"#, &[Role::Handler]),
    // The leader of a unit does all that its liaison may.
    office("unit_leader", "水务局长", r#"{ role = "unit_leader", unit = "swj" }"#, &[Role::UnitLeader, Role::Liaison]),
    office("callback_clerk", "回访员", r#"{ role = "callback_clerk", area = "131122" }"#, &[Role::CallbackClerk]),
    office("town_npc", "乡镇人大", r#"{ role = "town_npc", area = "131122102" }"#, &[Role::TownNpc]),
    office("npc_staff", "人大工委", r#"{ role = "npc_staff", area = "131122" }"#, &[Role::NpcStaff]),
    office("task_force", "专班", r#"{ role = "task_force", area = "131122", field = "groundwater" }"#, &[Role::TaskForce]),
    office("leader", "县领导", r#"{ role = "leader", area = "131122" }"#, &[Role::Leader]),
    office("inspector", "纪检监察", r#"{ role = "inspector", area = "131122" }"#, &[Role::Inspector]),
    office("analyst", "数据核查员", r#"{ role = "analyst", area = "131122" }"#, &[Role::Analyst]),
    office("auditor", "审计员", r#"{ role = "auditor", area = "131122" }"#, &[Role::Auditor]),
    office("admin", "系统管理员", r#"{ role = "admin", area = "131122" }"#, &[Role::Admin]),
];

/// There besides, and never acting: a colleague in the unit, people in the other units.
const OTHERS: &[Officer] = &[
    Officer { id: "colleague", name: "水务局同事", grants: r#"{ role = "handler", unit = "swj" }"# },
    Officer { id: "other_liaison", name: "住建联络员", grants: r#"{ role = "liaison", unit = "zjj" }"# },
    Officer { id: "above_liaison", name: "市水利联络员", grants: r#"{ role = "liaison", unit = "hssl" }"# },
];

pub async fn county() -> County {
    let mut offices: Vec<Officer> = ACTORS
        .iter()
        .filter(|actor| !actor.grants.is_empty())
        .map(|actor| Officer { id: actor.id, name: actor.name, grants: actor.grants })
        .collect();
    offices.extend(OTHERS.iter().map(|other| Officer { ..*other }));
    County::found(&offices, &["reporter", "stranger", "stranger2"]).await
}

impl Actor {
    /// Is this one of those whom a row names? Everybody's office is held by somebody here, so that nobody stands in.
    fn is(&self, who: Who) -> bool {
        let watches = |role: &Role| matches!(role, Role::Citizen | Role::Analyst | Role::Auditor | Role::Admin);
        match who {
            Who::Anybody => true,
            Who::Reporter => self.is_reporter,
            Who::Holder(role) | Who::OnlyHolder(role) => !self.of_co && self.roles.contains(&role),
            Who::CoLiaison => self.of_co,
            Who::ChosenDeputy => self.is_chosen,
            Who::IntakeAndDispatcher => self.roles.contains(&Role::Intake) && self.roles.contains(&Role::Dispatcher),
            // No dispatcher's right reaches above the county.
            Who::Arbiter => self.roles.contains(&Role::NpcStaff),
            Who::StaffInScope => !self.of_co && self.roles.iter().any(|role| !watches(role)),
            Who::Itself | Who::Clock => false,
        }
    }

    /// Does any of the roles belong to a unit, which a ticket must have then?
    pub fn may(&self, row: &Row, ticket: &Ticket) -> bool {
        let of_unit = |who: &Who| matches!(who, Who::Holder(Role::Liaison | Role::Handler | Role::UnitLeader));
        let of_unit_person = self.roles.iter().any(|role| matches!(role, Role::Liaison | Role::Handler | Role::UnitLeader));
        let has_unit = ticket.unit.as_deref() == Some(LEAD);
        // What is sealed the inspector does alone, whatever it is.
        let sealed = ticket.sealed != Sealed::Open;
        let of_office = |who: &Who| !matches!(who, Who::Anybody | Who::Reporter | Who::Itself | Who::Clock);
        if sealed && row.who.iter().any(of_office) {
            return life::on_sealed(row.verb) && self.roles.contains(&Role::Inspector);
        }
        row.who.iter().any(|who| {
            let unit_needed = of_unit(who) || (*who == Who::StaffInScope && of_unit_person);
            self.is(*who) && (!unit_needed || has_unit)
        })
    }
}

/// A problem that was found, with what was said.
#[derive(Default)]
struct Findings(Vec<String>);

impl Findings {
    fn add(&mut self, row: &Row, state: State, who: &str, what: &str, heard: &Heard) {
        self.0.push(format!(
            "{:?} {:?}→{:?} by {who}: {what}\n      said: {}{}",
            row.verb,
            state,
            row.to,
            heard.text.replace('\n', "⏎"),
            heard.fault.as_ref().map(|why| format!("\n      fault: {why}")).unwrap_or_default()
        ));
    }

    fn end(self) {
        let count = self.0.len();
        assert!(self.0.is_empty(), "{count} times otherwise than the table says:\n{}", self.0.join("\n"));
    }
}

/// Says a row's command with its answers; gives everything that was heard as one.
async fn carry_out(county: &County, who: &str, said: &[&str]) -> Heard {
    let mut all = county.say(who, said[0]).await;
    for line in &said[1..] {
        if !all.asks || all.fault.is_some() {
            break;
        }
        let next = county.say(who, line).await;
        all.text = format!("{} ⏐ {}", all.text, next.text);
        all.asks = next.asks;
        all.pushes.extend(next.pushes);
        all.fault = next.fault;
    }
    all
}

/// Nothing happened, nobody was told, and a sentence says why.
async fn refused(county: &County, before: &Ticket, heard: &Heard) -> Option<&'static str> {
    if county.ticket(1).await != *before {
        return Some("the ticket changed although it should have been refused");
    }
    if !county.events(1, before.events).await.is_empty() {
        return Some("an event was added although it should have been refused");
    }
    if !heard.pushes.is_empty() {
        return Some("somebody was told although it should have been refused");
    }
    if heard.fault.is_some() {
        return Some("it failed instead of being refused");
    }
    (heard.text.is_empty() || heard.asks).then_some("a sentence should have refused it")
}

/// It went as the row says. What reporters of a merged ticket say is done to the one that leads.
async fn carried(county: &County, row: &Row, all: &[Ticket], heard: &Heard) -> Option<String> {
    if heard.fault.is_some() {
        return Some("it failed".to_owned());
    }
    let with_leader = with_leader(row);
    let on = if with_leader { 1 } else { 0 };
    let (after, before) = (county.ticket(on + 1).await, &all[usize::try_from(on).unwrap_or_default()]);
    let expected = match row.to {
        _ if with_leader => after.state,
        To::Same => before.state,
        To::State(state) => state,
        To::Before if row.verb == Verb::Unmerge => State::Working,
        To::Before => origin(before.state),
    };
    if after.state != expected {
        return Some(format!("led to {:?}", after.state));
    }
    let mut events: Vec<Verb> = county.events(on + 1, before.events).await.into_iter().map(|event| event.0).collect();
    // Struck off at once where a result was passed and seen.
    events.retain(|verb| *verb != Verb::StrikeOff);
    let one: &[Verb] = match row.verb {
        Verb::Status => &[],
        Verb::Assign if before.state == State::Submitted => &[Verb::Accept, Verb::Assign],
        // What the decision rests on is for the units alone and stands beside it.
        Verb::Arbitrate => &[Verb::Arbitrate, Verb::Arbitrate],
        _ => std::slice::from_ref(&row.verb),
    };
    if events != one {
        return Some(format!("the events are {events:?}"));
    }
    if (after.version != before.version) != (after.state != before.state || after.unit != before.unit) {
        return Some("the version counts changes of state and of unit".to_owned());
    }
    if heard.text.is_empty() {
        return Some("nothing was answered".to_owned());
    }
    // One command, two rows: that of the ticket which is merged tells people.
    let merges = row.verb == Verb::Merge;
    let told: Vec<Told> =
        life::rows_of(row.verb).filter(|one| merges || std::ptr::eq(*one, row)).flat_map(|row| row.told).copied().collect();
    let (old, new) = if merges && row.to == To::Same { (&all[1], &county.ticket(2).await) } else { (before, &after) };
    let told_otherwise: Vec<String> = heard
        .pushes
        .iter()
        .filter(|target| !told.iter().any(|told| reaches(*told, target, old, new)))
        .map(ToString::to_string)
        .collect();
    (!told_otherwise.is_empty()).then(|| format!("told, but not in the row: {}", told_otherwise.join(", ")))
}

/// Can a message to this target be meant by the row's word?
fn reaches(told: Told, target: &Target, before: &Ticket, after: &Ticket) -> bool {
    let of_unit = |role: &str, unit: &Option<String>, of: &Ticket| {
        matches!(role, "liaison" | "handler" | "unit_leader") && unit.is_some() && *unit == of.unit
    };
    match (told, target) {
        (Told::Reporters, Target::Reporter(_)) => true,
        (Told::Reporters, _) => false,
        (Told::Intake, Target::Role { role, .. }) => role == "intake",
        (Told::Dispatcher, Target::Role { role, .. }) => role == "dispatcher",
        (Told::Unit, Target::Role { role, unit, .. }) => of_unit(role, unit, after) || of_unit(role, unit, before),
        (Told::OldUnit, Target::Role { role, unit, .. }) => {
            of_unit(role, unit, before) || (role == "liaison" && unit.as_ref().is_some_and(|unit| before.co_units.contains(unit)))
        }
        (Told::CoUnits, Target::Role { role, unit, .. }) => role == "liaison" && *unit != after.unit,
        (Told::UnitLeader, Target::Role { role, .. }) => role == "unit_leader",
        (Told::CallbackClerk, Target::Role { role, .. }) => role == "callback_clerk",
        (Told::NpcStaff, Target::Role { role, .. }) => role == "npc_staff",
        (Told::Inspector, Target::Role { role, .. }) => role == "inspector",
        (Told::Arbiter, Target::Role { role, .. }) => matches!(role.as_str(), "npc_staff" | "dispatcher"),
        (Told::WhoeverHasIt, Target::Role { role, unit, .. }) => {
            matches!(role.as_str(), "intake" | "dispatcher") || of_unit(role, unit, after)
        }
        (Told::Second, Target::Role { role, .. }) => {
            matches!(role.as_str(), "intake" | "dispatcher" | "npc_staff" | "callback_clerk")
        }
        (Told::Asker, Target::Role { role, unit, .. }) => {
            matches!(role.as_str(), "dispatcher" | "npc_staff" | "town_npc" | "leader" | "inspector" | "task_force")
                || of_unit(role, unit, after)
        }
        (Told::Asker, _) => true,
        (Told::Deputies, Target::Role { role, .. }) => matches!(role.as_str(), "deputy" | "group_lead"),
        (Told::Named, Target::Role { role, unit, .. }) => role == "liaison" && unit.is_some() || role == "group_lead",
        (Told::Named | Told::Deputies, Target::Person(_) | Target::Group(_)) => true,
        (Told::Arbiter | Told::Second | Told::Inspector, Target::Person(_)) => true,
        (Told::Unit | Told::WhoeverHasIt, Target::Person(person)) => after.handler == Some(*person),
        _ => false,
    }
}

/// Every row, from each of its states, its condition fulfilled, by everybody: done exactly by those whom it names.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_row_is_carried_out_by_those_it_names_and_by_nobody_else() {
    let county = county().await;
    let (mut findings, mut said, mut by_nobody) = (Findings::default(), 0, Vec::new());
    for row in ROWS {
        let Some(line) = lines(row) else { continue };
        for state in row.from {
            let (mut laid, mut by_anybody) = (None, false);
            for actor in ACTORS {
                let scenes = scenes(&county, row, *state, actor);
                // Where another row of the verb lets this person do it from here, that row is the one walked.
                let first = life::rows_in(row.verb, *state)
                    .filter(|other| std::ptr::eq(*other, row) || other.to == row.to || lines(other) == Some(line))
                    .find(|other| other.when.holds(&scenes[0].ticket) && actor.may(other, &scenes[0].ticket));
                let may = first.is_some_and(|first| std::ptr::eq(first, row));
                if first.is_some() && !may {
                    continue;
                }
                // A refusal leaves everything as it was; only what depends on the person is laid anew.
                let for_person = matches!(row.verb, Verb::Undo | Verb::Agree | Verb::Disagree) || actor.is_chosen;
                if laid != Some(false) || for_person {
                    county.lay(&scenes).await;
                } else {
                    county.hang_up().await;
                }
                let before = county.tickets(scenes.len()).await;
                let heard = carry_out(&county, actor.id, line).await;
                said += 1;
                let wrong = if may {
                    carried(&county, row, &before, &heard).await
                } else {
                    refused(&county, &before[0], &heard).await.map(str::to_owned)
                };
                by_anybody |= may;
                laid = Some(may || wrong.is_some() || for_person);
                if let Some(wrong) = wrong {
                    findings.add(row, *state, actor.id, &wrong, &heard);
                }
            }
            if !by_anybody {
                by_nobody.push((row.verb, *state, row.to));
            }
        }
    }
    std::io::stderr().write_all(format!("{said} commands\n").as_bytes()).unwrap();
    county.close().await;
    findings.end();
    let unasked = |state| (Verb::Answer, state, To::Same);
    let known = [
        // An earlier row of the verb lets everybody do it whom this one names.
        (Verb::Add, State::NeedInfo, To::Same),
        // No unit has it that could reply.
        unasked(State::Submitted),
        unasked(State::NeedInfo),
        unasked(State::Accepted),
    ];
    assert_eq!(by_nobody, known, "rows that nobody walks");
}

/// Every command from every state that none of its rows begins in: refused, whoever gives it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_command_from_any_other_state_is_refused_to_everybody_who_may_give_it() {
    let county = county().await;
    let mut findings = Findings::default();
    for verb in Verb::ALL {
        let states = life::states_for(*verb);
        for state in State::ALL.iter().filter(|state| !states.contains(state)) {
            let Some((row, line)) = life::rows_of(*verb).find_map(|row| Some((row, lines(row)?))) else { continue };
            let now = county.clock.now();
            let mut scene = Scene::from(standing(*state, now));
            scene.reporters = vec![("reporter", Mode::RealName)];
            scene.co_units = vec![(CO, false)];
            county.lay(&[scene, standing(State::Working, now).into()]).await;
            for actor in ACTORS.iter().filter(|actor| life::rows_of(*verb).any(|row| row.who.iter().any(|who| actor.is(*who)))) {
                county.hang_up().await;
                let before = county.ticket(1).await;
                let heard = carry_out(&county, actor.id, line).await;
                if let Some(wrong) = refused(&county, &before, &heard).await {
                    findings.add(row, *state, actor.id, wrong, &heard);
                }
            }
        }
    }
    county.close().await;
    findings.end();
}

/// Each row whose condition does not hold: refused to those who might otherwise.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_command_whose_condition_does_not_hold_is_refused() {
    let county = county().await;
    let mut findings = Findings::default();
    for row in ROWS {
        let Some(line) = lines(row) else { continue };
        for state in row.from {
            for actor in ACTORS {
                let mut scenes = scenes(&county, row, *state, actor);
                if spoil(&county, &mut scenes[0], row.when).is_none() {
                    continue;
                }
                let otherwise = life::rows_in(row.verb, *state)
                    .any(|other| other.when.holds(&scenes[0].ticket) && actor.may(other, &scenes[0].ticket));
                if otherwise || !actor.may(row, &scenes[0].ticket) {
                    continue;
                }
                county.lay(&scenes).await;
                let before = county.ticket(1).await;
                let heard = carry_out(&county, actor.id, line).await;
                if let Some(wrong) = refused(&county, &before, &heard).await {
                    findings.add(row, *state, actor.id, wrong, &heard);
                }
            }
        }
    }
    county.close().await;
    findings.end();
}

/// A sealed ticket: the inspector does what everybody in office does, its reporter what reporters do; nobody else can tell it
/// from a number that does not exist.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sealed_ticket_is_there_for_its_reporter_and_the_inspector_alone() {
    let county = county().await;
    let mut findings = Findings::default();
    for row in ROWS {
        let (Some(line), Some(state)) = (lines(row), row.from.first()) else { continue };
        for actor in ACTORS {
            let mut scenes = scenes(&county, row, *state, actor);
            scenes[0].ticket.sealed = Sealed::Area;
            if actor.id == "inspector" || actor.is_reporter || row.verb == Verb::Undo {
                continue;
            }
            county.lay(&scenes).await;
            county.take_away(1).await;
            let absent = county.say(actor.id, line[0]).await;
            county.lay(&scenes).await;
            let before = county.ticket(1).await;
            let heard = carry_out(&county, actor.id, line).await;
            let wrong = match refused(&county, &before, &heard).await {
                None if heard.text != absent.text => Some("it is answered otherwise than a number that does not exist"),
                wrong => wrong,
            };
            if let Some(wrong) = wrong {
                findings.add(row, *state, actor.id, wrong, &heard);
            }
        }
        let inspector = ACTORS.iter().find(|actor| actor.id == "inspector").unwrap();
        let mut scenes = scenes(&county, row, *state, inspector);
        scenes[0].ticket.sealed = Sealed::Area;
        let for_staff = row.who.iter().any(|who| !matches!(who, Who::Anybody | Who::Reporter | Who::Itself | Who::Clock));
        let is_first = life::rows_in(row.verb, *state).find(|other| other.when.holds(&scenes[0].ticket));
        if for_staff && !life::on_sealed(row.verb) {
            county.lay(&scenes).await;
            let before = county.ticket(1).await;
            let heard = carry_out(&county, "inspector", line).await;
            if let Some(wrong) = refused(&county, &before, &heard).await {
                findings.add(row, *state, "inspector", wrong, &heard);
            }
        } else if for_staff && is_first.is_some_and(|first| std::ptr::eq(first, row)) {
            county.lay(&scenes).await;
            let before = county.ticket(1).await;
            let heard = carry_out(&county, "inspector", line).await;
            // Whoever would be told, an inspector is told instead.
            let others = heard.pushes.iter().any(|push| matches!(push, Target::Role { role, .. } if role != "inspector"));
            let after = county.ticket(1).await;
            if heard.fault.is_some() || after.events == before.events && row.verb != Verb::Status {
                findings.add(row, *state, "inspector", "the inspector could not do it", &heard);
            } else if others {
                findings.add(row, *state, "inspector", "somebody else was told", &heard);
            }
        }
    }
    county.close().await;
    findings.end();
}

/// The row that begins everything: anybody reports, and one event stands at the beginning.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn anybody_reports() {
    let county = county().await;
    for actor in ACTORS {
        county.lay(&[]).await;
        let said = ["反映", "前观津村", "夜里有人打井抽水卖，半年多了", "提交"];
        let heard = carry_out(&county, actor.id, &said).await;
        let events = county.all_events().await;
        assert_eq!(events, [(Verb::Report, None, State::Submitted)], "{}: {heard:?}", actor.id);
        let to_intake = |target: &Target| matches!(target, Target::Role { role, .. } if role == "intake");
        assert!(heard.pushes.iter().all(to_intake) && heard.pushes.len() == 1, "{}: {heard:?}", actor.id);
    }
    county.close().await;
}

#[test]
fn everybody_whom_the_table_can_name_walks() {
    for role in Role::ALL {
        assert!(ACTORS.iter().any(|actor| actor.roles.first() == Some(&role)), "{role:?}");
    }
}
