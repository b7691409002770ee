//! Calls to the platform: the access token, sending, the menu, files, and what its error codes mean.

use crate::channels::{
    Outcome,
    token::{Fresh, Shared, Tokens},
};
use reqwest::{Client, RequestBuilder, Response, StatusCode, Url, header::CONTENT_TYPE};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};
use std::net::IpAddr;
use std::time::Duration;

/// Limit of one call, below the lease of an outbox row.
const CALL_LIMIT: Duration = Duration::from_secs(10);
/// Limit of one download: a video of 10 MB over a slow line.
const DOWNLOAD_LIMIT: Duration = Duration::from_secs(120);
/// The largest JSON answer that is read, in bytes.
const JSON_LIMIT: usize = 1 << 20;

/// The platform renews a token this long before its end, and both work in that time (wechat.md 5.1).
const RENEWED_BEFORE_END: Duration = Duration::from_secs(300);
/// A token is used at least this long, so that odd lifetimes do not lead to a fetch a call.
const SHORTEST_USE: Duration = Duration::from_secs(30);

const SOON: Duration = Duration::from_secs(2);
const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);

/// One account's access to the interfaces.
pub(super) struct Api {
    http: Client,
    base: String,
    app_id: String,
    secret: SecretString,
    tokens: Tokens<Outcome>,
}

impl Api {
    /// `base` is scheme and host, without a slash at its end.
    pub fn new(http: Client, base: String, app_id: String, secret: SecretString, shared: Option<Shared>) -> Self {
        let tokens = Tokens::new(format!("wechat {app_id}"), shared, Outcome::Later(SOON, "no token"));
        Api { http, base, app_id, secret, tokens }
    }

    /// Posts JSON to an interface and gives its answer when it says that all is well. A token that is no longer taken is
    /// renewed once.
    pub async fn post(&self, path: &str, body: &Value) -> Result<Value, Outcome> {
        let mut token = self.token(None).await?;
        let mut answer = self.post_with(&token, path, body).await?;
        if is_stale(code(&answer)) {
            token = self.token(Some(&token)).await?;
            answer = self.post_with(&token, path, body).await?;
        }
        approve(path, answer)
    }

    async fn post_with(&self, token: &SecretString, path: &str, body: &Value) -> Result<Value, Outcome> {
        let query = [("access_token", token.expose_secret())];
        let request = self.http.post(format!("{}{path}", self.base)).query(&query).json(body).timeout(CALL_LIMIT);
        json_of(answer_to(request).await?).await
    }

    /// Downloads what lies under a media id. A video is answered with an address, which is fetched without the token.
    pub async fn media(&self, media_id: &str, max_bytes: usize) -> Result<Vec<u8>, Outcome> {
        let path = "/cgi-bin/media/get";
        let mut token = self.token(None).await?;
        for may_renew in [true, false] {
            let query = [("access_token", token.expose_secret()), ("media_id", media_id)];
            let request = self.http.get(format!("{}{path}", self.base)).query(&query).timeout(DOWNLOAD_LIMIT);
            let response = answer_to(request).await.map_err(again)?;
            if !is_json(&response) {
                return file_of(response, max_bytes).await;
            }
            let answer = json_of(response).await.map_err(again)?;
            if may_renew && is_stale(code(&answer)) {
                token = self.token(Some(&token)).await?;
                continue;
            }
            let answer = approve(path, answer)?;
            let address = answer["video_url"].as_str().ok_or(Outcome::Later(MINUTE, "neither file nor address"))?;
            return self.video(address, max_bytes).await;
        }
        Err(Outcome::Halted(MINUTE, "token refused"))
    }

    async fn video(&self, address: &str, max_bytes: usize) -> Result<Vec<u8>, Outcome> {
        let url = Url::parse(address).ok().filter(|url| matches!(url.scheme(), "https" | "http"));
        let url = url.ok_or(Outcome::Later(MINUTE, "video address"))?;
        let response = answer_to(self.http.get(url).timeout(DOWNLOAD_LIMIT)).await.map_err(again)?;
        if is_json(&response) {
            return Err(Outcome::Later(MINUTE, "no file"));
        }
        file_of(response, max_bytes).await
    }

    /// The access token; `refused` is one that was just turned down.
    async fn token(&self, refused: Option<&SecretString>) -> Result<SecretString, Outcome> {
        self.tokens.get(refused, self.fresh_token()).await
    }

    async fn fresh_token(&self) -> Result<Fresh, Outcome> {
        let path = "/cgi-bin/stable_token";
        // Never `force_refresh`: it would take the token away from other systems of the same account.
        let body = json!({
            "grant_type": "client_credential",
            "appid": self.app_id,
            "secret": self.secret.expose_secret(),
            "force_refresh": false,
        });
        let request = self.http.post(format!("{}{path}", self.base)).json(&body).timeout(CALL_LIMIT);
        let answer = json_of(answer_to(request).await.map_err(again)?).await.map_err(again)?;
        let answer = approve(path, answer)?;
        let value = answer["access_token"].as_str().ok_or(Outcome::Later(MINUTE, "no token"))?;
        let life = Duration::from_secs(answer["expires_in"].as_u64().unwrap_or_default());
        Ok(Fresh { value: value.into(), use_for: life.saturating_sub(RENEWED_BEFORE_END).max(SHORTEST_USE) })
    }
}

/// The response, if there is one that may carry an answer. Errors are not passed on: their text holds the token.
async fn answer_to(request: RequestBuilder) -> Result<Response, Outcome> {
    let response = request.send().await.map_err(|error| match error {
        error if error.is_builder() => Outcome::Refused("request could not be built"),
        error if error.is_connect() => Outcome::Later(SOON, "no connection"),
        _ => Outcome::Unknown("no answer"),
    })?;
    match response.status() {
        status if status.is_success() => Ok(response),
        StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS => Err(Outcome::Later(MINUTE, "unavailable")),
        status if status.is_server_error() => Err(Outcome::Unknown("server error")),
        _ => Err(Outcome::Later(5 * MINUTE, "unexpected status")),
    }
}

/// A call that changes nothing may always be made again.
fn again(outcome: Outcome) -> Outcome {
    match outcome {
        Outcome::Unknown(reason) => Outcome::Later(SOON, reason),
        other => other,
    }
}

async fn json_of(response: Response) -> Result<Value, Outcome> {
    let bytes = body_of(response, JSON_LIMIT).await?;
    serde_json::from_slice(&bytes).map_err(|_| Outcome::Unknown("answer is no json"))
}

async fn file_of(response: Response, max_bytes: usize) -> Result<Vec<u8>, Outcome> {
    let bytes = body_of(response, max_bytes).await.map_err(again)?;
    if bytes.is_empty() { Err(Outcome::Gone("empty file")) } else { Ok(bytes) }
}

/// The body, at most `max_bytes` of it: the announced length is believed only when it is too large.
async fn body_of(mut response: Response, max_bytes: usize) -> Result<Vec<u8>, Outcome> {
    const TOO_LARGE: Outcome = Outcome::Refused("too large");
    if response.content_length().is_some_and(|length| length > max_bytes as u64) {
        return Err(TOO_LARGE);
    }
    let mut bytes = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|_| Outcome::Unknown("answer broke off"))? {
        if bytes.len() + chunk.len() > max_bytes {
            return Err(TOO_LARGE);
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}

/// A download answers errors with 200 and JSON; only the content type tells (wechat.md 4.6).
fn is_json(response: &Response) -> bool {
    let kind = response.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    ["application/json", "text/json", "text/plain"].iter().any(|json| kind.to_ascii_lowercase().starts_with(json))
}

/// The answer's error code; answers without one are good ones.
fn code(answer: &Value) -> i64 {
    answer["errcode"].as_i64().unwrap_or_default()
}

/// Codes that every SDK treats as "fetch the token again".
fn is_stale(code: i64) -> bool {
    matches!(code, 40001 | 40014 | 42001)
}

fn approve(path: &str, answer: Value) -> Result<Value, Outcome> {
    match code(&answer) {
        0 => Ok(answer),
        code => {
            // Not the text itself: it may quote what was sent. The request id is what support asks for, and the address
            // is what must be put on the white list.
            let text = answer["errmsg"].as_str().unwrap_or_default();
            let rid = text.rsplit_once("rid: ").map(|(_, rid)| rid).unwrap_or_default();
            let rid: String = rid.chars().take_while(|c| c.is_ascii_hexdigit() || *c == '-').collect();
            let address = text.split([' ', ',']).find_map(|word| word.parse::<IpAddr>().ok());
            let address = address.map(|address| address.to_string()).unwrap_or_default();
            tracing::warn!(code, path, rid, address, "WeChat refused a call");
            Err(outcome(code))
        }
    }
}

/// What an error code means for the message that met it (wechat.md section 6).
pub(super) fn outcome(code: i64) -> Outcome {
    match code {
        -1 => Outcome::Later(SOON, "platform busy"),
        // Refused again after the renewal, or by the token call itself: the secret is wrong.
        40001 | 40014 | 42001 => Outcome::Halted(5 * MINUTE, "token refused"),
        40013 | 40125 => Outcome::Halted(HOUR, "app id or secret wrong"),
        40243 => Outcome::Halted(HOUR, "secret frozen"),
        40164 | 61004 => Outcome::Halted(10 * MINUTE, "address not on the white list"),
        89503 => Outcome::Halted(10 * MINUTE, "waiting for the administrator"),
        89506 => Outcome::Halted(HOUR, "administrator refused the address"),
        89507 => Outcome::Halted(24 * HOUR, "administrator refused the address"),
        45011 => Outcome::Halted(MINUTE, "too fast"),
        // Until midnight in Beijing; asking once an hour costs little and needs no clock.
        45009 => Outcome::Halted(HOUR, "daily quota used up"),
        48004 | 50002 => Outcome::Halted(HOUR, "interface or account blocked"),
        61450..=61457 => Outcome::Halted(HOUR, "customer-service account"),
        40003 | 46004 => Outcome::Gone("no such openid"),
        43019 => Outcome::Gone("on the black list"),
        40007 => Outcome::Gone("no such file"),
        // They may follow again.
        43004 | 50005 => Outcome::Closed("does not follow"),
        45015 => Outcome::Closed("window closed"),
        45047 => Outcome::Closed("message count used up"),
        43101 => Outcome::Closed("no consent"),
        48002 => Outcome::Closed("refuses messages"),
        48001 => Outcome::Closed("interface not granted"),
        40037 => Outcome::Closed("template id wrong"),
        43116 => Outcome::Closed("template refused"),
        43117 => Outcome::Later(HOUR, "too often to this person"),
        45002 => Outcome::Refused("too long"),
        47003 => Outcome::Refused("template value"),
        40033 | 41001..=41009 | 44002 | 44004 | 47001 => Outcome::Refused("malformed call"),
        40016..=40028 | 40054 | 40055 | 65301..=65317 => Outcome::Refused("menu"),
        // Codes of web login; none of our calls can meet them.
        40029 | 40163 | 42003 | 42007 => Outcome::Refused("login"),
        _ => Outcome::Later(5 * MINUTE, "unknown error code"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_error_code_of_the_table_has_its_consequence() {
        let halted = |code| matches!(outcome(code), Outcome::Halted(..));
        let closed = |code| matches!(outcome(code), Outcome::Closed(_));
        let gone = |code| matches!(outcome(code), Outcome::Gone(_));
        let refused = |code| matches!(outcome(code), Outcome::Refused(_));
        let later = |code| matches!(outcome(code), Outcome::Later(..));
        for code in [40001, 40014, 42001, 40013, 40125, 40243, 40164, 61004, 89503, 89506, 89507, 45009, 45011, 48004] {
            assert!(halted(code), "{code}");
        }
        for code in [50002, 61450, 61457] {
            assert!(halted(code), "{code}");
        }
        for code in [43004, 50005, 45015, 45047, 43101, 48001, 48002, 40037, 43116] {
            assert!(closed(code), "{code}");
        }
        for code in [40003, 46004, 43019, 40007] {
            assert!(gone(code), "{code}");
        }
        for code in [40033, 41001, 41009, 44002, 44004, 45002, 47001, 47003, 65301, 65317, 40029, 40163, 42003, 42007] {
            assert!(refused(code), "{code}");
        }
        for code in [-1, 43117, 88000, 99999] {
            assert!(later(code), "{code}");
        }
    }

    #[test]
    fn pauses_are_as_long_as_the_platform_asks() {
        assert_eq!(outcome(45011), Outcome::Halted(Duration::from_secs(60), "too fast"));
        assert_eq!(outcome(89506), Outcome::Halted(Duration::from_secs(3600), "administrator refused the address"));
        assert_eq!(outcome(89507), Outcome::Halted(Duration::from_secs(86400), "administrator refused the address"));
    }
}
