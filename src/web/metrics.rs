//! Figures for Prometheus: counts only, never anything about a person.

use crate::{db::Db, error::Result};
use sqlx::Row;
use std::{
    fmt::Write,
    sync::atomic::{AtomicU64, Ordering},
};

/// Counters of this process; the rest is counted in the database when it is asked for.
#[derive(Debug, Default)]
pub struct Metrics {
    heard: AtomicU64,
    refused: AtomicU64,
    limited: AtomicU64,
}

impl Metrics {
    /// A callback was taken.
    pub fn heard(&self) {
        self.heard.fetch_add(1, Ordering::Relaxed);
    }

    /// A callback was refused.
    pub fn refused(&self) {
        self.refused.fetch_add(1, Ordering::Relaxed);
    }

    /// A message was over a rate.
    pub fn limited(&self) {
        self.limited.fetch_add(1, Ordering::Relaxed);
    }

    /// All figures as text.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn text(&self, db: &Db, queued: usize) -> Result<String> {
        let mut text = String::new();
        let mut line = |name: &str, value: &dyn std::fmt::Display| {
            // Writing into a String cannot fail.
            let _ = writeln!(text, "{name} {value}");
        };
        line("minhu_updates_total", &self.heard.load(Ordering::Relaxed));
        line("minhu_refused_total", &self.refused.load(Ordering::Relaxed));
        line("minhu_limited_total", &self.limited.load(Ordering::Relaxed));
        line("minhu_queue_length", &queued);
        let mut conn = db.read().await?;
        for row in sqlx::query("SELECT state, COUNT(*) FROM outbox GROUP BY state ORDER BY state").fetch_all(&mut *conn).await? {
            let (state, count): (String, i64) = (row.try_get(0)?, row.try_get(1)?);
            line(&format!("minhu_outbox{{state=\"{state}\"}}"), &count);
        }
        for row in sqlx::query("SELECT channel, month, calls FROM quota ORDER BY month DESC, channel LIMIT 20")
            .fetch_all(&mut *conn)
            .await?
        {
            let (channel, month, calls): (String, String, i64) = (row.try_get(0)?, row.try_get(1)?, row.try_get(2)?);
            line(&format!("minhu_api_calls{{channel=\"{channel}\",month=\"{month}\"}}"), &calls);
        }
        let faults: i64 =
            sqlx::query("SELECT COUNT(*) FROM fault WHERE state = 'open'").fetch_one(&mut *conn).await?.try_get(0)?;
        line("minhu_faults_open", &faults);
        Ok(text)
    }
}
