//! Bringing the tables to what a file says: first a plan that can be shown, then one write of all of it.

use super::{
    Area, ChatGroup, Coordinates, DeputyGroup, Field, FieldKind, Grant, GroupOf, Rule, Unit, codes, org::Org, org::Person, store,
};
use crate::{
    db::{Query, Tx, insert},
    error::{Error, Result},
    message::Millis,
    seal::Keys,
};
use sqlx::Row;
use std::collections::HashMap;

/// What would change, by kind.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Changes {
    areas: Vec<Change<Area>>,
    units: Vec<Change<Unit>>,
    fields: Vec<Change<Field>>,
    /// The old and the new list; rules have no ids, so they change as a whole.
    rules: Option<(Vec<Rule>, Vec<Rule>)>,
    persons: Vec<Change<Person>>,
    deputy_groups: Vec<Change<DeputyGroup>>,
    groups: Vec<Change<ChatGroup>>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Change<T> {
    Added(T),
    Changed { old: T, new: T },
    Retired(T),
}

impl<T> Change<T> {
    /// The row to be written and whether it is retired.
    fn row(&self) -> (&T, bool) {
        match self {
            Change::Added(new) | Change::Changed { new, .. } => (new, false),
            Change::Retired(old) => (old, true),
        }
    }
}

/// What an entry looks like to the plan.
trait Entry: Clone + PartialEq {
    const WHAT: &'static str;
    fn id(&self) -> &str;
    fn name(&self) -> &str;
    /// What can differ besides the name, in words.
    fn facts(&self) -> Vec<(&'static str, String)>;
}

impl Entry for Area {
    const WHAT: &'static str = "区域";
    fn id(&self) -> &str {
        &self.code
    }
    fn name(&self) -> &str {
        &self.name
    }
    fn facts(&self) -> Vec<(&'static str, String)> {
        let point = self.point.map_or_else(String::new, |point| format!("{} {}", point.lat(), point.lng()));
        vec![
            ("编号前缀", optional(&self.prefix)),
            ("别名", self.aliases.join("、")),
            ("经纬度", point),
            ("邻县", self.neighbours.join("、")),
        ]
    }
}

impl Entry for Unit {
    const WHAT: &'static str = "单位";
    fn id(&self) -> &str {
        &self.id
    }
    fn name(&self) -> &str {
        &self.name
    }
    fn facts(&self) -> Vec<(&'static str, String)> {
        vec![("别名", self.aliases.join("、")), ("区域", self.area.clone()), ("上级单位", optional(&self.parent))]
    }
}

impl Entry for Field {
    const WHAT: &'static str = "领域";
    fn id(&self) -> &str {
        &self.id
    }
    fn name(&self) -> &str {
        &self.name
    }
    fn facts(&self) -> Vec<(&'static str, String)> {
        let kind = if self.kind == FieldKind::Campaign { "专项" } else { "民生" };
        let photo = if self.photo { "是" } else { "否" };
        let radius = self.radius_m.map_or_else(String::new, |radius| radius.to_string());
        vec![
            ("类别", kind.into()),
            ("承办单位", optional(&self.unit)),
            ("关键词", optional(&self.words)),
            ("办结要照片", photo.into()),
            ("半径", radius),
        ]
    }
}

impl Entry for Person {
    const WHAT: &'static str = "人员";
    fn id(&self) -> &str {
        &self.id
    }
    fn name(&self) -> &str {
        &self.name
    }
    fn facts(&self) -> Vec<(&'static str, String)> {
        let grants: Vec<String> = self.grants.iter().map(grant_in_words).collect();
        // A plan may be shown on a screen others see: the end of a phone number and the number of accounts are enough.
        let phone = self.phone.as_deref().map_or_else(String::new, |phone| format!("…{}", phone.get(7..).unwrap_or_default()));
        vec![("身份", grants.join("；")), ("手机", phone), ("账号", format!("{} 个", self.accounts.len()))]
    }
}

impl Entry for DeputyGroup {
    const WHAT: &'static str = "代表小组";
    fn id(&self) -> &str {
        &self.id
    }
    fn name(&self) -> &str {
        &self.name
    }
    fn facts(&self) -> Vec<(&'static str, String)> {
        vec![("区域", self.area.clone()), ("组长", optional(&self.lead)), ("成员", self.members.join("、"))]
    }
}

impl Entry for ChatGroup {
    const WHAT: &'static str = "工作群";
    fn id(&self) -> &str {
        &self.id
    }
    fn name(&self) -> &str {
        &self.name
    }
    fn facts(&self) -> Vec<(&'static str, String)> {
        let of = match &self.of {
            GroupOf::Unit(unit) => unit.clone(),
            GroupOf::Deputies(group) => group.clone(),
            GroupOf::Centre => "受理中心".into(),
        };
        vec![("属于", of), ("群号", self.chat.as_ref().map_or_else(String::new, |(channel, chat)| format!("{channel}:{chat}")))]
    }
}

fn optional(value: &Option<String>) -> String {
    value.clone().unwrap_or_default()
}

/// `联络员 单位=swj`, the form that sheets use too.
pub fn grant_in_words(grant: &Grant) -> String {
    let mut words = grant.role.chinese().to_owned();
    let area = Some(&grant.area).filter(|area| !area.is_empty());
    for (key, value) in [("区域", area), ("单位", grant.unit.as_ref()), ("领域", grant.field.as_ref())] {
        if let Some(value) = value {
            words.push_str(&format!(" {key}={value}"));
        }
    }
    words
}

/// What it takes to come from `current` to `org`. What the file leaves out stays, unless `replace` retires it. A phone, an
/// account or a chat that the file leaves out always stays: people and groups bind these themselves. Rules, when there are
/// any, replace all rules.
pub fn plan(org: &Org, current: &Org, replace: bool) -> Changes {
    let claimed = |owner: &str, account: &(String, String)| {
        org.persons.iter().any(|person| person.id != owner && person.accounts.contains(account))
    };
    let persons: Vec<Person> = org
        .persons
        .iter()
        .map(|person| {
            let mut person = person.clone();
            if let Some(old) = current.persons.iter().find(|old| old.id == person.id) {
                person.phone = person.phone.or_else(|| old.phone.clone());
                let kept = old.accounts.iter().filter(|account| !claimed(&old.id, account));
                let kept: Vec<_> = kept.filter(|account| !person.accounts.contains(account)).cloned().collect();
                person.accounts.extend(kept);
            }
            person.accounts.sort();
            person
        })
        .collect();
    let groups: Vec<ChatGroup> = org
        .groups
        .iter()
        .map(|group| {
            let old = current.groups.iter().find(|old| old.id == group.id).and_then(|old| old.chat.clone());
            ChatGroup { chat: group.chat.clone().or(old), ..group.clone() }
        })
        .collect();
    let rules =
        (org.rules != current.rules && (replace || !org.rules.is_empty())).then(|| (current.rules.clone(), org.rules.clone()));
    Changes {
        areas: differences(&org.areas, &current.areas, replace),
        units: differences(&org.units, &current.units, replace),
        fields: differences(&org.fields, &current.fields, replace),
        rules,
        persons: differences(&persons, &current.persons, replace),
        deputy_groups: differences(&org.deputy_groups, &current.deputy_groups, replace),
        groups: differences(&groups, &current.groups, replace),
    }
}

fn differences<T: Entry>(new: &[T], old: &[T], replace: bool) -> Vec<Change<T>> {
    let by_id = |list: &[T]| list.iter().map(|entry| (entry.id().to_owned(), entry.clone())).collect::<HashMap<_, _>>();
    let (had, have) = (by_id(old), by_id(new));
    let written = new.iter().filter_map(|new| match had.get(new.id()) {
        None => Some(Change::Added(new.clone())),
        Some(old) if old == new => None,
        Some(old) => Some(Change::Changed { old: old.clone(), new: new.clone() }),
    });
    let missing = old.iter().filter(|old| replace && !have.contains_key(old.id()));
    written.chain(missing.cloned().map(Change::Retired)).collect()
}

impl Changes {
    /// Nothing to do?
    pub fn is_empty(&self) -> bool {
        self.lines().is_empty()
    }

    /// One line a change, for a dry run and for the log of an import.
    pub fn lines(&self) -> Vec<String> {
        let mut lines = lines(&self.areas);
        lines.extend(self::lines(&self.units));
        lines.extend(self::lines(&self.fields));
        lines.extend(self.rules.iter().map(|(old, new)| format!("改动 规则：原来 {} 条，换成 {} 条", old.len(), new.len())));
        lines.extend(self::lines(&self.persons));
        lines.extend(self::lines(&self.deputy_groups));
        lines.extend(self::lines(&self.groups));
        lines
    }

    /// At least as many ids as [`apply`] needs, for `Db::write_with_ids`.
    pub fn ids(&self) -> i64 {
        let people = self.persons.iter().map(|change| {
            let (person, _) = change.row();
            2 + person.accounts.len() + person.grants.len()
        });
        i64::try_from(people.sum::<usize>()).unwrap_or(i64::MAX)
    }
}

fn lines<T: Entry>(changes: &[Change<T>]) -> Vec<String> {
    let line = |change: &Change<T>| {
        let (row, _) = change.row();
        let (what, id, name) = (T::WHAT, row.id(), row.name());
        match change {
            Change::Added(_) => format!("新增 {what} {id} {name}"),
            Change::Retired(_) => format!("停用 {what} {id} {name}"),
            Change::Changed { old, new } => {
                let facts =
                    |entry: &T| std::iter::once(("名称", entry.name().to_owned())).chain(entry.facts()).collect::<Vec<_>>();
                let differ = facts(old).into_iter().zip(facts(new)).filter(|(old, new)| old != new);
                let shown = |text: String| if text.is_empty() { "（空）".to_owned() } else { text };
                let differ = differ.map(|((key, old), (_, new))| format!("{key} {} → {}", shown(old), shown(new)));
                format!("改动 {what} {id} {name}：{}", differ.collect::<Vec<_>>().join("，"))
            }
        }
    };
    changes.iter().map(line).collect()
}

/// Writes a plan and raises the version. The transaction needs [`Changes::ids`] ids.
///
/// # Errors
/// Those of the database; the transaction has failed then.
pub async fn apply(tx: &mut Tx, keys: &Keys, changes: &Changes, now: Millis) -> Result<()> {
    if changes.is_empty() {
        return Ok(());
    }
    areas(tx, &changes.areas).await?;
    units(tx, &changes.units).await?;
    fields(tx, &changes.fields).await?;
    if let Some((_, rules)) = &changes.rules {
        sqlx::query("DELETE FROM rule").execute(tx.conn()).await?;
        let rows: Vec<(i64, &Rule)> = (0..).zip(rules).collect();
        insert(tx, "INSERT INTO rule (place, field, area, text, unit)", 5, "", &rows, |query, (place, rule)| {
            query.bind(*place).bind(rule.field.clone()).bind(rule.area.clone()).bind(rule.text.clone()).bind(rule.to.clone())
        })
        .await?;
    }
    persons(tx, keys, &changes.persons, now).await?;
    deputy_groups(tx, &changes.deputy_groups).await?;
    groups(tx, &changes.groups).await?;
    store::raise_version(tx).await
}

async fn areas(tx: &mut Tx, changes: &[Change<Area>]) -> Result<()> {
    let tail = "ON CONFLICT (code) DO UPDATE SET name = excluded.name, prefix = excluded.prefix, aliases = excluded.aliases, \
                lat = excluded.lat, lng = excluded.lng, neighbours = excluded.neighbours, retired = excluded.retired";
    let head = "INSERT INTO area (code, name, prefix, aliases, neighbours, retired";
    // A number that is absent would reach PostgreSQL as one of another size than those that are there.
    let (with, without): (Vec<_>, Vec<_>) = changes.iter().map(Change::row).partition(|(area, _)| area.point.is_some());
    insert(tx, &format!("{head})"), 6, tail, &without, |query, (area, retired)| area_cells(query, area, *retired)).await?;
    insert(tx, &format!("{head}, lat, lng)"), 8, tail, &with, |query, (area, retired)| {
        let query = area_cells(query, area, *retired);
        query.bind(area.point.map(Coordinates::lat)).bind(area.point.map(Coordinates::lng))
    })
    .await
}

fn area_cells<'q>(query: Query<'q>, area: &'q Area, retired: bool) -> Query<'q> {
    let query = query.bind(area.code.as_str()).bind(area.name.as_str()).bind(area.prefix.as_deref());
    query.bind(json(&area.aliases)).bind(json(&area.neighbours)).bind(i16::from(retired))
}

/// The place of the first new row of a table.
async fn next_place(tx: &mut Tx, select: &'static str) -> Result<i64> {
    Ok(sqlx::query(select).fetch_one(tx.conn()).await?.try_get::<i64, _>(0)? + 1)
}

async fn units(tx: &mut Tx, changes: &[Change<Unit>]) -> Result<()> {
    let first = next_place(tx, "SELECT COALESCE(MAX(place), 0) FROM unit").await?;
    let rows: Vec<_> = (first..).zip(changes.iter().map(Change::row)).collect();
    let tail = "ON CONFLICT (id) DO UPDATE SET name = excluded.name, aliases = excluded.aliases, area = excluded.area, \
                parent = excluded.parent, retired = excluded.retired";
    let head = "INSERT INTO unit (id, place, name, aliases, area, parent, retired)";
    insert(tx, head, 7, tail, &rows, |query, (place, (unit, retired))| {
        let query = query.bind(unit.id.clone()).bind(*place).bind(unit.name.clone()).bind(json(&unit.aliases));
        query.bind(unit.area.clone()).bind(unit.parent.clone()).bind(i16::from(*retired))
    })
    .await
}

async fn fields(tx: &mut Tx, changes: &[Change<Field>]) -> Result<()> {
    let first = next_place(tx, "SELECT COALESCE(MAX(place), 0) FROM field").await?;
    let rows: Vec<_> = (first..).zip(changes.iter().map(Change::row)).collect();
    let tail = "ON CONFLICT (id) DO UPDATE SET name = excluded.name, kind = excluded.kind, unit = excluded.unit, \
                words = excluded.words, photo = excluded.photo, radius_m = excluded.radius_m, retired = excluded.retired";
    let head = "INSERT INTO field (id, place, name, kind, unit, words, photo, radius_m, retired)";
    insert(tx, head, 9, tail, &rows, |query, (place, (field, retired))| {
        let query = query.bind(field.id.clone()).bind(*place).bind(field.name.clone()).bind(store::kind_word(field.kind));
        let query = query.bind(field.unit.clone()).bind(field.words.clone()).bind(i16::from(field.photo));
        query.bind(field.radius_m).bind(i16::from(*retired))
    })
    .await
}

async fn persons(tx: &mut Tx, keys: &Keys, changes: &[Change<Person>], now: Millis) -> Result<()> {
    let mut ids = store::staff_ids(tx.conn()).await?;
    // Two people may have exchanged their numbers: nobody keeps an old one while the new ones are written.
    for change in changes {
        if let Some(id) = ids.get(&change.row().0.id) {
            let sql = "UPDATE person SET phone_hash = NULL, phone_sealed = NULL WHERE id = $1";
            sqlx::query(sql).bind(*id).execute(tx.conn()).await?;
        }
    }
    for change in changes {
        let (person, retired) = change.row();
        let id = match ids.get(&person.id) {
            Some(id) => *id,
            None => tx.id()?,
        };
        ids.insert(person.id.clone(), id);
        let phone = person.phone.as_deref().filter(|_| !retired);
        let sealed = phone.map(|phone| keys.seal(&store::phone_place(id), phone)).transpose()?;
        let sql = "INSERT INTO person (id, reference, name, phone_hash, phone_sealed, citizen, retired, at) \
                   VALUES ($1, $2, $3, $4, $5, 0, $6, $7) ON CONFLICT (id) DO UPDATE SET name = excluded.name, \
                   phone_hash = excluded.phone_hash, phone_sealed = excluded.phone_sealed, retired = excluded.retired";
        let query = sqlx::query(sql).bind(id).bind(person.id.clone()).bind(person.name.clone());
        let query = query.bind(phone.map(|phone| store::phone_hash(keys, phone))).bind(sealed).bind(i16::from(retired)).bind(now);
        query.execute(tx.conn()).await?;
        match change {
            Change::Added(new) => {
                store::grant(tx, id, &new.grants, now).await?;
            }
            Change::Changed { old, new } if old.grants != new.grants => {
                store::end_grants(tx, id, now).await?;
                store::grant(tx, id, &new.grants, now).await?;
            }
            Change::Changed { .. } => {}
            Change::Retired(_) => {
                store::end_grants(tx, id, now).await?;
                store::end_stand_ins(tx, id, now).await?;
                codes::void_codes(tx, id).await?;
            }
        }
    }
    for change in changes {
        let (new, held) = match change {
            Change::Added(new) => (new, &[][..]),
            Change::Changed { old, new } => (new, &old.accounts[..]),
            Change::Retired(_) => continue,
        };
        let id = ids.get(&new.id).ok_or_else(|| Error::fault("a person was written without an id"))?;
        for (channel, account) in new.accounts.iter().filter(|account| !held.contains(account)) {
            if let store::Bound::Merged(citizen) = store::give_account(tx, keys, *id, channel, account, now).await? {
                // What the account reported before its owner was in the file stays with the person.
                super::desk::merge_reports(tx, keys, citizen, *id).await?;
            }
        }
    }
    Ok(())
}

async fn deputy_groups(tx: &mut Tx, changes: &[Change<DeputyGroup>]) -> Result<()> {
    let first = next_place(tx, "SELECT COALESCE(MAX(place), 0) FROM deputy_group").await?;
    let rows: Vec<_> = (first..).zip(changes.iter().map(Change::row)).collect();
    let tail = "ON CONFLICT (id) DO UPDATE SET name = excluded.name, area = excluded.area, lead = excluded.lead, \
                members = excluded.members, retired = excluded.retired";
    let head = "INSERT INTO deputy_group (id, place, name, area, lead, members, retired)";
    insert(tx, head, 7, tail, &rows, |query, (place, (group, retired))| {
        let query = query.bind(group.id.clone()).bind(*place).bind(group.name.clone()).bind(group.area.clone());
        query.bind(group.lead.clone()).bind(json(&group.members)).bind(i16::from(*retired))
    })
    .await
}

async fn groups(tx: &mut Tx, changes: &[Change<ChatGroup>]) -> Result<()> {
    // As with phones: two groups may have exchanged their chats.
    for change in changes {
        let sql = "UPDATE chat_group SET channel = NULL, chat = NULL WHERE id = $1";
        sqlx::query(sql).bind(change.row().0.id.clone()).execute(tx.conn()).await?;
    }
    let first = next_place(tx, "SELECT COALESCE(MAX(place), 0) FROM chat_group").await?;
    let rows: Vec<_> = (first..).zip(changes.iter().map(Change::row)).collect();
    let tail = "ON CONFLICT (id) DO UPDATE SET name = excluded.name, of_kind = excluded.of_kind, of_id = excluded.of_id, \
                channel = excluded.channel, chat = excluded.chat, retired = excluded.retired";
    let head = "INSERT INTO chat_group (id, place, name, of_kind, of_id, channel, chat, retired)";
    insert(tx, head, 8, tail, &rows, |query, (place, (group, retired))| {
        let (of_kind, of_id) = match &group.of {
            GroupOf::Unit(unit) => ("unit", Some(unit.clone())),
            GroupOf::Deputies(deputies) => ("deputies", Some(deputies.clone())),
            GroupOf::Centre => ("centre", None),
        };
        let (channel, chat) = group.chat.clone().filter(|_| !retired).unzip();
        let query = query.bind(group.id.clone()).bind(*place).bind(group.name.clone()).bind(of_kind).bind(of_id);
        query.bind(channel).bind(chat).bind(i16::from(*retired))
    })
    .await
}

fn json(words: &[String]) -> String {
    serde_json::Value::from(words).to_string()
}
