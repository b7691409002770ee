//! `docs/handbook/`: every command, option, key and file that a page names exists.
#![cfg(test)]

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The pages with their names.
fn pages() -> Vec<(String, String)> {
    let mut pages: Vec<(String, String)> = fs::read_dir(root().join("docs/handbook"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .map(|path| (path.file_name().unwrap().to_str().unwrap().to_owned(), fs::read_to_string(&path).unwrap()))
        .collect();
    pages.sort();
    assert!(pages.len() >= 8, "only {} pages", pages.len());
    pages
}

/// The lines of all blocks of a kind.
fn blocks(page: &str, kind: &str) -> Vec<String> {
    let mut lines = Vec::new();
    let mut inside = false;
    for line in page.lines().map(str::trim) {
        match line.strip_prefix("```") {
            Some(name) => inside = name == kind && !inside,
            None if inside => lines.push(line.to_owned()),
            None => {}
        }
    }
    lines
}

/// What stands between single backticks outside of blocks.
fn inline(page: &str) -> Vec<String> {
    let mut inside = false;
    let outside = page.lines().filter(|line| {
        let fence = line.trim().starts_with("```");
        inside ^= fence;
        !inside && !fence
    });
    outside.flat_map(|line| line.split('`').skip(1).step_by(2).map(str::to_owned).collect::<Vec<_>>()).collect()
}

/// Everything on a page that is to be typed.
fn commands(page: &str) -> Vec<String> {
    let mut all = blocks(page, "bash");
    all.extend(inline(page));
    all
}

/// The words behind a program's name wherever a command runs it.
fn runs<'l>(line: &'l str, program: &str) -> Option<Vec<&'l str>> {
    let words: Vec<&str> = line.split_whitespace().collect();
    let words = if words.starts_with(&["runuser", "-u", "minhu", "--"]) { &words[4..] } else { &words[..] };
    let (first, rest) = words.split_first()?;
    (first.trim_start_matches("./") == program).then(|| rest.to_vec())
}

#[test]
fn every_command_of_ours_and_its_options_exist() {
    let mut seen = 0;
    for (name, page) in pages() {
        for line in commands(&page) {
            let Some(words) = runs(&line, "minhu") else { continue };
            let is_name =
                |word: &&&str| word.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-') && !word.starts_with('-');
            let subcommands: Vec<&str> = words.iter().take_while(is_name).copied().collect();
            let output = Command::new(env!("CARGO_BIN_EXE_minhu")).args(&subcommands).arg("--help").output().unwrap();
            let help = String::from_utf8(output.stdout).unwrap();
            assert!(output.status.success(), "{name}: {line}: {}", String::from_utf8_lossy(&output.stderr));
            for option in words.iter().filter(|word| word.starts_with("--")) {
                assert!(help.contains(option), "{name}: {line}: there is no {option}");
            }
            seen += 1;
        }
    }
    assert!(seen >= 12, "only {seen} commands were found");
}

#[test]
fn the_options_of_the_scripts_exist() {
    let mut seen = 0;
    for (program, script) in [("minhu-backup", "deploy/backup.sh"), ("minhu-restore", "deploy/restore.sh")] {
        let source = fs::read_to_string(root().join(script)).unwrap();
        for (name, page) in pages() {
            for line in commands(&page) {
                // An option alone stands on the page of its script.
                let alone = program == "minhu-backup" && name == "backup.md" && line.starts_with("--");
                let words = runs(&line, program).or_else(|| alone.then(|| line.split_whitespace().collect()));
                for option in words.unwrap_or_default().iter().filter(|word| word.starts_with("--")) {
                    assert!(source.contains(&format!("        {option}) ")), "{name}: {line}: there is no {option}");
                    seen += 1;
                }
            }
        }
    }
    assert!(seen >= 5, "only {seen} options were found");
}

#[test]
fn every_key_stands_in_the_example() {
    let example = fs::read_to_string(root().join("deploy/minhu.example.toml")).unwrap();
    let known: BTreeSet<&str> = example
        .lines()
        .filter_map(|line| line.trim_start_matches("# ").split_once(" = ").map(|(key, _)| key))
        .chain(["progress", "rate"])
        .collect();
    let mut seen = 0;
    for (name, page) in pages() {
        for line in blocks(&page, "toml") {
            if let Some(section) = line.strip_prefix('[') {
                assert!(example.contains(&format!("[{section}")), "{name}: {line}");
            } else if let Some((key, _)) = line.split_once(" = ") {
                assert!(known.contains(key), "{name}: there is no key {key}");
                seen += 1;
            }
        }
        // What these explain are no keys; the programs' own tests compare them with what is served.
        if ["metrics.md", "readyz.md"].contains(&name.as_str()) {
            continue;
        }
        // Names with an underscore are ours, but for those of others.
        let others = ["qyapi_", "server_name"];
        let is_key = |word: &String| word.contains('_') && word.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
        for word in inline(&page).into_iter().filter(is_key) {
            if !others.iter().any(|begin| word.starts_with(begin)) {
                assert!(known.contains(word.as_str()), "{name}: there is no key {word}");
                seen += 1;
            }
        }
    }
    assert!(seen >= 12, "only {seen} keys were found");
}

#[test]
fn every_page_is_in_the_index_and_every_link_and_file_leads_somewhere() {
    let pages = pages();
    let index = &pages.iter().find(|(name, _)| name == "README.md").unwrap().1;
    for (name, page) in &pages {
        assert!(name == "README.md" || index.contains(&format!("({name})")), "{name} is not in the index");
        for link in page.split("](").skip(1).filter_map(|rest| rest.split_once(')')).map(|(link, _)| link) {
            let file = root().join("docs/handbook").join(link);
            assert!(link.starts_with("https://") || file.exists(), "{name}: {link} leads nowhere");
        }
        let words = page.split(|sign: char| sign.is_whitespace() || "`（）、，。".contains(sign));
        for word in words.filter(|word| word.starts_with("deploy/")) {
            assert!(PathBuf::from(root()).join(word).exists(), "{name}: there is no {word}");
        }
    }
}
