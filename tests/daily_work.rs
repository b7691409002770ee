//! `docs/daily-work.md` says with how few messages a day's work is done; this counts them in the transcripts it names.
#![cfg(test)]

use std::{fs, path::Path};

/// A row of the table: what is to be done, who does it, with how many messages, and the transcript that shows it.
struct Row {
    task: String,
    who: String,
    count: usize,
    transcript: String,
}

fn rows(page: &str) -> Vec<Row> {
    let table = page.lines().skip_while(|line| !line.starts_with("| 要办的事 |")).skip(2);
    table
        .take_while(|line| line.starts_with('|'))
        .map(|line| {
            let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
            let [task, who, count, transcript] = cells[..] else { panic!("not four cells: {line}") };
            let count = count.parse().unwrap_or_else(|_| panic!("no number: {line}"));
            Row { task: task.into(), who: who.into(), count, transcript: transcript.into() }
        })
        .collect()
}

/// How many messages somebody sends in a transcript; what happened before stands in its beginning and does not count.
fn said_by(who: &str, chat: &str) -> usize {
    chat.lines().filter(|line| line.starts_with(&format!("{who} @")) && line.contains(" > ")).count()
}

#[test]
fn the_table_says_how_many_messages_the_transcripts_take() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let rows = rows(&fs::read_to_string(root.join("docs/daily-work.md")).unwrap());
    assert!(rows.len() >= 10, "only {} rows were read", rows.len());
    for row in &rows {
        let path = root.join("tests/transcripts").join(format!("{}.chat", row.transcript));
        let chat = fs::read_to_string(&path).unwrap_or_else(|_| panic!("{}: there is no {}", row.task, path.display()));
        assert_eq!(said_by(&row.who, &chat), row.count, "{}: messages of {} in {}", row.task, row.who, row.transcript);
    }
    // What was promised.
    for (task, most) in [("派十件", 3), ("签收五件", 1), ("两张照片", 2), ("群众评价", 2)] {
        let promised: Vec<&Row> = rows.iter().filter(|row| row.task.contains(task)).collect();
        assert!(!promised.is_empty(), "no row about {task}");
        assert!(promised.iter().all(|row| row.count <= most), "{task} takes more than {most} messages");
    }
}

#[test]
fn messages_are_counted_for_one_person_and_answers_are_none() {
    let chat = "# 说明\n! 开头 甲\n李派单 @ding        > 待派\n                    < 待派 1 件\n王联络 @ding > 全签\n\
                李派单 @ding/受理中心群 > 照派\n                    | 7 住建局\n李派单 @ding        << 新线索\n";
    assert_eq!((said_by("李派单", chat), said_by("王联络", chat), said_by("村民", chat)), (2, 1, 0));
}
