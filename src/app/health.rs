//! Looks after what the service stands on: the database, the disks, the clock, the channels. What it finds, `/readyz` tells.

use super::House;
use crate::{
    clock::{Clock, MINUTE},
    db::{Db, Trouble},
    outbox::Wake,
    web::{Ready, Reason},
};
use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// How often it looks.
const BEAT: Duration = Duration::from_secs(2);
/// How often it writes something although nobody complained: a service without messages must notice too that its disk is full.
const WRITES: Duration = Duration::from_secs(20);
/// Below so many bytes a disk counts as full: what is under way still has to be written.
const FULL: u64 = 64 << 20;
/// Below so many bytes somebody should make room.
const LOW: u64 = 1 << 30;

/// What is watched, and where it is told.
pub(super) struct Watched {
    pub(super) house: Arc<House>,
    pub(super) db: Db,
    pub(super) clock: Clock,
    /// Knows which platforms do not answer.
    pub(super) wake: Wake,
    /// Folders that grow.
    pub(super) disks: Vec<PathBuf>,
    pub(super) ready: Arc<Ready>,
    pub(super) stop: CancellationToken,
}

/// Runs until it is told to stop.
pub(super) async fn run(watched: Watched) {
    let Watched { house, db, clock, wake, disks, ready, stop } = watched;
    let mut written = Instant::now();
    // A newer program has changed the database; known until it is looked for again.
    let mut newer = false;
    loop {
        if let Some(by) = clock.look() {
            let minutes = by / MINUTE;
            tracing::error!(
                minutes,
                "the system's time jumped by {minutes} minutes; for an hour nothing is deleted or given up because of its age. Check the time"
            );
        }
        match db.trouble() {
            Some(trouble) => _ = db.probe(trouble == Trouble::Full).await,
            None if written.elapsed() >= WRITES => {
                let _ = db.probe(false).await;
                written = Instant::now();
            }
            None => match db.patiently(db.versions()).await {
                Ok((applied, known)) => newer = applied > known,
                Err(error) => _ = db.noticed(&error),
            },
        }
        ready.found(found(&house, &clock, &wake, &disks, newer));
        tokio::select! {
            () = tokio::time::sleep(BEAT) => {}
            () = stop.cancelled() => return,
        }
    }
}

fn found(house: &House, clock: &Clock, wake: &Wake, disks: &[PathBuf], newer: bool) -> Vec<Reason> {
    let free = disks.iter().filter_map(|folder| free(folder)).min();
    let halted: Vec<String> = house.halted().into_iter().map(|(channel, _)| channel).collect();
    let mut waits: Vec<String> = wake.circuits().into_iter().map(|circuit| circuit.channel).collect();
    waits.retain(|channel| !halted.contains(channel));
    let halted = halted.into_iter().map(Reason::ChannelHalted);
    halted
        .chain(waits.into_iter().map(Reason::ChannelWaits))
        .chain(free.and_then(room))
        .chain(clock.jumped().map(|by| Reason::ClockJumped(by / MINUTE)))
        .chain(newer.then_some(Reason::DatabaseNewer))
        .collect()
}

/// What is to be said about a disk with so many bytes left.
fn room(free: u64) -> Option<Reason> {
    match free {
        ..FULL => Some(Reason::DiskFull),
        FULL..LOW => Some(Reason::DiskLow),
        LOW.. => None,
    }
}

/// How many bytes we may still write into a folder, or into the nearest one above it that exists.
fn free(folder: &Path) -> Option<u64> {
    let folder = std::path::absolute(folder).ok()?;
    let stat = folder.ancestors().find_map(|folder| rustix::fs::statvfs(folder).ok())?;
    Some(stat.f_bavail.saturating_mul(stat.f_frsize))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_disk_is_full_before_nothing_is_left() {
        assert_eq!((room(0), room(FULL - 1)), (Some(Reason::DiskFull), Some(Reason::DiskFull)));
        assert_eq!((room(FULL), room(LOW - 1), room(LOW)), (Some(Reason::DiskLow), Some(Reason::DiskLow), None));
        let folder = tempfile::tempdir().unwrap();
        assert!(free(&folder.path().join("not/there/yet")).is_some());
    }
}
