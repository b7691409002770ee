//! The log: lines on standard error, written by a thread of their own.
//!
//! Nobody who writes a line ever waits for whoever reads it. When the reader stops (a pipe that is full, a disk that is), lines
//! are kept up to a bound, then counted and dropped; the first line that gets through again is followed by one that says how
//! many are missing.

use std::{
    collections::VecDeque,
    io::{self, IsTerminal, Write},
    panic,
    sync::{
        Arc, Condvar, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::Duration,
};
use tracing::{Level, Metadata, Subscriber};
use tracing_subscriber::{EnvFilter, Layer, filter::filter_fn, fmt::MakeWriter, layer::SubscriberExt};

/// Lines that wait for the reader at most.
const ROOM: usize = 4_096;
/// How long the end of the program waits for the last lines to be read.
const LAST_LINES: Duration = Duration::from_secs(2);

/// Lines that nobody took since the process started.
static LOST: AtomicU64 = AtomicU64::new(0);

/// How many lines of the log were dropped because nobody took them.
pub fn lost() -> u64 {
    LOST.load(Ordering::Relaxed)
}

/// How a line looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

impl Format {
    /// The format of this name; nothing said means text.
    pub fn parse(name: Option<&str>) -> Option<Self> {
        match name {
            None | Some("" | "text") => Some(Format::Text),
            Some("json") => Some(Format::Json),
            Some(_) => None,
        }
    }
}

/// Begins to log; what is returned writes the last lines when it is dropped. A panic says where it was and never what it was
/// about: its text may quote what somebody wrote.
pub fn start(words: Option<&str>, format: Format) -> Last {
    let lines = Lines::default();
    let queue = lines.0.clone();
    let written = thread::Builder::new().name("log".into()).spawn(move || queue.write(&mut io::stderr()));
    // A second subscriber of the same process cannot come to pass outside tests, and would only change who writes.
    let _ = tracing::subscriber::set_global_default(subscriber(words, format, lines.clone()));
    panic::set_hook(Box::new(|info| {
        let at = info.location().map(ToString::to_string).unwrap_or_default();
        tracing::error!(at, "a panic at {at}");
    }));
    Last { lines, written: written.is_ok() }
}

/// What takes the lines and shapes them. `words` choose by level and place as `MINHU_LOG` does, for our own code alone: what other
/// code says below a warning may hold addresses with tokens, or values.
pub fn subscriber<W>(words: Option<&str>, format: Format, writer: W) -> impl Subscriber + Send + Sync
where
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    let filter = words.and_then(|words| EnvFilter::try_new(words).ok()).unwrap_or_else(|| "info".into());
    let line = tracing_subscriber::fmt::layer().with_writer(writer);
    let line: Box<dyn Layer<_> + Send + Sync> = match format {
        Format::Text => line.with_ansi(io::stderr().is_terminal()).boxed(),
        Format::Json => line.json().flatten_event(true).with_span_list(false).boxed(),
    };
    // The pool says every try to connect and every wait; we say once that the database is gone, and once that it is back.
    let kept = filter_fn(|about: &Metadata<'_>| {
        is_ours(about)
            || (*about.level() <= Level::WARN
                && !["sqlx_core::pool", "sqlx::pool"].iter().any(|pool| about.target().starts_with(pool)))
    });
    tracing_subscriber::registry().with(line).with(filter).with(kept)
}

fn is_ours(about: &Metadata<'_>) -> bool {
    let target = about.target();
    target == "minhu" || target.starts_with("minhu::")
}

/// The lines under way.
#[derive(Clone, Default)]
struct Lines(Arc<Queue>);

#[derive(Default)]
struct Queue {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    waiting: VecDeque<Vec<u8>>,
    /// A line has been taken out and is being written.
    writing: bool,
}

impl Queue {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn push(&self, line: &[u8]) {
        let mut state = self.state();
        if state.waiting.len() < ROOM {
            state.waiting.push_back(line.to_vec());
            self.changed.notify_all();
        } else {
            LOST.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Writes what comes, for ever.
    fn write(&self, out: &mut impl Write) {
        let mut told = 0;
        loop {
            let mut state = self.state();
            state.writing = false;
            self.changed.notify_all();
            let mut state =
                self.changed.wait_while(state, |state| state.waiting.is_empty()).unwrap_or_else(PoisonError::into_inner);
            let line = state.waiting.pop_front().unwrap_or_default();
            state.writing = true;
            drop(state);
            // A full disk or a reader that has gone: the next line may fare better.
            if out.write_all(&line).and_then(|()| out.flush()).is_err() {
                LOST.fetch_add(1, Ordering::Relaxed);
            } else if told < lost() {
                let lost = lost();
                tracing::warn!(
                    lost = lost - told,
                    "{} lines of the log are missing before this one: nobody took them",
                    lost - told
                );
                told = lost;
            }
        }
    }

    /// Waits until everything is written, or for as long as is worth waiting.
    fn drain(&self, most: Duration) {
        let unfinished = |state: &mut State| state.writing || !state.waiting.is_empty();
        drop(self.changed.wait_timeout_while(self.state(), most, unfinished));
    }
}

/// One line being made, handed over as a whole.
struct Line(Arc<Queue>);

impl Write for Line {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.0.push(line);
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'w> MakeWriter<'w> for Lines {
    type Writer = Line;

    fn make_writer(&'w self) -> Line {
        Line(self.0.clone())
    }
}

/// Lets the last lines out when it is dropped, and does not wait for ever.
#[must_use]
pub struct Last {
    lines: Lines,
    written: bool,
}

impl Drop for Last {
    fn drop(&mut self) {
        if self.written {
            self.lines.0.drain(LAST_LINES);
        }
    }
}
