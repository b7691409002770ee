//! Checking everything that is written in files, without touching a database.

use super::{CONFIG, Done, Failure, complain, say};
use crate::{
    app,
    config::{
        Config,
        read::{self, Problem, Table, Value},
    },
    error::Error,
    people::{
        Directory,
        org::{self, Org},
        sheet,
    },
};
use std::path::Path;

pub(super) fn check(path: Option<&Path>) -> Done {
    let own = Path::new(CONFIG);
    let (checked, problems, warnings) = match path.or(own.exists().then_some(own)) {
        Some(path) => installation(path),
        None => builtin(),
    };
    for warning in warnings {
        complain(&format!("提醒：{warning}"));
    }
    if problems.is_empty() {
        say(&format!("{checked}，没有问题。"));
        Ok(())
    } else {
        Err(Failure { code: 1, says: problems.join("\n") })
    }
}

/// What was checked, in words, its problems, and what is worth a word without being wrong.
type Found = (String, Vec<String>, Vec<String>);

/// The demonstration has few people on purpose: which roles nobody holds there is of no use to anybody.
fn builtin() -> Found {
    let mut problems = dialogs(None);
    problems.extend(org::demonstration().err().iter().flat_map(|found| said(found)));
    ("没有 minhu.toml，检查的是内置的对话和演示的单位人员".into(), problems, Vec::new())
}

fn installation(path: &Path) -> Found {
    let checked = format!("检查了 {}", path.display());
    let (config, mut found) = match Config::examine(path, std::env::vars()) {
        Ok(read) => read,
        Err(problems) => return (checked, said(&problems), Vec::new()),
    };
    // A channel of an unknown kind was reported when the file was read.
    let known = |new: &Problem, found: &[Problem]| found.iter().any(|old| (old.line, &old.key) == (new.line, &new.key));
    for problem in app::problems(&config) {
        if !known(&problem, &found) {
            found.push(problem);
        }
    }
    found.sort();
    let (mut problems, mut warnings) = (said(&found), Vec::new());
    if let Some(file) = &config.paths.org {
        match sheet::read(file, &Org::default()) {
            Ok(org) => {
                warnings.extend(unknown_channels(&org, &config));
                warnings.extend(Directory::of(org).gaps());
            }
            Err(found) => problems.extend(said(&found)),
        }
    }
    if let Some(folder) = config.paths.dialogs.as_deref().filter(|folder| !folder.is_dir()) {
        let at = format!("{}:{}", path.display(), line(path, "paths", "dialogs"));
        warnings.push(format!("{at}: paths.dialogs: 没有 {} 这个文件夹，会用内置的对话", folder.display()));
    }
    problems.extend(dialogs(config.paths.dialogs.as_deref()));
    (checked, problems, warnings)
}

fn said(problems: &[Problem]) -> Vec<String> {
    problems.iter().map(ToString::to_string).collect()
}

fn dialogs(folder: Option<&Path>) -> Vec<String> {
    match app::dialogs(folder) {
        Ok(_) => Vec::new(),
        Err(Error::User(says)) => says.lines().map(str::to_owned).collect(),
        Err(error @ (Error::Database(_) | Error::Fault(_))) => vec![error.to_string()],
    }
}

/// Channels that the organisation speaks of and that are not configured: nobody could be reached there.
fn unknown_channels(org: &Org, config: &Config) -> Vec<String> {
    let accounts = org.persons.iter().flat_map(|person| &person.accounts).map(|(channel, _)| channel);
    let chats = org.groups.iter().filter_map(|group| group.chat.as_ref()).map(|(channel, _)| channel);
    let mut named: Vec<&String> = accounts.chain(chats).filter(|id| config.channels.iter().all(|own| own.id != **id)).collect();
    named.sort();
    named.dedup();
    named.into_iter().map(|id| format!("单位人员里写了渠道“{id}”的账号或群，配置里没有这个渠道")).collect()
}

/// The line of a key; 1 when it came from the environment.
fn line(path: &Path, section: &str, key: &str) -> usize {
    let source = std::fs::read_to_string(path).unwrap_or_default();
    let (table, _) = read::toml("", &source);
    let inner = |table: &Table| table.get(key).map(|cell| cell.at.line);
    match table.get(section).map(|cell| &cell.value) {
        Some(Value::Table(table)) => inner(table).unwrap_or(1),
        _ => 1,
    }
}
