//! Access tokens: fetched once for everybody who uses the account.
//!
//! A second fetch may end the life of the token that the first one gave, and fetches are counted; so the callers of a process wait
//! for one fetch, and the processes on one database for one process, which holds a lease. The token lies sealed in a row. No
//! transaction is open while it is fetched.

use crate::{
    clock::{Clock, SECOND},
    db::{Db, lease},
    error::{Error, Result as Stored},
    message::Millis,
    metrics::Metrics,
    seal::Keys,
};
use secrecy::{ExposeSecret, SecretString};
use std::time::Duration;
use tokio::{sync::Mutex, time::Instant};

/// Longer than a fetch takes at most.
const LEASE: Millis = 20 * SECOND;
/// How long to wait for another process's fetch, and how often to look.
const PATIENCE: Duration = Duration::from_secs(12);
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// Where processes share their tokens; the command line works without.
#[derive(Debug, Clone)]
pub struct Shared {
    /// The database they share.
    pub db: Db,
    /// The keys that seal.
    pub keys: Keys,
    /// The clock by which tokens end.
    pub clock: Clock,
    /// Where fetches are counted.
    pub metrics: Metrics,
}

/// A token as the platform gave it, and how long it may be used.
pub(super) struct Fresh {
    pub value: SecretString,
    pub use_for: Duration,
}

/// How a fetch under the lease ended.
enum Ended {
    Fetched(Token),
    Failed,
    /// Another process had just fetched one.
    Unneeded,
}

/// The token of one account. `E` says why a call did not happen.
pub(super) struct Tokens<E> {
    channel: String,
    name: String,
    shared: Option<Shared>,
    /// What to say when another process is fetching and no token comes, or the database does not answer.
    busy: E,
    /// Held while a token is fetched, so that one caller asks and the others wait for what it gets.
    live: Mutex<Live<E>>,
}

struct Live<E> {
    token: Option<Token>,
    /// When the last fetch failed, and how. Those who were waiting by then share the failure: each asking anew would hold the
    /// queue for as many time-outs, and frequent requests are throttled.
    failed: Option<(Instant, E)>,
}

#[derive(Clone)]
struct Token {
    value: SecretString,
    until: Millis,
}

impl Token {
    /// May it be used now, by somebody for whom this one was just turned down?
    fn serves(&self, now: Millis, refused: Option<&SecretString>) -> bool {
        now < self.until && refused.is_none_or(|refused| refused.expose_secret() != self.value.expose_secret())
    }
}

impl<E: Clone> Tokens<E> {
    /// The token of a channel's account with this name, which names platform and account and is no secret.
    pub fn new(channel: String, name: String, shared: Option<Shared>, busy: E) -> Self {
        Tokens { channel, name, shared, busy, live: Mutex::new(Live { token: None, failed: None }) }
    }

    /// The token. `refused` is one that was just turned down: another is wanted. `fetch` is polled only when it must be.
    pub async fn get(
        &self,
        refused: Option<&SecretString>,
        fetch: impl Future<Output = Result<Fresh, E>> + Send,
    ) -> Result<SecretString, E> {
        let asked = Instant::now();
        let mut live = self.live.lock().await;
        if let Some(token) = live.token.as_ref().filter(|token| token.serves(self.now(), refused)) {
            return Ok(token.value.clone());
        }
        if let Some((_, error)) = live.failed.as_ref().filter(|(at, _)| *at >= asked) {
            return Err(error.clone());
        }
        let got = match &self.shared {
            Some(shared) => self.through(shared, refused, fetch).await,
            None => self.fetched(fetch).await,
        };
        let result = got.as_ref().map(|token| token.value.clone()).map_err(E::clone);
        *live = match got {
            Ok(token) => Live { token: Some(token), failed: None },
            Err(error) => Live { token: None, failed: Some((Instant::now(), error)) },
        };
        result
    }

    fn now(&self) -> Millis {
        self.shared.as_ref().map_or_else(|| Clock::system().now(), |shared| shared.clock.now())
    }

    async fn fetched(&self, fetch: impl Future<Output = Result<Fresh, E>> + Send) -> Result<Token, E> {
        let asked = self.now();
        let fetched = fetch.await;
        if let Some(shared) = &self.shared {
            shared.metrics.token(&self.channel, fetched.is_ok());
        }
        let Fresh { value, use_for } = fetched?;
        Ok(Token { value, until: asked + Millis::try_from(use_for.as_millis()).unwrap_or_default() })
    }

    /// The token that the processes share: the stored one, or one fetched under the lease.
    async fn through(
        &self,
        shared: &Shared,
        refused: Option<&SecretString>,
        fetch: impl Future<Output = Result<Fresh, E>> + Send,
    ) -> Result<Token, E> {
        let begun = Instant::now();
        let lease = format!("token {}", self.name);
        // Whoever waits for another process looks at the row first; whoever gets the lease looks again, because it may have
        // been written in between.
        let mut ours = false;
        loop {
            if let Some(token) = self.or_busy(self.stored(shared).await)?.filter(|token| token.serves(self.now(), refused)) {
                if ours {
                    self.or_busy(self.end(shared, &lease, Ended::Unneeded).await)?;
                }
                return Ok(token);
            }
            if ours {
                let got = self.fetched(fetch).await;
                let ended = got.as_ref().map_or(Ended::Failed, |token| Ended::Fetched(token.clone()));
                self.or_busy(self.end(shared, &lease, ended).await)?;
                return got;
            }
            let (db, name, now) = (shared.db.clone(), lease.clone(), shared.clock.now());
            ours = self.or_busy(apart(async move { lease::take(&db, &name, LEASE, now).await }).await)?;
            if !ours {
                if begun.elapsed() > PATIENCE {
                    return Err(self.busy.clone());
                }
                tokio::time::sleep(LOOK_EVERY).await;
            }
        }
    }

    /// Trouble of the database, logged, becomes the platform's way of saying that it is not possible now.
    fn or_busy<T>(&self, result: Stored<T>) -> Result<T, E> {
        result.map_err(|error| {
            tracing::warn!(token = %self.name, error = %error, "an access token could not be shared: {error}");
            self.busy.clone()
        })
    }

    /// The stored token. One that does not open was sealed under another key and is as good as none.
    async fn stored(&self, shared: &Shared) -> Stored<Option<Token>> {
        let row: Option<(String, Millis)> = sqlx::query_as("SELECT sealed, until FROM access_token WHERE name = $1")
            .bind(self.name.clone())
            .fetch_optional(&mut *shared.db.read().await?)
            .await?;
        let opened = row.and_then(|(sealed, until)| Some((shared.keys.open(&self.place(), &sealed).ok()?, until)));
        Ok(opened.map(|(value, until)| Token { value: value.into(), until }))
    }

    /// Gives the lease back and writes what came of it. Whoever was so slow that the lease has gone to another leaves the row to
    /// that one.
    async fn end(&self, shared: &Shared, lease: &str, ended: Ended) -> Stored<()> {
        let (Shared { db, keys, .. }, lease, name, place) = (shared.clone(), lease.to_owned(), self.name.clone(), self.place());
        apart(async move {
            let mut tx = db.write().await?;
            let ours = lease::give_back(&mut tx, db.process(), &lease).await?;
            match ended {
                Ended::Fetched(token) if ours => {
                    sqlx::query(
                        "INSERT INTO access_token (name, sealed, until) VALUES ($1, $2, $3)
                         ON CONFLICT (name) DO UPDATE SET sealed = excluded.sealed, until = excluded.until",
                    )
                    .bind(name)
                    .bind(keys.seal(&place, token.value.expose_secret())?)
                    .bind(token.until)
                    .execute(tx.conn())
                    .await?;
                }
                // The stored one was refused or is over, and only the holder of the lease writes: it is still that one.
                Ended::Failed if ours => {
                    sqlx::query("DELETE FROM access_token WHERE name = $1").bind(name).execute(tx.conn()).await?;
                }
                Ended::Fetched(_) | Ended::Failed | Ended::Unneeded => {}
            }
            tx.commit().await
        })
        .await
    }

    fn place(&self) -> String {
        format!("access_token.sealed.{}", self.name)
    }
}

/// Runs a transaction in a task of its own: a download that waits for its token may be broken off, a transaction may not.
async fn apart<T: Send + 'static>(work: impl Future<Output = Stored<T>> + Send + 'static) -> Stored<T> {
    tokio::spawn(work).await.map_err(|_| Error::fault("sharing an access token broke off"))?
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{clock::HOUR, db::testing};
    use std::sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    };

    const BUSY: &str = "busy";

    fn shared(db: Db, clock: &Clock) -> Shared {
        Shared { db, keys: Keys::new(&[3; 32], &[]), clock: clock.clone(), metrics: Metrics::default() }
    }

    fn tokens(shared: Option<Shared>) -> Tokens<&'static str> {
        Tokens::new("mp".to_owned(), "mp wx1".to_owned(), shared, BUSY)
    }

    /// A platform that gives tokens 1, 2 … for two hours each.
    #[derive(Clone, Default)]
    struct Platform(Arc<AtomicUsize>);

    impl Platform {
        async fn fetch(self) -> Result<Fresh, &'static str> {
            tokio::time::sleep(Duration::from_millis(30)).await;
            let count = self.0.fetch_add(1, Ordering::SeqCst) + 1;
            Ok(Fresh { value: format!("token {count}").into(), use_for: Duration::from_secs(7_200) })
        }

        fn fetches(&self) -> usize {
            self.0.load(Ordering::SeqCst)
        }
    }

    async fn ask(tokens: &Tokens<&'static str>, platform: &Platform, refused: Option<&str>) -> String {
        let refused = refused.map(SecretString::from);
        tokens.get(refused.as_ref(), platform.clone().fetch()).await.unwrap().expose_secret().to_owned()
    }

    #[tokio::test]
    async fn processes_share_one_token_and_a_refused_one_is_fetched_anew_once() {
        for place in testing::places().await {
            let (clock, platform) = (Clock::starting_at(1_800_000_000_000), Platform::default());
            let mut all = Vec::new();
            for _ in 0..3 {
                all.push(tokens(Some(shared(place.open().await, &clock))));
            }
            let get = async |refused| {
                let asked = all.iter().flat_map(|tokens| [tokens, tokens]);
                futures_util::future::join_all(asked.map(|tokens| ask(tokens, &platform, refused))).await
            };
            assert!(get(None).await.iter().all(|token| token == "token 1"));
            assert!(
                get(Some("token 1")).await.iter().all(|token| token == "token 2"),
                "who was refused the first takes the second, whoever fetched it"
            );
            assert!(get(Some("token 1")).await.iter().all(|token| token == "token 2"), "the second is not what was refused");
            clock.advance(3 * HOUR);
            assert!(get(None).await.iter().all(|token| token == "token 3"), "a token ends");
            assert_eq!(platform.fetches(), 3);
            let late = tokens(Some(shared(place.open().await, &clock)));
            assert_eq!(ask(&late, &platform, None).await, "token 3", "a program that starts reads it");
            let db = place.open().await;
            let sealed: String =
                sqlx::query_scalar("SELECT sealed FROM access_token").fetch_one(&mut *db.read().await.unwrap()).await.unwrap();
            assert!(!sealed.contains("token 3"), "{sealed}");
            let left: i64 =
                sqlx::query_scalar("SELECT COUNT(*) FROM lease").fetch_one(&mut *db.read().await.unwrap()).await.unwrap();
            assert_eq!(left, 0);
        }
    }

    #[tokio::test]
    async fn a_failed_fetch_leaves_no_token_and_the_next_one_may_try_at_once() {
        for place in testing::places().await {
            let (clock, platform) = (Clock::starting_at(1_800_000_000_000), Platform::default());
            let one = tokens(Some(shared(place.open().await, &clock)));
            assert_eq!(ask(&one, &platform, None).await, "token 1");
            let refused = SecretString::from("token 1");
            let failed = one.get(Some(&refused), async { Err("secret wrong") }).await;
            assert_eq!(failed.err(), Some("secret wrong"));
            let other = tokens(Some(shared(place.open().await, &clock)));
            assert_eq!(ask(&other, &platform, None).await, "token 2", "the refused one is not offered to others");
            assert_eq!(ask(&one, &platform, None).await, "token 2");
        }
    }

    #[tokio::test]
    async fn a_lease_of_a_process_that_died_is_waited_for_and_then_taken() {
        for place in testing::places().await {
            let (clock, platform) = (Clock::starting_at(1_800_000_000_000), Platform::default());
            let dead = place.open().await;
            assert!(lease::take(&dead, "token mp wx1", LEASE, clock.now()).await.unwrap());
            let one = tokens(Some(shared(place.open().await, &clock)));
            let asking = ask(&one, &platform, None);
            let turning = async {
                tokio::time::sleep(Duration::from_millis(250)).await;
                assert_eq!(platform.fetches(), 0);
                clock.advance(LEASE);
            };
            let (token, ()) = tokio::join!(asking, turning);
            assert_eq!(token, "token 1");
        }
    }

    #[tokio::test]
    async fn without_a_database_one_process_still_fetches_once() {
        let (alone, platform) = (tokens(None), Platform::default());
        let all = futures_util::future::join_all((0..5).map(|_| ask(&alone, &platform, None))).await;
        assert!(all.iter().all(|token| token == "token 1"));
        assert_eq!((ask(&alone, &platform, Some("token 1")).await, platform.fetches()), ("token 2".to_owned(), 2));
    }
}
