//! Rates of messages: nobody can keep the service so busy that another waits.
//!
//! Counted in this process and by its own steady clock, in front of the queue: a flood costs a look into a table, no
//! transaction. What is over the rate is never dropped silently (`docs/contract.md` section 4).

use crate::{
    channels::Channel,
    config::{Limits, Rate},
    message::Address,
};
use governor::{DefaultDirectRateLimiter, Quota, RateLimiter, clock::MonotonicClock, state::keyed::HashMapStateStore};
use std::{
    collections::HashMap,
    hash::{BuildHasher, RandomState},
    num::NonZeroU32,
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

/// Persons counted by a keyed hash of their address.
type Persons = RateLimiter<u64, HashMapStateStore<u64>, MonotonicClock>;

/// Somebody who cannot be answered in the response is told this often that messages are not taken.
const TOLD_EVERY: Duration = Duration::from_secs(60);
/// After so many messages those who have been quiet are forgotten, so that the tables stay small.
const TIDY_EVERY: u32 = 4_096;

/// What becomes of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It is taken.
    Taken,
    /// Its sender writes too often. `tell`: it is time to say so.
    TooFast {
        /// Nothing was said about it in the last minute.
        tell: bool,
    },
    /// All together write more than is stored in time.
    TooMany,
}

/// The counters of one process.
pub struct Gate {
    hasher: RandomState,
    persons: Option<Persons>,
    told: Persons,
    channels: HashMap<String, DefaultDirectRateLimiter>,
    until_tidy: AtomicU32,
}

impl Gate {
    /// A gate for these channels. Only whoever sits at the machine reaches the simulator, and may let anybody there talk as fast as he
    /// likes.
    pub fn of(limits: &Limits, channels: &HashMap<String, Channel>) -> Self {
        let counted = channels.iter().filter(|(_, channel)| !matches!(channel, Channel::Simulator(_)));
        Gate::new(limits, counted.map(|(id, _)| id.as_str()))
    }

    fn new<'c>(limits: &Limits, channels: impl Iterator<Item = &'c str>) -> Self {
        let all = |rate: Rate| channels.map(|id| (id.to_owned(), RateLimiter::direct(quota(rate)))).collect();
        let told = quota(Rate { count: NonZeroU32::MIN, per: TOLD_EVERY });
        Gate {
            hasher: RandomState::new(),
            persons: limits.person.map(|rate| RateLimiter::hashmap(quota(rate))),
            told: RateLimiter::hashmap(told),
            channels: limits.channel.map(all).unwrap_or_default(),
            until_tidy: AtomicU32::new(TIDY_EVERY),
        }
    }

    /// Counts a message. Whoever is over his own rate does not use up what all have together.
    pub(super) fn count(&self, from: &Address) -> Verdict {
        let person = self.hasher.hash_one((&from.channel, &from.account));
        if self.persons.as_ref().is_some_and(|persons| persons.check_key(&person).is_err()) {
            return Verdict::TooFast { tell: self.told.check_key(&person).is_ok() };
        }
        if self.until_tidy.fetch_sub(1, Ordering::Relaxed) == 0 {
            self.until_tidy.store(TIDY_EVERY, Ordering::Relaxed);
            self.persons.as_ref().inspect(|persons| persons.retain_recent());
            self.told.retain_recent();
        }
        match self.channels.get(&from.channel) {
            Some(channel) if channel.check().is_err() => Verdict::TooMany,
            _ => Verdict::Taken,
        }
    }
}

/// `count` at once, one more whenever its share of the time has passed.
fn quota(rate: Rate) -> Quota {
    let share = (rate.per / rate.count.get()).max(Duration::from_nanos(1));
    Quota::with_period(share).unwrap_or(Quota::per_second(NonZeroU32::MAX)).allow_burst(rate.count)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gate(person: u32, channel: u32) -> Gate {
        // An hour, so that nothing comes back while the test runs.
        let rate = |count| NonZeroU32::new(count).map(|count| Rate { count, per: Duration::from_secs(3_600) });
        Gate::new(&Limits { person: rate(person), channel: rate(channel) }, ["mp", "ding"].into_iter())
    }

    fn from(channel: &str, account: &str, group: Option<&str>) -> Address {
        Address { channel: channel.into(), account: account.into(), group: group.map(Into::into) }
    }

    #[test]
    fn a_flood_of_one_stops_nobody_else_and_is_told_once() {
        let gate = gate(3, 0);
        let (loud, other) = (from("mp", "loud", None), from("mp", "other", None));
        let verdicts: Vec<Verdict> = (0..6).map(|_| gate.count(&loud)).collect();
        let (taken, told, not) = (Verdict::Taken, Verdict::TooFast { tell: true }, Verdict::TooFast { tell: false });
        assert_eq!(verdicts, [taken, taken, taken, told, not, not]);
        assert_eq!(gate.count(&other), taken);
        // The same person in a group counts together with his private chat; the same id on another channel does not.
        assert_eq!(gate.count(&from("mp", "loud", Some("g"))), not);
        assert_eq!(gate.count(&from("ding", "loud", None)), taken);
    }

    #[test]
    fn all_together_are_counted_by_channel_without_those_who_were_turned_away() {
        let gate = gate(1, 2);
        assert_eq!(gate.count(&from("mp", "a", None)), Verdict::Taken);
        for _ in 0..5 {
            assert!(matches!(gate.count(&from("mp", "a", None)), Verdict::TooFast { .. }));
        }
        assert_eq!(gate.count(&from("mp", "b", None)), Verdict::Taken);
        assert_eq!(gate.count(&from("mp", "c", None)), Verdict::TooMany);
        assert_eq!(gate.count(&from("ding", "d", None)), Verdict::Taken);
    }

    #[test]
    fn without_limits_everything_is_taken() {
        let gate = gate(0, 0);
        assert!((0..10_000).all(|_| gate.count(&from("mp", "a", None)) == Verdict::Taken));
    }

    #[test]
    fn those_who_are_quiet_again_are_forgotten() {
        let quick = Rate { count: NonZeroU32::MIN, per: Duration::from_nanos(1) };
        let tiny = Gate::new(&Limits { person: Some(quick), channel: None }, std::iter::empty());
        for number in 0..2 * TIDY_EVERY {
            tiny.count(&from("mp", &number.to_string(), None));
        }
        let left = tiny.persons.as_ref().map_or(0, RateLimiter::len);
        assert!(left < TIDY_EVERY as usize, "{left}");
    }
}
