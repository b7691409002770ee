//! What the test programs share: fakes of the platforms, transcripts, and the program itself behind one small file.

pub mod chat;
pub mod database;
pub mod dingtalk;
pub mod play;
pub mod program;
pub mod roster;
pub mod said;
pub mod time;
#[expect(dead_code, reason = "the channel's own tests use the rest")]
pub mod wechat;
