//! From TOML to dialogs. All problems of all files are found at once; a set with a problem is no set.

use super::controls::{Control, Controls, whole};
use super::read::{File, Table, Text};
use super::state::{Answer, Answers, Value};
use super::summary::names;
use super::{Check, Dialog, Dialogs, Item, Kind, MAX_BYTES, Problem, Refuse, Rule, Source, Step, Times, When, reach};
use crate::clock::{DAY, HOUR, MINUTE};
use crate::message::Millis;
use crate::text;
use indexmap::IndexMap;
use regex::Regex;
use std::collections::BTreeSet;
use std::sync::Arc;

/// The file of the control words.
const CONTROLS: &str = "controls.toml";

/// What the features registered; a file may name nothing else.
#[derive(Debug, Clone, Copy, Default)]
pub struct Known<'a> {
    /// Actions for `submit` and `each`.
    pub actions: &'a [&'a str],
    /// Sources of choices.
    pub sources: &'a [&'a str],
    /// Rules for `check.rule`.
    pub rules: &'a [(&'a str, Rule)],
    /// Role identifiers.
    pub roles: &'a [&'a str],
}

impl Dialogs {
    /// Reads a set of files, given as (name relative to the folder, text).
    ///
    /// # Errors
    /// Every problem of every file, in the order of files and lines.
    pub fn load(files: &[(String, String)], known: &Known<'_>) -> Result<Dialogs, Vec<Problem>> {
        let mut problems = Vec::new();
        let controls = match files.iter().find(|(name, _)| name == CONTROLS) {
            Some((name, text)) => {
                let file = File::new(name, text);
                let controls = file.parse().map(|table| read_controls(&Table::root(&file, &table))).unwrap_or_default();
                problems.extend(file.into_problems());
                Arc::new(controls)
            }
            None => {
                let file = File::new(CONTROLS, "");
                file.problem(&(0..0), "controls", "没有这个文件", "放回 controls.toml");
                problems.extend(file.into_problems());
                Arc::default()
            }
        };
        let mut dialogs: IndexMap<String, Dialog> = IndexMap::new();
        let mut starts = BTreeSet::new();
        for (name, text) in files.iter().filter(|(name, _)| name != CONTROLS) {
            let file = File::new(name, text);
            if let Some(table) = file.parse()
                && let Some(dialog) = read_dialog(&Table::root(&file, &table), known, &controls, &mut starts)
            {
                if dialogs.contains_key(&dialog.id) {
                    Table::root(&file, &table).problem("id", format!("“{}”已有别的文件用了", dialog.id), "换一个");
                }
                dialogs.insert(dialog.id.clone(), dialog);
            }
            problems.extend(file.into_problems());
        }
        if problems.is_empty() { Ok(Dialogs { dialogs, controls }) } else { Err(problems) }
    }
}

fn read_schema(top: &Table<'_>) {
    match top.whole("schema") {
        Some(1) => {}
        Some(other) => top.problem("schema", format!("不认识第 {other} 版格式"), "写 schema = 1"),
        None if top.has("schema") => {}
        None => top.problem("schema", "没有写", "加上 schema = 1"),
    }
}

fn read_controls(top: &Table<'_>) -> Controls {
    read_schema(top);
    let mut seen = BTreeSet::new();
    let mut once = |key: &'static str| -> Vec<String> {
        let words = top.texts(key);
        if words.is_empty() {
            top.problem(key, "没有词", format!("写成 {key} = [\"……\"]"));
        }
        for word in &words {
            if !seen.insert(whole(&word.value)) {
                top.file.problem(&word.span, key, format!("“{}”写了两次", word.value), "一个词只能有一个意思");
            }
        }
        words.into_iter().map(|word| word.value).collect()
    };
    let words = Control::ALL.into_iter().map(|(control, key)| (control, once(key))).collect();
    let controls = Controls { words, change: once("change"), becomes: once("becomes") };
    top.close();
    controls
}

fn read_dialog(top: &Table<'_>, known: &Known<'_>, controls: &Arc<Controls>, starts: &mut BTreeSet<String>) -> Option<Dialog> {
    read_schema(top);
    let id = identifier(top, "id");
    let title = top.required("title");
    let start = top.texts("start");
    for word in &start {
        if controls.of(&word.value).is_some() {
            top.file.problem(&word.span, "start", format!("“{}”是控制词", word.value), "换一个开头的词");
        } else if !starts.insert(whole(&word.value)) {
            top.file.problem(&word.span, "start", format!("“{}”已经能开始别的对话", word.value), "换一个开头的词");
        }
    }
    let roles = registered(top, "roles", &top.texts("roles"), known.roles, "角色");
    let given: Vec<String> = top.texts("given").into_iter().map(|slot| slot.value).collect();
    let leads: Vec<String> = top.texts("leads").into_iter().map(|id| id.value).collect();
    let submit = top.required("submit").and_then(|text| registered(top, "submit", &[text], known.actions, "动作").pop());
    let each = top.text("each").and_then(|text| registered(top, "each", &[text], known.actions, "动作").pop());
    let done = top.text("done");
    if let Some(done) = &done {
        fits(top, "done", done.value.len());
    }
    let idle = read_times(top);
    let refuse = read_refuse(top);
    let mut steps: Vec<Step> = Vec::new();
    let tables: Vec<Table<'_>> = top.tables("step");
    let mut spans = Vec::new();
    for table in tables {
        let name = table.text("id").map_or_else(|| table.path(""), |id| format!("step {}", id.value));
        let table = table.named(&name);
        if let Some(step) = read_step(&table, &steps, &given, known, controls) {
            spans.push(table);
            steps.push(step);
        }
    }
    if steps.is_empty() && !top.has("step") {
        top.problem("step", "一个问题也没有", "加上 [[step]]");
    }
    check_whole(&steps, &spans);
    let presets = read_presets(top, &start, &given, &steps);
    top.close();
    Some(Dialog {
        id: id?,
        title: title?.value,
        start: start.into_iter().map(|word| word.value).collect(),
        presets,
        roles,
        leads,
        given,
        submit: submit?,
        each,
        done: done.map(|text| text.value),
        idle,
        refuse,
        steps,
        controls: controls.clone(),
    })
}

/// What can be said only when all steps are known.
fn check_whole(steps: &[Step], tables: &[Table<'_>]) {
    if let (Some(last), Some(table)) = (steps.last(), tables.last())
        && last.kind == Kind::Say
    {
        table.problem("kind", "最后一步不能只是说话", "把这句话写到 done，或放到问题前面");
    }
    let mut confirmed = false;
    for (at, (step, table)) in steps.iter().zip(tables).enumerate() {
        let unreachable = !reach::together(steps, &[step]);
        if unreachable {
            table.problem("when", "这一步永远不会问到", "改一改 when 的条件，或删掉这一步");
        }
        if confirmed && step.when == When::always() {
            table.problem("id", "核对以后的问题要有 when", "把这一步放到核对前面，或加上 when");
        }
        confirmed |= step.kind == Kind::Confirm;
        for earlier in &steps[..at] {
            if earlier.label == step.label && !unreachable && reach::together(steps, &[earlier, step]) {
                table.problem("label", format!("“{}”和 {} 重了", step.label, earlier.id), "换一个题目，不然没法说“改……”");
            }
        }
    }
}

fn identifier(table: &Table<'_>, key: &'static str) -> Option<String> {
    let id = table.required(key)?;
    if id.value.starts_with(|c: char| c.is_ascii_lowercase())
        && id.value.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
    {
        return Some(id.value);
    }
    table.file.problem(&id.span, table.path(key), format!("“{}”不行", id.value), "只用小写字母、数字和 _，字母开头");
    None
}

/// The names that are registered; the others are problems.
fn registered(table: &Table<'_>, key: &str, names: &[Text], among: &[&str], what: &str) -> Vec<String> {
    let mut found = Vec::new();
    for name in names {
        if among.contains(&name.value.as_str()) {
            found.push(name.value.clone());
        } else {
            let right = text::nearest(&name.value, among.iter().copied())
                .map_or_else(|| "看看名字有没有写错".to_owned(), |near| format!("是不是 {near}？"));
            table.file.problem(&name.span, table.path(key), format!("没有{what}“{}”", name.value), right);
        }
    }
    found
}

fn fits(table: &Table<'_>, key: &str, bytes: usize) {
    if bytes > MAX_BYTES {
        table.problem(key, format!("太长：{bytes} 字节"), format!("微信一条最多 {MAX_BYTES} 字节，请写短"));
    }
}

fn read_times(top: &Table<'_>) -> Times {
    let mut times = Times { remind_after: 2 * HOUR, pause_after: 6 * HOUR, drop_after: 24 * HOUR };
    let Some(idle) = top.table("idle") else { return times };
    for (key, time) in [
        ("remind_after", &mut times.remind_after),
        ("pause_after", &mut times.pause_after),
        ("drop_after", &mut times.drop_after),
    ] {
        if let Some(text) = idle.text(key) {
            match duration(&text.value) {
                Some(millis) => *time = millis,
                None => idle.problem(key, format!("“{}”不是时长", text.value), "写成 30m、2h 或 1d"),
            }
        }
    }
    if !(times.remind_after <= times.pause_after && times.pause_after <= times.drop_after) {
        top.problem("idle", "时长的先后不对", "remind_after 不能比 pause_after 长，pause_after 不能比 drop_after 长");
    }
    idle.close();
    times
}

fn duration(text: &str) -> Option<Millis> {
    let (number, unit) = text.trim().split_at_checked(text.trim().len().checked_sub(1)?)?;
    let unit = match unit {
        "m" => MINUTE,
        "h" => HOUR,
        "d" => DAY,
        _ => return None,
    };
    number.parse::<u32>().ok().filter(|number| *number > 0).map(|number| Millis::from(number) * unit)
}

fn read_refuse(table: &Table<'_>) -> Vec<Refuse> {
    let mut refuse = Vec::new();
    for entry in table.tables("refuse") {
        let (pattern, error) = (pattern(&entry, "pattern"), entry.required("error"));
        if !entry.has("pattern") {
            entry.problem("pattern", "没有写", "加上 pattern = '……'");
        }
        entry.close();
        if let (Some(pattern), Some(error)) = (pattern, error) {
            refuse.push(Refuse { pattern, error: error.value });
        }
    }
    refuse
}

fn pattern(table: &Table<'_>, key: &'static str) -> Option<Regex> {
    let text = table.text(key)?;
    if text.value.contains(r"\b") {
        table.problem(key, r"\b 在汉字旁边不起作用", r"写成 (?:^|\D) 和 (?:\D|$) 这样");
        return None;
    }
    Regex::new(&text.value)
        .map_err(|error| {
            let reason = error.to_string();
            let reason = reason.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned();
            table.problem(key, format!("这个式子不对（{reason}）"), "改正式子，放在单引号里写");
        })
        .ok()
}

fn read_presets(top: &Table<'_>, start: &[Text], given: &[String], steps: &[Step]) -> IndexMap<String, Answers> {
    let mut presets = IndexMap::new();
    let Some(table) = top.table("presets") else { return presets };
    for (word, value) in table.free() {
        if !start.iter().any(|known| known.value == word.value) {
            top.file.problem(&word.span, table.path(&word.value), "start 里没有这个词", "先把它写进 start");
        }
        let Some(entries) = Table::of(top.file, value, table.path(&word.value)) else {
            top.file.problem(&value.span(), table.path(&word.value), "这里要写一组答案", "写成 { 名字 = \"值\" }");
            continue;
        };
        let mut answers = Answers::new();
        for (slot, value) in entries.free() {
            let step = steps.iter().find(|step| step.id == slot.value);
            let path = entries.path(&slot.value);
            let Some(words) = value.get_ref().as_str() else {
                top.file.problem(&value.span(), path, "这里要写文字", "写成 \"……\"");
                continue;
            };
            let choice = step.and_then(|step| step.choices.iter().find(|choice| choice.key == words));
            match (step, choice) {
                (_, Some(choice)) => _ = answers.insert(slot.value, Answer::Given(taken(choice))),
                (None, None) if given.contains(&slot.value) => _ = answers.insert(slot.value, Value::text(words).into()),
                (Some(step), None) if step.kind == Kind::Text => _ = answers.insert(slot.value, Value::text(words).into()),
                (Some(_), None) => top.file.problem(&value.span(), path, "没有这个选项", "写选项的 key"),
                (None, None) => top.file.problem(&slot.span, path, "没有这个名字", "先写进 given"),
            }
        }
        presets.insert(word.value, answers);
    }
    presets
}

/// The value of a fixed choice.
pub(super) fn taken(choice: &Item) -> Value {
    choice
        .value
        .clone()
        .unwrap_or_else(|| Value::key(choice.key.clone(), choice.short.clone().unwrap_or_else(|| choice.text.clone())))
}

fn read_kind(table: &Table<'_>) -> Option<Kind> {
    const KINDS: [(&str, Kind); 9] = [
        ("choice", Kind::Choice),
        ("text", Kind::Text),
        ("number", Kind::Number),
        ("date", Kind::Date),
        ("media", Kind::Media),
        ("account", Kind::Account),
        ("place", Kind::Place),
        ("say", Kind::Say),
        ("confirm", Kind::Confirm),
    ];
    let text = table.required("kind")?;
    let found = KINDS.iter().find(|(name, _)| *name == text.value);
    if found.is_none() {
        let names: Vec<&str> = KINDS.iter().map(|(name, _)| *name).collect();
        table.problem("kind", format!("没有“{}”这种问题", text.value), format!("可以写 {}", names.join("、")));
    }
    found.map(|(_, kind)| *kind)
}

fn read_step(table: &Table<'_>, before: &[Step], given: &[String], known: &Known<'_>, controls: &Controls) -> Option<Step> {
    let id = identifier(table, "id");
    let kind = read_kind(table);
    let label = match kind {
        Some(Kind::Say) => table.text("label"),
        _ => table.required("label"),
    };
    let ask = table.required("ask");
    let ask_with_media = table.text("ask_with_media");
    let ask_with_words = table.text("ask_with_words");
    let hint = table.text("hint");
    if let Some(id) = &id {
        if before.iter().any(|step| step.id == *id) {
            table.problem("id", format!("“{id}”已经有了"), "换一个");
        }
        if given.contains(id) {
            table.problem("id", format!("“{id}”也写在 given 里"), "两处只留一处");
        }
    }
    if let Some(label) = &label
        && controls.of(&label.value).is_some()
    {
        table.problem("label", format!("“{}”是控制词", label.value), "换一个题目");
    }
    let earlier = |slot: &str| before.iter().any(|step| step.id == slot) || given.iter().any(|name| name == slot);
    let reference = |table: &Table<'_>, key: &str, slot: &str| {
        if !earlier(slot) {
            let names = before.iter().map(|step| step.id.as_str()).chain(given.iter().map(String::as_str));
            let right = text::nearest(slot, names)
                .map_or_else(|| "只能用前面的问题，或 given 里的名字".to_owned(), |near| format!("是不是 {near}？"));
            table.problem(key, format!("前面没有“{slot}”"), right);
        }
    };
    for (key, words) in [("ask", &ask), ("ask_with_media", &ask_with_media), ("ask_with_words", &ask_with_words), ("hint", &hint)]
    {
        for slot in words.iter().flat_map(|words| names(&words.value)) {
            reference(table, key, slot);
        }
    }
    let choices = read_choices(table, controls, kind);
    let from = table.table("from").and_then(|from| read_source(&from, known));
    let mut depends = Vec::new();
    for slot in table.texts("depends") {
        reference(table, "depends", &slot.value);
        depends.push(slot.value);
    }
    for slot in from.iter().flat_map(|from| from.params.iter()).flat_map(|(_, value)| names(value)) {
        reference(table, "from", slot);
        if !depends.iter().any(|known| known == slot) {
            depends.push(slot.to_owned());
        }
    }
    let when = match table.table("when") {
        Some(when) => read_when(&when, before, &reference)?,
        None => When::always(),
    };
    let default = table.text("default").and_then(|default| {
        let choice = choices.iter().find(|choice| choice.key == default.value);
        match (kind?, choice) {
            (_, Some(choice)) => Some(taken(choice)),
            (Kind::Text, None) => Some(Value::text(default.value)),
            _ => {
                let right = text::nearest(&default.value, choices.iter().map(|choice| choice.key.as_str()))
                    .map_or_else(|| "写 choices 里的一个 key".to_owned(), |near| format!("是不是 {near}？"));
                table.problem("default", format!("没有选项“{}”", default.value), right);
                None
            }
        }
    });
    let summary = table.texts("summary");
    for shown in &summary {
        reference(table, "summary", &shown.value);
    }
    let check = match table.table("check") {
        Some(check) => read_check(&check, known),
        None => Check::default(),
    };
    let step = Step {
        id: id?,
        label: label.map(|label| label.value).unwrap_or_default(),
        kind: kind?,
        ask: ask?.value,
        ask_with_media: ask_with_media.map(|text| text.value),
        ask_with_words: ask_with_words.map(|text| text.value),
        hint: hint.map(|text| text.value),
        choices,
        from,
        when,
        depends,
        optional: table.flag("optional"),
        skip: table.texts("skip").into_iter().map(|word| word.value).collect(),
        multi: table.flag("multi"),
        secret: table.flag("secret"),
        default,
        check,
        summary: summary.into_iter().map(|shown| shown.value).collect(),
    };
    check_step(table, &step, before);
    table.close();
    Some(step)
}

/// What the keys of one step must have to do with its kind.
fn check_step(table: &Table<'_>, step: &Step, before: &[Step]) {
    let misplaced = |key: &'static str, wrong: bool| {
        if wrong && table.has(key) {
            table.problem(key, "这种问题用不着它", "删掉这一行");
        }
    };
    match step.kind {
        Kind::Choice if step.choices.is_empty() && step.from.is_none() => {
            table.problem("choices", "没有选项", "加上 choices = [ …… ] 或 from = { source = \"……\" }");
        }
        Kind::Place if step.from.is_none() => {
            table.problem("from", "没有写", "加上 from = { source = \"areas\", level = \"village\" }");
        }
        _ => {}
    }
    misplaced("choices", !matches!(step.kind, Kind::Choice | Kind::Confirm));
    misplaced("from", !matches!(step.kind, Kind::Choice | Kind::Place));
    misplaced("summary", step.kind != Kind::Confirm);
    misplaced("ask_with_media", step.kind != Kind::Account);
    misplaced("ask_with_words", step.kind != Kind::Account);
    misplaced("multi", !matches!(step.kind, Kind::Choice | Kind::Account | Kind::Media));
    misplaced("optional", matches!(step.kind, Kind::Say | Kind::Confirm));
    misplaced("default", !matches!(step.kind, Kind::Choice | Kind::Text));
    if !step.skip.is_empty() && !step.optional {
        table.problem("skip", "这一步不能跳过", "加上 optional = true");
    }
    if step.kind == Kind::Confirm {
        for choice in &step.choices {
            let target = choice.key.strip_prefix("edit:");
            let right = match target {
                Some(target) => before.iter().any(|step| step.id == target),
                None => choice.key == "submit" || choice.key == "cancel",
            };
            if !right {
                table.problem("choices", format!("核对时没有“{}”", choice.key), "可以写 submit、cancel 和 edit:前面的问题");
            }
        }
    }
    // As the person sees it: the question, and one page of choices as lines.
    let lines: usize = step.choices.iter().take(9).map(|choice| choice.text.len() + 5).sum();
    fits(table, "ask", step.ask.len() + lines);
    for (key, words) in [("hint", &step.hint), ("ask_with_media", &step.ask_with_media), ("ask_with_words", &step.ask_with_words)]
    {
        fits(table, key, words.as_ref().map_or(0, String::len) + lines);
    }
    fits(table, "check", step.check.error.as_ref().map_or(0, String::len) + step.ask.len() + lines);
}

fn read_choices(table: &Table<'_>, controls: &Controls, kind: Option<Kind>) -> Vec<Item> {
    let mut choices: Vec<Item> = Vec::new();
    let mut words: BTreeSet<String> = BTreeSet::new();
    for entry in table.tables("choices") {
        let (key, text) = (entry.required("key"), entry.required("text"));
        let also = entry.texts("also");
        let no = entry.count("no").and_then(|no| u32::try_from(no).ok());
        let short = entry.text("short");
        entry.close();
        let (Some(key), Some(text)) = (key, text) else { continue };
        if key.value.contains('*') || choices.iter().any(|choice| choice.key == key.value) {
            entry.problem("key", format!("“{}”不行或写了两次", key.value), "换一个");
        }
        if no.is_some() && choices.iter().any(|choice| choice.no == no) {
            entry.problem("no", "这个数字写了两次", "换一个");
        }
        for word in std::iter::once(&text).chain(&also) {
            if !words.insert(whole(&word.value)) {
                table.file.problem(&word.span, entry.path("text"), format!("“{}”写了两次", word.value), "换一个说法");
            }
            // A choice wins over a control word. The way out must stay open.
            if controls.of(&word.value) == Some(Control::Cancel) && !(kind == Some(Kind::Confirm) && key.value == "cancel") {
                table.file.problem(&word.span, entry.path("text"), format!("“{}”是用来退出的词", word.value), "换一个说法");
            }
        }
        choices.push(Item {
            key: key.value,
            text: text.value,
            also: also.into_iter().map(|word| word.value).collect(),
            short: short.map(|text| text.value),
            no,
            ..Item::default()
        });
    }
    let fixed = choices.iter().filter(|choice| choice.no.is_some()).count();
    if fixed != 0 && fixed != choices.len() {
        table.problem("choices", "有的选项写了 no，有的没写", "要么都写，要么都不写");
    }
    choices
}

fn read_source(from: &Table<'_>, known: &Known<'_>) -> Option<Source> {
    let name = from.required("source")?;
    let name = registered(from, "source", &[name], known.sources, "来源").pop()?;
    let mut params = Vec::new();
    for (key, value) in from.free() {
        if key.value == "source" {
            continue;
        }
        match value.get_ref().as_str() {
            Some(words) => params.push((key.value, words.to_owned())),
            None => from.file.problem(&value.span(), from.path(&key.value), "这里要写文字", "写成 \"……\""),
        }
    }
    Some(Source { name, params })
}

fn read_when(when: &Table<'_>, before: &[Step], reference: &dyn Fn(&Table<'_>, &str, &str)) -> Option<When> {
    let read = if when.has("slot") {
        let slot = when.text("slot")?.value;
        reference(when, "slot", &slot);
        let is = when.texts("is");
        if is.is_empty() {
            when.problem("is", "没有写", "写成 is = [\"……\"]");
        }
        let step = before.iter().find(|step| step.id == slot);
        if let Some(step) = step.filter(|step| step.kind == Kind::Choice && step.from.is_none()) {
            for value in is.iter().filter(|value| !step.choices.iter().any(|choice| choice.key == value.value)) {
                let keys = step.choices.iter().map(|choice| choice.key.as_str());
                let right = text::nearest(&value.value, keys.clone())
                    .map_or_else(|| format!("可以写 {}", keys.collect::<Vec<_>>().join("、")), |near| format!("是不是 {near}？"));
                when.file.problem(&value.span, when.path("is"), format!("{slot} 没有选项“{}”", value.value), right);
            }
        }
        When::Is { slot, is: is.into_iter().map(|value| value.value).collect() }
    } else if when.has("not") {
        When::Not(Box::new(read_when(&when.table("not")?, before, reference)?))
    } else if when.has("any") {
        When::Any(when.tables("any").iter().filter_map(|inner| read_when(inner, before, reference)).collect())
    } else if when.has("all") {
        When::All(when.tables("all").iter().filter_map(|inner| read_when(inner, before, reference)).collect())
    } else {
        when.problem("", "没有条件", "写 slot 和 is，或 not、any、all");
        return None;
    };
    when.close();
    Some(read)
}

fn read_check(check: &Table<'_>, known: &Known<'_>) -> Check {
    let names: Vec<&str> = known.rules.iter().map(|(name, _)| *name).collect();
    let rule = check.text("rule").and_then(|name| registered(check, "rule", &[name], &names, "规则").pop());
    let read = Check {
        min_chars: check.count("min_chars"),
        max_chars: check.count("max_chars"),
        pattern: pattern(check, "pattern"),
        error: check.text("error").map(|text| text.value),
        refuse: read_refuse(check),
        max_items: check.count("max_items"),
        max_mb: check.count("max_mb").and_then(|mb| u64::try_from(mb).ok()),
        min: check.whole("min"),
        max: check.whole("max"),
        rule: rule.and_then(|name| known.rules.iter().find(|(known, _)| *known == name)).map(|(_, rule)| *rule),
    };
    if read.min_chars.zip(read.max_chars).is_some_and(|(min, max)| min > max) {
        check.problem("min_chars", "比 max_chars 还大", "把它改小");
    }
    if read.min.zip(read.max).is_some_and(|(min, max)| min > max) {
        check.problem("min", "比 max 还大", "把它改小");
    }
    check.close();
    read
}
