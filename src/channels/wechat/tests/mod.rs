//! The vectors, hostile callers, and conversations with a strict stand-in for the platform's server.

mod hostile;
#[path = "../../../../tests/support/wechat.rs"]
mod platform;
mod sending;
mod vectors;

use super::*;
use axum::http::HeaderMap;
use platform::WeChatUser;

const APP_ID: &str = "wx0a1b2c3d4e5f6071";
const TOKEN: &str = "MinhuToken2026";
const AES_KEY: &str = "+fwkOuoHM9yHTXm7kCDCWlocR3mieFH+FQ7yMa76asc";
const OPENID: &str = "oMinhu0000000000000000000001";
/// Seconds at which the tests' people act.
const TIME: i64 = 1_767_225_700;

/// A configuration with the lines of `more` added.
fn config(more: &str) -> Config {
    let lines =
        format!("id = \"mp\"\napp_id = \"{APP_ID}\"\nsecret = \"S\"\ntoken = \"{TOKEN}\"\naes_key = \"{AES_KEY}\"\n{more}");
    toml::from_str(&lines).unwrap()
}

fn channel(config: Config) -> WeChat {
    WeChat::new(config, reqwest::Client::new(), None).map_err(|problems| format!("{problems:?}")).unwrap()
}

fn post(channel: &WeChat, query: &str, body: &[u8], now: Millis) -> Result<Heard, Refusal> {
    channel.hear(&Request { post: true, query, headers: &HeaderMap::new(), body, now })
}

fn get(channel: &WeChat, query: &str, now: Millis) -> Result<Heard, Refusal> {
    channel.hear(&Request { post: false, query, headers: &HeaderMap::new(), body: b"", now })
}

/// The update in a callback that must be accepted.
fn heard(channel: &WeChat, (query, body): &(String, String), now: Millis) -> Update {
    match post(channel, query, body.as_bytes(), now).unwrap() {
        Heard::Update(update) => *update,
        Heard::Answer(answer) => unreachable!("an update was expected, not {answer:?}"),
    }
}

fn safe_user() -> WeChatUser {
    WeChatUser::safe(APP_ID, TOKEN, AES_KEY)
}
