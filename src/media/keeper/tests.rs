use super::super::place::Place;
use super::super::samples::{self, holds};
use super::super::{State, attach, of_ticket, ready_of};
use super::*;
use crate::{
    clock::{DAY, parse},
    config,
    db::testing,
};
use std::{
    fs,
    path::{Path, PathBuf},
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

type Download = std::result::Result<Vec<u8>, Outcome>;

/// A platform with files by their references; each download takes the next answer, the last one stays.
#[derive(Default)]
struct Platform {
    answers: Mutex<HashMap<String, Vec<Download>>>,
    asked: AtomicUsize,
    now: AtomicUsize,
    most_at_once: AtomicUsize,
    slow: bool,
}

impl Fetcher for Platform {
    async fn fetch(&self, channel: &str, media: &Media, _: usize) -> Download {
        assert_eq!(channel, "mp");
        self.asked.fetch_add(1, Ordering::SeqCst);
        let now = self.now.fetch_add(1, Ordering::SeqCst) + 1;
        self.most_at_once.fetch_max(now, Ordering::SeqCst);
        if self.slow {
            tokio::time::sleep(Duration::from_millis(30)).await;
        }
        self.now.fetch_sub(1, Ordering::SeqCst);
        let mut answers = self.answers.lock().unwrap();
        let answers = answers.get_mut(&media.reference).unwrap();
        if answers.len() > 1 { answers.remove(0) } else { answers[0].clone() }
    }
}

struct House {
    folder: tempfile::TempDir,
    db: Db,
    clock: Clock,
    platform: Arc<Platform>,
    bucket: Option<config::S3>,
}

/// The installation's keys.
fn keys() -> Keys {
    Keys::new(&[1; 32], &[])
}

impl House {
    async fn new() -> House {
        House::with(Platform::default()).await
    }

    async fn with(platform: Platform) -> House {
        let folder = tempfile::tempdir().unwrap();
        let db = Db::open(&format!("sqlite://{}/t.db", folder.path().display()), 4).await.unwrap();
        db.migrate().await.unwrap();
        House::on(folder, db, platform)
    }

    fn on(folder: tempfile::TempDir, db: Db, platform: Platform) -> House {
        let clock = Clock::starting_at(parse("2026-11-22T10:00:00+08:00").unwrap());
        House { folder, db, clock, platform: Arc::new(platform), bucket: None }
    }

    fn dir(&self) -> PathBuf {
        self.folder.path().join("media")
    }

    fn keeper_with(&self, root: u8) -> (Keeper<Platform>, Wake) {
        Keeper::new(self.db.clone(), self.clock.clone(), self.shelf_with(root), self.platform.clone(), Metrics::default())
    }

    fn keeper(&self) -> Arc<Keeper<Platform>> {
        Arc::new(self.keeper_with(1).0)
    }

    fn shelf_with(&self, root: u8) -> Shelf {
        let place = self.bucket.clone().map_or_else(|| config::Media::Folder(self.dir()), config::Media::S3);
        Shelf::new(self.db.clone(), Keys::new(&[root; 32], &[]), Place::open(&place).unwrap())
    }

    fn shelf(&self) -> Shelf {
        self.shelf_with(1)
    }

    /// Somebody sends a file in a turn of its own, which is answered in chat 5.
    async fn sent(&self, id: i64, kind: &'static str, answers: &[Download]) {
        self.sent_in(&format!("turn {id}"), id, kind, answers).await;
        self.answered(&format!("turn {id}")).await;
    }

    async fn sent_in(&self, turn: &str, id: i64, kind: &'static str, answers: &[Download]) {
        let reference = format!("file {id}");
        let now = self.clock.now();
        let mut tx = self.db.write().await.unwrap();
        sqlx::query(
            "INSERT INTO media (id, turn_key, kind, channel, reference, at, state, fetch_by, tries, due_at)
             VALUES ($1, $2, $3, 'mp', $4, $5, 'fetching', $6, 0, $5)",
        )
        .bind(id)
        .bind(turn.to_owned())
        .bind(kind)
        .bind(reference.clone())
        .bind(now)
        .bind(now + 3 * DAY)
        .execute(tx.conn())
        .await
        .unwrap();
        tx.commit().await.unwrap();
        self.platform.answers.lock().unwrap().insert(reference, answers.to_vec());
    }

    async fn answered(&self, turn: &str) {
        let mut tx = self.db.write().await.unwrap();
        let reply = Push {
            target: Target::Chat(5),
            ticket: None,
            class: Class::Reply,
            reply: Reply::text("收到。"),
            except: None,
            urgent: false,
        };
        let rows = [(tx.id().unwrap(), turn.to_owned(), false, reply)];
        outbox::write(&mut tx, &keys(), &rows, &HashMap::new(), self.clock.now()).await.unwrap();
        tx.commit().await.unwrap();
    }

    async fn count(&self, state: &'static str) -> i64 {
        let mut conn = self.db.read().await.unwrap();
        sqlx::query_scalar("SELECT COUNT(*) FROM media WHERE state = $1").bind(state).fetch_one(&mut *conn).await.unwrap()
    }

    /// Works until nothing is due; says how many downloads that took.
    async fn work(&self) -> usize {
        let before = self.platform.asked.load(Ordering::SeqCst);
        let keeper = self.keeper();
        loop {
            let (worked, jobs) = keeper.claim(AT_ONCE).await.unwrap();
            for job in jobs {
                Keeper::handle(keeper.clone(), job, CancellationToken::new()).await;
            }
            if !worked {
                return self.platform.asked.load(Ordering::SeqCst) - before;
            }
        }
    }

    async fn state(&self, id: i64) -> String {
        let mut conn = self.db.read().await.unwrap();
        sqlx::query_scalar("SELECT state FROM media WHERE id = $1").bind(id).fetch_one(&mut *conn).await.unwrap()
    }

    /// What was said about files: target, class, ticket, text.
    async fn said(&self) -> Vec<(String, String, Option<i64>, String)> {
        let mut conn = self.db.read().await.unwrap();
        let rows = sqlx::query("SELECT target, class, ticket_id, body FROM outbox WHERE turn_key = '' ORDER BY id")
            .fetch_all(&mut *conn)
            .await
            .unwrap();
        rows.iter()
            .map(|row| {
                let body = keys().open("outbox.body", row.get(3)).unwrap();
                let reply: Reply = serde_json::from_str(&body).unwrap();
                (row.get(0), row.get(1), row.get(2), reply.text)
            })
            .collect()
    }

    fn files(&self) -> Vec<PathBuf> {
        fn below(folder: &Path, all: &mut Vec<PathBuf>) {
            for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
                if entry.path().is_dir() { below(&entry.path(), all) } else { all.push(entry.path()) }
            }
        }
        let mut all = Vec::new();
        below(&self.dir(), &mut all);
        all.sort();
        all
    }
}

#[tokio::test]
async fn every_kind_is_kept_with_its_original_and_a_clean_copy() {
    let house = House::new().await;
    let files: [(&str, &str, Vec<u8>); 10] = [
        ("photo", "image/jpeg", samples::jpeg()),
        ("photo", "image/png", samples::png()),
        ("photo", "image/webp", samples::webp()),
        ("photo", "image/gif", samples::gif()),
        ("voice", "audio/amr", b"#!AMR\n\x3csound".to_vec()),
        ("voice", "audio/mpeg", samples::mp3()),
        ("voice", "audio/ogg", b"OggS\0sound".to_vec()),
        ("voice", "audio/wav", samples::wav()),
        ("voice", "audio/x-silk", b"\x02#!SILK_V3sound".to_vec()),
        ("video", "video/mp4", samples::mp4()),
    ];
    for (id, (kind, _, bytes)) in (1..).zip(&files) {
        house.sent(id, kind, &[Ok(bytes.clone())]).await;
    }
    assert_eq!(house.work().await, files.len());
    for (id, (_, mime, bytes)) in (1..).zip(&files) {
        let (kept_mime, original) = house.shelf().original(id).await.unwrap().unwrap();
        assert_eq!((kept_mime.as_str(), &original), (*mime, bytes));
        let (kept_mime, copy) = house.shelf().open(id).await.unwrap().unwrap();
        assert_eq!(kept_mime, *mime);
        for secret in [&b"SECRET"[..], b"GPSPLACE", b"SECRETCAMERA"] {
            assert!(!holds(&copy, secret), "{mime}");
        }
    }
    assert!(house.said().await.is_empty());
}

#[tokio::test]
async fn files_on_disk_are_sealed_and_named_by_their_id_alone() {
    let house = House::new().await;
    house.sent(0x1_02_03, "photo", &[Ok(samples::jpeg())]).await;
    house.work().await;
    let expected = ["66051.copy", "66051.original"].map(|name| house.dir().join("03").join("02").join(name));
    assert_eq!(house.files(), expected);
    for file in house.files() {
        let bytes = fs::read(file).unwrap();
        for plain in [&b"GPSPLACE"[..], b"SECRETCAMERA", b"JFIF", b"ICC_PROFILE"] {
            assert!(!holds(&bytes, plain));
        }
    }
    let stranger = house.shelf_with(2);
    assert!(stranger.open(0x1_02_03).await.is_err());
    assert!(stranger.original(0x1_02_03).await.is_err());
    let [copy, original] = expected;
    fs::rename(copy, original).unwrap();
    assert!(house.shelf().original(0x1_02_03).await.is_err(), "a copy does not pass for the original");
    assert!(house.shelf().open(0x1_02_03).await.is_err(), "a missing file is a fault");
}

#[tokio::test]
async fn what_lies_about_its_kind_is_refused_and_asked_for_again_in_the_chat_it_came_from() {
    let house = House::new().await;
    house.sent(1, "photo", &[Ok(b"MZ\x90\0this program".to_vec())]).await;
    house.sent(2, "photo", &[Ok(samples::mp4())]).await;
    house.sent(3, "voice", &[Ok(b"<html>".to_vec())]).await;
    house.sent(4, "photo", &[Ok(b"\xff\xd8\xff\xe0<script>".to_vec())]).await;
    house.work().await;
    for id in 1..=4 {
        assert_eq!(house.state(id).await, "refused", "{id}");
        assert_eq!(house.shelf().open(id).await.unwrap(), None);
    }
    assert!(house.files().is_empty());
    let photo = ("c:5".to_owned(), "reply".to_owned(), None, "您发的那张照片打不开。请重新拍一张发给我。".to_owned());
    let voice = ("c:5".to_owned(), "reply".to_owned(), None, "您发的那段语音听不了。请按住说话再说一遍，打字也行。".to_owned());
    assert_eq!(house.said().await, [photo.clone(), photo.clone(), voice, photo]);
}

#[tokio::test]
async fn too_large_is_refused_whether_the_channel_notices_it_or_not() {
    let house = House::new().await;
    let mut large = samples::jpeg();
    large.resize(most(MediaKind::Photo) + 1, 0);
    let mut just_right = samples::jpeg();
    just_right.resize(most(MediaKind::Photo), 0);
    house.sent(1, "photo", &[Ok(large)]).await;
    house.sent(2, "video", &[Err(Outcome::Refused("too large"))]).await;
    house.sent(3, "photo", &[Ok(just_right)]).await;
    house.work().await;
    assert_eq!([house.state(1).await, house.state(2).await, house.state(3).await], ["refused", "refused", "ready"]);
    let texts: Vec<String> = house.said().await.into_iter().map(|(.., text)| text).collect();
    assert_eq!(
        texts,
        [
            "您发的那张照片太大了。请发 10 兆以内的照片，发的时候别选“原图”就行。",
            "您发的那段视频没收下来，可能是太大了。请拍短一点再发一次，发照片也行。"
        ]
    );
}

#[tokio::test]
async fn a_download_that_fails_twice_is_kept_at_the_third_try() {
    let house = House::new().await;
    let later = Err(Outcome::Later(Duration::from_secs(60), "busy"));
    house.sent(1, "photo", &[Err(Outcome::Unknown("no answer")), later, Ok(samples::png())]).await;
    assert_eq!(house.work().await, 1);
    assert_eq!(house.work().await, 0, "not at once");
    house.clock.advance(6_000);
    assert_eq!(house.work().await, 1);
    house.clock.advance(50_000);
    assert_eq!(house.work().await, 0, "the platform's own pause is longer than the schedule");
    house.clock.advance(11_000);
    assert_eq!(house.work().await, 1);
    assert_eq!(house.state(1).await, "ready");
    assert!(house.said().await.is_empty());
}

#[tokio::test]
async fn a_file_that_cannot_be_written_is_fetched_again_until_it_can() {
    let house = House::new().await;
    house.sent(1, "photo", &[Ok(samples::png())]).await;
    // Where its folder should be nothing can be written, as on a full disk.
    let in_the_way = house.dir().join("01");
    fs::create_dir_all(house.dir()).unwrap();
    fs::write(&in_the_way, "in the way").unwrap();
    for pause in [7_000, 40_000, 3 * MINUTE, 13 * MINUTE] {
        assert_eq!(house.work().await, 1);
        assert_eq!((house.state(1).await.as_str(), house.said().await.len()), ("fetching", 0));
        house.clock.advance(pause);
    }
    fs::remove_file(in_the_way).unwrap();
    assert_eq!(house.work().await, 1);
    assert_eq!(house.state(1).await, "ready");
    assert!(house.shelf().open(1).await.unwrap().is_some() && house.said().await.is_empty());
}

#[tokio::test]
async fn a_clock_that_jumps_ahead_loses_no_file() {
    let house = House::new().await;
    house.sent(1, "photo", &[Err(Outcome::Unknown("no answer")), Ok(samples::png())]).await;
    house.clock.jump(10 * DAY);
    assert_eq!(house.work().await, 1);
    assert_eq!(house.work().await, 0, "not again at once");
    assert_eq!(house.state(1).await, "fetching");
    house.clock.advance(7_000);
    assert_eq!(house.work().await, 1);
    assert_eq!(house.state(1).await, "ready");
}

#[tokio::test]
async fn what_cannot_be_fetched_in_the_platforms_time_is_lost_and_said_so() {
    let house = House::new().await;
    house.sent(1, "photo", &[Err(Outcome::Unknown("no answer"))]).await;
    let mut tx = house.db.write().await.unwrap();
    attach(&mut tx, &[1], 77).await.unwrap();
    tx.commit().await.unwrap();
    let mut tries = 0;
    for _ in 0..75 {
        tries += house.work().await;
        house.clock.advance(HOUR);
    }
    assert!(tries > 40, "{tries}");
    assert_eq!(house.state(1).await, "lost");
    assert_eq!(house.work().await, 0);
    let said = ("c:5".to_owned(), "now".to_owned(), Some(77), "您发的那张照片没收到。麻烦您再发一次。".to_owned());
    assert_eq!(house.said().await, [said], "days later it is a push, which waits for the morning");
}

#[tokio::test]
async fn what_the_platform_no_longer_has_is_lost_at_once() {
    let house = House::new().await;
    house.sent(1, "voice", &[Err(Outcome::Gone("no such file"))]).await;
    assert_eq!(house.work().await, 1);
    assert_eq!(house.state(1).await, "lost");
    assert_eq!(house.said().await.len(), 1);
}

#[tokio::test]
async fn several_bad_photos_of_one_message_are_named_once_and_a_silent_turn_stays_silent() {
    let house = House::new().await;
    for id in 1..=3 {
        house.sent_in("rich text", id, "photo", &[Ok(b"no".to_vec())]).await;
    }
    house.answered("rich text").await;
    house.sent_in("second of nine", 4, "photo", &[Ok(b"no".to_vec())]).await;
    house.work().await;
    let texts: Vec<String> = house.said().await.into_iter().map(|(.., text)| text).collect();
    assert_eq!(texts, ["您发的照片里，有的打不开。请重新拍一张发给我。"]);
    assert_eq!(house.state(4).await, "refused");
}

#[tokio::test]
async fn a_crash_between_download_and_record_loses_nothing() {
    let house = House::new().await;
    house.sent(1, "photo", &[Ok(samples::jpeg())]).await;
    let crashed = house.keeper();
    let (_, jobs) = crashed.claim(AT_ONCE).await.unwrap();
    let verdict = crashed.attempt(&jobs[0], &CancellationToken::new()).await;
    assert!(matches!(verdict, Verdict::Ready(..)));
    fs::write(house.dir().join("01/00/1.copy#1"), b"half a file").unwrap();
    fs::write(house.dir().join("01/00/11.copy#1"), b"of another id").unwrap();
    drop(crashed);

    assert_eq!(house.work().await, 0, "the lease is still running");
    assert_eq!(house.shelf().open(1).await.unwrap(), None, "files without a ready row are not given out");
    house.clock.advance(LEASE);
    assert_eq!(house.work().await, 1);
    assert!(house.shelf().open(1).await.unwrap().is_some());
    let names: Vec<_> = house.files().iter().map(|file| file.file_name().unwrap().to_str().unwrap().to_owned()).collect();
    assert_eq!(names, ["1.copy", "1.original", "11.copy#1"], "the half file is gone, others are left alone");
}

#[tokio::test]
async fn two_processes_do_not_fetch_one_file_and_a_late_one_records_nothing() {
    let house = House::new().await;
    house.sent(1, "photo", &[Ok(b"no".to_vec()), Ok(samples::png())]).await;
    let (slow, quick) = (house.keeper(), house.keeper());
    let (_, mut first) = slow.claim(AT_ONCE).await.unwrap();
    assert!(quick.claim(AT_ONCE).await.unwrap().1.is_empty());
    let verdict = slow.attempt(&first[0], &CancellationToken::new()).await;
    assert_eq!(verdict, Verdict::NotKept(Trouble::Unreadable));
    house.clock.advance(LEASE);
    let (_, second) = quick.claim(AT_ONCE).await.unwrap();
    assert_eq!(second.len(), 1);
    let mut tx = house.db.write().await.unwrap();
    settle(&mut tx, &keys(), &first.remove(0), &verdict, house.clock.now()).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(house.state(1).await, "fetching");
    assert!(house.said().await.is_empty());
}

#[tokio::test]
async fn the_loop_fetches_four_at_once_when_woken_and_stops_when_told() {
    let house = House::with(Platform { slow: true, ..Platform::default() }).await;
    let (keeper, wake) = house.keeper_with(1);
    let stop = CancellationToken::new();
    let running = tokio::spawn(keeper.run(stop.clone()));
    for id in 1..=9 {
        house.sent(id, "photo", &[Ok(samples::png())]).await;
    }
    wake.wake();
    let all_ready = async {
        loop {
            let mut conn = house.db.read().await.unwrap();
            let ready: i64 =
                sqlx::query_scalar("SELECT COUNT(*) FROM media WHERE state = 'ready'").fetch_one(&mut *conn).await.unwrap();
            drop(conn);
            if ready == 9 {
                break;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), all_ready).await.unwrap();
    stop.cancel();
    tokio::time::timeout(Duration::from_secs(5), running).await.unwrap().unwrap();
    assert!(house.platform.most_at_once.load(Ordering::SeqCst) <= AT_ONCE);
    assert!(house.platform.most_at_once.load(Ordering::SeqCst) > 1);
    assert_eq!(house.platform.asked.load(Ordering::SeqCst), 9);
}

#[tokio::test]
async fn a_download_that_is_stopped_is_given_back_at_once() {
    let house = House::with(Platform { slow: true, ..Platform::default() }).await;
    house.sent(1, "photo", &[Ok(samples::png())]).await;
    let keeper = house.keeper();
    let (_, jobs) = keeper.claim(AT_ONCE).await.unwrap();
    let stop = CancellationToken::new();
    stop.cancel();
    for job in jobs {
        Keeper::handle(keeper.clone(), job, stop.clone()).await;
    }
    assert_eq!(house.state(1).await, "fetching");
    assert_eq!(house.work().await, 1, "the next process need not wait for the lease");
    assert_eq!(house.state(1).await, "ready");
}

#[tokio::test]
async fn a_ticket_gets_its_files_before_they_are_there_and_shows_those_that_are() {
    let house = House::new().await;
    house.sent(1, "photo", &[Ok(samples::jpeg())]).await;
    house.sent(2, "voice", &[Err(Outcome::Unknown("no answer"))]).await;
    house.sent(3, "photo", &[Ok(b"no".to_vec())]).await;
    let mut tx = house.db.write().await.unwrap();
    attach(&mut tx, &[1, 2, 3], 7).await.unwrap();
    attach(&mut tx, &[1], 8).await.unwrap();
    assert!(ready_of(tx.conn(), 7).await.unwrap().is_empty());
    tx.commit().await.unwrap();
    house.work().await;
    let mut conn = house.db.read().await.unwrap();
    let all: Vec<_> = of_ticket(&mut conn, 7).await.unwrap().iter().map(|kept| (kept.id, kept.kind, kept.state)).collect();
    let expected =
        [(1, MediaKind::Photo, State::Ready), (2, MediaKind::Voice, State::Fetching), (3, MediaKind::Photo, State::Refused)];
    assert_eq!(all, expected);
    assert_eq!(ready_of(&mut conn, 7).await.unwrap().iter().map(|kept| kept.id).collect::<Vec<_>>(), [1]);
    assert!(of_ticket(&mut conn, 8).await.unwrap().is_empty(), "a file stays with its first ticket");
}

#[tokio::test]
async fn the_sweep_deletes_what_belongs_to_no_ticket_for_a_week() {
    let house = House::new().await;
    house.sent(1, "photo", &[Ok(samples::jpeg())]).await;
    house.sent(2, "photo", &[Ok(samples::jpeg())]).await;
    house.clock.advance(DAY);
    house.sent(3, "photo", &[Ok(samples::jpeg())]).await;
    house.work().await;
    let mut tx = house.db.write().await.unwrap();
    attach(&mut tx, &[2], 7).await.unwrap();
    tx.commit().await.unwrap();
    house.shelf().sweep(house.clock.now()).await.unwrap();
    assert_eq!(house.files().len(), 6, "nothing is a week old");
    house.clock.advance(6 * DAY);
    house.shelf().sweep(house.clock.now()).await.unwrap();
    let names: Vec<_> = house.files().iter().map(|file| file.file_name().unwrap().to_str().unwrap().to_owned()).collect();
    assert_eq!(names, ["2.copy", "2.original", "3.copy", "3.original"]);
    let mut conn = house.db.read().await.unwrap();
    let rows: Vec<i64> = sqlx::query_scalar("SELECT id FROM media ORDER BY id").fetch_all(&mut *conn).await.unwrap();
    assert_eq!(rows, [2, 3]);
    assert!(house.shelf().open(2).await.unwrap().is_some());
}

/// The bucket of a running store, by `MINHUTEST_S3=http://127.0.0.1:PORT/BUCKET`; `tests/all.sh` starts one.
fn bucket(prefix: &str) -> Option<config::S3> {
    let address = std::env::var("MINHUTEST_S3").ok()?;
    let (endpoint, bucket) = address.rsplit_once('/').unwrap();
    Some(config::S3 {
        endpoint: endpoint.to_owned(),
        bucket: bucket.to_owned(),
        region: "us-east-1".to_owned(),
        access_key: "minhutest".into(),
        secret_key: "minhutest".into(),
        prefix: prefix.to_owned(),
        virtual_host: false,
    })
}

#[tokio::test]
async fn a_bucket_keeps_what_a_folder_keeps() {
    let Some(bucket) = bucket("kept/here") else { return };
    let house = House { bucket: Some(bucket), ..House::new().await };
    house.sent(7, "photo", &[Ok(samples::jpeg())]).await;
    house.sent(8, "photo", &[Ok(b"MZ no picture".to_vec())]).await;
    house.work().await;
    assert_eq!((house.state(7).await, house.state(8).await), ("ready".to_owned(), "refused".to_owned()));
    assert_eq!(house.shelf().original(7).await.unwrap().unwrap().1, samples::jpeg());
    let (mime, copy) = house.shelf().open(7).await.unwrap().unwrap();
    assert_eq!(mime, "image/jpeg");
    assert!(!holds(&copy, b"GPSPLACE"));
    assert!(house.shelf_with(2).open(7).await.is_err(), "what lies there is sealed");
    assert!(house.files().is_empty(), "nothing lies on this machine");

    house.clock.advance(8 * DAY);
    house.shelf().sweep(house.clock.now()).await.unwrap();
    house.sent(7, "photo", &[]).await;
    set_ready(&house, 7).await;
    assert!(house.shelf().open(7).await.is_err(), "the files went with the row");
}

/// A row says that its file is there.
async fn set_ready(house: &House, id: i64) {
    let mut tx = house.db.write().await.unwrap();
    let sql = "UPDATE media SET state = 'ready', mime = 'image/jpeg' WHERE id = $1";
    sqlx::query(sql).bind(id).execute(tx.conn()).await.unwrap();
    tx.commit().await.unwrap();
}

#[tokio::test]
async fn a_bucket_that_is_not_there_loses_nothing() {
    let nowhere = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let bucket = config::S3 {
        endpoint: format!("http://{nowhere}"),
        bucket: "minhu".to_owned(),
        region: "us-east-1".to_owned(),
        access_key: "a".into(),
        secret_key: "b".into(),
        prefix: String::new(),
        virtual_host: false,
    };
    let mut house = House { bucket: Some(bucket), ..House::new().await };
    house.sent(9, "photo", &[Ok(samples::jpeg())]).await;
    assert_eq!(house.work().await, 1);
    assert_eq!(house.state(9).await, "fetching", "it is tried again");
    assert!(house.said().await.is_empty());
    house.bucket = None;
    house.clock.advance(MINUTE);
    house.work().await;
    assert_eq!(house.state(9).await, "ready");
}

#[tokio::test]
async fn two_processes_fetch_each_file_once() {
    for place in testing::places().await {
        let platform = Platform { slow: true, ..Platform::default() };
        let house = House::on(tempfile::tempdir().unwrap(), place.open().await, platform);
        for id in 1..=24 {
            house.sent(id, "photo", &[Ok(samples::png())]).await;
        }
        let stop = CancellationToken::new();
        let run = |db: Db| {
            let (keeper, _) = Keeper::new(db, house.clock.clone(), house.shelf(), house.platform.clone(), Metrics::default());
            tokio::spawn(keeper.run(stop.clone()))
        };
        let both = [run(place.open().await), run(place.open().await)];
        let all_ready = async {
            while house.count("ready").await < 24 {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(30), all_ready).await.unwrap();
        stop.cancel();
        for one in both {
            one.await.unwrap();
        }
        assert_eq!(house.platform.asked.load(Ordering::SeqCst), 24);
    }
}

#[tokio::test]
async fn a_process_that_was_too_slow_leaves_row_and_files_to_the_one_that_came_after() {
    for place in testing::places().await {
        let house = House::on(tempfile::tempdir().unwrap(), place.open().await, Platform::default());
        house.sent(1, "photo", &[Ok(samples::png())]).await;
        let slow = house.keeper();
        let (_, jobs) = slow.claim(1).await.unwrap();
        assert_eq!(house.work().await, 0, "nobody else takes it while the lease lasts");
        house.clock.advance(LEASE);
        assert_eq!(house.work().await, 1);
        slow.record(&jobs[0], &Verdict::NotKept(Trouble::Lost)).await.unwrap();
        assert_eq!(house.state(1).await, "ready");
        assert!(house.shelf().open(1).await.unwrap().is_some());
        assert!(house.said().await.is_empty());
    }
}
