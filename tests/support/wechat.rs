//! WeChat's side for tests: a server that checks calls as strictly as the real one, and an account whose followers
//! write to the bot. Nothing here uses the code under test; signing and sealing are written a second time on purpose.

use aes::Aes256;
use aes::cipher::{BlockCipherDecrypt, BlockCipherEncrypt, KeyInit};
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::{GeneralPurpose, GeneralPurposeConfig};
use serde_json::{Value, json};
use sha1::{Digest, Sha1};
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

const MINUTE: i64 = 60_000;
const WINDOW: i64 = 48 * 60 * MINUTE;

/// WeChat's server on a port of its own; it ends with this value.
pub struct FakeWeChat {
    base: String,
    world: Arc<Mutex<World>>,
    task: tokio::task::JoinHandle<()>,
}

/// A template message that was taken: openid, template id, values by key.
pub type TakenTemplate = (String, String, BTreeMap<String, String>);

#[derive(Default)]
struct World {
    base: String,
    app_id: String,
    secret: String,
    now: i64,
    token: u32,
    token_calls: usize,
    token_refusals: usize,
    strict: bool,
    people: HashMap<String, Person>,
    sent: Vec<(String, String)>,
    templates: HashMap<String, Vec<String>>,
    templates_sent: Vec<TakenTemplate>,
    menu: Option<Value>,
    files: HashMap<String, (String, Vec<u8>)>,
    videos: HashMap<String, Vec<u8>>,
    failing: (i64, usize),
    failing_token: (i64, usize),
    down: bool,
    slow: Duration,
}

#[derive(Default)]
struct Person {
    follows: bool,
    until: i64,
    left: u32,
}

impl FakeWeChat {
    /// Starts a server that knows one account.
    pub async fn start(app_id: &str, secret: &str) -> FakeWeChat {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let world =
            World { base: base.clone(), app_id: app_id.to_owned(), secret: secret.to_owned(), token: 1, ..World::default() };
        let world = Arc::new(Mutex::new(world));
        let router = Router::new().fallback(serve).with_state(world.clone());
        let task = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        FakeWeChat { base, world, task }
    }

    /// Scheme, host and port, for `api_base`.
    pub fn base(&self) -> String {
        self.base.clone()
    }

    fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap()
    }

    /// Somebody wrote at `now` (milliseconds): five messages within 48 hours.
    pub fn allow(&self, openid: &str, now: i64) {
        let mut world = self.world();
        world.now = now;
        world.people.insert(openid.to_owned(), Person { follows: true, until: now + WINDOW, left: 5 });
    }

    /// Somebody pressed a menu entry or followed at `now`: three messages within a minute, unless more is open already.
    pub fn allow_briefly(&self, openid: &str, now: i64) {
        let mut world = self.world();
        world.now = now;
        let person = world.people.entry(openid.to_owned()).or_default();
        person.follows = true;
        if person.until <= now || person.left == 0 {
            (person.until, person.left) = (now + MINUTE, 3);
        }
    }

    /// Somebody unfollowed.
    pub fn unfollow(&self, openid: &str) {
        if let Some(person) = self.world().people.get_mut(openid) {
            person.follows = false;
        }
    }

    /// The server's clock, in milliseconds.
    pub fn set_now(&self, now: i64) {
        self.world().now = now;
    }

    /// All customer-service texts that were taken, with their openid, in order.
    pub fn sent(&self) -> Vec<(String, String)> {
        self.world().sent.clone()
    }

    /// Like [`sent`](Self::sent), and forgets them.
    pub fn take(&self) -> Vec<(String, String)> {
        std::mem::take(&mut self.world().sent)
    }

    /// A template the account has, with its keys.
    pub fn add_template(&self, id: &str, keys: &[&str]) {
        self.world().templates.insert(id.to_owned(), keys.iter().map(|key| (*key).to_owned()).collect());
    }

    /// The template messages that were taken, and forgets them.
    pub fn take_templates(&self) -> Vec<TakenTemplate> {
        std::mem::take(&mut self.world().templates_sent)
    }

    /// The menu that was created last.
    pub fn menu(&self) -> Option<Value> {
        self.world().menu.clone()
    }

    /// A file that somebody sent.
    pub fn put_media(&self, media_id: &str, kind: &str, bytes: &[u8]) {
        self.world().files.insert(media_id.to_owned(), (kind.to_owned(), bytes.to_vec()));
    }

    /// A video that somebody sent: the interface answers with its address.
    pub fn put_video(&self, media_id: &str, bytes: &[u8]) {
        self.world().videos.insert(media_id.to_owned(), bytes.to_vec());
    }

    /// The next calls, but those for the token, get this error.
    pub fn fail_next(&self, errcode: i64, times: usize) {
        self.world().failing = (errcode, times);
    }

    /// The next calls for the token get this error.
    pub fn fail_token(&self, errcode: i64, times: usize) {
        self.world().failing_token = (errcode, times);
    }

    /// The token that was given out is no longer taken.
    pub fn revoke_token(&self) {
        self.world().token += 1;
    }

    /// How often a token was asked for.
    pub fn token_calls(&self) -> usize {
        self.world().token_calls
    }

    /// From now on each fetch of a token ends the life of the one before, as `/cgi-bin/token` does.
    pub fn strict_tokens(&self) {
        self.world().strict = true;
    }

    /// How many calls came with a token that was not the newest.
    pub fn token_refusals(&self) -> usize {
        self.world().token_refusals
    }

    /// From now on it answers this long after it has done what was asked.
    #[allow(clippy::allow_attributes, dead_code, reason = "not every test program wants it slow")]
    pub fn slow(&self, by: Duration) {
        self.world().slow = by;
    }

    /// Everything is answered with 503 while it is down.
    pub fn down(&self, down: bool) {
        self.world().down = down;
    }
}

impl Drop for FakeWeChat {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// An error code, with a word about what was wrong.
type Refused = (i64, String);

fn refuse<T>(code: i64, text: &str) -> Result<T, Refused> {
    Err((code, text.to_owned()))
}

async fn serve(State(world): State<Arc<Mutex<World>>>, method: Method, uri: Uri, headers: HeaderMap, body: Bytes) -> Response {
    let answer = act(&mut world.lock().unwrap(), method, &uri, headers, body);
    let slow = world.lock().unwrap().slow;
    tokio::time::sleep(slow).await;
    answer
}

fn act(world: &mut World, method: Method, uri: &Uri, headers: HeaderMap, body: Bytes) -> Response {
    if world.down {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    }
    let query: HashMap<String, String> =
        axum::extract::Query::try_from_uri(uri).map(|axum::extract::Query(query)| query).unwrap_or_default();
    let call = Call { method, query, headers, body };
    let answer = match uri.path() {
        "/cgi-bin/stable_token" => world.stable_token(&call),
        "/cgi-bin/message/custom/send" => world.authorised(&call).and_then(|()| world.custom_send(&call)),
        "/cgi-bin/message/template/send" => world.authorised(&call).and_then(|()| world.template_send(&call)),
        "/cgi-bin/menu/create" => world.authorised(&call).and_then(|()| world.menu_create(&call)),
        "/cgi-bin/media/get" => match world.authorised(&call).and_then(|()| world.media_get(&call)) {
            Ok(response) => return response,
            Err(refused) => Err(refused),
        },
        path => {
            let Some(bytes) = path.strip_prefix("/video/").and_then(|id| world.videos.get(id)) else {
                return StatusCode::NOT_FOUND.into_response();
            };
            // The address of a video is public; a token must not travel there.
            assert!(uri.query().is_none(), "a video is fetched without any query");
            return ([(header::CONTENT_TYPE, "video/mp4")], bytes.clone()).into_response();
        }
    };
    let answer = answer
        .unwrap_or_else(|(code, text)| json!({ "errcode": code, "errmsg": format!("{text} rid: 6571a2b3-0c1d2e3f-4a5b6c7d") }));
    ([(header::CONTENT_TYPE, "application/json; encoding=utf-8")], answer.to_string()).into_response()
}

struct Call {
    method: Method,
    query: HashMap<String, String>,
    headers: HeaderMap,
    body: Bytes,
}

impl Call {
    fn json(&self) -> Result<Value, Refused> {
        if self.method != Method::POST {
            return refuse(43002, "require POST method");
        }
        if self.body.is_empty() {
            return refuse(44002, "empty post data");
        }
        let kind = self.headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        let Ok(text) = std::str::from_utf8(&self.body) else { return refuse(47001, "data format error") };
        if !kind.starts_with("application/json") {
            return refuse(47001, "data format error: content type");
        }
        let mut letters = text.chars();
        while let Some(c) = letters.next() {
            if c == '\\' && letters.next() == Some('u') {
                return refuse(40033, "invalid charset. please check your request, if include \\uxxxx will create fail!");
            }
        }
        serde_json::from_str(text).or_else(|_| refuse(47001, "data format error"))
    }
}

/// Exactly these keys, no others.
fn only(value: &Value, keys: &[&str]) -> Result<(), Refused> {
    match value.as_object() {
        Some(object) if object.keys().all(|key| keys.contains(&key.as_str())) => Ok(()),
        _ => refuse(47001, "data format error: unknown field"),
    }
}

impl World {
    fn stable_token(&mut self, call: &Call) -> Result<Value, Refused> {
        self.token_calls += 1;
        if take_one(&mut self.failing_token) {
            return refuse(self.failing_token.0, "invalid ip 203.0.113.9 ipv6 ::ffff:203.0.113.9, not in whitelist");
        }
        let body = call.json()?;
        only(&body, &["grant_type", "appid", "secret", "force_refresh"])?;
        if body["grant_type"] != "client_credential" {
            return refuse(40002, "invalid grant_type");
        }
        if body["appid"] != self.app_id.as_str() {
            return refuse(40013, "invalid appid");
        }
        if body["secret"] != self.secret.as_str() {
            return refuse(40125, "invalid appsecret");
        }
        assert_eq!(body["force_refresh"], false, "forcing takes the token away from other systems");
        self.token += u32::from(self.strict);
        Ok(json!({ "access_token": self.token_text(), "expires_in": 7200 }))
    }

    fn token_text(&self) -> String {
        format!("{}_{}", self.token, "A".repeat(500))
    }

    fn authorised(&mut self, call: &Call) -> Result<(), Refused> {
        match call.query.get("access_token") {
            None => return refuse(41001, "access_token missing"),
            Some(token) if *token != self.token_text() => {
                self.token_refusals += 1;
                return refuse(40001, "invalid credential, access_token is invalid or not latest");
            }
            Some(_) => {}
        }
        if take_one(&mut self.failing) {
            return refuse(self.failing.0, "as the test wants it");
        }
        Ok(())
    }

    fn custom_send(&mut self, call: &Call) -> Result<Value, Refused> {
        let body = call.json()?;
        only(&body, &["touser", "msgtype", "text"])?;
        if body["msgtype"] != "text" {
            return refuse(40008, "invalid message type");
        }
        only(&body["text"], &["content"])?;
        let Some(openid) = body["touser"].as_str() else { return refuse(40003, "invalid openid") };
        let text = body["text"]["content"].as_str().unwrap_or_default();
        if text.is_empty() {
            return refuse(44004, "empty content");
        }
        if text.len() > 2048 {
            return refuse(45002, "content size out of limit");
        }
        let now = self.now;
        let Some(person) = self.people.get_mut(openid) else { return refuse(40003, "invalid openid") };
        if !person.follows || now >= person.until {
            return refuse(45015, "response out of time limit or subscription is canceled");
        }
        if person.left == 0 {
            return refuse(45047, "out of response count limit");
        }
        person.left -= 1;
        self.sent.push((openid.to_owned(), text.to_owned()));
        Ok(json!({ "errcode": 0, "errmsg": "ok" }))
    }

    fn template_send(&mut self, call: &Call) -> Result<Value, Refused> {
        let body = call.json()?;
        only(&body, &["touser", "template_id", "url", "miniprogram", "client_msg_id", "data"])?;
        let openid = body["touser"].as_str().unwrap_or_default();
        let Some(person) = self.people.get(openid) else { return refuse(40003, "invalid openid") };
        if !person.follows {
            return refuse(43004, "require subscribe");
        }
        let id = body["template_id"].as_str().unwrap_or_default();
        let Some(keys) = self.templates.get(id) else { return refuse(40037, "invalid template_id") };
        let mut values = BTreeMap::new();
        for key in keys {
            let value = body["data"][key]["value"].as_str().unwrap_or_default();
            let count = value.chars().count();
            let fits = match key.trim_end_matches(|c: char| c.is_ascii_digit()) {
                "thing" => (1..=20).contains(&count) && !value.contains(['\n', '\t']),
                "character_string" => (1..=32).contains(&count) && value.bytes().all(|byte| byte.is_ascii_graphic()),
                "phrase" => (1..=5).contains(&count) && value.chars().all(|c| ('\u{4e00}'..='\u{9fff}').contains(&c)),
                _ => false,
            };
            if !fits {
                return refuse(47003, &format!("argument invalid! data.{key}.value invalid"));
            }
            values.insert(key.clone(), value.to_owned());
        }
        if body["data"].as_object().map(serde_json::Map::len) != Some(keys.len()) {
            return refuse(47003, "argument invalid! data has other keys");
        }
        self.templates_sent.push((openid.to_owned(), id.to_owned(), values));
        Ok(json!({ "errcode": 0, "errmsg": "ok", "msgid": 3_021_000_000_000_000_000_i64 + self.templates_sent.len() as i64 }))
    }

    fn menu_create(&mut self, call: &Call) -> Result<Value, Refused> {
        let body = call.json()?;
        only(&body, &["button"])?;
        let buttons = body["button"].as_array().cloned().unwrap_or_default();
        if !(1..=3).contains(&buttons.len()) {
            return refuse(40017, "invalid button size");
        }
        for button in &buttons {
            only(button, &["type", "name", "key"])?;
            if button["type"] != "click" {
                return refuse(40016, "invalid button type");
            }
            if !(1..=16).contains(&button["name"].as_str().unwrap_or_default().len()) {
                return refuse(40018, "invalid button name size");
            }
            if !(1..=128).contains(&button["key"].as_str().unwrap_or_default().len()) {
                return refuse(40019, "invalid button key size");
            }
        }
        self.menu = Some(body);
        Ok(json!({ "errcode": 0, "errmsg": "ok" }))
    }

    fn media_get(&mut self, call: &Call) -> Result<Response, Refused> {
        if call.method != Method::GET {
            return refuse(43001, "require GET method");
        }
        let id = call.query.get("media_id").map(String::as_str).unwrap_or_default();
        if self.videos.contains_key(id) {
            let answer = json!({ "video_url": format!("{}/video/{id}", self.base) });
            return Ok(([(header::CONTENT_TYPE, "text/plain")], answer.to_string()).into_response());
        }
        let Some((kind, bytes)) = self.files.get(id) else { return refuse(40007, "invalid media_id") };
        let name = format!("attachment; filename=\"{id}\"");
        let headers = [(header::CONTENT_TYPE, kind.as_str()), (header::CONTENT_DISPOSITION, name.as_str())];
        Ok((headers, bytes.clone()).into_response())
    }
}

fn take_one(failing: &mut (i64, usize)) -> bool {
    let fails = failing.1 > 0;
    failing.1 = failing.1.saturating_sub(1);
    fails
}

/// The account as the platform sees it: turns what followers do into callbacks, as (query, body), and reads answers.
/// Times are in seconds, as on the wire; the callback is signed at the time of the message.
#[derive(Debug, Clone)]
pub struct WeChatUser {
    /// The account's app id.
    pub app_id: String,
    /// Its original id (`gh_…`).
    pub original: String,
    /// The word that signs.
    pub token: String,
    /// The 43 characters of the key in safe mode, `None` in plain mode.
    pub aes_key: Option<String>,
}

impl WeChatUser {
    /// An account in plain mode.
    pub fn plain(app_id: &str, token: &str) -> Self {
        WeChatUser { app_id: app_id.to_owned(), original: "gh_minhu0000001".to_owned(), token: token.to_owned(), aes_key: None }
    }

    /// An account in safe mode.
    pub fn safe(app_id: &str, token: &str, aes_key: &str) -> Self {
        WeChatUser { aes_key: Some(aes_key.to_owned()), ..WeChatUser::plain(app_id, token) }
    }

    /// Somebody writes.
    pub fn text(&self, openid: &str, words: &str, create_time: i64, msg_id: u64) -> (String, String) {
        self.message(openid, "text", &[("Content", words)], create_time, msg_id)
    }

    /// Somebody sends a picture.
    pub fn image(&self, openid: &str, media_id: &str, create_time: i64, msg_id: u64) -> (String, String) {
        let fields = [("PicUrl", "http://mmbiz.qpic.cn/mmbiz_jpg/x/0"), ("MediaId", media_id)];
        self.message(openid, "image", &fields, create_time, msg_id)
    }

    /// Somebody sends a location.
    pub fn location(&self, openid: &str, (lat, lng): (f64, f64), label: &str, create_time: i64, msg_id: u64) -> (String, String) {
        let (lat, lng) = (lat.to_string(), lng.to_string());
        let fields = [("Location_X", lat.as_str()), ("Location_Y", &lng), ("Scale", "16"), ("Label", label)];
        self.message(openid, "location", &fields, create_time, msg_id)
    }

    /// A message of any type, with the fields of that type.
    pub fn message(&self, openid: &str, kind: &str, fields: &[(&str, &str)], create_time: i64, msg_id: u64) -> (String, String) {
        let msg_id = msg_id.to_string();
        let all: Vec<_> = fields.iter().copied().chain([("MsgId", msg_id.as_str())]).collect();
        self.deliver(&self.xml(openid, kind, &all, create_time), create_time)
    }

    /// Somebody presses the menu (`CLICK`), follows (`subscribe`), leaves (`unsubscribe`), scans (`SCAN`) …
    pub fn event(&self, openid: &str, event: &str, event_key: &str, create_time: i64) -> (String, String) {
        let fields = [("Event", event), ("EventKey", event_key)];
        self.deliver(&self.xml(openid, "event", &fields, create_time), create_time)
    }

    fn xml(&self, openid: &str, kind: &str, fields: &[(&str, &str)], create_time: i64) -> String {
        let mut xml = format!(
            "<xml><ToUserName><![CDATA[{}]]></ToUserName>\n<FromUserName><![CDATA[{openid}]]></FromUserName>\n\
             <CreateTime>{create_time}</CreateTime>\n<MsgType><![CDATA[{kind}]]></MsgType>\n",
            self.original
        );
        for (name, value) in fields {
            let value = value.split("]]>").collect::<Vec<_>>().join("]]]]><![CDATA[>");
            xml += &format!("<{name}><![CDATA[{value}]]></{name}>\n");
        }
        xml + "</xml>"
    }

    /// Signs, and in safe mode seals, any clear XML at a time.
    pub fn deliver(&self, xml: &str, time: i64) -> (String, String) {
        let time = time.to_string();
        let nonce = format!("{:010}", xml.len() as u64 * 7919 + 17);
        let query = format!("signature={}&timestamp={time}&nonce={nonce}", sign(vec![&self.token, &time, &nonce]));
        let Some(key) = &self.aes_key else { return (query, xml.to_owned()) };
        let sealed = seal(key, xml, &self.app_id);
        let signed = sign(vec![&self.token, &time, &nonce, &sealed]);
        let body = format!(
            "<xml>\n    <ToUserName><![CDATA[{}]]></ToUserName>\n    <Encrypt><![CDATA[{sealed}]]></Encrypt>\n</xml>",
            self.original
        );
        (format!("{query}&encrypt_type=aes&msg_signature={signed}"), body)
    }

    /// The query of the GET by which the console checks the address.
    pub fn address_check(&self, echo: &str, time: i64) -> String {
        let (time, nonce) = (time.to_string(), "1234567890".to_owned());
        format!("signature={}&timestamp={time}&nonce={nonce}&echostr={echo}", sign(vec![&self.token, &time, &nonce]))
    }

    /// The words of an answer; empty for `success`. Anything the platform would call a fault panics.
    pub fn open_reply(&self, body: &str) -> String {
        if body == "success" {
            return String::new();
        }
        let outer = elements(body);
        let clear = match &self.aes_key {
            None => body.to_owned(),
            Some(key) => {
                let parts = vec![&self.token, &outer["TimeStamp"], &outer["Nonce"], &outer["Encrypt"]];
                assert_eq!(sign(parts), outer["MsgSignature"], "signature of the answer");
                let (clear, app_id) = unseal(key, &outer["Encrypt"]);
                assert_eq!(app_id, self.app_id, "app id of the answer");
                clear
            }
        };
        let reply = elements(&clear);
        assert_eq!(reply["FromUserName"], self.original, "the answer comes from the account");
        assert!(!reply["ToUserName"].is_empty(), "the answer goes to somebody");
        assert_eq!(reply["CreateTime"].len(), 10, "the time is in seconds");
        assert_eq!(reply["MsgType"], "text");
        assert!(reply["Content"].len() <= 2048, "the text is too long");
        reply["Content"].clone()
    }
}

fn sign(mut parts: Vec<&String>) -> String {
    parts.sort();
    let mut hash = Sha1::new();
    parts.into_iter().for_each(|part| hash.update(part));
    hash.finalize().iter().fold(String::new(), |hex, byte| format!("{hex}{byte:02x}"))
}

fn base64() -> GeneralPurpose {
    GeneralPurpose::new(&base64::alphabet::STANDARD, GeneralPurposeConfig::new().with_decode_allow_trailing_bits(true))
}

fn cipher(key: &str) -> (Aes256, [u8; 16]) {
    let key = base64().decode(format!("{key}=")).unwrap();
    (Aes256::new_from_slice(&key).unwrap(), key[..16].try_into().unwrap())
}

fn seal(key: &str, text: &str, app_id: &str) -> String {
    let (cipher, mut last) = cipher(key);
    let mut clear = b"0123456789abcdef".to_vec();
    clear.extend((text.len() as u32).to_be_bytes());
    clear.extend(text.as_bytes());
    clear.extend(app_id.as_bytes());
    let pad = 32 - clear.len() % 32;
    clear.resize(clear.len() + pad, pad as u8);
    let mut out = Vec::new();
    for block in clear.chunks(16) {
        for (byte, before) in last.iter_mut().zip(block) {
            *byte ^= before;
        }
        let mut block = aes::Block::from(last);
        cipher.encrypt_block(&mut block);
        last = block.into();
        out.extend(last);
    }
    base64().encode(out)
}

fn unseal(key: &str, sealed: &str) -> (String, String) {
    let (cipher, mut last) = cipher(key);
    let sealed = base64().decode(sealed).unwrap();
    assert_eq!(sealed.len() % 32, 0, "the cipher text is whole");
    let mut clear = Vec::new();
    for chunk in sealed.chunks(16) {
        let chunk: [u8; 16] = chunk.try_into().unwrap();
        let mut block = aes::Block::from(chunk);
        cipher.decrypt_block(&mut block);
        clear.extend(block.iter().zip(last).map(|(byte, before)| byte ^ before));
        last = chunk;
    }
    let pad = usize::from(clear[clear.len() - 1]);
    assert!((1..=32).contains(&pad) && clear[clear.len() - pad..].iter().all(|byte| usize::from(*byte) == pad));
    clear.truncate(clear.len() - pad);
    let end = 20 + u32::from_be_bytes(clear[16..20].try_into().unwrap()) as usize;
    (String::from_utf8(clear[20..end].to_vec()).unwrap(), String::from_utf8(clear[end..].to_vec()).unwrap())
}

/// The elements below the root with their text. Panics when the document is not well-formed.
pub fn elements(xml: &str) -> HashMap<String, String> {
    use quick_xml::events::Event;
    let mut reader = quick_xml::Reader::from_str(xml);
    let mut path: Vec<String> = Vec::new();
    let mut all = HashMap::new();
    loop {
        match reader.read_event().unwrap() {
            Event::Start(start) => {
                path.push(start.name().as_ref().to_owned());
                if path.len() == 2 {
                    let before = all.insert(path[1].clone(), String::new());
                    assert!(before.is_none(), "an element occurs twice");
                }
            }
            Event::End(_) => drop(path.pop()),
            Event::CData(text) if path.len() == 2 => all.get_mut(&path[1]).unwrap().push_str(&text),
            Event::Text(text) if path.len() == 2 => all.get_mut(&path[1]).unwrap().push_str(&text),
            Event::Text(_) => {}
            Event::Eof => break,
            other => unreachable!("not expected in an answer: {other:?}"),
        }
    }
    assert!(path.is_empty(), "the document breaks off");
    assert!(xml.chars().all(|c| c >= ' ' || matches!(c, '\n' | '\t' | '\r')), "XML 1.0 forbids this character");
    all
}
