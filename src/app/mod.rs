//! Wires everything: the list of features, the channels, start and stop in order.

mod channels;
mod demo;
pub mod fill;
mod health;
mod house;
mod post;
mod staff;
mod upkeep;

pub use channels::{build, problems};
pub(crate) use demo::clock_offset;
pub use house::{FORMS, House, dialogs, known};

use crate::{
    bot::Bot,
    channels::token,
    clock::Clock,
    config::{self, Config},
    db::{self, Alone, Db, News, lease},
    error::{Error, Result},
    media::{Keeper, Place, Shelf},
    metrics::Metrics,
    outbox::{Courier, Wake},
    people::{self, Office},
    web,
};
use secrecy::ExposeSecret;
use std::{net::SocketAddr, sync::Arc, time::Duration};
use tokio::{net::TcpListener, sync::Notify, task::JoinHandle, time::Instant};
use tokio_util::sync::CancellationToken;

/// A running service.
pub struct Running {
    /// What the service is made of.
    pub house: Arc<House>,
    bot: Arc<Bot<House>>,
    db: Db,
    clock: Clock,
    address: SocketAddr,
    first_code: Option<String>,
    wakes: Vec<Wake>,
    keeper: crate::media::Wake,
    stop: CancellationToken,
    ready: Arc<web::Ready>,
    tasks: Vec<JoinHandle<()>>,
    /// Let go last, when the database is closed.
    _alone: Alone,
}

/// How long what is in hand may take when the service stops; what is left then is brought again or due again.
const FINISH_WITHIN: Duration = Duration::from_secs(20);

impl Running {
    /// Opens the database, brings its tables up to date, loads the organisation when there is none, starts the channels and
    /// listens.
    ///
    /// # Errors
    /// A sentence about what is missing; trouble of the database; an address that is taken.
    pub async fn start(config: Config, clock: Clock) -> Result<Running> {
        let keys = config.security.keys()?;
        // First of all: a second service at the same address must not change anything, such as the first administrator's code.
        let listener = listen(config.server.listen).await?;
        let address = listener.local_addr().map_err(|error| Error::fault(format!("no local address: {error}")))?;
        let metrics = Metrics::new(clock.now());
        let db = Db::open(config.database.url.expose_secret(), config.database.max_connections).await?.measured(&metrics);
        let alone = Alone::at(config.database.url.expose_secret())?;
        db.migrate().await?;
        let simulated = channels::simulator(&config, &clock)?;
        clock_offset(&db, &clock, simulated.is_some()).await?;
        load_organisation(&db, &keys, &config, simulated.is_some(), clock.now()).await?;
        let shared = token::Shared { db: db.clone(), keys: keys.clone(), clock: clock.clone(), metrics: metrics.clone() };
        let channels = build(&config, simulated.as_ref(), &shared)?;
        let dialogs = dialogs(config.paths.dialogs.as_deref())?;
        let directory = Arc::new(people::store::load(&mut *db.read().await?, clock.now()).await?);
        let office = Office { directory, keys: keys.clone(), dialogs };
        let house = Arc::new(House::new(office, channels));
        let first_code = first_code(&db, &keys, clock.now(), simulated.is_some()).await?;

        // Three steps in order: the proxy is told to send its callers elsewhere, nothing new comes in, what was taken is finished.
        let stop = CancellationToken::new();
        let finish = CancellationToken::new();
        let (courier, wake) = Courier::new(db.clone(), clock.clone(), keys.clone(), house.clone(), metrics.clone());
        let shelf = Shelf::new(db.clone(), keys.clone(), Place::open(&config.media)?);
        let (keeper, keeper_wake) = Keeper::new(db.clone(), clock.clone(), shelf.clone(), house.clone(), metrics.clone());
        let (bot, worker) =
            Bot::start(house.clone(), db.clone(), clock.clone(), keys.clone(), wake.clone(), metrics.clone(), finish.clone());
        let changed = Arc::new(Notify::new());
        let hear = {
            let (wake, changed) = (wake.clone(), changed.clone());
            move |news| match news {
                News::Outbox => wake.heard(),
                News::Organisation => changed.notify_one(),
            }
        };
        let mut tasks = vec![
            tokio::spawn(db::listen(db.clone(), config.database.url.expose_secret().to_owned(), hear, finish.clone())),
            tokio::spawn(db::ring_on(db.clone(), wake.bell(), finish.clone())),
            tokio::spawn(courier.run(finish.clone())),
            tokio::spawn(keeper.run(finish.clone())),
            worker,
            tokio::spawn(upkeep::run(
                house.clone(),
                db.clone(),
                clock.clone(),
                wake.clone(),
                shelf,
                config.paths.dialogs.clone(),
                changed,
                stop.clone(),
            )),
        ];
        let ready = Arc::new(web::Ready::default());
        let disks = [
            db::folder_of(config.database.url.expose_secret()),
            match &config.media {
                config::Media::Folder(folder) => Some(folder.clone()),
                config::Media::S3(_) => None,
            },
        ];
        tasks.push(tokio::spawn(health::run(health::Watched {
            house: house.clone(),
            db: db.clone(),
            clock: clock.clone(),
            wake: wake.clone(),
            disks: disks.into_iter().flatten().collect(),
            ready: ready.clone(),
            stop: stop.clone(),
        })));
        let demonstration = simulated.is_some();
        let page = simulated.map(|shared| {
            demo::page(demo::Parts {
                shared,
                house: house.clone(),
                db: db.clone(),
                clock: clock.clone(),
                wake: wake.clone(),
                stop: stop.clone(),
            })
        });
        let shell = web::Web {
            bot: bot.clone(),
            channels: house.channels().clone(),
            db: db.clone(),
            clock: clock.clone(),
            wake: wake.clone(),
            media: keeper_wake.clone(),
            metrics,
            gate: web::Gate::of(&config.limits, house.channels()),
            requests: web::Ids::default(),
            ready: ready.clone(),
        };
        let (mut router, metrics) = web::routers(shell, page);
        match config.server.metrics {
            None if demonstration => router = router.merge(metrics),
            // Figures are not for everybody who reaches the hooks.
            None => {}
            Some(own) => {
                let listener = listen(own).await?;
                let stop = stop.clone();
                tasks.push(tokio::spawn(async move {
                    if let Err(error) = axum::serve(listener, metrics).with_graceful_shutdown(stop.cancelled_owned()).await {
                        tracing::error!(error = %error, "the figures are no longer served: {error}");
                    }
                }));
            }
        }
        let (listening, done) = (stop.clone(), finish.clone());
        tasks.push(tokio::spawn(async move {
            let served = axum::serve(listener, router).with_graceful_shutdown(listening.cancelled_owned()).await;
            if let Err(error) = served {
                tracing::error!(error = %error, "the web server ended: {error}");
            }
            done.cancel();
        }));
        for channel in house.channels().iter() {
            if let Err(outcome) = channel.1.start().await {
                house.note(channel.0, Some(&outcome));
                tracing::warn!(channel = %channel.0, ?outcome, "channel {} could not make its start settings", channel.0);
            }
        }
        wake.wake();
        Ok(Running {
            house,
            bot,
            db,
            clock,
            address,
            first_code,
            wakes: vec![wake],
            keeper: keeper_wake,
            ready,
            stop,
            tasks,
            _alone: alone,
        })
    }

    /// The code that makes whoever sends it first the administrator, while there is none.
    pub fn first_code(&self) -> Option<&str> {
        self.first_code.as_deref()
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The clock it runs by.
    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    /// The database, for looking.
    pub fn db(&self) -> &Db {
        &self.db
    }

    /// Lets every loop look for work now, after the clock was turned.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn wake(&self) -> Result<()> {
        upkeep::once(&self.house, &self.db, &self.clock, &self.stop).await?;
        self.wakes.iter().for_each(Wake::wake);
        self.keeper.wake();
        Ok(())
    }

    /// Is nothing waiting to be done now? What is known of replies that were handed over is written down at once, for whoever asks.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn quiet(&self) -> Result<bool> {
        if self.bot.queued() > 0 || self.keeper.is_busy() {
            return Ok(false);
        }
        self.wakes.iter().for_each(Wake::press);
        let now = self.clock.now();
        // What waits for a platform that is gone is not to be done now.
        let shut: Vec<String> = self
            .wakes
            .iter()
            .flat_map(Wake::circuits)
            .filter(|circuit| circuit.until > now)
            .map(|circuit| circuit.channel)
            .collect();
        let mut conn = self.db.read().await?;
        let due: Vec<String> = sqlx::query_scalar(
            "SELECT DISTINCT route FROM outbox WHERE state IN ('pending', 'held', 'sending') AND (state <> 'pending' OR not_before <= $1)
             UNION ALL SELECT '' FROM media WHERE state = 'fetching' AND due_at <= $1",
        )
        .bind(now)
        .fetch_all(&mut *conn)
        .await?;
        Ok(due.iter().all(|route| shut.contains(route)))
    }

    /// Says at `/readyz` that it is about to stop; callers are still served.
    pub fn leave(&self) {
        self.ready.stopping();
    }

    /// Stops taking work, finishes what is in hand, gives back what it does for all, closes the database.
    pub async fn stop(self) {
        self.leave();
        self.stop.cancel();
        let end = Instant::now() + FINISH_WITHIN;
        for task in self.tasks {
            if tokio::time::timeout_at(end, task).await.is_err() {
                tracing::warn!("a task did not end in time");
            }
        }
        if let Err(error) = lease::give_all_back(&self.db).await {
            tracing::warn!(error = %error, "leases could not be given back and end by themselves: {error}");
        }
        self.db.close().await;
    }
}

/// The bot of an installation without anything around it, to run single turns beside a service or without one. What it has to say
/// waits in the outbox for the service.
///
/// # Errors
/// A sentence about the configuration or the dialogs; trouble of the database.
pub async fn bot_alone(config: &Config, db: &Db, clock: &Clock) -> Result<Arc<Bot<House>>> {
    let keys = config.security.keys()?;
    // The simulator's log belongs to the running demonstration; what a simulator can do is known without it.
    let channels = build(
        config,
        None,
        &token::Shared { db: db.clone(), keys: keys.clone(), clock: clock.clone(), metrics: Metrics::default() },
    )?;
    let dialogs = dialogs(config.paths.dialogs.as_deref())?;
    let directory = Arc::new(people::store::load(&mut *db.read().await?, clock.now()).await?);
    let house = Arc::new(House::new(Office { directory, keys: keys.clone(), dialogs }, channels));
    let (_courier, wake) = Courier::new(db.clone(), clock.clone(), keys.clone(), house.clone(), Metrics::default());
    let (bot, _worker) = Bot::start(house, db.clone(), clock.clone(), keys, wake, Metrics::default(), CancellationToken::new());
    Ok(bot)
}

/// An empty installation begins with its organisation file; the demonstration with its county. Of several programs that start at
/// once one loads it.
///
/// # Errors
/// Problems of the file; those of the database.
pub(crate) async fn load_organisation(db: &Db, keys: &crate::seal::Keys, config: &Config, demo: bool, now: i64) -> Result<()> {
    let current = people::store::current(&mut *db.read().await?, keys).await?;
    if !current.areas.is_empty() {
        return Ok(());
    }
    let org = match &config.paths.org {
        Some(path) => people::sheet::read(path, &current).map_err(listed)?,
        None if demo => people::org::demonstration().map_err(listed)?,
        None => return Ok(()),
    };
    let changes = people::import::plan(&org, &current, false);
    let mut tx = db.write_with_ids(changes.ids()).await?;
    people::store::hold(&mut tx).await?;
    if people::store::current(tx.conn(), keys).await?.areas.is_empty() {
        people::import::apply(&mut tx, keys, &changes, now).await?;
    }
    tx.commit().await
}

/// Takes an address to listen on.
async fn listen(address: SocketAddr) -> Result<TcpListener> {
    TcpListener::bind(address).await.map_err(|error| {
        Error::fault(format!(
            "{address} 不能监听（{error}）。换一个地址（比如 MINHU_SERVER__LISTEN=127.0.0.1:8081），或先停掉占着它的程序"
        ))
    })
}

/// Problems as one sentence for whoever runs the program, one a line.
#[expect(clippy::needless_pass_by_value, reason = "it is the end of an error's way")]
pub(crate) fn listed<P: ToString>(problems: Vec<P>) -> Error {
    Error::user(problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))
}

/// Writes an organisation in one transaction.
///
/// # Errors
/// Those of the database.
pub async fn import(
    db: &Db,
    keys: &crate::seal::Keys,
    org: &people::org::Org,
    current: &people::org::Org,
    now: i64,
) -> Result<()> {
    let changes = people::import::plan(org, current, false);
    let mut tx = db.write_with_ids(changes.ids()).await?;
    people::import::apply(&mut tx, keys, &changes, now).await?;
    tx.commit().await
}

/// On an installation without an administrator: a one-time code for the first one. Programs that start at once say the same one.
async fn first_code(db: &Db, keys: &crate::seal::Keys, now: i64, demo: bool) -> Result<Option<String>> {
    if demo || people::codes::has_admin(&mut *db.read().await?).await? {
        return Ok(None);
    }
    let mut tx = db.write().await?;
    people::store::hold(&mut tx).await?;
    let code = people::codes::first_code(&mut tx, keys, now).await?;
    tx.commit().await?;
    Ok(Some(code))
}
