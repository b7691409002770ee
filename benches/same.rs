//! How well same matters are told from others, on a file of messages whose topics are known in part.
//!
//! `cargo bench --bench same -- hot_topics_shared.csv`: columns `id`, `title`, `detail`, `topic`, `topic_source`,
//! `exact_dup_group`. Pairs inside a topic and exact copies are the same; a topic's messages and all others are not.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a measurement prints its figures")]

use minhu::tickets::same::{Matter, RADIUS_M, Words, likeness};
use std::time::Instant;

struct Message {
    topic: String,
    decoy: bool,
    copy_of: String,
    matter: Matter,
}

fn main() {
    let Some(path) = std::env::args().skip(1).find(|arg| !arg.starts_with("--")) else {
        println!("nothing measured: name the file of messages");
        return;
    };
    let messages = match read(&path) {
        Ok(messages) => messages,
        Err(error) => {
            eprintln!("{path}: {error}");
            std::process::exit(1);
        }
    };
    let (mut hit, mut missed, mut wrong, mut decoys, mut compared) = (0u32, 0u32, 0u32, 0u32, 0u32);
    let mut by_topic = std::collections::BTreeMap::<&str, (u32, u32)>::new();
    let start = Instant::now();
    for (index, one) in messages.iter().enumerate() {
        for other in &messages[index + 1..] {
            let copies = !one.copy_of.is_empty() && one.copy_of == other.copy_of;
            let same = copies || !one.topic.is_empty() && one.topic == other.topic;
            if !same && one.topic.is_empty() && other.topic.is_empty() {
                continue;
            }
            compared += 1;
            let found = likeness(&one.matter, &other.matter, RADIUS_M).is_some();
            match (same, found) {
                (true, true) => hit += 1,
                (true, false) => missed += 1,
                (false, true) => wrong += 1,
                (false, false) => {}
            }
            if same {
                let topic = if one.topic.is_empty() { "copies" } else { one.topic.as_str() };
                let counts = by_topic.entry(topic).or_default();
                counts.0 += u32::from(found);
                counts.1 += 1;
            }
            decoys += u32::from(found && (one.decoy || other.decoy));
        }
    }
    let time = start.elapsed();
    let share = |part: u32, whole: u32| f64::from(part) / f64::from(whole.max(1));
    let (precision, recall) = (share(hit, hit + wrong), share(hit, hit + missed));
    println!("messages {}, pairs compared {compared}, of them the same {}", messages.len(), hit + missed);
    println!("precision {precision:.3}  recall {recall:.3}  F1 {:.3}", 2.0 * precision * recall / (precision + recall).max(1e-9));
    for (topic, (found, all)) in by_topic {
        println!("  {topic}: {found} of {all}");
    }
    println!("decoys taken for the same: {decoys}");
    println!("one comparison {:.2} µs", time.as_secs_f64() * 1e6 / f64::from(compared.max(1)));
}

fn read(path: &str) -> Result<Vec<Message>, csv::Error> {
    let mut reader = csv::Reader::from_path(path)?;
    let headers = reader.headers()?.clone();
    let column = |row: &csv::StringRecord, name: &str| {
        let at = headers.iter().position(|header| header == name);
        at.and_then(|at| row.get(at)).unwrap_or_default().to_owned()
    };
    reader
        .records()
        .map(|row| {
            let row = row?;
            let text = format!("{}，{}", column(&row, "title"), column(&row, "detail").trim());
            Ok(Message {
                topic: column(&row, "topic"),
                decoy: column(&row, "topic_source").starts_with("decoy:"),
                copy_of: column(&row, "exact_dup_group"),
                matter: Matter { words: Words::read(&text, ""), ..Matter::default() },
            })
        })
        .collect()
}
