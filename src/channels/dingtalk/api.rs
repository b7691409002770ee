//! Calls: one access token for all, one repeat when it is refused, downloads, the directory.

use super::{
    Config, Outcome,
    errors::{self, Class},
};
use crate::channels::token::{Fresh, Shared, Tokens};
use reqwest::{RequestBuilder, Response, Url};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};
use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    time::Duration,
};

/// A call takes a fraction of a second; after this long its outcome is unknown.
const CALL_LIMIT: Duration = Duration::from_secs(10);
/// A video over a slow line.
const DOWNLOAD_LIMIT: Duration = Duration::from_secs(120);
/// Answers are a few hundred bytes; a page from some proxy may be more.
const MAX_ANSWER: usize = 256 << 10;
/// The platform's limit of what a webhook takes, in bytes.
const MAX_WEBHOOK: usize = 20_000;
/// A token is renewed this long before it ends.
const TOKEN_MARGIN: Duration = Duration::from_secs(300);

/// DingTalk's interfaces, with whose credentials and how to reach them.
pub(super) struct Api {
    pub(super) config: Config,
    http: reqwest::Client,
    tokens: Tokens<Class>,
}

impl Api {
    pub(super) fn new(config: Config, http: reqwest::Client, shared: Option<Shared>) -> Self {
        let tokens = Tokens::new(format!("dingtalk {}", config.client_id), shared, Class::Busy);
        Api { config, http, tokens }
    }

    /// Calls a new interface.
    pub(super) async fn call(&self, path: &str, body: &Value) -> Result<Value, Class> {
        let url = format!("{}{path}", self.config.api_base);
        self.with_token(|token| self.http.post(&url).header("x-acs-dingtalk-access-token", token).json(body)).await
    }

    /// Calls an old interface, which reads the token from the query and nowhere else.
    async fn call_old(&self, path: &str, body: &Value) -> Result<Value, Class> {
        let url = format!("{}{path}", self.config.oapi_base);
        self.with_token(|token| self.http.post(&url).query(&[("access_token", token)]).json(body)).await
    }

    /// Makes a call. When its token is refused, it is repeated once with another.
    async fn with_token(&self, request: impl Fn(&str) -> RequestBuilder) -> Result<Value, Class> {
        let token = self.token(None).await?;
        match exchange(request(token.expose_secret())).await {
            Err(Class::Token) => exchange(request(self.token(Some(&token)).await?.expose_secret())).await,
            answer => answer,
        }
    }

    /// The staff id of whoever has this phone, 11 digits; `None` when nobody in the directory has it.
    pub(super) async fn staff_by_phone(&self, phone: &str) -> Result<Option<String>, Class> {
        match self.call_old("/topapi/v2/user/getbymobile", &json!({ "mobile": phone })).await {
            Ok(answer) => {
                let staff = answer["result"]["userid"].as_str().filter(|staff| !staff.is_empty());
                staff.map(|staff| Some(staff.to_owned())).ok_or(Class::Unclear)
            }
            // What the platform does not take for a phone is nobody's either.
            Err(Class::RecipientGone | Class::Parameter) => Ok(None),
            Err(class) => Err(class),
        }
    }

    /// The access token; `refused` is one that was just turned down.
    async fn token(&self, refused: Option<&SecretString>) -> Result<SecretString, Class> {
        self.tokens.get(refused, self.fresh_token()).await
    }

    async fn fresh_token(&self) -> Result<Fresh, Class> {
        let body = json!({ "appKey": self.config.client_id, "appSecret": self.config.client_secret.expose_secret() });
        let request = self.http.post(format!("{}/v1.0/oauth2/accessToken", self.config.api_base)).json(&body);
        let answer = exchange(request).await.map_err(|class| match class {
            // Whatever became of it, the message itself has not left.
            Class::Unclear => Class::Busy,
            class => class,
        })?;
        let value = answer["accessToken"].as_str().filter(|value| !value.is_empty()).ok_or(Class::Busy)?;
        let lives = Duration::from_secs(answer["expireIn"].as_u64().unwrap_or(7_200).min(86_400));
        Ok(Fresh { value: value.into(), use_for: lives.saturating_sub(TOKEN_MARGIN.min(lives / 2)) })
    }

    /// Posts to a session webhook, which is its own permission.
    pub(super) async fn post_to_session(&self, url: &str, body: &Value) -> Result<Outcome, Class> {
        if body.to_string().len() > MAX_WEBHOOK {
            return Err(Class::TooLong);
        }
        let answer = exchange(self.http.post(url).json(body)).await?;
        // HTTP 200 alone says nothing here.
        errors::number(&answer["errcode"]).map(|_| Outcome::Sent(None)).ok_or(Class::Unclear)
    }

    /// Exchanges a download code for an address and reads what lies there, at most `max` bytes.
    pub(super) async fn download(&self, code: &str, max: usize) -> Result<Vec<u8>, Outcome> {
        let body = json!({ "downloadCode": code, "robotCode": self.config.robot_code() });
        let answer = self.call("/v1.0/robot/messageFiles/download", &body).await.map_err(Class::of_fetch)?;
        let url = answer["downloadUrl"].as_str().and_then(|url| Url::parse(url).ok());
        let url = url.ok_or(Outcome::Gone("no address for the file"))?;
        if !self.may_be_asked(&url).await {
            return Err(Outcome::Refused("the address of the file is not allowed"));
        }
        let response = self.http.get(url.clone()).timeout(DOWNLOAD_LIMIT).send().await;
        let response = response.map_err(|_| Class::Busy.of_fetch())?;
        match response.status().as_u16() {
            // A client that follows redirects by mistake shows by the changed address.
            200 if response.url() == &url => read(response, max).await.map_err(|failure| match failure {
                ReadFailure::TooLarge => Outcome::Refused("the file is too large"),
                ReadFailure::Broken => Class::Busy.of_fetch(),
            }),
            200 | 300..=399 => Err(Outcome::Refused("the address of the file leads elsewhere")),
            429 | 500..=599 => Err(Class::Busy.of_fetch()),
            _ => Err(Class::Other.of_fetch()),
        }
    }

    /// A file lies on the open internet. Addresses inside are refused, so that nobody can make us fetch from there;
    /// only where DingTalk itself is played by a program on this machine, its files may be on this machine too.
    /// A name that we cannot resolve is left to the client, which may reach it through a proxy.
    async fn may_be_asked(&self, url: &Url) -> bool {
        let (Some(host), Some(port)) = (url.host_str(), url.port_or_known_default()) else { return false };
        if !matches!(url.scheme(), "http" | "https") {
            return false;
        }
        if Url::parse(&self.config.api_base).is_ok_and(|base| is_loopback(&base)) {
            return true;
        }
        match tokio::net::lookup_host((host.trim_matches(['[', ']']), port)).await {
            Ok(mut found) => found.all(|address| is_public(address.ip())),
            Err(_) => true,
        }
    }
}

async fn exchange(request: RequestBuilder) -> Result<Value, Class> {
    let response = request.timeout(CALL_LIMIT).send().await.map_err(|error| {
        let never_left = error.is_connect() || error.is_builder();
        if never_left { Class::Busy } else { Class::Unclear }
    })?;
    let status = response.status().as_u16();
    let body = read(response, MAX_ANSWER).await.map_err(|_| Class::Unclear)?;
    errors::open(status, &body).inspect_err(|class| {
        tracing::warn!(status, code = errors::word(&body), ?class, "DingTalk refused a call");
    })
}

enum ReadFailure {
    TooLarge,
    Broken,
}

async fn read(mut response: Response, max: usize) -> Result<Vec<u8>, ReadFailure> {
    let mut all = Vec::new();
    while let Some(piece) = response.chunk().await.map_err(|_| ReadFailure::Broken)? {
        if all.len() + piece.len() > max {
            return Err(ReadFailure::TooLarge);
        }
        all.extend_from_slice(&piece);
    }
    Ok(all)
}

fn is_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

/// Is this an address of the open internet?
fn is_public(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => is_public_v4(ip),
        IpAddr::V6(ip) => match ip.to_ipv4() {
            Some(inside) => is_public_v4(inside),
            None => is_public_v6(ip),
        },
    }
}

fn is_public_v4(ip: Ipv4Addr) -> bool {
    let [a, b, c, _] = ip.octets();
    let special = ip.is_private()
        || ip.is_loopback()
        || ip.is_link_local()
        || ip.is_documentation()
        || a == 0
        || a >= 224 // multicast and reserved
        || (a == 100 && (64..128).contains(&b)) // shared by carriers, RFC 6598
        || (a == 192 && b == 0 && c == 0)
        || (a == 198 && (b == 18 || b == 19)); // measuring, RFC 2544
    !special
}

fn is_public_v6(ip: Ipv6Addr) -> bool {
    // Of all that is given out today, only 2000::/3 is public, and in it 6to4 (2002::/16), Teredo (2001:0::/32) and
    // the prefix of examples carry other addresses or none.
    let [first, second, ..] = ip.segments();
    first & 0xe000 == 0x2000 && first != 0x2002 && !(first == 0x2001 && (second == 0 || second == 0xdb8))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_the_inside_are_told_from_those_of_the_internet() {
        for (ip, public) in [
            ("47.96.1.1", true),
            ("100.63.255.255", true),
            ("2408:4000::1", true),
            ("127.0.0.1", false),
            ("10.1.2.3", false),
            ("172.16.0.1", false),
            ("192.168.1.1", false),
            ("169.254.169.254", false),
            ("100.100.100.200", false),
            ("0.0.0.0", false),
            ("224.0.0.1", false),
            ("255.255.255.255", false),
            ("198.18.0.1", false),
            ("::1", false),
            ("::", false),
            ("::ffff:10.0.0.1", false),
            ("::ffff:47.96.1.1", true),
            ("fe80::1", false),
            ("fd00::1", false),
            ("ff02::1", false),
            ("64:ff9b::7f00:1", false),
            ("2002:7f00:1::", false),
        ] {
            assert_eq!(is_public(ip.parse().unwrap()), public, "{ip}");
        }
    }
}
