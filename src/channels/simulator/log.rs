//! What was said on the page: a ring in memory and the same lines in a file, so that a restart loses nothing.

use crate::message::{Millis, Point, Reply};
use serde::{Deserialize, Serialize};
use std::{
    collections::{HashSet, VecDeque},
    fs::{self, File, OpenOptions},
    io::{self, Write},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use tokio::sync::watch;

/// When the file grows beyond this many bytes, its older half is forgotten.
const MAX_BYTES: usize = 4 << 20;

/// One thing that was said in one chat.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Line {
    /// Counts up from 1 and never back, not even when the log is cleared.
    pub n: u64,
    /// When.
    pub at: Millis,
    /// The person who spoke or was spoken to; empty when the bot speaks to a whole group.
    pub account: String,
    /// The group, `None` in a private chat.
    #[serde(default)]
    pub group: Option<String>,
    /// What.
    #[serde(flatten)]
    pub what: What,
}

/// Who said it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "by", rename_all = "snake_case")]
pub enum What {
    /// Somebody on the page.
    Person(Spoken),
    /// The bot.
    Bot {
        /// As it was sent.
        reply: Reply,
    },
}

/// What a person said, as the page shows it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Spoken {
    /// The page's id of the message.
    pub id: String,
    /// The name shown beside it.
    pub nick: Option<String>,
    /// The words; for a voice message its transcript, for a chip its words.
    pub text: String,
    /// Ids of pictures.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub photos: Vec<String>,
    /// A voice message of so many seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub voice: Option<u32>,
    /// A location.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub location: Option<Point>,
    /// The text of the message it answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quote: Option<String>,
    /// `arrived` or `left`, for following and unfollowing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event: Option<String>,
    /// Did it reach the bot? In a group only what names it does.
    pub heard: bool,
}

/// The first line of the file.
#[derive(Serialize, Deserialize)]
struct Head {
    epoch: String,
    last: u64,
}

/// The log.
pub struct Log {
    inner: Mutex<Inner>,
    changes: watch::Sender<u64>,
}

struct Inner {
    path: PathBuf,
    file: File,
    bytes: usize,
    epoch: String,
    last: u64,
    ring: VecDeque<(Arc<Line>, usize)>,
    ids: HashSet<String>,
}

impl Log {
    /// Opens the file or makes it. Lines that do not parse (the last one, when the program was killed while it wrote) are
    /// left out.
    pub fn open(path: &Path) -> io::Result<Self> {
        let raw = match fs::read(path) {
            Ok(raw) => raw,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            Err(error) => return Err(error),
        };
        let mut lines = raw.split(|byte| *byte == b'\n');
        let head = lines.next().and_then(|first| serde_json::from_slice::<Head>(first).ok());
        let head = head.unwrap_or_else(|| Head { epoch: new_epoch(), last: 0 });

        let mut ring = VecDeque::new();
        let mut last = head.last;
        for raw in lines {
            if let Ok(line) = serde_json::from_slice::<Line>(raw) {
                last = last.max(line.n);
                ring.push_back((Arc::new(line), raw.len() + 1));
            }
        }
        let ids = ring.iter().filter_map(|(line, _)| line_id(line)).collect();
        // Written anew as a whole: whatever was torn is gone before the next line is added.
        let (file, bytes) = write_all(path, &head.epoch, last, &ring)?;
        let inner = Inner { path: path.to_owned(), file, bytes, epoch: head.epoch, last, ring, ids };
        Ok(Log { inner: Mutex::new(inner), changes: watch::Sender::new(0) })
    }

    /// Adds a line and gives its number; `None` when this message of this person is there already. The write is one short
    /// call, so it is made in place also from tasks.
    pub fn append(&self, at: Millis, account: &str, group: Option<&str>, what: What) -> io::Result<Option<u64>> {
        let mut inner = self.lock();
        let line = Line { n: inner.last + 1, at, account: account.to_owned(), group: group.map(str::to_owned), what };
        let id = line_id(&line);
        if id.as_ref().is_some_and(|id| inner.ids.contains(id)) {
            return Ok(None);
        }
        let mut raw = serde_json::to_vec(&line)?;
        raw.push(b'\n');
        if let Err(error) = inner.file.write_all(&raw) {
            // Half a line may be in the file now; a fresh copy is the only safe ground for the next one.
            inner.rewrite()?;
            return Err(error);
        }
        inner.last = line.n;
        inner.bytes += raw.len();
        inner.ids.extend(id);
        inner.ring.push_back((Arc::new(line), raw.len()));
        if inner.bytes > MAX_BYTES {
            inner.forget_older_half()?;
        }
        let number = inner.last;
        drop(inner);
        self.changes.send_modify(|count| *count += 1);
        Ok(Some(number))
    }

    /// The lines after number `n`, oldest first.
    pub fn since(&self, n: u64) -> Vec<Arc<Line>> {
        let inner = self.lock();
        let newer = inner.ring.iter().rev().take_while(|(line, _)| line.n > n);
        let mut lines: Vec<_> = newer.map(|(line, _)| Arc::clone(line)).collect();
        lines.reverse();
        lines
    }

    /// The lines of one chat: a group's whoever asks, else the private chat of `account`. Oldest first.
    pub fn chat(&self, account: &str, group: Option<&str>) -> Vec<Arc<Line>> {
        let here = |line: &Line| line.group.as_deref() == group && (group.is_some() || line.account == account);
        self.lock().ring.iter().filter(|(line, _)| here(line)).map(|(line, _)| Arc::clone(line)).collect()
    }

    /// The epoch, which changes only when the log is cleared or its file is lost, and the number of the newest line.
    pub fn position(&self) -> (String, u64) {
        let inner = self.lock();
        (inner.epoch.clone(), inner.last)
    }

    /// Wakes at every new line and when the log is cleared.
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    /// Forgets everything said.
    pub fn clear(&self) -> io::Result<()> {
        let mut inner = self.lock();
        inner.epoch = new_epoch();
        inner.ring.clear();
        inner.ids.clear();
        inner.rewrite()?;
        drop(inner);
        self.changes.send_modify(|count| *count += 1);
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        // A panic elsewhere while the lock was held leaves at worst one line out of the ring.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn forget_older_half(&mut self) -> io::Result<()> {
        let mut left: usize = self.ring.iter().map(|(_, bytes)| bytes).sum();
        while left > MAX_BYTES / 2
            && let Some((line, bytes)) = self.ring.pop_front()
        {
            left -= bytes;
            if let Some(id) = line_id(&line) {
                self.ids.remove(&id);
            }
        }
        self.rewrite()
    }

    fn rewrite(&mut self) -> io::Result<()> {
        (self.file, self.bytes) = write_all(&self.path, &self.epoch, self.last, &self.ring)?;
        Ok(())
    }
}

/// Writes a whole file beside the old one and puts it in its place; gives it back open for adding, with its length.
fn write_all(path: &Path, epoch: &str, last: u64, ring: &VecDeque<(Arc<Line>, usize)>) -> io::Result<(File, usize)> {
    let mut raw = serde_json::to_vec(&Head { epoch: epoch.to_owned(), last })?;
    raw.push(b'\n');
    for (line, _) in ring {
        serde_json::to_writer(&mut raw, line)?;
        raw.push(b'\n');
    }
    let aside = path.with_extension("jsonl.new");
    fs::write(&aside, &raw)?;
    fs::rename(&aside, path)?;
    Ok((OpenOptions::new().append(true).open(path)?, raw.len()))
}

/// What makes a person's message the same message when it comes again.
fn line_id(line: &Line) -> Option<String> {
    match &line.what {
        What::Person(spoken) => Some(format!("{}|{}", line.account, spoken.id)),
        What::Bot { .. } => None,
    }
}

fn new_epoch() -> String {
    // Without randomness two epochs may look alike; then an open page shows old lines until it is loaded again.
    format!("{:08x}", getrandom::u32().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bot(text: &str) -> What {
        What::Bot { reply: Reply::text(text) }
    }

    fn person(id: &str, text: &str) -> What {
        What::Person(Spoken { id: id.into(), text: text.into(), heard: true, ..Spoken::default() })
    }

    fn numbers(lines: &[Arc<Line>]) -> Vec<u64> {
        lines.iter().map(|line| line.n).collect()
    }

    #[test]
    fn after_a_torn_last_line_the_log_goes_on_and_numbers_go_up() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("simulator.jsonl");
        let log = Log::open(&path).unwrap();
        log.append(1, "a", None, person("1", "你好")).unwrap();
        log.append(2, "a", None, bot("您好")).unwrap();
        let epoch = log.position().0;
        drop(log);
        let whole = fs::read(&path).unwrap();
        // Cut inside the last line at every byte, also inside a character.
        let start = whole[..whole.len() - 1].iter().rposition(|byte| *byte == b'\n').unwrap() + 1;
        for cut in start..whole.len() - 1 {
            fs::write(&path, &whole[..cut]).unwrap();
            let log = Log::open(&path).unwrap();
            assert_eq!(numbers(&log.since(0)), [1], "cut at {cut}");
            assert_eq!(log.append(3, "a", None, bot("再说")).unwrap(), Some(2));
            drop(log);
            let log = Log::open(&path).unwrap();
            assert_eq!(numbers(&log.since(0)), [1, 2], "cut at {cut}");
            assert_eq!(log.position(), (epoch.clone(), 2));
        }
    }

    #[test]
    fn a_chat_is_a_group_for_everybody_or_one_persons_own() {
        let dir = tempfile::tempdir().unwrap();
        let log = Log::open(&dir.path().join("log")).unwrap();
        log.append(1, "a", None, bot("1")).unwrap();
        log.append(2, "b", None, bot("2")).unwrap();
        log.append(3, "a", Some("g"), person("x", "3")).unwrap();
        log.append(4, "", Some("g"), bot("4")).unwrap();
        assert_eq!(numbers(&log.chat("a", None)), [1]);
        assert_eq!(numbers(&log.chat("b", Some("g"))), [3, 4]);
        assert_eq!(numbers(&log.since(2)), [3, 4]);
    }

    #[test]
    fn a_message_that_comes_again_is_there_once_also_after_a_restart() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log");
        let log = Log::open(&path).unwrap();
        assert_eq!(log.append(1, "a", None, person("x", "你好")).unwrap(), Some(1));
        assert_eq!(log.append(1, "a", None, person("x", "你好")).unwrap(), None);
        assert_eq!(log.append(1, "b", None, person("x", "你好")).unwrap(), Some(2));
        drop(log);
        assert_eq!(Log::open(&path).unwrap().append(1, "a", None, person("x", "你好")).unwrap(), None);
    }

    #[test]
    fn clearing_forgets_the_lines_but_goes_on_counting() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log");
        let log = Log::open(&path).unwrap();
        log.append(1, "a", None, person("x", "你好")).unwrap();
        let (epoch, _) = log.position();
        log.clear().unwrap();
        assert!(log.since(0).is_empty());
        assert_ne!(log.position().0, epoch);
        assert_eq!(log.append(1, "a", None, person("x", "你好")).unwrap(), Some(2));
        drop(log);
        assert_eq!(numbers(&Log::open(&path).unwrap().since(0)), [2]);
    }

    #[test]
    fn the_file_stays_bounded_and_keeps_the_newest() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log");
        let log = Log::open(&path).unwrap();
        let long = "水".repeat(20_000);
        for n in 0..200 {
            log.append(n, "a", None, bot(&long)).unwrap();
        }
        assert!(fs::metadata(&path).unwrap().len() as usize <= MAX_BYTES);
        let kept = numbers(&log.since(0));
        assert_eq!(kept.last(), Some(&200));
        assert!(kept.len() > 20 && kept.len() < 100, "{}", kept.len());
    }
}
