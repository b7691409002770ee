//! The picture of the organisation in memory: looking up, rights, proposals, recognising units and people by name.

use super::{
    Area, Areas, ChatGroup, DeputyGroup, Field, FieldKind, Grant, GroupOf, Level, Role, Rule, Staff, Unit, contains, org::Org,
};
use crate::{message::Millis, text};
use regex::Regex;
use std::collections::HashMap;

/// The organisation at one version; immutable, shared behind an `Arc`.
#[derive(Debug)]
pub struct Directory {
    /// The version of the tables that it was loaded from.
    pub version: i64,
    /// When the next right ends that was given for a time.
    pub until: Option<Millis>,
    /// All areas, with the recogniser of places.
    pub areas: Areas,
    units: Vec<Unit>,
    fields: Vec<(Field, Option<Regex>)>,
    rules: Vec<(Rule, Option<Regex>)>,
    staff: Vec<Staff>,
    deputy_groups: Vec<DeputyGroup>,
    chat_groups: Vec<ChatGroup>,
    by_id: HashMap<i64, usize>,
}

/// Everything a [`Directory`] is made of, retired things among it.
#[derive(Debug, Clone, Default)]
pub(super) struct Parts {
    pub version: i64,
    pub until: Option<Millis>,
    pub areas: Vec<Area>,
    pub units: Vec<Unit>,
    pub fields: Vec<Field>,
    pub rules: Vec<Rule>,
    pub staff: Vec<Staff>,
    pub deputy_groups: Vec<DeputyGroup>,
    pub chat_groups: Vec<ChatGroup>,
}

/// The matter on which a right is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Scope<'a> {
    /// The area of the matter.
    pub area: &'a str,
    /// The unit concerned. Without one, grants that are limited to a unit do not reach the matter.
    pub unit: Option<&'a str>,
    /// The field of the matter. Without one, grants that are limited to a field do not reach it.
    pub field: Option<&'a str>,
}

impl<'a> Scope<'a> {
    /// A matter in an area.
    pub fn area(area: &'a str) -> Self {
        Scope { area, unit: None, field: None }
    }

    /// The same matter as that of a unit.
    pub fn unit(self, unit: &'a str) -> Self {
        Scope { unit: Some(unit), ..self }
    }

    /// The same matter in a field.
    pub fn field(self, field: &'a str) -> Self {
        Scope { field: Some(field), ..self }
    }
}

/// What a name was understood as.
#[derive(Debug, PartialEq, Eq)]
pub enum Named<'a, T> {
    /// This one.
    One(&'a T),
    /// Any of these; ask.
    Several(Vec<&'a T>),
    /// None; these are the nearest, if any is near.
    Unknown(Vec<&'a T>),
}

/// The unit that rules propose for a matter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proposal<'a> {
    /// The unit.
    pub unit: &'a Unit,
    /// Why, in words: `规则：地下水`.
    pub reason: String,
}

/// Conflict rule: may these be the handling units of a clue with this structured subject? The subject alone may not.
pub fn may_be_only_unit(subject: Option<&str>, handling: &[&str]) -> bool {
    subject.is_none_or(|subject| handling.iter().any(|unit| *unit != subject))
}

/// Conflict rule: may this person rate, call back or verify a ticket? Not one he handled.
pub fn may_judge(person: i64, handled_by: &[i64]) -> bool {
    !handled_by.contains(&person)
}

impl Directory {
    /// Puts the picture together. Patterns were checked when they were imported; one that does not compile never matches.
    pub(super) fn new(parts: Parts) -> Self {
        let compile = |pattern: &Option<String>| pattern.as_deref().and_then(|pattern| Regex::new(pattern).ok());
        let mut staff = parts.staff;
        for group in &parts.deputy_groups {
            let lead = group.lead.iter().map(|lead| (lead, Role::GroupLead));
            let members = group.members.iter().chain(&group.lead).map(|member| (member, Role::Deputy));
            for (reference, role) in lead.chain(members) {
                let grant = Grant { role, area: group.area.clone(), unit: None, field: None };
                let person = staff.iter_mut().find(|person| person.reference == *reference && !person.retired);
                if let Some(person) = person.filter(|person| !person.grants.contains(&grant)) {
                    person.grants.push(grant);
                }
            }
        }
        Directory {
            version: parts.version,
            until: parts.until,
            areas: Areas::new(parts.areas),
            units: parts.units,
            fields: parts
                .fields
                .into_iter()
                .map(|field| (compile(&field.words), field))
                .map(|(words, field)| (field, words))
                .collect(),
            rules: parts.rules.into_iter().map(|rule| (compile(&rule.text), rule)).map(|(text, rule)| (rule, text)).collect(),
            by_id: staff.iter().enumerate().map(|(index, person)| (person.id, index)).collect(),
            staff,
            deputy_groups: parts.deputy_groups,
            chat_groups: parts.chat_groups,
        }
    }

    /// The picture that a file alone gives, for looking at it without a database; people are numbered from 1.
    pub fn of(org: Org) -> Self {
        let staff = (1..).zip(org.persons).map(|(id, person)| Staff {
            id,
            reference: person.id,
            name: person.name,
            own: person.grants.clone(),
            grants: person.grants,
            retired: false,
        });
        Directory::new(Parts {
            version: 1,
            until: None,
            areas: org.areas,
            units: org.units,
            fields: org.fields,
            rules: org.rules,
            staff: staff.collect(),
            deputy_groups: org.deputy_groups,
            chat_groups: org.groups,
        })
    }

    /// A unit by id, a retired one too.
    pub fn unit(&self, id: &str) -> Option<&Unit> {
        self.units.iter().find(|unit| unit.id == id)
    }

    /// The units in use.
    pub fn units(&self) -> impl Iterator<Item = &Unit> {
        self.units.iter().filter(|unit| !unit.retired)
    }

    /// A field or topic by id, a retired one too.
    pub fn field(&self, id: &str) -> Option<&Field> {
        self.fields.iter().map(|(field, _)| field).find(|field| field.id == id)
    }

    /// The fields or topics in use, in the order of the file.
    pub fn fields(&self, kind: FieldKind) -> impl Iterator<Item = &Field> {
        self.fields.iter().map(|(field, _)| field).filter(move |field| field.kind == kind && !field.retired)
    }

    /// Somebody of the staff by id, who may be retired; a citizen is not here.
    pub fn staff(&self, id: i64) -> Option<&Staff> {
        self.by_id.get(&id).and_then(|index| self.staff.get(*index))
    }

    /// Somebody of the staff by the id in files.
    pub fn staff_by_reference(&self, reference: &str) -> Option<&Staff> {
        self.staff.iter().find(|person| person.reference == reference)
    }

    /// Everybody in office.
    pub fn all_staff(&self) -> impl Iterator<Item = &Staff> {
        self.staff.iter().filter(|person| !person.retired)
    }

    /// Is this picture still true at this version and moment?
    pub fn is_current(&self, version: i64, now: Millis) -> bool {
        self.version == version && self.until.is_none_or(|until| now < until)
    }

    /// Somebody who was in office under this name.
    pub fn retired(&self, name: &str) -> Option<&Staff> {
        self.staff.iter().find(|person| person.retired && person.name == name)
    }

    /// The grants of a person; none for a citizen.
    pub fn grants(&self, person: i64) -> &[Grant] {
        self.staff(person).map_or(&[], |person| &person.grants)
    }

    /// All deputy groups.
    pub fn deputy_groups(&self) -> &[DeputyGroup] {
        &self.deputy_groups
    }

    /// The deputy groups that this person leads or belongs to.
    pub fn deputy_groups_of<'a>(&'a self, reference: &'a str) -> impl Iterator<Item = &'a DeputyGroup> {
        self.deputy_groups.iter().filter(move |group| {
            group.lead.as_deref() == Some(reference) || group.members.iter().any(|member| member == reference)
        })
    }

    /// All chat groups, unbound ones too.
    pub fn chat_groups(&self) -> &[ChatGroup] {
        &self.chat_groups
    }

    /// The bound group of a unit, of a deputy group, or the centre's.
    pub fn bound_group(&self, of: &GroupOf) -> Option<&ChatGroup> {
        self.chat_groups.iter().find(|group| group.of == *of && group.chat.is_some())
    }

    /// Do these grants give the role on this matter?
    pub fn holds(&self, grants: &[Grant], role: Role, scope: Scope<'_>) -> bool {
        grants.iter().any(|grant| grant.role == role && self.reaches(grant, scope))
    }

    fn reaches(&self, grant: &Grant, scope: Scope<'_>) -> bool {
        contains(&grant.area, scope.area)
            && grant.unit.as_ref().is_none_or(|own| scope.unit.is_some_and(|unit| self.belongs_to(unit, own)))
            && grant.field.as_ref().is_none_or(|own| scope.field == Some(own))
    }

    /// Is this unit the other one or one below it?
    pub fn belongs_to(&self, unit: &str, above: &str) -> bool {
        let mut here = Some(unit);
        // A circle of parents is refused at import; the bound keeps this finite whatever the tables say.
        for _ in 0..8 {
            match here {
                Some(id) if id == above => return true,
                Some(id) => here = self.unit(id).and_then(|unit| unit.parent.as_deref()),
                None => return false,
            }
        }
        false
    }

    /// The role that acts for `role` on this matter: itself when somebody holds it, else the first stand-in that somebody
    /// holds; `role` itself when nobody does.
    pub fn acting(&self, role: Role, scope: Scope<'_>) -> Role {
        let held = |role: &Role| self.staff.iter().any(|person| self.holds(&person.grants, *role, scope));
        std::iter::once(role).chain(role.stand_ins().iter().copied()).find(held).unwrap_or(role)
    }

    /// Who acts in this role on this matter, by the stand-in rule, in the order of the file.
    pub fn holders(&self, role: Role, scope: Scope<'_>) -> Vec<&Staff> {
        let acting = self.acting(role, scope);
        self.staff.iter().filter(|person| self.holds(&person.grants, acting, scope)).collect()
    }

    /// May somebody with these grants act in this role on this matter: as its holder or that of a role that includes it, or as
    /// the stand-in?
    pub fn may_act_as(&self, grants: &[Grant], role: Role, scope: Scope<'_>) -> bool {
        let holds = |held: Role| self.holds(grants, held, scope);
        role == Role::Citizen
            || Role::ALL.into_iter().any(|held| (held == role || held.includes().contains(&role)) && holds(held))
            || holds(self.acting(role, scope))
    }

    /// Roles that nobody holds, in words for `minhu check`: of each county those that every ticket needs, of each unit its own.
    pub fn gaps(&self) -> Vec<String> {
        let mut gaps = Vec::new();
        for county in self.areas.all().filter(|area| area.level() == Level::County) {
            let scope = Scope::area(&county.code);
            for role in [Role::Intake, Role::Dispatcher, Role::CallbackClerk, Role::NpcStaff] {
                gaps.extend(self.gap(&county.name, role, scope));
            }
        }
        for unit in self.units() {
            let scope = Scope::area(&unit.area).unit(&unit.id);
            let own = [Role::Liaison, Role::UnitLeader, Role::Handler];
            if own.iter().all(|role| self.holders(*role, scope).is_empty()) {
                gaps.push(format!("{}一个人也没有，派去的工单没人签收", unit.name));
            } else {
                gaps.extend(own.into_iter().filter_map(|role| self.gap(&unit.name, role, scope)));
            }
        }
        gaps
    }

    fn gap(&self, whose: &str, role: Role, scope: Scope<'_>) -> Option<String> {
        let acting = self.acting(role, scope);
        if acting != role {
            return Some(format!("{whose}没有{role}，暂由{acting}代办"));
        }
        self.holders(role, scope).is_empty().then(|| format!("{whose}没有{role}，也没有能代办的人"))
    }

    /// The unit that rules propose: the first rule whose conditions all hold, else the field's default unit.
    pub fn propose(&self, text: &str, field: Option<&str>, area: &str) -> Option<Proposal<'_>> {
        let field = field.and_then(|id| self.field(id));
        let by_rule = self.rules.iter().find_map(|(rule, pattern)| {
            let found = pattern.as_ref().and_then(|pattern| pattern.find(text));
            let holds = rule.field.as_deref().is_none_or(|id| field.is_some_and(|field| field.id == id))
                && rule.area.as_deref().is_none_or(|outer| contains(outer, area))
                && (rule.text.is_none() || found.is_some());
            let unit = self.unit(&rule.to).filter(|unit| holds && !unit.retired)?;
            let word = found.map(|found| found.as_str()).or(rule.field.as_ref().and(field).map(|field| field.name.as_str()));
            let word = word.map_or_else(|| self.areas.display(area), |word| text::shorten(word, 12));
            Some(Proposal { unit, reason: format!("规则：{word}") })
        });
        by_rule.or_else(|| {
            let field = field?;
            let unit = self.unit(field.unit.as_deref()?).filter(|unit| !unit.retired)?;
            Some(Proposal { unit, reason: format!("领域：{}", field.name) })
        })
    }

    /// The field that the words of a text propose: the one with most hits, the first of the file among equals.
    pub fn propose_field(&self, text: &str) -> Option<&Field> {
        let mut best: Option<(usize, &Field)> = None;
        for (field, words) in &self.fields {
            let hits = words.as_ref().filter(|_| !field.retired).map_or(0, |words| words.find_iter(text).count());
            if hits > best.map_or(0, |(most, _)| most) {
                best = Some((hits, field));
            }
        }
        best.map(|(_, field)| field)
    }

    /// A unit by id, name, alias or an unambiguous part of them.
    pub fn units_named(&self, text: &str) -> Named<'_, Unit> {
        let units: Vec<&Unit> = self.units().collect();
        named(text, &units, |unit| [&unit.id, &unit.name].into_iter().chain(&unit.aliases).map(String::as_str).collect())
    }

    /// The retired unit of this id, name or alias.
    pub fn retired_unit(&self, text: &str) -> Option<&Unit> {
        let wanted = text::fold(text);
        let named = |unit: &&Unit| [&unit.id, &unit.name].into_iter().chain(&unit.aliases).any(|word| text::fold(word) == wanted);
        self.units.iter().filter(|unit| unit.retired).find(named)
    }

    /// Units whose name or alias of three characters or more stands in a text, the longest name first.
    pub fn units_in(&self, text: &str) -> Vec<&Unit> {
        let folded = text::fold(text);
        let longest = |unit: &Unit| {
            let names = std::iter::once(&unit.name).chain(&unit.aliases);
            names.filter(|name| name.chars().count() >= 3 && folded.contains(&text::fold(name))).map(String::len).max()
        };
        let mut found: Vec<(usize, &Unit)> = self.units().filter_map(|unit| Some((longest(unit)?, unit))).collect();
        found.sort_by_key(|(length, _)| std::cmp::Reverse(*length));
        found.into_iter().map(|(_, unit)| unit).collect()
    }

    /// Somebody in office by id, name or an unambiguous part of the name.
    pub fn people_named(&self, text: &str) -> Named<'_, Staff> {
        let people: Vec<&Staff> = self.all_staff().collect();
        named(text, &people, |person| vec![&person.reference, &person.name])
    }
}

/// How many suggestions are made for a name that is not known.
const SUGGESTIONS: usize = 3;

fn named<'a, T>(text: &str, all: &[&'a T], words: impl Fn(&'a T) -> Vec<&'a str>) -> Named<'a, T> {
    let wanted = text::fold(text);
    if wanted.is_empty() {
        return Named::Unknown(Vec::new());
    }
    let words_of = |item: &'a T| words(item).into_iter().map(text::fold).collect::<Vec<_>>();
    let matching = |holds: &dyn Fn(&str) -> bool| -> Vec<&'a T> {
        all.iter().filter(|item| words_of(item).iter().any(|word| holds(word))).copied().collect()
    };
    let exact = matching(&|word| word == wanted);
    // A single letter or character is part of too much to mean anything.
    let part = if exact.is_empty() && wanted.chars().count() >= 2 { matching(&|word| word.contains(&wanted)) } else { exact };
    match part[..] {
        [one] => Named::One(one),
        [] => {
            let limit = (wanted.chars().count() / 2).max(1);
            let distance = |item: &&'a T| words_of(item).iter().map(|word| strsim::osa_distance(word, &wanted)).min();
            let mut near: Vec<(usize, &'a T)> =
                all.iter().filter_map(|item| Some((distance(item)?, *item))).filter(|(distance, _)| *distance <= limit).collect();
            near.sort_by_key(|(distance, _)| *distance);
            Named::Unknown(near.into_iter().take(SUGGESTIONS).map(|(_, item)| item).collect())
        }
        _ => Named::Several(part),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::people::org;

    /// The demonstration; `without` are references of people who are left out.
    fn directory(without: &[&str]) -> Directory {
        let mut org = org::demonstration().unwrap();
        org.persons.retain(|person| !without.contains(&person.id.as_str()));
        Directory::of(org)
    }

    fn names(staff: &[&Staff]) -> Vec<String> {
        staff.iter().map(|person| person.name.clone()).collect()
    }

    fn grant(role: Role, area: &str, unit: Option<&str>, field: Option<&str>) -> Grant {
        Grant { role, area: area.into(), unit: unit.map(Into::into), field: field.map(Into::into) }
    }

    #[test]
    fn a_grant_reaches_its_area_unit_and_field_and_what_is_below() {
        let directory = directory(&[]);
        let village = Scope::area("131122102214");
        for (grant, scope, holds) in [
            (grant(Role::Intake, "131122", None, None), village, true),
            (grant(Role::Intake, "131122103", None, None), village, false),
            (grant(Role::Intake, "131122102214", None, None), Scope::area("131122"), false),
            (grant(Role::Liaison, "", Some("swj"), None), village.unit("swj"), true),
            (grant(Role::Liaison, "", Some("swj"), None), village.unit("cgj"), false),
            (grant(Role::Liaison, "", Some("swj"), None), village, false),
            (grant(Role::Liaison, "131122103", Some("swj"), None), village.unit("swj"), false),
            (grant(Role::TaskForce, "131122", None, Some("land")), village.field("land"), true),
            (grant(Role::TaskForce, "131122", None, Some("land")), village.field("mine"), false),
            (grant(Role::TaskForce, "131122", None, Some("land")), village, false),
        ] {
            assert_eq!(directory.holds(std::slice::from_ref(&grant), grant.role, scope), holds, "{grant:?} {scope:?}");
        }
        assert!(!directory.holds(&[grant(Role::Intake, "131122", None, None)], Role::Dispatcher, village));
    }

    #[test]
    fn a_unit_stands_for_those_below_it() {
        let mut parts = Parts::default();
        let unit = |id: &str, parent: Option<&str>| Unit {
            id: id.into(),
            name: id.into(),
            aliases: vec![],
            area: "131122102".into(),
            parent: parent.map(Into::into),
            retired: false,
        };
        parts.units = vec![unit("town", None), unit("station", Some("town"))];
        let directory = Directory::new(parts);
        assert!(directory.belongs_to("station", "town"));
        assert!(!directory.belongs_to("town", "station"));
        let leader = [grant(Role::UnitLeader, "", Some("town"), None)];
        assert!(directory.holds(&leader, Role::UnitLeader, Scope::area("131122102201").unit("station")));
    }

    #[test]
    fn when_nobody_holds_a_role_the_stand_in_acts_and_nobody_else() {
        let village = Scope::area("131122102214");
        for (without, role, scope, expected) in [
            (vec![], Role::Dispatcher, village, vec!["李派单"]),
            (vec![], Role::CallbackClerk, village, vec!["何回访"]),
            (vec!["he"], Role::CallbackClerk, village, vec!["李派单"]),
            (vec![], Role::Handler, village.unit("swj"), vec!["赵承办"]),
            (vec!["zhao"], Role::Handler, village.unit("swj"), vec!["王联络"]),
            (vec!["zhao", "wang"], Role::Handler, village.unit("swj"), vec!["孙局长"]),
            (vec!["wang"], Role::Liaison, village.unit("swj"), vec!["孙局长"]),
            (vec!["sun"], Role::UnitLeader, village.unit("swj"), vec!["王联络"]),
            (vec!["wang", "sun"], Role::Liaison, village.unit("swj"), vec![]),
            (vec![], Role::TownNpc, village, vec!["冯人大"]),
            (vec![], Role::TownNpc, Scope::area("131122103201"), vec!["邓工委"]),
            (vec!["deng"], Role::TownNpc, Scope::area("131122103201"), vec!["彭县长"]),
            (vec!["deng"], Role::NpcStaff, village, vec!["彭县长"]),
            (vec![], Role::TaskForce, village.field("groundwater"), vec!["曹专班"]),
            (vec![], Role::TaskForce, village.field("land"), vec!["邓工委"]),
            (vec!["jiang"], Role::Inspector, village, vec![]),
            (vec!["jia"], Role::Auditor, village, vec![]),
            (vec!["ding"], Role::Admin, village, vec![]),
        ] {
            let directory = directory(&without);
            assert_eq!(names(&directory.holders(role, scope)), expected, "{role:?} without {without:?}");
        }
    }

    #[test]
    fn a_stand_in_may_act_only_while_he_stands_in() {
        let scope = Scope::area("131122102214").unit("swj");
        let (full, thin) = (directory(&[]), directory(&["zhao"]));
        let may = |directory: &Directory, who: &str, role| {
            directory.may_act_as(&directory.staff_by_reference(who).unwrap().grants, role, scope)
        };
        assert!(may(&full, "zhao", Role::Handler));
        assert!(!may(&full, "wang", Role::Handler));
        assert!(may(&thin, "wang", Role::Handler));
        assert!(!may(&thin, "sun", Role::Handler));
        assert!(!may(&thin, "liu", Role::Handler));
        assert!(full.may_act_as(&[], Role::Citizen, scope));
        assert!(!full.may_act_as(&[], Role::Inspector, scope));
    }

    #[test]
    fn gaps_are_said_with_who_stands_in() {
        let gaps = directory(&["he", "zhao"]).gaps();
        let has = |line: &str| gaps.iter().any(|gap| gap == line);
        assert!(has("武邑县没有回访员，暂由受理员代办"), "{gaps:#?}");
        assert!(has("水务局没有承办人，暂由联络员代办"));
        assert!(has("信访局一个人也没有，派去的工单没人签收"));
        assert!(!gaps.iter().any(|gap| gap.contains("派单员，")));
        assert!(directory(&["li"]).gaps().iter().any(|gap| gap == "武邑县没有派单员，也没有能代办的人"));
    }

    #[test]
    fn members_of_a_deputy_group_are_deputies_there() {
        let directory = directory(&[]);
        let village = Scope::area("131122102214");
        assert_eq!(names(&directory.holders(Role::GroupLead, village)), ["田组长"]);
        assert_eq!(names(&directory.holders(Role::Deputy, village)), ["田组长", "马代表", "宋代表"]);
        assert!(directory.holders(Role::Deputy, Scope::area("131122103201")).is_empty());
        assert_eq!(directory.deputy_groups_of("ma").count(), 1);
    }

    #[test]
    fn conflicts() {
        assert!(may_be_only_unit(None, &["swj"]));
        assert!(may_be_only_unit(Some("swj"), &["cgj"]));
        assert!(may_be_only_unit(Some("swj"), &["swj", "cgj"]));
        assert!(!may_be_only_unit(Some("swj"), &["swj"]));
        assert!(may_judge(1, &[2, 3]));
        assert!(!may_judge(2, &[2, 3]));
    }

    #[test]
    fn the_first_matching_rule_proposes_then_the_field() {
        let directory = directory(&[]);
        for (text, field, area, expected) in [
            ("有人打井抽水", Some("groundwater"), "131122102214", Some(("swj", "领域：地下水超采综合治理"))),
            ("洗浴中心抽地热水", Some("groundwater"), "131122102214", Some(("zrzy", "规则：洗浴"))),
            ("商铺外面搭棚子", Some("illegal_build"), "131122100201", Some(("cgj", "规则：商铺"))),
            ("商铺外面搭棚子", Some("illegal_build"), "131122102214", Some(("zrzy", "领域：违规违建项目"))),
            ("垃圾没人拉", Some("garbage"), "131122102214", Some(("sp", "规则：垃圾环境"))),
            ("随便说说", Some("other"), "131122102214", None),
            ("随便说说", None, "131122102214", None),
            ("随便说说", Some("nothing"), "131122102214", None),
        ] {
            let proposal = directory.propose(text, field, area);
            let proposal = proposal.as_ref().map(|proposal| (proposal.unit.id.as_str(), proposal.reason.as_str()));
            assert_eq!(proposal, expected, "{text}");
        }
    }

    #[test]
    fn words_propose_a_field() {
        let directory = directory(&[]);
        for (text, expected) in [
            ("村东头有人夜里打井抽水浇地", Some("groundwater")),
            ("隔壁占了耕地盖厂房", Some("land")),
            ("楼道加盖，私搭乱建", Some("illegal_build")),
            ("路灯坏了一个月", Some("road")),
            ("包工头拖欠工资不给", Some("wages")),
            ("养猪场的污水流到沟里，臭味大", Some("sewage")),
            ("小区物业不管事", Some("property")),
            ("低保被取消了", Some("relief")),
            ("小卖部卖过期食品", Some("food")),
            ("停水三天了", Some("water")),
            ("天天停电", Some("power")),
            ("你好", None),
            ("", None),
        ] {
            assert_eq!(directory.propose_field(text).map(|field| field.id.as_str()), expected, "{text}");
        }
    }

    #[test]
    fn units_and_people_are_known_by_id_name_alias_or_part() {
        let directory = directory(&[]);
        let unit = |text: &str| match directory.units_named(text) {
            Named::One(unit) => vec![unit.id.clone()],
            Named::Several(units) => units.iter().map(|unit| unit.id.clone()).collect(),
            Named::Unknown(units) => std::iter::once("?".to_owned()).chain(units.iter().map(|unit| unit.id.clone())).collect(),
        };
        for (text, expected) in [
            ("水务局", vec!["swj"]),
            (" 水利局 ", vec!["swj"]),
            ("SWJ", vec!["swj"]),
            ("水务", vec!["swj"]),
            ("住建局", vec!["zjj"]),
            ("审坡镇", vec!["sp"]),
            ("审坡", vec!["sp"]),
            ("社会保障", vec!["rsj"]),
            ("保障局", vec!["rsj", "ybj"]),
            ("局", vec!["?"]),
            ("水物局", vec!["?", "swj"]),
            ("", vec!["?"]),
        ] {
            let found = unit(text);
            assert_eq!(&found[..expected.len()], expected, "{text} {found:?}");
        }
        assert!(matches!(directory.people_named("赵承办"), Named::One(person) if person.reference == "zhao"));
        assert!(matches!(directory.people_named("zhao"), Named::One(person) if person.name == "赵承办"));
        assert!(matches!(directory.people_named("联络"), Named::Several(people) if people.len() == 6));
        assert!(matches!(directory.people_named("诸葛亮"), Named::Unknown(near) if near.is_empty()));
    }

    #[test]
    fn units_that_a_text_mentions() {
        let directory = directory(&[]);
        let ids = |text| directory.units_in(text).iter().map(|unit| unit.id.clone()).collect::<Vec<_>>();
        assert_eq!(ids("水务局的人收了钱不管"), ["swj"]);
        assert!(ids("村里没人管").is_empty());
    }

    #[test]
    fn groups_are_found_by_owner_once_they_are_bound() {
        let directory = directory(&[]);
        assert_eq!(directory.bound_group(&GroupOf::Centre).unwrap().id, "g-centre");
        assert!(directory.bound_group(&GroupOf::Unit("cgj".into())).is_none());
    }
}
