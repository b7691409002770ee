//! What the rest of the program tells the courier.

use super::{
    store::handed,
    traffic::{Circuit, Traffic},
};
use crate::{
    db::{Bell, Tx},
    error::Result,
    message::Millis,
};
use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::{sync::Notify, time::Instant};

/// Replies that were handed over wait this long for a transaction that takes them along.
pub(super) const PATIENCE: Duration = Duration::from_millis(100);

/// Wakes the courier and tells it which held replies have travelled in an HTTP response.
#[derive(Debug, Clone, Default)]
pub struct Wake {
    pub(super) look: Arc<Notify>,
    pub(super) handed: Arc<Notify>,
    bell: Bell,
    ends: Arc<Mutex<Ends>>,
    pub(super) traffic: Traffic,
}

/// Ends of held replies that are not written down yet.
#[derive(Debug, Default)]
struct Ends {
    handed: Vec<i64>,
    since: Option<Instant>,
    /// Somebody waits for them to be written down.
    pressed: bool,
}

/// Ends that a transaction has written down. Dropped before [`Settled::kept`], they wait for the next one.
#[derive(Debug)]
#[must_use = "say that the transaction was committed"]
pub struct Settled {
    taken: Ends,
    home: Arc<Mutex<Ends>>,
}

impl Wake {
    /// Something may be due: for this process's courier at once, for the others soon.
    pub fn wake(&self) {
        self.look.notify_one();
        self.bell.ring();
    }

    /// Another process says that something may be due.
    pub fn heard(&self) {
        self.look.notify_one();
    }

    /// Rings for the other processes.
    pub fn bell(&self) -> Bell {
        self.bell.clone()
    }

    /// A held reply was handed over in time.
    pub fn settle(&self, row: i64) {
        let mut ends = lock(&self.ends);
        ends.since.get_or_insert_with(Instant::now);
        ends.handed.push(row);
        self.handed.notify_one();
    }

    /// Writes down, in a transaction that is open anyway, what has become of held replies. Whoever calls it says
    /// [`Settled::kept`] after the commit.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn write_settled(&self, tx: &mut Tx, now: Millis) -> Result<Settled> {
        let settled = Settled { taken: std::mem::take(&mut *lock(&self.ends)), home: self.ends.clone() };
        handed(tx, &settled.taken.handed, now).await?;
        Ok(settled)
    }

    /// Has what is known of held replies written down now, instead of with the next transaction.
    pub fn press(&self) {
        let mut ends = lock(&self.ends);
        if ends.since.is_some() && !ends.pressed {
            ends.pressed = true;
            self.look.notify_one();
        }
    }

    /// Has something to be written down without waiting for another transaction?
    pub(super) fn is_pressed(&self) -> bool {
        let ends = lock(&self.ends);
        ends.pressed || ends.since.is_some_and(|since| since.elapsed() >= PATIENCE)
    }

    /// Is anything still to be written down?
    pub(super) fn is_owed(&self) -> bool {
        lock(&self.ends).since.is_some()
    }

    /// The platforms to which nothing is sent for a while, because they do not answer or want nothing.
    pub fn circuits(&self) -> Vec<Circuit> {
        self.traffic.circuits()
    }
}

impl Settled {
    /// The transaction was committed.
    pub fn kept(mut self) {
        self.taken = Ends::default();
    }
}

impl Drop for Settled {
    fn drop(&mut self) {
        let taken = std::mem::take(&mut self.taken);
        if taken.since.is_some() {
            let mut ends = lock(&self.home);
            ends.handed.extend(taken.handed);
            ends.since = taken.since;
        }
    }
}

fn lock(ends: &Mutex<Ends>) -> MutexGuard<'_, Ends> {
    ends.lock().unwrap_or_else(PoisonError::into_inner)
}
