//! DingTalk's servers as far as the robot needs them, and the robot posts that they make.
//!
//! One server stands for both hosts. It is as strict as the documentation says the real one is, keeps what it was sent,
//! and fails on command. It shares no code with the program: the signature is computed here from RFC 2104.
#![cfg(test)]
#![allow(clippy::allow_attributes, dead_code, reason = "each test program uses another part of it")]
#![expect(clippy::result_large_err, reason = "a refusal is the finished response")]

use axum::{
    Router,
    body::Bytes,
    extract::{Path, Query, State},
    http::{HeaderMap, StatusCode, header::LOCATION},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};
use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

/// How long a session webhook lives after the last message of its chat, in milliseconds.
const SESSION_LIFE: i64 = 90 * 60 * 1_000;

/// Whom a message went to.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum To {
    /// One person's private chat, by staff id.
    Staff(String),
    /// A group, by its open conversation id.
    Group(String),
    /// A session webhook, by its token; [`FakeDing::chat_of`] knows the chat.
    Session(String),
}

/// A message that was accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sent {
    /// Whom it went to.
    pub to: To,
    /// Its words.
    pub text: String,
    /// Staff ids that are really mentioned: those in the list that stand in the text too.
    pub at: Vec<String>,
}

/// Where somebody writes to the robot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Chat {
    /// The private chat with the robot.
    Private,
    /// A group, by its conversation id.
    Group(String),
}

/// A post as DingTalk makes it to the address of the robot.
#[derive(Debug, Clone)]
pub struct Post {
    /// `timestamp` and `sign`.
    pub headers: HeaderMap,
    /// JSON.
    pub body: String,
}

/// The running server. It ends with the runtime of the test.
#[derive(Clone)]
pub struct FakeDing {
    base: String,
    world: Arc<Mutex<World>>,
}

#[derive(Default)]
struct World {
    base: String,
    client_id: String,
    client_secret: String,
    robot_code: String,
    now: i64,
    token: Option<String>,
    tokens_made: usize,
    token_refusals: usize,
    strict: bool,
    staff: HashSet<String>,
    phones: HashMap<String, String>,
    groups: HashSet<String>,
    flow_controlled: HashSet<String>,
    sessions: HashMap<String, Session>,
    files: HashMap<String, Vec<u8>>,
    addresses: HashMap<String, String>,
    sent: Vec<Sent>,
    calls: Vec<String>,
    failures: Vec<(u16, String)>,
    down: bool,
    slow: Duration,
}

struct Session {
    until: i64,
    chat: Chat,
    from: String,
}

impl FakeDing {
    /// Starts it on a free port of this machine.
    pub async fn start(client_id: &str, client_secret: &str, robot_code: &str) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let world = World {
            base: base.clone(),
            client_id: client_id.to_owned(),
            client_secret: client_secret.to_owned(),
            robot_code: robot_code.to_owned(),
            ..World::default()
        };
        let world = Arc::new(Mutex::new(world));
        let router = Router::new()
            .route("/v1.0/oauth2/accessToken", post(access_token))
            .route("/v1.0/robot/oToMessages/batchSend", post(batch_send))
            .route("/v1.0/robot/groupMessages/send", post(group_send))
            .route("/v1.0/robot/messageFiles/download", post(download))
            .route("/robot/sendBySession", post(send_by_session))
            .route("/topapi/v2/user/getbymobile", post(staff_by_phone))
            .route("/files/{code}", get(file))
            .layer(axum::middleware::from_fn_with_state(world.clone(), late))
            .with_state(world.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        FakeDing { base, world }
    }

    /// Its address, for both bases.
    pub fn base(&self) -> &str {
        &self.base
    }

    /// Somebody who can be sent to.
    pub fn know_staff(&self, staff: &str) {
        self.world().staff.insert(staff.to_owned());
    }

    /// Somebody whom the directory finds by phone, and who can be sent to.
    pub fn know_phone(&self, phone: &str, staff: &str) {
        self.know_staff(staff);
        self.world().phones.insert(phone.to_owned(), staff.to_owned());
    }

    /// A group the robot is in.
    pub fn know_group(&self, conversation: &str) {
        self.world().groups.insert(conversation.to_owned());
    }

    /// From now on, sends to this person are held back and listed as flow-controlled.
    pub fn control_flow(&self, staff: &str) {
        self.world().flow_controlled.insert(staff.to_owned());
    }

    /// Sets the time by which sessions end; messages move it on too.
    pub fn set_now(&self, now: i64) {
        self.world().now = now;
    }

    /// The messages accepted since the last call, in order.
    pub fn take(&self) -> Vec<Sent> {
        std::mem::take(&mut self.world().sent)
    }

    /// All messages that were accepted and not taken yet, in order.
    pub fn sent(&self) -> Vec<Sent> {
        self.world().sent.clone()
    }

    /// The paths that were called since the last call, refused ones too.
    pub fn calls(&self) -> Vec<String> {
        std::mem::take(&mut self.world().calls)
    }

    /// The next `times` calls, of everything but tokens, are answered with this.
    pub fn fail_next(&self, http_status: u16, body: &str, times: usize) {
        self.world().failures.extend(std::iter::repeat_n((http_status, body.to_owned()), times));
    }

    /// The token that was given out is no longer valid.
    pub fn revoke_token(&self) {
        self.world().token = None;
    }

    /// From now on each fetch of a token gives another one, and the one before is no longer taken.
    pub fn strict_tokens(&self) {
        self.world().strict = true;
    }

    /// How many tokens were given out.
    pub fn tokens_made(&self) -> usize {
        self.world().tokens_made
    }

    /// How many calls came with a token that was not the newest.
    pub fn token_refusals(&self) -> usize {
        self.world().token_refusals
    }

    /// From now on it answers this long after it has done what was asked.
    pub fn slow(&self, by: Duration) {
        self.world().slow = by;
    }

    /// While down, every call is answered with a gateway's 503 page.
    pub fn down(&self, down: bool) {
        self.world().down = down;
    }

    /// A file behind a download code.
    pub fn serve_file(&self, code: &str, bytes: &[u8]) {
        self.world().files.insert(code.to_owned(), bytes.to_vec());
    }

    /// Makes a download code lead to any address.
    pub fn lead_file_to(&self, code: &str, address: &str) {
        self.world().addresses.insert(code.to_owned(), address.to_owned());
    }

    /// The chat and the person a session webhook belongs to.
    pub fn chat_of(&self, session: &str) -> Option<(Chat, String)> {
        self.world().sessions.get(session).map(|session| (session.chat.clone(), session.from.clone()))
    }

    /// A signed post of a message to the robot at `now`, with a live session webhook. `parts` are the fields of the
    /// body that depend on the kind of message: see [`text`], [`picture`], [`rich_text`], [`audio`], [`video`],
    /// [`reply_to_picture`], [`over_quota`]. An empty `from` is somebody from outside.
    pub fn message(&self, from: &str, chat: &Chat, parts: Value, msg_id: &str, now: i64) -> Post {
        let mut world = self.world();
        world.now = world.now.max(now);
        let conversation = match chat {
            Chat::Private => format!("cid-private-{from}"),
            Chat::Group(id) => id.clone(),
        };
        // One session for a chat: a later message moves its end on.
        let session = hex(&Sha256::digest(&conversation))[..32].to_owned();
        let until = now + SESSION_LIFE;
        world.sessions.insert(session.clone(), Session { until, chat: chat.clone(), from: from.to_owned() });
        let mut body = json!({
            "msgId": msg_id,
            "createAt": now,
            "conversationId": conversation,
            "conversationType": "1",
            "chatbotCorpId": "dingcorp",
            "chatbotUserId": "$:LWCP_v1:$bot",
            "senderId": format!("$:LWCP_v1:$of-{from}"),
            "senderNick": format!("昵称{from}"),
            "senderStaffId": from,
            "senderCorpId": "dingcorp",
            "isAdmin": false,
            "robotCode": world.robot_code,
            "sessionWebhook": format!("{}/robot/sendBySession?session={session}", world.base),
            "sessionWebhookExpiredTime": until,
            "senderPlatform": "Android",
            "openThreadId": conversation,
        });
        let fields = body.as_object_mut().unwrap();
        if let Chat::Group(_) = chat {
            fields.insert("conversationType".to_owned(), json!("2"));
            fields.insert("conversationTitle".to_owned(), json!("工作群"));
            fields.insert("isInAtList".to_owned(), json!(true));
            fields.insert("atUsers".to_owned(), json!([{ "dingtalkId": "$:LWCP_v1:$bot" }]));
        }
        let Value::Object(parts) = parts else { panic!("parts are fields of the body") };
        fields.extend(parts);
        signed(&world.client_secret, now, body.to_string())
    }

    fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap()
    }
}

/// Any body with the two headers that DingTalk puts beside it.
pub fn signed(client_secret: &str, now: i64, body: String) -> Post {
    let timestamp = now.to_string();
    let sign = STANDARD.encode(hmac_sha256(client_secret.as_bytes(), format!("{timestamp}\n{client_secret}").as_bytes()));
    let mut headers = HeaderMap::new();
    headers.insert("content-type", "application/json; charset=utf-8".parse().unwrap());
    headers.insert("timestamp", timestamp.parse().unwrap());
    headers.insert("sign", sign.parse().unwrap());
    Post { headers, body }
}

/// A text; in a group the platform has taken the mention out and left a blank.
pub fn text(words: &str) -> Value {
    json!({ "msgtype": "text", "text": { "content": format!(" {words}") } })
}

/// A picture.
pub fn picture(code: &str) -> Value {
    json!({ "msgtype": "picture", "content": { "downloadCode": code, "pictureDownloadCode": format!("p-{code}") } })
}

/// Words with pictures behind them.
pub fn rich_text(words: &str, codes: &[&str]) -> Value {
    let mut parts = vec![json!({ "text": words })];
    for code in codes {
        parts.push(json!({ "text": "\n" }));
        parts.push(json!({ "type": "picture", "downloadCode": code, "pictureDownloadCode": format!("p-{code}") }));
    }
    json!({ "msgtype": "richText", "content": { "richText": parts } })
}

/// A voice message with what the platform understood of it.
pub fn audio(code: &str, recognition: &str) -> Value {
    json!({ "msgtype": "audio", "content": { "duration": 4000, "downloadCode": code, "recognition": recognition } })
}

/// A video; its duration is a string where other durations are numbers.
pub fn video(code: &str) -> Value {
    json!({ "msgtype": "video", "content": { "duration": "5", "videoType": "mp4", "downloadCode": code } })
}

/// A text in reply to somebody's picture.
pub fn reply_to_picture(words: &str, code: &str) -> Value {
    json!({
        "msgtype": "text",
        "text": {
            "content": format!(" {words}"),
            "isReplyMsg": true,
            "repliedMsg": { "msgType": "picture", "msgId": "msgReplied==", "senderId": "$:LWCP_v1:$someone",
                            "createdAt": 1, "content": { "downloadCode": code } },
        },
        "originalMsgId": "msgReplied==",
    })
}

/// A text in reply to another text, for example a card of the robot.
pub fn reply_to_text(words: &str, replied: &str) -> Value {
    let mut body = reply_to_picture(words, "");
    body["text"]["repliedMsg"]["msgType"] = json!("text");
    body["text"]["repliedMsg"]["content"] = json!({ "text": replied });
    body
}

/// What comes when the organisation's quota is used up: no content.
pub fn over_quota() -> Value {
    json!({ "msgtype": "text", "errorCode": 20001, "errorMessage": "your message service is currently paused" })
}

/// HMAC of RFC 2104, written out so that it is not the program's own.
fn hmac_sha256(key: &[u8], message: &[u8]) -> Vec<u8> {
    let mut block = [0u8; 64];
    if key.len() > 64 {
        block[..32].copy_from_slice(&Sha256::digest(key));
    } else {
        block[..key.len()].copy_from_slice(key);
    }
    let padded = |with: u8| block.map(|byte| byte ^ with).to_vec();
    let inner = Sha256::digest([padded(0x36), message.to_vec()].concat());
    Sha256::digest([padded(0x5c), inner.to_vec()].concat()).to_vec()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

type Shared = State<Arc<Mutex<World>>>;

fn answer(status: u16, body: &Value) -> Response {
    raw(status, body.to_string())
}

fn raw(status: u16, body: String) -> Response {
    let status = StatusCode::from_u16(status).unwrap();
    (status, [("content-type", "application/json")], body).into_response()
}

/// A refusal of the new interfaces.
fn refuse(status: u16, code: &str) -> Response {
    answer(status, &json!({ "code": code, "requestid": "fake", "message": "这段文字没人看" }))
}

/// A refusal of the old interfaces, which is HTTP 200.
fn errcode(code: i64) -> Response {
    answer(200, &json!({ "errcode": code, "errmsg": "这段文字没人看" }))
}

impl World {
    /// Notes the call and fails if told to.
    fn entry(&mut self, path: &str) -> Result<(), Response> {
        self.calls.push(path.to_owned());
        if self.down {
            return Err((StatusCode::SERVICE_UNAVAILABLE, "<html>503</html>").into_response());
        }
        if path != "/v1.0/oauth2/accessToken" && !self.failures.is_empty() {
            let (status, body) = self.failures.remove(0);
            return Err(raw(status, body));
        }
        Ok(())
    }

    /// What every call of the new interfaces must bring: JSON with this content type, a token, our robot.
    fn robot_call(&mut self, path: &str, headers: &HeaderMap, body: &Bytes) -> Result<Map<String, Value>, Response> {
        self.entry(path)?;
        let fields = json_object(headers, body).ok_or_else(|| refuse(400, "invalidParameter.body"))?;
        let token = headers.get("x-acs-dingtalk-access-token").and_then(|token| token.to_str().ok());
        let token = token.filter(|token| !token.is_empty());
        let token = token.ok_or_else(|| refuse(400, "AuthenticationFailed.MissingParameter"))?;
        if self.token.as_deref() != Some(token) {
            self.token_refusals += 1;
            return Err(refuse(400, "InvalidAuthentication"));
        }
        match string(&fields, "robotCode") {
            None => Err(refuse(400, "miss.param.robotCode")),
            Some(code) if code != self.robot_code => Err(refuse(400, "resource.not.found")),
            Some(_) => Ok(fields),
        }
    }
}

fn json_object(headers: &HeaderMap, body: &Bytes) -> Option<Map<String, Value>> {
    let kind = headers.get("content-type")?.to_str().ok()?;
    if !kind.starts_with("application/json") {
        return None;
    }
    serde_json::from_slice(body).ok()
}

fn string<'a>(fields: &'a Map<String, Value>, key: &str) -> Option<&'a str> {
    fields.get(key)?.as_str().filter(|text| !text.is_empty())
}

/// The words of `msgKey` and `msgParam`, checked.
fn sample(fields: &Map<String, Value>) -> Result<String, Response> {
    let key = string(fields, "msgKey").ok_or_else(|| refuse(400, "miss.param.msgKey"))?;
    let param = string(fields, "msgParam").ok_or_else(|| refuse(400, "miss.param.msgParam"))?;
    if param.len() > 15_000 {
        return Err(refuse(400, "invalidParameter.msgParam.tooLong"));
    }
    let inside: Map<String, Value> = serde_json::from_str(param).map_err(|_| refuse(400, "invalidParameter.msgParam.invalid"))?;
    let words = match key {
        "sampleText" => string(&inside, "content").map(str::to_owned),
        "sampleMarkdown" => {
            let both = string(&inside, "title").zip(string(&inside, "text"));
            both.map(|(title, text)| format!("{title}\n{text}"))
        }
        _ => return Err(refuse(400, "invalidParameter.msgKey.invalid")),
    };
    words.ok_or_else(|| refuse(400, "invalidParameter.msgParam.invalid"))
}

async fn late(State(world): Shared, request: axum::extract::Request, next: axum::middleware::Next) -> Response {
    let response = next.run(request).await;
    let slow = world.lock().unwrap().slow;
    tokio::time::sleep(slow).await;
    response
}

async fn access_token(State(world): Shared, headers: HeaderMap, body: Bytes) -> Response {
    let mut world = world.lock().unwrap();
    if let Err(failure) = world.entry("/v1.0/oauth2/accessToken") {
        return failure;
    }
    let Some(fields) = json_object(&headers, &body) else { return refuse(400, "invalidParameter.body") };
    let right = string(&fields, "appKey") == Some(&world.client_id) && string(&fields, "appSecret") == Some(&world.client_secret);
    if !right {
        return refuse(400, "invalidClientIdOrSecret");
    }
    if world.strict {
        world.token = None;
    }
    // Asking again gives the same token while it is valid.
    let token = world.token.clone().unwrap_or_else(|| format!("AT-{}", world.tokens_made + 1));
    if world.token.is_none() {
        world.tokens_made += 1;
        world.token = Some(token.clone());
    }
    answer(200, &json!({ "accessToken": token, "expireIn": 7200 }))
}

async fn batch_send(State(world): Shared, headers: HeaderMap, body: Bytes) -> Response {
    let mut world = world.lock().unwrap();
    send_to_people(&mut world, &headers, &body).unwrap_or_else(|refusal| refusal)
}

fn send_to_people(world: &mut World, headers: &HeaderMap, body: &Bytes) -> Result<Response, Response> {
    let fields = world.robot_call("/v1.0/robot/oToMessages/batchSend", headers, body)?;
    let people = fields.get("userIds").and_then(Value::as_array).ok_or_else(|| refuse(400, "miss.param.userIds"))?;
    let people: Option<Vec<&str>> = people.iter().map(Value::as_str).collect();
    let people = people.filter(|people| !people.is_empty()).ok_or_else(|| refuse(400, "invalidParameter.userIds.empty"))?;
    if people.len() > 20 {
        return Err(refuse(400, "invalidParameter.userIds.overMax"));
    }
    let words = sample(&fields)?;
    let (known, invalid): (Vec<&str>, Vec<&str>) = people.into_iter().partition(|id| world.staff.contains(*id));
    if known.is_empty() {
        return Err(refuse(400, "staffId.notExisted"));
    }
    let (held, reached): (Vec<&str>, Vec<&str>) = known.into_iter().partition(|id| world.flow_controlled.contains(*id));
    for id in &reached {
        world.sent.push(Sent { to: To::Staff((*id).to_owned()), text: words.clone(), at: Vec::new() });
    }
    let key = format!("pqk-{}", world.calls.len());
    Ok(answer(200, &json!({ "processQueryKey": key, "invalidStaffIdList": invalid, "flowControlledStaffIdList": held })))
}

async fn group_send(State(world): Shared, headers: HeaderMap, body: Bytes) -> Response {
    let mut world = world.lock().unwrap();
    send_to_group(&mut world, &headers, &body).unwrap_or_else(|refusal| refusal)
}

fn send_to_group(world: &mut World, headers: &HeaderMap, body: &Bytes) -> Result<Response, Response> {
    let fields = world.robot_call("/v1.0/robot/groupMessages/send", headers, body)?;
    let group = string(&fields, "openConversationId").ok_or_else(|| refuse(400, "miss.param.openConversationId"))?;
    let words = sample(&fields)?;
    // A private chat's id gives the same misleading answer as one that does not exist.
    if !world.groups.contains(group) {
        return Err(refuse(400, "resource.not.found"));
    }
    world.sent.push(Sent { to: To::Group(group.to_owned()), text: words, at: Vec::new() });
    Ok(answer(200, &json!({ "processQueryKey": format!("pqk-{}", world.calls.len()) })))
}

async fn send_by_session(
    State(world): Shared,
    Query(query): Query<HashMap<String, String>>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let mut world = world.lock().unwrap();
    if let Err(failure) = world.entry("/robot/sendBySession") {
        return failure;
    }
    let session = query.get("session").cloned().unwrap_or_default();
    if world.sessions.get(&session).is_none_or(|known| known.until <= world.now) {
        return errcode(300_001);
    }
    if body.len() > 20_000 {
        return errcode(460_101);
    }
    let Some(fields) = json_object(&headers, &body) else { return errcode(43_004) };
    let content = match string(&fields, "msgtype") {
        Some("text") => fields.get("text").and_then(Value::as_object).and_then(|text| string(text, "content")),
        Some("markdown") => fields
            .get("markdown")
            .and_then(Value::as_object)
            .filter(|markdown| string(markdown, "title").is_some())
            .and_then(|markdown| string(markdown, "text")),
        _ => return errcode(400_105),
    };
    let Some(words) = content else { return errcode(400_105) };
    let listed: Vec<&str> = fields
        .get("at")
        .and_then(|at| at.get("atUserIds"))
        .and_then(Value::as_array)
        .map(|ids| ids.iter().filter_map(Value::as_str).collect())
        .unwrap_or_default();
    if listed.len() > 50 {
        return errcode(400_105);
    }
    let in_text = |id: &&&str| words.split_whitespace().any(|word| word.strip_prefix('@') == Some(**id));
    let at = listed.iter().filter(in_text).map(|id| (*id).to_owned()).collect();
    let sent = Sent { to: To::Session(session), text: words.to_owned(), at };
    world.sent.push(sent);
    answer(200, &json!({ "errcode": 0, "errmsg": "ok" }))
}

/// The directory. Unlike robots' interfaces it is an old one: the token stands in the query, refusals are HTTP 200.
async fn staff_by_phone(
    State(world): Shared,
    Query(query): Query<HashMap<String, String>>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let mut world = world.lock().unwrap();
    if let Err(failure) = world.entry("/topapi/v2/user/getbymobile") {
        return failure;
    }
    let under_88 = |code: &str| answer(200, &json!({ "errcode": 88, "sub_code": code, "sub_msg": "x", "errmsg": "x" }));
    match query.get("access_token").filter(|token| !token.is_empty()) {
        None => return under_88("40000"),
        token if token != world.token.as_ref() => {
            world.token_refusals += 1;
            return under_88("40014");
        }
        Some(_) => {}
    }
    let Some(fields) = json_object(&headers, &body) else { return errcode(400_002) };
    let Some(mobile) = string(&fields, "mobile") else { return errcode(400_002) };
    if mobile.len() != 11 || !mobile.bytes().all(|b| b.is_ascii_digit()) {
        return errcode(40_104);
    }
    match world.phones.get(mobile) {
        Some(staff) => {
            let result = json!({ "userid": staff, "exclusive_account_userid_list": [] });
            answer(200, &json!({ "errcode": 0, "errmsg": "ok", "request_id": "fake", "result": result }))
        }
        None => errcode(60_121),
    }
}

async fn download(State(world): Shared, headers: HeaderMap, body: Bytes) -> Response {
    let mut world = world.lock().unwrap();
    let fields = match world.robot_call("/v1.0/robot/messageFiles/download", &headers, &body) {
        Ok(fields) => fields,
        Err(refusal) => return refusal,
    };
    let Some(code) = string(&fields, "downloadCode") else { return refuse(400, "miss.param.downloadCode") };
    let address = world.addresses.get(code).cloned();
    let address = address.or_else(|| world.files.contains_key(code).then(|| format!("{}/files/{code}", world.base)));
    match address {
        Some(address) => answer(200, &json!({ "downloadUrl": address })),
        None => refuse(400, "invalidParameter.downloadCode.invalid"),
    }
}

async fn file(State(world): Shared, Path(code): Path<String>, headers: HeaderMap) -> Response {
    let mut world = world.lock().unwrap();
    if let Err(failure) = world.entry("/files") {
        return failure;
    }
    // The file lies with somebody else, who must not see the token.
    if headers.contains_key("x-acs-dingtalk-access-token") {
        return StatusCode::FORBIDDEN.into_response();
    }
    match world.files.get(&code) {
        Some(bytes) => bytes.clone().into_response(),
        None if code == "elsewhere" => (StatusCode::FOUND, [(LOCATION, "/files/secret")]).into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}
