//! The demonstration page: a platform of our own on which one browser plays any person.
//!
//! To the bot it is a channel like the others. It has no signatures, so it keeps away from everything real:
//! [`may_start`] says beside what and where it may run, and every request passes the checks in `guard`.

mod guard;
mod log;
mod page;
mod photos;

pub use guard::may_start;
pub use page::{Act, Chat, Look, Page, Persona, Place, next_weekday, routes, sample_places};

use super::*;
use crate::{
    clock::Clock,
    error::{Error, Result},
    message::{Content, MediaKind, Point, Quote, Said},
    text,
};
use log::{Log, Spoken, What};
use photos::Photos;
use serde::Deserialize;
use std::{path::Path, sync::Arc};

/// What it can do.
pub const ABILITY: Ability = Ability {
    kind: "simulator",
    answers: false,
    max_bytes: 8192,
    windowed: false,
    chips: true,
    monthly_calls: None,
    pace: Pace { at_once: 64, calls_a_second: None, session_a_minute: None },
};

/// The name by which the bot is addressed in a group.
pub const BOT: &str = "民呼";

/// Its lines in the configuration.
#[derive(Debug, Clone, PartialEq, Eq, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The channel's id; its hook is `/hook/{id}`.
    pub id: String,
    /// Lets it listen on an address that others can reach, and lifts the check of the Host header with it.
    #[serde(default)]
    pub dangerous_allow_remote: bool,
}

/// What the channel and the page share: the configuration, what was said, the pictures.
pub struct Shared {
    config: Config,
    log: Log,
    photos: Photos,
    clock: Clock,
}

impl Shared {
    /// Opens (or makes) `simulator.jsonl` and the folder `simulator-photos` in `dir`. Fails when `dir` cannot be written.
    pub fn open(config: Config, dir: &Path, clock: Clock) -> Result<Arc<Self>> {
        let unusable = |error: std::io::Error| Error::fault(format!("simulator: {} cannot be used: {error}", dir.display()));
        std::fs::create_dir_all(dir).map_err(unusable)?;
        let log = Log::open(&dir.join("simulator.jsonl")).map_err(unusable)?;
        let photos = Photos::open(&dir.join("simulator-photos")).map_err(unusable)?;
        Ok(Arc::new(Shared { config, log, photos, clock }))
    }
}

/// The channel.
pub struct Simulator {
    shared: Arc<Shared>,
}

impl Simulator {
    /// The channel over what it shares with the page.
    pub fn new(shared: Arc<Shared>) -> Self {
        Simulator { shared }
    }

    /// Parses what the page posts. A message to a group that does not name the bot is shown there and goes no further,
    /// as on a real platform.
    pub fn hear(&self, request: &Request<'_>) -> std::result::Result<Heard, Refusal> {
        let config = &self.shared.config;
        if let Some(reason) = guard::foreign(request.headers, config.dangerous_allow_remote) {
            return Err(Refusal::Forbidden(reason));
        }
        if !request.post {
            return Err(Refusal::Envelope("not a POST"));
        }
        let post: Post = serde_json::from_slice(request.body).map_err(|_| Refusal::Envelope("body"))?;
        post.check().map_err(Refusal::Envelope)?;

        let heard = post.is_heard();
        let from = Address { channel: config.id.clone(), account: post.account.clone(), group: post.group.clone() };
        // A line that could not be written is only missing from the page's history; the bot still hears it.
        if self.shared.log.append(request.now, &from.account, from.group.as_deref(), What::Person(post.spoken(heard))).is_err() {
            tracing::warn!("simulator: a message could not be added to the log");
        }
        if !heard {
            return Ok(Heard::Answer(self.answer()));
        }
        Ok(Heard::Update(Box::new(Update {
            key: format!("{}|{}|{}", config.id, post.account, post.id),
            from,
            nick: post.nick.clone(),
            content: post.content(),
            at: request.now,
            via: None,
            request: String::new(),
        })))
    }

    /// Replies never travel in the response; it only says that the message arrived.
    pub fn answer(&self) -> Answer {
        Answer { kind: "application/json", body: "{}".to_owned() }
    }

    /// Shows a message on the page.
    pub async fn send(&self, to: &Address, reply: &Reply) -> Outcome {
        let now = self.shared.clock.now();
        match self.shared.log.append(now, &to.account, to.group.as_deref(), What::Bot { reply: reply.clone() }) {
            Ok(number) => Outcome::Sent(number.map(|number| number.to_string())),
            Err(_) => Outcome::Later(Duration::from_secs(5), "log"),
        }
    }

    /// A picture that was uploaded, or the silence that stands for a spoken message.
    pub async fn fetch(&self, media: &Media, max_bytes: usize) -> std::result::Result<Vec<u8>, Outcome> {
        let bytes = match media.kind {
            MediaKind::Photo => match self.shared.photos.read(&media.reference).await {
                Ok(Some(bytes)) => bytes,
                Ok(None) => return Err(Outcome::Gone("no such picture")),
                Err(_) => return Err(Outcome::Later(Duration::from_secs(5), "disk")),
            },
            MediaKind::Voice => match voice_seconds(&media.reference) {
                Some(seconds) => silence(seconds),
                None => return Err(Outcome::Gone("no such voice")),
            },
            MediaKind::Video => return Err(Outcome::Gone("no videos here")),
        };
        if bytes.len() > max_bytes { Err(Outcome::Gone("too large")) } else { Ok(bytes) }
    }
}

/// The body of `POST /hook/{id}`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Post {
    /// Made by the page, the same when it tries again.
    id: String,
    account: String,
    #[serde(default)]
    group: Option<String>,
    #[serde(default)]
    nick: Option<String>,
    #[serde(default)]
    text: String,
    #[serde(default)]
    photos: Vec<String>,
    /// What was said aloud; empty as when a platform gives no transcript.
    #[serde(default)]
    voice: Option<String>,
    #[serde(default)]
    location: Option<Point>,
    /// The payload of a chip; `text` has its words, for the log.
    #[serde(default)]
    press: Option<String>,
    #[serde(default)]
    quote: Option<PostQuote>,
    #[serde(default)]
    event: Option<Event>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PostQuote {
    text: String,
    #[serde(default)]
    photos: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum Event {
    Arrived { scene: Option<String> },
    Left,
}

impl Post {
    fn check(&self) -> std::result::Result<(), &'static str> {
        if !is_name(&self.id) || !is_name(&self.account) || !self.group.as_deref().is_none_or(is_name) {
            return Err("id, account or group");
        }
        if self.nick.as_ref().is_some_and(|nick| nick.len() > 64) {
            return Err("nick");
        }
        let quote = self.quote.as_ref();
        let texts = [Some(&self.text), self.voice.as_ref(), quote.map(|quote| &quote.text)];
        if texts.into_iter().flatten().any(|text| text.len() > ABILITY.max_bytes) {
            return Err("text too long");
        }
        if self.press.as_ref().is_some_and(|payload| payload.is_empty() || payload.len() > 512) {
            return Err("press");
        }
        let quoted = quote.map_or(&[][..], |quote| &quote.photos);
        if self.photos.len() > 9 || quoted.len() > 9 || !self.photos.iter().chain(quoted).all(|id| photos::is_id(id)) {
            return Err("photos");
        }
        if let Some(Point { lat, lng, label }) = &self.location
            && !((-90.0..=90.0).contains(lat) && (-180.0..=180.0).contains(lng) && label.len() <= 400)
        {
            return Err("location");
        }
        if self.says_nothing() { Err("empty") } else { Ok(()) }
    }

    fn says_nothing(&self) -> bool {
        self.event.is_none()
            && self.press.is_none()
            && self.text.trim().is_empty()
            && self.photos.is_empty()
            && self.voice.is_none()
            && self.location.is_none()
    }

    /// In a group the bot gets only what names it or was pressed under its own message.
    fn is_heard(&self) -> bool {
        self.group.is_none() || self.press.is_some() || without_mention(&self.text).is_some()
    }

    fn spoken(&self, heard: bool) -> Spoken {
        Spoken {
            id: self.id.clone(),
            nick: self.nick.clone(),
            text: text::clean(self.voice.as_ref().unwrap_or(&self.text)),
            photos: self.photos.clone(),
            voice: self.voice.as_ref().map(|said| spoken_seconds(said)),
            location: self.location.clone(),
            quote: self.quote.as_ref().map(|quote| text::clean(&quote.text)),
            event: self.event.as_ref().map(|event| match event {
                Event::Arrived { .. } => "arrived".to_owned(),
                Event::Left => "left".to_owned(),
            }),
            heard,
        }
    }

    fn content(self) -> Content {
        match (self.event, self.press) {
            (Some(Event::Arrived { scene }), _) => Content::Arrived { scene },
            (Some(Event::Left), _) => Content::Left,
            (None, Some(payload)) => Content::Pressed(payload),
            (None, None) => {
                let mut media: Vec<_> = self.photos.into_iter().map(photo).collect();
                let text = match self.voice {
                    Some(said) => {
                        let reference = format!("voice-{}", spoken_seconds(&said));
                        media.push(Media { kind: MediaKind::Voice, reference });
                        said
                    }
                    None if self.group.is_some() => without_mention(&self.text).unwrap_or(self.text),
                    None => self.text,
                };
                Content::Said(Said {
                    text: text::clean(&text),
                    media,
                    point: self.location.map(|point| Point { label: text::clean(&point.label), ..point }),
                    quote: self.quote.map(|quote| Quote {
                        text: text::clean(&quote.text),
                        media: quote.photos.into_iter().map(photo).collect(),
                    }),
                })
            }
        }
    }
}

fn photo(reference: String) -> Media {
    Media { kind: MediaKind::Photo, reference }
}

/// The text without the mention of the bot, if it has one; platforms take it out before a robot gets the message.
fn without_mention(text: &str) -> Option<String> {
    let mention = [format!("@{BOT}"), format!("＠{BOT}")].into_iter().find(|mention| text.contains(mention))?;
    Some(text.replace(&mention, "").trim().to_owned())
}

/// Ids from the page become parts of keys and of addresses: letters, digits, `-` and `_` only, at most 64.
fn is_name(name: &str) -> bool {
    (1..=64).contains(&name.len()) && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
}

/// How long it takes to say this, at four characters a second; a voice message has one second at least and sixty at most.
fn spoken_seconds(said: &str) -> u32 {
    u32::try_from(said.chars().count() / 4).unwrap_or(60).clamp(1, 60)
}

fn voice_seconds(reference: &str) -> Option<u32> {
    reference.strip_prefix("voice-")?.parse().ok().filter(|seconds| (1..=60).contains(seconds))
}

/// An AMR file of that many seconds in which every frame of 20 ms says "no data" (frame type 15, RFC 4867 section 5):
/// the page records no sound, and whatever checks a voice message by its content still gets a true one.
fn silence(seconds: u32) -> Vec<u8> {
    let mut file = b"#!AMR\n".to_vec();
    file.resize(file.len() + seconds as usize * 50, 0x7c);
    file
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::{HeaderValue, header};
    use serde_json::{Value, json};

    const PHOTO: &str = "00112233445566778899aabbccddeeff";

    fn simulator(dir: &Path) -> Simulator {
        let config = Config { id: "sim".to_owned(), dangerous_allow_remote: false };
        Simulator::new(Shared::open(config, dir, Clock::system()).unwrap())
    }

    fn hear_with(sim: &Simulator, host: &'static str, body: &[u8]) -> std::result::Result<Heard, Refusal> {
        let mut headers = HeaderMap::new();
        headers.insert(header::HOST, HeaderValue::from_static(host));
        sim.hear(&Request { post: true, query: "", headers: &headers, body, now: 77 })
    }

    fn hear(sim: &Simulator, body: &Value) -> std::result::Result<Heard, Refusal> {
        hear_with(sim, "127.0.0.1:8080", body.to_string().as_bytes())
    }

    fn update(sim: &Simulator, body: &Value) -> Update {
        match hear(sim, body) {
            Ok(Heard::Update(update)) => *update,
            other => panic!("{body}: {other:?}"),
        }
    }

    #[test]
    fn everything_a_message_can_carry_arrives() {
        let dir = tempfile::tempdir().unwrap();
        let sim = simulator(dir.path());
        let got = update(
            &sim,
            &json!({
                "id": "m-1", "account": "laozhou", "group": null, "nick": "老周", "text": "夜里抽水\u{0}", "photos": [PHOTO],
                "location": { "lat": 37.8, "lng": 115.9, "label": "前观津" }, "quote": { "text": "新工单 0007", "photos": [PHOTO] },
            }),
        );
        assert_eq!(got.key, "sim|laozhou|m-1");
        assert_eq!(got.from, Address { channel: "sim".into(), account: "laozhou".into(), group: None });
        assert_eq!((got.nick.as_deref(), got.at), (Some("老周"), 77));
        let picture = Media { kind: MediaKind::Photo, reference: PHOTO.into() };
        let expected = Said {
            text: "夜里抽水".into(),
            media: vec![picture.clone()],
            point: Some(Point { lat: 37.8, lng: 115.9, label: "前观津".into() }),
            quote: Some(Quote { text: "新工单 0007".into(), media: vec![picture] }),
        };
        assert_eq!(got.content, Content::Said(expected));
    }

    #[test]
    fn chips_events_and_voice_are_told_apart() {
        let dir = tempfile::tempdir().unwrap();
        let sim = simulator(dir.path());
        for (body, expected) in [
            (json!({ "id": "1", "account": "a", "text": "提交", "press": "f:1" }), Content::Pressed("f:1".into())),
            (
                json!({ "id": "2", "account": "a", "event": { "arrived": { "scene": "v214" } } }),
                Content::Arrived { scene: Some("v214".into()) },
            ),
            (json!({ "id": "3", "account": "a", "event": "left" }), Content::Left),
            (
                json!({ "id": "4", "account": "a", "voice": "夜里有人打井抽水" }),
                Content::Said(Said {
                    text: "夜里有人打井抽水".into(),
                    media: vec![Media { kind: MediaKind::Voice, reference: "voice-2".into() }],
                    ..Said::default()
                }),
            ),
        ] {
            assert_eq!(update(&sim, &body).content, expected, "{body}");
        }
    }

    #[test]
    fn in_a_group_the_bot_hears_only_what_names_it_and_the_page_still_shows_the_rest() {
        let dir = tempfile::tempdir().unwrap();
        let sim = simulator(dir.path());
        let said = |id: &str, text: &str| json!({ "id": id, "account": "wang", "group": "g-swj", "text": text });
        assert_eq!(update(&sim, &said("1", "@民呼 签收 7")).content, Content::text("签收 7"));
        assert_eq!(update(&sim, &said("2", "签收 7 ＠民呼")).content, Content::text("签收 7"));
        assert!(matches!(hear(&sim, &said("3", "我去看看")), Ok(Heard::Answer(_))));
        let photo = json!({ "id": "4", "account": "wang", "group": "g-swj", "photos": [PHOTO] });
        assert!(matches!(hear(&sim, &photo), Ok(Heard::Answer(_))));
        let pressed = json!({ "id": "5", "account": "wang", "group": "g-swj", "text": "签收", "press": "p" });
        assert_eq!(update(&sim, &pressed).content, Content::Pressed("p".into()));

        let heard: Vec<bool> = sim
            .shared
            .log
            .chat("wang", Some("g-swj"))
            .iter()
            .map(|line| match &line.what {
                What::Person(spoken) => spoken.heard,
                What::Bot { .. } => panic!("nobody answered"),
            })
            .collect();
        assert_eq!(heard, [true, true, false, false, true]);
    }

    #[test]
    fn a_repeated_message_keeps_its_key_and_is_shown_once() {
        let dir = tempfile::tempdir().unwrap();
        let sim = simulator(dir.path());
        let body = json!({ "id": "m", "account": "a", "text": "你好" });
        assert_eq!(update(&sim, &body).key, update(&sim, &body).key);
        assert_eq!(sim.shared.log.chat("a", None).len(), 1);
    }

    #[test]
    fn what_is_not_a_message_is_refused_and_leaves_no_trace() {
        let dir = tempfile::tempdir().unwrap();
        let sim = simulator(dir.path());
        let long = "字".repeat(ABILITY.max_bytes / 3 + 1);
        for body in [
            json!({}),
            json!({ "id": "1", "account": "a" }),
            json!({ "id": "1", "account": "a", "text": " \n" }),
            json!({ "id": "1|2", "account": "a", "text": "x" }),
            json!({ "id": "1", "account": "", "text": "x" }),
            json!({ "id": "1", "account": "../a", "text": "x" }),
            json!({ "id": "1", "account": "a", "group": "g g", "text": "x" }),
            json!({ "id": "1", "account": "a", "text": long }),
            json!({ "id": "1", "account": "a", "voice": long }),
            json!({ "id": "1", "account": "a", "photos": ["../../etc/passwd"] }),
            json!({ "id": "1", "account": "a", "photos": vec![PHOTO; 10] }),
            json!({ "id": "1", "account": "a", "press": "" }),
            json!({ "id": "1", "account": "a", "location": { "lat": 91, "lng": 0, "label": "" } }),
            json!({ "id": "1", "account": "a", "text": "x", "unknown": 1 }),
        ] {
            assert!(matches!(hear(&sim, &body), Err(Refusal::Envelope(_))), "{body}");
        }
        let good = json!({ "id": "1", "account": "a", "text": "x" }).to_string();
        assert!(matches!(hear_with(&sim, "evil.example", good.as_bytes()), Err(Refusal::Forbidden(_))));
        assert!(matches!(hear_with(&sim, "localhost", b"\xff{"), Err(Refusal::Envelope(_))));
        assert!(sim.shared.log.chat("a", None).is_empty());
    }

    #[tokio::test]
    async fn what_is_sent_is_in_the_log_after_a_restart() {
        let dir = tempfile::tempdir().unwrap();
        let to = Address { channel: "sim".into(), account: "laozhou".into(), group: None };
        let sim = simulator(dir.path());
        assert_eq!(sim.send(&to, &Reply::text("收到了，编号 0007。")).await, Outcome::Sent(Some("1".into())));
        drop(sim);
        let lines = simulator(dir.path()).shared.log.chat("laozhou", None);
        assert!(
            matches!(&lines[..], [line] if line.what == What::Bot { reply: Reply::text("收到了，编号 0007。") }),
            "{lines:?}"
        );
    }

    #[tokio::test]
    async fn pictures_and_voices_are_fetched_up_to_the_limit() {
        let dir = tempfile::tempdir().unwrap();
        let sim = simulator(dir.path());
        let id = sim.shared.photos.keep(b"\xff\xd8\xff\xe0 a picture").await.unwrap().unwrap();
        let picture = Media { kind: MediaKind::Photo, reference: id };
        assert_eq!(sim.fetch(&picture, 100).await.unwrap(), b"\xff\xd8\xff\xe0 a picture");
        assert_eq!(sim.fetch(&picture, 10).await, Err(Outcome::Gone("too large")));
        let voice = |reference: &str| Media { kind: MediaKind::Voice, reference: reference.into() };
        assert_eq!(sim.fetch(&voice("voice-2"), 1000).await.unwrap().len(), 6 + 100);
        assert!(sim.fetch(&voice("voice-61"), 100_000).await.is_err());
        assert!(sim.fetch(&Media { kind: MediaKind::Photo, reference: PHOTO.into() }, 100).await.is_err());
    }
}
