//! The framework's statements: seen-marks, conversations, offers, windows.

use super::turn::{Memory, OPTIONAL, Offer};
use crate::{
    clock::DAY,
    db::{Kind, Tx, holders, in_list, insert, padded, rows},
    error::Result,
    message::{Address, Media, Millis, Update},
    outbox::{Target, courier::via_place},
    seal::Keys,
};
use sqlx::{AssertSqlSafe, Row, any::AnyRow};
use std::collections::HashMap;

/// A conversation as loaded and locked for a batch.
#[derive(Debug)]
pub struct Conversation {
    /// Its id.
    pub id: i64,
    /// The keyed hash that finds it.
    pub hash: String,
    /// What it remembers.
    pub memory: Memory,
    /// Rises with every change.
    pub version: i64,
    /// Something of it is to be written.
    pub changed: bool,
    /// It did not exist before this message.
    pub new: bool,
}

/// The keyed hash of channel + chat + sender.
pub fn conversation_hash(keys: &Keys, from: &Address) -> String {
    keys.hash("conversation", &format!("{}|{}|{}", from.channel, from.group.as_deref().unwrap_or_default(), from.account))
}

/// The keyed hash by which a message is known when it comes again.
pub fn message_hash(keys: &Keys, update: &Update) -> String {
    keys.hash("turn", &update.key)
}

/// The turn of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mark {
    /// Names the turn in all that it leaves. Keys count up: what is found by them stands together, where hashes would lie scattered
    /// over their whole index.
    pub turn_key: String,
    /// It is to have it now; else it had it before.
    pub fresh: bool,
}

/// Marks messages, by their hashes, as seen and says which turn each has. `messages` is sorted and without repeats. Where another
/// process marks one of them at this moment, it is waited for.
///
/// # Errors
/// Those of the database; among them that another process holds a message for too long.
pub async fn mark_seen(tx: &mut Tx, messages: &[String], now: Millis) -> Result<HashMap<String, Mark>> {
    let mut marks = HashMap::with_capacity(messages.len());
    let mut open: Vec<&String> = messages.iter().collect();
    while !open.is_empty() {
        let (new, written) = write_marks(tx, &open, now).await?;
        // Hardly one was seen before.
        if written == open.len() as u64 {
            marks.extend(new.into_iter().map(|(message, turn_key)| (message, Mark { turn_key, fresh: true })));
            break;
        }
        for (sql, values) in in_list(tx.kind(), "SELECT message, turn_key FROM seen WHERE message IN", "", &open) {
            let mut query = sqlx::query(AssertSqlSafe(sql));
            for value in values {
                query = query.bind(value.as_str());
            }
            for row in query.fetch_all(tx.conn()).await? {
                let (message, turn_key): (String, String) = (row.try_get(0)?, row.try_get(1)?);
                let fresh = new.get(&message) == Some(&turn_key);
                marks.insert(message, Mark { turn_key, fresh });
            }
        }
        // An old mark that stood in the way of ours may have been forgotten since.
        open.retain(|message| !marks.contains_key(*message));
    }
    Ok(marks)
}

/// Writes marks with new keys, which are returned, where there are none. Says too how many were written.
async fn write_marks(tx: &mut Tx, messages: &[&String], now: Millis) -> Result<(HashMap<String, String>, u64)> {
    let mut new = Vec::with_capacity(messages.len());
    for &message in messages {
        new.push((message, tx.id()?.to_string()));
    }
    let mut written = 0;
    for chunk in new.chunks(64) {
        let Some(keys) = padded(chunk) else { continue };
        let sql = format!(
            "INSERT INTO seen (message, turn_key, at) VALUES {} ON CONFLICT (message) DO NOTHING",
            rows(tx.kind(), keys.len(), 3)
        );
        let mut query = sqlx::query(AssertSqlSafe(sql));
        for (message, turn_key) in keys {
            query = query.bind(message.as_str()).bind(turn_key.as_str()).bind(now);
        }
        written += query.execute(tx.conn()).await?.rows_affected();
    }
    Ok((new.into_iter().map(|(message, turn_key)| (message.clone(), turn_key)).collect(), written))
}

/// Loads and locks the conversations of these senders, making those that are missing. `wanted` is sorted and without repeats.
///
/// # Errors
/// Those of the database; a fault when an address does not open.
pub async fn conversations(
    tx: &mut Tx,
    keys: &Keys,
    wanted: &[(String, Address)],
    now: Millis,
) -> Result<HashMap<String, Conversation>> {
    let hashes: Vec<String> = wanted.iter().map(|(hash, _)| hash.clone()).collect();
    let mut found = load(tx, keys, &hashes).await?;
    let missing: Vec<&(String, Address)> = wanted.iter().filter(|(hash, _)| !found.contains_key(hash)).collect();
    if missing.is_empty() {
        return Ok(found);
    }
    let mut new = Vec::new();
    for (hash, address) in missing {
        let sealed = keys.seal(&address_place(hash), &serde_json::to_string(address)?)?;
        new.push((tx.id()?, hash.clone(), address.channel.clone(), sealed));
    }
    insert(
        tx,
        "INSERT INTO conversation (id, hash, channel, address, state, asked_at, reminded, version)",
        8,
        "ON CONFLICT (hash) DO NOTHING",
        &new,
        |query, (id, hash, channel, sealed)| {
            query
                .bind(*id)
                .bind(hash.as_str())
                .bind(channel.as_str())
                .bind(sealed.as_str())
                .bind("{}")
                .bind(now)
                .bind(0_i32)
                .bind(0_i64)
        },
    )
    .await?;
    let hashes: Vec<String> = new.into_iter().map(|(_, hash, _, _)| hash).collect();
    for (hash, mut conversation) in load(tx, keys, &hashes).await? {
        conversation.new = true;
        found.insert(hash, conversation);
    }
    Ok(found)
}

/// What a conversation remembers, out of its row. Answers hold what people tell, their telephones, tickets they reported.
pub(super) fn remembered(keys: &Keys, id: i64, state: &str) -> Memory {
    // What does not open or cannot be read is forgotten rather than a reason never to answer this person again.
    keys.open(&state_place(id), state).ok().and_then(|plain| serde_json::from_str(&plain).ok()).unwrap_or_default()
}

/// What a conversation remembers, as it lies in its row.
pub(super) fn kept(keys: &Keys, id: i64, memory: &Memory) -> Result<String> {
    keys.seal(&state_place(id), &serde_json::to_string(memory)?)
}

fn state_place(id: i64) -> String {
    format!("conversation.state.{id}")
}

async fn load(tx: &mut Tx, keys: &Keys, hashes: &[String]) -> Result<HashMap<String, Conversation>> {
    let lock = match tx.kind() {
        Kind::Sqlite => "ORDER BY id",
        Kind::Postgres => "ORDER BY id FOR UPDATE",
    };
    let mut found = HashMap::new();
    for (sql, values) in in_list(tx.kind(), "SELECT id, hash, state, version FROM conversation WHERE hash IN", lock, hashes) {
        let mut query = sqlx::query(AssertSqlSafe(sql));
        for value in values {
            query = query.bind(value.to_owned());
        }
        for row in query.fetch_all(tx.conn()).await? {
            let hash: String = row.try_get(1)?;
            let memory = remembered(keys, row.try_get(0)?, row.try_get(2)?);
            let conversation = Conversation {
                id: row.try_get(0)?,
                hash: hash.clone(),
                memory,
                version: row.try_get(3)?,
                changed: false,
                new: false,
            };
            found.insert(hash, conversation);
        }
    }
    Ok(found)
}

/// Writes what conversations remember.
///
/// # Errors
/// Those of the database.
pub async fn save(tx: &mut Tx, keys: &Keys, conversations: &[&Conversation], now: Millis) -> Result<()> {
    let mut values = Vec::new();
    for conversation in conversations {
        let dialog = conversation.memory.dialog.as_ref().map(|dialog| dialog.dialog.clone());
        values.push((conversation.id, kept(keys, conversation.id, &conversation.memory)?, dialog, conversation.version + 1));
    }
    // The rows exist, so only the conflict's side counts; hash, channel and address are there to satisfy the table.
    insert(
        tx,
        "INSERT INTO conversation (id, hash, channel, address, state, asked_at, reminded, dialog, version)",
        9,
        "ON CONFLICT (id) DO UPDATE SET state = excluded.state, asked_at = excluded.asked_at, reminded = 0,
         dialog = excluded.dialog, version = excluded.version",
        &values,
        |query, (id, state, dialog, version)| {
            query
                .bind(*id)
                .bind(id.to_string())
                .bind("")
                .bind("")
                .bind(state.as_str())
                .bind(now)
                .bind(0_i32)
                .bind(dialog.as_deref())
                .bind(*version)
        },
    )
    .await
}

/// The address of a conversation.
///
/// # Errors
/// Those of the database; a fault when it does not open.
pub async fn address(tx: &mut Tx, keys: &Keys, id: i64) -> Result<Option<Address>> {
    let row = sqlx::query("SELECT hash, address FROM conversation WHERE id = $1").bind(id).fetch_optional(tx.conn()).await?;
    let Some(row) = row else { return Ok(None) };
    let (hash, sealed): (String, String) = (row.try_get(0)?, row.try_get(1)?);
    Ok(Some(serde_json::from_str(&keys.open(&address_place(&hash), &sealed)?)?))
}

fn address_place(hash: &str) -> String {
    format!("conversation.address.{hash}")
}

/// An update, the hash of its chat's window, and what it opens there: how many messages, for how long.
pub type Heard<'u> = (&'u Update, String, Option<(u32, Millis)>);

/// What a message leaves of a chat's window: until when, how many messages, the sealed session address and its end.
type Window = (Millis, i64, Option<String>, Millis);

/// A window that ends this share of its length earlier than it could is not written anew for every message of a dialog.
const WORTH_WRITING: Millis = 288;

/// Opens the windows that these messages open: how long and how often their chats may be written to. Returns those that were shut,
/// used or shorter before; the others are as good as new already.
///
/// # Errors
/// Those of the database.
pub async fn open_windows(tx: &mut Tx, keys: &Keys, updates: &[Heard<'_>], now: Millis) -> Result<Vec<String>> {
    let mut windows: HashMap<&str, Window> = HashMap::new();
    for (update, hash, window) in updates {
        let (until, left) = window.map_or((0, 0), |(count, lasts)| (now + lasts, i64::from(count)));
        let via = match &update.via {
            Some(via) => Some(keys.seal(&via_place(hash), &via.url)?),
            None => None,
        };
        if until == 0 && via.is_none() {
            continue;
        }
        let entry = windows.entry(hash).or_default();
        if until >= entry.0 {
            (entry.0, entry.1) = (until, left);
        }
        if via.is_some() {
            entry.3 = update.via.as_ref().map_or(0, |via| via.until);
            entry.2 = via;
        }
    }
    let hashes: Vec<String> =
        windows.iter().filter(|(_, (_, _, via, _))| via.is_none()).map(|(hash, _)| (*hash).to_owned()).collect();
    for (sql, values) in in_list(tx.kind(), "SELECT hash, until, left_over FROM send_window WHERE hash IN", "", &hashes) {
        let mut query = sqlx::query(AssertSqlSafe(sql));
        for value in values {
            query = query.bind(value.to_owned());
        }
        for row in query.fetch_all(tx.conn()).await? {
            let (hash, until, left): (String, Millis, i64) = (row.try_get(0)?, row.try_get(1)?, row.try_get(2)?);
            let good = |new: &Window| left >= new.1 && until >= new.0 - (new.0 - now) / WORTH_WRITING;
            if windows.get(hash.as_str()).is_some_and(good) {
                windows.remove(hash.as_str());
            }
        }
    }
    let mut values: Vec<_> = windows.into_iter().collect();
    values.sort();
    insert(
        tx,
        "INSERT INTO send_window (hash, until, left_over, via, via_until)",
        5,
        "ON CONFLICT (hash) DO UPDATE SET
         left_over = CASE WHEN excluded.until > send_window.until THEN excluded.left_over ELSE send_window.left_over END,
         until = CASE WHEN excluded.until > send_window.until THEN excluded.until ELSE send_window.until END,
         via = COALESCE(excluded.via, send_window.via),
         via_until = CASE WHEN excluded.via IS NULL THEN send_window.via_until ELSE excluded.via_until END",
        &values,
        |query, (hash, (until, left, via, via_until))| {
            query.bind(*hash).bind(*until).bind(*left).bind(via.as_deref()).bind(*via_until)
        },
    )
    .await?;
    Ok(values.into_iter().map(|(hash, _)| hash.to_owned()).collect())
}

/// Shuts the window of an address whose owner left: nothing is sent there until the next message.
///
/// # Errors
/// Those of the database.
pub async fn close_window(tx: &mut Tx, keys: &Keys, from: &Address) -> Result<()> {
    let hash = crate::outbox::courier::window_hash(keys, from);
    sqlx::query("UPDATE send_window SET until = 0, left_over = 0, via = NULL, via_until = 0 WHERE hash = $1")
        .bind(hash)
        .execute(tx.conn())
        .await?;
    Ok(())
}

/// An offer that waits for its answer.
#[derive(Debug, Clone)]
pub struct Waiting {
    /// Its id, also the instance of its dialog.
    pub id: i64,
    /// The dialog that takes the answer.
    pub dialog: String,
    /// Answers that are given already.
    pub preset: super::dialog::Answers,
    /// Nothing depends on the answer, so nobody is asked a second time.
    pub optional: bool,
}

/// Writes offers.
///
/// # Errors
/// Those of the database.
pub async fn write_offers(tx: &mut Tx, offers: &[(i64, Offer)], now: Millis) -> Result<()> {
    let mut values = Vec::new();
    for (id, offer) in offers {
        values.push((*id, offer, serde_json::to_string(&offer.preset)?));
    }
    insert(
        tx,
        "INSERT INTO offer (id, target, dialog, preset, ticket_id, priority, state, at, expires_at)",
        9,
        "",
        &values,
        |query, (id, offer, preset)| {
            query
                .bind(*id)
                .bind(offer.target.to_string())
                .bind(offer.dialog)
                .bind(preset.as_str())
                .bind(offer.ticket)
                .bind(offer.priority())
                .bind("waiting")
                .bind(now)
                .bind(offer.expires_at)
        },
    )
    .await
}

/// The offers that wait for one of these targets, at most thirty a query: urgent first, then what must be answered, then the oldest.
///
/// # Errors
/// Those of the database.
pub async fn waiting_offers(tx: &mut Tx, targets: &[Target], now: Millis) -> Result<Vec<Waiting>> {
    let names: Vec<String> = targets.iter().map(Target::to_string).collect();
    let tail = "AND state IN ('waiting', 'open') AND expires_at > ? ORDER BY priority, id LIMIT 30";
    let mut found: Vec<(i32, Waiting)> = Vec::new();
    for (sql, values) in in_list(tx.kind(), "SELECT id, dialog, preset, priority FROM offer WHERE target IN", tail, &names) {
        let mut query = sqlx::query(AssertSqlSafe(sql));
        for value in values {
            query = query.bind(value.to_owned());
        }
        for row in query.bind(now).fetch_all(tx.conn()).await? {
            found.push((row.try_get(3)?, waiting(&row)?));
        }
    }
    // Of the optional ones the latest is what people have before their eyes.
    found.sort_by_key(|(priority, waiting)| (*priority, if waiting.optional { -waiting.id } else { waiting.id }));
    Ok(found.into_iter().map(|(_, waiting)| waiting).collect())
}

/// One offer, if it still waits for one of these targets.
///
/// # Errors
/// Those of the database.
pub async fn offer(tx: &mut Tx, targets: &[Target], id: i64, now: Millis) -> Result<Option<Waiting>> {
    let row = sqlx::query(
        "SELECT id, dialog, preset, priority, target FROM offer WHERE id = $1 AND state IN ('waiting', 'open') AND expires_at > $2",
    )
    .bind(id)
    .bind(now)
    .fetch_optional(tx.conn())
    .await?;
    let Some(row) = row else { return Ok(None) };
    let target: String = row.try_get(4)?;
    if !targets.iter().any(|ours| ours.to_string() == target) {
        return Ok(None);
    }
    waiting(&row).map(Some)
}

/// Id, dialog, preset and priority of a row.
fn waiting(row: &AnyRow) -> Result<Waiting> {
    Ok(Waiting {
        id: row.try_get(0)?,
        dialog: row.try_get(1)?,
        preset: serde_json::from_str(row.try_get(2)?)?,
        optional: row.try_get::<i32, _>(3)? == OPTIONAL,
    })
}

/// Sets the state of an offer.
///
/// # Errors
/// Those of the database.
pub async fn set_offer(tx: &mut Tx, id: i64, state: &'static str) -> Result<()> {
    sqlx::query("UPDATE offer SET state = $1 WHERE id = $2").bind(state).bind(id).execute(tx.conn()).await?;
    Ok(())
}

/// Withdraws what is still being asked about a ticket, in one dialog or in all.
///
/// # Errors
/// Those of the database.
pub async fn close_offers(tx: &mut Tx, ticket: i64, dialogs: &[&str]) -> Result<()> {
    let only = if dialogs.is_empty() { String::new() } else { format!(" AND dialog IN ({})", holders(tx.kind(), dialogs.len())) };
    // The ticket's id is a number of ours, so that the two kinds of placeholders need not be mixed.
    let sql = format!("UPDATE offer SET state = 'gone' WHERE ticket_id = {ticket} AND state IN ('waiting', 'open'){only}");
    let mut query = sqlx::query(AssertSqlSafe(sql));
    for dialog in dialogs {
        query = query.bind((*dialog).to_owned());
    }
    query.execute(tx.conn()).await?;
    Ok(())
}

/// Withdraws what is still being asked of anybody but whoever reported the ticket.
///
/// # Errors
/// Those of the database.
pub async fn close_staff_offers(tx: &mut Tx, ticket: i64) -> Result<()> {
    sqlx::query(
        "UPDATE offer SET state = 'gone' WHERE ticket_id = $1 AND state IN ('waiting', 'open') AND target NOT LIKE 'r:%'",
    )
    .bind(ticket)
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Closes the questions of a dialog about a ticket to this one.
///
/// # Errors
/// Those of the database.
pub async fn close_offers_to(tx: &mut Tx, ticket: i64, dialog: &str, target: &Target) -> Result<()> {
    sqlx::query(
        "UPDATE offer SET state = 'gone' WHERE ticket_id = $1 AND dialog = $2 AND target = $3 AND state IN ('waiting', 'open')",
    )
    .bind(ticket)
    .bind(dialog.to_owned())
    .bind(target.to_string())
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Writes down the files of a message, to be fetched after its turn. This happens before anything is done with the message, so
/// that whatever is done can give the files to a ticket.
///
/// # Errors
/// Those of the database.
pub async fn write_fetches(tx: &mut Tx, turn_key: &str, channel: &str, files: &[(i64, &Media)], now: Millis) -> Result<()> {
    insert(
        tx,
        "INSERT INTO media (id, turn_key, kind, channel, reference, at, state, fetch_by, tries, due_at)",
        10,
        "",
        files,
        |query, (id, file)| {
            query
                .bind(*id)
                .bind(turn_key.to_owned())
                .bind(match file.kind {
                    crate::message::MediaKind::Photo => "photo",
                    crate::message::MediaKind::Voice => "voice",
                    crate::message::MediaKind::Video => "video",
                })
                .bind(channel.to_owned())
                .bind(file.reference.clone())
                .bind(now)
                .bind("fetching")
                .bind(now + 3 * DAY)
                .bind(0_i32)
                .bind(now)
        },
    )
    .await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::{Db, testing::places};
    use std::time::Duration;

    async fn marks(tx: &mut Tx, messages: &[&str]) -> HashMap<String, Mark> {
        let messages: Vec<String> = messages.iter().map(|&message| message.to_owned()).collect();
        mark_seen(tx, &messages, 1).await.unwrap()
    }

    /// Waits until a statement waits for another transaction; SQLite waits before its transaction begins.
    async fn somebody_waits(db: &Db) {
        if db.kind() == Kind::Sqlite {
            tokio::time::sleep(Duration::from_millis(100)).await;
            return;
        }
        let waits = "SELECT COUNT(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
        let mut conn = db.read().await.unwrap();
        while sqlx::query_scalar::<_, i64>(waits).fetch_one(&mut *conn).await.unwrap() == 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    #[tokio::test]
    async fn of_two_processes_that_get_a_message_at_once_the_second_waits_and_finds_the_turn_of_the_first() {
        for place in places().await {
            let (one, other) = (place.open().await, place.open().await);
            for kept in [true, false] {
                let [mine, shared, theirs] = ["mine", "shared", "theirs"].map(|name| format!("{name}-{kept}"));
                let mut first = one.write().await.unwrap();
                let ours = marks(&mut first, &[&mine, &shared]).await;
                let second = tokio::spawn({
                    let (other, shared, theirs) = (other.clone(), shared.clone(), theirs.clone());
                    async move {
                        let mut second = other.write().await.unwrap();
                        let marks = marks(&mut second, &[&shared, &theirs]).await;
                        second.commit().await.unwrap();
                        marks
                    }
                });
                somebody_waits(&one).await;
                assert!(!second.is_finished());
                if kept {
                    first.commit().await.unwrap();
                } else {
                    first.rollback().await;
                }
                let second = second.await.unwrap();
                assert!(ours[&mine].fresh && ours[&shared].fresh && second[&theirs].fresh);
                assert_eq!(second[&shared].fresh, !kept);
                assert_eq!(second[&shared].turn_key == ours[&shared].turn_key, kept);
            }
        }
    }

    #[tokio::test]
    async fn of_many_messages_just_those_that_were_seen_are_not_fresh() {
        for place in places().await {
            let db = place.open().await;
            let names: Vec<String> = (100..267).map(|number| number.to_string()).collect();
            // Statements have 1, 2, 4 … 64 rows, the rest of which repeats the last message.
            for (seen, all) in [(0, 1), (1, 3), (2, 64), (60, 67), (67, 67), (66, 167)] {
                let mut tx = db.write().await.unwrap();
                let before = mark_seen(&mut tx, &names[..seen], 1).await.unwrap();
                let marks = mark_seen(&mut tx, &names[..all], 2).await.unwrap();
                assert_eq!(marks.len(), all);
                for (number, name) in names[..all].iter().enumerate() {
                    assert_eq!(marks[name].fresh, number >= seen, "{name} of {seen}, {all}");
                    assert!(before.get(name).is_none_or(|mark| mark.turn_key == marks[name].turn_key));
                }
                tx.rollback().await;
            }
        }
    }
}
