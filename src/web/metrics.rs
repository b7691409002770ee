//! The figures as they are asked for: those of the process, and what is counted in the database at that moment.
//!
//! What is counted has an index of its own, so that a million messages that were sent cost nothing here.

use crate::{clock::local, db::Db, error::Result, message::Millis, metrics::Metrics};
use chrono::Datelike;
use prometheus_client::{
    encoding::text::encode_eof,
    metrics::{family::Family, gauge::ConstGauge, gauge::Gauge},
    registry::{Registry, Unit},
};
use sqlx::Row;
use std::time::Duration;

/// Whoever watches asks again soon; a database that takes longer counts as gone for now.
const PATIENCE: Duration = Duration::from_secs(3);

/// What the text is: OpenMetrics, which every Prometheus since 2.5 reads.
pub(super) const KIND: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// All figures as text. Without a database those of the process alone.
pub(super) async fn text(metrics: &Metrics, db: &Db, queued: usize, now: Millis) -> String {
    let mut more = Registry::with_prefix("minhu");
    let queued = ConstGauge::new(i64::try_from(queued).unwrap_or(i64::MAX));
    more.register("queue_turns", "Messages that wait for their turn", queued);
    // In a task of its own, so that giving up does not break off a statement.
    let db = db.clone();
    let counted = tokio::time::timeout(PATIENCE, tokio::spawn(async move { Counted::read(&db, now).await })).await;
    let counted = counted.ok().and_then(std::result::Result::ok).and_then(|counted| {
        counted.inspect_err(|error| tracing::debug!(error = %error, "nothing could be counted in the database: {error}")).ok()
    });
    more.register("database_up", "1 when what is counted in the database is here", ConstGauge::new(i64::from(counted.is_some())));
    if let Some(counted) = counted {
        counted.register(&mut more);
    }
    let mut text = String::new();
    metrics.write(&mut text, more);
    // Writing into a String cannot fail.
    let _ = encode_eof(&mut text);
    text
}

/// What stands in the database.
#[derive(Debug, Default)]
struct Counted {
    /// State, the channel it was given to last, how many.
    outbox: Vec<(String, String, i64)>,
    /// How long the oldest message has been due, in milliseconds.
    overdue: Millis,
    faults: Vec<(String, i64)>,
    calls: Vec<(String, i64)>,
}

/// Their condition is that of an index, word for word: SQLite would not see that it may use it otherwise.
const UNDER_WAY: &str = "SELECT state, COALESCE(via_channel, ''), COUNT(*), CAST(MIN(not_before) AS BIGINT) FROM outbox
     WHERE state IN ('pending', 'held', 'sending') GROUP BY state, COALESCE(via_channel, '') ORDER BY 1, 2";
const KEPT: &str = "SELECT COUNT(*) FROM outbox WHERE state = 'kept'";
const UNDELIVERABLE: &str = "SELECT COALESCE(via_channel, ''), COUNT(*) FROM outbox
     WHERE state = 'undeliverable' GROUP BY COALESCE(via_channel, '') ORDER BY 1";

impl Counted {
    async fn read(db: &Db, now: Millis) -> Result<Self> {
        let mut conn = db.read().await?;
        let mut counted = Counted::default();
        for row in sqlx::query(UNDER_WAY).fetch_all(&mut *conn).await? {
            let (state, oldest): (String, Millis) = (row.try_get(0)?, row.try_get(3)?);
            if state != "held" {
                counted.overdue = counted.overdue.max(now - oldest);
            }
            counted.outbox.push((state, row.try_get(1)?, row.try_get(2)?));
        }
        let kept: i64 = sqlx::query_scalar(KEPT).fetch_one(&mut *conn).await?;
        counted.outbox.push(("kept".into(), String::new(), kept));
        for row in sqlx::query(UNDELIVERABLE).fetch_all(&mut *conn).await? {
            counted.outbox.push(("undeliverable".into(), row.try_get(0)?, row.try_get(1)?));
        }
        for row in sqlx::query("SELECT state, COUNT(*) FROM fault GROUP BY state ORDER BY state").fetch_all(&mut *conn).await? {
            counted.faults.push((row.try_get(0)?, row.try_get(1)?));
        }
        let today = local(now);
        let month = format!("{}-{:02}", today.year(), today.month());
        let calls = "SELECT channel, calls FROM quota WHERE month = $1 ORDER BY channel";
        for row in sqlx::query(calls).bind(month).fetch_all(&mut *conn).await? {
            counted.calls.push((row.try_get(0)?, row.try_get(1)?));
        }
        Ok(counted)
    }

    fn register(self, into: &mut Registry) {
        let outbox = Family::<[(&str, String); 2], Gauge>::default();
        for (state, channel, count) in self.outbox {
            outbox.get_or_create(&[("state", state), ("channel", channel)]).set(count);
        }
        let overdue = ConstGauge::new(f64::from(u32::try_from(self.overdue.max(0)).unwrap_or(u32::MAX)) / 1_000.0);
        let faults = family("state", self.faults);
        let calls = family("channel", self.calls);
        into.register("outbox_messages", "Messages that have not gone out, by the channel they were given to last", outbox);
        into.register_with_unit("outbox_overdue", "How long the oldest message has been due", Unit::Seconds, overdue);
        into.register("faults", "Messages whose turn failed", faults);
        into.register("month_calls", "Calls of this month that count against the organisation's quota", calls);
    }
}

fn family(label: &'static str, values: Vec<(String, i64)>) -> Family<[(&'static str, String); 1], Gauge> {
    let family = Family::<_, Gauge>::default();
    for (value, count) in values {
        family.get_or_create(&[(label, value)]).set(count);
    }
    family
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[tokio::test]
    async fn what_was_sent_is_not_looked_at() {
        let folder = tempfile::tempdir().unwrap();
        let db = Db::open(&format!("sqlite://{}/t.db", folder.path().display()), 2).await.unwrap();
        db.migrate().await.unwrap();
        let mut conn = db.read().await.unwrap();
        for query in [UNDER_WAY, KEPT, UNDELIVERABLE] {
            let plan =
                sqlx::query(sqlx::AssertSqlSafe(format!("EXPLAIN QUERY PLAN {query}"))).fetch_all(&mut *conn).await.unwrap();
            let plan: Vec<String> = plan.iter().map(|row| row.get("detail")).collect();
            let reads = plan.iter().filter(|step| step.contains("outbox"));
            assert!(reads.clone().count() > 0 && reads.clone().all(|step| step.contains(" INDEX outbox_")), "{query}: {plan:?}");
        }
    }

    #[tokio::test]
    async fn without_a_database_the_figures_of_the_process_remain() {
        let folder = tempfile::tempdir().unwrap();
        let db = Db::open(&format!("sqlite://{}/t.db", folder.path().display()), 2).await.unwrap();
        let metrics = Metrics::new(0);
        metrics.answered("mp");
        // There are no tables yet, so nothing can be counted.
        let without = text(&metrics, &db, 3, 0).await;
        assert!(
            without.contains("minhu_database_up 0\n") && without.contains("minhu_answers_total{channel=\"mp\"} 1\n"),
            "{without}"
        );
        assert!(without.contains("minhu_queue_turns 3\n") && !without.contains("minhu_outbox"), "{without}");
        db.migrate().await.unwrap();
        let with = text(&metrics, &db, 0, 0).await;
        assert!(with.contains("minhu_database_up 1\n") && with.contains("minhu_outbox_messages{state=\"kept\""), "{with}");
        assert!(with.ends_with("# EOF\n") && with.matches("# EOF").count() == 1, "{with}");
    }

    #[tokio::test]
    async fn the_handbook_explains_every_figure_and_no_other() {
        use crate::metrics::{Hooked, Turned};
        let folder = tempfile::tempdir().unwrap();
        let db = Db::open(&format!("sqlite://{}/t.db", folder.path().display()), 2).await.unwrap();
        db.migrate().await.unwrap();
        // A figure that counts by label is served once it has counted something.
        let (metrics, short) = (Metrics::new(0), Duration::from_millis(1));
        metrics.hooked("mp", Hooked::Answered, short);
        metrics.turned("mp", Turned::Done, short);
        metrics.answered("mp");
        metrics.sent("mp", "sent", short);
        metrics.circuit("mp", false);
        metrics.rate_limited("mp");
        metrics.token("mp", true);
        metrics.file("ready");
        let mut tx = db.write().await.unwrap();
        let rows = "INSERT INTO quota (channel, month, calls, warned) VALUES ('mp', '1970-01', 3, 0)";
        sqlx::query(rows).execute(tx.conn()).await.unwrap();
        let rows = "INSERT INTO fault (id, turn_key, conversation, version, at, why, raw, state) VALUES (1, '', 1, 1, 1, '', '', 'open')";
        sqlx::query(rows).execute(tx.conn()).await.unwrap();
        tx.commit().await.unwrap();
        let text = text(&metrics, &db, 0, 0).await;
        let served: BTreeSet<&str> = text.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split(' ').next()).collect();
        let page = include_str!("../../docs/handbook/metrics.md");
        let first = |line: &'static str| line.strip_prefix("| `")?.split('`').next();
        let explained: BTreeSet<&str> =
            page.lines().filter_map(first).map(|name| name.strip_suffix("_total").unwrap_or(name)).collect();
        assert_eq!(served, explained);
        for word in page.split(|c: char| !(c.is_ascii_lowercase() || c == '_')).filter(|word| word.starts_with("minhu_")) {
            let name = ["_total", "_bucket", "_count", "_sum"].iter().find_map(|end| word.strip_suffix(end)).unwrap_or(word);
            assert!(served.contains(name), "the page speaks of {word}");
        }
    }
}
