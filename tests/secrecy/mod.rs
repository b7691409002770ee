//! A sealed clue does not exist for anybody but its reporter and the inspectors: the same day is played with it and without it, and
//! everybody else must read the same, to the letter.

use super::support::{
    chat::{Act, Chat, Heard},
    play,
    program::organisation,
};

/// The reporter and the inspector; everybody else is walked.
const KNOW: [&str; 2] = ["村民", "蒋纪检"];

/// The clue, in as many messages as the other day's idle talk.
const WITH: [&str; 5] = ["举报干部", "李支书", "前观津", "去年发低保，他每户要了两百块", "提交"];

/// What the inspector does with it.
const WORKED_ON: [&str; 3] =
    ["受理 J1", "进展 J1 走访了三户人家", "办结 J1 属实 退还 多收的都退回去了，当事人也受了处理，请您放心"];

/// What is said about a clue whose number somebody guesses.
const GUESSES: &[&str] = &[
    "查 WYJ2611230001",
    "看 WYJ2611230001#1",
    "查 J1",
    "查 J0001",
    "查 1123-1",
    "查 1",
    "我的",
    "催办 J1",
    "催办 WYJ2611230001",
    "补充 WYJ2611230001 我也知道",
    "转告 WYJ2611230001 你是谁",
    "转告 J1 单位 你是谁",
    "撤回 WYJ2611230001",
    "评价 WYJ2611230001 1",
    "重办 WYJ2611230001 不行",
    "申诉 WYJ2611230001 不服",
    "恢复 WYJ2611230001",
    "受理 WYJ2611230001",
    "受理 J1",
    "不予受理 WYJ2611230001 纪检",
    "追问 WYJ2611230001 是谁说的",
    "派单 WYJ2611230001 水务局",
    "派单 J1 水务局",
    "改派 WYJ2611230001 水务局",
    "移交 WYJ2611230001 信访局",
    "更正 WYJ2611230001 级别 紧急",
    "签收 WYJ2611230001",
    "退单 WYJ2611230001",
    "进展 WYJ2611230001 看过了",
    "联系 WYJ2611230001",
    "转办 WYJ2611230001 赵承办",
    "办结 WYJ2611230001 属实 关停 都已经办完了，现场看过，没有别的问题了",
    "审核 WYJ2611230001",
    "通过 WYJ2611230001",
    "退回重办 WYJ2611230001 不行",
    "督办 WYJ2611230001 三天内回复",
    "查验 WYJ2611230001 已整改",
    "看身份 WYJ2611230001 想知道是谁",
    "查看记录",
    "待受理",
    "待派",
    "待签",
    "待办",
    "待审",
    "照派",
    "查 12345678",
    "怎么样了",
    "谁看过我的身份",
];

/// Who tries all of it, each in another office; the rest try what most could.
const THOROUGH: [&str; 6] = ["李派单", "王联络", "孙局长", "马代表", "彭县长", "丁管理"];

/// What the rest try.
const MOST: &[&str] = &[
    "查 WYJ2611230001",
    "看 J1",
    "我的",
    "催办 J1",
    "转告 J1 你是谁",
    "受理 J1",
    "派单 J1 水务局",
    "办结 J1",
    "督办 WYJ2611230001 三天内回复",
    "看身份 J1 想知道是谁",
    "查看记录",
    "待受理",
    "待办",
];

/// What is asked in a group.
const IN_GROUP: &[&str] = &["查 J1", "查 WYJ2611230001", "催办 J1", "受理 J1", "看身份 J1 想知道是谁", "我的", "待办"];

fn staff() -> Vec<String> {
    let file: toml::Table = toml::from_str(&organisation()).unwrap();
    let names = file["person"].as_array().unwrap().iter().map(|person| person["name"].as_str().unwrap().to_owned());
    names.filter(|name| !KNOW.contains(&name.as_str())).collect()
}

/// The day: the clue or idle talk, then what everybody else tries, an ordinary report on its way, and the days after.
fn day(clue: bool, names: &[String]) -> Chat {
    let mut lines = Vec::new();
    for word in WITH {
        lines.push(format!("村民 @mp > {}", if clue { word } else { "你好" }));
    }
    lines.push("~ 10:30".to_owned());
    let try_all = |lines: &mut Vec<String>, who: &str, channel: &str, words: &[&str]| {
        for word in words {
            lines.push(format!("{who} @{channel} > {word}"));
            // Whatever a command asks back is left.
            lines.push(format!("{who} @{channel} > 取消"));
        }
    };
    for name in names {
        try_all(&mut lines, name, "ding", if THOROUGH.contains(&name.as_str()) { GUESSES } else { MOST });
    }
    try_all(&mut lines, "外人", "mp", GUESSES);
    for who in ["王联络", "孙局长", "外人"] {
        try_all(&mut lines, who, "ding/水务局工作群", IN_GROUP);
    }
    try_all(&mut lines, "李派单", "ding/受理中心群", IN_GROUP);
    for word in WORKED_ON {
        lines.push(format!("蒋纪检 @ding > {}", if clue { word } else { "你好" }));
    }
    for word in ["1", "1", "1", "3", "2", "态度还是不行"] {
        lines.push(format!("村民 @mp > {}", if clue { word } else { "你好" }));
    }
    for line in [
        "外人 @mp > 前观津夜里有人打井抽水卖",
        "外人 @mp > 提交",
        "李派单 @ding > 待受理",
        "李派单 @ding > 查 1",
        "李派单 @ding > 派单 1 水务局",
        "~ 明天 09:00",
        "王联络 @ding > 待签",
        "王联络 @ding > 签收 1",
        "~ 3天后 09:00",
        "李派单 @ding > 待派",
        "~ 20天后 09:00",
        "李派单 @ding > 我的",
        "彭县长 @ding > 我的",
        "邓工委 @ding > 我的",
    ] {
        lines.push(line.to_owned());
    }
    Chat::parse(&format!("# 一天\n{}\n", lines.join("\n"))).unwrap()
}

/// What everybody but those who know received, with what they had said.
fn read_by_others(chat: &Chat) -> Vec<String> {
    let knows = |act: &Act| matches!(act, Act::Say(who, _) if KNOW.contains(&who.name.as_str()));
    let for_others = |heard: &&Heard| heard.by.as_ref().is_none_or(|who| !KNOW.contains(&who.name.as_str()));
    let steps = chat.steps.iter().filter(|step| !knows(&step.act));
    steps
        .map(|step| {
            let said = match &step.act {
                Act::Say(who, words) => format!("{} @{} {:?} > {words}", who.name, who.channel, who.group),
                Act::Clock(words) | Act::Stage(words) => words.clone(),
            };
            let heard = step.heard.iter().filter(for_others);
            let heard = heard.map(|heard| format!("{:?}: {}", heard.by.as_ref().map(|who| &who.name), heard.words));
            format!("{said}\n{}", heard.collect::<Vec<_>>().join("\n"))
        })
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_but_its_reporter_and_the_inspectors_can_tell_that_a_clue_exists() {
    let names = staff();
    assert!(names.len() >= 20, "the demonstration has somebody in every role");
    let secrets = ["李支书", "两百块", "三户人家", "多收的都退", "态度还是不行"];
    let (with, without) = tokio::join!(async { play::play_and_look_for(&day(true, &names), &secrets).await.unwrap() }, async {
        play::play(&day(false, &names)).await.unwrap()
    },);
    let (with, found) = with;
    let receipt = with.chat.steps.iter().flat_map(|step| &step.heard).any(|heard| heard.words.contains("收到了，编号 J0001"));
    let told = with.chat.steps.iter().flat_map(|step| &step.heard);
    let told = told.filter(|heard| heard.by.as_ref().is_some_and(|who| who.name == "蒋纪检")).count();
    let rated =
        with.chat.steps.iter().flat_map(|step| &step.heard).any(|heard| heard.words.contains("谢谢您！您说的我们都记下了"));
    assert!(receipt && told > 0 && rated, "the clue was made, the inspector was told, and the reporter rated the result");
    for (with, without) in read_by_others(&with.chat).iter().zip(&read_by_others(&without.chat)) {
        assert_eq!(with, without);
    }
    assert_eq!((with.left_over, without.left_over), (Vec::new(), Vec::new()));
    assert_eq!(found, Vec::<String>::new(), "these words of the clue stand in the open");
}
