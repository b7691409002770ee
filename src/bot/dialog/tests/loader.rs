//! Each refusal, with file, line and key.

use super::*;

const GOOD: &str = r#"schema = 1
id = "probe"
title = "试"
start = ["试试"]
submit = "tickets.submit"
given = ["slot"]

[[step]]
id = "first"
label = "头一个"
kind = "choice"
ask = "选哪个？"
choices = [
  { key = "a", text = "甲" },
  { key = "b", text = "乙" },
]

[[step]]
id = "second"
label = "第二个"
kind = "text"
ask = "然后呢？"
when = { slot = "first", is = ["a"] }
check = { min_chars = 2, pattern = '^.+$' }

[[step]]
id = "third"
label = "末一个"
kind = "confirm"
ask = "对吗？"
summary = ["first"]
"#;

fn load(probe: &str) -> Result<Dialogs, Vec<Problem>> {
    let mut files = Dialogs::builtin_files();
    files.push(("probe.toml".into(), probe.into()));
    Dialogs::load(&files, &known())
}

#[test]
fn the_unchanged_file_is_good() {
    load(GOOD).unwrap();
}

#[test]
fn every_mistake_is_refused_with_its_line_and_key() {
    let long = format!("ask = \"{}\"", "长".repeat(700));
    let cases: Vec<(&str, &str, usize, &str, &str)> = vec![
        // (what is replaced, by what, line, key, what is said)
        ("schema = 1", "schema = 2", 1, "schema", "不认识第 2 版"),
        ("schema = 1\n", "", 1, "schema", "没有写"),
        ("title = \"试\"", "titel = \"试\"", 3, "titel", "是不是 title？"),
        ("id = \"probe\"", "id = \"Probe 1\"", 2, "id", "只用小写字母"),
        ("id = \"probe\"", "id = \"report\"", 2, "id", "已有别的文件"),
        ("start = [\"试试\"]", "start = [\"取消\"]", 4, "start", "控制词"),
        ("start = [\"试试\"]", "start = [\"反映\"]", 4, "start", "已经能开始别的对话"),
        ("start = [\"试试\"]", "start = \"试试\"", 4, "start", "一列文字"),
        ("start = [\"试试\"]", "start = [\"试试\"]\nroles = [\"citizn\"]", 5, "roles", "是不是 citizen？"),
        ("\"tickets.submit\"", "\"tickets.sumbit\"", 5, "submit", "是不是 tickets.submit？"),
        ("given = [\"slot\"]", "idle = { remind_after = \"2\" }", 6, "idle.remind_after", "写成 30m、2h"),
        ("given = [\"slot\"]", "idle = { remind_after = \"9h\" }", 6, "idle", "先后不对"),
        ("given = [\"slot\"]", "given = [\"second\"]", 19, "step second.id", "也写在 given"),
        ("given = [\"slot\"]", "refuse = [{ pattern = '[', error = \"不\" }]", 6, "refuse[1].pattern", "式子不对"),
        ("given = [\"slot\"]", "refuse = [{ pattern = '\\b1', error = \"不\" }]", 6, "refuse[1].pattern", "汉字旁边"),
        ("given = [\"slot\"]", "presets = { \"别的\" = { slot = \"x\" } }", 6, "presets.别的", "start 里没有"),
        ("given = [\"slot\"]", "presets = { \"试试\" = { slto = \"x\" } }", 6, "presets.试试.slto", "先写进 given"),
        ("id = \"second\"", "id = \"first\"", 19, "step first.id", "已经有了"),
        ("label = \"第二个\"", "label = \"头一个\"", 20, "step second.label", "重了"),
        ("label = \"第二个\"", "label = \"跳过\"", 20, "step second.label", "控制词"),
        ("kind = \"text\"", "kind = \"txt\"", 21, "step second.kind", "可以写 choice"),
        ("ask = \"然后呢？\"", "ask = \"然后{third}呢？\"", 22, "step second.ask", "前面没有“third”"),
        ("ask = \"然后呢？\"", "ask = 5", 22, "step second.ask", "要写文字"),
        ("ask = \"然后呢？\"", &long, 22, "step second.ask", "太长"),
        ("slot = \"first\"", "slot = \"third\"", 23, "step second.when.slot", "前面没有“third”"),
        ("is = [\"a\"]", "is = [\"c\"]", 23, "step second.when.is", "没有选项“c”"),
        ("is = [\"a\"]", "is = [\"c\"]", 23, "step second.when", "永远不会问到"),
        (
            "{ slot = \"first\", is = [\"a\"] }",
            "{ all = [ { slot = \"first\", is = [\"a\"] }, { slot = \"first\", is = [\"b\"] } ] }",
            23,
            "step second.when",
            "永远不会问到",
        ),
        ("{ slot = \"first\", is = [\"a\"] }", "{ solt = \"first\" }", 23, "step second.when", "没有条件"),
        ("pattern = '^.+$'", "rule = \"finish_rslt\"", 24, "step second.check.rule", "是不是 finish_result？"),
        ("pattern = '^.+$'", "max_chars = 1", 24, "step second.check.min_chars", "比 max_chars 还大"),
        ("pattern = '^.+$'", "min_char = 1", 24, "step second.check.min_char", "是不是 min_chars？"),
        (
            "ask = \"然后呢？\"",
            "ask = \"然后呢？\"\ndefault = \"x\"\nfrom = { source = \"unit\" }",
            24,
            "step second.from.source",
            "是不是 units？",
        ),
        ("ask = \"然后呢？\"", "ask = \"然后呢？\"\nfrom = { source = \"units\" }", 23, "step second.from", "用不着它"),
        ("ask = \"然后呢？\"", "ask = \"然后呢？\"\ndepends = [\"thrid\"]", 23, "step second.depends", "前面没有"),
        ("ask = \"选哪个？\"", "ask = \"选哪个？\"\ndefault = \"c\"", 13, "step first.default", "没有选项“c”"),
        ("ask = \"选哪个？\"", "ask = \"选哪个？\"\noptional = 1", 13, "step first.optional", "true 或 false"),
        ("ask = \"选哪个？\"", "ask = \"选哪个？\"\nskip = [\"不\"]", 13, "step first.skip", "optional = true"),
        ("key = \"b\"", "key = \"a\"", 15, "step first.choices[2].key", "写了两次"),
        ("text = \"乙\"", "text = \"甲\"", 15, "step first.choices[2].text", "写了两次"),
        ("text = \"乙\"", "text = \"取消\"", 15, "step first.choices[2].text", "用来退出"),
        ("text = \"乙\"", "text = \"乙\", no = 2", 13, "step first.choices", "都写"),
        ("summary = [\"first\"]", "summary = [\"frist\"]", 31, "step third.summary", "是不是 first？"),
        ("summary = [\"first\"]", "choices = [{ key = \"edit:x\", text = \"改\" }]", 31, "step third.choices", "edit:"),
        ("kind = \"confirm\"", "kind = \"say\"", 29, "step third.kind", "最后一步"),
        ("kind = \"choice\"", "kind = \"place\"", 8, "step first.from", "没有写"),
        ("title = \"试\"", "title = \"试", 3, "TOML", "写法不对"),
    ];
    for (old, new, line, key, said) in cases {
        assert!(GOOD.contains(old), "{old}");
        let problems = load(&GOOD.replacen(old, new, 1)).expect_err(new);
        let found = problems.iter().any(|problem| {
            problem.file == "probe.toml" && problem.line == line && problem.key == key && problem.to_string().contains(said)
        });
        let all: Vec<String> = problems.iter().map(ToString::to_string).collect();
        assert!(found, "{new}: wanted line {line} {key} {said}, found\n{}", all.join("\n"));
    }
}

#[test]
fn all_problems_are_told_at_once_in_order() {
    let text = GOOD.replace("title", "titel").replace("kind = \"text\"", "kind = \"txt\"").replace("frist", "x");
    let problems = load(&text).unwrap_err();
    let lines: Vec<usize> = problems.iter().map(|problem| problem.line).collect();
    assert!(problems.len() >= 2 && lines.is_sorted(), "{lines:?}");
    assert!(problems[0].to_string().starts_with("probe.toml:"), "{}", problems[0]);
}

#[test]
fn control_words_have_one_meaning_and_their_file_must_be_there() {
    let mut files = Dialogs::builtin_files();
    let controls = files.iter_mut().find(|(name, _)| name == "controls.toml").unwrap();
    controls.1 = controls.1.replace("\"接着来\"", "\"跳过\"");
    let problems = Dialogs::load(&files, &known()).unwrap_err();
    assert!(
        problems.iter().any(|problem| problem.to_string().contains("controls.toml:14: continue: “跳过”写了两次")),
        "{problems:?}"
    );
    files.retain(|(name, _)| name != "controls.toml");
    assert!(Dialogs::load(&files, &known()).unwrap_err()[0].to_string().starts_with("controls.toml:1: controls: 没有这个文件"));
}
