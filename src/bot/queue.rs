//! The queue between the hooks and the workers: bounded, fair, and in order for each sender.
//!
//! Each sender has a line. A worker takes the first message of every line in turn, so that somebody who sends very much waits
//! behind his own messages and nobody else does. Messages of one sender always go to the same worker: with several of them a
//! conversation's messages are still handled in the order in which they came, and a message in a group never meets another worker
//! in its sender's private conversation.

use super::batch::Overflow;
use std::{
    collections::{HashMap, VecDeque},
    hash::{DefaultHasher, Hash, Hasher},
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};
use tokio::sync::{Notify, Semaphore};

/// Messages that may wait.
const ROOM: usize = 1_024;
/// Messages of one sender that may wait: nine pictures and some words.
const ROOM_FOR_ONE: usize = 32;
/// How long a hook waits for room before it tells the platform to come again.
const WAIT_FOR_ROOM: Duration = Duration::from_secs(2);
/// Messages run in one transaction at most.
const MOST: usize = 64;
/// Messages run in one transaction even if they take long.
const LEAST: usize = 8;
/// Longer work than this makes the next batch smaller, so that a message that comes meanwhile does not wait long.
const LONG: Duration = Duration::from_millis(20);

/// What waits for the workers.
pub(super) struct Queue<T> {
    room: Semaphore,
    /// How long a hook waits for room.
    patience: Duration,
    workers: Vec<Worker<T>>,
}

struct Worker<T> {
    lines: Mutex<Lines<T>>,
    news: Notify,
}

/// The lines of one worker's senders. A line that is empty is gone.
struct Lines<T> {
    by_sender: HashMap<String, VecDeque<T>>,
    /// Whose turn it is.
    order: VecDeque<String>,
    closed: bool,
}

impl<T> Queue<T> {
    /// A queue for so many workers.
    pub fn new(workers: usize) -> Self {
        let worker = |_| Worker {
            lines: Mutex::new(Lines { by_sender: HashMap::new(), order: VecDeque::new(), closed: false }),
            news: Notify::new(),
        };
        Queue { room: Semaphore::new(ROOM), patience: WAIT_FOR_ROOM, workers: (0..workers.max(1)).map(worker).collect() }
    }

    /// Puts a message at the end of its sender's line, waiting for room.
    ///
    /// # Errors
    /// When there is no room for so long, when too much of this sender waits already, or when nothing is taken any more.
    pub async fn put(&self, sender: &str, message: T) -> Result<(), Overflow> {
        let worker = self.worker_of(sender);
        // Whoever has too much waiting must not take the room of others either.
        if worker.lines().is_full(sender) {
            return Err(Overflow::NoRoom);
        }
        let room = tokio::time::timeout(self.patience, self.room.acquire()).await;
        let Ok(Ok(room)) = room else { return Err(Overflow::NoRoom) };
        worker.lines().put(sender, message)?;
        room.forget();
        worker.news.notify_one();
        Ok(())
    }

    /// The next messages for a worker, one of each sender, waiting until there are some. Nothing when the queue is closed and empty.
    pub async fn next(&self, worker: usize, most: usize) -> Option<Vec<T>> {
        let worker = &self.workers[worker];
        loop {
            {
                let mut lines = worker.lines();
                let next = lines.next(most);
                if !next.is_empty() {
                    self.room.add_permits(next.len());
                    return Some(next);
                }
                if lines.closed {
                    return None;
                }
            }
            worker.news.notified().await;
        }
    }

    /// Takes nothing more; what waits is still handed out.
    pub fn close(&self) {
        for worker in &self.workers {
            worker.lines().closed = true;
            worker.news.notify_one();
        }
    }

    /// Messages that wait.
    pub fn len(&self) -> usize {
        ROOM.saturating_sub(self.room.available_permits())
    }

    /// Must a message wait for room?
    pub fn is_full(&self) -> bool {
        self.room.available_permits() == 0
    }

    /// How many workers it is for.
    pub fn workers(&self) -> usize {
        self.workers.len()
    }

    fn worker_of(&self, sender: &str) -> &Worker<T> {
        let mut hasher = DefaultHasher::new();
        sender.hash(&mut hasher);
        // Whatever the remainder is, it fits.
        &self.workers[(hasher.finish() % self.workers.len() as u64) as usize]
    }
}

impl<T> Worker<T> {
    fn lines(&self) -> MutexGuard<'_, Lines<T>> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> Lines<T> {
    fn is_full(&self, sender: &str) -> bool {
        self.closed || self.by_sender.get(sender).is_some_and(|line| line.len() >= ROOM_FOR_ONE)
    }

    fn put(&mut self, sender: &str, message: T) -> Result<(), Overflow> {
        if self.is_full(sender) {
            return Err(Overflow::NoRoom);
        }
        if let Some(line) = self.by_sender.get_mut(sender) {
            line.push_back(message);
        } else {
            self.by_sender.insert(sender.to_owned(), VecDeque::from([message]));
            self.order.push_back(sender.to_owned());
        }
        Ok(())
    }

    fn next(&mut self, most: usize) -> Vec<T> {
        let count = most.min(self.order.len());
        let mut next = Vec::with_capacity(count);
        for sender in self.order.drain(..count).collect::<Vec<_>>() {
            let Some(line) = self.by_sender.get_mut(&sender) else { continue };
            next.extend(line.pop_front());
            if line.is_empty() {
                self.by_sender.remove(&sender);
            } else {
                self.order.push_back(sender);
            }
        }
        next
    }
}

/// How many messages the next batch may have, by how long the work of the last one took. Waiting for the disk is not work: it is
/// the same for many messages as for one.
#[derive(Debug)]
pub(super) struct Pace(AtomicUsize);

impl Pace {
    /// At first as many as there may be.
    pub fn new() -> Self {
        Pace(AtomicUsize::new(MOST))
    }

    /// The most messages for the next batch.
    pub fn most(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }

    /// A batch of so many messages was that much work.
    pub fn worked(&self, messages: usize, time: Duration) {
        let most = self.most();
        if time > LONG {
            self.0.store((messages / 2).max(LEAST).min(most), Ordering::Relaxed);
        } else if messages >= most {
            self.0.store((most * 2).min(MOST), Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_flood_waits_behind_itself_alone() {
        let queue = Queue::new(1);
        for number in 0..ROOM_FOR_ONE {
            queue.put("flood", ("flood", number)).await.unwrap();
        }
        assert_eq!(queue.put("flood", ("flood", 99)).await, Err(Overflow::NoRoom));
        queue.put("other", ("other", 0)).await.unwrap();
        queue.put("third", ("third", 0)).await.unwrap();
        queue.put("other", ("other", 1)).await.unwrap();
        assert_eq!(queue.next(0, 64).await.unwrap(), [("flood", 0), ("other", 0), ("third", 0)]);
        assert_eq!(queue.next(0, 64).await.unwrap(), [("flood", 1), ("other", 1)]);
        assert_eq!(queue.next(0, 64).await.unwrap(), [("flood", 2)]);
        assert_eq!(queue.len(), ROOM_FOR_ONE - 3);
    }

    #[tokio::test]
    async fn when_there_are_too_many_for_a_batch_everybody_gets_a_turn() {
        let queue = Queue::new(1);
        for round in 0..2 {
            for sender in ["a", "b", "c", "d"] {
                queue.put(sender, (sender, round)).await.unwrap();
            }
        }
        assert_eq!(queue.next(0, 3).await.unwrap(), [("a", 0), ("b", 0), ("c", 0)]);
        assert_eq!(queue.next(0, 3).await.unwrap(), [("d", 0), ("a", 1), ("b", 1)]);
        assert_eq!(queue.next(0, 3).await.unwrap(), [("c", 1), ("d", 1)]);
    }

    #[tokio::test]
    async fn each_sender_has_one_worker_and_all_workers_have_senders() {
        let queue = Queue::new(4);
        for round in 0..3 {
            for sender in 0..100 {
                queue.put(&sender.to_string(), (sender, round)).await.unwrap();
            }
        }
        queue.close();
        let mut seen = HashMap::new();
        for worker in 0..4 {
            let mut own = 0;
            while let Some(messages) = queue.next(worker, 64).await {
                for (sender, round) in messages {
                    let (place, next) = seen.entry(sender).or_insert((worker, 0));
                    assert_eq!((*place, *next), (worker, round));
                    *next += 1;
                    own += 1;
                }
            }
            assert!(own > 0);
        }
        assert_eq!(seen.len(), 100);
        assert!(seen.values().all(|(_, rounds)| *rounds == 3));
    }

    #[tokio::test]
    async fn a_full_queue_lets_wait_and_then_refuses() {
        let mut queue = Queue::new(1);
        for sender in 0..ROOM {
            queue.put(&sender.to_string(), sender).await.unwrap();
        }
        let (put, taken) = tokio::join!(queue.put("patient", 7), queue.next(0, 1));
        assert_eq!((put, taken), (Ok(()), Some(vec![0])));
        assert_eq!(queue.len(), ROOM);
        queue.patience = Duration::ZERO;
        assert_eq!(queue.put("late", 1).await, Err(Overflow::NoRoom));
        assert_eq!(queue.len(), ROOM);
    }

    #[tokio::test]
    async fn a_closed_queue_hands_out_what_it_has_and_takes_nothing() {
        let queue = Queue::new(1);
        queue.put("a", 1).await.unwrap();
        queue.close();
        assert_eq!(queue.put("a", 2).await, Err(Overflow::NoRoom));
        assert_eq!(queue.next(0, 64).await, Some(vec![1]));
        assert_eq!(queue.next(0, 64).await, None);
    }

    #[test]
    fn long_work_makes_batches_smaller_for_a_while() {
        let pace = Pace::new();
        pace.worked(64, LONG * 2);
        assert_eq!(pace.most(), 32);
        pace.worked(32, LONG * 2);
        assert_eq!(pace.most(), 16);
        pace.worked(3, LONG / 2);
        assert_eq!(pace.most(), 16, "a small batch says nothing about a large one");
        pace.worked(16, LONG / 2);
        assert_eq!(pace.most(), 32);
        pace.worked(1, LONG * 100);
        assert_eq!(pace.most(), LEAST);
    }
}
