//! The words staff and reporters type, as forms over the dialogs.

use super::life::Verb;
use crate::bot::{Form, Slot};

const TICKET: Slot = Slot::Ticket("ticket");
const TICKETS: Slot = Slot::Tickets("ticket");
const VERIFICATION: Slot = Slot::OneOf("verification", &[("true", &["属实"]), ("partly", &["部分属实"]), ("false", &["不属实"])]);
const METHOD: Slot = Slot::OneOf(
    "method",
    &[
        ("removed", &["拆除"]),
        ("corrected", &["整改"]),
        ("regularised", &["补办手续", "补办"]),
        ("shut", &["关停"]),
        ("returned", &["退还", "退赔", "退还或退赔"]),
        ("planned", &["列入计划"]),
        ("explained", &["解释说明", "解释"]),
        ("transferred", &["移交"]),
    ],
);
const VERDICT: Slot = Slot::OneOf("verdict", &[("rectified", &["已整改", "整改了"]), ("not_rectified", &["未整改", "没整改"])]);
const TO: Slot =
    Slot::OneOf("to", &[("unit", &["单位"]), ("intake", &["受理员", "受理中心"]), ("reporter", &["反映人", "群众"])]);
const REACHED: Slot = Slot::OneOf("reached", &[("yes", &["打通了", "通了"]), ("no", &["没打通", "没通", "没人接", "打不通"])]);
const CONTACTED: Slot = Slot::OneOf("contacted", &[("yes", &["联系过"]), ("no", &["没联系过", "没联系"])]);
const SOLVED: Slot =
    Slot::OneOf("solved", &[("yes", &["解决了"]), ("partly", &["解决了一部分", "部分解决"]), ("no", &["没解决", "没有解决"])]);
/// The digits of a call-back are a score only behind a number: alone they are the ticket, unlike in 评价.
const SATISFACTION: Slot = Slot::OneOf(
    "satisfaction",
    &[
        ("5", &["5", "非常满意"]),
        ("4", &["4", "满意"]),
        ("3", &["3", "基本满意"]),
        ("2", &["2", "不满意"]),
        ("1", &["1", "非常不满意"]),
    ],
);
/// Of a list only what has to do with these words.
const FILTER: Slot = Slot::Rest("filter");
const OPEN: Slot = Slot::OneOf("open", &[("yes", &["公开"])]);

macro_rules! forms {
    ($($name:ident: $dialog:literal $word:literal $also:expr, $alias:literal, $slots:expr, $usage:literal $does:literal;)+) => {
        $(static $name: Form = Form {
            dialog: $dialog, word: $word, also: &$also, alias: $alias, slots: &$slots, usage: $usage, does: $does,
        };)+
        /// The commands about tickets, in the order in which help lists them.
        pub static FORMS: &[&Form] = &[$(&$name),+];
    };
}

forms! {
    STATUS: "status" "查" ["看"], "status", [TICKET], "查 编号" "看办到哪一步了";
    MINE: "mine" "我的" [], "mine", [], "我的" "我反映的、我要办的";
    ADD: "add" "补充" [], "add", [TICKET, Slot::Rest("what")], "补充 编号 内容" "再添几句话、几张照片";
    URGE: "urge" "催办" ["催一催"], "urge", [TICKETS], "催办 编号" "催一催";
    RATE: "rate" "评价" [], "rate", [TICKET, Slot::Score("satisfaction")], "评价 编号 5" "说说满意不满意";
    REOPEN: "reopen" "重办" [], "reopen", [TICKET, Slot::Rest("reason")], "重办 编号 原因" "没办好，再办一次";
    WITHDRAW: "withdraw" "撤回" [], "withdraw", [TICKET], "撤回 编号" "不反映了";
    HUMAN: "human" "转人工" ["人工"], "human", [Slot::Rest("text")], "转人工 要说的话" "给受理员留话";
    REPORT_FOR: "report_for" "代录" [], "report_for", [], "代录" "替别人反映";
    TO_ACCEPT: "now.to_accept" "待受理" [], "to_accept", [FILTER], "待受理" "等受理的";
    ACCEPT: "accept" "受理" [], "accept", [TICKETS], "受理 编号" "收下，等着派";
    REJECT: "reject" "不予受理" [], "reject", [TICKET, Slot::Word("reason"), Slot::Rest("note")], "不予受理 编号 原因" "不收，说清该去哪";
    ASK: "ask" "追问" [], "ask", [TICKET, Slot::Rest("question")], "追问 编号 问题" "请反映人补充一句";
    TO_ASSIGN: "now.to_assign" "待派" [], "to_assign", [FILTER], "待派" "等着派的，带建议";
    ASSIGN_ALL: "now.assign_all" "照派" [], "assign_all", [TICKETS, Slot::Lines("exceptions", &["派单"])], "照派 编号" "列出来的照建议派，要改的另起一行写：编号 单位";
    ASSIGN: "assign" "派单" [], "assign", [TICKETS, Slot::Word("unit"), Slot::After("协办", "co")], "派单 编号 单位" "交给一个单位，几家办的加“协办 单位”";
    REDISPATCH: "redispatch" "改派" [], "redispatch", [TICKET, Slot::Word("unit"), Slot::Word("reason")], "改派 编号 单位" "换一个单位";
    PASS: "pass" "通过" [], "pass", [TICKETS], "通过 编号" "结果可以，请反映人评价";
    TO_SIGN: "now.to_sign" "待签" [], "to_sign", [FILTER], "待签" "等签收的";
    SIGN: "sign" "签收" [], "sign", [TICKETS], "签收 编号" "收到，开始办";
    SEND_BACK: "sendback" "退单" ["不是我们的"], "sendback", [TICKET, Slot::Word("reason"), Slot::Word("unit")], "退单 编号 理由 建议单位" "不归本单位";
    AT_WORK: "now.todo" "待办" [], "todo", [FILTER], "待办" "正在办的";
    NOTE: "note" "进展" [], "note", [TICKET, OPEN, Slot::Rest("text")], "进展 编号 公开 内容" "记一笔，带“公开”反映人看得到";
    CONTACT: "contact" "联系" [], "contact", [TICKET, Slot::Rest("words")], "联系 编号" "记下联系过反映人";
    RELAY: "relay" "转告" [], "relay", [TICKET, TO, Slot::Rest("text")], "转告 编号 内容" "带话给对方，不露名字";
    GIVE: "give" "转办" [], "give", [TICKETS, Slot::Word("person")], "转办 编号 人" "给本单位的同事";
    DONE: "finish" "办结" [], "done", [TICKET, VERIFICATION, METHOD, Slot::Rest("result")], "办结 编号 属实 关停 结果" "报结果，照片一起发";
    TO_REVIEW: "now.to_review" "待审" [], "to_review", [FILTER], "待审" "等审核的结果";
    SIGN_OFF: "signoff" "审核" [], "signoff", [TICKETS], "审核 编号" "单位负责人同意结果";
    REDO: "redo" "退回重办" [], "redo", [TICKET, Slot::Rest("reason")], "退回重办 编号 原因" "结果还不行";
    TO_CALL: "now.to_call" "待回访" [], "to_call", [], "待回访" "等回访的";
    SIGN_ALL: "now.sign_all" "全签" ["签收全部", "全部签收", "都签收"], "sign_all", [], "全签" "等签收的都签了";
    FIX: "fix" "更正" [], "fix", [TICKET, Slot::Word("what"), Slot::Rest("value")], "更正 编号 级别 紧急" "改领域、类型、级别、地点、标题";
    APPEAL: "appeal" "申诉" [], "appeal", [TICKET, Slot::Rest("reason")], "申诉 编号 理由" "对不予受理有意见";
    HANDOVER: "handover" "移交" [], "handover", [TICKET, Slot::Rest("to")], "移交 编号 单位" "交给外面的单位、纪检";
    ARBITRATE: "arbitrate" "裁定" [], "arbitrate", [TICKET, Slot::Word("unit"), Slot::Rest("reason")], "裁定 编号 单位" "定下归谁办";
    OPINION: "opinion" "协办意见" [], "opinion", [TICKET, Slot::Rest("opinion")], "协办意见 编号 内容" "协办单位的意见";
    JOIN: "join" "协办" [], "join", [TICKET, Slot::Rest("unit")], "协办 编号 单位" "请别的单位一起办";
    EXTEND_OK: "extend_ok" "同意延期" [], "extend_ok", [TICKETS], "同意延期 编号" "多给些时间";
    EXTEND_NO: "extend_no" "不同意延期" [], "extend_no", [TICKET, Slot::Rest("reason")], "不同意延期 编号 原因" "按原来的期限";
    EXTEND: "extend" "延期" [], "extend", [TICKET, Slot::Word("days"), Slot::Rest("reason")], "延期 编号 天数 理由" "要些时间";
    SHELVE: "shelve" "挂账" [], "shelve", [TICKET, Slot::Word("until"), Slot::Rest("plan")], "挂账 编号 复查日 计划" "一时办不了的，定个日子再看";
    RESUME: "resume" "重启" [], "resume", [TICKET], "重启 编号" "挂账的接着办";
    CALLBACK: "callback" "回访" [], "callback", [TICKET, REACHED, CONTACTED, SOLVED, SATISFACTION, Slot::Rest("words")], "回访 编号 解决了 5" "记电话回访";
    VERIFY: "verify" "查验" [], "verify", [TICKET, VERDICT, Slot::Rest("seen")], "查验 编号 已整改" "现场看过";
    CHECK: "check" "请查验" [], "check", [TICKET, Slot::Word("who")], "请查验 编号 小组或代表" "请人去现场看";
    UNREASONABLE: "unreasonable" "不合理" [], "unreasonable", [TICKET, Slot::Rest("reason")], "不合理 编号 理由" "诉求不合理";
    RESTORE: "restore" "恢复" [], "restore", [TICKET], "恢复 编号" "撤回的再办";
    UNDO: "now.undo" "撤销" ["撤消"], "undo", [], "撤销" "收回刚才的操作";
    AGREE: "agree" "同意" [], "agree", [TICKET], "同意 编号" "第二个人同意";
    DISAGREE: "disagree" "不同意" [], "disagree", [TICKET, Slot::Rest("reason")], "不同意 编号 原因" "第二个人不同意";
    ANSWER: "answer" "回复督办" [], "answer", [TICKET, Slot::Rest("answer")], "回复督办 编号 内容" "书面回复";
    REVEAL: "reveal" "看身份" [], "reveal", [TICKET, Slot::Rest("reason")], "看身份 编号 原因" "看保密的反映人";
    LOOKS: "now.looks" "查看记录" [], "looks", [], "查看记录" "谁看过身份、哪个单位查过";
    MERGE: "merge" "并单" [], "merge", [TICKETS], "并单 编号 主单" "几件并一件，最后一个是主单";
    UNMERGE: "unmerge" "拆回" [], "unmerge", [TICKET], "拆回 编号" "并错了拆开";
    SPLIT: "split" "拆单" [], "split", [TICKET, Slot::Rest("matters")], "拆单 编号" "一件拆几件";
    RAISE: "raise" "提级" [], "raise", [TICKET, Slot::Word("unit")], "提级 编号 单位" "交上一级";
    FORWARD: "forward" "上报" [], "forward", [TICKET], "上报 编号" "交给受理中心";
    SUPERVISE: "supervise" "督办" [], "supervise", [TICKET, Slot::Rest("demand")], "督办 编号 要求 期限" "督促办理";
    TO_SUGGESTION: "to_suggestion" "转建议" [], "to_suggestion", [TICKETS], "转建议 编号" "写成代表建议";
    MY_GROUP: "now.my_group" "我的小组" [], "my_group", [], "我的小组" "小组的人和事";
    MY_SUGGESTIONS: "suggestion" "我的建议" [], "my_suggestions", [Slot::Word("suggestion"), Slot::Word("move")], "我的建议 编号" "我写的代表建议";
    SUGGESTIONS: "suggestion" "代表建议" [], "suggestions", [Slot::Word("suggestion"), Slot::Word("move")], "代表建议 编号" "代表建议办到哪了，交办、答复";
    TRY: "try" "试派" [], "try", [Slot::Rest("text")], "试派 一段话" "看看会派给谁，什么都不改";
}

/// What a form does in the life cycle; `None` for lists and for what is not about one ticket.
pub fn verb(form: &Form) -> Option<Verb> {
    Verb::from_code(form.alias)
}

/// The verb of a dialog's `tickets` source.
pub fn verb_of_source(name: &str) -> Option<Verb> {
    if name == "finish" { Some(Verb::Done) } else { Verb::from_code(name) }
}

/// The form of an alias; the first one for an alias that is none.
pub fn form(alias: &str) -> &'static Form {
    FORMS.iter().find(|form| form.alias == alias).unwrap_or(&FORMS[0])
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn no_word_or_alias_stands_for_two() {
        let mut seen = HashSet::new();
        for form in FORMS {
            for word in std::iter::once(form.word).chain(form.also.iter().copied()).chain([form.alias]) {
                assert!(seen.insert(word), "{word}");
            }
        }
    }

    #[test]
    fn every_verb_that_is_typed_has_its_word() {
        for verb in Verb::ALL.iter().filter(|verb| !matches!(verb, Verb::Report | Verb::StrikeOff)) {
            let form = FORMS.iter().find(|form| form.alias == verb.code()).unwrap_or_else(|| panic!("{verb:?}"));
            assert_eq!(form.word, verb.chinese());
        }
    }
}
