//! A county in memory: the real bot on a database of its own, without HTTP, channels and courier, so that a command takes about
//! a millisecond and its messages can be read from the outbox as they were written. On a database server there are two bots,
//! as if two machines served the county.

use crate::database::Database;
use minhu::{
    app::{House, dialogs, import},
    bot::{Bot, Given},
    channels::{Channel, wechat},
    clock::{Clock, DAY, SECOND, parse},
    db::{self, Db},
    message::{Address, Content, Media, MediaKind, Reply, Said, Update},
    metrics::{Metrics, Turned},
    outbox::{Courier, Target},
    people::{self, Office, org::Org, person_holder, reporter_place},
    seal::Keys,
    tickets::{
        Kind, Method, Mode, Proposal, State, Ticket, Verification, Voice,
        life::Verb,
        store::{self, At, By, Event, Reporter},
    },
};
use sqlx::{AssertSqlSafe, Executor, Row};
use std::{
    collections::HashMap,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};
use tokio_util::sync::CancellationToken;

/// The unit that has the tickets, and the one that helps.
pub const LEAD: &str = "swj";
pub const CO: &str = "cgj";
/// A unit one level up, and its name.
pub const ABOVE: (&str, &str) = ("hssl", "衡水市水利局");
/// Where the tickets are.
pub const VILLAGE: &str = "131122102214";

/// What a clearing leaves: the organisation, and what the database is made of.
const KEPT: &[&str] = &[
    "_sqlx_migrations",
    "id_block",
    "setting",
    "area",
    "unit",
    "field",
    "rule",
    "person",
    "account",
    "role_grant",
    "deputy_group",
    "chat_group",
];

/// Somebody in office: id, which is the account too, and rights in the words of an organisation file.
pub struct Officer {
    pub id: &'static str,
    pub name: &'static str,
    pub grants: &'static str,
}

/// A ticket that is put where it is needed, with what stands beside its row.
#[derive(Clone)]
pub struct Scene {
    pub ticket: Ticket,
    pub reporters: Vec<(&'static str, Mode)>,
    /// Helping units, and whether they have given their opinion.
    pub co_units: Vec<(&'static str, bool)>,
    pub rated: bool,
    /// The last thing that happened after the report: what, from where, by whom in which role, and what it replaced.
    pub last: Option<(Verb, State, &'static str, &'static str, String)>,
}

/// Where a message comes in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Way {
    /// At which bot; counted round.
    pub replica: usize,
    /// The platform brings it twice at the same time, the second time to the next bot.
    pub twice: bool,
}

/// What came of a message.
#[derive(Debug, Default)]
pub struct Heard {
    /// Its turns, as its events name them.
    pub turns: Vec<String>,
    /// The answer.
    pub text: String,
    /// A question is open.
    pub asks: bool,
    /// Whom else was written to, in order.
    pub pushes: Vec<Target>,
    /// Why the turn failed by itself.
    pub fault: Option<String>,
}

pub struct County {
    pub db: Db,
    pub keys: Keys,
    pub clock: Clock,
    /// One, or two with nothing in common but the database and the clock.
    bots: Vec<Arc<Bot<House>>>,
    people: HashMap<String, i64>,
    clearing: String,
    said: AtomicU64,
    /// Messages that were not kept and had to be brought again, as platforms do.
    again: AtomicU64,
    stop: CancellationToken,
    database: Database,
    _folder: tempfile::TempDir,
}

impl County {
    pub async fn found(offices: &[Officer], citizens: &[&str]) -> County {
        // In memory where there is such a place: what is tested is not whether the disk keeps it.
        let shared = Path::new("/dev/shm");
        let folder = if shared.is_dir() { tempfile::tempdir_in(shared) } else { tempfile::tempdir() }.unwrap();
        let database = Database::make(folder.path()).await.unwrap();
        let db = Db::open(&database.url, 4).await.unwrap();
        db.migrate().await.unwrap();
        let keys = Keys::new(&[7; 32], &[]);
        let clock = Clock::starting_at(morning());
        let org = people::org::read_toml("org.toml", &organisation(offices), &Org::default()).unwrap();
        import(&db, &keys, &org, &Org::default(), clock.now()).await.unwrap();
        let directory = people::store::load(&mut db.read().await.unwrap(), clock.now()).await.unwrap();
        let mut by_name: HashMap<String, i64> = directory.all_staff().map(|staff| (staff.reference.clone(), staff.id)).collect();
        let mut tx = db.write().await.unwrap();
        let accounts: Vec<(String, String)> = citizens.iter().map(|name| ("sim".to_owned(), (*name).to_owned())).collect();
        let ids = people::store::add_citizens(&mut tx, &keys, &accounts, clock.now()).await.unwrap();
        tx.commit().await.unwrap();
        by_name.extend(citizens.iter().map(|name| (*name).to_owned()).zip(ids));
        let clearing = clearing(&db).await;
        let stop = CancellationToken::new();
        let mut bots = vec![replica(db.clone(), &clock, &keys, &stop).await];
        if db.kind() == db::Kind::Postgres {
            bots.push(replica(Db::open(&database.url, 4).await.unwrap(), &clock, &keys, &stop).await);
        }
        let (said, again) = (AtomicU64::new(0), AtomicU64::new(0));
        County { db, keys, clock, bots, people: by_name, clearing, said, again, stop, database, _folder: folder }
    }

    /// The end: what was made on a server is taken away.
    pub async fn close(self) {
        self.stop.cancel();
        self.database.remove().await;
    }

    /// How many messages were not kept and had to be brought again.
    pub fn brought_again(&self) -> u64 {
        self.again.load(Ordering::Relaxed)
    }

    pub fn person(&self, name: &str) -> i64 {
        self.people[name]
    }

    pub fn name_of(&self, person: i64) -> &str {
        self.people.iter().find(|(_, id)| **id == person).map_or("?", |(name, _)| name)
    }

    pub fn voice(&self, name: &str, role: &str) -> Voice {
        Voice { holder: person_holder(&self.keys, self.person(name)), role: role.to_owned() }
    }

    /// Begins the day again, forgets everything but the organisation, and puts these tickets there as number 1, 2, … of today.
    pub async fn lay(&self, scenes: &[Scene]) {
        self.clock.set(morning());
        let mut tx = self.db.write().await.unwrap();
        tx.conn().execute(AssertSqlSafe(self.clearing.clone())).await.unwrap();
        for (index, scene) in scenes.iter().enumerate() {
            let mut ticket = scene.ticket.clone();
            ticket.day = minhu::clock::local(morning()).format("%y%m%d").to_string();
            ticket.seq = i64::try_from(index).unwrap() + 1;
            ticket.id = id_of(ticket.seq);
            ticket.number = format!("WY{}{:04}", ticket.day, ticket.seq);
            ticket.events = 1 + i64::from(scene.last.is_some());
            store::insert(&mut tx, &ticket, &format!("code{index}"), None).await.unwrap();
            for (name, mode) in &scene.reporters {
                let reporter = self.reporter(tx.id().unwrap(), ticket.id, name, *mode);
                store::add_reporter(&mut tx, &reporter, ticket.submitted_at).await.unwrap();
            }
            let at = At { ticket: ticket.id, seq: 1, turn_key: "laid", now: ticket.submitted_at };
            let report = Event {
                verb: Verb::Report,
                from: None,
                to: State::Submitted,
                reason: None,
                payload: None,
                visible: "all",
                before: None,
            };
            store::event(&mut tx, &self.keys, at, By { person: None, role: "reporter" }, report.clone()).await.unwrap();
            if let Some((verb, from, who, role, before)) = &scene.last {
                let event = Event { verb: *verb, from: Some(*from), to: ticket.state, before: Some(before.clone()), ..report };
                let at = At { seq: 2, turn_key: "laid-last", now: self.clock.now(), ..at };
                store::event(&mut tx, &self.keys, at, By { person: Some(self.person(who)), role }, event).await.unwrap();
            }
            self.lay_beside(&mut tx, &ticket, scene).await;
        }
        sqlx::query("INSERT INTO sequence (name, next) VALUES ($1, $2)")
            .bind(format!("WY{}", minhu::clock::local(morning()).format("%y%m%d")))
            .bind(i64::try_from(scenes.len()).unwrap())
            .execute(tx.conn())
            .await
            .unwrap();
        tx.commit().await.unwrap();
    }

    async fn lay_beside(&self, tx: &mut db::Tx, ticket: &Ticket, scene: &Scene) {
        let now = self.clock.now();
        for (unit, answered) in &scene.co_units {
            let (opinion, at) = if *answered { (Some("同意主办单位的意见"), Some(now)) } else { (None, None) };
            sqlx::query("INSERT INTO co_unit (ticket_id, unit, at, due_at, turn_key, opinion, answered_at) VALUES ($1, $2, $3, $4, 'laid', $5, $6)")
                .bind(ticket.id)
                .bind(*unit)
                .bind(now)
                .bind(now + 2 * DAY)
                .bind(opinion)
                .bind(at)
                .execute(tx.conn())
                .await
                .unwrap();
        }
        if ticket.supervised {
            sqlx::query("INSERT INTO supervision (id, ticket_id, at, turn_key, person_id, role, demand, due_at) VALUES ($1, $2, $3, 'laid', $4, 'npc_staff', '到现场核实', $5)")
                .bind(tx.id().unwrap())
                .bind(ticket.id)
                .bind(now)
                .bind(self.person("npc_staff"))
                .bind(now + 3 * DAY)
                .execute(tx.conn())
                .await
                .unwrap();
        }
        if scene.rated {
            sqlx::query("INSERT INTO rating (ticket_id, round, reporter_id, solved, value, at) SELECT ticket_id, $2, id, 'no', 1, $3 FROM reporter WHERE ticket_id = $1")
                .bind(ticket.id)
                .bind(ticket.round)
                .bind(now)
                .execute(tx.conn())
                .await
                .unwrap();
        }
    }

    fn reporter(&self, id: i64, ticket: i64, name: &str, mode: Mode) -> Reporter {
        let person = self.person(name);
        let (holder, plain) = match mode {
            Mode::Anonymous => {
                (self.keys.hash("holder", &format!("a:sim|{name}")), serde_json::to_string(&address(name)).unwrap())
            }
            Mode::RealName | Mode::Confidential => (person_holder(&self.keys, person), person.to_string()),
        };
        let sealed = self.keys.seal(&reporter_place(id), &plain).unwrap();
        Reporter { id, ticket, mode, holder, sealed, contact: None }
    }

    /// As if the ticket with this number had never been.
    pub async fn take_away(&self, seq: i64) {
        let id = id_of(seq);
        let beside = ["co_unit", "supervision", "rating", "reporter", "ticket_event"];
        let mut all: Vec<String> = beside.iter().map(|table| format!("DELETE FROM {table} WHERE ticket_id = {id}")).collect();
        all.push(format!("DELETE FROM ticket WHERE id = {id}"));
        let mut tx = self.db.write().await.unwrap();
        tx.conn().execute(AssertSqlSafe(all.join("; "))).await.unwrap();
        tx.commit().await.unwrap();
    }

    /// Drops the dialogs that are open and the questions that wait, so that the next message stands for itself.
    pub async fn hang_up(&self) {
        let mut tx = self.db.write().await.unwrap();
        tx.conn().execute("DELETE FROM conversation; DELETE FROM offer").await.unwrap();
        tx.commit().await.unwrap();
    }

    /// Says a line; `[照片]` at its end comes with a picture.
    pub async fn say(&self, who: &str, line: &str) -> Heard {
        self.say_by(who, line, Way::default()).await
    }

    /// Says a line on this way.
    pub async fn say_by(&self, who: &str, line: &str, way: Way) -> Heard {
        let said = self.said.fetch_add(1, Ordering::Relaxed) + 1;
        self.clock.set(self.clock.now() / SECOND * SECOND + SECOND);
        let (text, photo) = line.strip_suffix("[照片]").map_or((line, false), |text| (text.trim_end(), true));
        let reference = format!("photo{said}");
        let media = if photo { vec![Media { kind: MediaKind::Photo, reference }] } else { Vec::new() };
        let update = Update {
            key: format!("said{said}"),
            from: address(who),
            nick: None,
            content: Content::Said(Said { text: text.to_owned(), media, ..Said::default() }),
            at: self.clock.now(),
            via: None,
            request: String::new(),
        };
        let given = if way.twice {
            let (one, two) = (self.bring(&update, way.replica), self.bring(&update, way.replica + 1));
            <[Option<Given>; 2]>::from(tokio::join!(one, two)).to_vec()
        } else {
            vec![self.bring(&update, way.replica).await]
        };
        let turn_key: String = sqlx::query_scalar("SELECT turn_key FROM seen WHERE message = $1")
            .bind(minhu::bot::store::message_hash(&self.keys, &update))
            .fetch_one(&mut *self.db.read().await.unwrap())
            .await
            .unwrap();
        let mut heard = self.heard(who, &turn_key).await;
        let turns = given.iter().flatten().filter(|given| given.turned != Turned::Repeated).count();
        // Whoever brings it again gets the answer that was stored, to the letter.
        let answer = |given: &Option<Given>| given.as_ref().and_then(|given| given.held.clone());
        let same = given.iter().all(|one| answer(one).is_some() && answer(one) == answer(&given[0]));
        if turns != 1 || !same {
            heard.fault = Some(format!("it had {turns} turns and was given {given:?}"));
        }
        heard
    }

    /// Brings a message to a bot, and again as long as it was not kept, as a platform does.
    async fn bring(&self, update: &Update, replica: usize) -> Option<Given> {
        for _ in 0..10 {
            if let Ok(given) = self.bots[replica % self.bots.len()].take(update.clone()).await {
                return Some(given);
            }
            self.again.fetch_add(1, Ordering::Relaxed);
        }
        None
    }

    /// What the outbox holds of a turn.
    async fn heard(&self, who: &str, turn_key: &str) -> Heard {
        let mut conn = self.db.read().await.unwrap();
        let rows = sqlx::query("SELECT target, class, body FROM outbox WHERE turn_key = $1 ORDER BY id")
            .bind(turn_key.to_owned())
            .fetch_all(&mut *conn)
            .await
            .unwrap();
        let mut heard = Heard { turns: vec![turn_key.to_owned()], ..Heard::default() };
        for row in rows {
            let (target, class, body): (String, String, String) = (row.get(0), row.get(1), row.get(2));
            if class == "reply" {
                let reply: Reply = serde_json::from_str(&self.keys.open("outbox.body", &body).unwrap()).unwrap();
                heard.text.push_str(&reply.as_text());
            } else {
                heard.pushes.push(target.parse().unwrap());
            }
        }
        heard.asks = sqlx::query("SELECT 1 FROM conversation WHERE hash = $1 AND dialog IS NOT NULL")
            .bind(minhu::bot::store::conversation_hash(&self.keys, &address(who)))
            .fetch_optional(&mut *conn)
            .await
            .unwrap()
            .is_some();
        heard.fault = sqlx::query_scalar("SELECT why FROM fault WHERE turn_key = $1")
            .bind(turn_key.to_owned())
            .fetch_optional(&mut *conn)
            .await
            .unwrap();
        heard
    }

    /// A ticket as it stands now, by its number of the day.
    pub async fn ticket(&self, seq: i64) -> Ticket {
        store::by_id(&mut self.db.read().await.unwrap(), id_of(seq)).await.unwrap().unwrap()
    }

    /// The first so many tickets of the day.
    pub async fn tickets(&self, count: usize) -> Vec<Ticket> {
        let mut tickets = Vec::with_capacity(count);
        for seq in 1..=count {
            tickets.push(self.ticket(i64::try_from(seq).unwrap_or_default()).await);
        }
        tickets
    }

    /// Its events after the first `known`: what, from where, to where.
    pub async fn events(&self, seq: i64, known: i64) -> Vec<(Verb, Option<State>, State)> {
        self.events_where(format!("ticket_id = {} AND seq > {known} ORDER BY seq", id_of(seq))).await
    }

    /// The same events, each with the turn it is of.
    pub async fn turns(&self, seq: i64, known: i64) -> Vec<(Verb, String)> {
        let sql = "SELECT command, turn_key FROM ticket_event WHERE ticket_id = $1 AND seq > $2 ORDER BY seq";
        let rows = sqlx::query(sql).bind(id_of(seq)).bind(known).fetch_all(&mut *self.db.read().await.unwrap()).await.unwrap();
        rows.iter().map(|row| (Verb::from_code(&row.get::<String, _>(0)).unwrap(), row.get(1))).collect()
    }

    /// The events of all tickets.
    pub async fn all_events(&self) -> Vec<(Verb, Option<State>, State)> {
        self.events_where("1 = 1 ORDER BY ticket_id, seq".to_owned()).await
    }

    async fn events_where(&self, condition: String) -> Vec<(Verb, Option<State>, State)> {
        let sql = format!("SELECT command, from_state, to_state FROM ticket_event WHERE {condition}");
        let rows = sqlx::query(AssertSqlSafe(sql)).fetch_all(&mut *self.db.read().await.unwrap()).await.unwrap();
        let event = |row: &sqlx::any::AnyRow| {
            let (verb, from, to): (String, Option<String>, String) = (row.get(0), row.get(1), row.get(2));
            (Verb::from_code(&verb).unwrap(), from.map(|from| State::from_code(&from).unwrap()), State::from_code(&to).unwrap())
        };
        rows.iter().map(event).collect()
    }

    /// Who stands behind a reporter's entry.
    pub async fn reporter_named(&self, entry: i64) -> String {
        let holder: String = sqlx::query_scalar("SELECT holder FROM reporter WHERE id = $1")
            .bind(entry)
            .fetch_one(&mut *self.db.read().await.unwrap())
            .await
            .unwrap();
        let known = |name: &&String| {
            let nameless = self.keys.hash("holder", &format!("a:sim|{name}"));
            holder == person_holder(&self.keys, self.people[*name]) || holder == nameless
        };
        self.people.keys().find(known).cloned().unwrap_or_default()
    }
}

impl Drop for County {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

/// When every story begins: a Monday.
pub fn morning() -> i64 {
    parse("2026-11-23T10:00:00+08:00").unwrap()
}

/// The id under which the ticket with this number of the day is laid.
pub fn id_of(seq: i64) -> i64 {
    10 + seq
}

fn address(account: &str) -> Address {
    Address { channel: "sim".to_owned(), account: account.to_owned(), group: None }
}

/// A channel that hands the answer over with the response, so that it can be seen who was given which.
fn channel() -> Channel {
    let config = r#"id = "sim"
app_id = "wxlifecycle00001"
secret = "0123456789abcdef"
token = "lifecycle"
mode = "plain""#;
    let config: wechat::Config = toml::from_str(config).unwrap();
    let channel = wechat::WeChat::new(config, reqwest::Client::new(), None);
    Channel::WeChat(Box::new(channel.unwrap_or_else(|problems| panic!("{problems:?}"))))
}

/// A bot with a directory of its own.
async fn replica(db: Db, clock: &Clock, keys: &Keys, stop: &CancellationToken) -> Arc<Bot<House>> {
    let directory = Arc::new(people::store::load(&mut db.read().await.unwrap(), clock.now()).await.unwrap());
    let office = Office { directory, keys: keys.clone(), dialogs: dialogs(None).unwrap() };
    let house = Arc::new(House::new(office, HashMap::from([("sim".to_owned(), channel())])));
    let (_, wake) = Courier::new(db.clone(), clock.clone(), keys.clone(), house.clone(), Metrics::default());
    Bot::start(house, db, clock.clone(), keys.clone(), wake, Metrics::default(), stop.clone()).0
}

/// One statement list that empties every table but those kept, within a transaction.
async fn clearing(db: &Db) -> String {
    let (all, before, after) = match db.kind() {
        db::Kind::Sqlite => (
            "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'",
            "PRAGMA defer_foreign_keys = ON",
            "SELECT 1",
        ),
        // The tests own the server, so they may let references wait.
        db::Kind::Postgres => (
            "SELECT CAST(tablename AS TEXT) FROM pg_tables WHERE schemaname = 'public'",
            "SET LOCAL session_replication_role = replica",
            "SET LOCAL session_replication_role = origin",
        ),
    };
    let tables: Vec<String> = sqlx::query_scalar(all).fetch_all(&mut *db.read().await.unwrap()).await.unwrap();
    let emptied = tables.iter().filter(|table| !KEPT.contains(&table.as_str()));
    std::iter::once(before.to_owned())
        .chain(emptied.map(|table| format!("DELETE FROM {table}")))
        .chain([after.to_owned()])
        .collect::<Vec<_>>()
        .join("; ")
}

/// The demonstration's areas, units, fields and rules with a level above, and these people in place of its own.
fn organisation(offices: &[Officer]) -> String {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/deploy/demo/org.toml");
    let demo = std::fs::read_to_string(path).unwrap();
    let (places, _) = demo.split_once("# 人员都是编的").unwrap();
    let (unit, name) = ABOVE;
    let mut all =
        places.replace("photo = true\n", "").replacen("area = [", "area = [\n  { code = \"1311\", name = \"衡水市\" },", 1);
    all.push_str(&format!("\n[[unit]]\nid = \"{unit}\"\nname = \"{name}\"\narea = \"1311\"\n"));
    for Officer { id, name, grants } in offices {
        all.push_str(&format!(
            "\n[[person]]\nid = \"{id}\"\nname = \"{name}\"\naccounts = [\"sim:{id}\"]\ngrants = [{grants}]\n"
        ));
    }
    all
}

/// A ticket that stands in this state as if everything before had gone its usual way.
pub fn standing(state: State, now: i64) -> Ticket {
    let assigned = !matches!(state, State::Submitted | State::NeedInfo | State::Accepted | State::Rejected | State::HandedOver);
    let finished = matches!(state, State::InReview | State::Callback | State::Closed);
    Ticket {
        kind: Kind::Complaint,
        field: Some("groundwater".to_owned()),
        title: "夜里有人打井抽水".to_owned(),
        text: "夜里有人打井抽水卖，半年多了".to_owned(),
        area: VILLAGE.to_owned(),
        place: "前观津村".to_owned(),
        source: "simulator".to_owned(),
        mode: Mode::RealName,
        state,
        unit: assigned.then(|| LEAD.to_owned()),
        dispatched_at: assigned.then_some(now),
        accept_due: Some(now + DAY),
        dispatch_due: Some(now + DAY),
        sign_due: assigned.then_some(now + DAY),
        contact_due: assigned.then_some(now + DAY),
        resolve_due: assigned.then_some(now + 14 * DAY),
        result: finished.then(|| "井已封填，水泵已拆走".to_owned()),
        verification: finished.then_some(Verification::True),
        method: finished.then_some(Method::Shut),
        resolved_at: finished.then_some(now),
        signed_off: finished,
        closed_at: (state == State::Closed).then_some(now),
        shelved_until: (state == State::Shelved).then_some(now + 30 * DAY),
        time_left: (state == State::Shelved).then_some(5 * DAY),
        merged_into: (state == State::Merged).then(|| id_of(2)),
        asks: i64::from(state == State::NeedInfo),
        send_backs: match state {
            State::SentBack => 1,
            State::Disputed => 2,
            _ => 0,
        },
        handed_to: (state == State::HandedOver).then(|| "公安局".to_owned()),
        ..Ticket::blank(now)
    }
}

/// Nothing but the row.
impl From<Ticket> for Scene {
    fn from(ticket: Ticket) -> Scene {
        Scene { ticket, reporters: Vec::new(), co_units: Vec::new(), rated: false, last: None }
    }
}

pub fn proposal(matter: minhu::tickets::Matter, by: Voice, until: Option<i64>) -> Proposal {
    Proposal { matter, by, agreed: Vec::new(), words: "先封存水泵，开春统一打井".to_owned(), until }
}
