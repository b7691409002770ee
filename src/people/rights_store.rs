//! The statements of an administrator's commands. Every change of rights ends in [`changed`].

use super::{Actor, Grant, Role, store};
use crate::{
    audit,
    bot::Turn,
    db::{Tx, insert},
    error::{Error, Result},
    message::Millis,
    seal::Keys,
};
use sqlx::Row;

/// A change of rights comes into force: every service loads a new picture, and the audit trail keeps it. `detail` holds ids, no names.
///
/// # Errors
/// Those of the database.
pub(super) async fn changed(turn: &mut Turn<'_, Actor>, what: &'static str, detail: &str) -> Result<()> {
    let keys = turn.actor.office.keys.clone();
    audit::record(turn.tx, &keys, what, Some(turn.actor.person), detail, turn.key, turn.now).await?;
    store::raise_version(turn.tx).await
}

/// Somebody new in office, known by a phone number; gives the id.
///
/// # Errors
/// Those of the database.
pub(super) async fn add(tx: &mut Tx, keys: &Keys, name: &str, phone: &str, now: Millis) -> Result<i64> {
    let id = tx.id()?;
    let sealed = keys.seal(&store::phone_place(id), phone)?;
    let sql = "INSERT INTO person (id, reference, name, phone_hash, phone_sealed, citizen, retired, at) VALUES ($1, $2, $3, $4, $5, 0, 0, $6)";
    let query = sqlx::query(sql).bind(id).bind(format!("p{id}")).bind(name.to_owned());
    query.bind(store::phone_hash(keys, phone)).bind(sealed).bind(now).execute(tx.conn()).await?;
    Ok(id)
}

/// Ends a person's rights as a unit's liaison.
///
/// # Errors
/// Those of the database.
pub(super) async fn end_liaison(tx: &mut Tx, person: i64, unit: &str, now: Millis) -> Result<()> {
    let sql = "UPDATE role_grant SET until_at = $1 WHERE person_id = $2 AND role = 'liaison' AND unit = $3 \
               AND (until_at IS NULL OR until_at > $1)";
    sqlx::query(sql).bind(now).bind(person).bind(unit.to_owned()).execute(tx.conn()).await?;
    Ok(())
}

/// Gives rights for a time; the same rights given for another time before end now.
///
/// # Errors
/// Those of the database.
pub(super) async fn lend(tx: &mut Tx, person: i64, grants: &[Grant], now: Millis, until: Millis) -> Result<()> {
    for grant in grants {
        let sql = "UPDATE role_grant SET until_at = $1 WHERE person_id = $2 AND role = $3 AND area = $4 AND until_at > $1 \
                   AND COALESCE(unit, '') = $5 AND COALESCE(field, '') = $6";
        let query = sqlx::query(sql).bind(now).bind(person).bind(grant.role.as_str()).bind(grant.area.clone());
        let query = query.bind(grant.unit.clone().unwrap_or_default()).bind(grant.field.clone().unwrap_or_default());
        query.execute(tx.conn()).await?;
    }
    let rows = grants.iter().map(|grant| Ok((tx.id()?, grant))).collect::<Result<Vec<_>>>()?;
    let head = "INSERT INTO role_grant (id, person_id, role, area, unit, field, from_at, until_at)";
    insert(tx, head, 8, "", &rows, |query, (id, grant)| {
        let query = query.bind(*id).bind(person).bind(grant.role.as_str()).bind(grant.area.clone());
        query.bind(grant.unit.clone()).bind(grant.field.clone()).bind(now).bind(until)
    })
    .await
}

/// The rights that are given for a time: person, right, until when.
///
/// # Errors
/// Those of the database.
pub(super) async fn lent(tx: &mut Tx, now: Millis) -> Result<Vec<(i64, Grant, Millis)>> {
    let sql = "SELECT person_id, role, area, unit, field, until_at FROM role_grant WHERE until_at > $1 ORDER BY until_at, id";
    let rows = sqlx::query(sql).bind(now).fetch_all(tx.conn()).await?;
    rows.iter()
        .map(|row| {
            let role = Role::parse(&row.try_get::<String, _>(1)?).ok_or_else(|| Error::fault("role_grant.role is no role"))?;
            let grant = Grant { role, area: row.try_get(2)?, unit: row.try_get(3)?, field: row.try_get(4)? };
            Ok((row.try_get(0)?, grant, row.try_get(5)?))
        })
        .collect()
}

/// How many accounts a person has.
///
/// # Errors
/// Those of the database.
pub(super) async fn accounts(tx: &mut Tx, person: i64) -> Result<i64> {
    let row = sqlx::query("SELECT COUNT(*) FROM account WHERE person_id = $1").bind(person).fetch_one(tx.conn()).await?;
    Ok(row.try_get(0)?)
}
