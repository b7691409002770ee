use super::*;
use crate::{
    app,
    bot::{
        Form, Opening, Overflow, Parsed, Resolved, Submitted, Turn,
        dialog::{Answers, Dialog, Dialogs, Item, Query},
    },
    channels::Ability,
    clock::{Clock, parse},
    db::Db,
    message::{Address, Content, Said},
    metrics::Metrics,
    outbox::{Courier, Found, Post, Push, Target, courier::window_hash},
};
use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};
use tokio_util::sync::CancellationToken;

/// An application in which words do what they say: note themselves down, and then perhaps fail.
#[derive(Default)]
struct Odd {
    mended: AtomicBool,
}

impl App for Odd {
    type Actor = ();

    async fn actors(&self, _: &mut Tx, from: &[&Address], _: Millis) -> Result<Vec<()>> {
        Ok(vec![(); from.len()])
    }

    fn ability(&self, _: &str) -> Ability {
        crate::channels::wechat::ABILITY
    }

    fn window(&self, _: &Update) -> Option<(u32, Millis)> {
        Some((5, crate::clock::DAY))
    }

    fn dialogs(&self) -> Arc<Dialogs> {
        app::dialogs(None).unwrap()
    }

    fn forms(&self) -> &[&'static Form] {
        &[]
    }

    fn may(&self, _: &(), _: &Form) -> bool {
        true
    }

    fn refusal(&self, _: &(), _: &Form) -> Option<String> {
        None
    }

    async fn direct(&self, _: &mut Turn<'_, ()>, _: &Parsed) -> Result<bool> {
        Ok(false)
    }

    async fn resolve(&self, _: &mut Turn<'_, ()>, _: &Query, _: &str) -> Result<Option<Resolved>> {
        Ok(None)
    }

    async fn brought(&self, _: &mut Turn<'_, ()>, _: &Dialog, _: &Answers) -> Result<Answers> {
        Ok(Answers::new())
    }

    fn may_start(&self, _: &(), _: &Dialog) -> bool {
        false
    }

    fn private(&self, _: &Dialog) -> bool {
        false
    }

    async fn items(&self, _: &mut Turn<'_, ()>, _: &Query) -> Result<Vec<Item>> {
        Ok(Vec::new())
    }

    async fn submit(&self, _: &mut Turn<'_, ()>, _: &str, _: &Answers) -> Result<Submitted> {
        Ok(Submitted::Done(Vec::new()))
    }

    async fn each(&self, _: &mut Turn<'_, ()>, _: &str, _: &str, _: &Answers) -> Result<()> {
        Ok(())
    }

    async fn targets(&self, _: &mut Turn<'_, ()>) -> Result<Vec<Target>> {
        Ok(Vec::new())
    }

    fn danger(&self, _: &str) -> Option<String> {
        None
    }

    fn is_small_talk(&self, _: &str) -> bool {
        false
    }

    fn begins_anew(&self, _: &(), _: &str) -> bool {
        false
    }

    async fn open(&self, turn: &mut Turn<'_, ()>, said: &Said) -> Result<Opening> {
        let id = turn.tx.id()?;
        sqlx::query("INSERT INTO setting (name, value) VALUES ($1, $2)")
            .bind(id.to_string())
            .bind(format!("said {}", said.text))
            .execute(turn.tx.conn())
            .await?;
        turn.memory.notes.insert("last".into(), said.text.clone());
        match said.text.as_str() {
            _ if self.mended.load(Ordering::Relaxed) => {}
            "fault" => return Err(Error::fault("by itself")),
            "panic" => panic!("on purpose"),
            "mistake" => {
                sqlx::query("INSERT INTO setting (name, value) VALUES ('org_version', '13800000000')")
                    .execute(turn.tx.conn())
                    .await?;
            }
            "trouble" => return Err(sqlx::Error::PoolTimedOut.into()),
            _ => {}
        }
        turn.say(format!("heard {}", said.text));
        Ok(Opening::Answered)
    }

    fn number_in(&self, _: &str) -> Option<String> {
        None
    }

    fn nothing_for(&self, _: &Form) -> String {
        String::new()
    }

    fn help_intro(&self, (): &()) -> String {
        String::new()
    }

    async fn arrived(&self, _: &mut Turn<'_, ()>, _: Option<&str>) -> Result<()> {
        Ok(())
    }

    async fn left(&self, _: &mut Turn<'_, ()>) -> Result<()> {
        Ok(())
    }
}

/// Nothing is sent here; the courier is only needed for its handle.
impl Post for Odd {
    async fn find(&self, _: &mut Tx, _: &Target, _: Option<i64>) -> Result<Found> {
        Ok(Found::Addresses(Vec::new()))
    }

    async fn send(&self, _: &Address, _: &crate::channels::Way, _: &Reply) -> crate::channels::Outcome {
        crate::channels::Outcome::Gone("nobody")
    }

    fn channels(&self) -> Vec<String> {
        Vec::new()
    }
    fn ability(&self, _: &str) -> Option<Ability> {
        None
    }

    fn has_template(&self, _: &str) -> bool {
        false
    }

    fn neutral(&self) -> Reply {
        Reply::default()
    }

    fn merged(&self, _: &[Reply]) -> Reply {
        Reply::default()
    }

    fn quota_warning(&self, _: &str, _: i64, _: i64) -> Vec<Push> {
        Vec::new()
    }
}

struct Room {
    bot: Arc<Bot<Odd>>,
    app: Arc<Odd>,
    db: Db,
    clock: Clock,
    keys: Keys,
    _folder: tempfile::TempDir,
}

impl Room {
    async fn new() -> Room {
        let folder = tempfile::tempdir().unwrap();
        let db = Db::open(&format!("sqlite://{}/f.db", folder.path().display()), 4).await.unwrap();
        db.migrate().await.unwrap();
        let (app, clock) = (Arc::new(Odd::default()), Clock::starting_at(parse("2026-11-23T10:00:00+08:00").unwrap()));
        let keys = Keys::new(&[7; 32], &[]);
        let (_courier, wake) = Courier::new(db.clone(), clock.clone(), keys.clone(), app.clone(), Metrics::default());
        let (bot, _worker) =
            Bot::start(app.clone(), db.clone(), clock.clone(), keys.clone(), wake, Metrics::default(), CancellationToken::new());
        Room { bot, app, db, clock, keys, _folder: folder }
    }

    /// Messages that come at the same moment, each from somebody else, and what each was answered; an error as its name.
    async fn hears(&self, texts: &[&str]) -> Vec<String> {
        let all = texts.iter().enumerate().map(|(n, text)| self.bot.take(update(n, text)));
        let given = futures_util::future::join_all(all).await;
        given
            .into_iter()
            .map(|given| match given {
                Ok(given) => given.held.map(|(_, reply)| reply.text).unwrap_or_default(),
                Err(Overflow::NoDatabase) => "503".to_owned(),
                Err(Overflow::NoRoom) => "no room".to_owned(),
            })
            .collect()
    }

    /// What messages did.
    async fn effects(&self) -> Vec<String> {
        let sql = "SELECT value FROM setting WHERE value LIKE 'said %' ORDER BY value";
        sqlx::query_scalar(sql).fetch_all(&mut *self.db.read().await.unwrap()).await.unwrap()
    }

    async fn faults(&self) -> Vec<Fault> {
        list(&mut self.db.read().await.unwrap()).await.unwrap()
    }

    async fn rows(&self, sql: &'static str) -> Vec<String> {
        sqlx::query_scalar(sql).fetch_all(&mut *self.db.read().await.unwrap()).await.unwrap()
    }

    async fn text_of(&self, fault: i64) -> Option<Content> {
        let said = said(&mut self.db.read().await.unwrap(), &self.keys, fault).await.unwrap();
        said.map(|update| update.content)
    }
}

fn update(who: usize, text: &str) -> Update {
    let from = Address { channel: "mp".into(), account: format!("a{who}"), group: None };
    Update {
        key: format!("mp|{who}|{text}"),
        from,
        nick: None,
        content: Content::text(text),
        at: 0,
        via: None,
        request: String::new(),
    }
}

#[tokio::test]
async fn of_messages_that_wait_together_only_the_one_that_fails_is_undone_and_kept() {
    for (bad, why) in [("fault", "by itself"), ("panic", "panic"), ("mistake", "the database refuses a statement: 1555")] {
        let room = Room::new().await;
        let said = room.hears(&["one", "two", bad, "three", "four"]).await;
        assert_eq!(said, ["heard one", "heard two", wording::fault(), "heard three", "heard four"], "{bad}");
        assert_eq!(room.effects().await, ["said four", "said one", "said three", "said two"], "{bad}");
        let faults = room.faults().await;
        let [fault] = &faults[..] else { panic!("{faults:?}") };
        assert_eq!((fault.why.as_str(), fault.channel.as_str(), fault.done_at, fault.moved_on), (why, "mp", None, false));
        assert_eq!(room.text_of(fault.id).await, Some(Content::text(bad)));
        // Sealed, and delivered again it gets the same answer and no second fault.
        assert!(room.rows("SELECT raw FROM fault").await[0].starts_with("k1."));
        let again = room.bot.take(update(2, bad)).await.unwrap();
        assert_eq!(again.held.map(|(_, reply)| reply.text).as_deref(), Some(wording::fault()), "{bad}");
        assert_eq!(room.faults().await.len(), 1);
    }
}

#[tokio::test]
async fn trouble_of_the_database_is_never_a_fault() {
    let room = Room::new().await;
    assert_eq!(room.hears(&["one", "trouble", "two"]).await, ["503", "503", "503"]);
    assert!(room.db.trouble().is_some());
    assert!(room.faults().await.is_empty() && room.effects().await.is_empty());
    assert!(room.rows("SELECT message FROM seen").await.is_empty());
    room.app.mended.store(true, Ordering::Relaxed);
    room.db.probe(true).await.unwrap();
    assert_eq!(room.db.trouble(), None);
    assert_eq!(room.hears(&["one", "trouble", "two"]).await, ["heard one", "heard trouble", "heard two"]);
}

#[tokio::test]
async fn a_fault_is_run_again_once_and_its_answer_is_pushed() {
    let room = Room::new().await;
    room.hears(&["fault"]).await;
    let id = room.faults().await[0].id;
    room.clock.advance(crate::clock::HOUR);
    assert_eq!(room.bot.replay(id, false).await.unwrap(), Replayed::Failed("by itself".into()));
    assert_eq!(room.faults().await[0].tries, 1);
    assert!(room.effects().await.is_empty());

    room.app.mended.store(true, Ordering::Relaxed);
    let window = window_hash(&room.keys, &update(0, "").from);
    let until = async || {
        let sql = "SELECT until FROM send_window WHERE hash = $1";
        sqlx::query_scalar::<_, i64>(sql).bind(window.clone()).fetch_one(&mut *room.db.read().await.unwrap()).await.unwrap()
    };
    let before = until().await;
    // Several at once, as two administrators might: one has the effect.
    let (one, two, three) = tokio::join!(room.bot.replay(id, false), room.bot.replay(id, true), room.bot.replay(id, false));
    let mut all = [one.unwrap(), two.unwrap(), three.unwrap()].map(|replayed| format!("{replayed:?}"));
    all.sort();
    assert_eq!(all, ["Done", "NotOpen", "NotOpen"]);
    assert_eq!(room.bot.replay(id, true).await.unwrap(), Replayed::NotOpen);
    assert_eq!(room.effects().await, ["said fault"]);
    assert_eq!(room.rows("SELECT state FROM outbox WHERE class = 'reply' ORDER BY id").await, ["held", "pending"]);
    assert_eq!(until().await, before, "an old message opens no window");
    let done = &room.faults().await[0];
    assert!(done.done_at.is_some() && done.tries == 2);
    assert_eq!(room.text_of(id).await, None);
    assert_eq!(room.rows("SELECT raw FROM fault").await, [""]);
}

#[tokio::test]
async fn a_conversation_that_has_moved_on_is_left_alone_unless_told() {
    let room = Room::new().await;
    room.hears(&["fault"]).await;
    let id = room.faults().await[0].id;
    room.app.mended.store(true, Ordering::Relaxed);
    room.hears(&["something else"]).await;
    assert!(room.faults().await[0].moved_on);
    assert_eq!(room.bot.replay(id, false).await.unwrap(), Replayed::MovedOn);
    assert_eq!(room.effects().await, ["said something else"]);
    assert_eq!(room.bot.replay(id, true).await.unwrap(), Replayed::Done);
    assert_eq!(room.effects().await, ["said fault", "said something else"]);
    assert_eq!(room.bot.replay(77, true).await.unwrap(), Replayed::NotOpen);
}
