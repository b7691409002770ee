//! What is said about accounts, codes and groups.

use super::{Role, codes::Refused};

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

/// An administrator's command in a group.
pub fn rights_in_private(word: &str) -> String {
    format!("“{word}”请私聊跟我说，群里不办。")
}

/// A command that only an administrator may give.
pub fn only_an_admin() -> &'static str {
    "这个要管理员来做。"
}

/// A person's name with the offices, as a choice.
pub fn described(name: &str, offices: &[String]) -> String {
    match offices {
        [] => format!("{name}（没有身份）"),
        [one] => format!("{name}（{one}）"),
        [first, ..] => format!("{name}（{first}等）"),
    }
}

/// A name that nobody in office has, with the nearest.
pub fn unknown_person(word: &str, near: &[&str]) -> String {
    match near {
        [] => format!("名册里没有“{word}”这个人。请写全名再说一次。"),
        near => format!("名册里没有“{word}”这个人，是不是{}？请写全名再说一次。", near.join("、")),
    }
}

/// Part of several names.
pub fn which_person(word: &str, names: &[&str]) -> String {
    format!("“{word}”有好几个：{}。请写全名再说一次。", names.join("、"))
}

/// Somebody who is no longer in office.
pub fn retired_already(name: &str) -> String {
    format!("{name}已经停用了。")
}

/// Somebody whose rights reach beyond the administrator's area.
pub fn not_in_charge(name: &str) -> String {
    format!("{name}不归您管，请找管那一片的管理员。")
}

/// A unit outside the administrator's area.
pub fn unit_not_in_charge(unit: &str) -> String {
    format!("{unit}不归您管，请找管那一片的管理员。")
}

/// 停用 of oneself.
pub fn not_oneself() -> &'static str {
    "不能停用自己，请别的管理员来停。"
}

/// Rights for oneself.
pub fn not_to_oneself() -> &'static str {
    "不能给自己加身份，请别的管理员来加。"
}

/// An inspector or auditor as a stand-in.
pub fn watcher_does_no_work(name: &str) -> String {
    format!("{name}是做监督的，不能替别人办事。请换一个人。")
}

/// An administrator configures and sees no confidential identity.
pub fn admin_does_no_work(name: &str) -> String {
    format!("{name}是系统管理员，不能代办事的人。请换一位。")
}

/// Both names are the same person's.
pub fn same_person() -> &'static str {
    "两个名字是同一个人，请写两个人。"
}

/// A day before today.
pub fn day_is_over() -> &'static str {
    "那天已经过了，请写今天或以后的日子。"
}

/// Nothing that another could do for him.
pub fn nothing_to_lend(name: &str) -> String {
    format!("{name}没有别人能代的身份。代表、纪检监察、审计和管理员不能代。")
}

/// The stand-in has all these rights already.
pub fn has_it_all(by: &str, name: &str) -> String {
    format!("{name}能做的，{by}本来就能做，不用代班。")
}

/// Before 停用: tickets in hand.
pub fn in_hand(name: &str, numbers: &[String]) -> String {
    let shown: Vec<&str> = numbers.iter().take(9).map(String::as_str).collect();
    let more = if numbers.len() > shown.len() { "等" } else { "" };
    format!("{name}手里有 {} 件没办完（{}{more}），停用以后交回单位联络员。", numbers.len(), shown.join("、"))
}

/// Before 停用: nothing in hand.
pub fn nothing_in_hand(name: &str) -> String {
    format!("{name}手里的都办完了。")
}

/// Before 停用: a role that nobody else holds; `unit` is named where there is a command for it.
pub fn nobody_left(office: &str, stand_in: Option<&str>, unit: Option<&str>) -> String {
    let then = match stand_in {
        Some(name) => format!("先由{name}代"),
        None => "也没有人能代".to_owned(),
    };
    let how = unit.map(|unit| format!("要换人，回“换联络员 {unit} 新人”。")).unwrap_or_default();
    format!("{office}会没有人，{then}。{how}")
}

/// Before 停用: a group of deputies without a leader.
pub fn no_lead(group: &str) -> String {
    format!("{group}会没有组长。")
}

/// 停用 was carried out.
pub fn disabled(name: &str, in_hand: usize) -> String {
    let work = if in_hand > 0 { format!("手里的 {in_hand} 件交回单位联络员了。") } else { String::new() };
    format!("停用了：{name}。{work}")
}

/// 停用 or 换联络员 was not wanted after all.
pub fn left_as_it_was() -> &'static str {
    "好，没有动。"
}

/// To whoever was disabled.
pub fn you_were_disabled() -> &'static str {
    "您在民呼里的工作身份停了。不对的话，请找管理员。您自己反映事情照样可以。"
}

/// Somebody new is named with a phone.
pub fn new_with_phone(name: &str) -> String {
    format!("是新来的，就连手机号一起写：{name} 13900000000。")
}

/// The phone is another person's.
pub fn phone_taken(name: &str) -> String {
    format!("这个手机号名册里是别人的，不是{name}。请再对一下。")
}

/// Words that are no name.
pub fn bad_name(words: &str) -> String {
    format!("“{words}”不像姓名。请写姓名，新来的连手机号一起写，比如：张三 13900000000。")
}

/// The new liaison is one already.
pub fn liaison_already(name: &str, unit: &str) -> String {
    format!("{name}本来就是{unit}的联络员。")
}

/// Before 换联络员.
pub fn replace_plan(unit: &str, old: Option<&str>, new: &str, is_new: bool, in_hand: usize) -> String {
    let who = match old {
        Some(old) => format!("{unit}的联络员由{old}换成{new}"),
        None => format!("{unit}还没有联络员，请{new}来当"),
    };
    let added = if is_new { "（新加进名册）" } else { "" };
    let work = match (old, in_hand) {
        (Some(old), 1..) => format!("{old}手里没办完的 {in_hand} 件一起交过去。"),
        _ => String::new(),
    };
    format!("{who}{added}。{work}")
}

/// 换联络员 was carried out.
pub fn replaced(unit: &str, new: &str, is_new: bool, in_hand: usize) -> String {
    let work = if in_hand > 0 { format!("{in_hand} 件没办完的交过去了。") } else { String::new() };
    let next = if is_new {
        format!("{new}用钉钉的话，几分钟内按手机号自己接上；不用钉钉，回“发码 {new}”给他一个码。")
    } else {
        String::new()
    };
    format!("换好了：{unit}的联络员是{new}。{work}{next}")
}

/// To the old liaison.
pub fn you_were_replaced(unit: &str, new: &str, in_hand: usize) -> String {
    let work = if in_hand > 0 { format!("您手里没办完的 {in_hand} 件交给他了。") } else { String::new() };
    format!("{unit}的联络员换成{new}了。{work}")
}

/// To the new liaison.
pub fn you_are_liaison(unit: &str, old: Option<&str>, in_hand: usize) -> String {
    let work = match (old, in_hand) {
        (Some(old), 1..) => format!("{old}没办完的 {in_hand} 件交给您了，回“待办”看看。"),
        _ => "回“待签”“待办”看看现在有什么。".to_owned(),
    };
    format!("您现在是{unit}的联络员。{work}")
}

/// 代班 was arranged.
pub fn stands_in(by: &str, name: &str, offices: &[String], until: &str, kept: bool) -> String {
    let kept = if kept { "别的身份不能代，没有动。" } else { "" };
    format!("好，{by}代{name}到{until}：{}。到时候自己停。{kept}", offices.join("、"))
}

/// To the stand-in.
pub fn you_stand_in(name: &str, offices: &[String], until: &str) -> String {
    format!("请您代{name}到{until}，做{}的事。回“我的”看看有什么。", offices.join("、"))
}

/// To whoever is away.
pub fn somebody_stands_in(by: &str, offices: &[String], until: &str) -> String {
    format!("{by}代您到{until}，做{}的事。您自己也照样能办。", offices.join("、"))
}

/// 发码.
pub fn code(name: &str, code: &str, until: &str, accounts: i64) -> String {
    let bound =
        if accounts > 0 { format!("他已经接上 {accounts} 个账号，这个码再接一个。") } else { String::new() };
    format!(
        "给{name}的绑定码：{code}\n到{until}前有效，只能用一次，以前没用的码作废。{bound}\n请当面或打电话告诉他：发给我“绑定 {code}”。别发在群里。"
    )
}

/// To whoever a code was made for.
pub fn a_code_was_made() -> &'static str {
    "管理员刚给您发了一个新的绑定码，用来接上新的微信或钉钉。不是您要的，请马上找管理员。"
}

/// Nobody's rights.
pub fn no_rights() -> &'static str {
    "· 现在没有身份"
}

/// A right and what it lets one do.
pub fn right(office: &str, may: &str, until: Option<&str>) -> String {
    let until = until.map(|until| format!("（代班，到{until}）")).unwrap_or_default();
    format!("· {office}{until}：{may}")
}

/// A name with the day until which it stands in.
pub fn until(name: &str, until: &str) -> String {
    format!("{name}（到{until}）")
}

/// Who acts when somebody is away.
pub fn who_stands_in(lent: &[String], others: &[&str], can_be_lent: bool) -> String {
    match (lent, others) {
        ([_, ..], _) => format!("　代班：{}", lent.join("、")),
        ([], [_, ..]) => format!("　他不在，有{}", others.join("、")),
        ([], []) if can_be_lent => "　他不在，没有人能办。要找人代，用“代班”".to_owned(),
        ([], []) => "　别人不能代".to_owned(),
    }
}

/// How many accounts somebody has.
pub fn accounts(name: &str, count: i64) -> String {
    if count == 0 {
        format!("还没接上微信或钉钉，回“发码 {name}”给他一个码。")
    } else {
        format!("接上了 {count} 个账号。")
    }
}

/// What a role may do, in a few plain words.
pub fn role_may(role: Role) -> &'static str {
    match role {
        Role::Citizen => "反映事情、补充、催办、评价",
        Role::Deputy => "反映、催办、到现场查验、写建议",
        Role::GroupLead => "安排组员查验，确认组员的记录",
        Role::InfoOfficer => "替村里人反映",
        Role::StationKeeper => "接待、登记，替来访的人反映",
        Role::Intake => "受理、不受理、追问，写明原因看保密的反映人",
        Role::Dispatcher => "派单、改派、通过结果、答复延期、并单拆单",
        Role::Liaison => "签收、退单、转办、报办结、要延期",
        Role::Handler => "办工单、记进展、联系反映人、报办结",
        Role::UnitLeader => "审核结果，也能做联络员的事",
        Role::CallbackClerk => "打电话回访",
        Role::TownNpc => "管本乡镇的代表和小组，督办",
        Role::NpcStaff => "督办，两个人定的事里当第二个人",
        Role::TaskForce => "看和督办本领域的工单",
        Role::Leader => "看所有工单，督办",
        Role::Inspector => "看所有工单和干部作风的举报，督办",
        Role::Analyst => "导入数据、核查疑点，看不到是谁",
        Role::Auditor => "只看操作记录",
        Role::Admin => "管人员和设置，看不到保密的反映人",
    }
}

/// A place in the county beside ours.
pub fn not_our_county(named: &str, ours: &str) -> String {
    format!("{named}不归{ours}管，那边的事请打那边的 12345。要是{ours}的事，就说是哪个村。")
}
