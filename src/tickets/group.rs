//! Deputies and their groups: whom a citizen may choose, who may be asked to look on the spot, 我的小组.

use super::{
    Sealed, State, Ticket,
    columns::{COLUMNS, read},
    oversight::{self, Checker},
    refs, show, store,
    wording::oversight as words,
};
use crate::{
    bot::{Resolved, Submitted, Turn, dialog::Item},
    db::Tx,
    error::Result,
    message::{Millis, Reply},
    people::{Actor, DeputyGroup, Directory, Role, Scope, Staff, contains},
    text,
};
use sqlx::Row;
use std::collections::BTreeMap;

/// The deputy who has a ticket that a citizen brought to him: still in office, and before the time for it is over. After that it
/// is intake's, whether or not the clock has said so yet.
pub fn with_deputy(directory: &Directory, ticket: &Ticket, now: Millis) -> Option<i64> {
    let in_time = ticket.state == State::Submitted && ticket.accept_due.is_none_or(|due| now <= due);
    chosen(directory, ticket).filter(|_| in_time)
}

/// The deputy whom the reporter chose, as long as he is in office and may know of it.
pub fn chosen(directory: &Directory, ticket: &Ticket) -> Option<i64> {
    ticket.given_to.filter(|id| ticket.sealed == Sealed::Open && may_be_chosen(directory, *id, &ticket.area))
}

/// May a citizen of this area bring a matter to this person?
pub fn may_be_chosen(directory: &Directory, person: i64, area: &str) -> bool {
    directory.staff(person).is_some_and(|staff| {
        let holds = |role| directory.holds(&staff.grants, role, Scope::area(area));
        !staff.retired && (holds(Role::Deputy) || holds(Role::StationKeeper))
    })
}

/// The name of a group, or its id when it is gone.
pub fn name<'a>(directory: &'a Directory, id: &'a str) -> &'a str {
    directory.deputy_groups().iter().find(|group| group.id == id).map_or(id, |group| group.name.as_str())
}

/// Those in office who hold the role in this area, of the smallest area first.
fn nearest(directory: &Directory, role: Role, area: &str) -> Vec<(usize, i64, String)> {
    let reach = |staff: &Staff| {
        staff.grants.iter().filter(|grant| grant.role == role && contains(&grant.area, area)).map(|grant| grant.area.len()).max()
    };
    let mut found: Vec<(usize, i64, String)> =
        directory.all_staff().filter_map(|staff| Some((reach(staff)?, staff.id, staff.name.clone()))).collect();
    found.sort_by_key(|(reach, ..)| std::cmp::Reverse(*reach));
    found
}

/// The groups of this area, the smallest area first.
fn groups_of<'d>(directory: &'d Directory, area: &str) -> Vec<&'d DeputyGroup> {
    let mut groups: Vec<&DeputyGroup> = directory.deputy_groups().iter().filter(|group| contains(&group.area, area)).collect();
    groups.sort_by_key(|group| std::cmp::Reverse(group.area.len()));
    groups
}

/// Whom a citizen may choose in 找代表: deputies, then stations, and the centre for whoever knows nobody.
pub fn deputies(actor: &Actor, area: &str) -> Vec<Item> {
    let directory = actor.directory();
    let of_group = |id: i64| {
        let reference = directory.staff(id)?.reference.clone();
        let groups = groups_of(directory, area);
        groups.into_iter().find(|group| group.lead.as_ref() == Some(&reference) || group.members.contains(&reference))
    };
    let mut items: Vec<Item> = Vec::new();
    for (_, id, name) in nearest(directory, Role::Deputy, area) {
        let text = words::deputy_choice(&name, of_group(id).map(|group| group.name.as_str()));
        items.push(Item { also: vec![name.clone()], short: Some(name), ..Item::new(id.to_string(), text) });
    }
    for (_, id, name) in nearest(directory, Role::StationKeeper, area) {
        if items.iter().all(|item| item.key != id.to_string()) {
            let text = words::station_choice(&name);
            items.push(Item { also: vec![name.clone()], short: Some(name), ..Item::new(id.to_string(), text) });
        }
    }
    items.retain(|item| item.key != actor.person.to_string());
    items.push(Item { short: Some(words::CENTRE.to_owned()), ..Item::new("centre", words::centre_choice()) });
    items
}

/// Who may be asked to look at a ticket on the spot: the groups of its area, then the deputies there; whoever handled it not.
pub fn checkers(actor: &Actor, ticket: &Ticket, handled: &[i64]) -> Vec<Item> {
    if ticket.sealed != Sealed::Open {
        return Vec::new();
    }
    let directory = actor.directory();
    let groups = groups_of(directory, &ticket.area).into_iter().enumerate().map(|(index, group)| {
        let nearest = (index == 0).then(|| words::NEAREST_GROUP.to_owned());
        Item {
            also: [group.id.clone()].into_iter().chain(nearest).collect(),
            ..Item::new(format!("g:{}", group.id), group.name.clone())
        }
    });
    let people = nearest(directory, Role::Deputy, &ticket.area).into_iter().filter(|(_, id, _)| !handled.contains(id));
    let people = people.map(|(_, id, name)| {
        let reference = directory.staff(id).map(|staff| staff.reference.clone());
        Item { also: reference.into_iter().collect(), ..Item::new(format!("p:{id}"), name) }
    });
    groups.chain(people).collect()
}

/// The sentence for a name that none of these has; `None` leaves the name to the dialog.
pub fn unknown_checker(items: &[Item], said: &str) -> Option<Resolved> {
    let wanted = text::fold(said);
    let known = items.iter().flat_map(|item| std::iter::once(&item.text).chain(&item.also)).any(|word| {
        let word = text::fold(word);
        word == wanted || (wanted.chars().count() >= 2 && (word.contains(&wanted) || wanted.contains(&word)))
    });
    let notes = vec![words::unknown_checker(&text::shorten(said, 20))];
    (!known).then_some(Resolved { value: None, notes, ask: !items.is_empty() })
}

/// Who is meant by the key of [`checkers`].
pub fn checker(key: &str) -> Option<Checker> {
    match key.split_once(':')? {
        ("g", id) => Some(Checker::Group(id.to_owned())),
        ("p", id) => id.parse().ok().map(Checker::Person),
        _ => None,
    }
}

/// Whom a citizen brought, for the deputy: tickets that wait for this person.
async fn given(turn: &mut Turn<'_, Actor>) -> Result<Vec<Ticket>> {
    let look = store::Look { states: &[State::Submitted], given_to: Some(turn.actor.person), ..store::Look::default() };
    let mut found = store::find(turn.tx, &look).await?;
    found.retain(|ticket| with_deputy(turn.actor.directory(), ticket, turn.now).is_some());
    Ok(found)
}

/// How many open tickets of an area are in each state, and the oldest three.
async fn open_of(tx: &mut Tx, area: &str) -> Result<(BTreeMap<State, i64>, Vec<Ticket>)> {
    // What is sealed is neither shown nor counted.
    let which = format!("area_code >= $1 AND area_code < $2 AND sealed = 0 AND {}", store::open());
    let (from, to) = (area.to_owned(), format!("{area}:"));
    let sql = format!("SELECT state, COUNT(*) FROM ticket WHERE {which} GROUP BY state");
    let rows = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(from.clone()).bind(to.clone()).fetch_all(tx.conn()).await?;
    let mut counts = BTreeMap::new();
    for row in rows {
        let state: String = row.try_get(0)?;
        if let Some(state) = State::from_code(&state) {
            counts.insert(state, row.try_get(1)?);
        }
    }
    let sql = format!("SELECT {COLUMNS} FROM ticket WHERE {which} ORDER BY submitted_at, id LIMIT 3");
    let rows = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(from).bind(to).fetch_all(tx.conn()).await?;
    Ok((counts, rows.iter().map(read).collect::<Result<_>>()?))
}

/// 我的小组: who is in it, what waits there, and what waits for this person.
///
/// # Errors
/// Those of the database.
pub async fn my_group(turn: &mut Turn<'_, Actor>) -> Result<Submitted> {
    let office = turn.actor.office.clone();
    let directory = &office.directory;
    let reference = directory.staff(turn.actor.person).map(|staff| staff.reference.clone()).unwrap_or_default();
    let groups: Vec<&DeputyGroup> = directory.deputy_groups_of(&reference).collect();
    let label = |ticket: &Ticket| show::label(ticket, directory);
    let mut parts: Vec<String> = Vec::new();
    let waiting = given(turn).await?;
    if !waiting.is_empty() {
        parts.push(words::waiting_for_you(&waiting.iter().map(label).collect::<Vec<_>>()));
    }
    let mut asked = oversight::checks_for(turn.tx, &Checker::Person(turn.actor.person)).await?;
    for group in &groups {
        asked.extend(oversight::checks_for(turn.tx, &Checker::Group(group.id.clone())).await?);
    }
    let mut checks: Vec<String> = Vec::new();
    for check in asked {
        let Some(ticket) = store::by_id(turn.tx.conn(), check.ticket).await? else { continue };
        let line = label(&ticket);
        if refs::permitted(&turn.actor, &ticket, super::life::Verb::Verify, false).is_some() && !checks.contains(&line) {
            checks.push(line);
        }
    }
    if !checks.is_empty() {
        parts.push(words::checks_wait(&checks));
    }
    for group in &groups {
        let names: Vec<&str> =
            group.members.iter().filter_map(|id| Some(directory.staff_by_reference(id)?.name.as_str())).collect();
        let lead = group.lead.as_deref().and_then(|id| directory.staff_by_reference(id)).map(|staff| staff.name.as_str());
        let (counts, oldest) = open_of(turn.tx, &group.area).await?;
        let counts: Vec<(State, i64)> = counts.into_iter().collect();
        let oldest: Vec<String> = oldest.iter().map(|ticket| words::with_state(&label(ticket), ticket.state)).collect();
        parts.push(words::group(&group.name, lead, &names, &counts, &oldest));
        if group.lead.as_deref() == Some(reference.as_str()) {
            parts.push(words::lead_may_ask().to_owned());
        }
    }
    if groups.is_empty() {
        parts.push(words::no_group().to_owned());
    }
    let person = turn.actor.person;
    if turn.in_group() {
        turn.say(super::wording::lists::list_in_private());
    }
    turn.say_privately(person, Reply::text(parts.join("\n\n")));
    Ok(Submitted::Done(Vec::new()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::people::org;

    const VILLAGE: &str = "131122102214";

    /// The demonstration; `gone` are references of people who left office.
    fn directory(gone: &[&str]) -> Directory {
        let mut org = org::demonstration().unwrap();
        org.persons.retain(|person| !gone.contains(&person.id.as_str()));
        Directory::of(org)
    }

    fn id(directory: &Directory, reference: &str) -> i64 {
        directory.staff_by_reference(reference).unwrap().id
    }

    #[test]
    fn a_deputy_has_it_while_he_is_in_office_and_in_time() {
        let all = directory(&[]);
        let ma = id(&all, "ma");
        let ticket = |area: &str, state, due| Ticket {
            given_to: Some(ma),
            area: area.to_owned(),
            accept_due: Some(due),
            state,
            ..Ticket::blank(0)
        };
        for (ticket, now, has_it) in [
            (ticket(VILLAGE, State::Submitted, 100), 100, true),
            (ticket(VILLAGE, State::Submitted, 100), 101, false),
            (ticket(VILLAGE, State::Callback, 100), 50, false),
            (ticket("131122101203", State::Submitted, 100), 50, false),
        ] {
            assert_eq!(with_deputy(&all, &ticket, now).is_some(), has_it, "{ticket:?} {now}");
        }
        let sealed = Ticket { sealed: Sealed::Area, ..ticket(VILLAGE, State::Submitted, 100) };
        assert_eq!(with_deputy(&all, &sealed, 50), None);
        // Ids are given in the order of the file, so whoever is left has another one than he who went.
        let without = directory(&["ma"]);
        assert!(without.staff_by_reference("ma").is_none());
        let nobody = Ticket { given_to: Some(9_999), ..ticket(VILLAGE, State::Submitted, 100) };
        assert_eq!(with_deputy(&without, &nobody, 50), None);
    }

    #[test]
    fn deputies_and_stations_may_be_chosen_in_their_area_only() {
        let directory = directory(&[]);
        for (reference, area, may) in [
            ("ma", VILLAGE, true),
            ("tang", VILLAGE, true),
            ("ma", "131122101203", false),
            ("wang", VILLAGE, false),
            ("li", VILLAGE, false),
        ] {
            assert_eq!(may_be_chosen(&directory, id(&directory, reference), area), may, "{reference} {area}");
        }
    }

    #[test]
    fn a_checker_is_a_person_or_a_group() {
        assert_eq!(checker("g:dg-sp"), Some(Checker::Group("dg-sp".to_owned())));
        assert_eq!(checker("p:7"), Some(Checker::Person(7)));
        assert_eq!(checker("p:x"), None);
        assert_eq!(checker("马代表"), None);
    }

    #[test]
    fn a_name_is_unknown_when_nobody_has_it() {
        let items = [Item { also: vec!["dg-sp".into()], ..Item::new("g:dg-sp", "审坡镇代表小组") }, Item::new("p:1", "马代表")];
        for (said, unknown) in [("马代表", false), ("审坡", false), ("DG-SP", false), ("牛代表", true), ("马", true)] {
            assert_eq!(unknown_checker(&items, said).is_some(), unknown, "{said}");
        }
    }
}
