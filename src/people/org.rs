//! The organisation as a file describes it (`docs/contract.md` section 3), checked as a whole.
//!
//! TOML and sheets become the same [`Row`]s; [`build`] makes an [`Org`] of them or says every problem.

use super::{
    Area, ChatGroup, Coordinates, DeputyGroup, Field, FieldKind, Grant, GroupOf, Level, Needs, Role, Rule, Unit, parent, phone,
};
use crate::config::read::{self, Fields, Place, Problem, Table, unknown};
use regex::Regex;
use std::collections::HashMap;

/// An organisation: everything in use, nothing retired.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Org {
    /// Areas.
    pub areas: Vec<Area>,
    /// Units.
    pub units: Vec<Unit>,
    /// Campaign fields and topics.
    pub fields: Vec<Field>,
    /// Rules in their order.
    pub rules: Vec<Rule>,
    /// People with an office.
    pub persons: Vec<Person>,
    /// Deputy groups.
    pub deputy_groups: Vec<DeputyGroup>,
    /// Group chats.
    pub groups: Vec<ChatGroup>,
}

/// Somebody with an office, as files have him.
#[derive(Clone, PartialEq, Eq)]
pub struct Person {
    /// The id.
    pub id: String,
    /// The name.
    pub name: String,
    /// The digits of a mobile number.
    pub phone: Option<String>,
    /// Channel id and the platform's user id.
    pub accounts: Vec<(String, String)>,
    /// Rights.
    pub grants: Vec<Grant>,
}

impl std::fmt::Debug for Person {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Names, phones and accounts must not reach a log.
        write!(f, "Person({})", self.id)
    }
}

/// What a row describes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// An area.
    Area,
    /// A unit.
    Unit,
    /// A field; a row of topics too, where a key `kind` says so.
    Field,
    /// A topic.
    Topic,
    /// A rule.
    Rule,
    /// A person.
    Person,
    /// A deputy group.
    DeputyGroup,
    /// A group chat.
    Group,
}

impl Kind {
    const ALL: [Kind; 8] =
        [Kind::Area, Kind::Unit, Kind::Field, Kind::Topic, Kind::Rule, Kind::Person, Kind::DeputyGroup, Kind::Group];

    fn key(self) -> &'static str {
        match self {
            Kind::Area => "area",
            Kind::Unit => "unit",
            Kind::Field => "field",
            Kind::Topic => "topic",
            Kind::Rule => "rule",
            Kind::Person => "person",
            Kind::DeputyGroup => "deputy_group",
            Kind::Group => "group",
        }
    }

    fn chinese(self) -> &'static str {
        match self {
            Kind::Area => "区域",
            Kind::Unit => "单位",
            Kind::Field | Kind::Topic => "领域",
            Kind::Rule => "规则",
            Kind::Person => "人员",
            Kind::DeputyGroup => "代表小组",
            Kind::Group => "工作群",
        }
    }

    /// Fields and topics share their ids.
    fn names(self) -> Kind {
        if self == Kind::Topic { Kind::Field } else { self }
    }
}

/// One entry of a file.
pub(super) struct Row {
    pub kind: Kind,
    pub table: Table,
}

/// Wuyi county with made-up people, as the demonstration starts with.
///
/// # Errors
/// Every problem of the built-in file; the tests see to it that there is none.
pub fn demonstration() -> Result<Org, Vec<Problem>> {
    read_toml("demo/org.toml", include_str!("../../deploy/demo/org.toml"), &Org::default())
}

/// Reads an `org.toml`. References may also go to what `base` has: the present organisation when the file adds to it, an empty
/// one when it replaces it.
///
/// # Errors
/// Every problem, sorted by line.
pub fn read_toml(file: &str, source: &str, base: &Org) -> Result<Org, Vec<Problem>> {
    let (table, mut problems) = read::toml(file, source);
    let mut rows = Vec::new();
    let mut top = Fields::new("", &table, &mut problems);
    for kind in Kind::ALL {
        rows.extend(top.tables(kind.key()).into_iter().map(|table| Row { kind, table: table.clone() }));
    }
    top.finish();
    build(&rows, base, problems)
}

/// Makes an organisation of rows, or says every problem, those found while reading among them.
pub(super) fn build(rows: &[Row], base: &Org, problems: Vec<Problem>) -> Result<Org, Vec<Problem>> {
    let mut builder = Builder { problems, ..Builder::default() };
    for row in rows {
        builder.row(row);
    }
    builder.check_references(base);
    builder.check_areas(base);
    builder.check_names(base);
    builder.problems.sort();
    if builder.problems.is_empty() { Ok(builder.org) } else { Err(builder.problems) }
}

#[derive(Default)]
struct Builder {
    org: Org,
    problems: Vec<Problem>,
    /// Where each id stands.
    ids: HashMap<(Kind, String), Place>,
    /// What must exist: its kind, its id, where it is mentioned, under which key.
    references: Vec<(Kind, String, Place, String)>,
    /// What no two entries may share (phone, account, chat, name of a unit): where it was seen.
    once: HashMap<(&'static str, String), Place>,
}

impl Builder {
    fn row(&mut self, row: &Row) {
        // The problems are lent to the reader of the row and taken back, so that both can report.
        let mut problems = std::mem::take(&mut self.problems);
        let path = if row.table.headings.is_empty() { row.kind.key() } else { row.kind.chinese() };
        let mut fields = Fields::new(path, &row.table, &mut problems);
        match row.kind {
            Kind::Area => self.area(&mut fields),
            Kind::Unit => self.unit(&mut fields),
            Kind::Field => self.field(&mut fields, FieldKind::Campaign, !row.table.headings.is_empty()),
            Kind::Topic => self.field(&mut fields, FieldKind::Topic, false),
            Kind::Rule => self.rule(&mut fields, &row.table),
            Kind::Person => self.person(&mut fields),
            Kind::DeputyGroup => self.deputy_group(&mut fields),
            Kind::Group => self.group(&mut fields),
        }
        fields.finish();
        self.problems = problems;
    }

    /// The id of an entry, which must be there and be its own.
    fn id(&mut self, kind: Kind, fields: &mut Fields<'_, '_>, key: &'static str) -> Option<String> {
        let id = fields.required(key, "一个不重复的编号")?;
        if id.chars().any(|c| c.is_whitespace() || c.is_control() || ",，、；;@:：".contains(c)) {
            fields.wrong(key, "编号里不能有空格和标点，请用字母、数字、- 或 _");
        }
        let place = fields.place(key);
        if let Some(first) = self.ids.get(&(kind.names(), id.clone())) {
            fields.wrong(key, format!("编号“{id}”在第 {} 行用过了，每一个要有自己的编号", first.line));
        } else {
            self.ids.insert((kind.names(), id.clone()), place);
        }
        Some(id)
    }

    fn refer(&mut self, kind: Kind, id: Option<&String>, fields: &Fields<'_, '_>, key: &str) {
        if let Some(id) = id {
            self.references.push((kind, id.clone(), fields.place(key), fields.path(key)));
        }
    }

    /// Reports a value that another entry has too.
    fn only_once(&mut self, what: &'static str, value: &str, fields: &mut Fields<'_, '_>, key: &str) {
        let place = fields.place(key);
        if let Some(first) = self.once.get(&(what, value.to_owned())) {
            let line = first.line;
            fields.wrong(key, format!("这个{what}在第 {line} 行出现过了，只能属于一个"));
        } else {
            self.once.insert((what, value.to_owned()), place);
        }
    }

    fn area(&mut self, fields: &mut Fields<'_, '_>) {
        let code = self.id(Kind::Area, fields, "code");
        let name = fields.required("name", "区域的全名");
        let level = fields.text("level");
        let prefix = fields.text("prefix");
        let aliases = fields.texts("aliases");
        let neighbours = fields.texts("neighbours");
        let point = coordinates(fields);
        if !neighbours.is_empty() && code.as_deref().and_then(Level::of) != Some(Level::County) {
            fields.wrong("neighbours", "只有县才写邻县，请删掉");
        }
        let Some(code) = code else { return };
        let own_level = Level::of(&code);
        if own_level.is_none() {
            fields.wrong("code", "区域代码应当是 2、4、6、9 或 12 位数字（省、市、县、乡镇、村）");
        }
        if let (Some(level), Some(own)) = (&level, own_level)
            && level != own.as_str()
        {
            let words = Level::ALL.map(Level::as_str);
            let says = match words.contains(&level.as_str()) {
                true => format!("{} 位的代码是 {}", own.digits(), own.as_str()),
                false => unknown("没有这个级别", level, words.into_iter()),
            };
            fields.wrong("level", says);
        }
        if let Some(prefix) = &prefix {
            if own_level != Some(Level::County) {
                fields.wrong("prefix", "只有县才有编号前缀，请删掉");
            } else if prefix.is_empty() || prefix.len() > 4 || !prefix.bytes().all(|b| b.is_ascii_uppercase()) {
                fields.wrong("prefix", "编号前缀应当是 1 到 4 个大写字母，比如 WY");
            }
            self.only_once("编号前缀", prefix, fields, "prefix");
            // The series of sealed clues puts a J behind it.
            self.only_once("编号前缀", &format!("{prefix}J"), fields, "prefix");
        } else if own_level == Some(Level::County) {
            fields.wrong("prefix", "县要有编号前缀，1 到 4 个大写字母，比如 WY");
        }
        if let (Some(name), Some(_)) = (name, own_level) {
            self.org.areas.push(Area { code, name, prefix, aliases, point, neighbours, retired: false });
        }
    }

    fn unit(&mut self, fields: &mut Fields<'_, '_>) {
        let id = self.id(Kind::Unit, fields, "id");
        let name = fields.required("name", "单位的名称");
        let aliases = fields.texts("aliases");
        let area = fields.required("area", "单位所在区域的代码");
        let parent = fields.text("parent");
        self.refer(Kind::Area, area.as_ref(), fields, "area");
        self.refer(Kind::Unit, parent.as_ref(), fields, "parent");
        if let Some(name) = &name {
            self.only_once("单位名称", name, fields, "name");
        }
        for alias in &aliases {
            self.only_once("单位名称", alias, fields, "aliases");
        }
        if let (Some(id), Some(name), Some(area)) = (id, name, area) {
            self.org.units.push(Unit { id, name, aliases, area, parent, retired: false });
        }
    }

    fn field(&mut self, fields: &mut Fields<'_, '_>, mut kind: FieldKind, says_kind: bool) {
        let id = self.id(Kind::Field, fields, "id");
        let name = fields.required("name", "领域的名称");
        if says_kind {
            match fields.text("kind").as_deref() {
                Some("专项") | None => {}
                Some("民生") => kind = FieldKind::Topic,
                Some(_) => fields.wrong("kind", "应当写 专项 或 民生"),
            }
        }
        let unit = fields.text("unit");
        self.refer(Kind::Unit, unit.as_ref(), fields, "unit");
        let words = fields.text("words");
        check_pattern(words.as_ref(), fields, "words");
        let photo = fields.flag("photo");
        let radius_m = fields.number("radius_m", 1..=10_000);
        if let (Some(id), Some(name)) = (id, name) {
            self.org.fields.push(Field { id, name, kind, unit, words, photo, radius_m, retired: false });
        }
    }

    fn rule(&mut self, fields: &mut Fields<'_, '_>, table: &Table) {
        let to = fields.required("to", "交给哪个单位的编号");
        self.refer(Kind::Unit, to.as_ref(), fields, "to");
        // In TOML the conditions stand in a table of their own, in a sheet they are columns.
        let (field, area, text) = if table.headings.is_empty() {
            let Some(when) = fields.table("when") else {
                fields.wrong("when", "没有条件，应当写 when = { field = \"…\", area = \"…\", text = \"…\" } 里的至少一个");
                return;
            };
            let path = fields.path("when");
            let mut conditions = Fields::new(path, when, fields.problems());
            let read = self.conditions(&mut conditions);
            conditions.finish();
            read
        } else {
            self.conditions(fields)
        };
        if let Some(to) = to {
            self.org.rules.push(Rule { field, area, text, to });
        }
    }

    fn conditions(&mut self, fields: &mut Fields<'_, '_>) -> (Option<String>, Option<String>, Option<String>) {
        let conditions = (fields.text("field"), fields.text("area"), fields.text("text"));
        self.refer(Kind::Field, conditions.0.as_ref(), fields, "field");
        self.refer(Kind::Area, conditions.1.as_ref(), fields, "area");
        check_pattern(conditions.2.as_ref(), fields, "text");
        if matches!(conditions, (None, None, None)) {
            fields.wrong("text", "没有条件，领域、区域、内容至少要写一个");
        }
        conditions
    }

    fn person(&mut self, fields: &mut Fields<'_, '_>) {
        let id = self.id(Kind::Person, fields, "id");
        let name = fields.required("name", "姓名");
        let number = fields.text("phone");
        let digits = number.as_deref().and_then(phone);
        match (&number, &digits) {
            (Some(_), None) => fields.wrong("phone", "手机号不对，应当是 11 位数字"),
            (_, Some(digits)) => self.only_once("手机号", digits, fields, "phone"),
            (None, None) => {}
        }
        let mut accounts = Vec::new();
        for account in fields.texts("accounts") {
            match pair(&account) {
                Some(pair) => {
                    self.only_once("账号", &account, fields, "accounts");
                    accounts.push(pair);
                }
                None => fields.wrong("accounts", "账号应当写成 渠道编号:用户编号，比如 ding:manager01"),
            }
        }
        let mut grants = Vec::new();
        let listed = fields.tables("grants");
        for grant in listed {
            let path = fields.path("grants");
            let mut grant = Fields::new(path, grant, fields.problems());
            let read = self.grant(&mut grant);
            grant.finish();
            match read {
                Some(grant) if grants.contains(&grant) => fields.wrong("grants", "同一个身份写了两遍，请删掉一个"),
                Some(grant) => grants.push(grant),
                None => {}
            }
        }
        if let (Some(id), Some(name)) = (id, name) {
            self.org.persons.push(Person { id, name, phone: digits, accounts, grants });
        }
    }

    fn grant(&mut self, fields: &mut Fields<'_, '_>) -> Option<Grant> {
        let word = fields.required("role", "身份，比如 dispatcher（派单员）");
        let area = fields.text("area");
        let unit = fields.text("unit");
        let field = fields.text("field");
        self.refer(Kind::Area, area.as_ref(), fields, "area");
        self.refer(Kind::Unit, unit.as_ref(), fields, "unit");
        self.refer(Kind::Field, field.as_ref(), fields, "field");
        let word = word?;
        let Some(role) = Role::parse(&word) else {
            let words =
                Role::ALL.into_iter().filter(|role| *role != Role::Citizen).flat_map(|role| [role.as_str(), role.chinese()]);
            fields.wrong("role", unknown(&format!("没有“{word}”这个身份"), &word, words));
            return None;
        };
        let says = |what: &str| format!("{role}要写明{what}");
        match role.needs() {
            Needs::Nothing => {
                fields.wrong("role", "人人都是群众，不用写这个身份，请删掉");
                return None;
            }
            Needs::Area if area.is_none() => fields.wrong("area", says("管哪个区域（区域代码）")),
            Needs::Unit if unit.is_none() => fields.wrong("unit", says("是哪个单位的（单位编号）")),
            Needs::AreaAndField if area.is_none() => fields.wrong("area", says("管哪个区域（区域代码）")),
            Needs::AreaAndField if field.is_none() => fields.wrong("field", says("管哪个领域（领域编号）")),
            Needs::Area | Needs::Unit | Needs::AreaAndField | Needs::Anywhere => {}
        }
        Some(Grant { role, area: area.unwrap_or_default(), unit, field })
    }

    fn deputy_group(&mut self, fields: &mut Fields<'_, '_>) {
        let id = self.id(Kind::DeputyGroup, fields, "id");
        let name = fields.required("name", "小组的名称");
        let area = fields.required("area", "小组所在区域的代码");
        let lead = fields.text("lead");
        let members = fields.texts("members");
        self.refer(Kind::Area, area.as_ref(), fields, "area");
        self.refer(Kind::Person, lead.as_ref(), fields, "lead");
        for member in &members {
            self.refer(Kind::Person, Some(member), fields, "members");
        }
        if let (Some(id), Some(name), Some(area)) = (id, name, area) {
            self.org.deputy_groups.push(DeputyGroup { id, name, area, lead, members });
        }
    }

    fn group(&mut self, fields: &mut Fields<'_, '_>) {
        let id = self.id(Kind::Group, fields, "id");
        let name = fields.required("name", "群的名称");
        let text = fields.text("chat");
        let chat = text.as_deref().and_then(pair);
        match (&text, &chat) {
            (Some(_), None) => {
                fields.wrong("chat", "群号应当写成 渠道编号:群编号，比如 ding:cidXXXX；不知道就先不写，到群里发“绑定群”");
            }
            (Some(text), Some(_)) => self.only_once("群号", text, fields, "chat"),
            (None, _) => {}
        }
        let unit = fields.text("unit");
        let deputies = fields.text("deputy_group");
        let centre = fields.flag("centre");
        self.refer(Kind::Unit, unit.as_ref(), fields, "unit");
        self.refer(Kind::DeputyGroup, deputies.as_ref(), fields, "deputy_group");
        let of = match (unit, deputies, centre) {
            (Some(unit), None, false) => GroupOf::Unit(unit),
            (None, Some(group), false) => GroupOf::Deputies(group),
            (None, None, true) => GroupOf::Centre,
            _ => {
                fields.wrong("unit", "这是谁的群？单位、代表小组、受理中心（centre = true）要写一个，也只能写一个");
                return;
            }
        };
        if let (Some(id), Some(name)) = (id, name) {
            self.org.groups.push(ChatGroup { id, name, chat, of });
        }
    }

    /// Everything that is referred to must be in the file or in `base`.
    fn check_references(&mut self, base: &Org) {
        let mut known: HashMap<Kind, Vec<&str>> = HashMap::new();
        for kind in Kind::ALL {
            known.insert(kind, ids(base, kind));
        }
        for (kind, id) in self.ids.keys() {
            known.entry(*kind).or_default().push(id);
        }
        for list in known.values_mut() {
            list.sort_unstable();
            list.dedup();
        }
        for (kind, id, place, key) in &self.references {
            let list = known.get(kind).map(Vec::as_slice).unwrap_or_default();
            if list.binary_search(&id.as_str()).is_err() {
                let what = format!("没有编号为“{id}”的{}", kind.chinese());
                let says = match crate::text::nearest(id, list.iter().copied()) {
                    Some(near) => format!("{what}，是不是“{near}”？"),
                    None => format!("{what}，请先加上它，或改成有的编号"),
                };
                self.problems.push(place.problem(key.clone(), says));
            }
        }
    }

    /// A village needs its township, a township its county; units must not be above themselves.
    fn check_areas(&mut self, base: &Org) {
        let mut codes: Vec<&str> = self.org.areas.iter().chain(&base.areas).map(|area| area.code.as_str()).collect();
        codes.sort_unstable();
        for area in self.org.areas.iter().filter(|area| area.level() > Level::County) {
            let above = parent(&area.code).unwrap_or_default();
            if codes.binary_search(&above).is_err()
                && let Some(place) = self.ids.get(&(Kind::Area, area.code.clone()))
            {
                let says = format!("缺少它的上一级，代码是 {above}。请加上，或检查这个代码");
                self.problems.push(place.problem("area.code", says));
            }
        }
        let parents: HashMap<&str, &str> = base
            .units
            .iter()
            .chain(&self.org.units)
            .filter_map(|unit| Some((unit.id.as_str(), unit.parent.as_deref()?)))
            .collect();
        for unit in &self.org.units {
            let mut here = unit.id.as_str();
            // Eight levels are more than any office has; `Directory::belongs_to` relies on it.
            let ends = (0..8).any(|_| match parents.get(here) {
                Some(above) => {
                    here = above;
                    false
                }
                None => true,
            });
            if !ends && let Some(place) = self.ids.get(&(Kind::Unit, unit.id.clone())) {
                self.problems.push(place.problem("unit.parent", "上级单位绕成了一圈（或超过七级），请改上级"));
            }
        }
    }

    /// What must be unique must also not belong to somebody else in `base`.
    fn check_names(&mut self, base: &Org) {
        let mut taken: Vec<(&'static str, String, Kind, &str, &'static str)> = Vec::new();
        for person in &base.persons {
            let phone = person.phone.iter().map(|phone| ("手机号", phone.clone(), "person.phone"));
            let accounts =
                person.accounts.iter().map(|(channel, account)| ("账号", format!("{channel}:{account}"), "person.accounts"));
            taken.extend(phone.chain(accounts).map(|(what, value, key)| (what, value, Kind::Person, person.id.as_str(), key)));
        }
        for unit in &base.units {
            let names = std::iter::once(&unit.name).chain(&unit.aliases);
            taken.extend(names.map(|name| ("单位名称", name.clone(), Kind::Unit, unit.id.as_str(), "unit.name")));
        }
        for group in &base.groups {
            let chat = group.chat.iter().map(|(channel, chat)| format!("{channel}:{chat}"));
            taken.extend(chat.map(|chat| ("群号", chat, Kind::Group, group.id.as_str(), "group.chat")));
        }
        for area in &base.areas {
            let prefix = area.prefix.iter().flat_map(|prefix| [prefix.clone(), format!("{prefix}J")]);
            taken.extend(prefix.map(|prefix| ("编号前缀", prefix, Kind::Area, area.code.as_str(), "area.prefix")));
        }
        for (what, value, kind, owner, key) in taken {
            // An owner who is in the file too says himself what is his.
            if let Some(place) = self.once.get(&(what, value))
                && !self.ids.contains_key(&(kind, owner.to_owned()))
            {
                self.problems.push(place.problem(key, format!("这个{what}已经是“{owner}”的了，只能属于一个")));
            }
        }
    }
}

/// The ids of one kind.
fn ids(org: &Org, kind: Kind) -> Vec<&str> {
    match kind {
        Kind::Area => org.areas.iter().map(|area| area.code.as_str()).collect(),
        Kind::Unit => org.units.iter().map(|unit| unit.id.as_str()).collect(),
        Kind::Field => org.fields.iter().map(|field| field.id.as_str()).collect(),
        Kind::Person => org.persons.iter().map(|person| person.id.as_str()).collect(),
        Kind::DeputyGroup => org.deputy_groups.iter().map(|group| group.id.as_str()).collect(),
        Kind::Group => org.groups.iter().map(|group| group.id.as_str()).collect(),
        Kind::Topic | Kind::Rule => Vec::new(),
    }
}

/// `lat` and `lng`, both or none: a place in China.
fn coordinates(fields: &mut Fields<'_, '_>) -> Option<Coordinates> {
    match (fields.decimal("lat", 3.0..=54.0), fields.decimal("lng", 73.0..=136.0)) {
        (Some(lat), Some(lng)) => return Some(Coordinates::of(lat?, lng?)),
        (Some(_), None) => fields.wrong("lat", "有纬度也要有经度（lng）"),
        (None, Some(_)) => fields.wrong("lng", "有经度也要有纬度（lat）"),
        (None, None) => {}
    }
    None
}

fn check_pattern(pattern: Option<&String>, fields: &mut Fields<'_, '_>, key: &str) {
    if let Some(pattern) = pattern
        && let Err(error) = Regex::new(pattern)
    {
        let why = error.to_string();
        let why = why.lines().last().unwrap_or_default().trim_start_matches("error: ");
        fields.wrong(key, format!("关键词的写法不对（{why}）。几个词之间用 | 隔开，比如 机井|打井"));
    }
}

/// `channel:id`.
fn pair(text: &str) -> Option<(String, String)> {
    let (channel, id) = text.split_once(':')?;
    let (channel, id) = (channel.trim(), id.trim());
    (!channel.is_empty() && !id.is_empty()).then(|| (channel.to_owned(), id.to_owned()))
}

impl Org {
    /// The organisation as an `org.toml`, which reads back to the same.
    pub fn to_toml(&self) -> String {
        let mut out = String::from("area = [\n");
        for area in &self.areas {
            let level = Some(area.level().as_str().to_owned());
            let row = Line::new().text("code", Some(&area.code)).text("name", Some(&area.name)).text("level", level.as_ref());
            let row = row.text("prefix", area.prefix.as_ref()).list("aliases", &area.aliases);
            let mut row = row.list("neighbours", &area.neighbours);
            row.0.extend(area.point.map(|point| format!("lat = {:?}, lng = {:?}", point.lat(), point.lng())));
            out.push_str(&format!("  {{ {} }},\n", row.0.join(", ")));
        }
        out.push_str("]\n");
        let mut entry = |head: &str, line: Line| out.push_str(&format!("\n[[{head}]]\n{}\n", line.0.join("\n")));
        for unit in &self.units {
            let line = Line::new().text("id", Some(&unit.id)).text("name", Some(&unit.name)).list("aliases", &unit.aliases);
            entry("unit", line.text("area", Some(&unit.area)).text("parent", unit.parent.as_ref()));
        }
        for field in &self.fields {
            let head = if field.kind == FieldKind::Topic { "topic" } else { "field" };
            let mut line = Line::new().text("id", Some(&field.id)).text("name", Some(&field.name));
            line = line.text("unit", field.unit.as_ref()).text("words", field.words.as_ref());
            line.0.extend(field.photo.then(|| "photo = true".to_owned()));
            line.0.extend(field.radius_m.map(|radius| format!("radius_m = {radius}")));
            entry(head, line);
        }
        for rule in &self.rules {
            let when = Line::new().text("field", rule.field.as_ref()).text("area", rule.area.as_ref());
            let when = when.text("text", rule.text.as_ref()).0.join(", ");
            entry("rule", Line(vec![format!("when = {{ {when} }}")]).text("to", Some(&rule.to)));
        }
        for person in &self.persons {
            let accounts: Vec<String> = person.accounts.iter().map(|(channel, account)| format!("{channel}:{account}")).collect();
            let mut line = Line::new().text("id", Some(&person.id)).text("name", Some(&person.name));
            line = line.text("phone", person.phone.as_ref()).list("accounts", &accounts);
            if !person.grants.is_empty() {
                let grants = person.grants.iter().map(|grant| {
                    let role = grant.role.as_str().to_owned();
                    let area = Some(&grant.area).filter(|area| !area.is_empty());
                    let parts = Line::new().text("role", Some(&role)).text("area", area);
                    let parts = parts.text("unit", grant.unit.as_ref()).text("field", grant.field.as_ref());
                    format!("{{ {} }}", parts.0.join(", "))
                });
                line.0.push(format!("grants = [ {} ]", grants.collect::<Vec<_>>().join(", ")));
            }
            entry("person", line);
        }
        for group in &self.deputy_groups {
            let line = Line::new().text("id", Some(&group.id)).text("name", Some(&group.name)).text("area", Some(&group.area));
            entry("deputy_group", line.text("lead", group.lead.as_ref()).list("members", &group.members));
        }
        for group in &self.groups {
            let chat = group.chat.as_ref().map(|(channel, chat)| format!("{channel}:{chat}"));
            let line = Line::new().text("id", Some(&group.id)).text("name", Some(&group.name)).text("chat", chat.as_ref());
            let line = match &group.of {
                GroupOf::Unit(unit) => line.text("unit", Some(unit)),
                GroupOf::Deputies(deputies) => line.text("deputy_group", Some(deputies)),
                GroupOf::Centre => Line([line.0, vec!["centre = true".into()]].concat()),
            };
            entry("group", line);
        }
        out
    }
}

/// Keys and values as TOML writes them.
struct Line(Vec<String>);

impl Line {
    fn new() -> Self {
        Line(Vec::new())
    }

    fn text(mut self, key: &str, value: Option<&String>) -> Self {
        self.0.extend(value.map(|value| format!("{key} = {}", toml::Value::String(value.clone()))));
        self
    }

    fn list(mut self, key: &str, values: &[String]) -> Self {
        if !values.is_empty() {
            let values = values.iter().map(|value| toml::Value::String(value.clone()).to_string());
            self.0.push(format!("{key} = [{}]", values.collect::<Vec<_>>().join(", ")));
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(source: &str) -> Vec<String> {
        read_toml("o.toml", source, &Org::default()).unwrap_err().iter().map(Problem::to_string).collect()
    }

    const COUNTY: &str = "[[area]]\ncode = \"131122\"\nname = \"武邑县\"\nprefix = \"WY\"\n";

    #[test]
    fn the_demonstration_has_everything_and_every_role_but_the_citizen() {
        let org = demonstration().unwrap();
        assert_eq!(org.areas.len(), 538);
        assert_eq!(org.units.len(), 17 + 9);
        assert_eq!(org.fields.iter().filter(|field| field.kind == FieldKind::Campaign).count(), 7);
        assert!(org.persons.iter().all(|person| person.phone.as_ref().is_some_and(|phone| phone.starts_with("138000000"))));
        let derived = [Role::Citizen, Role::Deputy, Role::GroupLead];
        for role in Role::ALL.into_iter().filter(|role| !derived.contains(role)) {
            assert!(org.persons.iter().any(|person| person.grants.iter().any(|grant| grant.role == role)), "{role:?}");
        }
        assert!(org.deputy_groups[0].lead.is_some());
    }

    #[test]
    fn what_is_written_out_reads_back_the_same() {
        let mut org = demonstration().unwrap();
        org.areas[20].point = Some(Coordinates::of(37.8, 115.903_412));
        assert_eq!(read_toml("copy.toml", &org.to_toml(), &Org::default()).unwrap(), org);
    }

    #[test]
    fn every_kind_of_mistake_is_said_with_line_key_and_what_would_be_right() {
        for (source, expected) in [
            ("[[area]]\ncode = \"13112\"\nname = \"x\"\n", "o.toml:2: area.code: 区域代码应当是"),
            ("[[area]]\ncode = \"131122\"\nname = \"x\"\n", "o.toml:1: area.prefix: 县要有编号前缀"),
            ("[[area]]\ncode = \"131122\"\nname = \"x\"\nprefix = \"wy\"\n", "o.toml:4: area.prefix: 编号前缀应当是"),
            ("[[area]]\ncode = \"1311\"\nname = \"x\"\nprefix = \"WY\"\n", "o.toml:4: area.prefix: 只有县才有"),
            ("[[area]]\ncode = \"1311\"\nname = \"x\"\nlevel = \"county\"\n", "o.toml:4: area.level: 4 位的代码是 city"),
            (
                "[[area]]\ncode = \"1311\"\nname = \"x\"\nlevel = \"citty\"\n",
                "o.toml:4: area.level: 没有这个级别，是不是“city”？",
            ),
            ("[[area]]\ncode = \"131122101\"\nname = \"x\"\n", "o.toml:2: area.code: 缺少它的上一级，代码是 131122"),
            ("[[area]]\nname = \"x\"\n", "o.toml:1: area.code: 没有填"),
            ("[[unit]]\nid = \"a b\"\nname = \"x\"\narea = \"131122\"\n", "o.toml:6: unit.id: 编号里不能有空格"),
            (
                "[[unit]]\nid = \"a\"\nname = \"x\"\narea = \"131123\"\n",
                "o.toml:8: unit.area: 没有编号为“131123”的区域，是不是“131122”？",
            ),
            (
                "[[unit]]\nid = \"a\"\nname = \"x\"\narea = \"131122\"\nparent = \"a\"\n",
                "o.toml:6: unit.parent: 上级单位绕成了一圈",
            ),
            (
                "[[unit]]\nid = \"a\"\nname = \"x\"\narea = \"131122\"\n[[unit]]\nid = \"a\"\nname = \"y\"\narea = \"131122\"\n",
                "o.toml:10: unit.id: 编号“a”在第 6 行用过了",
            ),
            (
                "[[unit]]\nid = \"a\"\nname = \"x\"\narea = \"131122\"\n[[unit]]\nid = \"b\"\nname = \"y\"\naliases = [\"x\"]\narea = \"131122\"\n",
                "o.toml:12: unit.aliases: 这个单位名称在第 7 行出现过了",
            ),
            ("[[unit]]\nid = \"a\"\nname = \"x\"\naera = \"131122\"\n", "o.toml:8: unit.aera: 不认识这个键，是不是“area”？"),
            ("[[field]]\nid = \"a\"\nname = \"x\"\nunit = \"zz\"\n", "o.toml:8: field.unit: 没有编号为“zz”的单位，请先加上它"),
            (
                "[[field]]\nid = \"a\"\nname = \"x\"\nwords = \"(a\"\n",
                "o.toml:8: field.words: 关键词的写法不对（unclosed group）",
            ),
            ("[[area]]\ncode = \"13\"\nname = \"x\"\nlat = 1.5\nlng = 115.9\n", "o.toml:4: area.lat: 应当是 3 到 54 的数"),
            ("[[area]]\ncode = \"13\"\nname = \"x\"\nlat = 37.8\n", "o.toml:4: area.lat: 有纬度也要有经度（lng）"),
            (
                "[[area]]\ncode = \"13\"\nname = \"x\"\nneighbours = [\"y\"]\n",
                "o.toml:4: area.neighbours: 只有县才写邻县，请删掉",
            ),
            ("[[field]]\nid = \"a\"\nname = \"x\"\nradius_m = 0\n", "o.toml:8: field.radius_m: 应当是 1 到 10000 的整数"),
            ("[[field]]\nid = \"a\"\nname = \"x\"\nphoto = 7\n", "o.toml:8: field.photo: 这里写的是整数，应当是true 或 false"),
            (
                "[[field]]\nid = \"a\"\nname = \"x\"\n[[topic]]\nid = \"a\"\nname = \"x\"\n",
                "o.toml:9: topic.id: 编号“a”在第 6 行用过了",
            ),
            ("[[rule]]\nto = \"a\"\nwhen = {}\n", "o.toml:7: rule.when.text: 没有条件"),
            ("[[rule]]\nto = \"a\"\n", "o.toml:5: rule.when: 没有条件"),
            ("[[rule]]\nto = \"a\"\nwhen = { feild = \"x\" }\n", "o.toml:7: rule.when.feild: 不认识这个键，是不是“field”？"),
            ("[[rule]]\nto = \"a\"\nwhen = { text = \"[\" }\n", "o.toml:7: rule.when.text: 关键词的写法不对"),
            ("[[person]]\nid = \"a\"\nname = \"x\"\nphone = \"1380000\"\n", "o.toml:8: person.phone: 手机号不对"),
            ("[[person]]\nid = \"a\"\nname = \"x\"\naccounts = [\"sim\"]\n", "o.toml:8: person.accounts: 账号应当写成"),
            (
                "[[person]]\nid = \"a\"\nname = \"x\"\ngrants = [ { role = \"dispacher\" } ]\n",
                "o.toml:8: person.grants.role: 没有“dispacher”这个身份，是不是“dispatcher”？",
            ),
            (
                "[[person]]\nid = \"a\"\nname = \"x\"\ngrants = [ { role = \"citizen\" } ]\n",
                "o.toml:8: person.grants.role: 人人都是群众",
            ),
            (
                "[[person]]\nid = \"a\"\nname = \"x\"\ngrants = [ { role = \"intake\" } ]\n",
                "o.toml:8: person.grants.area: 受理员要写明管哪个区域",
            ),
            (
                "[[person]]\nid = \"a\"\nname = \"x\"\ngrants = [ { role = \"liaison\", area = \"131122\" } ]\n",
                "o.toml:8: person.grants.unit: 联络员要写明是哪个单位的",
            ),
            (
                "[[person]]\nid = \"a\"\nname = \"x\"\ngrants = [ { role = \"task_force\", area = \"131122\" } ]\n",
                "o.toml:8: person.grants.field: 专班成员要写明管哪个领域",
            ),
            (
                "[[person]]\nid = \"a\"\nname = \"x\"\ngrants = [ \"intake\" ]\n",
                "o.toml:8: person.grants: 这里写的是文字，应当是一组键",
            ),
            (
                "[[person]]\nid = \"a\"\nname = \"x\"\nphone = \"13800000001\"\n[[person]]\nid = \"b\"\nname = \"y\"\nphone = \"138 0000 0001\"\n",
                "o.toml:12: person.phone: 这个手机号在第 8 行出现过了",
            ),
            (
                "[[deputy_group]]\nid = \"a\"\nname = \"x\"\narea = \"131122\"\nmembers = [\"nobody\"]\n",
                "o.toml:9: deputy_group.members: 没有编号为“nobody”的人员",
            ),
            ("[[group]]\nid = \"a\"\nname = \"x\"\n", "o.toml:5: group.unit: 这是谁的群？"),
            ("[[group]]\nid = \"a\"\nname = \"x\"\ncentre = true\nchat = \"cid\"\n", "o.toml:9: group.chat: 群号应当写成"),
            ("[[grop]]\nid = \"a\"\n", "o.toml:5: grop: 不认识这个键，是不是“group”？"),
            ("unit = 7\n", "o.toml:1: unit: 这里写的是整数，应当是一组一组的键"),
        ] {
            let whole = if source.starts_with("[[area]]") || source.starts_with("unit") {
                source.to_owned()
            } else {
                format!("{COUNTY}{source}")
            };
            let found = problems(&whole);
            assert!(found.iter().any(|problem| problem.starts_with(expected)), "{whole}\n{expected}\n{found:#?}");
        }
    }

    #[test]
    fn many_mistakes_are_one_answer_and_phones_are_never_quoted() {
        let found = problems(
            "[[person]]\nname = \"x\"\nphone = \"139\"\n[[unit]]\nid = \"a\"\n[[rule]]\nto = \"q\"\nwhen = { field = \"land\" }\n",
        );
        assert_eq!(found.len(), 6, "{found:#?}");
        assert!(!found.concat().contains("139"));
    }

    #[test]
    fn a_file_that_adds_may_refer_to_what_is_there_but_not_take_it() {
        let base = demonstration().unwrap();
        let add = "[[person]]\nid = \"new\"\nname = \"新人\"\ngrants = [ { role = \"liaison\", unit = \"swj\" } ]\n";
        assert!(read_toml("o.toml", add, &base).is_ok());
        let take = format!("{add}phone = \"13800000001\"\n[[unit]]\nid = \"x\"\nname = \"水利局\"\narea = \"131122\"\n")
            .replace("]\n[[unit", "]\n[[unit");
        let found: Vec<String> = read_toml("o.toml", &take, &base).unwrap_err().iter().map(Problem::to_string).collect();
        assert_eq!(found.len(), 2, "{found:#?}");
        assert!(found[0].starts_with("o.toml:5: person.phone: 这个手机号已经是“li”的了"), "{found:#?}");
        assert!(found[1].starts_with("o.toml:8: unit.name: 这个单位名称已经是“swj”的了"), "{found:#?}");
    }
}
