//! One-time codes that bind an account to somebody in office, and the first administrator's.

use super::{
    Grant, GroupOf, Role, Staff,
    store::{Bound, add_citizens, give_account, grant, load, owner, raise_version},
    wording,
};
use crate::{
    clock::{DAY, HOUR},
    db::Tx,
    error::{Error, Result},
    message::Millis,
    seal::{Keys, random_digits},
    text,
};
use sqlx::{AnyConnection, Row};
use std::collections::HashSet;

/// Wrong codes that may be tried in an hour.
const TRIES: i64 = 5;

/// How long a binding code is good for.
pub(super) const CODE_LIFE: Millis = 7 * DAY;

/// Is there an administrator?
///
/// # Errors
/// Those of the database.
pub async fn has_admin(conn: &mut AnyConnection) -> Result<bool> {
    let sql = "SELECT id FROM role_grant WHERE role = 'admin' AND until_at IS NULL LIMIT 1";
    Ok(sqlx::query(sql).fetch_optional(conn).await?.is_some())
}

/// Whom a code binds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CodeFor {
    /// Somebody of the staff.
    Person(i64),
    /// Whoever sends it first becomes the administrator, while there is none.
    FirstAdmin,
}

/// Makes a code of 8 digits in two groups, `1234 5678`, good once and for seven days. Earlier codes for the same are void.
///
/// # Errors
/// Those of the database, or when the system gives no randomness.
pub async fn issue_code(tx: &mut Tx, keys: &Keys, whom: CodeFor, now: Millis) -> Result<String> {
    let person = match whom {
        CodeFor::Person(person) => {
            void_codes(tx, person).await?;
            Some(person)
        }
        CodeFor::FirstAdmin => {
            sqlx::query("DELETE FROM binding_code WHERE person_id IS NULL AND used_at IS NULL").execute(tx.conn()).await?;
            None
        }
    };
    let mut digits = random_digits(8)?;
    // Taken once in a hundred million for each code there is; then another one is tried.
    while sqlx::query("SELECT hash FROM binding_code WHERE hash = $1")
        .bind(code_hash(keys, &digits))
        .fetch_optional(tx.conn())
        .await?
        .is_some()
    {
        digits = random_digits(8)?;
    }
    let sql = "INSERT INTO binding_code (hash, person_id, expires_at) VALUES ($1, $2, $3)";
    sqlx::query(sql).bind(code_hash(keys, &digits)).bind(person).bind(now + CODE_LIFE).execute(tx.conn()).await?;
    let (first, second) = digits.split_at(4);
    Ok(format!("{first} {second}"))
}

/// The code for the first administrator: the one that was issued within the hour, so that programs starting together say the
/// same, else a fresh one.
///
/// # Errors
/// As [`issue_code`].
pub async fn first_code(tx: &mut Tx, keys: &Keys, now: Millis) -> Result<String> {
    const PLACE: &str = "setting.value.first_code";
    let sealed: Option<String> =
        sqlx::query_scalar("SELECT value FROM setting WHERE name = 'first_code'").fetch_optional(tx.conn()).await?;
    // One that was sealed under another key is of no use to anybody.
    if let Some(code) = sealed.and_then(|sealed| keys.open(PLACE, &sealed).ok()) {
        let digits: String = code.chars().filter(char::is_ascii_digit).collect();
        let good = "SELECT hash FROM binding_code WHERE hash = $1 AND person_id IS NULL AND used_at IS NULL AND expires_at > $2";
        let good =
            sqlx::query(good).bind(code_hash(keys, &digits)).bind(now + CODE_LIFE - HOUR).fetch_optional(tx.conn()).await?;
        if good.is_some() {
            return Ok(code);
        }
    }
    let code = issue_code(tx, keys, CodeFor::FirstAdmin, now).await?;
    sqlx::query(
        "INSERT INTO setting (name, value) VALUES ('first_code', $1) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
    )
    .bind(keys.seal(PLACE, &code)?)
    .execute(tx.conn())
    .await?;
    Ok(code)
}

fn code_hash(keys: &Keys, digits: &str) -> String {
    keys.hash("binding_code", digits)
}

/// Makes the unused codes of a person void.
pub(super) async fn void_codes(tx: &mut Tx, person: i64) -> Result<()> {
    let sql = "DELETE FROM binding_code WHERE person_id = $1 AND used_at IS NULL";
    sqlx::query(sql).bind(person).execute(tx.conn()).await?;
    Ok(())
}

/// What a code did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Redeemed {
    /// Whose account it now is.
    pub person: i64,
    /// The citizen who had it: what is his in other tables has to be given to `person`.
    pub merged: Option<i64>,
    /// It made the first administrator.
    pub admin: bool,
}

/// Why a code did nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refused {
    /// There is no such code (any more).
    Unknown,
    /// It was used before.
    Used,
    /// Its seven days are over.
    Expired,
    /// The account belongs to somebody else in office; the code stays good.
    Taken,
}

/// Uses a code from an account. Wrong tries have to be limited by the caller.
///
/// # Errors
/// Those of the database.
pub async fn redeem(
    tx: &mut Tx,
    keys: &Keys,
    code: &str,
    (channel, account): (&str, &str),
    now: Millis,
) -> Result<Result<Redeemed, Refused>> {
    let digits: String = code.chars().map(text::narrow).filter(char::is_ascii_digit).collect();
    let sql = "SELECT person_id, expires_at, used_at FROM binding_code WHERE hash = $1";
    let hash = code_hash(keys, &digits);
    let Some(row) = sqlx::query(sql).bind(hash.clone()).fetch_optional(tx.conn()).await? else {
        return Ok(Err(Refused::Unknown));
    };
    if row.try_get::<Option<i64>, _>(2)?.is_some() {
        return Ok(Err(Refused::Used));
    }
    if row.try_get::<i64, _>(1)? <= now {
        return Ok(Err(Refused::Expired));
    }
    let whom: Option<i64> = row.try_get(0)?;
    let owner = owner(tx.conn(), keys, channel, account).await?;
    if let (Some(person), Some(owner)) = (whom, &owner)
        && owner.in_office
        && owner.person != person
    {
        return Ok(Err(Refused::Taken));
    }
    if whom.is_none() && has_admin(tx.conn()).await? {
        return Ok(Err(Refused::Unknown));
    }
    // The guard makes one of two who send the code at once the first.
    let sql = "UPDATE binding_code SET used_at = $1 WHERE hash = $2 AND used_at IS NULL";
    if sqlx::query(sql).bind(now).bind(hash).execute(tx.conn()).await?.rows_affected() == 0 {
        return Ok(Err(Refused::Used));
    }
    if let Some(person) = whom {
        let bound = give_account(tx, keys, person, channel, account, now).await?;
        let merged = if let Bound::Merged(citizen) = bound { Some(citizen) } else { None };
        return Ok(Ok(Redeemed { person, merged, admin: false }));
    }
    let person = match owner {
        Some(owner) => owner.person,
        None => {
            let people = add_citizens(tx, keys, &[(channel.to_owned(), account.to_owned())], now).await?;
            people.first().copied().ok_or_else(|| Error::fault("an account was not written"))?
        }
    };
    make_admin(tx, person, now).await?;
    Ok(Ok(Redeemed { person, merged: None, admin: true }))
}

/// Gives the right of an administrator everywhere; a citizen becomes staff under the reference `admin`.
async fn make_admin(tx: &mut Tx, person: i64, now: Millis) -> Result<()> {
    let taken = sqlx::query("SELECT id FROM person WHERE reference = 'admin'").fetch_optional(tx.conn()).await?.is_some();
    let reference = if taken { format!("admin-{person}") } else { "admin".to_owned() };
    let sql = "UPDATE person SET reference = COALESCE(reference, $1), name = COALESCE(name, '管理员'), citizen = 0, retired = 0 \
               WHERE id = $2";
    sqlx::query(sql).bind(reference).bind(person).execute(tx.conn()).await?;
    grant(tx, person, &[Grant { role: Role::Admin, area: String::new(), unit: None, field: None }], now).await?;
    raise_version(tx).await
}

/// A slip of paper with a binding code.
#[derive(Clone, PartialEq, Eq)]
pub struct Slip {
    /// The name.
    pub name: String,
    /// The id in files.
    pub reference: String,
    /// The code, `1234 5678`.
    pub code: String,
}

/// Fresh codes for everybody in office who has no account yet: all, or those of a chat group's unit, of a deputy group, or
/// of the centre (its intake, dispatchers and call-back clerks).
///
/// # Errors
/// A sentence when there is no such group; those of the database.
pub async fn codes(tx: &mut Tx, keys: &Keys, group: Option<&str>, now: Millis) -> Result<Vec<Slip>> {
    let directory = load(tx.conn(), now).await?;
    let of = match group {
        None => None,
        Some(id) => {
            let chat = directory.chat_groups().iter().find(|group| group.id == id).map(|group| group.of.clone());
            let deputies =
                || directory.deputy_groups().iter().find(|group| group.id == id).map(|group| GroupOf::Deputies(group.id.clone()));
            Some(chat.or_else(deputies).ok_or_else(|| Error::user(wording::no_group_or_deputies(id)))?)
        }
    };
    let belongs = |person: &Staff| match &of {
        None => true,
        Some(GroupOf::Unit(unit)) => person.grants.iter().any(|grant| grant.unit.as_ref() == Some(unit)),
        Some(GroupOf::Deputies(id)) => directory.deputy_groups_of(&person.reference).any(|group| group.id == *id),
        Some(GroupOf::Centre) => {
            let centre = [Role::Intake, Role::Dispatcher, Role::CallbackClerk];
            person.grants.iter().any(|grant| centre.contains(&grant.role))
        }
    };
    let rows = sqlx::query("SELECT DISTINCT person_id FROM account JOIN person ON person.id = person_id WHERE citizen = 0")
        .fetch_all(tx.conn())
        .await?;
    let bound = rows.iter().map(|row| Ok(row.try_get(0)?)).collect::<Result<HashSet<i64>>>()?;
    let mut slips = Vec::new();
    for person in directory.all_staff().filter(|person| !bound.contains(&person.id) && belongs(person)) {
        let code = issue_code(tx, keys, CodeFor::Person(person.id), now).await?;
        slips.push(Slip { name: person.name.clone(), reference: person.reference.clone(), code });
    }
    Ok(slips)
}
/// Did somebody try too many wrong codes in the last hour, of whatever kind they are?
///
/// # Errors
/// Those of the database.
pub async fn guessed_too_often(tx: &mut Tx, holder: &str, now: Millis) -> Result<bool> {
    let wrong: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM code_guess WHERE holder = $1 AND at > $2")
        .bind(holder.to_owned())
        .bind(now - HOUR)
        .fetch_one(tx.conn())
        .await?;
    Ok(wrong >= TRIES)
}

/// Remembers a wrong code.
///
/// # Errors
/// Those of the database.
pub async fn guessed_wrong(tx: &mut Tx, holder: &str, now: Millis) -> Result<()> {
    sqlx::query("INSERT INTO code_guess (holder, at) VALUES ($1, $2)")
        .bind(holder.to_owned())
        .bind(now)
        .execute(tx.conn())
        .await?;
    Ok(())
}
