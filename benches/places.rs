//! How often a village of the demonstration county is seen in texts that name none.
//!
//! `cargo bench --bench places -- complaints_dev.csv`: columns `title` and `detail`; rows without them are left out. `--show` prints
//! the names that were seen.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a measurement prints its figures")]

use minhu::people::{Areas, Level, org};
use std::time::Instant;

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let Some(path) = args.iter().find(|arg| !arg.starts_with("--")) else {
        println!("nothing measured: name the file of messages");
        return;
    };
    let show = args.iter().any(|arg| arg == "--show");
    match measure(path, show) {
        Ok(()) => {}
        Err(error) => {
            eprintln!("{path}: {error}");
            std::process::exit(1);
        }
    }
}

fn measure(path: &str, show: bool) -> Result<(), Box<dyn std::error::Error>> {
    let areas = Areas::new(org::demonstration().map_err(|_| "the demonstration county cannot be read")?.areas);
    let mut reader = csv::Reader::from_path(path)?;
    let headers = reader.headers()?.clone();
    let at = |name: &str| headers.iter().position(|header| header == name).ok_or(format!("no column {name}"));
    let (title, detail) = (at("title")?, at("detail")?);
    let (mut texts, mut seen, mut townships, mut asked) = (0u32, 0u32, 0u32, 0u32);
    let start = Instant::now();
    for row in reader.records() {
        let row = row?;
        let text = format!("{}。{}", row.get(title).unwrap_or_default(), row.get(detail).unwrap_or_default());
        if text.chars().count() < 2 {
            continue;
        }
        texts += 1;
        match areas.in_sentence(&text) {
            Some((area, at)) if area.level() == Level::Village => {
                seen += 1;
                if show {
                    println!("  {}: {}", area.name, &text[at]);
                }
            }
            Some(_) => townships += 1,
            None => {}
        }
        let several = areas.several_in(&text);
        if !several.is_empty() {
            asked += 1;
            if show {
                println!("  asked: {}", several.iter().map(|area| area.name.as_str()).collect::<Vec<_>>().join(", "));
            }
        }
    }
    let time = start.elapsed().as_secs_f64() * 1e6 / f64::from(texts.max(1));
    println!(
        "texts {texts}: a village seen in {seen}, a township in {townships}, asked which village in {asked}; {time:.0} µs a text"
    );
    Ok(())
}
