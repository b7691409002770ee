//! The tables of people: loading the picture, rights, accounts. Codes are in `codes`.
//!
//! Accounts and phones are sealed and found by keyed hashes; the names of staff are plain, citizens have none.

use super::{
    Area, ChatGroup, Coordinates, DeputyGroup, Directory, Field, FieldKind, Grant, GroupOf, Role, Rule, Staff, Unit, codes,
    directory::Parts,
    org::{Org, Person},
    wording,
};
use crate::{
    db::{Kind, Tx, in_list, insert},
    error::{Error, Result},
    message::{Address, Millis},
    seal::Keys,
};
use sqlx::{AnyConnection, AssertSqlSafe, Row, any::AnyRow};
use std::collections::{HashMap, HashSet};

/// The version of the organisation; every change raises it.
///
/// # Errors
/// Those of the database.
pub async fn version(conn: &mut AnyConnection) -> Result<i64> {
    let row = sqlx::query("SELECT value FROM setting WHERE name = 'org_version'").fetch_one(conn).await?;
    row.try_get::<String, _>(0)?.parse().map_err(|_| Error::fault("setting org_version is not a number"))
}

/// Holds the organisation until the transaction ends, so that whoever else would change or load it waits and then sees what was
/// done.
///
/// # Errors
/// Those of the database.
pub async fn hold(tx: &mut Tx) -> Result<()> {
    sqlx::query("UPDATE setting SET value = value WHERE name = 'org_version'").execute(tx.conn()).await?;
    Ok(())
}

/// Raises the version, so that running services load a new picture.
///
/// # Errors
/// Those of the database.
pub async fn raise_version(tx: &mut Tx) -> Result<()> {
    let sql = "UPDATE setting SET value = CAST(CAST(value AS BIGINT) + 1 AS TEXT) WHERE name = 'org_version'";
    sqlx::query(sql).execute(tx.conn()).await?;
    Ok(())
}

/// The picture of the organisation as it is now, with the rights that are given for a time.
///
/// # Errors
/// Those of the database; a fault when a row cannot be read.
pub async fn load(conn: &mut AnyConnection, now: Millis) -> Result<Directory> {
    Ok(Directory::new(parts(conn, now).await?))
}

/// The organisation as files describe it, with phones and accounts opened: for comparing and for export.
///
/// # Errors
/// Those of the database; a fault when a sealed value does not open.
pub async fn current(conn: &mut AnyConnection, keys: &Keys) -> Result<Org> {
    // Rights that end by themselves belong to no file.
    let parts = parts(conn, Millis::MAX).await?;
    let mut accounts: HashMap<i64, Vec<(String, String)>> = HashMap::new();
    let sql = "SELECT account.id, channel, sealed, person_id FROM account JOIN person ON person.id = person_id WHERE citizen = 0";
    for row in sqlx::query(sql).fetch_all(&mut *conn).await? {
        let account = keys.open(&account_place(row.try_get(0)?), row.try_get(2)?)?;
        accounts.entry(row.try_get(3)?).or_default().push((row.try_get(1)?, account));
    }
    let mut phones: HashMap<i64, String> = HashMap::new();
    for row in
        sqlx::query("SELECT id, phone_sealed FROM person WHERE citizen = 0 AND phone_sealed IS NOT NULL").fetch_all(conn).await?
    {
        let id = row.try_get(0)?;
        phones.insert(id, keys.open(&phone_place(id), row.try_get(1)?)?);
    }
    let persons = parts.staff.into_iter().filter(|person| !person.retired).map(|person| {
        let mut accounts = accounts.remove(&person.id).unwrap_or_default();
        accounts.sort();
        Person { phone: phones.remove(&person.id), accounts, id: person.reference, name: person.name, grants: person.own }
    });
    Ok(Org {
        persons: persons.collect(),
        areas: parts.areas.into_iter().filter(|area| !area.retired).collect(),
        units: parts.units.into_iter().filter(|unit| !unit.retired).collect(),
        fields: parts.fields.into_iter().filter(|field| !field.retired).collect(),
        rules: parts.rules,
        deputy_groups: parts.deputy_groups,
        groups: parts.chat_groups,
    })
}

async fn parts(conn: &mut AnyConnection, now: Millis) -> Result<Parts> {
    // The version is read first: what changes meanwhile has a higher one and is loaded again.
    let version = version(conn).await?;
    let mut grants: HashMap<i64, Vec<Grant>> = HashMap::new();
    let mut own: HashMap<i64, Vec<Grant>> = HashMap::new();
    let mut until: Option<Millis> = None;
    let sql =
        "SELECT person_id, role, area, unit, field, until_at FROM role_grant WHERE until_at IS NULL OR until_at > $1 ORDER BY id";
    for row in sqlx::query(sql).bind(now).fetch_all(&mut *conn).await? {
        let ends: Option<Millis> = row.try_get(5)?;
        until = until.into_iter().chain(ends).min();
        let word: String = row.try_get(1)?;
        let role = Role::parse(&word).ok_or_else(|| Error::fault("role_grant.role is no role of this program"))?;
        let grant = Grant { role, area: row.try_get(2)?, unit: row.try_get(3)?, field: row.try_get(4)? };
        let person = row.try_get(0)?;
        if ends.is_none() {
            own.entry(person).or_default().push(grant.clone());
        }
        grants.entry(person).or_default().push(grant);
    }
    let areas = "SELECT code, name, prefix, aliases, retired, lat, lng, neighbours FROM area ORDER BY LENGTH(code), code";
    let units = "SELECT id, name, aliases, area, parent, retired FROM unit ORDER BY place";
    let fields = "SELECT id, name, kind, unit, words, photo, radius_m, retired FROM field ORDER BY place";
    let rules = "SELECT field, area, text, unit FROM rule ORDER BY place";
    let staff = "SELECT id, reference, name, retired FROM person WHERE citizen = 0 ORDER BY id";
    let deputy_groups = "SELECT id, name, area, lead, members FROM deputy_group WHERE retired = 0 ORDER BY place";
    let chat_groups = "SELECT id, name, of_kind, of_id, channel, chat FROM chat_group WHERE retired = 0 ORDER BY place";
    Ok(Parts {
        version,
        until,
        areas: read(conn, areas, |row| {
            let (code, name, prefix) = (row.try_get(0)?, row.try_get(1)?, row.try_get(2)?);
            let (lat, lng): (Option<f64>, Option<f64>) = (row.try_get(5)?, row.try_get(6)?);
            let point = lat.zip(lng).map(|(lat, lng)| Coordinates::of(lat, lng));
            let (aliases, neighbours) = (words(row, 3)?, words(row, 7)?);
            Ok(Area { code, name, prefix, aliases, point, neighbours, retired: flag(row, 4)? })
        })
        .await?,
        units: read(conn, units, |row| {
            let (id, name, area, parent) = (row.try_get(0)?, row.try_get(1)?, row.try_get(3)?, row.try_get(4)?);
            Ok(Unit { id, name, aliases: words(row, 2)?, area, parent, retired: flag(row, 5)? })
        })
        .await?,
        fields: read(conn, fields, |row| {
            let kind = if row.try_get::<String, _>(2)? == "topic" { FieldKind::Topic } else { FieldKind::Campaign };
            let (id, name, unit, words) = (row.try_get(0)?, row.try_get(1)?, row.try_get(3)?, row.try_get(4)?);
            Ok(Field { id, name, kind, unit, words, photo: flag(row, 5)?, radius_m: row.try_get(6)?, retired: flag(row, 7)? })
        })
        .await?,
        rules: read(conn, rules, |row| {
            Ok(Rule { field: row.try_get(0)?, area: row.try_get(1)?, text: row.try_get(2)?, to: row.try_get(3)? })
        })
        .await?,
        staff: read(conn, staff, |row| {
            let (id, reference, name) = (row.try_get(0)?, row.try_get(1)?, row.try_get(2)?);
            let (grants, own) = (grants.remove(&id).unwrap_or_default(), own.remove(&id).unwrap_or_default());
            Ok(Staff { id, reference, name, grants, own, retired: flag(row, 3)? })
        })
        .await?,
        deputy_groups: read(conn, deputy_groups, |row| {
            let (id, name, area, lead) = (row.try_get(0)?, row.try_get(1)?, row.try_get(2)?, row.try_get(3)?);
            Ok(DeputyGroup { id, name, area, lead, members: words(row, 4)? })
        })
        .await?,
        chat_groups: read(conn, chat_groups, |row| {
            let of_id = row.try_get::<Option<String>, _>(3)?.unwrap_or_default();
            let of = match row.try_get::<String, _>(2)?.as_str() {
                "unit" => GroupOf::Unit(of_id),
                "deputies" => GroupOf::Deputies(of_id),
                _ => GroupOf::Centre,
            };
            let chat: (Option<String>, Option<String>) = (row.try_get(4)?, row.try_get(5)?);
            Ok(ChatGroup { id: row.try_get(0)?, name: row.try_get(1)?, of, chat: chat.0.zip(chat.1) })
        })
        .await?,
    })
}

async fn read<T>(conn: &mut AnyConnection, sql: &'static str, mut row: impl FnMut(&AnyRow) -> Result<T>) -> Result<Vec<T>> {
    sqlx::query(sql).fetch_all(conn).await?.iter().map(&mut row).collect()
}

fn words(row: &AnyRow, column: usize) -> Result<Vec<String>> {
    Ok(serde_json::from_str(&row.try_get::<String, _>(column)?)?)
}

fn flag(row: &AnyRow, column: usize) -> Result<bool> {
    Ok(row.try_get::<i64, _>(column)? != 0)
}

/// How a sort of field is stored.
pub(super) fn kind_word(kind: FieldKind) -> &'static str {
    match kind {
        FieldKind::Campaign => "campaign",
        FieldKind::Topic => "topic",
    }
}

/// Where a person's phone is sealed.
pub(super) fn phone_place(person: i64) -> String {
    format!("person.phone_sealed.{person}")
}

/// By what a phone is found.
pub(super) fn phone_hash(keys: &Keys, digits: &str) -> String {
    keys.hash("phone", digits)
}

fn account_place(id: i64) -> String {
    format!("account.sealed.{id}")
}

/// By what an account is found.
pub fn account_hash(keys: &Keys, channel: &str, account: &str) -> String {
    keys.hash("account", &format!("{channel}\0{account}"))
}

/// The ids of everybody who has a reference, retired people too.
pub(super) async fn staff_ids(conn: &mut AnyConnection) -> Result<HashMap<String, i64>> {
    let rows =
        sqlx::query("SELECT reference, id FROM person WHERE citizen = 0 AND reference IS NOT NULL").fetch_all(conn).await?;
    rows.iter().map(|row| Ok((row.try_get(0)?, row.try_get(1)?))).collect()
}

/// Gives rights from now on.
///
/// # Errors
/// Those of the database. The version has to be raised by the caller.
pub async fn grant(tx: &mut Tx, person: i64, grants: &[Grant], now: Millis) -> Result<()> {
    let rows = grants.iter().map(|grant| Ok((tx.id()?, grant))).collect::<Result<Vec<_>>>()?;
    let head = "INSERT INTO role_grant (id, person_id, role, area, unit, field, from_at)";
    insert(tx, head, 7, "", &rows, |query, (id, grant)| {
        let query = query.bind(*id).bind(person).bind(grant.role.as_str()).bind(grant.area.clone());
        query.bind(grant.unit.clone()).bind(grant.field.clone()).bind(now)
    })
    .await
}

/// Ends the lasting rights of a person now.
///
/// # Errors
/// Those of the database. The version has to be raised by the caller.
pub async fn end_grants(tx: &mut Tx, person: i64, now: Millis) -> Result<()> {
    let sql = "UPDATE role_grant SET until_at = $1 WHERE person_id = $2 AND until_at IS NULL";
    sqlx::query(sql).bind(now).bind(person).execute(tx.conn()).await?;
    Ok(())
}

/// Retires somebody of the staff: rights end, codes are void, the phone is forgotten; the accounts stay his. Raises the version.
///
/// # Errors
/// Those of the database.
pub async fn retire(tx: &mut Tx, person: i64, now: Millis) -> Result<()> {
    let sql = "UPDATE person SET retired = 1, phone_hash = NULL, phone_sealed = NULL WHERE id = $1 AND citizen = 0";
    sqlx::query(sql).bind(person).execute(tx.conn()).await?;
    end_grants(tx, person, now).await?;
    end_stand_ins(tx, person, now).await?;
    codes::void_codes(tx, person).await?;
    raise_version(tx).await
}

/// Ends the rights that a person has for a time.
///
/// # Errors
/// Those of the database. The version has to be raised by the caller.
pub async fn end_stand_ins(tx: &mut Tx, person: i64, now: Millis) -> Result<()> {
    let sql = "UPDATE role_grant SET until_at = $1 WHERE person_id = $2 AND until_at > $1";
    sqlx::query(sql).bind(now).bind(person).execute(tx.conn()).await?;
    Ok(())
}

/// The persons of accounts and when they were in contact last, for a batch of hashes at once. Unknown hashes are missing from the answer.
///
/// # Errors
/// Those of the database.
pub async fn accounts_by_hash(conn: &mut AnyConnection, kind: Kind, hashes: &[String]) -> Result<HashMap<String, (i64, Millis)>> {
    let mut found = HashMap::with_capacity(hashes.len());
    for (sql, values) in in_list(kind, "SELECT hash, person_id, at FROM account WHERE hash IN", "", hashes) {
        let mut query = sqlx::query(AssertSqlSafe(sql));
        for value in values {
            query = query.bind(value.to_owned());
        }
        for row in query.fetch_all(&mut *conn).await? {
            found.insert(row.try_get(0)?, (row.try_get(1)?, row.try_get(2)?));
        }
    }
    Ok(found)
}

/// Makes a citizen for every account (channel, account) that is not known yet; returns the person of each account, in order.
/// Two ids are used for an account.
///
/// # Errors
/// Those of the database.
pub async fn add_citizens(tx: &mut Tx, keys: &Keys, accounts: &[(String, String)], now: Millis) -> Result<Vec<i64>> {
    struct New<'a> {
        hash: String,
        channel: &'a str,
        id: i64,
        person: i64,
        sealed: String,
    }
    let hashes: Vec<String> = accounts.iter().map(|(channel, account)| account_hash(keys, channel, account)).collect();
    let mut seen = HashSet::new();
    let mut rows = Vec::new();
    for ((channel, account), hash) in accounts.iter().zip(&hashes) {
        if seen.insert(hash.as_str()) {
            let (id, person) = (tx.id()?, tx.id()?);
            let sealed = keys.seal(&account_place(id), account)?;
            rows.push(New { hash: hash.clone(), channel, id, person, sealed });
        }
    }
    // In sorted order, so that two processes that meet the same accounts wait for each other instead of locking up.
    rows.sort_by(|a, b| a.hash.cmp(&b.hash));
    let head = "INSERT INTO account (id, hash, channel, sealed, person_id, at)";
    insert(tx, head, 6, "ON CONFLICT (hash) DO NOTHING", &rows, |query, row| {
        let query = query.bind(row.id).bind(row.hash.clone()).bind(row.channel.to_owned());
        query.bind(row.sealed.clone()).bind(row.person).bind(now)
    })
    .await?;
    let kind = tx.kind();
    let people = accounts_by_hash(tx.conn(), kind, &hashes).await?;
    rows.retain(|row| people.get(&row.hash).is_some_and(|(person, _)| *person == row.person));
    insert(tx, "INSERT INTO person (id, citizen, retired, at)", 4, "", &rows, |query, row| {
        query.bind(row.person).bind(1_i16).bind(0_i16).bind(now)
    })
    .await?;
    let person = |hash| people.get(hash).map(|(person, _)| *person).ok_or_else(|| Error::fault("an account was not written"));
    hashes.iter().map(person).collect()
}

/// Notes that these accounts were in contact now. Writes nothing for those that were within the last hour.
///
/// # Errors
/// Those of the database.
pub async fn touch(tx: &mut Tx, hashes: &[String], now: Millis) -> Result<()> {
    for (sql, values) in in_list(tx.kind(), "UPDATE account SET at = ? WHERE at < ? AND hash IN", "", hashes) {
        let mut query = sqlx::query(AssertSqlSafe(sql)).bind(now).bind(now - crate::clock::HOUR);
        for value in values {
            query = query.bind(value.to_owned());
        }
        query.execute(tx.conn()).await?;
    }
    Ok(())
}

/// The private chats of a person, the one of the latest contact first.
///
/// # Errors
/// Those of the database; a fault when a sealed value does not open.
pub async fn addresses(conn: &mut AnyConnection, keys: &Keys, person: i64) -> Result<Vec<Address>> {
    let sql = "SELECT id, channel, sealed FROM account WHERE person_id = $1 ORDER BY at DESC, id DESC";
    let rows = sqlx::query(sql).bind(person).fetch_all(conn).await?;
    let address = |row: &AnyRow| {
        let account = keys.open(&account_place(row.try_get(0)?), row.try_get(2)?)?;
        Ok(Address { channel: row.try_get(1)?, account, group: None })
    };
    rows.iter().map(address).collect()
}

/// How an account came to a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bound {
    /// It was his already.
    Already,
    /// Nobody had it.
    New,
    /// This citizen had it, who is the same person: what is his in other tables has to be given to the new owner.
    Merged(i64),
    /// Somebody else in office has it; nothing was changed.
    Taken(i64),
}

/// Binds an account to somebody of the staff. A citizen who had it is merged into him.
///
/// # Errors
/// Those of the database.
pub async fn bind_account(tx: &mut Tx, keys: &Keys, person: i64, channel: &str, account: &str, now: Millis) -> Result<Bound> {
    match owner(tx.conn(), keys, channel, account).await? {
        Some(owner) if owner.in_office && owner.person != person => Ok(Bound::Taken(owner.person)),
        _ => give_account(tx, keys, person, channel, account, now).await,
    }
}

pub(super) struct Owner {
    pub(super) person: i64,
    citizen: bool,
    pub(super) in_office: bool,
}

pub(super) async fn owner(conn: &mut AnyConnection, keys: &Keys, channel: &str, account: &str) -> Result<Option<Owner>> {
    let sql = "SELECT person.id, citizen, retired FROM account JOIN person ON person.id = person_id WHERE hash = $1";
    let row = sqlx::query(sql).bind(account_hash(keys, channel, account)).fetch_optional(conn).await?;
    let owner = |row: AnyRow| {
        let citizen = flag(&row, 1)?;
        Ok(Owner { person: row.try_get(0)?, citizen, in_office: !citizen && !flag(&row, 2)? })
    };
    row.map(owner).transpose()
}

/// Gives an account to a person, whoever had it.
pub(super) async fn give_account(
    tx: &mut Tx,
    keys: &Keys,
    person: i64,
    channel: &str,
    account: &str,
    now: Millis,
) -> Result<Bound> {
    let hash = account_hash(keys, channel, account);
    match owner(tx.conn(), keys, channel, account).await? {
        Some(owner) if owner.person == person => Ok(Bound::Already),
        Some(owner) => {
            let sql = "UPDATE account SET person_id = $1, at = $2 WHERE hash = $3";
            sqlx::query(sql).bind(person).bind(now).bind(hash).execute(tx.conn()).await?;
            if !owner.citizen {
                return Ok(Bound::New);
            }
            let sql = "UPDATE person SET merged_into = $1, retired = 1 WHERE id = $2 AND citizen = 1 \
                       AND NOT EXISTS (SELECT 1 FROM account WHERE person_id = $2)";
            sqlx::query(sql).bind(person).bind(owner.person).execute(tx.conn()).await?;
            Ok(Bound::Merged(owner.person))
        }
        None => {
            let id = tx.id()?;
            let sealed = keys.seal(&account_place(id), account)?;
            let sql = "INSERT INTO account (id, hash, channel, sealed, person_id, at) VALUES ($1, $2, $3, $4, $5, $6)";
            let query = sqlx::query(sql).bind(id).bind(hash).bind(channel.to_owned()).bind(sealed).bind(person).bind(now);
            query.execute(tx.conn()).await?;
            Ok(Bound::New)
        }
    }
}

/// Somebody in office by phone number, in any way of writing.
///
/// # Errors
/// Those of the database.
pub async fn person_by_phone(conn: &mut AnyConnection, keys: &Keys, phone: &str) -> Result<Option<i64>> {
    let Some(digits) = super::phone(phone) else { return Ok(None) };
    let sql = "SELECT id FROM person WHERE phone_hash = $1 AND retired = 0 AND citizen = 0";
    let row = sqlx::query(sql).bind(phone_hash(keys, &digits)).fetch_optional(conn).await?;
    Ok(row.map(|row| row.try_get(0)).transpose()?)
}

/// Binds a chat to a group. Raises the version.
///
/// # Errors
/// A sentence when there is no such group or the chat is another group's; those of the database.
pub async fn bind_chat(tx: &mut Tx, group: &str, channel: &str, chat: &str) -> Result<()> {
    let sql = "SELECT name FROM chat_group WHERE channel = $1 AND chat = $2 AND retired = 0 AND id <> $3";
    let query = sqlx::query(sql).bind(channel.to_owned()).bind(chat.to_owned()).bind(group.to_owned());
    if let Some(other) = query.fetch_optional(tx.conn()).await? {
        return Err(Error::user(wording::group_taken(other.try_get(0)?)));
    }
    let sql = "UPDATE chat_group SET channel = $1, chat = $2 WHERE id = $3 AND retired = 0";
    let query = sqlx::query(sql).bind(channel.to_owned()).bind(chat.to_owned()).bind(group.to_owned());
    if query.execute(tx.conn()).await?.rows_affected() == 0 {
        return Err(Error::user(wording::no_group(group)));
    }
    raise_version(tx).await
}

#[cfg(test)]
mod tests {
    use super::{
        super::codes::{CODE_LIFE, CodeFor, Redeemed, Refused, codes, has_admin, issue_code, redeem},
        *,
    };
    use crate::clock::DAY;
    use crate::{
        db::Db,
        people::{import, org},
    };

    const NOW: Millis = 1_800_000_000_000;

    fn keys() -> Keys {
        Keys::new(&[7; 32], &[])
    }

    async fn empty() -> (tempfile::TempDir, Db) {
        let folder = tempfile::tempdir().unwrap();
        let db = Db::open(&format!("sqlite://{}/t.db", folder.path().display()), 4).await.unwrap();
        db.migrate().await.unwrap();
        (folder, db)
    }

    async fn import(db: &Db, org: &Org, replace: bool) -> Vec<String> {
        let current = current(&mut db.read().await.unwrap(), &keys()).await.unwrap();
        let changes = import::plan(org, &current, replace);
        let mut tx = db.write_with_ids(changes.ids()).await.unwrap();
        import::apply(&mut tx, &keys(), &changes, NOW).await.unwrap();
        tx.commit().await.unwrap();
        changes.lines()
    }

    async fn wuyi() -> (tempfile::TempDir, Db) {
        let (folder, db) = empty().await;
        import(&db, &org::demonstration().unwrap(), false).await;
        (folder, db)
    }

    async fn directory(db: &Db) -> Directory {
        load(&mut db.read().await.unwrap(), NOW).await.unwrap()
    }

    async fn id(db: &Db, reference: &str) -> i64 {
        directory(db).await.staff_by_reference(reference).unwrap().id
    }

    fn account(name: &str) -> (String, String) {
        ("mp".to_owned(), name.to_owned())
    }

    #[tokio::test]
    async fn the_demonstration_comes_back_as_it_was_written_and_again_changes_nothing() {
        let (_folder, db) = wuyi().await;
        let org = org::demonstration().unwrap();
        let mut stored = current(&mut db.read().await.unwrap(), &keys()).await.unwrap();
        stored.persons.sort_by(|a, b| a.id.cmp(&b.id));
        let mut expected = org.clone();
        expected.persons.sort_by(|a, b| a.id.cmp(&b.id));
        assert!(stored == expected);
        let before = directory(&db).await;
        assert_eq!(before.version, 1);
        assert!(import(&db, &org, true).await.is_empty());
        assert_eq!(directory(&db).await.version, 1);
        assert_eq!(before.areas.all().count(), 538);
        let mut measured = org.clone();
        measured.areas[20].point = Some(Coordinates::of(37.8012, 115.903_412));
        import(&db, &measured, true).await;
        let point = directory(&db).await.areas.get(&measured.areas[20].code).unwrap().point;
        assert_eq!(point, measured.areas[20].point);
    }

    #[tokio::test]
    async fn no_phone_and_no_account_stands_readable_in_the_file() {
        let (folder, db) = wuyi().await;
        let people = add_citizen(&db, "openid-of-old-zhou").await;
        assert!(people > 0);
        db.close().await;
        let mut bytes = Vec::new();
        for entry in std::fs::read_dir(folder.path()).unwrap() {
            bytes.extend(std::fs::read(entry.unwrap().path()).unwrap());
        }
        let holds = |word: &str| bytes.windows(word.len()).any(|window| window == word.as_bytes());
        assert!(holds("水务局"));
        assert!(!holds("13800000001") && !holds("openid-of-old-zhou"));
    }

    async fn add_citizen(db: &Db, name: &str) -> i64 {
        let mut tx = db.write().await.unwrap();
        let people = add_citizens(&mut tx, &keys(), &[account(name)], NOW).await.unwrap();
        tx.commit().await.unwrap();
        people[0]
    }

    #[tokio::test]
    async fn an_import_adds_and_changes_by_id_and_keeps_what_it_does_not_name() {
        let (_folder, db) = wuyi().await;
        let base = current(&mut db.read().await.unwrap(), &keys()).await.unwrap();
        let source = "[[person]]\nid = \"wang\"\nname = \"王联络\"\ngrants = [ { role = \"handler\", unit = \"swj\" } ]\n\
                      [[person]]\nid = \"new\"\nname = \"新人\"\naccounts = [\"sim:new\"]\n\
                      [[unit]]\nid = \"swj\"\nname = \"水利局\"\naliases = [\"水务局\"]\narea = \"131122\"\n\
                      [[group]]\nid = \"g-swj\"\nname = \"水利局工作群\"\nunit = \"swj\"\n";
        let org = org::read_toml("o.toml", source, &base).unwrap();
        assert_eq!(
            import(&db, &org, false).await,
            [
                "改动 单位 swj 水利局：名称 水务局 → 水利局，别名 水利局 → 水务局",
                "改动 人员 wang 王联络：身份 联络员 单位=swj → 承办人 单位=swj",
                "新增 人员 new 新人",
                "改动 工作群 g-swj 水利局工作群：名称 水务局工作群 → 水利局工作群",
            ]
        );
        let after = directory(&db).await;
        assert_eq!(after.version, 2);
        assert_eq!(after.unit("swj").unwrap().name, "水利局");
        assert_eq!(after.chat_groups()[0].chat, Some(("sim".into(), "g-swj".into())));
        let wang = after.staff_by_reference("wang").unwrap();
        assert_eq!(wang.grants[0].role, Role::Handler);
        let mut conn = db.read().await.unwrap();
        assert_eq!(person_by_phone(&mut conn, &keys(), "138 0000 0002").await.unwrap(), Some(wang.id));
        assert_eq!(addresses(&mut conn, &keys(), wang.id).await.unwrap()[0].account, "wang");
        let sql = "SELECT COUNT(*) FROM role_grant WHERE person_id = $1 AND until_at IS NOT NULL";
        let ended: i64 = sqlx::query_scalar(sql).bind(wang.id).fetch_one(&mut *conn).await.unwrap();
        assert_eq!(ended, 1);
    }

    #[tokio::test]
    async fn replacing_retires_what_is_missing_and_ends_its_grants() {
        let (_folder, db) = wuyi().await;
        let mut org = org::demonstration().unwrap();
        org.persons.retain(|person| person.id != "zhao");
        org.units.retain(|unit| unit.id != "xfj");
        org.rules.clear();
        let lines = import(&db, &org, true).await;
        assert_eq!(lines, ["停用 单位 xfj 信访局", "改动 规则：原来 27 条，换成 0 条", "停用 人员 zhao 赵承办"]);
        let after = directory(&db).await;
        let zhao = after.staff_by_reference("zhao").unwrap();
        assert!(zhao.retired && zhao.grants.is_empty());
        assert!(after.unit("xfj").unwrap().retired);
        assert!(after.units().all(|unit| unit.id != "xfj"));
        assert_eq!(person_by_phone(&mut db.read().await.unwrap(), &keys(), "13800000003").await.unwrap(), None);

        let lines = import(&db, &org::demonstration().unwrap(), true).await;
        assert_eq!(lines.len(), 3, "{lines:?}");
        let back = directory(&db).await;
        assert_eq!(back.staff_by_reference("zhao").unwrap().id, zhao.id);
        assert_eq!(back.staff_by_reference("zhao").unwrap().grants.len(), 1);
    }

    #[tokio::test]
    async fn two_people_and_two_groups_can_exchange_what_is_theirs_alone() {
        let (_folder, db) = wuyi().await;
        let mut org = org::demonstration().unwrap();
        let phones = (org.persons[0].phone.clone(), org.persons[1].phone.clone());
        (org.persons[1].phone, org.persons[0].phone) = phones;
        let accounts = (org.persons[0].accounts.clone(), org.persons[1].accounts.clone());
        (org.persons[1].accounts, org.persons[0].accounts) = accounts;
        let chats = (org.groups[0].chat.clone(), org.groups[1].chat.clone());
        (org.groups[1].chat, org.groups[0].chat) = chats;
        assert_eq!(import(&db, &org, false).await.len(), 4);
        assert!(import(&db, &org, false).await.is_empty());
        let li = id(&db, "li").await;
        let mut conn = db.read().await.unwrap();
        assert_eq!(addresses(&mut conn, &keys(), li).await.unwrap()[0].account, "wang");
        assert_eq!(person_by_phone(&mut conn, &keys(), "13800000002").await.unwrap(), Some(li));
    }

    #[tokio::test]
    async fn citizens_are_made_once_whoever_asks() {
        let (_folder, db) = empty().await;
        let mut tx = db.write().await.unwrap();
        let accounts = [account("b"), account("a"), account("b")];
        let first = add_citizens(&mut tx, &keys(), &accounts, NOW).await.unwrap();
        assert_eq!(first[0], first[2]);
        assert_ne!(first[0], first[1]);
        let again = add_citizens(&mut tx, &keys(), &[account("c"), account("a")], NOW).await.unwrap();
        assert_eq!(again[1], first[1]);
        tx.commit().await.unwrap();
        let hashes: Vec<String> = ["a", "b", "c", "d"].map(|name| account_hash(&keys(), "mp", name)).to_vec();
        let mut conn = db.read().await.unwrap();
        let found = accounts_by_hash(&mut conn, db.kind(), &hashes).await.unwrap();
        assert_eq!(found.len(), 3);
        assert_eq!(found[&hashes[0]].0, first[1]);
        let people: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM person").fetch_one(&mut *conn).await.unwrap();
        assert_eq!(people, 3);
    }

    #[tokio::test]
    async fn the_latest_contact_comes_first() {
        let (_folder, db) = empty().await;
        let person = add_citizen(&db, "old").await;
        let mut tx = db.write().await.unwrap();
        give_account(&mut tx, &keys(), person, "ding", "new", NOW + 1).await.unwrap();
        let accounts = |addresses: Vec<Address>| addresses.into_iter().map(|address| address.account).collect::<Vec<_>>();
        assert_eq!(accounts(addresses(tx.conn(), &keys(), person).await.unwrap()), ["new", "old"]);
        let hash = [account_hash(&keys(), "mp", "old")];
        touch(&mut tx, &hash, NOW + 60_000).await.unwrap();
        assert_eq!(accounts(addresses(tx.conn(), &keys(), person).await.unwrap()), ["new", "old"]);
        touch(&mut tx, &hash, NOW + DAY).await.unwrap();
        assert_eq!(accounts(addresses(tx.conn(), &keys(), person).await.unwrap()), ["old", "new"]);
    }

    #[tokio::test]
    async fn binding_moves_an_account_from_a_citizen_but_not_from_somebody_in_office() {
        let (_folder, db) = wuyi().await;
        let citizen = add_citizen(&db, "w").await;
        let (wang, zhao) = (id(&db, "wang").await, id(&db, "zhao").await);
        let mut tx = db.write().await.unwrap();
        let bind = async |tx: &mut Tx, person| bind_account(tx, &keys(), person, "mp", "w", NOW).await.unwrap();
        assert_eq!(bind(&mut tx, wang).await, Bound::Merged(citizen));
        assert_eq!(bind(&mut tx, wang).await, Bound::Already);
        assert_eq!(bind(&mut tx, zhao).await, Bound::Taken(wang));
        let row = sqlx::query("SELECT merged_into, retired FROM person WHERE id = $1").bind(citizen);
        let row = row.fetch_one(tx.conn()).await.unwrap();
        assert_eq!((row.get::<i64, _>(0), row.get::<i64, _>(1)), (wang, 1));
        retire(&mut tx, wang, NOW).await.unwrap();
        assert_eq!(bind(&mut tx, zhao).await, Bound::New);
        tx.commit().await.unwrap();
        assert!(directory(&db).await.grants(wang).is_empty());
    }

    #[tokio::test]
    async fn a_code_binds_once_and_only_within_its_time() {
        let (_folder, db) = wuyi().await;
        let (wang, zhao) = (id(&db, "wang").await, id(&db, "zhao").await);
        let citizen = add_citizen(&db, "w").await;
        let mut tx = db.write().await.unwrap();
        let void = issue_code(&mut tx, &keys(), CodeFor::Person(wang), NOW).await.unwrap();
        let code = issue_code(&mut tx, &keys(), CodeFor::Person(wang), NOW).await.unwrap();
        assert_eq!((code.len(), code.as_bytes()[4]), (9, b' '));
        let redeem = async |tx: &mut Tx, code: &str, account, now| redeem(tx, &keys(), code, account, now).await.unwrap();
        assert_eq!(redeem(&mut tx, &void, ("mp", "w"), NOW).await, Err(Refused::Unknown));
        assert_eq!(redeem(&mut tx, "", ("mp", "w"), NOW).await, Err(Refused::Unknown));
        assert_eq!(redeem(&mut tx, &code, ("mp", "w"), NOW + CODE_LIFE).await, Err(Refused::Expired));
        assert_eq!(redeem(&mut tx, &code, ("sim", "zhao"), NOW).await, Err(Refused::Taken));
        let done = Redeemed { person: wang, merged: Some(citizen), admin: false };
        let wide: String = code.replace(' ', "").chars().filter_map(|c| char::from_u32(c as u32 + 0xfee0)).collect();
        assert_eq!(redeem(&mut tx, &wide, ("mp", "w"), NOW).await, Ok(done));
        assert_eq!(redeem(&mut tx, &code, ("mp", "w"), NOW).await, Err(Refused::Used));
        let code = issue_code(&mut tx, &keys(), CodeFor::Person(zhao), NOW).await.unwrap();
        retire(&mut tx, zhao, NOW).await.unwrap();
        assert_eq!(redeem(&mut tx, &code, ("mp", "z"), NOW).await, Err(Refused::Unknown));
    }

    #[tokio::test]
    async fn the_first_to_send_the_first_code_is_the_administrator_and_the_only_one() {
        let (_folder, db) = empty().await;
        let citizen = add_citizen(&db, "boss").await;
        let mut tx = db.write().await.unwrap();
        assert!(!has_admin(tx.conn()).await.unwrap());
        let code = issue_code(&mut tx, &keys(), CodeFor::FirstAdmin, NOW).await.unwrap();
        let done = redeem(&mut tx, &keys(), &code, ("mp", "boss"), NOW).await.unwrap();
        assert_eq!(done, Ok(Redeemed { person: citizen, merged: None, admin: true }));
        assert_eq!(redeem(&mut tx, &keys(), &code, ("mp", "late"), NOW).await.unwrap(), Err(Refused::Used));
        let late = issue_code(&mut tx, &keys(), CodeFor::FirstAdmin, NOW).await.unwrap();
        assert_eq!(redeem(&mut tx, &keys(), &late, ("mp", "late"), NOW).await.unwrap(), Err(Refused::Unknown));
        tx.commit().await.unwrap();
        let directory = directory(&db).await;
        assert!(directory.may_act_as(directory.grants(citizen), Role::Admin, super::super::Scope::area("131122")));
        let org = current(&mut db.read().await.unwrap(), &keys()).await.unwrap();
        assert_eq!(org::read_toml("copy.toml", &org.to_toml(), &Org::default()).unwrap(), org);
    }

    #[tokio::test]
    async fn a_stranger_can_be_the_first_administrator_too() {
        let (_folder, db) = wuyi().await;
        let ding = id(&db, "ding").await;
        let mut tx = db.write().await.unwrap();
        retire(&mut tx, ding, NOW).await.unwrap();
        let code = issue_code(&mut tx, &keys(), CodeFor::FirstAdmin, NOW).await.unwrap();
        let done = redeem(&mut tx, &keys(), &code, ("mp", "stranger"), NOW).await.unwrap().unwrap();
        assert!(done.admin && done.person != ding);
    }

    #[tokio::test]
    async fn a_chat_belongs_to_one_group() {
        let (_folder, db) = wuyi().await;
        let mut tx = db.write().await.unwrap();
        bind_chat(&mut tx, "g-centre", "ding", "cid1").await.unwrap();
        bind_chat(&mut tx, "g-centre", "ding", "cid1").await.unwrap();
        let says = |result: Result<()>| result.unwrap_err().to_string();
        assert_eq!(says(bind_chat(&mut tx, "g-swj", "ding", "cid1").await), "这个群已经绑定为“受理中心群”了。");
        assert_eq!(says(bind_chat(&mut tx, "g-none", "ding", "cid2").await), "没有编号为“g-none”的群。");
        tx.commit().await.unwrap();
        let chat = directory(&db).await.bound_group(&GroupOf::Centre).unwrap().chat.clone();
        assert_eq!(chat, Some(("ding".to_owned(), "cid1".to_owned())));
    }

    #[tokio::test]
    async fn slips_are_for_those_without_an_account() {
        let (_folder, db) = wuyi().await;
        let mut org = org::demonstration().unwrap();
        for person in &mut org.persons {
            if ["zhao", "ma", "he"].contains(&person.id.as_str()) {
                person.id.push('2');
                person.accounts.clear();
                person.phone = None;
            } else {
                person.grants.clear();
            }
        }
        org.persons.retain(|person| person.id.ends_with('2'));
        org.deputy_groups[0].members.push("ma2".into());
        import(&db, &org, false).await;
        let mut tx = db.write().await.unwrap();
        for (group, expected) in [
            (None, vec!["zhao2", "he2", "ma2"]),
            (Some("g-swj"), vec!["zhao2"]),
            (Some("g-sp"), vec!["ma2"]),
            (Some("dg-sp"), vec!["ma2"]),
            (Some("g-centre"), vec!["he2"]),
        ] {
            let slips = codes(&mut tx, &keys(), group, NOW).await.unwrap();
            let who: Vec<&str> = slips.iter().map(|slip| slip.reference.as_str()).collect();
            assert_eq!(who, expected, "{group:?}");
        }
        assert!(codes(&mut tx, &keys(), Some("g-none"), NOW).await.is_err());
    }
}
