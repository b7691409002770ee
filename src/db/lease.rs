//! Work that one process does for all: whoever holds the row's lease.
//!
//! A lease ends by itself, so that nobody waits for long for a process that died. It spares work and calls; what must not be
//! done twice is guarded by its own rows besides, because the clocks of two machines are never quite the same.

use super::{Db, Tx};
use crate::{error::Result, message::Millis};

/// Takes a lease or lengthens one that is ours already. Says whether it is ours now.
///
/// # Errors
/// Those of the database.
pub async fn take(db: &Db, name: &str, length: Millis, now: Millis) -> Result<bool> {
    let mut tx = db.write().await?;
    // An end far away comes from a clock that was wrong; waiting for it could take years.
    let taken: Option<String> = sqlx::query_scalar(
        "INSERT INTO lease (name, holder, until) VALUES ($1, $2, $3)
         ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, until = excluded.until
         WHERE lease.until <= $4 OR lease.until > $5 OR lease.holder = excluded.holder RETURNING name",
    )
    .bind(name.to_owned())
    .bind(db.process().to_owned())
    .bind(now + length)
    .bind(now)
    .bind(now + 2 * length)
    .fetch_optional(tx.conn())
    .await?;
    tx.commit().await?;
    Ok(taken.is_some())
}

/// Gives a lease back. Says whether it was still ours; what is written in the same transaction then was done under it.
///
/// # Errors
/// Those of the database.
pub async fn give_back(tx: &mut Tx, process: &str, name: &str) -> Result<bool> {
    let done = sqlx::query("DELETE FROM lease WHERE name = $1 AND holder = $2")
        .bind(name.to_owned())
        .bind(process.to_owned())
        .execute(tx.conn())
        .await?;
    Ok(done.rows_affected() == 1)
}

/// Gives everything back that this process holds, so that the next one need not wait.
///
/// # Errors
/// Those of the database.
pub async fn give_all_back(db: &Db) -> Result<()> {
    let mut tx = db.write().await?;
    sqlx::query("DELETE FROM lease WHERE holder = $1").bind(db.process().to_owned()).execute(tx.conn()).await?;
    tx.commit().await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::testing;

    const NOW: Millis = 1_800_000_000_000;
    const LONG: Millis = 1_000;

    #[tokio::test]
    async fn one_holds_it_until_it_ends_or_is_given_back() {
        for place in testing::places().await {
            let (a, b) = (place.open().await, place.open().await);
            // Who, what (take or give back), when, and whether it is or was his.
            for (who, takes, at, his) in [
                (&a, true, 0, true),
                (&b, true, 1, false),
                (&b, false, 1, false),
                (&a, true, 500, true),
                (&b, true, 1_499, false),
                (&b, true, 1_500, true),
                (&a, false, 1_500, false),
                (&a, true, 1_600, false),
                (&b, false, 1_600, true),
                (&a, true, 1_600, true),
                // The clock of whoever took it was wrong.
                (&b, true, -400, true),
            ] {
                let done = if takes {
                    take(who, "x", LONG, NOW + at).await.unwrap()
                } else {
                    let mut tx = who.write().await.unwrap();
                    let ours = give_back(&mut tx, who.process(), "x").await.unwrap();
                    tx.commit().await.unwrap();
                    ours
                };
                assert_eq!(done, his, "{takes} {at}");
            }
            assert!(take(&a, "y", LONG, NOW).await.unwrap(), "another name is another lease");
            give_all_back(&a).await.unwrap();
            assert!(take(&b, "y", LONG, NOW).await.unwrap());
            assert!(!take(&a, "x", LONG, NOW).await.unwrap(), "only his own are given back");
        }
    }

    #[tokio::test]
    async fn of_many_who_race_one_gets_it() {
        for place in testing::places().await {
            let mut all = Vec::new();
            for _ in 0..4 {
                all.push(place.open().await);
            }
            for round in 0..10 {
                let name = format!("race {round}");
                let taken = futures_util::future::join_all(all.iter().map(|db| take(db, &name, LONG, NOW))).await;
                assert_eq!(taken.into_iter().filter(|taken| *taken.as_ref().unwrap()).count(), 1);
            }
        }
    }
}
