//! The sentences of generated tickets. Nobody said them.

/// What happened.
pub(super) const MATTERS: &[&str] = &[
    "夜里有人打井抽水卖",
    "机井坏了没人修，地浇不上",
    "路灯坏了没人管",
    "大车把路压得全是坑",
    "桥面塌了一块",
    "井盖没有了，晚上走路害怕",
    "自来水停了，吃水都没有",
    "水管漏水，路上结了冰",
    "垃圾堆成山没人拉",
    "坑塘的水发黑发臭",
    "有人在地里烧秸秆",
    "养猪场的味儿熏得开不了窗",
    "作坊往沟里排脏水",
    "饭店的油烟冲着窗户",
    "有人私搭棚子占了路",
    "耕地上盖起了房子",
    "工地夜里施工，睡不了觉",
    "干完活拖着工资不给",
    "小区的电梯老是停",
    "暖气不热，孩子老人都冻着",
    "下水道往外冒水",
    "树枝压着电线",
    "老是停电",
    "放学的时候学校门口堵得走不动",
    "班车不来，老人去不了医院",
    "请问低保怎么申请",
    "请问新农合怎么报销",
    "有人推销保健品骗老人的钱",
    "野狗成群，孩子不敢上学",
    "建议在路口装个红绿灯",
];

/// Where in the village.
pub(super) const SPOTS: &[&str] = &[
    "村东头",
    "村西头",
    "村南",
    "村北",
    "村口",
    "学校旁边",
    "卫生室后面",
    "村委会门前",
    "河边",
    "大槐树那儿",
    "南边的胡同",
    "集市上",
    "广场边上",
    "养老院门口",
    "",
];

/// Since when, and what was done about it.
pub(super) const SINCE: &[&str] = &[
    "好几天了",
    "半个多月了",
    "一个多月没人管",
    "从去年就这样",
    "说过两回也没人来",
    "一下雨就更厉害",
    "天天晚上都这样",
    "大家都有意见",
    "希望尽快解决",
    "麻烦管一管",
];

/// What came of it.
pub(super) const RESULTS: &[&str] = &[
    "到现场看过，已经修好，当面和反映人说了。",
    "核实情况属实，责令三天内改正，已经改好。",
    "已经安排人清理，以后每周看一次。",
    "现场没有发现反映的情况，已向反映人解释。",
    "列入下个月的计划，已告诉反映人。",
    "手续补齐了，请反映人放心。",
];

/// A word on how it goes.
pub(super) const NOTES: &[&str] = &["已到现场看过", "正在等材料", "约了明天上门", "和村里商量好了"];

/// Why it was not taken or went back.
pub(super) const REASONS: &[&str] = &["已经在走诉讼", "不是本单位的职责", "和前面的一件是同一件事", "材料不全，请说清地点"];

/// Whom it was handed to.
pub(super) const OUTSIDE: &str = "县公安局";

/// What was asked for in a supervision order.
pub(super) const DEMAND: &str = "请尽快办好并书面回复";

/// A helping unit's opinion.
pub(super) const OPINION: &str = "同意，我们配合";

/// What is told of a step.
pub(super) fn told(number: &str, step: &str) -> String {
    format!("{number} 有进展：{step}")
}

/// The report itself.
pub(super) fn report(village: &str, spot: &str, matter: &str, since: &str) -> String {
    format!("{village}{spot}{matter}，{since}。")
}
