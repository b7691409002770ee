//! What is said about accounts, codes and groups.

use super::codes::Refused;

/// A code bound the account.
pub fn bound(name: &str, roles: &str) -> String {
    format!("绑好了，{name}。您是{roles}。回“帮助”看看能做什么。")
}

/// The first administrator.
pub fn first_admin() -> &'static str {
    "绑好了，您是管理员。用“绑定群”把工作群绑上；人员和单位用程序的导入命令来加。"
}

/// A code that did nothing.
pub fn refused(why: Refused) -> &'static str {
    match why {
        Refused::Unknown => "没有这个绑定码。请照着纸条再看一遍，或者找管理员要一个新的。",
        Refused::Used => "这个绑定码用过了，请找管理员要一个新的。",
        Refused::Expired => "这个绑定码过期了，请找管理员要一个新的。",
        Refused::Taken => "这个账号已经绑给别人了，请找管理员看看。",
    }
}

/// Too many wrong codes.
pub fn too_many() -> &'static str {
    "试错的次数有点多，请过一个小时再试，或者找管理员。"
}

/// 绑定 in a group.
pub fn bind_in_private() -> &'static str {
    "绑定码请私聊发给我，别让别人看见。那个码要是已经发在群里了，请找管理员换一个。"
}

/// 绑定群 outside a group.
pub fn bind_group_in_group() -> &'static str {
    "请在要绑定的群里 @我 说“绑定群”。"
}

/// 绑定群 by somebody who may not.
pub fn only_admin() -> &'static str {
    "绑定群要管理员来做。"
}

/// The group was bound.
pub fn group_bound(name: &str) -> String {
    format!("好了，这个群就是“{name}”，以后这里的事我发到这里。")
}

/// A word that names no unit, with the nearest names.
pub fn unknown_unit(word: &str, near: &[&str]) -> String {
    format!("没有“{word}”这个单位，是不是{}？", near.join("、"))
}

/// A word that names no group.
pub fn unknown_group(word: &str) -> String {
    format!("名册里没有“{word}”这个群。只回“绑定群”，我把还没绑的列出来。")
}

/// The chat is another group's.
pub fn group_taken(name: &str) -> String {
    format!("这个群已经绑定为“{name}”了。")
}

/// No group has this id.
pub fn no_group(id: &str) -> String {
    format!("没有编号为“{id}”的群。")
}

/// Neither a group nor a deputy group has this id.
pub fn no_group_or_deputies(id: &str) -> String {
    format!("没有编号为“{id}”的群或代表小组。")
}

/// A place in the county beside ours.
pub fn not_our_county(named: &str, ours: &str) -> String {
    format!("{named}不归{ours}管，那边的事请打那边的 12345。要是{ours}的事，就说是哪个村。")
}
