//! How much may be under way on each channel now: the circuit of a platform that does not answer, what the platform permits,
//! and how many messages are in hand at once.
//!
//! All of it belongs to one process and is forgotten with it; the rows do not know of it.

use crate::{
    channels::{Ability, Pace},
    clock::{MINUTE, SECOND},
    message::Millis,
};
use governor::{DefaultDirectRateLimiter, DefaultKeyedRateLimiter, Quota, RateLimiter, clock::Clock as _};
use std::{
    collections::HashMap,
    num::NonZeroU32,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

/// So many failures in a row open the circuit.
const FAILURES: u32 = 3;
/// How long it stays open at first; each probe that fails doubles it.
const FIRST_PAUSE: Millis = 5 * SECOND;
/// How long it stays open at most.
const LONGEST_PAUSE: Millis = MINUTE;
/// Chats whose session rate is remembered before those at rest are forgotten.
const SESSIONS: usize = 1_024;

/// A channel on which nothing is tried for a while.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Circuit {
    /// The channel.
    pub channel: String,
    /// Until when nothing is tried. Afterwards one message probes; until it has come through the circuit is still listed.
    pub until: Millis,
}

/// What the end of a send says about its channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sign {
    /// The platform answered, whatever it said about the message.
    Answers,
    /// The platform cannot be reached or does not work.
    Fails,
    /// The platform wants nothing for so long.
    Halts(Millis),
    /// It was not asked.
    None,
}

/// What an end of a send has changed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Noted {
    /// The circuit was closed and is open now.
    pub opened: bool,
    /// The channel had worked just before: the failure may be the message's own.
    pub alone: bool,
}

/// The channels of one process.
#[derive(Debug, Clone, Default)]
pub(super) struct Traffic(Arc<Mutex<HashMap<String, Line>>>);

#[derive(Debug, Default)]
struct Line {
    in_hand: usize,
    failures: u32,
    /// Since when and until when nothing is tried.
    shut: Option<(Millis, Millis)>,
    pause: Millis,
    calls: Option<DefaultDirectRateLimiter>,
    sessions: Option<DefaultKeyedRateLimiter<String>>,
}

impl Traffic {
    fn lines(&self) -> MutexGuard<'_, HashMap<String, Line>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many messages may be taken for this channel now.
    pub fn room(&self, channel: &str, ability: &Ability, now: Millis) -> usize {
        let at_once = ability.pace.at_once;
        self.lines().get(channel).map_or(at_once, |line| line.room(at_once, now))
    }

    /// Is the circuit open, or its one probe still out?
    pub fn is_shut(&self, channel: &str, now: Millis) -> bool {
        self.lines().get(channel).is_some_and(|line| line.shut.is_some() && line.room(usize::MAX, now) == 0)
    }

    /// A message is in hand from now on, until [`Traffic::ended`].
    pub fn took(&self, channel: &str) {
        self.lines().entry(channel.to_owned()).or_default().in_hand += 1;
    }

    /// A message is no longer in hand.
    pub fn ended(&self, channel: &str, sign: Sign, now: Millis) -> Noted {
        let mut lines = self.lines();
        let line = lines.entry(channel.to_owned()).or_default();
        line.in_hand = line.in_hand.saturating_sub(1);
        line.note(sign, now)
    }

    /// The circuits that are not closed.
    pub fn circuits(&self) -> Vec<Circuit> {
        let lines = self.lines();
        let mut all: Vec<Circuit> =
            lines.iter().filter_map(|(channel, line)| Some(Circuit { channel: channel.clone(), until: line.shut?.1 })).collect();
        all.sort_by(|a, b| a.channel.cmp(&b.channel));
        all
    }

    /// Takes leave to make one call, or says how long to wait before asking again.
    pub fn call(&self, channel: &str, pace: Pace) -> Result<(), Duration> {
        let Some(limit) = pace.calls_a_second else { return Ok(()) };
        let mut lines = self.lines();
        let line = lines.entry(channel.to_owned()).or_default();
        let calls = line.calls.get_or_insert_with(|| RateLimiter::direct(quota(limit, Duration::from_secs(1))));
        calls.check().map_err(|not_yet| not_yet.wait_time_from(calls.clock().now()))
    }

    /// Takes leave to send one message through a chat's session address, or says how long to wait.
    pub fn session(&self, channel: &str, chat: &str, pace: Pace) -> Result<(), Duration> {
        let Some(limit) = pace.session_a_minute else { return Ok(()) };
        let mut lines = self.lines();
        let line = lines.entry(channel.to_owned()).or_default();
        let sessions = line.sessions.get_or_insert_with(|| RateLimiter::hashmap(quota(limit, Duration::from_secs(60))));
        if sessions.len() > SESSIONS {
            sessions.retain_recent();
        }
        sessions.check_key(&chat.to_owned()).map_err(|not_yet| not_yet.wait_time_from(sessions.clock().now()))
    }
}

/// At most `limit` in any period: a quarter may come at once, the rest is spread over the period.
fn quota(limit: NonZeroU32, period: Duration) -> Quota {
    let burst = NonZeroU32::new(limit.get() / 4).unwrap_or(NonZeroU32::MIN);
    let spread = (limit.get() - burst.get()).max(1);
    Quota::with_period(period / spread).unwrap_or(Quota::per_second(NonZeroU32::MIN)).allow_burst(burst)
}

impl Line {
    fn room(&self, at_once: usize, now: Millis) -> usize {
        match self.shut {
            // A clock that was put back must not keep it shut for the difference.
            Some((since, until)) if since <= now && now < until => 0,
            Some(_) => 1_usize.saturating_sub(self.in_hand),
            None => at_once.saturating_sub(self.in_hand),
        }
    }

    fn note(&mut self, sign: Sign, now: Millis) -> Noted {
        match sign {
            Sign::None => Noted::default(),
            Sign::Answers => {
                (self.failures, self.shut, self.pause) = (0, None, 0);
                Noted::default()
            }
            Sign::Halts(pause) => {
                let opened = self.shut.is_none();
                self.shut = Some((now, now + pause));
                Noted { opened, alone: false }
            }
            Sign::Fails => {
                self.failures += 1;
                let alone = self.failures == 1 && self.shut.is_none();
                let opened = self.shut.is_none() && self.failures >= FAILURES;
                let probed = self.shut.is_some_and(|(since, until)| now < since || until <= now);
                if opened || probed {
                    self.pause = (self.pause * 2).clamp(FIRST_PAUSE, LONGEST_PAUSE);
                    self.shut = Some((now, now + self.pause));
                }
                Noted { opened, alone }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(traffic: &Traffic, at_once: usize, now: Millis) -> usize {
        traffic.lines().get("mp").map_or(at_once, |line| line.room(at_once, now))
    }

    fn end(traffic: &Traffic, sign: Sign, now: Millis) -> Noted {
        traffic.took("mp");
        traffic.ended("mp", sign, now)
    }

    #[test]
    fn three_failures_open_the_circuit_and_one_message_probes() {
        let traffic = Traffic::default();
        assert_eq!(end(&traffic, Sign::Fails, 0), Noted { opened: false, alone: true });
        assert_eq!(end(&traffic, Sign::Fails, 0), Noted { opened: false, alone: false });
        assert!(!traffic.is_shut("mp", 0));
        assert_eq!(end(&traffic, Sign::Fails, 0), Noted { opened: true, alone: false });
        assert_eq!(traffic.circuits(), [Circuit { channel: "mp".into(), until: 5_000 }]);
        assert!(traffic.is_shut("mp", 4_999));
        assert_eq!((line(&traffic, 16, 4_999), line(&traffic, 16, 5_000)), (0, 1));
        traffic.took("mp");
        assert_eq!(line(&traffic, 16, 5_000), 0);
        assert!(traffic.is_shut("mp", 5_000));
        assert_eq!(traffic.ended("mp", Sign::Answers, 5_100), Noted::default());
        assert_eq!((line(&traffic, 16, 5_100), traffic.circuits()), (16, Vec::new()));
    }

    #[test]
    fn each_probe_that_fails_doubles_the_pause_up_to_a_minute() {
        let traffic = Traffic::default();
        (0..3).for_each(|_| _ = end(&traffic, Sign::Fails, 0));
        let mut now = 0;
        for pause in [5, 10, 20, 40, 60, 60] {
            assert_eq!(traffic.circuits()[0].until, now + pause * SECOND);
            // What was still under way when it opened says nothing new.
            end(&traffic, Sign::Fails, now);
            now += pause * SECOND;
            assert_eq!(line(&traffic, 16, now), 1);
            end(&traffic, Sign::Fails, now);
        }
    }

    #[test]
    fn what_is_in_hand_takes_room_and_other_channels_do_not_feel_it() {
        let traffic = Traffic::default();
        (0..5).for_each(|_| traffic.took("mp"));
        assert_eq!(line(&traffic, 4, 0), 0);
        assert!(!traffic.is_shut("mp", 0));
        assert!(!traffic.is_shut("ding", 0));
        traffic.ended("mp", Sign::None, 0);
        traffic.ended("mp", Sign::None, 0);
        assert_eq!(line(&traffic, 4, 0), 1);
    }

    #[test]
    fn a_halt_lasts_as_long_as_the_platform_says_and_a_clock_put_back_ends_it() {
        let traffic = Traffic::default();
        assert!(end(&traffic, Sign::Halts(600_000), 1_000).opened);
        assert!(!end(&traffic, Sign::Halts(600_000), 1_000).opened);
        assert_eq!((line(&traffic, 9, 1_000), line(&traffic, 9, 600_999), line(&traffic, 9, 601_000)), (0, 0, 1));
        assert_eq!(line(&traffic, 9, 999), 1);
    }

    #[test]
    fn what_a_platform_permits_is_not_exceeded() {
        let twenty = NonZeroU32::new(20);
        let pace = Pace { at_once: 1, calls_a_second: twenty, session_a_minute: twenty };
        let traffic = Traffic::default();
        let at_once = (0..20).filter(|_| traffic.session("ding", "a", pace).is_ok()).count();
        assert_eq!(at_once, 5);
        assert!(traffic.session("ding", "a", pace).unwrap_err() > Duration::from_secs(3));
        assert!(traffic.session("ding", "b", pace).is_ok());
        (0..5).for_each(|_| _ = traffic.call("ding", pace));
        assert!(traffic.call("ding", pace).unwrap_err() <= Duration::from_secs(1) / 15);
        let free = Pace { calls_a_second: None, session_a_minute: None, ..pace };
        assert!((0..100).all(|_| traffic.call("sim", free).is_ok() && traffic.session("sim", "a", free).is_ok()));
    }
}
