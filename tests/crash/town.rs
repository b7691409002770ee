//! Everything there is: platforms, machines, people, the time, and the book of what was said.

use crate::{
    dingtalk::FakeDing,
    machines::Machines,
    people::{Book, Citizen},
    postgres::Server,
    wechat::{FakeWeChat, WeChatUser},
};
use minhu::clock::Clock;
use std::{
    collections::HashMap,
    path::Path,
    sync::{
        Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

pub const APP_ID: &str = "wxcrash0000000001";
const APP_SECRET: &str = "crash-mp-secret";
const TOKEN: &str = "crashtoken";
const AES_KEY: &str = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG";
pub const CLIENT_ID: &str = "dingcrash";
const CLIENT_SECRET: &str = "crash-ding-secret";
pub const KEY: &str = "dHJhbnNjcmlwdHMtdHJhbnNjcmlwdHMtdHJhbnNjcmk=";
/// A Monday morning: a thousand kills end before the evening, when pushes would wait for the next day.
const BEGINNING: &str = "2026-11-23T08:00:00+08:00";

/// Staff who assign, and staff of the unit that everything is assigned to.
pub const DISPATCHERS: usize = 3;
pub const LIAISONS: usize = 8;
pub const CITIZENS: usize = 40;

pub struct Town {
    pub clock: Clock,
    pub wechat: FakeWeChat,
    pub ding: FakeDing,
    pub account: WeChatUser,
    pub machines: Machines,
    pub book: Book,
    pub chance: Chance,
    pub http: reqwest::Client,
    pub closing: AtomicBool,
    /// Held for reading while somebody speaks; whoever writes has silence.
    pub speaking: tokio::sync::RwLock<()>,
    villages: Mutex<Vec<String>>,
    messages: AtomicU64,
    _folder: tempfile::TempDir,
}

impl Town {
    pub async fn found(cluster: Option<Server>, seed: u64) -> Town {
        let folder = tempfile::tempdir().unwrap();
        let wechat = FakeWeChat::start(APP_ID, APP_SECRET).await;
        let ding = FakeDing::start(CLIENT_ID, CLIENT_SECRET, CLIENT_ID).await;
        let organisation = organisation();
        let file: toml::Table = toml::from_str(&organisation).unwrap();
        for person in file["person"].as_array().unwrap() {
            let accounts = person.get("accounts").and_then(toml::Value::as_array).into_iter().flatten();
            accounts.filter_map(|account| account.as_str()?.strip_prefix("ding:")).for_each(|id| ding.know_staff(id));
        }
        for group in ["g-swj", "g-centre", "g-sp"] {
            ding.know_group(group);
        }
        std::fs::write(folder.path().join("org.toml"), organisation).unwrap();
        let clock = Clock::starting_at(minhu::clock::parse(BEGINNING).unwrap());
        wechat.set_now(clock.now());
        ding.set_now(clock.now());
        let chance = Chance::new(seed);
        let machines = Machines::start(folder.path(), cluster, &clock, &settings(&wechat.base(), ding.base())).await;
        let http = reqwest::Client::builder().no_proxy().timeout(std::time::Duration::from_secs(5)).build().unwrap();
        let account = WeChatUser::safe(APP_ID, TOKEN, AES_KEY);
        let villages = Mutex::new(villages(&file));
        Town {
            clock,
            wechat,
            ding,
            account,
            machines,
            book: Book::default(),
            chance,
            http,
            closing: AtomicBool::new(false),
            speaking: tokio::sync::RwLock::default(),
            villages,
            messages: AtomicU64::new(1),
            _folder: folder,
        }
    }

    /// Later by this; the platforms know it too.
    pub fn advance(&self, millis: i64) {
        self.clock.advance(millis);
        self.wechat.set_now(self.clock.now());
        self.ding.set_now(self.clock.now());
    }

    /// Both platforms do what they are asked and answer this much later.
    pub fn platforms_slow(&self, by: std::time::Duration) {
        self.wechat.slow(by);
        self.ding.slow(by);
    }

    pub fn new_number(&self) -> u64 {
        self.messages.fetch_add(1, Ordering::Relaxed)
    }

    /// A village from which nothing was reported yet, as long as more than `kept` are left: of one village people would be asked
    /// whether it is the same matter.
    pub fn new_village(&self, kept: usize) -> Option<String> {
        let mut villages = self.villages.lock().unwrap();
        if villages.len() > kept { villages.pop() } else { None }
    }

    pub fn citizens() -> impl Iterator<Item = Citizen> {
        (0..CITIZENS).map(Citizen)
    }
}

/// Random numbers from a seed that is printed (SplitMix64).
pub struct Chance(AtomicU64);

impl Chance {
    pub fn new(seed: u64) -> Chance {
        Chance(AtomicU64::new(seed))
    }

    pub fn seed() -> u64 {
        u64::from_le_bytes(minhu::seal::random::<8>().unwrap()) >> 32
    }

    pub fn below(&self, end: u64) -> u64 {
        let mut z = self.0.fetch_add(0x9e37_79b9_7f4a_7c15, Ordering::Relaxed).wrapping_add(0x9e37_79b9_7f4a_7c15);
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % end
    }

    pub fn millis(&self, end: u64) -> std::time::Duration {
        std::time::Duration::from_millis(self.below(end))
    }
}

/// The demonstration's organisation in DingTalk, with more staff.
fn organisation() -> String {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/demo/org.toml");
    let mut organisation = std::fs::read_to_string(file).unwrap().replace("\"sim:", "\"ding:");
    let county = r#"{ role = "intake", area = "131122" }, { role = "dispatcher", area = "131122" }"#;
    let unit = r#"{ role = "liaison", unit = "swj" }"#;
    let more = (0..DISPATCHERS).map(|n| (format!("d{n}"), county)).chain((0..LIAISONS).map(|n| (format!("l{n}"), unit)));
    for (id, grants) in more {
        organisation +=
            &format!("\n[[person]]\nid = \"{id}\"\nname = \"职员{id}\"\naccounts = [\"ding:{id}\"]\ngrants = [{grants}]\n");
    }
    organisation
}

/// Villages whose name no other village has.
fn villages(organisation: &toml::Table) -> Vec<String> {
    let names = organisation["area"].as_array().unwrap().iter().filter_map(|area| area["name"].as_str());
    let names: Vec<&str> = names.filter(|name| name.ends_with("村民委员会")).collect();
    let mut count: HashMap<&str, u32> = HashMap::new();
    names.iter().for_each(|name| *count.entry(name).or_default() += 1);
    names.into_iter().filter(|name| count[name] == 1).map(str::to_owned).collect()
}

/// The configuration but for the address to listen on and the database.
fn settings(wechat: &str, ding: &str) -> String {
    format!(
        r#"
[paths]
org = "org.toml"

[security]
key = "{KEY}"

[limits]
person = "none"
channel = "none"

[[channel]]
kind = "wechat"
id = "mp"
app_id = "{APP_ID}"
secret = "{APP_SECRET}"
token = "{TOKEN}"
aes_key = "{AES_KEY}"
mode = "safe"
max_skew = "2h"
api_base = "{wechat}"

[[channel]]
kind = "dingtalk"
id = "ding"
client_id = "{CLIENT_ID}"
client_secret = "{CLIENT_SECRET}"
robot_code = "{CLIENT_ID}"
max_skew = "2h"
api_base = "{ding}"
oapi_base = "{ding}"
"#
    )
}
