//! What words say by themselves: danger to life, greetings, thanks. Pure.

use crate::text;

/// Words of danger to life.
const DANGER: &[&str] = &[
    "着火",
    "起火",
    "失火",
    "煤气中毒",
    "触电",
    "落水",
    "溺水",
    "跳楼",
    "跳河",
    "掉井",
    "掉进井",
    "掉水里",
    "掉河里",
    "电着人",
    "电着了",
    "救命",
    "塌了",
    "砸伤",
    "爆炸",
    "流血",
    "车祸",
    "晕倒",
    "自杀",
    "不想活",
    "杀人",
    "打死",
    "中毒了",
    "有人受伤",
    "被困",
];

/// Do these words speak of danger to life?
pub fn danger(text: &str) -> bool {
    DANGER.iter().any(|word| text.contains(word))
}

/// Greetings and thanks, which never start a report and never answer a question.
pub fn small_talk(text: &str) -> Option<SmallTalk> {
    let said = text::fold(text);
    let said = said.trim_matches(|c: char| c.is_ascii_punctuation() || c.is_whitespace() || "~～呀啊吗呢吧哈".contains(c));
    Some(match said {
        "" => return None,
        "你好" | "您好" | "hi" | "hello" | "在" | "有人" | "早上好" | "早" | "喂" | "在不在" | "你是谁" | "民呼" | "你们好" => {
            SmallTalk::Hello
        }
        "谢谢" | "谢谢你" | "谢谢您" | "多谢" | "好的" | "好" | "好的谢谢" | "知道了" | "收到" | "嗯" | "嗯嗯" | "ok"
        | "辛苦了" | "再见" | "明白了" => SmallTalk::Thanks,
        "怎么样了"
        | "办得怎么样了"
        | "没人管"
        | "怎么还没人管"
        | "有结果了"
        | "办好了"
        | "到哪了"
        | "进度"
        | "办了"
        | "办到哪了"
        | "办到哪一步了"
        | "怎么还没办"
        | "怎么还没办好"
        | "还没办好"
        | "什么时候办"
        | "什么时候能办好"
        | "什么时候办好"
        | "我的事怎么样了"
        | "我反映的事怎么样了"
        | "我的事办得怎么样了"
        | "有消息了" => SmallTalk::HowIsIt,
        "谁看过我的身份" | "谁看过我的名字" | "谁看过我" | "有人看过我的身份" | "有谁看过我的身份" => {
            SmallTalk::WhoLooked
        }
        _ => return None,
    })
}

/// Kinds of small talk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SmallTalk {
    /// 你好.
    Hello,
    /// 谢谢.
    Thanks,
    /// 怎么样了.
    HowIsIt,
    /// 谁看过我的身份.
    WhoLooked,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn greetings_and_thanks_are_no_reports() {
        for (text, expected) in [
            ("你好", Some(SmallTalk::Hello)),
            ("在吗？", Some(SmallTalk::Hello)),
            ("谢谢！", Some(SmallTalk::Thanks)),
            ("好的", Some(SmallTalk::Thanks)),
            ("怎么样了", Some(SmallTalk::HowIsIt)),
            ("怎么还没办好？", Some(SmallTalk::HowIsIt)),
            ("谁看过我的身份？", Some(SmallTalk::WhoLooked)),
            ("村里没水了", None),
            ("", None),
        ] {
            assert_eq!(small_talk(text), expected, "{text}");
        }
    }

    #[test]
    fn danger_to_life_is_heard() {
        assert!(danger("村东头着火了"));
        assert!(!danger("路灯不亮"));
    }
}
