//! The reckoning: what is stored and what people were told, against the book of what was said.

use crate::{
    people::{self, Fate, marks_in},
    town::{KEY, Town},
};
use minhu::{
    message::{Address, Reply},
    seal::Keys,
};
use sqlx::{AnyConnection, AssertSqlSafe, Connection, Row, any::AnyRow};
use std::{
    collections::{BTreeMap, HashMap, HashSet},
    fmt,
    sync::{Arc, atomic::Ordering},
    time::{Duration, Instant},
};

/// Turns of the clock in which nothing more was sent: more than a night of quiet hours has.
const ROUNDS: u32 = 80;
/// More than the pause between two lists, and than most pauses between tries.
const TURN: i64 = 11 * minhu::clock::MINUTE;

/// The figures of a pass.
#[derive(Debug, Default)]
pub struct Reckoned {
    messages: u64,
    acknowledged: u64,
    given_up: u64,
    given_up_with_effect: usize,
    brought_again: u64,
    tickets: usize,
    events: usize,
    sent: u64,
    parts: u64,
    twice: u64,
}

impl fmt::Display for Reckoned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} messages ({} acknowledged, {} given up by the platform, {} brought again), {} tickets, {} numbered effects, \
             {} of them of messages given up; {} messages sent by the courier, with {} parts, {} of these arrived once more",
            self.messages,
            self.acknowledged,
            self.given_up,
            self.brought_again,
            self.tickets,
            self.events,
            self.given_up_with_effect,
            self.sent,
            self.parts,
            self.twice
        )
    }
}

/// Lets everything come to rest, proves that everybody can go on, and compares.
pub async fn reckon(town: &Arc<Town>) -> Reckoned {
    settle(town).await;
    people::prove_that_nobody_is_stuck(town).await;
    settle(town).await;
    for _ in 0..ROUNDS {
        if count(town, "SELECT COUNT(*) FROM outbox WHERE state = 'kept'").await == 0 {
            break;
        }
        people::greet(town).await;
        settle(town).await;
    }
    let mut wrong = Vec::new();
    let mut reckoned = Reckoned { brought_again: town.book.brought_again.load(Ordering::Relaxed), ..Reckoned::default() };
    for sender in town.book.said().values() {
        reckoned.acknowledged += sender.acknowledged;
        reckoned.given_up += sender.given_up;
    }
    reckoned.messages = reckoned.acknowledged + reckoned.given_up;
    effects(town, &mut reckoned, &mut wrong).await;
    told(town, &mut reckoned, &mut wrong).await;
    answered(town, &mut wrong).await;
    for (what, query) in [
        ("turns that failed", "SELECT COUNT(*) FROM fault"),
        ("messages that did not go out", "SELECT COUNT(*) FROM outbox WHERE state NOT IN ('sent', 'superseded')"),
        ("ticket numbers given twice", "SELECT COUNT(*) - COUNT(DISTINCT number) FROM ticket"),
        ("assigned more than once", "SELECT COUNT(*) - COUNT(DISTINCT ticket_id) FROM ticket_event WHERE command = 'assign'"),
        ("signed for more than once", "SELECT COUNT(*) - COUNT(DISTINCT ticket_id) FROM ticket_event WHERE command = 'sign'"),
    ] {
        let found = count(town, query).await;
        if found != 0 {
            wrong.push(format!("{what}: {found}"));
        }
    }
    let (code, said) = town.machines.command(&["audit", "verify"]);
    if code != Some(0) {
        wrong.push(format!("minhu audit verify: {code:?} {said}"));
    }
    let shown = &wrong[..wrong.len().min(40)];
    assert!(wrong.is_empty(), "{} are wrong:\n{}\n{reckoned}\n{}", wrong.len(), shown.join("\n"), town.machines.last_words());
    reckoned
}

/// Turns the clock, with a restart in good order each time, until no message waits.
async fn settle(town: &Town) {
    let (mut fewest, mut in_vain) = (i64::MAX, 0);
    while in_vain < ROUNDS {
        let begun = Instant::now();
        loop {
            let due =
                format!("SELECT COUNT(*) FROM outbox WHERE state IN ('pending', 'held') AND not_before <= {}", town.clock.now());
            if count(town, &due).await == 0 || begun.elapsed() > Duration::from_secs(10) {
                break;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        let left = count(town, "SELECT COUNT(*) FROM outbox WHERE state IN ('pending', 'held', 'sending')").await;
        if left == 0 {
            return;
        }
        in_vain = if left < fewest { 0 } else { in_vain + 1 };
        fewest = fewest.min(left);
        town.advance(TURN);
        town.machines.restart_all().await;
    }
    let left =
        rows(town, "SELECT state, class, lane, tries, why FROM outbox WHERE state IN ('pending', 'held', 'sending')").await;
    let left: Vec<String> = left
        .iter()
        .map(|row| {
            let why: Option<String> = row.get(4);
            format!("{} {} {} {} {why:?}", text(row, 0), text(row, 1), text(row, 2), row.get::<i32, _>(3))
        })
        .collect();
    panic!("messages are left that nobody sends:\n{}\n{}", left.join("\n"), town.machines.last_words());
}

/// Every number stands where it must as often as it may.
async fn effects(town: &Town, reckoned: &mut Reckoned, wrong: &mut Vec<String>) {
    let mut found: HashMap<(u64, String), usize> = HashMap::new();
    let tickets = rows(town, "SELECT text FROM ticket").await;
    for row in &tickets {
        let marks = marks_in(&text(row, 0));
        if marks.len() != 1 {
            wrong.push(format!("a ticket has other words than one report's: {}", text(row, 0)));
        }
        marks.into_iter().for_each(|number| *found.entry((number, "report".to_owned())).or_default() += 1);
    }
    reckoned.tickets = tickets.len();
    for row in rows(town, "SELECT command, reason FROM ticket_event WHERE reason IS NOT NULL").await {
        for number in marks_in(&text(&row, 1)) {
            *found.entry((number, text(&row, 0))).or_default() += 1;
        }
    }
    let wechat = town.wechat.sent();
    let reached =
        wechat.iter().flat_map(|(openid, words)| marks_in(words).into_iter().map(move |number| (openid.as_str(), number)));
    let reached: HashSet<(&str, u64)> = reached.collect();
    for (number, mark) in town.book.marks() {
        let times = found.remove(&(number, mark.kind.command().to_owned())).unwrap_or_default();
        reckoned.events += times;
        let right = match mark.fate {
            Fate::Acknowledged => times == 1,
            Fate::Unknown => times <= 1,
            Fate::Unsaid => times == 0,
        };
        if mark.fate == Fate::Unknown {
            reckoned.given_up_with_effect += times;
        }
        if !right {
            wrong.push(format!("{:?} {number} was {:?} and has its effect {times} times", mark.kind, mark.fate));
        }
        // Whoever is told something through the bot was told it.
        if let Some(reader) = mark.reader.filter(|_| times > 0)
            && !reached.contains(&(reader.openid().as_str(), number))
        {
            wrong.push(format!("{:?} {number} never reached {reader:?}", mark.kind));
        }
    }
    wrong.extend(found.into_keys().map(|(number, command)| format!("{number} stands in {command} where nobody said it")));
}

/// What the courier recorded as sent was taken by a platform as often as it is recorded, or more often; what it put into a list
/// was taken too. Lists are compared by their parts: one that was sent but not recorded becomes part of a longer one.
async fn told(town: &Town, reckoned: &mut Reckoned, wrong: &mut Vec<String>) {
    let mut arrived: BTreeMap<(bool, String), u64> = BTreeMap::new();
    let wechat = town.wechat.sent().into_iter().map(|(_, words)| (true, words));
    for (mp, words) in wechat.chain(town.ding.sent().into_iter().map(|sent| (false, sent.text))) {
        parts(&words).for_each(|part| *arrived.entry((mp, part)).or_default() += 1);
    }
    let mut recorded: BTreeMap<(bool, String), u64> = BTreeMap::new();
    let keys = keys();
    for row in rows(town, "SELECT channel, target, body FROM outbox WHERE state = 'sent' AND channel IS NOT NULL").await {
        let words = words_for(&text(&row, 1), reply(&keys, &text(&row, 2)));
        parts(&words).for_each(|part| *recorded.entry((text(&row, 0) == "mp", part)).or_default() += 1);
        reckoned.sent += 1;
    }
    let listed = "SELECT target, body FROM outbox WHERE state = 'superseded' AND why IN ('in one list', 'kept as one')";
    for row in rows(town, listed).await {
        for part in parts(&words_for(&text(&row, 0), reply(&keys, &text(&row, 1)))) {
            if ![true, false].iter().any(|mp| arrived.contains_key(&(*mp, part.clone()))) {
                wrong.push(format!("was put into a list and never arrived: {part}"));
            }
        }
    }
    for ((mp, part), times) in recorded {
        let there = arrived.remove(&(mp, part.clone())).unwrap_or_default();
        if there < times {
            wrong.push(format!("recorded as sent {times} times, arrived {there} times: {part}"));
        }
        reckoned.parts += times;
        reckoned.twice += there.saturating_sub(times);
    }
    wrong.extend(arrived.into_keys().map(|(_, part)| format!("arrived without a record: {part}")));
}

/// What somebody reads of a message.
fn words_for(target: &str, reply: Reply) -> String {
    if target.starts_with("g:") { reply.as_text() } else { reply.in_private().as_text() }
}

/// The parts of a list, without its head.
fn parts(words: &str) -> impl Iterator<Item = String> {
    words.split("\n\n").map(|part| {
        let mut part = part;
        // A part may be a list itself.
        while let Some((_, rest)) = part.split_once('\n').filter(|(head, _)| head.starts_with("有 ") && head.ends_with(" 件事："))
        {
            part = rest;
        }
        part.to_owned()
    })
}

/// Everybody has one answer to each message that counted, and heard it in the response or from the courier.
async fn answered(town: &Town, wrong: &mut Vec<String>) {
    let keys = keys();
    let mut chats: HashMap<String, Address> = HashMap::new();
    for row in rows(town, "SELECT id, hash, address FROM conversation").await {
        let place = format!("conversation.address.{}", text(&row, 1));
        let address = serde_json::from_str(&keys.open(&place, &text(&row, 2)).unwrap()).unwrap();
        chats.insert(format!("c:{}", row.get::<i64, _>(0)), address);
    }
    let mut turns: HashMap<String, HashSet<String>> = HashMap::new();
    let mut handed: HashMap<(String, String), u64> = HashMap::new();
    for row in rows(town, "SELECT lane, turn_key, channel, body FROM outbox WHERE class = 'reply' AND state = 'sent'").await {
        let Some(address) = chats.get(&text(&row, 0)) else {
            wrong.push(format!("an answer without a chat: {}", text(&row, 0)));
            continue;
        };
        turns.entry(address.account.clone()).or_default().insert(text(&row, 1));
        if row.get::<Option<String>, _>(2).is_none() {
            *handed.entry((address.account.clone(), reply(&keys, &text(&row, 3)).as_text())).or_default() += 1;
        }
    }
    let mut unheard: HashMap<String, u64> = HashMap::new();
    let heard = town.book.heard();
    for ((account, words), times) in handed {
        let there = heard.get(&(account.clone(), words)).copied().unwrap_or_default();
        *unheard.entry(account).or_default() += times.saturating_sub(there);
    }
    for (account, sender) in town.book.said() {
        let there = turns.get(&account).map_or(0, HashSet::len) as u64;
        if !(sender.acknowledged..=sender.acknowledged + sender.given_up).contains(&there) {
            wrong.push(format!("{account}: {sender:?}, but {there} messages were answered"));
        }
        let lost = unheard.remove(&account).unwrap_or_default();
        if lost > sender.unheard {
            wrong.push(format!("{account}: {sender:?}, but {lost} answers were taken for handed over and never heard"));
        }
    }
}

fn keys() -> Keys {
    Keys::new(&Keys::root(KEY).unwrap(), &[])
}

fn reply(keys: &Keys, body: &str) -> Reply {
    serde_json::from_str(&keys.open("outbox.body", body).unwrap()).unwrap()
}

fn text(row: &AnyRow, column: usize) -> String {
    row.get(column)
}

async fn count(town: &Town, query: &str) -> i64 {
    rows(town, query).await[0].get(0)
}

async fn rows(town: &Town, query: &str) -> Vec<AnyRow> {
    sqlx::any::install_default_drivers();
    let mut connection = AnyConnection::connect(&town.machines.database).await.unwrap();
    let rows = sqlx::query(AssertSqlSafe(query.to_owned())).fetch_all(&mut connection).await.unwrap();
    connection.close().await.unwrap();
    rows
}
