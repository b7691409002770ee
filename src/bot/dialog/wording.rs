//! Every sentence of the engine itself. Questions stand in the dialog files.

use super::{Account, Control, Controls, MediaId};
use crate::message::MediaKind;

pub(super) fn too_long(max: usize, is: usize) -> String {
    format!("这一段有{is}个字，太长了。最多{max}个字，请分短一点再发。")
}

pub(super) fn too_short() -> String {
    "再多说一点好吗？".to_owned()
}

pub(super) fn bad_pattern() -> String {
    "写法不太对，请再发一次。".to_owned()
}

pub(super) fn not_a_number() -> String {
    "请回一个数，比如 3。".to_owned()
}

pub(super) fn out_of_range(min: Option<i64>, max: Option<i64>) -> String {
    match (min, max) {
        (Some(min), Some(max)) => format!("请回 {min} 到 {max} 之间的数。"),
        (Some(min), None) => format!("请回 {min} 或更大的数。"),
        (None, Some(max)) => format!("请回 {max} 或更小的数。"),
        (None, None) => not_a_number(),
    }
}

pub(super) fn not_a_day() -> String {
    "请写明几月几日，比如“3月5日”。".to_owned()
}

pub(super) fn day_out_of_range() -> String {
    "这个日期不合适，请再看看。".to_owned()
}

pub(super) fn too_many_media(max: usize) -> String {
    format!("最多放{max}张，后面的没有放进去。")
}

pub(super) fn no_such_choice() -> String {
    "没找到这一项。回前面的数字就行。".to_owned()
}

pub(super) fn which_of(said: &str) -> String {
    format!("跟“{said}”像的有这几个，是哪个？")
}

pub(super) fn choice_is_gone() -> String {
    "这一项刚才变了，请重新选。".to_owned()
}

pub(super) fn nothing_to_choose(controls: &Controls) -> String {
    format!("现在没有可以选的。回“{}”就结束。", controls.word(Control::Cancel))
}

pub(super) fn more_pages(controls: &Controls) -> String {
    format!("后面还有，回“{}”接着看。", controls.word(Control::More))
}

pub(super) fn type_to_search() -> String {
    "也可以直接打名字。".to_owned()
}

pub(super) fn no_more_pages() -> String {
    "没有更多了。".to_owned()
}

pub(super) fn may_skip(controls: &Controls) -> String {
    format!("说不上来就回“{}”。", controls.word(Control::Skip))
}

pub(super) fn must_answer() -> String {
    "这一项得有，才能往下走。".to_owned()
}

pub(super) fn which_place(said: &str) -> String {
    format!("有几个{said}，是哪个？")
}

pub(super) fn is_it_one_of_these(said: &str) -> String {
    format!("没找到“{said}”，是不是这里面的？不是就把村名再发一次。")
}

pub(super) fn changed(label: &str) -> String {
    format!("“{label}”改好了。")
}

pub(super) fn which_place_of_these() -> String {
    "是这里面的哪个？".to_owned()
}

pub(super) fn which_nearby() -> String {
    "位置收到了。是哪个村的？".to_owned()
}

pub(super) fn village_of(township: &str) -> String {
    format!("{township}的哪个村？发村名就行。")
}

pub(super) fn no_such_place(said: &str) -> String {
    format!("没找到“{said}”。看看村名对不对，也可以先发乡镇名。")
}

pub(super) fn point_without_village() -> String {
    "位置收到了。再发一下村名好吗？".to_owned()
}

pub(super) fn point_kept() -> String {
    "位置记下了。".to_owned()
}

pub(super) fn point_not_needed() -> String {
    "这一步用不着位置。".to_owned()
}

pub(super) fn media_kept(media: &[MediaId]) -> String {
    format!("{}收到了，放在一起了。", kinds(media))
}

pub(super) fn media_came(media: &[MediaId]) -> String {
    format!("{}收到了。", kinds(media))
}

pub(super) fn media_not_needed(media: &[MediaId]) -> String {
    format!("这里用不着{}。", kinds(media))
}

pub(super) fn voice_not_heard() -> String {
    "这条语音没听清，请打几个字吧。".to_owned()
}

pub(super) fn send_pictures() -> String {
    "这里请发照片或视频。".to_owned()
}

pub(super) fn story_kept() -> String {
    "这件事记下了。".to_owned()
}

pub(super) fn go_on_or_done(controls: &Controls) -> String {
    format!("记下了。还有就接着发，没有了回“{}”。", controls.word(Control::Done))
}

pub(super) fn added() -> String {
    "这句话也写上了。".to_owned()
}

/// The words for yes and no are those of the question.
pub(super) fn confirm_unclear(yes: &str, no: &str) -> String {
    format!("没看明白。对就回“{yes}”，不办了回“{no}”。")
}

pub(super) fn what_is_wrong(labels: &[&str]) -> String {
    match labels.first() {
        Some(first) => format!("哪里不对？比如要改{first}，就说“改{first}”。能改的有：{}。", labels.join("、")),
        None => "哪里不对？可以回“重新开始”。".to_owned(),
    }
}

pub(super) fn cannot_change(labels: &[&str]) -> String {
    format!("能改的有：{}。", labels.join("、"))
}

pub(super) fn first_question() -> String {
    "已经是第一个问题了。".to_owned()
}

pub(super) fn from_the_start() -> String {
    "好，从头来。".to_owned()
}

pub(super) fn old_button() -> String {
    "那个按钮是前面的，用不了了。请看现在这个问题。".to_owned()
}

pub(super) fn ask_again() -> String {
    "这一项要请您再说一次。".to_owned()
}

pub(super) fn go_on_or_start_over(title: &str) -> String {
    format!("上次的“{title}”还没说完。接着来吗？")
}

pub(super) const GO_ON: &str = "接着来";
pub(super) const START_OVER: &str = "重新开始";

pub(super) fn several(max: Option<usize>) -> String {
    match max {
        Some(max) => format!("最多选{max}个，比如回“1 3”。"),
        None => "可以选几个，比如回“1 3”。".to_owned(),
    }
}

pub(super) fn help(controls: &Controls) -> String {
    format!(
        "答错了没关系：回“{}”退一步，回“{}”重来，回“{}”就不办了。",
        controls.word(Control::Back),
        controls.word(Control::Restart),
        controls.word(Control::Cancel)
    )
}

/// 照片2张、语音1条.
pub(super) fn counted(account: &Account) -> String {
    let of = |kind: MediaKind| account.media.iter().filter(|media| media.kind == kind).count();
    [(MediaKind::Photo, "照片", "张"), (MediaKind::Voice, "语音", "条"), (MediaKind::Video, "视频", "段")]
        .into_iter()
        .filter(|(kind, ..)| of(*kind) > 0)
        .map(|(kind, word, unit)| format!("{word}{}{unit}", of(kind)))
        .collect::<Vec<_>>()
        .join("、")
}

fn kinds(media: &[MediaId]) -> String {
    let word = |kind| match kind {
        MediaKind::Photo => "照片",
        MediaKind::Voice => "语音",
        MediaKind::Video => "视频",
    };
    let mut words: Vec<&str> = Vec::new();
    for media in media {
        if !words.contains(&word(media.kind)) {
            words.push(word(media.kind));
        }
    }
    words.join("和")
}
