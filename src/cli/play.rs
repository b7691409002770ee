//! One dialog in the terminal, with the engine alone: no database, no platform, nothing is kept.

use super::{Done, read_config, say};
use crate::{
    app::{self, FORMS, House},
    bot::{
        App,
        dialog::{self, Answer, Dialog, Input, Item, Kind, MediaId, Query, State, Taken, Value},
        wording,
    },
    clock::Clock,
    error::{Error, Result},
    message::{Address, MediaKind, Point, Reply},
    people::{self, Actor, Directory, Office, Role, org},
    seal::Keys,
    tickets::sources,
};
use std::{
    collections::HashMap,
    io::{BufRead, IsTerminal, Write},
    path::PathBuf,
    sync::Arc,
};

pub(super) const HELP: &str = "一行就是一句话。[照片]、[语音]、[视频] 可以写在话前面，几张就写几个；[位置] 后面写地址。\n\
                               地点和单位用演示的，工单是编的。";

#[derive(Debug, clap::Args)]
pub(super) struct Play {
    #[arg(value_name = "对话", help = "对话的编号或开头的词，比如 report 或 反映", help_heading = "要写的")]
    dialog: String,
    #[arg(long = "as", value_name = "身份", help = "用什么身份，比如 dispatcher 或 派单员", help_heading = "选项")]
    role: Option<String>,
    #[arg(long, value_name = "名字=值", help = "不问、由程序带进来的答案，比如 field=groundwater", help_heading = "选项")]
    with: Vec<String>,
    #[arg(long, value_name = "文件", help = "用这份配置里的对话。不写就用内置的", help_heading = "选项")]
    config: Option<PathBuf>,
}

pub(super) fn play(play: &Play) -> Done {
    let folder = play.config.as_deref().map(read_config).transpose()?.and_then(|config| config.paths.dialogs);
    let dialogs = app::dialogs(folder.as_deref())?;
    let (dialog, mut given) = match dialogs.get(&play.dialog) {
        Some(dialog) => (dialog, dialog::Answers::new()),
        None => dialogs.started_by(&play.dialog).ok_or_else(|| {
            let ids: Vec<&str> = dialogs.iter().map(|dialog| dialog.id.as_str()).collect();
            Error::user(format!("没有对话“{}”，有的是：{}", play.dialog, ids.join("、")))
        })?,
    };
    for pair in &play.with {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        if !dialog.given.iter().any(|known| known == name) {
            return Err(
                Error::user(format!("“{}”没有要带进来的“{name}”，有的是：{}", dialog.title, dialog.given.join("、"))).into()
            );
        }
        given.insert(name.to_owned(), Value::key(value, value).into());
    }
    let directory = Arc::new(Directory::of(org::demonstration().map_err(app::listed)?));
    let office = Office { directory, keys: Keys::new(&[0; 32], &[]), dialogs: dialogs.clone() };
    let actor = actor(play.role.as_deref(), dialog, &House::new(office, HashMap::new()))?;

    let clock = Clock::system();
    let mut talk = Talk { dialog, actor, clock, state: dialog::begin(dialog, 1, given), pictures: 0 };
    if dialog::wanted(dialog, &talk.state).is_none() {
        say(&format!("这样没有要问的。可以用 --with 带进来的有：{}", dialog.given.join("、")));
        talk.submitted();
        return Ok(());
    }
    let question = talk.question(None);
    said(&question);
    let terminal = std::io::stdin().is_terminal();
    prompt(terminal);
    for line in std::io::stdin().lock().lines() {
        let line = line.map_err(|error| Error::user(format!("读不到要说的话（{error}）")))?;
        if !terminal {
            say(&format!("> {line}"));
        }
        if talk.hear(&line) {
            return Ok(());
        }
        prompt(terminal);
    }
    Err(Error::user("话说完了，对话还没有走完。").into())
}

/// Somebody of the demonstration who holds the role, if he may begin the dialog.
fn actor(role: Option<&str>, dialog: &Dialog, house: &House) -> Result<Actor> {
    let office = house.office();
    let role = match role {
        Some(word) => {
            let roles = || Role::ALL.into_iter().flat_map(|role| [role.as_str(), role.chinese()]);
            let unknown = || Error::user(crate::config::read::unknown(&format!("没有“{word}”这个身份"), word, roles()));
            Some(Role::parse(word).ok_or_else(unknown)?)
        }
        None => None,
    };
    let person = match role {
        None | Some(Role::Citizen) => 0,
        Some(role) => {
            let holder = office.directory.all_staff().find(|staff| staff.grants.iter().any(|grant| grant.role == role));
            holder.ok_or_else(|| Error::user(format!("演示里没有{role}")))?.id
        }
    };
    let address = Address { channel: "play".into(), account: "play".into(), group: None };
    let actor = Actor { person, address, office };
    if let Some(role) = role {
        let form = FORMS.iter().find(|form| form.dialog == dialog.id);
        if !house.may_start(&actor, dialog) || form.is_some_and(|form| !house.may(&actor, form)) {
            return Err(Error::user(format!("{role}不能用“{}”。", dialog.title)));
        }
    }
    Ok(actor)
}

struct Talk<'d> {
    dialog: &'d Dialog,
    actor: Actor,
    clock: Clock,
    state: State,
    pictures: i64,
}

impl Talk<'_> {
    /// Takes a line; says whether the dialog is over.
    fn hear(&mut self, line: &str) -> bool {
        let (text, media, point) = self.read(line);
        let input = Input::Said { text: &text, media: &media, point: point.as_ref(), at: self.clock.now() };
        let items = dialog::query(self.dialog, &self.state, Some(&input)).map(|query| self.items(&query)).unwrap_or_default();
        match dialog::take(self.dialog, &mut self.state, &input, &items) {
            Taken::Next { note, .. } => said(&self.question(note.as_deref())),
            Taken::Help => {
                let help = dialog::help(self.dialog, &self.state);
                said(&self.question(Some(&help)));
            }
            Taken::Silent { .. } => say("（记下了，不回话）"),
            Taken::Cancelled => {
                say(&wording::cancelled(&self.dialog.title));
                return true;
            }
            Taken::Done { .. } => {
                self.submitted();
                return true;
            }
        }
        false
    }

    fn question(&mut self, note: Option<&str>) -> Reply {
        let items = dialog::query(self.dialog, &self.state, None).map(|query| self.items(&query)).unwrap_or_default();
        dialog::prompt(self.dialog, &mut self.state, &items, note, self.clock.now())
    }

    /// A line as a message: what stands in brackets at its beginning came with it.
    fn read(&mut self, line: &str) -> (String, Vec<MediaId>, Option<Point>) {
        let mut rest = line.trim();
        let mut media = Vec::new();
        let words = [("[照片]", MediaKind::Photo), ("[语音]", MediaKind::Voice), ("[视频]", MediaKind::Video)];
        while let Some((after, kind)) = words.iter().find_map(|(word, kind)| Some((rest.strip_prefix(word)?, *kind))) {
            self.pictures += 1;
            media.push(MediaId { id: self.pictures, kind });
            rest = after.trim_start();
        }
        match rest.strip_prefix("[位置]") {
            // The town of Wuyi; a real message brings the place's own.
            Some(label) => (String::new(), media, Some(Point { lat: 37.80, lng: 115.89, label: label.trim().to_owned() })),
            None => (rest.to_owned(), media, None),
        }
    }

    /// What the demonstration has to choose from.
    fn items(&self, query: &Query) -> Vec<Item> {
        match query.source.as_str() {
            "areas" => people::desk::places(&self.actor, query),
            "units" => people::desk::units(&self.actor, &[]),
            "chat_groups" => people::desk::unbound_groups(&self.actor),
            "handlers" => {
                let handlers = self.actor.directory().all_staff();
                let handlers = handlers.filter(|staff| staff.grants.iter().any(|grant| grant.role == Role::Handler));
                handlers.map(|staff| Item::new(staff.reference.clone(), staff.name.clone())).collect()
            }
            "fields" => sources::fields(&self.actor),
            "tickets" | "leaders" => [("7", "前观津村 夜里有人打井"), ("8", "审坡镇 路灯不亮")]
                .map(|(number, what)| Item {
                    also: vec![format!("000{number}")],
                    ..Item::new(number, format!("000{number} {what}"))
                })
                .to_vec(),
            _ => Vec::new(),
        }
    }

    /// The answers as the action would get them; secrets are masked here too.
    fn submitted(&self) {
        say(&format!("会交给 {}：", self.dialog.submit));
        let shown = |id: &str| self.dialog.step(id).is_none_or(|step| step.kind != Kind::Confirm);
        for (id, answer) in dialog::answers(self.dialog, &self.state).into_iter().filter(|(id, _)| shown(id)) {
            let label = self.dialog.step(&id).map_or(String::new(), |step| format!("（{}）", step.label));
            let words = match &answer {
                Answer::Skipped => "跳过".to_owned(),
                Answer::Given(_) => dialog::filled(self.dialog, &self.state, &format!("{{{id}}}"), &|_| None),
            };
            let keys = match &answer {
                Answer::Given(value @ (Value::Key(_) | Value::Keys(_) | Value::Place { .. })) => {
                    format!("  [{}]", value.keys().join("、"))
                }
                Answer::Given(Value::Text(_) | Value::Number(_) | Value::Date(_) | Value::Account(_)) | Answer::Skipped => {
                    String::new()
                }
            };
            say(&format!("  {id}{label}：{words}{keys}"));
        }
        say("演练完了，什么也没有存。");
    }
}

/// A reply as a platform without buttons shows it; what would be buttons alone stands in brackets.
fn said(reply: &Reply) {
    let chips: Vec<String> =
        reply.choices.iter().filter(|choice| choice.number.is_none()).map(|choice| format!("［{}］", choice.text)).collect();
    let chips = if chips.is_empty() { String::new() } else { format!("\n{}", chips.join(" ")) };
    say(&format!("{}{chips}", reply.as_text()));
}

/// The sign that a line is expected.
fn prompt(terminal: bool) {
    if terminal {
        let mut out = std::io::stdout();
        let _ = out.write_all(b"> ").and_then(|()| out.flush());
    }
}
