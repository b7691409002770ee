//! Being built.
use super::*;

/// What it can do.
pub const ABILITY: Ability =
    Ability { kind: "simulator", answers: false, max_bytes: 2048, windowed: false, chips: false, monthly_calls: None };

/// The channel.
pub struct Simulator;

impl Simulator {
    pub fn hear(&self, _: &Request<'_>) -> Result<Heard, Refusal> {
        Err(Refusal::Envelope("unbuilt"))
    }
    pub async fn fetch(&self, _: &Media, _: usize) -> Result<Vec<u8>, Outcome> {
        Err(Outcome::Gone("unbuilt"))
    }
    pub fn answer(&self) -> Answer {
        Answer { kind: "text/plain", body: String::new() }
    }
    pub async fn send(&self, _: &Address, _: &Reply) -> Outcome {
        Outcome::Gone("unbuilt")
    }
}
