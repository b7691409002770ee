//! Plays every story in `tests/transcripts/` through the real program; see `CONTRIBUTING.md`.
//!
//! `MINHUTEST_ONLY=派单` plays the files whose path contains it, `MINHUTEST_UPDATE=1` writes down what really happened.
#![cfg(test)]

mod log;
mod moving;
mod secrecy;
mod support;

use futures_util::{StreamExt, stream};
use std::{
    io::Write,
    path::{Path, PathBuf},
};
use support::{chat::Chat, play};

/// Stories played at a time.
const AT_ONCE: usize = 2;

fn updating() -> bool {
    std::env::var("MINHUTEST_UPDATE").is_ok_and(|value| value == "1")
}

fn stories() -> Vec<PathBuf> {
    let mut folders = vec![play::folder()];
    let mut found = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|kind| kind == "chat") {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

fn name(path: &Path) -> String {
    path.strip_prefix(play::folder()).unwrap_or(path).display().to_string()
}

/// Plays one file; gives what is wrong with it.
async fn play_file(path: PathBuf, update: bool) -> Option<String> {
    let source = std::fs::read_to_string(&path).unwrap();
    let written = match Chat::parse(&source) {
        Ok(chat) => chat,
        Err(wrong) => return Some(wrong),
    };
    // In a task of its own, so that a strict platform's complaint ends one story and not all.
    let played = tokio::spawn({
        let written = written.clone();
        async move { play::play(&written).await }
    });
    let played = match played.await {
        Ok(Ok(played)) => played,
        Ok(Err(wrong)) => return Some(wrong),
        Err(broken) => return Some(broken.to_string()),
    };
    if update {
        std::fs::write(&path, played.chat.format()).unwrap();
        return (!played.left_over.is_empty()).then(|| played.left_over.join("\n"));
    }
    played.complaint(&written)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_story_goes_as_it_is_written() {
    let only = std::env::var("MINHUTEST_ONLY").unwrap_or_default();
    let update = updating();
    log::listen();
    say_what_is_left_out();
    let stories: Vec<PathBuf> = stories().into_iter().filter(|path| name(path).contains(&only)).collect();
    assert!(!stories.is_empty(), "no story's path contains {only:?}");
    let count = stories.len();
    let mut wrong: Vec<(String, String)> = stream::iter(stories)
        .map(|path| async move { (name(&path), play_file(path, update).await) })
        .buffer_unordered(AT_ONCE)
        .filter_map(|(name, complaint)| async move { complaint.map(|complaint| (name, complaint)) })
        .collect()
        .await;
    wrong.sort();
    let report: String = wrong.iter().map(|(name, complaint)| format!("\n━━ {name}\n{complaint}")).collect();
    assert!(wrong.is_empty(), "{} of {count} stories went otherwise (- as written, + as it was):\n{report}", wrong.len());
    let log = log::heard();
    assert!(log.matches("a message had its turn").count() >= count, "the log says nothing");
    assert_eq!(log::leaks(&log), Vec::<String>::new(), "what was said, or by whom, stands in the log");
}

#[test]
fn stories_stand_in_columns_and_begin_with_what_they_tell() {
    for path in stories() {
        let source = std::fs::read_to_string(&path).unwrap();
        assert!(source.starts_with("# "), "{}: the first line says what the story tells", name(&path));
        let chat = Chat::parse(&source).unwrap_or_else(|wrong| panic!("{}: {wrong}", name(&path)));
        assert!(updating() || chat.format() == source, "{}: MINHUTEST_UPDATE=1 writes it in columns", name(&path));
    }
}

/// Says what needs more than this machine may have. Not by `print!`, which is shown only for tests that fail.
fn say_what_is_left_out() {
    for (variable, what) in
        [("MINHUTEST_DATABASE_URL", "the stories on PostgreSQL"), ("MINHUTEST_BROWSER", "the simulator in a browser")]
    {
        if std::env::var_os(variable).is_none() {
            let line = format!("left out: {what} ({variable} is not set; tests/all.sh runs everything)\n");
            std::io::stderr().write_all(line.as_bytes()).unwrap();
        }
    }
}
