//! Whether messages can be taken and answered now, and why not: what `/readyz` says. `docs/handbook/readyz.md` explains each reason.

use crate::db::Trouble;
use serde_json::{Value, json};
use std::sync::{
    Mutex, PoisonError,
    atomic::{AtomicBool, Ordering},
};

/// Something worth knowing about the service. None of them holds a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reason {
    /// The database is in trouble.
    Database(Trouble),
    /// Every place in the queue is taken.
    QueueFull,
    /// A disk of ours has no room left.
    DiskFull,
    /// A platform lets us send nothing on this channel before somebody acts.
    ChannelHalted(String),
    /// The service was told to stop.
    Stopping,
    /// The platform of this channel does not answer: what is to be said there waits in the outbox.
    ChannelWaits(String),
    /// A disk of ours has little room left.
    DiskLow,
    /// The system's time jumped within the last hour, by so many minutes.
    ClockJumped(i64),
    /// A newer program has changed the database.
    DatabaseNewer,
}

impl Reason {
    /// Should messages go elsewhere because of it? The others are worth a look but nothing is broken.
    pub fn is_grave(&self) -> bool {
        match self {
            Reason::Database(_) | Reason::QueueFull | Reason::DiskFull | Reason::ChannelHalted(_) | Reason::Stopping => true,
            Reason::ChannelWaits(_) | Reason::DiskLow | Reason::ClockJumped(_) | Reason::DatabaseNewer => false,
        }
    }

    /// The word for machines.
    pub fn word(&self) -> &'static str {
        match self {
            Reason::Database(trouble) => trouble.word(),
            Reason::QueueFull => "queue_full",
            Reason::DiskFull => "disk_full",
            Reason::ChannelHalted(_) => "channel_halted",
            Reason::Stopping => "stopping",
            Reason::ChannelWaits(_) => "channel_waits",
            Reason::DiskLow => "disk_low",
            Reason::ClockJumped(_) => "clock_jumped",
            Reason::DatabaseNewer => "database_newer",
        }
    }

    fn told(&self) -> Value {
        json!({ "reason": self.word(), "says": super::wording::reason(self) })
    }
}

/// What was found when somebody last looked.
#[derive(Debug, Default)]
pub struct Ready {
    found: Mutex<Vec<Reason>>,
    stopping: AtomicBool,
}

impl Ready {
    /// Puts what was found now in place of what was found before.
    pub fn found(&self, reasons: Vec<Reason>) {
        *self.found.lock().unwrap_or_else(PoisonError::into_inner) = reasons;
    }

    /// From now on the service is about to stop.
    pub fn stopping(&self) {
        self.stopping.store(true, Ordering::Relaxed);
    }

    /// Is the service ready, and what is there to say, with what is known at this moment?
    pub fn told(&self, now: impl Iterator<Item = Reason>) -> (bool, Value) {
        let found = self.found.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let stopping = self.stopping.load(Ordering::Relaxed).then_some(Reason::Stopping);
        let (grave, notes): (Vec<Reason>, Vec<Reason>) = stopping.into_iter().chain(now).chain(found).partition(Reason::is_grave);
        let mut body = json!({ "ready": grave.is_empty() });
        for (name, list) in [("reasons", &grave), ("notes", &notes)] {
            if !list.is_empty() {
                body[name] = list.iter().map(Reason::told).collect();
            }
        }
        (grave.is_empty(), body)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grave_reasons_make_it_unready_and_notes_do_not() {
        let ready = Ready::default();
        assert_eq!(ready.told(std::iter::empty()), (true, json!({ "ready": true })));
        ready.found(vec![Reason::ClockJumped(-180), Reason::DiskLow]);
        let (is_ready, body) = ready.told(std::iter::empty());
        assert!(is_ready && body["notes"][0]["reason"] == "clock_jumped" && body.get("reasons").is_none(), "{body}");
        ready.found(vec![Reason::ChannelHalted("mp".into()), Reason::DatabaseNewer]);
        ready.stopping();
        let (is_ready, body) = ready.told([Reason::Database(Trouble::Full)].into_iter());
        let words: Vec<&str> =
            body["reasons"].as_array().unwrap().iter().map(|reason| reason["reason"].as_str().unwrap()).collect();
        assert_eq!((is_ready, words), (false, vec!["stopping", "database_full", "channel_halted"]));
        assert!(body["reasons"][2]["says"].as_str().unwrap().contains("mp"));
    }

    #[test]
    fn the_handbook_explains_every_word() {
        let page = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/handbook/readyz.md")).unwrap();
        for reason in [
            Reason::Database(Trouble::Unreachable),
            Reason::Database(Trouble::Busy),
            Reason::Database(Trouble::Full),
            Reason::Database(Trouble::ReadOnly),
            Reason::QueueFull,
            Reason::DiskFull,
            Reason::ChannelHalted(String::new()),
            Reason::Stopping,
            Reason::ChannelWaits(String::new()),
            Reason::DiskLow,
            Reason::ClockJumped(0),
            Reason::DatabaseNewer,
        ] {
            assert!(page.contains(&format!("`{}`", reason.word())), "{}", reason.word());
        }
    }
}
