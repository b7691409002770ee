//! A small town around the engine: sources with a few places, units and tickets, and one person who talks.

mod files;
mod loader;
mod props;
mod stories;

use super::*;
use crate::clock::SECOND;
use crate::message::{MediaKind, Point, Reply};
use std::sync::LazyLock;

/// The actions of all features, so that the shipped dialogs are tested as they are.
static ACTIONS: LazyLock<Vec<&'static str>> =
    LazyLock::new(|| crate::tickets::desk::ACTIONS.iter().chain(crate::people::desk::ACTIONS).copied().collect());

/// What the features register, as far as the shipped dialogs name it.
pub(super) fn known() -> Known<'static> {
    const RULES: &[(&str, Rule)] =
        &[("finish_result", finish_result), ("matters", anything), ("unreasonable_claim", anything), ("demand", anything)];
    Known {
        actions: &ACTIONS,
        sources: &[
            "areas",
            "tickets",
            "units",
            "handlers",
            "chat_groups",
            "checkers",
            "leaders",
            "fields",
            "deputies",
            "suggestions",
            "suggestion_moves",
            "same",
            "staff",
            "liaisons",
        ],
        rules: RULES,
        roles: &["citizen"],
    }
}

fn anything(_: &Value, _: &Answers) -> Result<(), String> {
    Ok(())
}

fn finish_result(value: &Value, before: &Answers) -> Result<(), String> {
    let Value::Account(account) = value else { return Ok(()) };
    let needs_photo = before.get("needs_photo").and_then(Answer::value).is_some_and(|value| value.keys() == ["yes"]);
    if needs_photo && account.media.is_empty() {
        return Err("要有一张照片。".into());
    }
    let least = if account.media.is_empty() { 20 } else { 10 };
    if account.text.chars().count() < least { Err(format!("请写{least}个字以上。")) } else { Ok(()) }
}

pub(super) fn shipped() -> Dialogs {
    Dialogs::load(&Dialogs::builtin_files(), &known())
        .unwrap_or_else(|problems| panic!("{}", problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")))
}

fn place(code: &str, town: &str, name: &str) -> Item {
    Item {
        key: code.into(),
        text: format!("{town}{name}"),
        also: vec![name.into(), format!("{name}村")],
        value: Some(Value::Place { code: code.into(), name: format!("{town}{name}"), point: None, words: String::new() }),
        ..Item::default()
    }
}

/// The sources of a feature, as simple as they can be.
pub(super) fn source(query: &Query) -> Vec<Item> {
    match query.source.as_str() {
        "areas" => {
            let villages = [
                place("131122102214", "审坡镇", "前观津"),
                place("131122102215", "审坡镇", "东观津"),
                place("131122100223", "武邑镇", "刘家庄"),
                place("131122101240", "清凉店镇", "刘家庄"),
                place("131122106253", "龙店镇", "刘家庄"),
            ];
            let town = Item { key: "131122102".into(), text: "审坡镇".into(), narrows: true, ..Item::default() };
            if query.point.is_some() && query.search.is_none() {
                return if query.point.as_ref().is_some_and(|point| point.lat > 0.0) { villages[..2].to_vec() } else { vec![] };
            }
            let Some(search) = &query.search else { return vec![] };
            if search == "审坡镇" || search == "审坡" {
                return vec![town];
            }
            let inside = |item: &&Item| query.within.as_ref().is_none_or(|within| item.key.starts_with(within.as_str()));
            villages
                .iter()
                .filter(inside)
                .filter(|item| {
                    item.also.iter().any(|name| {
                        search.contains(name.as_str()) || (search.chars().count() > 1 && name.contains(search.as_str()))
                    })
                })
                .cloned()
                .collect()
        }
        "units" => [
            "水务局",
            "住房和城乡建设局",
            "生态环境局",
            "农业农村局",
            "交通运输局",
            "民政局",
            "教育局",
            "公安局",
            "信访局",
            "水利站",
            "审坡镇政府",
        ]
        .iter()
        .enumerate()
        .map(|(at, name)| Item { key: format!("u{at}"), text: (*name).into(), ..Item::default() })
        .collect(),
        "tickets" | "leaders" | "same" => {
            vec![Item::new("71", "0007 夜里抽水（前观津）"), Item::new("72", "0008 路灯不亮（东观津）")]
        }
        "handlers" | "checkers" | "staff" | "liaisons" | "deputies" | "suggestions" | "suggestion_moves" => {
            vec![Item::new("p1", "张三"), Item::new("p2", "王五")]
        }
        "chat_groups" => vec![Item::new("g-swj", "水务局工作群")],
        "fields" => vec![Item::new("land", "违法违规圈占土地"), Item::new("groundwater", "地下水超采综合治理")],
        other => panic!("no source {other}"),
    }
}

/// One person in one dialog.
pub(super) struct Person<'d> {
    pub dialog: &'d Dialog,
    pub state: State,
    pub reply: Reply,
    pub taken: Option<Taken>,
    pub now: i64,
    next_media: i64,
}

impl<'d> Person<'d> {
    pub fn begins(dialog: &'d Dialog, given: Answers) -> Self {
        let state = begin(dialog, 5, given);
        let mut person = Person { dialog, state, reply: Reply::default(), taken: None, now: 1_795_000_000_000, next_media: 1 };
        person.asked(None);
        person
    }

    pub fn items(&self, input: Option<&Input<'_>>) -> Vec<Item> {
        query(self.dialog, &self.state, input).map(|query| source(&query)).unwrap_or_default()
    }

    pub fn asked(&mut self, note: Option<&str>) {
        let items = self.items(None);
        self.reply = prompt(self.dialog, &mut self.state, &items, note, self.now);
    }

    pub fn does(&mut self, input: &Input<'_>) -> &mut Self {
        self.state = serde_json::from_str(&serde_json::to_string(&self.state).unwrap()).unwrap();
        let items = self.items(Some(input));
        let taken = take(self.dialog, &mut self.state, input, &items);
        match &taken {
            Taken::Next { note, .. } => self.asked(note.as_deref()),
            Taken::Help => {
                let note = help(self.dialog, &self.state);
                self.asked(Some(&note));
            }
            Taken::Silent { .. } | Taken::Done { .. } | Taken::Cancelled => self.reply = Reply::default(),
        }
        self.taken = Some(taken);
        self
    }

    pub fn says(&mut self, text: &str) -> &mut Self {
        self.now += 60 * SECOND;
        self.does(&Input::Said { text, media: &[], point: None, at: self.now })
    }

    pub fn sends(&mut self, kind: MediaKind, text: &str, seconds_later: i64) -> &mut Self {
        self.now += seconds_later * SECOND;
        let media = [MediaId { id: self.next_media, kind }];
        self.next_media += 1;
        self.does(&Input::Said { text, media: &media, point: None, at: self.now })
    }

    pub fn photo(&mut self) -> &mut Self {
        self.sends(MediaKind::Photo, "", 60)
    }

    pub fn locates(&mut self, lat: f64) -> &mut Self {
        let point = Point { lat, lng: 115.5, label: "村口".into() };
        self.does(&Input::Said { text: "", media: &[], point: Some(&point), at: self.now })
    }

    pub fn presses(&mut self, payload: &str) -> &mut Self {
        let (instance, step, key) = pressed(payload).unwrap();
        self.does(&Input::Pressed { instance, step, key })
    }

    #[track_caller]
    pub fn reads(&mut self, part: &str) -> &mut Self {
        let text = self.reply.as_text();
        assert!(text.contains(part), "“{part}” is not in:\n{text}");
        self
    }

    #[track_caller]
    pub fn is_asked(&mut self, step: &str) -> &mut Self {
        assert_eq!(wanted(self.dialog, &self.state).map(|step| step.id.as_str()), Some(step), "{}", self.reply.as_text());
        assert_eq!(self.state.open.as_ref().map(|open| open.step.as_str()), Some(step));
        self
    }

    #[track_caller]
    pub fn is_done(&mut self) -> &mut Self {
        assert!(matches!(self.taken, Some(Taken::Done { .. })), "{:?}: {}", self.taken, self.reply.as_text());
        self
    }

    pub fn answer(&self, step: &str) -> Option<Answer> {
        answers(self.dialog, &self.state).get(step).cloned()
    }

    pub fn account(&self, step: &str) -> Account {
        match self.answer(step) {
            Some(Answer::Given(Value::Account(account))) => account,
            other => panic!("{step} is {other:?}"),
        }
    }

    pub fn key(&self, step: &str) -> String {
        self.answer(step).and_then(|answer| answer.value().map(|value| value.keys().join(","))).unwrap_or_default()
    }
}

pub(super) fn slots(pairs: &[(&str, &str)]) -> Answers {
    pairs.iter().map(|(slot, value)| ((*slot).to_owned(), Value::text(*value).into())).collect()
}
