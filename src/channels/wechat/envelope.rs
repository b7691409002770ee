//! Who may speak to the hook: signatures, the time window, opening and sealing.

use super::outbound::cdata;
use super::xml;
use crate::channels::Refusal;
use crate::channels::seal_box::{SealBox, is_signed, signature};
use crate::clock::SECOND;
use crate::message::Millis;
use reqwest::Url;
use secrecy::{ExposeSecret, SecretString};

/// What is needed to trust a callback of one account.
pub(super) struct Envelope {
    pub app_id: String,
    pub token: SecretString,
    /// The cipher in safe and compat mode; `None` in plain mode.
    pub seal_box: Option<SealBox>,
    /// How far the platform's time may be from ours.
    pub max_skew: Millis,
}

impl Envelope {
    /// The `echostr` of an address check, in clear text in all three modes (wechat.md 1.1).
    pub fn check(&self, query: &str, now: Millis) -> Result<String, Refusal> {
        let query = Query::read(query)?;
        let echo = query.get("echostr").ok_or(Refusal::Envelope("no echostr"))?;
        self.trust(&query, "signature", None, now)?;
        Ok(echo.to_owned())
    }

    /// The clear XML of a message. With a cipher configured a clear message is refused, whatever else it carries, and of a
    /// message in compat mode only the sealed part is read: the clear fields beside it are signed by nobody.
    pub fn open(&self, query: &str, body: &[u8], now: Millis) -> Result<String, Refusal> {
        let query = Query::read(query)?;
        let Some(seal_box) = &self.seal_box else {
            self.trust(&query, "signature", None, now)?;
            return String::from_utf8(body.to_vec()).map_err(|_| Refusal::Forbidden("not utf-8"));
        };
        if query.get("msg_signature").is_none() {
            return Err(Refusal::Forbidden("no msg_signature"));
        }
        let body = std::str::from_utf8(body).map_err(|_| Refusal::Envelope("not utf-8"))?;
        let fields = xml::fields(body).map_err(Refusal::Envelope)?;
        let sealed = fields.get("Encrypt").ok_or(Refusal::Envelope("no Encrypt"))?;
        self.trust(&query, "msg_signature", Some(sealed), now)?;
        seal_box.open(sealed, &self.app_id).map_err(Refusal::Forbidden)
    }

    /// A reply as it may travel: sealed where a cipher is configured, else as it is.
    pub fn wrap(&self, reply: String, now: Millis, nonce: &str, random: [u8; 16]) -> String {
        let Some(seal_box) = &self.seal_box else { return reply };
        let sealed = seal_box.seal(&reply, &self.app_id, random);
        let time = (now / SECOND).to_string();
        let signed = signature(&[self.token.expose_secret(), &time, nonce, &sealed]);
        format!(
            "<xml><Encrypt>{}</Encrypt><MsgSignature>{}</MsgSignature><TimeStamp>{time}</TimeStamp><Nonce>{}</Nonce></xml>",
            cdata(&sealed),
            cdata(&signed),
            cdata(nonce)
        )
    }

    /// The signature called `name` over token, time, nonce and, for a sealed message, its cipher text; then the time.
    fn trust(&self, query: &Query, name: &str, sealed: Option<&str>, now: Millis) -> Result<(), Refusal> {
        let claimed = query.get(name).ok_or(Refusal::Forbidden("no signature"))?;
        let mut parts = vec![self.token.expose_secret(), &query.timestamp, &query.nonce];
        parts.extend(sealed);
        if !is_signed(&parts, claimed) {
            return Err(Refusal::Forbidden("signature"));
        }
        let at = query.timestamp.parse::<Millis>().ok().and_then(|seconds| seconds.checked_mul(SECOND));
        let apart = at.and_then(|at| at.checked_sub(now)).ok_or(Refusal::Forbidden("timestamp"))?;
        if apart.unsigned_abs() > self.max_skew.unsigned_abs() {
            return Err(Refusal::Forbidden("time"));
        }
        Ok(())
    }
}

/// The query's fields; time and nonce are always there, or nothing could be signed.
struct Query {
    timestamp: String,
    nonce: String,
    all: Vec<(String, String)>,
}

impl Query {
    fn read(raw: &str) -> Result<Query, Refusal> {
        // Any address will do: only its query is read.
        let url = Url::parse(&format!("http://localhost/?{raw}")).map_err(|_| Refusal::Envelope("query"))?;
        let all: Vec<(String, String)> = url.query_pairs().into_owned().collect();
        let signed = |name: &'static str| value(&all, name).map(str::to_owned).ok_or(Refusal::Envelope("unsigned query"));
        Ok(Query { timestamp: signed("timestamp")?, nonce: signed("nonce")?, all })
    }

    /// The first value of this name that is not empty.
    fn get(&self, name: &str) -> Option<&str> {
        value(&self.all, name)
    }
}

fn value<'a>(pairs: &'a [(String, String)], name: &str) -> Option<&'a str> {
    pairs.iter().find(|(key, value)| key == name && !value.is_empty()).map(|(_, value)| value.as_str())
}
