//! What the framework itself says.

use super::command::{Form, Mistake};
use crate::text;

/// The beginning of a button's payload that only types words for the person.
pub const TYPED: &str = "t:";

/// After a fault of ours.
pub fn fault() -> &'static str {
    "对不起，刚才没弄好，您的话我记下了，我们会去查。请过一会儿再试一次。"
}

/// A message of a kind that cannot be read.
pub fn unsupported() -> &'static str {
    "这种消息我看不了。您可以打字、发语音、发照片，或者发位置。"
}

/// The organisation's quota is used up, so the message came without its content.
pub fn over_quota() -> &'static str {
    "这条消息平台没有把内容交给我。请过一会儿再发一次，或者打电话告诉我们。"
}

/// Somebody writes faster than anybody types.
pub fn too_fast() -> &'static str {
    "您发得有点快，这一条我没来得及记下。请歇一分钟，再发一次。"
}

/// More people write at once than can be heard.
pub fn too_many() -> &'static str {
    "这会儿找我的人太多，您这一条我没能记下。请过一分钟再发一次。"
}

/// 取消 without a dialog.
pub fn nothing_to_cancel() -> &'static str {
    "现在没有要取消的。有事直接说就行。"
}

/// A dialog was ended by the person.
pub fn cancelled(title: &str) -> String {
    format!("好，“{title}”不填了。有事随时说。")
}

/// A button of an old question.
pub fn stale_button() -> &'static str {
    "这个按钮已经过时了。"
}

/// A dialog that is no longer there.
pub fn dialog_gone() -> &'static str {
    "刚才那件事的问题已经改了，请重新说一遍。"
}

/// Not a command, but near one.
pub fn mistake(mistake: &Mistake, slash: bool) -> String {
    let slash = if slash { "/" } else { "" };
    match mistake.near {
        Some(form) => format!("没有“{slash}{}”这个命令。是不是要：{}（{}）？", mistake.word, form.usage, form.does),
        None => format!("没有“{slash}{}”这个命令。回“帮助”看看能用哪些。", mistake.word),
    }
}

/// Words of a command line that fitted nowhere.
pub fn left_over(form: &Form, position: usize, words: &str) -> String {
    format!(
        "第 {} 个字起的“{}”没用上，所以还没有办。这样写：{}",
        position + 1,
        text::shorten(&text::one_line(words), 20),
        form.usage
    )
}

/// A command the person may not give.
pub fn not_allowed(form: &Form) -> String {
    format!("“{}”不归您用。回“帮助”看看您能用哪些。", form.word)
}

/// The reminder of an unanswered question.
pub fn reminder(title: &str, question: &str) -> String {
    format!("您的“{title}”还差一步没说完：\n{question}\n接着回就行；不说了就回“取消”。")
}

/// Before a question that waited until a dialog was over.
pub fn by_the_way() -> &'static str {
    "还有一件事想问您。"
}

/// How to write one command.
pub fn help_form(form: &Form) -> String {
    format!("{}：{}\n也可以写：/{}", form.usage, form.does, form.alias)
}

/// A line of the list of commands.
pub fn help_line(form: &Form) -> String {
    format!("{}　{}", form.usage, form.does)
}

/// In a group, when the rest is asked in private.
pub fn continued_in_private() -> &'static str {
    "好，我私聊问您几句，免得大家都看见。"
}
