//! The way of a row: to whom a role leads, what goes as one, by which address and how it leaves.

use super::{
    BATCH_EVERY, Class, Target, after_quiet,
    courier::{Courier, Found, Parcel, Post, Prepared, via_place, window_hash},
    queue::{line_up, set_state, set_states},
    store::{COLUMNS, Waiting, sealed},
};
use crate::{
    channels::Way,
    clock::MINUTE,
    db::{Kind, Tx, insert},
    error::Result,
    message::{Address, Millis, Reply, Via},
    seal::Keys,
};
use sqlx::{AssertSqlSafe, Row};
use std::collections::HashMap;

/// A session address is left alone this long before its end.
const SESSION_MARGIN: Millis = 5 * MINUTE;

/// What the choice of a way came to.
enum Choice {
    Go(Address, Way, String),
    Keep(String),
    /// Its turn in this channel's queue will come, or not before a moment.
    Wait(String, Option<Millis>),
    /// Something is under way to this chat.
    Behind,
    Nobody,
}

/// Copies for holders of roles in one transaction, beyond those of the last role: each takes an id.
const COPIES_AT_ONCE: usize = 512;
/// Messages that a list takes in, room or not; the rest waits for the next.
const MOST_IN_A_LIST: usize = 256;
/// Bytes kept free for the head of a list.
const HEAD: usize = 64;

/// How much may be taken into one message, and from which end.
struct Fit {
    room: usize,
    newest: bool,
}

/// The bytes a message takes in a list, for whoever reads more of it, with the blank line behind it.
fn length(reply: &Reply) -> usize {
    reply.as_text().len().max(reply.private.as_ref().map_or(0, String::len)) + 2
}

impl<P: Post> Courier<P> {
    /// Puts the holders of each role, or their group, in place of the role; what would be too many copies for one transaction is left
    /// for the next. A copy for a list waits for the lane's next one from the start: looking at it before would take the longer the
    /// more wait there.
    pub(super) async fn expand(&self, tx: &mut Tx, rows: &[Waiting], now: Millis) -> Result<()> {
        let (mut copies, mut given, mut lists) = (Vec::new(), Vec::new(), HashMap::new());
        for row in rows {
            if copies.len() >= COPIES_AT_ONCE {
                break;
            }
            let Found::Targets(targets) = self.post.find(tx, &row.target, row.except).await? else {
                tracing::warn!(row = row.id, "outbox row {} is for a role that nobody holds", row.id);
                set_state(tx, row.id, "undeliverable", "nobody holds the role").await?;
                continue;
            };
            for target in targets {
                let lane = target.lane();
                let not_before = match (row.class, lists.get(&lane)) {
                    (Class::Reply | Class::Now, _) => now,
                    (Class::Batch, Some(next)) => *next,
                    (Class::Batch, None) => {
                        let next = next_list(tx, &lane, now).await?.unwrap_or(now);
                        lists.insert(lane.clone(), next);
                        next
                    }
                };
                let body = sealed(&self.keys, &row.reply)?;
                copies.push((tx.id()?, row, target, lane, body, not_before));
            }
            given.push(row.id);
        }
        insert(
            tx,
            "INSERT INTO outbox (id, turn_key, ticket_id, target, lane, class, body, at, not_before, expires_at, tries, state, lease_until, request)",
            14,
            "",
            &copies,
            |query, (id, row, target, lane, body, not_before)| {
                query
                    .bind(*id)
                    .bind(row.turn_key.as_str())
                    .bind(row.ticket)
                    .bind(target.to_string())
                    .bind(lane.as_str())
                    .bind(row.class.name())
                    .bind(body.as_str())
                    .bind(row.at)
                    .bind(*not_before)
                    .bind(row.expires_at)
                    .bind(0_i32)
                    .bind("pending")
                    .bind(0_i64)
                    .bind(row.request.as_deref())
            },
        )
        .await?;
        set_states(tx, &given, "superseded", "given to the holders").await
    }

    /// Chooses the way of one row and takes it until `lease`, or says when to come back.
    pub(super) async fn prepare(
        &self,
        tx: &mut Tx,
        mut row: Waiting,
        tried: String,
        claimed: &[Parcel],
        lease: Millis,
        now: Millis,
    ) -> Result<Prepared> {
        if row.class == Class::Batch && !self.as_list(tx, &mut row, now).await? {
            return Ok(Prepared::Otherwise);
        }
        if let Some(private) = row.reply.private.take()
            && !matches!(row.target, Target::Group(_))
        {
            row.reply.text = private;
        }
        let Found::Addresses(addresses) = self.post.find(tx, &row.target, row.except).await? else {
            set_state(tx, row.id, "undeliverable", "no address").await?;
            return Ok(Prepared::Otherwise);
        };
        match self.choose(tx, &addresses, &tried, claimed, now).await? {
            Choice::Go(to, way, window) => {
                sqlx::query(
                    "UPDATE outbox SET state = 'sending', route = '', lease_until = $1, tries = tries + 1, via_channel = $2 WHERE id = $3",
                )
                    .bind(lease)
                    .bind(to.channel.clone())
                    .bind(row.id)
                    .execute(tx.conn())
                    .await?;
                row.tries += 1;
                return Ok(Prepared::Parcel(Box::new(Parcel { row, to, way, window, tried, lease })));
            }
            Choice::Behind => return Ok(Prepared::Behind),
            Choice::Keep(hash) => self.keep(tx, row, &hash).await?,
            Choice::Wait(channel, until) => line_up(tx, row.id, &channel, until).await?,
            Choice::Nobody => {
                tracing::warn!(row = row.id, "outbox row {} has no recipient that can be reached", row.id);
                set_state(tx, row.id, "undeliverable", "no address").await?;
            }
        }
        Ok(Prepared::Otherwise)
    }

    /// Makes one list of a lane's waiting batch rows; `false` when the last list went out too short a while ago.
    async fn as_list(&self, tx: &mut Tx, row: &mut Waiting, now: Millis) -> Result<bool> {
        let lane = row.target.lane();
        if let Some(next) = next_list(tx, &lane, now).await? {
            sqlx::query("UPDATE outbox SET not_before = $1, route = '' WHERE lane = $2 AND state IN ('pending', 'held', 'sending', 'kept')
                 AND class = 'batch' AND state = 'pending' AND not_before < $1")
                .bind(next)
                .bind(&lane)
                .execute(tx.conn())
                .await?;
            return Ok(false);
        }
        let due = format!(
            "lane = $1 AND state IN ('pending', 'held', 'sending', 'kept') AND class = 'batch' AND state = 'pending'
                 AND not_before <= {now} AND id <> $2"
        );
        let room = self.carried(tx, row).await?;
        // What has no room any more waits for the next list.
        let others = self.take(tx, "in one list", &due, (&lane, row.id, None), Fit { room, newest: false }).await?;
        if !others.is_empty() {
            let replies: Vec<_> = [std::mem::take(&mut row.reply)].into_iter().chain(others).collect();
            row.reply = self.post.merged(&replies);
            row.ticket = None;
            rewrite(tx, &self.keys, row).await?;
        }
        Ok(true)
    }

    /// Keeps a message for the next contact, as one with what is kept there about the same ticket.
    pub(super) async fn keep(&self, tx: &mut Tx, mut row: Waiting, hash: &str) -> Result<()> {
        if let Some(ticket) = row.ticket {
            let same = "lane = $1 AND state IN ('pending', 'held', 'sending', 'kept') AND state = 'kept' AND id <> $2 AND ticket_id = $3";
            let room = self.carried(tx, &row).await?;
            // What has no room any more stays a message of its own, before this one.
            let whose = (row.target.lane(), row.id);
            let mut replies =
                self.take(tx, "kept as one", same, (&whose.0, whose.1, Some(ticket)), Fit { room, newest: true }).await?;
            if !replies.is_empty() {
                replies.push(std::mem::take(&mut row.reply));
                row.reply = self.post.merged(&replies);
                rewrite(tx, &self.keys, &row).await?;
            }
        }
        sqlx::query("UPDATE outbox SET state = 'kept', route = '', kept_for = $1, why = 'no window' WHERE id = $2")
            .bind(hash.to_owned())
            .bind(row.id)
            .execute(tx.conn())
            .await?;
        Ok(())
    }

    /// How many bytes more a list for this recipient may have beside this message: what every way to it carries, less a head.
    async fn carried(&self, tx: &mut Tx, row: &Waiting) -> Result<usize> {
        let Found::Addresses(addresses) = self.post.find(tx, &row.target, row.except).await? else { return Ok(0) };
        let carried = addresses.iter().filter_map(|to| Some(self.post.ability(&to.channel)?.max_bytes)).min();
        Ok(carried.unwrap_or_default().saturating_sub(HEAD + length(&row.reply)))
    }

    /// Takes rows out of the outbox because another says what they say, as many as fit beside it: their messages, oldest first.
    /// What a turn is taking back at this moment is left to it.
    async fn take(
        &self,
        tx: &mut Tx,
        why: &'static str,
        which: &str,
        (lane, but, ticket): (&str, i64, Option<i64>),
        fit: Fit,
    ) -> Result<Vec<Reply>> {
        let lock = match tx.kind() {
            Kind::Sqlite => "",
            Kind::Postgres => " FOR UPDATE SKIP LOCKED",
        };
        let order = if fit.newest { "at DESC, id DESC" } else { "at, id" };
        let sql = format!("SELECT {COLUMNS} FROM outbox WHERE {which} ORDER BY {order} LIMIT {MOST_IN_A_LIST}{lock}");
        let mut query = sqlx::query(AssertSqlSafe(sql)).bind(lane.to_owned()).bind(but);
        if let Some(ticket) = ticket {
            query = query.bind(ticket);
        }
        let rows = query.fetch_all(tx.conn()).await?;
        let all = rows.iter().map(|row| Waiting::from_row(row, &self.keys)).collect::<Result<Vec<_>>>()?;
        let (mut room, mut taken) = (fit.room, Vec::new());
        for row in all {
            let Some(left) = room.checked_sub(length(&row.reply)) else { break };
            room = left;
            set_state(tx, row.id, "superseded", why).await?;
            taken.push(row.reply);
        }
        if fit.newest {
            taken.reverse();
        }
        Ok(taken)
    }

    /// The first address that can be written to now, and how. A channel whose circuit is open is passed over while there is
    /// another; one that is merely busy is waited for.
    async fn choose(&self, tx: &mut Tx, addresses: &[Address], tried: &str, claimed: &[Parcel], now: Millis) -> Result<Choice> {
        let mut keep = None;
        let mut wait = None;
        for address in addresses {
            let channel = &address.channel;
            let Some(ability) = self.post.ability(channel) else { continue };
            if tried.split(',').any(|tried| tried == channel) {
                continue;
            }
            if self.traffic.is_shut(channel, now) {
                wait.get_or_insert_with(|| channel.clone());
                continue;
            }
            if self.room(channel, now) == 0 {
                return Ok(Choice::Wait(channel.clone(), None));
            }
            let hash = window_hash(&self.keys, address);
            if self.is_under_way(&hash, claimed) {
                return Ok(Choice::Behind);
            }
            let window = sqlx::query("SELECT until, left_over, via, via_until FROM send_window WHERE hash = $1")
                .bind(hash.clone())
                .fetch_optional(tx.conn())
                .await?;
            let (until, left, via, via_until): (Millis, i64, Option<String>, Millis) = match window {
                Some(row) => (row.try_get(0)?, row.try_get(1)?, row.try_get(2)?, row.try_get(3)?),
                None => (0, 0, None, 0),
            };
            if let Some(sealed) = via.filter(|_| via_until > now + SESSION_MARGIN) {
                if let Err(pause) = self.traffic.session(channel, &hash, ability.pace) {
                    let until = now + Millis::try_from(pause.as_millis()).unwrap_or(MINUTE) + 1;
                    return Ok(Choice::Wait(channel.clone(), Some(until)));
                }
                let url = self.keys.open(&via_place(&hash), &sealed)?;
                return Ok(Choice::Go(address.clone(), Way::Session(Via { url, until: via_until }), hash));
            }
            if !ability.windowed || (until > now && left > 0 && use_up(tx, &hash).await?) {
                return Ok(Choice::Go(address.clone(), Way::Api, hash));
            }
            if self.post.has_template(channel) {
                return Ok(Choice::Go(address.clone(), Way::Template, hash));
            }
            keep.get_or_insert(hash);
        }
        Ok(match (wait, keep) {
            (Some(channel), _) => Choice::Wait(channel, None),
            (None, Some(hash)) => Choice::Keep(hash),
            (None, None) => Choice::Nobody,
        })
    }
}

/// When a lane's next list may go, if the last one went too short a while ago. One that went while the clock ran ahead does not count.
async fn next_list(tx: &mut Tx, lane: &str, now: Millis) -> Result<Option<Millis>> {
    let last: Option<i64> = sqlx::query_scalar(
        "SELECT CAST(MAX(sent_at) AS BIGINT) FROM outbox WHERE lane = $1 AND class = 'batch' AND state = 'sent'
         AND sent_at > $2 AND sent_at <= $3",
    )
    .bind(lane.to_owned())
    .bind(now - BATCH_EVERY)
    .bind(now + MINUTE)
    .fetch_one(tx.conn())
    .await?;
    Ok(last.map(|last| after_quiet(last + BATCH_EVERY)))
}

/// Takes one message of a window, unless another process has just taken the last.
async fn use_up(tx: &mut Tx, hash: &str) -> Result<bool> {
    let done = sqlx::query("UPDATE send_window SET left_over = left_over - 1 WHERE hash = $1 AND left_over > 0")
        .bind(hash.to_owned())
        .execute(tx.conn())
        .await?;
    Ok(done.rows_affected() == 1)
}

/// Puts a changed message into its row.
pub(super) async fn rewrite(tx: &mut Tx, keys: &Keys, row: &Waiting) -> Result<()> {
    sqlx::query("UPDATE outbox SET body = $1, ticket_id = $2 WHERE id = $3")
        .bind(sealed(keys, &row.reply)?)
        .bind(row.ticket)
        .bind(row.id)
        .execute(tx.conn())
        .await?;
    Ok(())
}
