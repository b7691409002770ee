//! Being built.
use super::*;

/// What it can do.
pub const ABILITY: Ability =
    Ability { kind: "wechat", answers: false, max_bytes: 2048, windowed: false, chips: false, monthly_calls: None };

/// The channel.
pub struct WeChat;

impl WeChat {
    pub fn hear(&self, _: &Request<'_>) -> Result<Heard, Refusal> {
        Err(Refusal::Envelope("unbuilt"))
    }
    pub async fn fetch(&self, _: &Media, _: usize) -> Result<Vec<u8>, Outcome> {
        Err(Outcome::Gone("unbuilt"))
    }
    pub fn answer(&self, _: &Update, _: Option<&Reply>, _: Millis) -> Answer {
        Answer { kind: "text/plain", body: String::new() }
    }
    pub async fn send(&self, _: &Address, _: &Way, _: &Reply) -> Outcome {
        Outcome::Gone("unbuilt")
    }
    pub async fn start(&self) -> Result<(), Outcome> {
        Ok(())
    }
}
