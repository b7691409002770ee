//! WeChat Official Account: callbacks in plain, compat and safe mode, replies in the HTTP answer, customer-service
//! messages while the window is open, templates when it is not.

mod api;
mod config;
mod envelope;
mod inbound;
mod outbound;
#[cfg(test)]
mod tests;
mod xml;

pub use config::{Config, MenuItem, Mode, Templates};

use super::seal_box::SealBox;
use super::token::Shared;
use super::{Ability, Answer, Heard, Outcome, Refusal, Request, Way};
use crate::clock::{HOUR, MINUTE};
use crate::message::{Address, Content, Media, Millis, Reply, Update};
use api::Api;
use envelope::Envelope;
use secrecy::ExposeSecret;
use sha2::{Digest, Sha256};
use std::sync::atomic::{AtomicU64, Ordering};

/// What it can do. No chips: pressing an entry of a `msgmenu` opens three messages for a minute where a typed number
/// opens five for 48 hours (wechat.md 4.2), so a dialog of chips would run dry.
pub const ABILITY: Ability =
    Ability { kind: "wechat", answers: true, max_bytes: 2048, windowed: true, chips: false, monthly_calls: None };

/// What an update opens: how many customer-service messages, and for how long in milliseconds (wechat.md 4.2). `None` opens
/// nothing. A reply in the HTTP answer does not count. Each window replaces the one before; they do not add up.
pub fn window(content: &Content) -> Option<(u32, Millis)> {
    match content {
        Content::Said(_) | Content::Unsupported(_) => Some((5, 48 * HOUR)),
        // An entry of a `msgmenu` counts as a press of the menu too, although it comes as a message.
        Content::Pressed(_) | Content::Arrived { .. } => Some((3, MINUTE)),
        Content::Left | Content::OverQuota | Content::Silent(_) => None,
    }
}

/// One Official Account.
pub struct WeChat {
    id: String,
    envelope: Envelope,
    api: Api,
    menu: Vec<MenuItem>,
    templates: Templates,
    random: Random,
}

impl WeChat {
    /// The channel of this configuration. `http` makes its calls and decides about proxies, `shared` is where the services on one
    /// database keep the account's token.
    ///
    /// # Errors
    /// Everything that is wrong with the configuration, as [`Config::problems`] gives it.
    pub fn new(config: Config, http: reqwest::Client, shared: Option<Shared>) -> Result<Self, Vec<(String, String)>> {
        let problems = config.problems();
        if !problems.is_empty() {
            return Err(problems);
        }
        let about = |key: &'static str| move |why: &str| vec![(key.to_owned(), why.to_owned())];
        let seal_box = match (config.mode, &config.aes_key) {
            (Mode::Safe | Mode::Compat, Some(key)) => Some(SealBox::new(key.expose_secret()).map_err(about("aes_key"))?),
            (Mode::Safe | Mode::Compat, None) => return Err(about("aes_key")("missing")),
            (Mode::Plain, _) => None,
        };
        let max_skew = config::duration(&config.max_skew).ok_or("malformed").map_err(about("max_skew"))?;
        let base = config.api_base.trim_end_matches('/').to_owned();
        Ok(WeChat {
            envelope: Envelope { app_id: config.app_id.clone(), token: config.token, seal_box, max_skew },
            api: Api::new(http, base, config.app_id, config.secret, shared),
            id: config.id,
            menu: config.menu,
            templates: config.templates,
            random: Random::new().map_err(about("id"))?,
        })
    }

    /// Verifies, decrypts and parses a callback; the address check is answered at once.
    ///
    /// # Errors
    /// [`Refusal::Envelope`] when time, nonce or cipher text are missing, else [`Refusal::Forbidden`].
    pub fn hear(&self, request: &Request<'_>) -> Result<Heard, Refusal> {
        if !request.post {
            let echo = self.envelope.check(request.query, request.now)?;
            return Ok(Heard::Answer(Answer { kind: "text/plain", body: echo }));
        }
        let clear = self.envelope.open(request.query, request.body, request.now)?;
        let fields = xml::fields(&clear).map_err(Refusal::Forbidden)?;
        let update = inbound::update(&self.id, &fields).map_err(Refusal::Forbidden)?;
        Ok(Heard::Update(Box::new(update)))
    }

    /// The answer to an update that this channel heard: the reply as passive message, else `success`, which is never
    /// sealed and shows nothing.
    pub fn answer(&self, update: &Update, reply: Option<&Reply>, now: Millis) -> Answer {
        let words = reply.map(outbound::words).filter(|words| !words.is_empty());
        let (Some(words), Some(original)) = (words, inbound::original_id(&update.key)) else {
            return Answer { kind: "text/plain", body: "success".to_owned() };
        };
        let reply = outbound::passive(&update.from.account, original, &words, now);
        let body = self.envelope.wrap(reply, now, &self.random.nonce(), self.random.bytes());
        Answer { kind: "text/xml; charset=utf-8", body }
    }

    /// Sends one message: a customer-service text while the window is open, a template when it is closed.
    pub async fn send(&self, to: &Address, way: &Way, reply: &Reply) -> Outcome {
        if to.is_group() || to.account.is_empty() {
            return Outcome::Gone("no private chat");
        }
        let sent = match way {
            Way::Api | Way::Session(_) => {
                let words = outbound::words(reply);
                if words.is_empty() {
                    return Outcome::Refused("empty text");
                }
                self.api.post("/cgi-bin/message/custom/send", &outbound::custom(&to.account, &words)).await
            }
            Way::Template => {
                let Some(message) = self.template(&to.account, reply) else {
                    return Outcome::Closed("no template for this message");
                };
                self.api.post("/cgi-bin/message/template/send", &message).await
            }
        };
        match sent {
            Ok(answer) => Outcome::Sent(answer["msgid"].as_i64().map(|id| id.to_string())),
            Err(outcome) => outcome,
        }
    }

    /// Is there a template to fall back on?
    pub fn has_template(&self) -> bool {
        self.templates.progress.is_some() || self.templates.rate.is_some()
    }

    /// A reply that asks something uses the template for rating, one that tells something the one for progress.
    fn template(&self, openid: &str, reply: &Reply) -> Option<serde_json::Value> {
        let card = reply.card.as_ref()?;
        let (id, keys) = if reply.choices.is_empty() {
            (self.templates.progress.as_ref()?, &self.templates.progress_keys)
        } else {
            (self.templates.rate.as_ref()?, &self.templates.rate_keys)
        };
        outbound::template(openid, id, keys, card)
    }

    /// Downloads what lies under a media id, at most `max_bytes`. It lives three days with the platform.
    ///
    /// # Errors
    /// [`Outcome::Refused`] when it is larger, [`Outcome::Gone`] when it is no longer there, else when to try again.
    pub async fn fetch(&self, media: &Media, max_bytes: usize) -> Result<Vec<u8>, Outcome> {
        self.api.media(&media.reference, max_bytes).await
    }

    /// Creates the configured menu; without one nothing is touched.
    ///
    /// # Errors
    /// Why the platform did not take it.
    pub async fn start(&self) -> Result<(), Outcome> {
        if self.menu.is_empty() {
            return Ok(());
        }
        self.api.post("/cgi-bin/menu/create", &outbound::menu(&self.menu)).await.map(drop)
    }
}

/// Random bytes that cannot fail once the process runs: a seed drawn at the start, hashed with a counter.
struct Random {
    seed: [u8; 32],
    count: AtomicU64,
}

impl Random {
    fn new() -> Result<Self, &'static str> {
        let mut seed = [0; 32];
        getrandom::fill(&mut seed).map_err(|_| "the operating system gives no random bytes")?;
        Ok(Random { seed, count: AtomicU64::new(0) })
    }

    fn bytes(&self) -> [u8; 16] {
        let count = self.count.fetch_add(1, Ordering::Relaxed);
        let hash = Sha256::new().chain_update(self.seed).chain_update(count.to_le_bytes()).finalize();
        let mut bytes = [0; 16];
        bytes.copy_from_slice(&hash[..16]);
        bytes
    }

    /// Ten digits, as the platform's own nonces.
    fn nonce(&self) -> String {
        format!("{:010}", u128::from_le_bytes(self.bytes()) % 10_000_000_000)
    }
}
