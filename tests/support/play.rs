//! Plays a transcript: the people's side of the platforms, the stage directions, and what everybody received.

use super::{
    chat::{Act, Caught, Chat, Heard, Who, difference, reconciled, spoken},
    dingtalk::{self, Chat as DingChat, FakeDing, Post, To},
    program::{Program, organisation},
    roster,
    said::{self, Said},
    time,
    wechat::{FakeWeChat, WeChatUser},
};
use minhu::clock::{Clock, SECOND};
use serde_json::json;
use sha2::{Digest, Sha256};
use std::{
    collections::HashMap,
    path::{Path, PathBuf},
};

/// The Official Account of the stories.
pub const APP_ID: &str = "wxstories00000001";
/// Its secret.
pub const APP_SECRET: &str = "stories-mp-secret";
/// The word that signs its callbacks.
pub const TOKEN: &str = "storiestoken";
/// The key that seals its callbacks.
pub const AES_KEY: &str = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG";
/// The robot of the stories.
pub const CLIENT_ID: &str = "dingstories";
/// Its secret.
pub const CLIENT_SECRET: &str = "stories-ding-secret";

/// When stories begin unless they say otherwise: a Monday morning.
const BEGINNING: &str = "2026-11-23T10:00:00+08:00";
const VOICE: &[u8] = b"#!AMR\n\x3c\x91\x17\x16\xbe\x66\x79\xe1";
const VIDEO: &[u8] =
    b"\x00\x00\x00\x18ftypmp42\x00\x00\x00\x00mp42isom\x00\x00\x00\x10moov\x00\x00\x00\x08free\x00\x00\x00\x08mdat";

/// Plays a file and gives it as it would read if everything that happened were right.
///
/// # Errors
/// What makes it impossible to go on, with the line.
pub async fn play(chat: &Chat) -> Result<Played, String> {
    let mut stage = Stage::set(&directions(chat)).await?;
    let chat = stage.play(chat).await?;
    Ok(Played { chat, left_over: stage.end().await })
}

/// What the stage directions of a file say.
fn directions(chat: &Chat) -> Vec<&str> {
    let directions = chat.steps.iter().filter_map(|step| match &step.act {
        Act::Stage(direction) => Some(direction.as_str()),
        Act::Clock(_) | Act::Say(..) => None,
    });
    directions.collect()
}

/// Plays a file and says which of these words then stand in a file of the program as they were said: in the database, beside it.
///
/// # Errors
/// What makes it impossible to go on, with the line.
pub async fn play_and_look_for(chat: &Chat, words: &[&str]) -> Result<(Played, Vec<String>), String> {
    let mut stage = Stage::set(&directions(chat)).await?;
    let chat = stage.play(chat).await?;
    let mut stored = Vec::new();
    read_all(stage._folder.path(), &mut stored).map_err(|error| error.to_string())?;
    let holds = |word: &&&str| stored.windows(word.len()).any(|part| part == word.as_bytes());
    let found = words.iter().filter(holds).map(|word| (*word).to_owned()).collect();
    Ok((Played { chat, left_over: stage.end().await }, found))
}

/// Everything that the files below a folder hold.
fn read_all(folder: &Path, into: &mut Vec<u8>) -> std::io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            read_all(&path, into)?;
        } else {
            into.extend(std::fs::read(&path)?);
        }
    }
    Ok(())
}

/// Where the stories lie.
pub fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/transcripts")
}

/// Another story that this one begins with.
fn opening(name: &str) -> Result<Chat, String> {
    let path = folder().join("开头").join(format!("{name}.chat"));
    let source = std::fs::read_to_string(path).map_err(|_| format!("there is no 开头/{name}.chat"))?;
    Chat::parse(&source).map_err(|wrong| format!("开头/{name}.chat, {wrong}"))
}

/// How a story went.
pub struct Played {
    /// The story with what was really received.
    pub chat: Chat,
    /// What the program should not have left behind.
    pub left_over: Vec<String>,
}

impl Played {
    /// What is wrong, for people; `None` when all went as it was written.
    pub fn complaint(&self, written: &Chat) -> Option<String> {
        let mut complaint = difference(&written.format(), &self.chat.format());
        for what in &self.left_over {
            complaint.push_str(&format!("at the end: {what}\n"));
        }
        (!complaint.is_empty()).then_some(complaint)
    }
}

struct Stage {
    program: Program,
    organisation: String,
    clock: Clock,
    now: i64,
    wechat: FakeWeChat,
    ding: FakeDing,
    http: reqwest::Client,
    cast: Cast,
    caught: Caught,
    messages: u64,
    files: u64,
    last: HashMap<Who, Vec<Delivery>>,
    _folder: tempfile::TempDir,
}

/// A callback that can be delivered again.
#[derive(Clone)]
enum Delivery {
    WeChat { query: String, body: String },
    Ding(Post),
}

impl Stage {
    async fn set(directions: &[&str]) -> Result<Stage, String> {
        let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
        let wechat = FakeWeChat::start(APP_ID, APP_SECRET).await;
        let ding = FakeDing::start(CLIENT_ID, CLIENT_SECRET, CLIENT_ID).await;
        let organisation = changed(&organisation(), directions)?;
        let cast = Cast::of(&organisation);
        cast.staff.values().for_each(|id| ding.know_staff(id));
        cast.groups.values().for_each(|id| ding.know_group(id));
        let now = minhu::clock::parse(BEGINNING).unwrap();
        let clock = Clock::standing_at(now);
        let program = Program::start(folder.path(), &organisation, &wechat.base(), ding.base(), clock.clone()).await?;
        let http = reqwest::Client::builder().no_proxy().build().map_err(|error| error.to_string())?;
        let mut stage = Stage {
            program,
            organisation,
            clock,
            now,
            wechat,
            ding,
            http,
            cast,
            caught: Caught::new(),
            messages: 0,
            files: 0,
            last: HashMap::new(),
            _folder: folder,
        };
        stage.move_clock(now).await?;
        stage.program.settle().await?;
        Ok(stage)
    }

    async fn play(&mut self, chat: &Chat) -> Result<Chat, String> {
        let mut played = chat.clone();
        for step in &mut played.steps {
            let line = step.line;
            if let Act::Stage(direction) = &step.act
                && let Some(name) = direction.strip_prefix("开头 ")
            {
                let before = opening(name.trim())?;
                let real = Box::pin(self.play(&before)).await?;
                let other = difference(&before.format(), &real.format());
                if !other.is_empty() {
                    return Err(format!("line {line}: its beginning went otherwise:\n{other}"));
                }
                continue;
            }
            let received = self.act(&step.act).await.map_err(|what| format!("line {line}: {what}"))?;
            step.heard = reconciled(&step.heard, &received, &mut self.caught);
        }
        Ok(played)
    }

    /// Does what a line says and waits; gives everything that was received.
    async fn act(&mut self, act: &Act) -> Result<Vec<Heard>, String> {
        // A second for each step, whatever the machine takes, so that the times that are told do not depend on it.
        self.move_clock(self.now + SECOND).await?;
        let mut received = Vec::new();
        match act {
            Act::Clock(words) => {
                let to = time::after(words, self.now)?;
                self.move_clock(to).await?;
            }
            Act::Stage(direction) => self.direct(direction).await?,
            Act::Say(who, words) => {
                let words = spoken(words, &self.caught)?;
                received = self.say(who, &words).await?;
            }
        }
        self.program.settle().await?;
        let speaker = match act {
            Act::Say(who, _) => Some(who),
            Act::Clock(_) | Act::Stage(_) => None,
        };
        received.extend(self.received(speaker));
        Ok(received)
    }

    async fn move_clock(&mut self, to: i64) -> Result<(), String> {
        self.now = to;
        self.clock.set(to);
        self.wechat.set_now(to);
        self.ding.set_now(to);
        self.program.wake().await
    }

    async fn direct(&mut self, direction: &str) -> Result<(), String> {
        let words: Vec<&str> = direction.split_whitespace().collect();
        match words[..] {
            ["绑定码", name] => {
                let code = self.program.code_for(name).await?;
                self.caught.insert("绑定码".to_owned(), code);
            }
            // The organisation was made before the story began.
            ["加人" | "没有", ..] => {}
            ["重启"] => self.program.restart().await?,
            ["搬家"] => self.program.relocate(self._folder.path()).await?,
            ["名册", "去掉", name] => {
                self.organisation = roster::without(&self.organisation, name)?;
                self.program.reorganise(&self.organisation).await?;
            }
            ["名册", "加上", name, role, area] => {
                let account = self.cast.staff_id(name);
                self.ding.know_staff(&account);
                self.organisation = roster::with(&self.organisation, name, &account, role, area)?;
                self.program.reorganise(&self.organisation).await?;
            }
            ["微信", "down"] => self.wechat.down(true),
            ["微信", "up"] => self.wechat.down(false),
            ["微信", "revoke"] => self.wechat.revoke_token(),
            ["微信", code] => self.wechat.fail_next(number(code)?, 1),
            ["微信", code, times] => self.wechat.fail_next(number(code)?, number(times)? as usize),
            ["钉钉", "down"] => self.ding.down(true),
            ["钉钉", "up"] => self.ding.down(false),
            ["钉钉", "revoke"] => self.ding.revoke_token(),
            ["钉钉", code] => {
                self.ding.fail_next(403, &json!({ "code": code, "requestid": "x", "message": "x" }).to_string(), 1);
            }
            _ => return Err(format!("no such stage direction: {direction}")),
        }
        Ok(())
    }

    /// Says something; gives what the HTTP answers held.
    async fn say(&mut self, who: &Who, words: &str) -> Result<Vec<Heard>, String> {
        let said = said::parse(words)?;
        let deliveries = match (&said, who.channel.as_str()) {
            (Said::Again, _) => self.last.get(who).cloned().ok_or("nothing was said before")?,
            (_, "mp") => self.in_wechat(&who.name, &said)?,
            (_, "ding") => vec![Delivery::Ding(self.in_dingtalk(who, &said)?)],
            (_, other) => return Err(format!("no channel: {other}")),
        };
        let mut answers = Vec::new();
        for delivery in &deliveries {
            answers.extend(self.deliver(who, delivery).await?);
        }
        self.last.insert(who.clone(), deliveries);
        Ok(answers)
    }

    async fn deliver(&self, who: &Who, delivery: &Delivery) -> Result<Option<Heard>, String> {
        let hook = self.program.hook(&who.channel);
        let request = match delivery {
            Delivery::WeChat { query, body } => self.http.post(format!("{hook}?{query}")).body(body.clone()),
            Delivery::Ding(post) => self.http.post(hook).headers(post.headers.clone()).body(post.body.clone()),
        };
        let response = request.send().await.map_err(|error| error.to_string())?;
        let status = response.status();
        let body = response.text().await.map_err(|error| error.to_string())?;
        if !status.is_success() {
            return Err(format!("the hook answered {status}"));
        }
        let words = match delivery {
            Delivery::WeChat { .. } => account().open_reply(&body),
            Delivery::Ding(_) => String::new(),
        };
        Ok((!words.is_empty()).then_some(Heard { by: None, words }))
    }

    fn in_wechat(&mut self, name: &str, said: &Said) -> Result<Vec<Delivery>, String> {
        let user = account();
        let openid = self.cast.openid(name);
        let seconds = self.now / 1_000;
        let photos = if let Said::Photos(count) = said { *count } else { 1 };
        let mut deliveries = Vec::new();
        for _ in 0..photos {
            let file = self.new_file();
            self.messages += 1;
            let id = 7_300_000_000_000_000_000 + self.messages;
            let message = |kind: &str, fields: &[(&str, &str)]| user.message(&openid, kind, fields, seconds, id);
            let (query, body) = match said {
                Said::Words(words) => user.text(&openid, words, seconds, id),
                Said::Photos(_) => {
                    self.wechat.put_media(&file, "image/jpeg", &photo());
                    user.image(&openid, &file, seconds, id)
                }
                Said::Voice(heard) => {
                    self.wechat.put_media(&file, "audio/amr", VOICE);
                    let heard = heard.clone().unwrap_or_default();
                    message("voice", &[("MediaId", &file), ("Format", "amr"), ("Recognition", &heard)])
                }
                Said::Video => {
                    self.wechat.put_video(&file, VIDEO);
                    message("video", &[("MediaId", &file), ("ThumbMediaId", "thumb")])
                }
                Said::File => message("file", &[("Title", "证明.docx"), ("FileKey", &file), ("FileTotalLen", "2048")]),
                Said::Place { at, label } => user.location(&openid, *at, label, seconds, id),
                Said::Press(key) => user.event(&openid, "CLICK", key, seconds),
                Said::Follow(scene) => {
                    let key = scene.as_ref().map_or(String::new(), |scene| format!("qrscene_{scene}"));
                    user.event(&openid, "subscribe", &key, seconds)
                }
                Said::Leave => user.event(&openid, "unsubscribe", "", seconds),
                Said::Rich(..) | Said::ToPhoto(_) | Said::ToText { .. } | Said::OverQuota | Said::Again => {
                    return Err("WeChat has no such message".to_owned());
                }
            };
            deliveries.push(Delivery::WeChat { query, body });
        }
        match said {
            Said::Press(_) | Said::Follow(_) => self.wechat.allow_briefly(&openid, self.now),
            Said::Leave => self.wechat.unfollow(&openid),
            _ => self.wechat.allow(&openid, self.now),
        }
        Ok(deliveries)
    }

    fn in_dingtalk(&mut self, who: &Who, said: &Said) -> Result<Post, String> {
        let staff = self.cast.staff_id(&who.name);
        self.ding.know_staff(&staff);
        let chat = match &who.group {
            Some(group) => {
                let id = self.cast.group_id(group);
                self.ding.know_group(&id);
                DingChat::Group(id)
            }
            None => DingChat::Private,
        };
        let parts = match said {
            Said::Words(words) => dingtalk::text(words),
            Said::Photos(1) => dingtalk::picture(&self.ding_file(&photo())),
            Said::Rich(words, count) => {
                let codes: Vec<String> = (0..*count).map(|_| self.ding_file(&photo())).collect();
                dingtalk::rich_text(words, &codes.iter().map(String::as_str).collect::<Vec<_>>())
            }
            Said::Voice(heard) => {
                let mut parts = dingtalk::audio(&self.ding_file(VOICE), heard.as_deref().unwrap_or_default());
                if heard.is_none() {
                    parts["content"].as_object_mut().unwrap().remove("recognition");
                }
                parts
            }
            Said::Video => dingtalk::video(&self.ding_file(VIDEO)),
            Said::File => {
                let code = self.new_file();
                json!({ "msgtype": "file", "content": { "downloadCode": code, "fileName": "证明.docx", "spaceId": "1", "fileId": "1" } })
            }
            Said::ToPhoto(words) => dingtalk::reply_to_picture(words, &self.ding_file(&photo())),
            Said::ToText { quoted, words } => dingtalk::reply_to_text(words, quoted),
            Said::OverQuota => dingtalk::over_quota(),
            Said::Photos(_) | Said::Place { .. } | Said::Press(_) | Said::Follow(_) | Said::Leave | Said::Again => {
                return Err("DingTalk has no such message".to_owned());
            }
        };
        self.messages += 1;
        let id = format!("msgStory{:06}==", self.messages);
        Ok(self.ding.message(&staff, &chat, parts, &id, self.now))
    }

    fn new_file(&mut self) -> String {
        self.files += 1;
        format!("file{:06}", self.files)
    }

    fn ding_file(&mut self, bytes: &[u8]) -> String {
        let code = self.new_file();
        self.ding.serve_file(&code, bytes);
        code
    }

    /// What the fakes took since the last time. In DingTalk the first message into the chat somebody spoke in is the answer.
    fn received(&self, speaker: Option<&Who>) -> Vec<Heard> {
        let mut all = Vec::new();
        for (openid, words) in self.wechat.take() {
            all.push(Heard { by: Some(self.cast.named(&openid, "mp")), words });
        }
        for (openid, template, values) in self.wechat.take_templates() {
            let values: Vec<String> = values.values().cloned().collect();
            let words = format!("【模板 {template}】{}", values.join("｜"));
            all.push(Heard { by: Some(self.cast.named(&openid, "mp")), words });
        }
        let mut answered = false;
        for sent in self.ding.take() {
            let chat = match sent.to {
                To::Staff(staff) => self.cast.named(&staff, "ding"),
                To::Group(group) => self.cast.named(&group, "ding"),
                To::Session(session) => match self.ding.chat_of(&session) {
                    Some((DingChat::Group(group), _)) => self.cast.named(&group, "ding"),
                    Some((DingChat::Private, from)) => self.cast.named(&from, "ding"),
                    None => Who { name: "？".to_owned(), channel: "ding".to_owned(), group: None },
                },
            };
            let asked = speaker.is_some_and(|who| who.channel == "ding" && *who.group.as_ref().unwrap_or(&who.name) == chat.name);
            let answers = asked && !answered;
            answered |= asked;
            let words = self.cast.with_names(&sent.text);
            all.push(Heard { by: (!answers).then_some(chat), words });
        }
        all
    }

    async fn end(self) -> Vec<String> {
        let mut left_over: Vec<String> =
            self.received(None).iter().map(|heard| format!("nobody heard this in time: {}", heard.words)).collect();
        left_over.extend(self.program.end().await);
        left_over
    }
}

/// The organisation of a story: `加人 名字 角色…` adds somebody with these roles in the county (`liaison:swj` in a unit),
/// `没有 名字` leaves somebody out.
fn changed(organisation: &str, directions: &[&str]) -> Result<String, String> {
    let mut parts: Vec<String> = organisation.split("\n[[").map(str::to_owned).collect();
    for direction in directions {
        match direction.split_whitespace().collect::<Vec<_>>()[..] {
            ["加人", name, ref roles @ ..] => {
                let id = made_up(name);
                let grant = |role: &&str| match role.split_once(':') {
                    Some((role, unit)) => format!(r#"{{ role = "{role}", unit = "{unit}" }}"#),
                    None => format!(r#"{{ role = "{role}", area = "131122" }}"#),
                };
                let grants: Vec<String> = roles.iter().map(grant).collect();
                parts.push(format!(
                    "person]]\nid = \"p{id}\"\nname = \"{name}\"\naccounts = [\"ding:{id}\"]\ngrants = [{}]\n",
                    grants.join(", ")
                ));
            }
            ["没有", name] => {
                let before = parts.len();
                parts.retain(|part| !(part.starts_with("person]]") && part.contains(&format!("name = \"{name}\""))));
                if parts.len() == before {
                    return Err(format!("nobody is called {name}"));
                }
            }
            _ => {}
        }
    }
    Ok(parts.join("\n[["))
}

/// Names of the story and ids of the platforms.
struct Cast {
    staff: HashMap<String, String>,
    groups: HashMap<String, String>,
    citizens: HashMap<String, String>,
}

impl Cast {
    /// The people and groups of an organisation file who have accounts in DingTalk.
    fn of(organisation: &str) -> Cast {
        let file: toml::Table = toml::from_str(organisation).unwrap();
        let entries = |list: &str| file[list].as_array().unwrap().iter().filter_map(toml::Value::as_table);
        let id = |account: &toml::Value| account.as_str().and_then(|account| account.strip_prefix("ding:")).map(str::to_owned);
        let name = |entry: &toml::Table| entry["name"].as_str().unwrap().to_owned();
        Cast {
            staff: entries("person")
                .filter_map(|person| Some((name(person), person.get("accounts")?.as_array()?.iter().find_map(id)?)))
                .collect(),
            groups: entries("group").filter_map(|group| Some((name(group), group.get("chat").and_then(id)?))).collect(),
            citizens: HashMap::new(),
        }
    }

    fn staff_id(&mut self, name: &str) -> String {
        self.staff.entry(name.to_owned()).or_insert_with(|| format!("staff{}", made_up(name))).clone()
    }

    fn group_id(&mut self, name: &str) -> String {
        self.groups.entry(name.to_owned()).or_insert_with(|| format!("cid{}==", made_up(name))).clone()
    }

    fn openid(&mut self, name: &str) -> String {
        self.citizens.entry(name.to_owned()).or_insert_with(|| format!("oStory{}", made_up(name))).clone()
    }

    fn named(&self, id: &str, channel: &str) -> Who {
        let all: [&HashMap<String, String>; 2] =
            if channel == "mp" { [&self.citizens, &self.citizens] } else { [&self.staff, &self.groups] };
        let name = all.iter().flat_map(|names| names.iter()).find(|(_, own)| *own == id).map_or(id, |(name, _)| name);
        Who { name: name.to_owned(), channel: channel.to_owned(), group: None }
    }

    /// Mentions at the beginning of a message with the names people see.
    fn with_names(&self, text: &str) -> String {
        let mut out = String::new();
        let mut rest = text;
        while let Some((id, after)) = rest.strip_prefix('@').and_then(|rest| rest.split_once(' ')) {
            let Some((name, _)) = self.staff.iter().find(|(_, own)| *own == id) else { break };
            out.push_str(&format!("@{name} "));
            rest = after;
        }
        out + rest
    }
}

/// A grey picture of eight by eight points that tells where it was taken.
fn photo() -> Vec<u8> {
    let segment = |marker: u8, inside: &[u8]| {
        let length = (inside.len() as u16 + 2).to_be_bytes();
        [&[0xff, marker], &length[..], inside].concat()
    };
    // A Huffman table with one code, of one bit, for the value 0.
    let table = |class: u8| [&[class, 1][..], &[0; 15], &[0]].concat();
    let exif = b"Exif\0\0MM\0\x2a\0\0\0\x08\0\0\0\0\0\0GPS 37.8N";
    [
        vec![0xff, 0xd8],
        segment(0xe0, b"JFIF\0\x01\x01\0\0\x01\0\x01\0\0"),
        segment(0xe1, exif),
        segment(0xdb, &[&[0][..], &[1; 64]].concat()),
        segment(0xc0, &[8, 0, 8, 0, 8, 1, 1, 0x11, 0]),
        segment(0xc4, &table(0x00)),
        segment(0xc4, &table(0x10)),
        segment(0xda, &[1, 1, 0, 0, 63, 0]),
        // Both codes are 0, the rest is filled with ones.
        vec![0x3f, 0xff, 0xd9],
    ]
    .concat()
}

fn made_up(name: &str) -> String {
    Sha256::digest(name).iter().take(11).map(|byte| format!("{byte:02x}")).collect()
}

fn account() -> WeChatUser {
    WeChatUser::safe(APP_ID, TOKEN, AES_KEY)
}

fn number(text: &str) -> Result<i64, String> {
    text.parse().map_err(|_| format!("no number: {text}"))
}
