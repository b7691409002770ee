//! Words that steer a dialog, the same in all of them. They count only as a whole message.

use crate::text;

/// What a control word does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Control {
    /// 上一步.
    Back,
    /// 跳过.
    Skip,
    /// 取消.
    Cancel,
    /// 重新开始.
    Restart,
    /// 帮助.
    Help,
    /// 完成: nothing more to add.
    Done,
    /// 更多: the next page.
    More,
    /// 提交, at the confirmation only.
    Submit,
    /// 不对, at the confirmation only.
    Wrong,
    /// 接着来, after a pause only.
    Continue,
}

impl Control {
    /// All of them, with the key in `controls.toml`.
    pub const ALL: [(Control, &'static str); 10] = [
        (Control::Back, "back"),
        (Control::Skip, "skip"),
        (Control::Cancel, "cancel"),
        (Control::Restart, "restart"),
        (Control::Help, "help"),
        (Control::Done, "done"),
        (Control::More, "more"),
        (Control::Submit, "submit"),
        (Control::Wrong, "wrong"),
        (Control::Continue, "continue"),
    ];
}

/// The words of `controls.toml`.
#[derive(Debug, Clone, Default)]
pub struct Controls {
    pub(crate) words: Vec<(Control, Vec<String>)>,
    /// Words before a label that ask for changing it (改).
    pub(crate) change: Vec<String>,
    /// Words between a label and its new value (改成).
    pub(crate) becomes: Vec<String>,
}

impl Controls {
    /// The control that this whole message is.
    pub fn of(&self, message: &str) -> Option<Control> {
        let trimmed = whole(message);
        // Closing punctuation does not count, unless there is nothing else: a lone ？ asks for help.
        let said = if trimmed.is_empty() { text::fold(message) } else { trimmed };
        self.words.iter().find(|(_, words)| words.iter().any(|word| text::folds_to(word, &said))).map(|(control, _)| *control)
    }

    /// The first word of a control, for sentences that name it.
    pub fn word(&self, control: Control) -> &str {
        self.words.iter().find(|(known, _)| *known == control).and_then(|(_, words)| words.first()).map_or("", String::as_str)
    }

    /// A wish to change: the words after 改, or the words before and after 改成.
    pub(crate) fn change<'t>(&self, message: &'t str) -> Vec<(&'t str, Option<&'t str>)> {
        let message = message.trim();
        let ends = |c: char| c.is_whitespace() || "。！!.".contains(c);
        let mut readings = Vec::new();
        for word in &self.becomes {
            if let Some((label, value)) = message.split_once(word.as_str()) {
                let label = self.change.iter().find_map(|prefix| label.strip_prefix(prefix.as_str())).unwrap_or(label);
                readings.push((label.trim(), Some(value.trim()).filter(|value| !value.is_empty())));
            }
        }
        for word in &self.change {
            if let Some(label) = message.strip_prefix(word.as_str()) {
                readings.push((label.trim_matches(ends), None));
            }
        }
        readings
    }
}

/// A message as it is compared with words that must be the whole of it: folded, without closing punctuation, which
/// transcripts of voice messages carry.
pub(crate) fn whole(message: &str) -> String {
    text::fold(message).trim_matches(|c: char| c.is_whitespace() || ".!~,?…～".contains(c)).to_owned()
}
