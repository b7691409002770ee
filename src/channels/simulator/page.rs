//! The page: its files, the history, new lines as they come, the clock, pictures.

use super::{BOT, Shared, guard, log::Log, photos};
use crate::{
    clock::{self, HOUR},
    error::Error,
    message::Millis,
};
use axum::{
    Json, Router,
    body::Bytes,
    extract::{DefaultBodyLimit, Path, Query, Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    middleware::{self, Next},
    response::{
        IntoResponse, Response,
        sse::{Event, KeepAlive, Sse},
    },
    routing::{get, post},
};
use chrono::{Datelike, Days, Weekday};
use futures_util::{Stream, StreamExt, future::BoxFuture, stream};
use include_dir::{Dir, include_dir};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::{collections::VecDeque, convert::Infallible, sync::Arc, time::Duration};
use tokio_util::sync::CancellationToken;

static FILES: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/src/channels/simulator/page");

/// Nothing from elsewhere, no inline script or style: what people write can never become a program.
const POLICY: &str =
    "default-src 'self'; img-src 'self' data: blob:; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

/// How many lines of a chat the page gets to begin with.
const SHOWN: usize = 500;

/// Something that the program does when the page asks for it.
pub type Act<T> = Arc<dyn Fn(T) -> BoxFuture<'static, crate::error::Result<()>> + Send + Sync>;

/// What the page needs of the program around it.
#[derive(Clone)]
pub struct Page {
    /// What it shares with the channel.
    pub shared: Arc<Shared>,
    /// The county's name in the heading.
    pub county: String,
    /// Who can be played, in the order of the menu.
    pub people: Vec<Persona>,
    /// Locations that can be sent with one tap.
    pub places: Vec<Place>,
    /// Where “＋1 个工作日” leads from a moment; [`next_weekday`] knows no holidays.
    pub next_workday: Arc<dyn Fn(Millis) -> Millis + Send + Sync>,
    /// Called after the clock was moved, with its new offset in milliseconds: keeps it and wakes the timers. When it fails,
    /// the clock is moved back.
    pub clock_moved: Act<Millis>,
    /// Puts the demonstration back to its beginning; the log is cleared after it.
    pub restart: Act<()>,
    /// Ends the open event streams, which would otherwise hold up the stopping of the server.
    pub stop: CancellationToken,
}

/// Somebody who can be played.
#[derive(Debug, Clone, Serialize)]
pub struct Persona {
    /// The account on this channel: letters, digits, `-`, `_`.
    pub account: String,
    /// The name.
    pub name: String,
    /// The role in words, for example 派单员.
    pub role: String,
    /// The platform that the phone looks like.
    pub look: Look,
    /// The chats on the phone; the first is opened first.
    pub chats: Vec<Chat>,
}

/// What a phone looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Look {
    /// WeChat: green bubbles.
    Wechat,
    /// DingTalk: blue bubbles.
    Ding,
}

/// A chat on somebody's phone.
#[derive(Debug, Clone, Serialize)]
pub struct Chat {
    /// The group's id, `None` for the private chat with the bot.
    pub group: Option<String>,
    /// The heading, for example 水务局工作群.
    pub title: String,
    /// What stands beside it, for example 钉钉 · 3 人.
    pub subtitle: String,
}

/// A named location.
#[derive(Debug, Clone, Serialize)]
pub struct Place {
    /// The address text sent with it.
    pub label: String,
    /// Latitude in degrees.
    pub lat: f64,
    /// Longitude in degrees.
    pub lng: f64,
}

/// A few places of the demonstration county. The coordinates are near the truth and good for playing only.
pub fn sample_places() -> Vec<Place> {
    [
        ("武邑县审坡镇前观津村", 37.722, 115.962),
        ("武邑县大紫塔乡大紫塔村", 37.835, 115.817),
        ("武邑县武邑镇东街", 37.803, 115.893),
        ("武邑县清凉店镇清凉店村", 37.741, 115.789),
    ]
    .map(|(label, lat, lng)| Place { label: label.to_owned(), lat, lng })
    .into()
}

/// Nine o'clock on the next day that is neither Saturday nor Sunday.
pub fn next_weekday(now: Millis) -> Millis {
    let mut day = clock::local(now).date_naive();
    loop {
        // The calendar of chrono ends in the year 262142.
        let Some(next) = day.checked_add_days(Days::new(1)) else { return now };
        day = next;
        if !matches!(day.weekday(), Weekday::Sat | Weekday::Sun) {
            return clock::start_of(day) + 9 * HOUR;
        }
    }
}

/// Everything under `/` and `/sim`. All of it refuses requests that are not from this machine with 403.
pub fn routes(page: Page) -> Router {
    let shared = Arc::clone(&page.shared);
    Router::new()
        .route("/", get(|| async { file("index.html") }))
        .route("/sim/{*path}", get(|Path(path): Path<String>| async move { file(&path) }))
        .route("/sim/people", get(people))
        .route("/sim/log", get(history))
        .route("/sim/events", get(events))
        .route("/sim/clock", get(show_clock).post(move_clock))
        .route("/sim/restart", post(restart))
        .route("/sim/photo", post(keep_photo).layer(DefaultBodyLimit::max(photos::MAX_PHOTO)))
        .route("/sim/photo/{id}", get(show_photo))
        .with_state(page)
        .layer(middleware::from_fn_with_state(shared, only_from_here))
}

async fn only_from_here(State(shared): State<Arc<Shared>>, request: Request, next: Next) -> Response {
    if let Some(reason) = guard::foreign(request.headers(), shared.config.dangerous_allow_remote) {
        tracing::warn!(reason, "simulator: refused a request that is not from this machine");
        return (StatusCode::FORBIDDEN, "演示页面只能在运行它的这台电脑上打开，例如 http://127.0.0.1:8080/ 。").into_response();
    }
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    for (name, value) in [
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    // After an upgrade the page must not run on with yesterday's modules. Pictures say themselves how long they keep.
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}

fn file(path: &str) -> Response {
    let kind = match path.rsplit_once('.').map(|(_, ending)| ending) {
        Some("html") => "text/html; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("json") => "application/json",
        Some("svg") => "image/svg+xml",
        Some("png") => "image/png",
        _ => return StatusCode::NOT_FOUND.into_response(),
    };
    match FILES.get_file(path) {
        Some(file) => ([(header::CONTENT_TYPE, kind)], file.contents()).into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

async fn people(State(page): State<Page>) -> Json<Value> {
    Json(json!({
        "county": page.county,
        "bot": BOT,
        "hook": format!("/hook/{}", page.shared.config.id),
        "people": page.people,
        "places": page.places,
    }))
}

#[derive(Deserialize)]
struct Of {
    #[serde(default)]
    account: String,
    group: Option<String>,
}

async fn history(State(page): State<Page>, Query(of): Query<Of>) -> Json<Value> {
    let log = &page.shared.log;
    // The position is read first: a line that comes in between is then given twice rather than not at all.
    let (epoch, last) = log.position();
    let mut lines = log.chat(&of.account, of.group.as_deref().filter(|group| !group.is_empty()));
    lines.drain(..lines.len().saturating_sub(SHOWN));
    Json(json!({ "epoch": epoch, "last": last, "lines": lines }))
}

#[derive(Deserialize)]
struct After {
    after: Option<u64>,
}

async fn events(
    State(page): State<Page>,
    Query(query): Query<After>,
    headers: HeaderMap,
) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let resumed = headers.get("last-event-id").and_then(|id| id.to_str().ok()?.parse().ok());
    let after = resumed.or(query.after).unwrap_or(0);
    let stream = lines_after(page.shared, after).map(Ok).take_until(page.stop.cancelled_owned());
    Sse::new(stream).keep_alive(KeepAlive::new().interval(Duration::from_secs(15)))
}

/// A stream of `hello` (which log this is, sent first and whenever it was cleared) and of every line after number `after`.
fn lines_after(shared: Arc<Shared>, after: u64) -> impl Stream<Item = Event> {
    struct Reader {
        shared: Arc<Shared>,
        epoch: Option<String>,
        last: u64,
        ready: VecDeque<Event>,
        changes: tokio::sync::watch::Receiver<u64>,
    }
    let changes = shared.log.changes();
    let reader = Reader { shared, epoch: None, last: after, ready: VecDeque::new(), changes };
    stream::unfold(reader, |mut reader| async move {
        loop {
            if let Some(event) = reader.ready.pop_front() {
                return Some((event, reader));
            }
            // Marked as seen before reading: what comes in between wakes us again.
            reader.changes.mark_unchanged();
            let log: &Log = &reader.shared.log;
            let (epoch, newest) = log.position();
            if reader.epoch.as_ref() != Some(&epoch) {
                // A number beyond ours is from another log, whose file was lost; the page loads everything anew.
                reader.last = reader.last.min(newest);
                reader.ready.push_back(hello(&epoch, newest));
                reader.epoch = Some(epoch);
            }
            for line in log.since(reader.last) {
                reader.last = line.n;
                let data = serde_json::to_string(&line).unwrap_or_default();
                reader.ready.push_back(Event::default().id(line.n.to_string()).data(data));
            }
            if reader.ready.is_empty() && reader.changes.changed().await.is_err() {
                return None;
            }
        }
    })
}

fn hello(epoch: &str, last: u64) -> Event {
    let data = json!({ "epoch": epoch, "last": last }).to_string();
    Event::default().event("hello").retry(Duration::from_secs(1)).data(data)
}

async fn show_clock(State(page): State<Page>) -> Json<Value> {
    Json(clock_now(&page))
}

fn clock_now(page: &Page) -> Value {
    json!({ "now": page.shared.clock.now(), "offset": page.shared.clock.offset() })
}

/// How far to move the clock; only forward, because what has happened stays happened.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Move {
    #[serde(default)]
    advance_ms: Millis,
    #[serde(default)]
    next_workday: bool,
}

async fn move_clock(State(page): State<Page>, Json(by): Json<Move>) -> Response {
    let clock = &page.shared.clock;
    let by = if by.next_workday { (page.next_workday)(clock.now()) - clock.now() } else { by.advance_ms };
    if !(1..=400 * clock::DAY).contains(&by) {
        return (StatusCode::BAD_REQUEST, "时间只能往前拨，一次最多 400 天。").into_response();
    }
    clock.advance(by);
    if let Err(error) = (page.clock_moved)(clock.offset()).await {
        clock.advance(-by);
        return failed(&error);
    }
    Json(clock_now(&page)).into_response()
}

async fn restart(State(page): State<Page>) -> Response {
    if let Err(error) = (page.restart)(()).await {
        return failed(&error);
    }
    let cleared = page.shared.log.clear().and(page.shared.photos.clear().await);
    match cleared {
        Ok(()) => StatusCode::NO_CONTENT.into_response(),
        Err(error) => failed(&Error::fault(format!("simulator: clearing: {error}"))),
    }
}

async fn keep_photo(State(page): State<Page>, bytes: Bytes) -> Response {
    match page.shared.photos.keep(&bytes).await {
        Ok(Some(id)) => Json(json!({ "id": id })).into_response(),
        Ok(None) => (StatusCode::UNSUPPORTED_MEDIA_TYPE, "请选 JPG、PNG 或 WebP 图片。").into_response(),
        Err(error) => failed(&Error::fault(format!("simulator: keeping a picture: {error}"))),
    }
}

async fn show_photo(State(page): State<Page>, Path(id): Path<String>) -> Response {
    match page.shared.photos.read(&id).await {
        Ok(Some(bytes)) => {
            let kind = photos::kind(&bytes).unwrap_or("application/octet-stream");
            // The id is a hash of the content, so the bytes behind it never change.
            ([(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, "private, max-age=86400, immutable")], bytes).into_response()
        }
        Ok(None) => StatusCode::NOT_FOUND.into_response(),
        Err(error) => failed(&Error::fault(format!("simulator: reading a picture: {error}"))),
    }
}

fn failed(error: &Error) -> Response {
    match error {
        Error::User(sentence) => (StatusCode::CONFLICT, sentence.clone()).into_response(),
        Error::Database(_) | Error::Fault(_) => {
            tracing::error!(%error, "simulator");
            (StatusCode::INTERNAL_SERVER_ERROR, "没办成，请看一下程序的日志，过一会儿再试。").into_response()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::{Config, log::What},
        *,
    };
    use crate::{clock::Clock, message::Reply};
    use std::sync::atomic::{AtomicI64, Ordering};

    struct Running {
        page: Page,
        base: String,
        client: reqwest::Client,
        moved: Arc<AtomicI64>,
        _dir: tempfile::TempDir,
    }

    async fn running() -> Running {
        let dir = tempfile::tempdir().unwrap();
        let clock = Clock::starting_at(clock::parse("2026-11-20T10:00:00+08:00").unwrap());
        let config = Config { id: "sim".into(), dangerous_allow_remote: false };
        let shared = Shared::open(config, dir.path(), clock).unwrap();
        let moved = Arc::new(AtomicI64::new(0));
        let kept = Arc::clone(&moved);
        let page = Page {
            shared,
            county: "武邑县".into(),
            people: vec![],
            places: sample_places(),
            next_workday: Arc::new(next_weekday),
            clock_moved: Arc::new(move |offset| {
                kept.store(offset, Ordering::Relaxed);
                Box::pin(async { Ok(()) })
            }),
            restart: Arc::new(|()| Box::pin(async { Ok(()) })),
            stop: CancellationToken::new(),
        };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let stop = page.stop.clone();
        let router = routes(page.clone());
        tokio::spawn(async move { axum::serve(listener, router).with_graceful_shutdown(stop.cancelled_owned()).await });
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        Running { page, base, client, moved, _dir: dir }
    }

    fn say(page: &Page, text: &str) {
        page.shared.log.append(1, "a", None, What::Bot { reply: Reply::text(text) }).unwrap();
    }

    #[tokio::test]
    async fn pages_for_other_hosts_and_through_proxies_are_refused() {
        let run = running().await;
        for (path, name, value) in [
            ("/", "host", "evil.example"),
            ("/sim/people", "host", "evil.example:8080"),
            ("/sim/log", "x-forwarded-for", "10.0.0.1"),
            ("/sim/events", "forwarded", "for=10.0.0.1"),
        ] {
            let got = run.client.get(format!("{}{path}", run.base)).header(name, value).send().await.unwrap();
            assert_eq!(got.status(), 403, "{path} {name}");
            assert!(got.text().await.unwrap().contains("这台电脑"), "{path} {name}");
        }
        let restart = run.client.post(format!("{}/sim/restart", run.base)).header("origin", "http://evil.example");
        assert_eq!(restart.send().await.unwrap().status(), 403);
    }

    #[tokio::test]
    async fn the_page_and_every_file_it_names_come_with_a_strict_policy() {
        let run = running().await;
        let page = run.client.get(format!("{}/", run.base)).send().await.unwrap();
        assert_eq!(page.headers()["content-security-policy"], POLICY);
        let html = page.text().await.unwrap();
        assert!(!html.contains("<style") && !html.contains(" style=") && !html.contains("http://") && !html.contains("https://"));
        let named: Vec<_> = html.split('"').filter(|part| part.starts_with("/sim/")).collect();
        assert!(named.len() >= 2, "{named:?}");
        for path in named {
            let got = run.client.get(format!("{}{path}", run.base)).send().await.unwrap();
            assert_eq!(got.status(), 200, "{path}");
        }
        assert_eq!(run.client.get(format!("{}/sim/nothing.js", run.base)).send().await.unwrap().status(), 404);
    }

    #[tokio::test]
    async fn events_resume_after_the_last_one_seen_and_end_when_the_server_stops() {
        let run = running().await;
        for text in ["一", "二", "三"] {
            say(&run.page, text);
        }
        let request = run.client.get(format!("{}/sim/events", run.base)).header("last-event-id", "2");
        let mut stream = request.send().await.unwrap();
        let mut seen = String::new();
        while !seen.contains("四") {
            seen.push_str(&String::from_utf8_lossy(&stream.chunk().await.unwrap().unwrap()));
            if seen.contains("三") && !seen.contains("sent") {
                seen.push_str("sent");
                say(&run.page, "四");
            }
        }
        assert!(seen.contains("event: hello") && seen.contains("id: 3") && seen.contains("id: 4"), "{seen}");
        assert!(!seen.contains("id: 1") && !seen.contains("id: 2"), "{seen}");
        run.page.stop.cancel();
        let end = tokio::time::timeout(Duration::from_secs(5), async { while let Ok(Some(_)) = stream.chunk().await {} });
        assert!(end.await.is_ok(), "the stream is still open");
    }

    #[tokio::test]
    async fn clearing_is_told_to_open_pages() {
        let run = running().await;
        say(&run.page, "一");
        let mut events = Box::pin(lines_after(Arc::clone(&run.page.shared), 0));
        assert!(events.next().await.is_some() && events.next().await.is_some());
        let restarted = run.client.post(format!("{}/sim/restart", run.base)).send().await.unwrap();
        assert_eq!(restarted.status(), 204);
        let again = tokio::time::timeout(Duration::from_secs(5), events.next()).await.unwrap().unwrap();
        assert!(format!("{again:?}").contains("hello"), "{again:?}");
        let log: Value =
            run.client.get(format!("{}/sim/log?account=a&group=", run.base)).send().await.unwrap().json().await.unwrap();
        assert_eq!(log["lines"], json!([]));
    }

    #[tokio::test]
    async fn the_clock_goes_forward_only_and_its_offset_is_handed_over() {
        let run = running().await;
        let url = format!("{}/sim/clock", run.base);
        let before = run.page.shared.clock.offset();
        let moved = run.client.post(&url).json(&json!({ "advance_ms": 3_600_000 })).send().await.unwrap();
        assert_eq!(moved.status(), 200);
        assert_eq!(run.moved.load(Ordering::Relaxed), before + HOUR);
        for bad in [json!({ "advance_ms": -1 }), json!({ "advance_ms": 0 }), json!({ "advance_ms": 500 * clock::DAY })] {
            assert_eq!(run.client.post(&url).json(&bad).send().await.unwrap().status(), 400, "{bad}");
        }
        let moved = run.client.post(&url).json(&json!({ "next_workday": true })).send().await.unwrap();
        let now = moved.json::<Value>().await.unwrap()["now"].as_i64().unwrap();
        let monday = clock::parse("2026-11-23T09:00:00+08:00").unwrap();
        assert!((monday..monday + clock::MINUTE).contains(&now), "{now}");
    }

    #[tokio::test]
    async fn the_sample_pictures_are_pictures_and_can_be_sent() {
        let run = running().await;
        let samples: Value = serde_json::from_slice(FILES.get_file("samples/samples.json").unwrap().contents()).unwrap();
        let samples = samples.as_array().unwrap();
        assert!(samples.len() >= 3);
        for sample in samples {
            let url = format!("{}/sim/samples/{}", run.base, sample["file"].as_str().unwrap());
            let bytes = run.client.get(url).send().await.unwrap().bytes().await.unwrap();
            assert!(bytes.len() < 100_000, "{}: {}", sample["file"], bytes.len());
            let kept = run.client.post(format!("{}/sim/photo", run.base)).body(bytes.clone()).send().await.unwrap();
            let id = kept.json::<Value>().await.unwrap()["id"].as_str().unwrap().to_owned();
            let shown = run.client.get(format!("{}/sim/photo/{id}", run.base)).send().await.unwrap();
            assert_eq!(shown.headers()["content-type"], "image/png");
            assert_eq!(shown.bytes().await.unwrap(), bytes);
        }
    }

    #[tokio::test]
    async fn what_is_no_picture_or_too_large_is_refused() {
        let run = running().await;
        let url = format!("{}/sim/photo", run.base);
        let text = run.client.post(&url).body("<svg/>").send().await.unwrap();
        assert_eq!(text.status(), 415);
        let mut large = vec![0_u8; photos::MAX_PHOTO + 1];
        large[..3].copy_from_slice(b"\xff\xd8\xff");
        assert_eq!(run.client.post(&url).body(large).send().await.unwrap().status(), 413);
        assert_eq!(run.client.get(format!("{url}/..%2Fsimulator.jsonl")).send().await.unwrap().status(), 404);
    }

    #[test]
    fn every_step_of_the_story_is_one_the_player_knows() {
        let story: Value = serde_json::from_slice(FILES.get_file("story.json").unwrap().contents()).unwrap();
        let cast = story["cast"].as_object().unwrap();
        let steps = story["steps"].as_array().unwrap();
        assert!(steps.len() >= 10);
        for step in steps {
            assert!(cast.contains_key(step["phone"].as_str().unwrap()), "{step}");
            assert!(["say", "photo", "chip", "wait"].contains(&step["act"].as_str().unwrap()), "{step}");
            assert!(step["caption"].as_str().is_some_and(|caption| !caption.is_empty()), "{step}");
            let seen_in = step.get("in").and_then(Value::as_str);
            assert!(seen_in.is_none_or(|phone| cast.contains_key(phone)), "{step}");
        }
    }
}
