//! What `/readyz` says to whoever looks after the machine.

use super::Reason;
use crate::db::Trouble;

/// A reason in a sentence.
pub(super) fn reason(reason: &Reason) -> String {
    match reason {
        Reason::Database(Trouble::Unreachable) => "数据库连不上。".into(),
        Reason::Database(Trouble::Busy) => "数据库太忙，排不上队。".into(),
        Reason::Database(Trouble::Full) => "数据库写不进去：它的磁盘满了，或者坏了。".into(),
        Reason::Database(Trouble::ReadOnly) => "数据库现在只能读，不能写。".into(),
        Reason::QueueFull => "等着办的消息排满了。".into(),
        Reason::DiskFull => "磁盘满了。".into(),
        Reason::ChannelHalted(channel) => format!("渠道 {channel} 发不出消息，要管理员处理。原因在日志里。"),
        Reason::Stopping => "正在停止。".into(),
        Reason::ChannelWaits(channel) => format!("渠道 {channel} 的平台现在没有回应。要发的消息都留着，等它好了再发。"),
        Reason::DiskLow => "磁盘快满了。".into(),
        Reason::ClockJumped(minutes) if *minutes < 0 => format!("机器的时间往回跳了 {} 分钟。请核对时间。", -minutes),
        Reason::ClockJumped(minutes) => format!("机器的时间往前跳了 {minutes} 分钟。请核对时间。"),
        Reason::DatabaseNewer => "数据库已经由更新的版本升级过，请把这一份程序也升级。".into(),
    }
}
