//! What this process has done, for Prometheus: counts and times, never anything about a person.
//!
//! Labels are the ids of configured channels and words that stand here, so that their number is bounded. What is counted in
//! the database when somebody asks is in `web::metrics`; `docs/handbook/metrics.md` says what each figure means.

use crate::message::Millis;
use prometheus_client::{
    encoding::text::encode_registry,
    metrics::{
        counter::{ConstCounter, Counter},
        family::Family,
        gauge::{ConstGauge, Gauge},
        histogram::Histogram,
    },
    registry::{Registry, Unit},
};
use std::{fmt, sync::Arc, time::Duration};

/// Label names with their values.
type Labels<const N: usize> = [(&'static str, String); N];
type Times<const N: usize> = Family<Labels<N>, Histogram, fn() -> Histogram>;

/// Bounds of times in seconds, close together where the promises lie: 40 ms for a turn, 3 s for a hook.
const SECONDS: [f64; 14] = [0.001, 0.0025, 0.005, 0.01, 0.02, 0.04, 0.08, 0.15, 0.3, 0.6, 1.2, 3.0, 6.0, 12.0];
/// Bounds of batch sizes.
const SIZES: [f64; 7] = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0];

/// What became of a turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turned {
    /// It did what it did.
    Done,
    /// The message had come before and got the stored answer.
    Repeated,
    /// It ended with a sentence on what would be right.
    Sentence,
    /// It failed by itself and was kept as a fault.
    Fault,
    /// There was no room or no database; the platform brings the message again.
    Overflow,
}

impl Turned {
    fn name(self) -> &'static str {
        match self {
            Turned::Done => "done",
            Turned::Repeated => "repeated",
            Turned::Sentence => "sentence",
            Turned::Fault => "fault",
            Turned::Overflow => "overflow",
        }
    }
}

/// What became of a callback.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hooked {
    /// It was answered in time.
    Answered,
    /// Signature, envelope or time were wrong.
    Refused,
    /// There was no room or no database, or the turn was not committed in time.
    Overflow,
}

impl Hooked {
    fn name(self) -> &'static str {
        match self {
            Hooked::Answered => "answered",
            Hooked::Refused => "refused",
            Hooked::Overflow => "overflow",
        }
    }
}

/// The figures of one process. Cheap to clone; all clones count together.
#[derive(Clone)]
pub struct Metrics(Arc<Figures>);

struct Figures {
    registry: Registry,
    hooks: Times<2>,
    turns: Family<Labels<2>, Counter>,
    turn_times: Times<1>,
    batches: Histogram,
    answers: Family<Labels<1>, Counter>,
    sends: Times<2>,
    circuits: Family<Labels<1>, Gauge>,
    limited: Family<Labels<1>, Counter>,
    tokens: Family<Labels<2>, Counter>,
    files: Family<Labels<1>, Counter>,
    waits: Histogram,
    transactions: Histogram,
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Metrics")
    }
}

/// Figures that nobody reads, for parts that run outside a service.
impl Default for Metrics {
    fn default() -> Self {
        Metrics::new(0)
    }
}

fn times() -> Histogram {
    Histogram::new(SECONDS)
}

impl Metrics {
    /// Figures at nought, of a process that started at this moment.
    pub fn new(started: Millis) -> Self {
        let hooks = Times::new_with_constructor(times as fn() -> Histogram);
        let turn_times = Times::new_with_constructor(times as fn() -> Histogram);
        let sends = Times::new_with_constructor(times as fn() -> Histogram);
        let mut figures = Figures {
            registry: Registry::with_prefix("minhu"),
            hooks,
            turns: Family::default(),
            turn_times,
            batches: Histogram::new(SIZES),
            answers: Family::default(),
            sends,
            circuits: Family::default(),
            limited: Family::default(),
            tokens: Family::default(),
            files: Family::default(),
            waits: times(),
            transactions: times(),
        };
        let Figures { registry, hooks, turns, turn_times, batches, answers, sends, .. } = &mut figures;
        let seconds = || Unit::Seconds;
        registry.register_with_unit("hook", "From a callback to its answer", seconds(), hooks.clone());
        registry.register("turns", "Turns by what became of them", turns.clone());
        registry.register_with_unit("turn", "From the queue to the commit", seconds(), turn_times.clone());
        registry.register("batch_turns", "Turns that ran in one transaction", batches.clone());
        registry.register("answers", "Replies that travelled in the response of a hook", answers.clone());
        registry.register_with_unit("send", "Calls that sent a message, by what became of it", seconds(), sends.clone());
        let Figures { registry, circuits, limited, tokens, files, waits, transactions, .. } = &mut figures;
        registry.register("circuit_open", "1 while nothing is sent on the channel", circuits.clone());
        registry.register("rate_limited", "Messages that were turned away for being too many", limited.clone());
        registry.register("token_refreshes", "Access tokens asked for", tokens.clone());
        registry.register("files", "Pictures, voices and videos by what became of fetching them", files.clone());
        registry.register_with_unit("database_wait", "Waiting for the right to use the database", seconds(), waits.clone());
        registry.register_with_unit("database_transaction", "From begin to commit or undoing", seconds(), transactions.clone());
        let begun = ConstGauge::new(i64::div_euclid(started, 1_000));
        registry.register_with_unit("start_time", "When the process started, in Unix time", seconds(), begun);
        let version = Family::<Labels<1>, Gauge>::default();
        version.get_or_create(&[("version", env!("CARGO_PKG_VERSION").to_owned())]).set(1);
        registry.register("build", "Which program this is", version);
        Metrics(Arc::new(figures))
    }

    /// A callback of a configured channel was dealt with.
    pub fn hooked(&self, channel: &str, how: Hooked, took: Duration) {
        observe(&self.0.hooks, &[("channel", channel.to_owned()), ("outcome", how.name().to_owned())], took);
    }

    /// A message has had its turn, this long after it joined the queue.
    pub fn turned(&self, channel: &str, how: Turned, took: Duration) {
        count(&self.0.turns, &[("channel", channel.to_owned()), ("outcome", how.name().to_owned())]);
        observe(&self.0.turn_times, &[("channel", channel.to_owned())], took);
    }

    /// So many turns are run in one transaction.
    pub fn batch(&self, turns: usize) {
        self.0.batches.observe(f64::from(u32::try_from(turns).unwrap_or(u32::MAX)));
    }

    /// A reply was handed over in the response of a hook.
    pub fn answered(&self, channel: &str) {
        count(&self.0.answers, &[("channel", channel.to_owned())]);
    }

    /// A platform was asked to deliver a message, and this came of it.
    pub fn sent(&self, channel: &str, outcome: &'static str, took: Duration) {
        observe(&self.0.sends, &[("channel", channel.to_owned()), ("outcome", outcome.to_owned())], took);
    }

    /// Nothing is sent on a channel for a while, or it goes on.
    pub fn circuit(&self, channel: &str, open: bool) {
        self.0.circuits.get_or_create(&[("channel", channel.to_owned())]).set(open.into());
    }

    /// A message was turned away because its sender or channel sends too many.
    pub fn rate_limited(&self, channel: &str) {
        count(&self.0.limited, &[("channel", channel.to_owned())]);
    }

    /// An access token was asked for.
    pub fn token(&self, channel: &str, got: bool) {
        let outcome = if got { "got" } else { "failed" };
        count(&self.0.tokens, &[("channel", channel.to_owned()), ("outcome", outcome.to_owned())]);
    }

    /// What became of a try to fetch a file.
    pub fn file(&self, outcome: &'static str) {
        count(&self.0.files, &[("outcome", outcome.to_owned())]);
    }

    /// The database could be used after this long.
    pub fn waited(&self, took: Duration) {
        self.0.waits.observe(took.as_secs_f64());
    }

    /// A transaction has ended.
    pub fn transacted(&self, took: Duration) {
        self.0.transactions.observe(took.as_secs_f64());
    }

    /// Writes the figures of the process in the text format, with what else stands in `more`.
    pub fn write(&self, into: &mut String, mut more: Registry) {
        more.register("log_lines_lost", "Lines of the log that nobody took", ConstCounter::new(crate::log::lost()));
        // Writing into a String cannot fail.
        let _ = encode_registry(into, &self.0.registry);
        let _ = encode_registry(into, &more);
    }
}

fn observe<const N: usize>(times: &Times<N>, labels: &Labels<N>, took: Duration) {
    times.get_or_create(labels).observe(took.as_secs_f64());
}

fn count<const N: usize>(counts: &Family<Labels<N>, Counter>, labels: &Labels<N>) {
    counts.get_or_create(labels).inc();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clones_count_together_and_times_fall_into_their_buckets() {
        let metrics = Metrics::new(1_764_000_000_000);
        let clone = metrics.clone();
        clone.turned("mp", Turned::Done, Duration::from_millis(3));
        metrics.turned("mp", Turned::Done, Duration::from_millis(30));
        metrics.turned("mp", Turned::Overflow, Duration::from_secs(100));
        metrics.circuit("mp", true);
        metrics.circuit("mp", false);
        let mut text = String::new();
        metrics.write(&mut text, Registry::with_prefix("minhu"));
        for line in [
            "minhu_turns_total{channel=\"mp\",outcome=\"done\"} 2",
            "minhu_turns_total{channel=\"mp\",outcome=\"overflow\"} 1",
            "minhu_turn_seconds_bucket{le=\"0.0025\",channel=\"mp\"} 0",
            "minhu_turn_seconds_bucket{le=\"0.005\",channel=\"mp\"} 1",
            "minhu_turn_seconds_bucket{le=\"0.04\",channel=\"mp\"} 2",
            "minhu_turn_seconds_bucket{le=\"+Inf\",channel=\"mp\"} 3",
            "minhu_circuit_open{channel=\"mp\"} 0",
            "minhu_start_time_seconds 1764000000",
        ] {
            assert!(text.lines().any(|found| found == line), "{line} is not in\n{text}");
        }
    }
}
