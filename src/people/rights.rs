//! What an administrator does to people in the chat: 停用, 换联络员, 代班, 发码, 权限. An administrator of an area acts within it
//! only, gives himself nothing, and whoever configures gets no part in the work.

use super::{Actor, Directory, Grant, Named, Role, Scope, Staff, codes, contains, phone, rights_store as table, store, wording};
use crate::{
    bot::{
        Resolved, Submitted, Turn,
        dialog::{self, Answer, Answers, Item, Value},
    },
    clock::{DAY, in_words, start_of, time_in_words},
    error::{Error, Result},
    message::Reply,
    outbox::{Class, Push, Target},
    text,
};

/// The areas in which this person is administrator; the empty one is everywhere.
fn own_areas(actor: &Actor) -> Vec<&str> {
    actor.grants().iter().filter(|grant| grant.role == Role::Admin).map(|grant| grant.area.as_str()).collect()
}

/// Where a right holds.
fn area_of<'a>(directory: &'a Directory, grant: &'a Grant) -> &'a str {
    let unit = grant.unit.as_deref().and_then(|unit| directory.unit(unit));
    if grant.area.is_empty() { unit.map_or("", |unit| unit.area.as_str()) } else { &grant.area }
}

/// Do all of this person's rights lie within the administrator's areas?
fn in_charge(actor: &Actor, person: &Staff) -> bool {
    lies_within(actor.directory(), person, &own_areas(actor))
}

fn lies_within(directory: &Directory, person: &Staff, areas: &[&str]) -> bool {
    let within = |grant: &Grant| areas.iter().any(|outer| contains(outer, area_of(directory, grant)));
    !areas.is_empty() && person.grants.iter().all(within)
}

/// `水务局联络员`, `武邑县受理员`.
pub(super) fn office(directory: &Directory, grant: &Grant) -> String {
    let field = grant.field.as_deref().and_then(|field| directory.field(field)).map_or("", |field| field.name.as_str());
    let place = match grant.unit.as_deref().and_then(|unit| directory.unit(unit)) {
        Some(unit) => unit.name.clone(),
        None => directory.areas.get(&grant.area).map_or_else(String::new, |area| area.name.clone()),
    };
    format!("{place}{field}{}", grant.role.chinese())
}

/// Somebody with the first office, which tells two people of one name apart.
fn described(directory: &Directory, person: &Staff) -> String {
    wording::described(&person.name, &person.grants.iter().map(|grant| office(directory, grant)).collect::<Vec<_>>())
}

/// Everybody in the administrator's charge, or those of this name.
pub fn staff(actor: &Actor, name: Option<&str>) -> Vec<Item> {
    let directory = actor.directory();
    let people = directory.all_staff().filter(|person| name.is_none_or(|name| person.name == name) && in_charge(actor, person));
    people.map(|person| item(directory, person)).collect()
}

fn item(directory: &Directory, person: &Staff) -> Item {
    Item {
        also: vec![person.name.clone(), person.reference.clone()],
        short: Some(person.name.clone()),
        ..Item::new(person.id.to_string(), described(directory, person))
    }
}

/// The liaisons of a unit.
pub fn liaisons(actor: &Actor, unit: &str) -> Vec<Item> {
    liaisons_of(actor.directory(), unit).into_iter().map(|person| item(actor.directory(), person)).collect()
}

fn is_liaison(person: &Staff, unit: &str) -> bool {
    person.grants.iter().any(|grant| grant.role == Role::Liaison && grant.unit.as_deref() == Some(unit))
}

fn liaisons_of<'d>(directory: &'d Directory, unit: &str) -> Vec<&'d Staff> {
    directory.all_staff().filter(|person| is_liaison(person, unit)).collect()
}

/// The person that a word of a command line names, or the sentence that says who may be meant.
pub fn staff_named(actor: &Actor, words: &str) -> Option<Resolved> {
    let directory = actor.directory();
    let no = |note: String| Some(Resolved::not(note));
    match directory.people_named(words) {
        Named::One(person) if in_charge(actor, person) => {
            Some(Resolved::is(Value::key(person.id.to_string(), person.name.clone())))
        }
        Named::One(person) => no(wording::not_in_charge(&person.name)),
        // The dialog lists those that the word may mean.
        Named::Several(people) if people.iter().any(|person| in_charge(actor, person)) => None,
        Named::Several(_) => no(wording::not_in_charge(&text::shorten(words, 20))),
        Named::Unknown(near) => no(unknown(directory, words, &near)),
    }
}

fn unknown(directory: &Directory, words: &str, near: &[&Staff]) -> String {
    let words = text::shorten(words, 20);
    match directory.retired(&words) {
        Some(person) => wording::retired_already(&person.name),
        None => wording::unknown_person(&words, &near.iter().map(|person| person.name.as_str()).collect::<Vec<_>>()),
    }
}

/// Did the person at last say yes?
pub fn is_sure(answers: &Answers) -> bool {
    dialog::key(answers, "sure") == "yes"
}

/// Somebody of the staff who is in the administrator's charge now.
fn chosen(turn: &Turn<'_, Actor>, answers: &Answers, step: &str) -> Result<Staff> {
    if !turn.actor.has(Role::Admin) {
        return Err(Error::user(wording::only_an_admin()));
    }
    let id: i64 = dialog::key(answers, step).parse().map_err(|_| Error::fault("a step of people holds no id"))?;
    let person = turn.actor.directory().staff(id).ok_or_else(|| Error::fault("a step of people names nobody"))?;
    if person.retired {
        return Err(Error::user(wording::retired_already(&person.name)));
    }
    if !in_charge(&turn.actor, person) {
        return Err(Error::user(wording::not_in_charge(&person.name)));
    }
    Ok(person.clone())
}

/// Tells somebody in private, if there is an account to tell it to.
async fn tell(turn: &mut Turn<'_, Actor>, person: i64, words: String) -> Result<()> {
    if table::accounts(turn.tx, person).await? > 0 {
        let reply = Reply::text(words);
        turn.push(Push { target: Target::Person(person), ticket: None, class: Class::Now, reply, except: None, urgent: false });
    }
    Ok(())
}

/// Whom 停用 retires, after all checks.
///
/// # Errors
/// A sentence about why not.
pub fn to_disable(turn: &Turn<'_, Actor>, answers: &Answers) -> Result<Staff> {
    let person = chosen(turn, answers, "person")?;
    if person.id == turn.actor.person {
        return Err(Error::user(wording::not_oneself()));
    }
    Ok(person)
}

/// What stays undone when somebody goes, besides tickets in hand: roles that nobody else holds and who stands in, groups
/// without a leader.
pub fn gaps_without(directory: &Directory, person: &Staff) -> Vec<String> {
    let mut gaps = Vec::new();
    for grant in person.grants.iter().filter(|grant| !matches!(grant.role, Role::Deputy | Role::GroupLead)) {
        let scope = Scope { area: area_of(directory, grant), unit: grant.unit.as_deref(), field: grant.field.as_deref() };
        let left = without(directory, person.id, grant.role, scope);
        if left.iter().any(|other| directory.holds(&other.grants, grant.role, scope)) {
            continue;
        }
        let stand_in = left.first().map(|other| other.name.as_str());
        let unit = grant.unit.as_deref().and_then(|unit| directory.unit(unit)).filter(|_| grant.role == Role::Liaison);
        gaps.push(wording::nobody_left(&office(directory, grant), stand_in, unit.map(|unit| unit.name.as_str())));
    }
    let led = directory.deputy_groups().iter().filter(|group| group.lead.as_deref() == Some(&person.reference));
    gaps.extend(led.map(|group| wording::no_lead(&group.name)));
    gaps
}

/// Who would act in a role if this person were not there.
fn without<'d>(directory: &'d Directory, person: i64, role: Role, scope: Scope<'_>) -> Vec<&'d Staff> {
    let holders = |role: Role| -> Vec<&Staff> {
        let holds = |staff: &&Staff| staff.id != person && directory.holds(&staff.grants, role, scope);
        directory.all_staff().filter(holds).collect()
    };
    std::iter::once(role)
        .chain(role.stand_ins().iter().copied())
        .map(holders)
        .find(|people| !people.is_empty())
        .unwrap_or_default()
}

/// 停用: rights end, the person is told. What he had in hand is the caller's.
///
/// # Errors
/// Those of the database.
pub async fn disable(turn: &mut Turn<'_, Actor>, person: &Staff) -> Result<()> {
    store::retire(turn.tx, person.id, turn.now).await?;
    table::changed(turn, "rights.disable", &format!("person {}", person.id)).await?;
    tell(turn, person.id, wording::you_were_disabled().to_owned()).await?;
    Ok(())
}

/// Who is to be a unit's liaison.
#[derive(Debug, Clone)]
pub enum Newcomer {
    /// Somebody of the staff.
    Known(Staff),
    /// Somebody new: name and phone.
    New(String, String),
}

impl Newcomer {
    /// The name.
    pub fn name(&self) -> &str {
        match self {
            Newcomer::Known(person) => &person.name,
            Newcomer::New(name, _) => name,
        }
    }
}

/// 换联络员, as far as it is known.
#[derive(Debug)]
pub struct Replacement {
    /// The unit's id.
    pub unit: String,
    /// The unit's name.
    pub unit_name: String,
    /// Who goes; nobody when the unit had none.
    pub old: Option<Staff>,
    /// Who comes.
    pub new: Newcomer,
}

/// Name and phone of words like `张三 13900000001`.
fn name_and_phone(words: &str) -> (String, Option<String>) {
    let plain: String = words.chars().map(text::narrow).collect();
    let at = plain.find(|c: char| c.is_ascii_digit() || c == '+').unwrap_or(plain.len());
    let (name, digits) = plain.split_at(at);
    let name = name.trim_matches(|c: char| c.is_whitespace() || ",:".contains(c)).to_owned();
    if name.is_empty() {
        // A reference of the files may hold digits.
        return (words.trim().to_owned(), None);
    }
    match phone(digits) {
        Some(digits) => (name, Some(digits)),
        None => (plain.trim().to_owned(), None),
    }
}

/// What the dialog of 换联络员 must be given (`found`, `olds`), and the replacement once nothing is missing.
///
/// # Errors
/// A sentence about why not; those of the database.
pub async fn replacement(turn: &mut Turn<'_, Actor>, answers: &Answers) -> Result<(Answers, Option<Replacement>)> {
    let mut given = Answers::new();
    let mut bring = |slot: &str, value: &str| _ = given.insert(slot.to_owned(), Value::key(value, "").into());
    let office = turn.actor.office.clone();
    let directory = &office.directory;
    let unit_id = dialog::key(answers, "unit");
    let unit = directory.unit(&unit_id).filter(|unit| !unit.retired);
    if let Some(unit) = unit
        && !own_areas(&turn.actor).iter().any(|outer| contains(outer, &unit.area))
    {
        return Err(Error::user(wording::unit_not_in_charge(&unit.name)));
    }
    let olds = liaisons_of(directory, &unit_id);
    let old = match (&olds[..], dialog::key(answers, "old").parse::<i64>()) {
        ([], _) => Some(None),
        ([one], _) => Some(Some(*one)),
        (_, Ok(id)) => olds.iter().find(|person| person.id == id).map(|person| Some(*person)),
        (_, Err(_)) => None,
    };
    bring("olds", if olds.len() > 1 { "several" } else { "one" });
    let said = dialog::text(answers, "person");
    let new = if said.is_empty() { None } else { newcomer(turn, &said, answers, &mut bring).await? };
    let (Some(unit), Some(old), Some(new)) = (unit, old, new) else { return Ok((given, None)) };
    if let Newcomer::Known(person) = &new {
        if person.id == turn.actor.person {
            return Err(Error::user(wording::not_to_oneself()));
        }
        if is_liaison(person, &unit.id) {
            return Err(Error::user(wording::liaison_already(&person.name, &unit.name)));
        }
    }
    let found = Replacement { unit: unit.id.clone(), unit_name: unit.name.clone(), old: old.cloned(), new };
    Ok((given, Some(found)))
}

/// Who is meant by the words for the new liaison, and what the dialog must ask about them.
async fn newcomer(
    turn: &mut Turn<'_, Actor>,
    said: &str,
    answers: &Answers,
    bring: &mut impl FnMut(&str, &str),
) -> Result<Option<Newcomer>> {
    let office = turn.actor.office.clone();
    let directory = &office.directory;
    let (name, mut number) = name_and_phone(said);
    let known = |person: &Staff| Some(Newcomer::Known(person.clone()));
    if number.is_none() {
        match directory.people_named(&name) {
            Named::One(person) => return Ok(known(person)),
            Named::Several(people) if people.iter().all(|person| person.name == name) => {
                bring("found", "several");
                let which: Option<i64> = dialog::key(answers, "which").parse().ok();
                return Ok(which.and_then(|id| directory.staff(id)).and_then(known));
            }
            Named::Several(people) => {
                let names: Vec<&str> = people.iter().map(|person| person.name.as_str()).take(5).collect();
                return Err(Error::user(wording::which_person(&name, &names)));
            }
            Named::Unknown(near) if !near.is_empty() || directory.retired(&name).is_some() => {
                let sentence = unknown(directory, &name, &near);
                return Err(Error::user(format!("{sentence}{}", wording::new_with_phone(&name))));
            }
            Named::Unknown(_) if name.contains(|c: char| c.is_ascii_digit()) => {
                return Err(Error::user(wording::bad_name(&text::shorten(&name, 20))));
            }
            Named::Unknown(_) => {}
        }
        bring("found", "new");
        number = phone(&dialog::text(answers, "phone"));
    }
    let Some(number) = number else { return Ok(None) };
    if let Some(owner) = store::person_by_phone(turn.tx.conn(), &office.keys, &number).await? {
        return match directory.staff(owner) {
            Some(person) if person.name == name => Ok(known(person)),
            _ => Err(Error::user(wording::phone_taken(&text::shorten(&name, 20)))),
        };
    }
    let right = (2..=20).contains(&name.chars().count()) && name.chars().all(|c| c.is_alphabetic() || c == '·' || c == ' ');
    if !right {
        return Err(Error::user(wording::bad_name(&text::shorten(&name, 20))));
    }
    Ok(Some(Newcomer::New(name, number)))
}

/// 换联络员: the right goes from the old one to the new one, who are both told. Gives the new one's id.
///
/// # Errors
/// Those of the database.
pub async fn replace(turn: &mut Turn<'_, Actor>, with: &Replacement, in_hand: usize) -> Result<i64> {
    let (now, office) = (turn.now, turn.actor.office.clone());
    let new = match &with.new {
        Newcomer::Known(person) => person.id,
        Newcomer::New(name, phone) => table::add(turn.tx, &office.keys, name, phone, now).await?,
    };
    let old_right = with.old.iter().flat_map(|old| &old.grants).find(|grant| grant.unit.as_ref() == Some(&with.unit));
    let area = old_right.map(|grant| grant.area.clone()).unwrap_or_default();
    if let Some(old) = &with.old {
        table::end_liaison(turn.tx, old.id, &with.unit, now).await?;
        tell(turn, old.id, wording::you_were_replaced(&with.unit_name, with.new.name(), in_hand)).await?;
    }
    let right = Grant { role: Role::Liaison, area, unit: Some(with.unit.clone()), field: None };
    store::grant(turn.tx, new, std::slice::from_ref(&right), now).await?;
    let old = with.old.as_ref().map_or_else(|| "nobody".to_owned(), |old| old.id.to_string());
    table::changed(turn, "rights.replace", &format!("liaison of {}: {old} to {new}", with.unit)).await?;
    if matches!(with.new, Newcomer::Known(_)) {
        let from = with.old.as_ref().map(|old| old.name.as_str());
        tell(turn, new, wording::you_are_liaison(&with.unit_name, from, in_hand)).await?;
    }
    Ok(new)
}

/// Can somebody else do this role's work for a while? Deputies are elected, and nobody stands in for those who watch.
fn can_be_lent(role: Role) -> bool {
    !matches!(role, Role::Citizen | Role::Deputy | Role::GroupLead | Role::Inspector | Role::Auditor | Role::Admin)
}

/// 代班: another person gets somebody's rights until a day is over.
pub(super) async fn stand_in(turn: &mut Turn<'_, Actor>, answers: &Answers) -> Result<Submitted> {
    let (person, by) = (chosen(turn, answers, "person")?, chosen(turn, answers, "by")?);
    let Some(Value::Date(day)) = answers.get("until").and_then(Answer::value) else {
        return Err(Error::fault("代班 without a day"));
    };
    if person.id == by.id {
        return Err(Error::user(wording::same_person()));
    }
    if by.id == turn.actor.person {
        return Err(Error::user(wording::not_to_oneself()));
    }
    if by.grants.iter().any(|grant| grant.role == Role::Admin) {
        return Err(Error::user(wording::admin_does_no_work(&by.name)));
    }
    // Who is to watch a unit does not do its work.
    if by.grants.iter().any(|grant| matches!(grant.role, Role::Inspector | Role::Auditor)) {
        return Err(Error::user(wording::watcher_does_no_work(&by.name)));
    }
    let (now, until) = (turn.now, start_of(*day) + DAY);
    if until <= now {
        return Err(Error::user(wording::day_is_over()));
    }
    // What is itself held for a time is not passed on.
    let own = table::lent(turn.tx, now).await?;
    let borrowed = |who: i64, grant: &Grant| own.iter().any(|(person, lent, _)| *person == who && lent == grant);
    let may = |grant: &&Grant| can_be_lent(grant.role) && !borrowed(person.id, grant);
    let needed = |grant: &&Grant| !by.grants.contains(grant) || borrowed(by.id, grant);
    let lendable: Vec<&Grant> = person.grants.iter().filter(may).collect();
    let grants: Vec<Grant> = lendable.iter().copied().filter(needed).cloned().collect();
    if grants.is_empty() {
        let sentence = if lendable.is_empty() {
            wording::nothing_to_lend(&person.name)
        } else {
            wording::has_it_all(&by.name, &person.name)
        };
        return Err(Error::user(sentence));
    }
    table::lend(turn.tx, by.id, &grants, now, until).await?;
    let detail = format!("{} for {} until {until}", by.id, person.id);
    table::changed(turn, "rights.stand_in", &detail).await?;
    let directory = turn.actor.office.directory.clone();
    let offices: Vec<String> = grants.iter().map(|grant| office(&directory, grant)).collect();
    let until = in_words(until - 1, now);
    tell(turn, by.id, wording::you_stand_in(&person.name, &offices, &until)).await?;
    tell(turn, person.id, wording::somebody_stands_in(&by.name, &offices, &until)).await?;
    let kept = person.grants.len() > lendable.len();
    turn.say(wording::stands_in(&by.name, &person.name, &offices, &until, kept));
    Ok(Submitted::Done(Vec::new()))
}

/// 发码: in private, good once and for some days; the person it is for is told.
pub(super) async fn code(turn: &mut Turn<'_, Actor>, answers: &Answers) -> Result<Submitted> {
    let person = chosen(turn, answers, "person")?;
    if turn.in_group() {
        return Err(Error::user(wording::rights_in_private("发码")));
    }
    let (now, office) = (turn.now, turn.actor.office.clone());
    let code = codes::issue_code(turn.tx, &office.keys, codes::CodeFor::Person(person.id), now).await?;
    table::changed(turn, "rights.code", &format!("person {}", person.id)).await?;
    let accounts = table::accounts(turn.tx, person.id).await?;
    let expires = now + codes::CODE_LIFE;
    let until = format!("{} {}", in_words(expires, now), time_in_words(expires));
    if person.id != turn.actor.person {
        tell(turn, person.id, wording::a_code_was_made().to_owned()).await?;
    }
    turn.say(wording::code(&person.name, &code, &until, accounts));
    Ok(Submitted::Done(Vec::new()))
}

/// 权限: what a person may do and where, and who acts when he is away.
pub(super) async fn show(turn: &mut Turn<'_, Actor>, answers: &Answers) -> Result<Submitted> {
    let person = chosen(turn, answers, "person")?;
    let (now, office_now) = (turn.now, turn.actor.office.clone());
    let directory = &office_now.directory;
    let lent = table::lent(turn.tx, now).await?;
    let accounts = table::accounts(turn.tx, person.id).await?;
    let mut lines = vec![person.name.clone()];
    if person.grants.is_empty() {
        lines.push(wording::no_rights().to_owned());
    }
    for grant in &person.grants {
        let for_a_time = lent.iter().find(|(who, lent, _)| *who == person.id && lent == grant);
        let until = for_a_time.map(|(.., until)| in_words(until - 1, now));
        lines.push(wording::right(&office(directory, grant), wording::role_may(grant.role), until.as_deref()));
        let by: Vec<String> = lent
            .iter()
            .filter(|(who, lent, _)| *who != person.id && lent == grant)
            .filter_map(|(who, _, until)| Some(wording::until(&directory.staff(*who)?.name, &in_words(until - 1, now))))
            .collect();
        let area = area_of(directory, grant);
        let scope = Scope { area, unit: grant.unit.as_deref(), field: grant.field.as_deref() };
        let others = without(directory, person.id, grant.role, scope);
        let others: Vec<&str> = others.iter().map(|other| other.name.as_str()).take(3).collect();
        lines.push(wording::who_stands_in(&by, &others, can_be_lent(grant.role)));
    }
    lines.push(wording::accounts(&person.name, accounts));
    turn.say(lines.join("\n"));
    Ok(Submitted::Done(Vec::new()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::people::org;

    fn directory() -> Directory {
        Directory::of(org::demonstration().unwrap())
    }

    #[test]
    fn a_name_with_a_phone_is_taken_apart() {
        for (words, name, phone) in [
            ("张三 13900000001", "张三", Some("13900000001")),
            ("张三　１３９００００００１１", "张三", Some("13900000011")),
            ("张三，139 0000 0001", "张三", Some("13900000001")),
            ("张三", "张三", None),
            ("张三 139", "张三 139", None),
            ("p1007", "p1007", None),
        ] {
            assert_eq!(name_and_phone(words), (name.to_owned(), phone.map(str::to_owned)), "{words}");
        }
    }

    #[test]
    fn offices_say_where() {
        let directory = directory();
        let offices = |reference: &str| -> Vec<String> {
            let person = directory.staff_by_reference(reference).unwrap();
            person.grants.iter().map(|grant| office(&directory, grant)).collect()
        };
        assert_eq!(offices("wang"), ["水务局联络员"]);
        assert_eq!(offices("li"), ["武邑县受理员", "武邑县派单员"]);
        assert_eq!(offices("cao"), ["武邑县地下水超采综合治理专班成员"]);
    }

    #[test]
    fn who_acts_when_somebody_is_away() {
        let directory = directory();
        let away = |reference: &str, role, unit: Option<&str>| -> Vec<String> {
            let person = directory.staff_by_reference(reference).unwrap();
            let scope = Scope { area: "131122", unit, field: None };
            without(&directory, person.id, role, scope).iter().map(|other| other.name.clone()).collect()
        };
        assert_eq!(away("wang", Role::Liaison, Some("swj")), ["孙局长"]);
        assert_eq!(away("zhao", Role::Handler, Some("swj")), ["王联络"]);
        assert!(away("jiang", Role::Inspector, None).is_empty());
        let gaps = |reference: &str| gaps_without(&directory, directory.staff_by_reference(reference).unwrap());
        assert_eq!(gaps("wang"), ["水务局联络员会没有人，先由孙局长代。要换人，回“换联络员 水务局 新人”。"]);
        assert_eq!(gaps("li"), ["武邑县受理员会没有人，也没有人能代。", "武邑县派单员会没有人，也没有人能代。"]);
        assert_eq!(gaps("tian"), ["审坡镇代表小组会没有组长。"]);
        assert!(gaps("ma").is_empty());
    }

    #[test]
    fn an_administrator_of_an_area_is_in_charge_of_those_within() {
        let directory = directory();
        for (area, reference, holds) in [
            ("131122", "li", true),
            ("131122", "wang", true),
            ("131122102", "xu", true),
            ("131122102", "gao", true),
            ("131122102", "tian", true),
            // Rights of the whole county, and of a unit of the county.
            ("131122102", "li", false),
            ("131122102", "wang", false),
            ("131122103", "gao", false),
            ("", "li", true),
        ] {
            let person = directory.staff_by_reference(reference).unwrap();
            assert_eq!(lies_within(&directory, person, &[area]), holds, "{area} {reference}");
            assert!(!lies_within(&directory, person, &[]));
        }
    }
}
