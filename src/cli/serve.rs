//! Running: the demonstration, and an installation by its configuration.

use super::{DEMO, Done, read_config, say, start_clock};
use crate::{app::Running, config::Config, db::Kind};
use std::{path::Path, time::Duration};

/// How long a proxy has to see that this service is leaving and to send its callers to another one.
const LEAVE: Duration = Duration::from_secs(3);

pub(super) async fn demo() -> Done {
    let config = Config::demo_with(Path::new(DEMO), std::env::vars())?;
    let running = Running::start(config, start_clock()?).await?;
    let address = running.address();
    say(&format!(
        "这是演示：武邑县，人名都是编的，数据在 {DEMO}/。\n打开 http://{address}/ 试试：\n  1. 扮老周，发一张照片，再说“前观津”，再说一句“夜里有人打井抽水卖”，回“提交”\n  2. 扮李派单，说“待派”\n  3. 点“自动演示”，看从反映到评价的全程\n按 Ctrl+C 停下，再启动时接着来。"
    ));
    until_stopped().await;
    running.stop().await;
    Ok(())
}

pub(super) async fn serve(path: &Path) -> Done {
    let config = read_config(path)?;
    let running = Running::start(config, start_clock()?).await?;
    if let Some(code) = running.first_code() {
        say(&format!("还没有管理员。第一个把“绑定 {code}”发给机器人的人就是管理员（七天内有效）。"));
    }
    say(&format!("民呼在 {} 上运行。", running.address()));
    until_stopped().await;
    if running.db().kind() == Kind::Postgres {
        running.leave();
        tokio::time::sleep(LEAVE).await;
    }
    running.stop().await;
    Ok(())
}

/// Until SIGTERM or SIGINT.
async fn until_stopped() {
    let interrupted = tokio::signal::ctrl_c();
    match tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
        Ok(mut terminated) => {
            tokio::select! {
                _ = interrupted => {}
                _ = terminated.recv() => {}
            }
        }
        Err(_) => _ = interrupted.await,
    }
}
