//! How sends have ended, written into their rows.

use super::{
    courier::{Courier, Parcel, Post},
    queue::set_state,
    retry_after,
    store::Waiting,
    way::rewrite,
};
use crate::{
    channels::{Outcome, Way},
    clock::{SECOND, local},
    db::Tx,
    error::Result,
    message::Millis,
    seal::random,
};
use chrono::Datelike;
use sqlx::Row;
use std::collections::{BTreeMap, HashMap};

/// Administrators hear of a quota when this share of it, in percent, is used up.
const QUOTA_WARNING: i64 = 70;
/// A row that met a platform which does not work lets others probe for this long.
const AFTER_OTHERS: Millis = 2 * SECOND;

/// A send that has ended.
pub(super) struct End {
    pub parcel: Parcel,
    /// `None`: it was not sent, because the program stops.
    pub outcome: Option<Outcome>,
    /// The channel had worked just before, so a failure may be the message's own.
    pub alone: bool,
}

impl<P: Post> Courier<P> {
    /// Writes down how sends went. A row whose lease ran out and that somebody else has claimed is theirs to write.
    pub(super) async fn write_down(&self, tx: &mut Tx, ends: &[End], now: Millis) -> Result<()> {
        // In the order of their names, so that two processes do not wait for each other.
        let mut calls: BTreeMap<&str, i64> = BTreeMap::new();
        for End { parcel, outcome, alone } in ends {
            let Some(outcome) = outcome else {
                self.give_back(tx, parcel, now, "not sent").await?;
                continue;
            };
            let limited = self.post.ability(&parcel.to.channel).is_some_and(|ability| ability.monthly_calls.is_some());
            if limited && matches!(parcel.way, Way::Api) {
                *calls.entry(&parcel.to.channel).or_default() += 1;
            }
            if let Outcome::Sent(reference) = outcome {
                sent(tx, parcel, reference.as_deref(), now).await?;
            } else if ours(tx, parcel).await? {
                self.not_sent(tx, parcel, outcome, *alone, now).await?;
            }
        }
        for (channel, count) in calls {
            self.count(tx, channel, count, now).await?;
        }
        Ok(())
    }

    async fn not_sent(&self, tx: &mut Tx, parcel: &Parcel, outcome: &Outcome, alone: bool, now: Millis) -> Result<()> {
        let Parcel { row, to, way, window, tried, .. } = parcel;
        match outcome {
            Outcome::Sent(_) => Ok(()),
            Outcome::Later(after, why) => {
                self.refund(tx, parcel, now).await?;
                again(tx, row, Millis::try_from(after.as_millis()).unwrap_or(Millis::MAX / 4), why, now).await
            }
            Outcome::Down(why) => {
                self.refund(tx, parcel, now).await?;
                self.waits(tx, row, &to.channel, why, now).await
            }
            // Where others fail too it says nothing about this message: it waits with them, and this was no try.
            Outcome::Unknown(why) if !alone => self.waits(tx, row, &to.channel, why, now).await,
            Outcome::Unknown(why) if row.tries < 2 => again(tx, row, 0, why, now).await,
            Outcome::Unknown(why) => set_state(tx, row.id, "undeliverable", why).await,
            Outcome::Closed(why) => {
                match way {
                    Way::Session(_) => {
                        let shut = "UPDATE send_window SET via = NULL, via_until = 0 WHERE hash = $1";
                        sqlx::query(shut).bind(window.clone()).execute(tx.conn()).await?;
                        back(tx, row, tried, why, now).await
                    }
                    Way::Api if self.windowed(parcel) => {
                        let shut = "UPDATE send_window SET left_over = 0, until = 0 WHERE hash = $1";
                        sqlx::query(shut).bind(window.clone()).execute(tx.conn()).await?;
                        back(tx, row, tried, why, now).await
                    }
                    // No other way on this channel: kept for the next contact there.
                    Way::Api | Way::Template => self.keep(tx, row.clone(), window).await,
                }
            }
            Outcome::Gone(why) => back(tx, row, &format!("{tried},{}", to.channel), why, now).await,
            Outcome::Refused(why) => {
                let neutral = self.post.neutral();
                if row.reply == neutral {
                    return set_state(tx, row.id, "undeliverable", why).await;
                }
                let mut row = row.clone();
                row.reply = neutral;
                rewrite(tx, &self.keys, &row).await?;
                back(tx, &row, tried, why, now).await
            }
            Outcome::Halted(_, why) => {
                self.refund(tx, parcel, now).await?;
                self.waits(tx, row, &to.channel, why, now).await
            }
        }
    }

    /// Gives back what was claimed and not sent.
    async fn give_back(&self, tx: &mut Tx, parcel: &Parcel, now: Millis, why: &'static str) -> Result<()> {
        if !ours(tx, parcel).await? {
            return Ok(());
        }
        self.refund(tx, parcel, now).await?;
        uncounted(tx, &parcel.row, &parcel.to.channel, now, why).await
    }

    /// A platform that does not work: nothing was tried. Once its circuit is open the row is given its way anew, because the
    /// recipient may be reached elsewhere.
    async fn waits(&self, tx: &mut Tx, row: &Waiting, channel: &str, why: &'static str, now: Millis) -> Result<()> {
        if self.traffic.is_shut(channel, now) {
            return uncounted(tx, row, "", now, why).await;
        }
        uncounted(tx, row, channel, now + AFTER_OTHERS, why).await
    }

    fn windowed(&self, parcel: &Parcel) -> bool {
        self.post.ability(&parcel.to.channel).is_some_and(|ability| ability.windowed)
    }

    /// A message that was not sent has used up nothing of its window.
    async fn refund(&self, tx: &mut Tx, parcel: &Parcel, now: Millis) -> Result<()> {
        if matches!(parcel.way, Way::Api) && self.windowed(parcel) {
            sqlx::query("UPDATE send_window SET left_over = left_over + 1 WHERE hash = $1 AND until > $2")
                .bind(parcel.window.clone())
                .bind(now)
                .execute(tx.conn())
                .await?;
        }
        Ok(())
    }

    /// Adds calls to the month's count and tells administrators once when it runs low.
    async fn count(&self, tx: &mut Tx, channel: &str, count: i64, now: Millis) -> Result<()> {
        let Some(limit) = self.post.ability(channel).and_then(|ability| ability.monthly_calls).map(i64::from) else {
            return Ok(());
        };
        let today = local(now);
        let month = format!("{}-{:02}", today.year(), today.month());
        let row = sqlx::query(
            "INSERT INTO quota (channel, month, calls, warned) VALUES ($1, $2, $3, 0)
             ON CONFLICT (channel, month) DO UPDATE SET calls = quota.calls + $3 RETURNING calls, warned",
        )
        .bind(channel.to_owned())
        .bind(month.clone())
        .bind(count)
        .fetch_one(tx.conn())
        .await?;
        let (used, warned): (i64, i32) = (row.try_get(0)?, row.try_get(1)?);
        if warned == 0 && used * 100 >= limit * QUOTA_WARNING {
            sqlx::query("UPDATE quota SET warned = 1 WHERE channel = $1 AND month = $2")
                .bind(channel.to_owned())
                .bind(month)
                .execute(tx.conn())
                .await?;
            let mut messages = Vec::new();
            for push in self.post.quota_warning(channel, used, limit) {
                messages.push((tx.id()?, String::new(), false, push));
            }
            super::write(tx, &self.keys, &messages, &HashMap::new(), now).await?;
        }
        Ok(())
    }
}

/// A claim ends well. The state is not compared as it is, for the reason given at [`super::store::held_sql`].
pub(super) const SENT: &str = "UPDATE outbox SET state = 'sent', sent_at = $1, channel = $2, platform_ref = $3, why = NULL
     WHERE id = $4 AND state || '' = 'sending' AND lease_until = $5";

/// A claim is taken hold of, until the transaction ends.
pub(super) const OURS: &str = "UPDATE outbox SET lease_until = 0 WHERE id = $1 AND state || '' = 'sending' AND lease_until = $2";

async fn sent(tx: &mut Tx, parcel: &Parcel, reference: Option<&str>, now: Millis) -> Result<()> {
    let done = sqlx::query(SENT)
        .bind(now)
        .bind(parcel.to.channel.clone())
        .bind(reference.map(str::to_owned))
        .bind(parcel.row.id)
        .bind(parcel.lease)
        .execute(tx.conn())
        .await?;
    said_if_lost(parcel, done.rows_affected());
    Ok(())
}

/// Is the row still this claim's? It is locked then, until the transaction ends.
async fn ours(tx: &mut Tx, parcel: &Parcel) -> Result<bool> {
    let done = sqlx::query(OURS).bind(parcel.row.id).bind(parcel.lease).execute(tx.conn()).await?;
    said_if_lost(parcel, done.rows_affected());
    Ok(done.rows_affected() == 1)
}

fn said_if_lost(parcel: &Parcel, changed: u64) {
    if changed == 0 {
        let id = parcel.row.id;
        tracing::warn!(row = id, "outbox row {id} took longer than its lease; what became of it is another's to say");
    }
}

/// Tries again after the platform's own pause or the schedule, whichever is later.
async fn again(tx: &mut Tx, row: &Waiting, pause: Millis, why: &'static str, now: Millis) -> Result<()> {
    let jitter = random::<1>()?[0];
    let Some(after) = retry_after(row.tries, jitter) else {
        return set_state(tx, row.id, "undeliverable", why).await;
    };
    sqlx::query("UPDATE outbox SET state = 'pending', not_before = $1, why = $2 WHERE id = $3")
        .bind(now + after.max(pause))
        .bind(why)
        .bind(row.id)
        .execute(tx.conn())
        .await?;
    Ok(())
}

/// Back into a queue; it was no try.
async fn uncounted(tx: &mut Tx, row: &Waiting, route: &str, until: Millis, why: &'static str) -> Result<()> {
    sqlx::query("UPDATE outbox SET state = 'pending', route = $1, not_before = $2, why = $3, tries = tries - 1 WHERE id = $4")
        .bind(route.to_owned())
        .bind(until)
        .bind(why)
        .bind(row.id)
        .execute(tx.conn())
        .await?;
    Ok(())
}

/// Back at once, to go the next way.
async fn back(tx: &mut Tx, row: &Waiting, tried: &str, why: &'static str, now: Millis) -> Result<()> {
    sqlx::query("UPDATE outbox SET state = 'pending', not_before = $1, channel = $2, why = $3, tries = tries - 1 WHERE id = $4")
        .bind(now)
        .bind(tried.trim_start_matches(',').to_owned())
        .bind(why)
        .bind(row.id)
        .execute(tx.conn())
        .await?;
    Ok(())
}
