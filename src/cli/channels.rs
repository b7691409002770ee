//! What each channel can do, and how a reply looks there.

use super::{Done, read_config, say, table};
use crate::{
    channels::{Ability, dingtalk, simulator, wechat},
    message::{Choice, Reply},
};
use std::path::Path;

/// A kind of channel: what it can do, and what becomes of the parts of a reply that not every platform knows.
struct Kind {
    name: &'static str,
    ability: Ability,
    window: &'static str,
    card: &'static str,
    mention: &'static str,
}

const KINDS: [Kind; 3] = [
    Kind {
        name: "微信公众号",
        ability: wechat::ABILITY,
        window: "对方说话后 48 小时内 5 条，之后只能发模板",
        card: "文字；窗口过了用模板",
        mention: "没有群",
    },
    Kind {
        name: "钉钉",
        ability: dingtalk::ABILITY,
        window: "不限",
        card: "文字",
        mention: "刚有人在群里说过话才能 @，否则不 @",
    },
    Kind { name: "演示页", ability: simulator::ABILITY, window: "不限", card: "卡片", mention: "@ 名字" },
];

pub(super) fn channels(config: Option<&Path>) -> Done {
    let mut rows = Vec::new();
    let line = |id: &str, hook: String, kind: &Kind| vec![id.to_owned(), hook, kind.name.to_owned()];
    match config {
        Some(path) => {
            let config = read_config(path)?;
            rows.push(["渠道", "回调地址", "种类"].map(str::to_owned).to_vec());
            for channel in &config.channels {
                let hook = format!("{}/hook/{}", config.server.public_url, channel.id);
                rows.extend(
                    KINDS
                        .iter()
                        .filter(|kind| kind.ability.kind == channel.kind)
                        .map(|kind| line(&channel.id, hook.clone(), kind)),
                );
            }
            say(&format!("{}\n", table(&rows)));
            let used = |kind: &&Kind| config.channels.iter().any(|channel| channel.kind == kind.ability.kind);
            say(&abilities(&KINDS.iter().filter(used).collect::<Vec<_>>()));
        }
        None => say(&abilities(&KINDS.iter().collect::<Vec<_>>())),
    }
    say(&format!("\n编号的行是这样的，回数字或整个词都行：\n{}", sample().as_text()));
    Ok(())
}

/// A column for each kind, so that the lines stay short.
fn abilities(kinds: &[&Kind]) -> String {
    let row = |what: &str, of: &dyn Fn(&Kind) -> String| {
        std::iter::once(what.to_owned()).chain(kinds.iter().map(|kind| of(kind))).collect::<Vec<_>>()
    };
    let either = |yes: bool, one: &str, other: &str| if yes { one } else { other }.to_owned();
    table(&[
        row("", &|kind| kind.name.to_owned()),
        row("kind", &|kind| kind.ability.kind.to_owned()),
        row("回话", &|kind| either(kind.ability.answers, "随回调带回，来不及再发", "另外发")),
        row("一条最长", &|kind| format!("{} 字节（约 {} 字）", kind.ability.max_bytes, kind.ability.max_bytes / 3)),
        row("主动发", &|kind| kind.window.to_owned()),
        row("每月调用", &|kind| kind.ability.monthly_calls.map_or("不限".to_owned(), |calls| format!("{calls} 次"))),
        row("选项", &|kind| either(kind.ability.chips, "按钮", "编号的行")),
        row("工单卡片", &|kind| kind.card.to_owned()),
        row("群里 @", &|kind| kind.mention.to_owned()),
    ])
}

fn sample() -> Reply {
    let choice = |number, text: &str| Choice { number: Some(number), text: text.to_owned(), payload: String::new() };
    Reply { choices: vec![choice(1, "提交"), choice(2, "改地点")], ..Reply::text("请看对不对。") }
}
