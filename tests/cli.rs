//! The program as people run it: every command, its exit code and what it says.
#![cfg(test)]

use std::{
    fs,
    io::{BufRead, BufReader, Write},
    net::TcpListener,
    path::Path,
    process::{Child, Command, Output, Stdio},
};
use tempfile::TempDir;

const KEY: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

/// An organisation with one good person of each kind that the tests need.
const ORG: &str = r#"
area = [
  { code = "131122", name = "武邑县", prefix = "WY" },
  { code = "131122102", name = "审坡镇" },
]
[[unit]]
id = "swj"
name = "水务局"
area = "131122"
[[person]]
id = "li"
name = "李派单"
phone = "13800000001"
grants = [ { role = "dispatcher", area = "131122" } ]
[[person]]
id = "wang"
name = "王联络"
accounts = ["ding:wang-account"]
grants = [ { role = "liaison", unit = "swj" } ]
[[group]]
id = "g-swj"
name = "水务局工作群"
unit = "swj"
"#;

struct Said {
    code: i32,
    out: String,
    err: String,
}

impl From<Output> for Said {
    fn from(output: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Said { code: output.status.code().unwrap(), out: text(output.stdout), err: text(output.stderr) }
    }
}

/// The program in a folder, with nothing of the surroundings' own settings.
fn minhu(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_minhu"));
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("MINHU")) {
        command.env_remove(name);
    }
    command.current_dir(folder);
    command
}

fn run(folder: &Path, args: &[&str]) -> Said {
    minhu(folder).args(args).stdin(Stdio::null()).output().unwrap().into()
}

/// The same with words to read.
fn hear(folder: &Path, args: &[&str], words: &str) -> Said {
    let mut child = minhu(folder).args(args).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(words.as_bytes()).unwrap();
    child.wait_with_output().unwrap().into()
}

/// A folder with a right configuration that listens at this address.
fn installation(listen: &str) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let config = format!(
        "[server]\nlisten = \"{listen}\"\n[database]\nurl = \"sqlite://data/minhu.db\"\n[security]\nkey = \"{KEY}\"\n\
         [[channel]]\nkind = \"dingtalk\"\nid = \"ding\"\nclient_id = \"d\"\nclient_secret = \"s\"\n"
    );
    fs::write(folder.path().join("minhu.toml"), config).unwrap();
    fs::write(folder.path().join("org.toml"), ORG).unwrap();
    folder
}

/// All files of the database as bytes.
fn stored(folder: &Path) -> Vec<u8> {
    let mut bytes = Vec::new();
    for entry in fs::read_dir(folder.join("data")).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            bytes.extend(fs::read(path).unwrap());
        }
    }
    bytes
}

fn holds(bytes: &[u8], word: &str) -> bool {
    bytes.windows(word.len()).any(|window| window == word.as_bytes())
}

#[test]
fn a_bad_configuration_is_told_as_a_whole_with_its_channels_organisation_and_dialogs() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("dialogs")).unwrap();
    fs::write(folder.path().join("dialogs/report.toml"), "schema = 1\nid = \"report\"\nsubmit = \"tickets.submti\"\n").unwrap();
    fs::write(folder.path().join("org.toml"), "[[unit]]\nid = \"swj\"\nname = \"水务局\"\naria = \"131122\"\n").unwrap();
    let config = "[server]\nlisen = \"127.0.0.1:1\"\n[database]\nurl = \"mysql://root:hunter2@h/d\"\n[security]\nkey = \"short\"\n\
                  [paths]\norg = \"org.toml\"\ndialogs = \"dialogs\"\n\
                  [[channel]]\nkind = \"dingtalk\"\nid = \"ding\"\nclient_id = \"d\"\nclient_secert = \"hunter3\"\n";
    fs::write(folder.path().join("minhu.toml"), config).unwrap();
    let said = run(folder.path(), &["check"]);
    assert_eq!(said.code, 1, "{}", said.err);
    for begin in [
        "minhu.toml:2: server.lisen: 不认识这个键，是不是“listen”？",
        "minhu.toml:4: database.url: ",
        "minhu.toml:6: security.key: ",
        "minhu.toml:14: channel.ding.client_secert: 不认识这个键，是不是“client_secret”？",
        "minhu.toml:10: channel.ding.client_secret: 没有填",
        "org.toml:4: unit.aria: 不认识这个键，是不是“area”？",
        "dialogs/report.toml:3: submit: ",
        "dialogs/controls.toml:1: controls: 没有这个文件",
    ] {
        assert!(said.err.lines().any(|line| line.starts_with(begin)), "{begin}\n{}", said.err);
    }
    assert!(!said.err.contains("hunter"), "a secret was printed");
}

#[test]
fn a_good_configuration_passes_with_a_word_on_roles_nobody_holds_and_touches_no_database() {
    let folder = installation("127.0.0.1:0");
    let config = fs::read_to_string(folder.path().join("minhu.toml")).unwrap();
    fs::write(folder.path().join("minhu.toml"), format!("{config}[paths]\norg = \"org.toml\"\n")).unwrap();
    let said = run(folder.path(), &["check", "--config", "minhu.toml"]);
    assert_eq!(said.code, 0, "{}", said.err);
    assert!(said.out.contains("没有问题"));
    assert!(said.err.contains("提醒：武邑县没有回访员"), "{}", said.err);
    assert!(!folder.path().join("data").exists());
}

#[test]
fn without_a_configuration_what_is_built_in_is_checked_and_right() {
    let folder = tempfile::tempdir().unwrap();
    let said = run(folder.path(), &["check"]);
    assert_eq!((said.code, said.err.as_str()), (0, ""));
    assert!(said.out.contains("内置"));
}

#[test]
fn what_is_not_there_yet_or_written_wrongly_is_a_matter_of_usage() {
    let folder = tempfile::tempdir().unwrap();
    for args in
        [&["check", "--online"][..], &["export", "tickets"], &["faults"], &["org"], &["org", "codes", "--demo", "--config", "x"]]
    {
        assert_eq!(run(folder.path(), args).code, 2, "{args:?}");
    }
    assert!(run(folder.path(), &["check", "--online"]).err.contains("--online 暂时还不能用"));
    let help = run(folder.path(), &["--help"]);
    assert!(help.code == 0 && help.out.contains("play") && help.out.contains("用法"));
}

#[test]
fn without_its_configuration_nothing_starts_and_it_says_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    for args in [&["serve"][..], &["migrate"], &["org", "codes"], &["outbox", "list"], &["faults", "list"]] {
        let said = run(folder.path(), args);
        assert_eq!(said.code, 1, "{args:?}");
        assert!(said.err.contains("deploy/minhu.example.toml"), "{args:?}: {}", said.err);
    }
    assert!(run(folder.path(), &["org", "codes", "--demo"]).err.contains("先运行一次 minhu"));
    assert!(!folder.path().join("data").exists());
    fs::create_dir_all(folder.path().join("data/demo")).unwrap();
    assert!(run(folder.path(), &["outbox", "list"]).err.contains("--demo"));
    let said = run(folder.path(), &["outbox", "list", "--demo"]);
    assert_eq!((said.code, said.out.as_str()), (0, "没有等着发的消息。\n"), "{}", said.err);
}

#[test]
fn an_import_with_a_bad_row_changes_nothing_and_a_good_one_comes_back_in_the_export() {
    let folder = installation("127.0.0.1:0");
    let here = folder.path();
    let nothing = "[[person]]\n";
    let bad = format!("{ORG}[[person]]\nid = \"bad\"\nname = \"错\"\nphone = \"12\"\ngrants = [ {{ role = \"handler\" }} ]\n");
    fs::write(here.join("bad.toml"), bad).unwrap();
    for args in [&["org", "import", "bad.toml", "--dry-run"][..], &["org", "import", "bad.toml"]] {
        let said = run(here, args);
        assert_eq!(said.code, 1, "{args:?}");
        assert!(said.err.contains("bad.toml:27: person.phone: 手机号不对"), "{}", said.err);
        assert!(said.err.contains("bad.toml:28: person.grants.unit: 承办人要写明"), "{}", said.err);
    }
    let export = |name: &str| {
        let said = run(here, &["org", "export", name]);
        assert_eq!(said.code, 0, "{}", said.err);
        fs::read_to_string(here.join(name)).unwrap()
    };
    assert!(!export("nothing.toml").contains(nothing));

    let said = run(here, &["org", "import", "org.toml", "--dry-run"]);
    assert_eq!(said.code, 0, "{}", said.err);
    assert!(said.out.contains("新增 人员 li 李派单") && said.out.contains("什么都没有改"), "{}", said.out);
    assert!(!export("still-nothing.toml").contains(nothing));

    let said = run(here, &["org", "import", "org.toml"]);
    assert_eq!(said.code, 0, "{}", said.err);
    assert!(said.out.contains("新增 人员 li 李派单") && said.out.contains("导入好了"), "{}", said.out);
    let first = export("first.toml");
    assert!(first.contains("13800000001") && first.contains("ding:wang-account"));
    for name in ["first.toml", "org.xlsx", "people.csv"] {
        if name != "first.toml" {
            assert_eq!(run(here, &["org", "export", name]).code, 0);
        }
        let said = run(here, &["org", "import", name]);
        assert!(said.code == 0 && said.out.contains("没有要改的"), "{name}: {}{}", said.out, said.err);
    }
    assert_eq!(run(here, &["org", "export", "first.toml"]).code, 1, "a file that is there is not written over");

    fs::write(here.join("fewer.toml"), ORG.replace("[[person]]\nid = \"wang\"", "[[person]]\nid = \"sun\"")).unwrap();
    let said = run(here, &["org", "import", "fewer.toml", "--replace", "--dry-run"]);
    assert!(said.out.contains("停用 人员 wang 王联络") && said.out.contains("新增 人员 sun 王联络"), "{}{}", said.out, said.err);
    assert_eq!(run(here, &["org", "import", "people.csv", "--replace"]).code, 2);
}

#[test]
fn an_exported_list_is_for_its_owner_alone() {
    let folder = installation("127.0.0.1:0");
    assert_eq!(run(folder.path(), &["org", "export", "all.toml"]).code, 0);
    let mode = std::os::unix::fs::PermissionsExt::mode(&fs::metadata(folder.path().join("all.toml")).unwrap().permissions());
    assert_eq!(mode & 0o777, 0o600);
    assert_eq!(run(folder.path(), &["org", "export", "all.doc"]).code, 1);
    assert!(!folder.path().join("all.doc").exists());
}

#[test]
fn the_template_needs_no_installation_and_is_itself_an_empty_list() {
    let folder = installation("127.0.0.1:0");
    let elsewhere = tempfile::tempdir().unwrap();
    let file = elsewhere.path().join("t.xlsx");
    let name = file.to_str().unwrap();
    assert_eq!(run(elsewhere.path(), &["org", "template", name]).code, 0);
    assert_eq!(run(elsewhere.path(), &["org", "template", name]).code, 1, "a filled-in list would be lost");
    assert_eq!(run(elsewhere.path(), &["org", "template", "t.doc"]).code, 1);
    let said = run(folder.path(), &["org", "import", name]);
    assert!(said.code == 1 && said.err.contains("一行都没有填"), "{}", said.err);
}

#[test]
fn slips_go_to_those_without_an_account_and_only_hashes_are_kept() {
    let folder = installation("127.0.0.1:0");
    let here = folder.path();
    assert_eq!(run(here, &["org", "import", "org.toml"]).code, 0);
    let said = run(here, &["org", "codes"]);
    assert_eq!(said.code, 0, "{}", said.err);
    assert!(said.out.contains("李派单（li）") && !said.out.contains("王联络"), "{}", said.out);
    let code: String = said.out.split_once("绑定 ").unwrap().1.chars().take(9).collect();
    let digits = code.replace(' ', "");
    assert!(digits.len() == 8 && digits.bytes().all(|b| b.is_ascii_digit()), "{code}");
    let bytes = stored(here);
    assert!(holds(&bytes, "李派单"), "the search finds what is there");
    assert!(!holds(&bytes, &digits) && !holds(&bytes, &code));
    assert!(run(here, &["org", "codes", "--group", "g-swj"]).out.contains("没有要发绑定码的人"));
    let said = run(here, &["org", "codes", "--group", "g-none"]);
    assert!(said.code == 1 && said.err.contains("g-none"));
}

#[test]
fn a_dialog_is_played_from_a_pipe_to_what_would_be_submitted() {
    let folder = tempfile::tempdir().unwrap();
    let words = "[位置] 武邑县审坡镇\n前观津\n[照片][照片]\n夜里有人打井抽水卖\n改谁能知道是您\n实名\n13800000001\n提交\n";
    let said = hear(folder.path(), &["play", "report"], words);
    assert_eq!(said.code, 0, "{}\n{}", said.out, said.err);
    for line in [
        "> [照片][照片]",
        "会交给 tickets.submit：",
        "  place（地点）：审坡镇前观津村（有位置）  [131122102214]",
        "  what（事情）：夜里有人打井抽水卖（照片2张）",
        "  phone（手机号）：138****0001",
        "演练完了，什么也没有存。",
    ] {
        assert!(said.out.lines().any(|own| own == line), "{line}\n{}", said.out);
    }
    let said = hear(folder.path(), &["play", "assign", "--as", "dispatcher"], "7\n水务局\n");
    assert!(said.code == 0 && said.out.contains("  unit（单位）：水务局  [swj]"), "{}{}", said.out, said.err);
    assert_eq!(hear(folder.path(), &["play", "反映"], "取消\n").code, 0);
    let said = run(folder.path(), &["play", "details", "--with", "field=groundwater"]);
    assert!(said.err.contains("对话还没有走完"), "{}{}", said.out, said.err);
    assert_eq!(run(folder.path(), &["play", "details", "--with", "colour=red"]).code, 1);
    assert!(!folder.path().join("data").exists());
}

#[test]
fn playing_refuses_unknown_dialogs_and_roles_the_wrong_role_and_half_a_talk() {
    let folder = tempfile::tempdir().unwrap();
    for (args, says) in [
        (&["play", "nothing"][..], "没有对话“nothing”"),
        (&["play", "report", "--as", "dispacher"], "是不是“dispatcher”？"),
        (&["play", "assign", "--as", "群众"], "群众不能用"),
        (&["play", "report"], "对话还没有走完"),
    ] {
        let said = hear(folder.path(), args, "前观津\n");
        assert!(said.code == 1 && said.err.contains(says), "{args:?}: {}", said.err);
    }
}

#[test]
fn every_dialog_can_be_played_as_far_as_its_first_question() {
    let folder = tempfile::tempdir().unwrap();
    let said = run(folder.path(), &["play", "nothing"]);
    let ids = said.err.trim().split_once("有的是：").unwrap().1.to_owned();
    assert!(ids.split('、').count() >= 20, "{ids}");
    for id in ids.split('、') {
        let said = run(folder.path(), &["play", id]);
        let asks = said.code == 1 && said.err.contains("对话还没有走完");
        let asks_nothing = said.code == 0 && said.out.contains("没有要问的");
        assert!(if id == "details" { asks_nothing } else { asks }, "{id}: {}{}", said.out, said.err);
        assert!(!said.out.trim().is_empty(), "{id}");
    }
}

#[test]
fn channels_are_shown_with_what_they_can_do() {
    let folder = installation("127.0.0.1:0");
    let said = run(folder.path(), &["channels"]);
    assert!(said.code == 0 && ["微信公众号", "钉钉", "演示页"].iter().all(|name| said.out.contains(name)), "{}", said.out);
    let said = run(folder.path(), &["channels", "--config", "minhu.toml"]);
    assert!(said.out.contains("http://127.0.0.1:0/hook/ding") && !said.out.contains("微信公众号"), "{}", said.out);
}

#[test]
fn nobody_reading_to_the_end_is_no_trouble() {
    let folder = tempfile::tempdir().unwrap();
    let mut child = minhu(folder.path()).arg("channels").stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let said = child.wait_with_output().unwrap();
    assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stderr));
}

#[test]
fn a_message_that_cannot_be_sent_again_is_said_to_be_none() {
    let folder = installation("127.0.0.1:0");
    let said = run(folder.path(), &["outbox", "retry", "7"]);
    assert!(said.code == 1 && said.err.contains('7'), "{}", said.err);
    assert_eq!(run(folder.path(), &["migrate"]).code, 0);
}

#[test]
fn a_port_that_is_taken_and_a_database_that_does_not_answer_are_dependencies() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let folder = installation(&taken.local_addr().unwrap().to_string());
    let said = run(folder.path(), &["serve"]);
    assert!(said.code == 3 && said.err.contains("不能监听"), "{} {}", said.code, said.err);
    assert!(!folder.path().join("data").exists(), "nothing was changed");

    // Whoever listens there is no database: the connection is closed at once.
    let address = taken.local_addr().unwrap();
    let closing = std::thread::spawn(move || taken.incoming().take(1).for_each(drop));
    let said: Said = minhu(folder.path())
        .args(["outbox", "list"])
        .env("MINHU_DATABASE__URL", format!("postgres://u:hunter2@{address}/d?sslmode=disable"))
        .output()
        .unwrap()
        .into();
    assert!(said.code == 3 && said.err.contains("数据库") && !said.err.contains("hunter2"), "{} {}", said.code, said.err);
    drop(closing);
}

/// A service that runs, stopped at the latest when the test ends.
struct Service(Child);

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn serve_prints_the_first_code_takes_an_import_meanwhile_and_stops_on_sigterm() {
    let folder = installation("127.0.0.1:0");
    let mut service = Service(minhu(folder.path()).arg("serve").stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap());
    let mut lines = BufReader::new(service.0.stdout.take().unwrap()).lines();
    let code = lines.next().unwrap().unwrap();
    let digits: String = code.split_once("绑定 ").unwrap().1.chars().take(9).filter(char::is_ascii_digit).collect();
    assert!(code.contains("还没有管理员") && digits.len() == 8, "{code}");
    let running = lines.next().unwrap().unwrap();
    assert!(running.starts_with("民呼在 127.0.0.1:"), "{running}");

    // The log says when the service has taken in what another process changed.
    let log = BufReader::new(service.0.stderr.take().unwrap());
    assert_eq!(run(folder.path(), &["org", "import", "org.toml"]).code, 0);
    let mut log = log.lines();
    assert!(log.by_ref().map(Result::unwrap).any(|line| line.contains("the organisation was read again")));

    let stopped = Command::new("kill").args(["-TERM", &service.0.id().to_string()]).status().unwrap();
    assert!(stopped.success());
    assert_eq!(service.0.wait().unwrap().code(), Some(0));
    let mut rest = String::new();
    log.map(Result::unwrap).for_each(|line| rest.push_str(&line));
    assert!(!rest.contains("did not end in time"), "{rest}");
}

#[test]
fn a_second_service_on_a_sqlite_file_is_refused_and_a_killed_one_locks_nobody_out() {
    let folder = installation("127.0.0.1:0");
    let start = || {
        let mut child = minhu(folder.path()).arg("serve").stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        (Service(child), lines.map(Result::unwrap).any(|line| line.starts_with("民呼在 ")))
    };
    let (mut service, runs) = start();
    assert!(runs);
    let refused = run(folder.path(), &["serve"]);
    assert!(refused.code == 3 && refused.err.contains("正有一个民呼服务在用"), "{} {}", refused.code, refused.err);
    assert_eq!(run(folder.path(), &["org", "import", "org.toml"]).code, 0, "the command line works beside it");
    service.0.kill().unwrap();
    service.0.wait().unwrap();
    assert!(start().1, "nothing is left locked");
}

#[test]
fn the_clock_of_a_test_is_said_loudly_and_a_wrong_one_refused() {
    let folder = installation("127.0.0.1:0");
    let with = |clock: &str| -> Said {
        minhu(folder.path()).args(["org", "codes"]).env("MINHUTEST_CLOCK", clock).output().unwrap().into()
    };
    assert!(with("2026-11-23T10:00:00+08:00").out.contains("MINHUTEST_CLOCK"));
    assert_eq!(with("tomorrow").code, 1);
}

/// Three tickets of a day, each with two events, written as the program writes them.
async fn with_tickets(url: &str, now: i64) {
    use minhu::tickets::{
        Mode, Sealed, State, Ticket,
        life::Verb,
        store::{self, At, By, Event},
    };
    let keys = minhu::seal::Keys::new(&minhu::seal::Keys::root(KEY).unwrap(), &[]);
    let db = minhu::db::Db::open(url, 2).await.unwrap();
    db.migrate().await.unwrap();
    let mut tx = db.write().await.unwrap();
    for mode in [Mode::Confidential, Mode::RealName, Mode::Confidential] {
        let seq = store::next_seq(&mut tx, "WY261123").await.unwrap();
        let ticket = Ticket {
            id: tx.id().unwrap(),
            number: format!("WY261123{seq:04}"),
            day: "261123".into(),
            seq,
            area: "131122102".into(),
            mode,
            sealed: if seq == 3 { Sealed::Area } else { Sealed::Open },
            events: 2,
            ..Ticket::blank(now)
        };
        store::insert(&mut tx, &ticket, &format!("code {seq}"), None).await.unwrap();
        for (seq, verb, person) in [(1, Verb::Report, None), (2, Verb::Add, None)] {
            let event = Event {
                verb,
                from: (seq > 1).then_some(State::Submitted),
                to: State::Submitted,
                reason: Some("我的电话13812345678"),
                payload: None,
                visible: "all",
                before: None,
            };
            let at = At { ticket: ticket.id, seq, turn_key: "turn", now };
            store::event(&mut tx, &keys, at, By { person, role: "reporter" }, event).await.unwrap();
        }
    }
    tx.commit().await.unwrap();
}

/// What somebody does who has the database but not the key. Foreign keys are off, as they are in the usual tools.
async fn tampered(url: &str, sql: &str) {
    let db = minhu::db::Db::open(url, 1).await.unwrap();
    sqlx::raw_sql(sqlx::AssertSqlSafe(format!("PRAGMA foreign_keys = OFF; {sql}")))
        .execute(&mut *db.read().await.unwrap())
        .await
        .unwrap();
}

fn wait<T>(what: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(what)
}

#[test]
fn an_audit_finds_every_history_that_was_changed() {
    let second = "(SELECT id FROM ticket WHERE seq = 2)";
    for (sql, code, says) in [
        ("SELECT 1".to_owned(), 0, ""),
        (
            "UPDATE ticket_event SET reason = '没事了' WHERE seq = 2 AND ticket_id = ID".to_owned(),
            1,
            "WY2611230002：第 2 条经过被改过",
        ),
        ("UPDATE ticket_event SET hash = '' WHERE ticket_id = ID".to_owned(), 1, "WY2611230002：第 1 条经过被改过"),
        ("DELETE FROM ticket_event WHERE seq = 1 AND ticket_id = ID".to_owned(), 1, "WY2611230002：第 1 条经过没有了"),
        ("DELETE FROM ticket_event WHERE seq = 2 AND ticket_id = ID".to_owned(), 1, "WY2611230002：该有 2 条经过，实际有 1 条"),
        ("UPDATE ticket SET state = 'closed' WHERE id = ID".to_owned(), 1, "WY2611230002：工单现在的状态和最后一条经过对不上"),
        (
            "DELETE FROM ticket_event WHERE ticket_id = ID; DELETE FROM ticket WHERE seq = 2".to_owned(),
            1,
            "WY2611230002：编号发出去过，工单没有了",
        ),
        ("DELETE FROM ticket WHERE seq = 2".to_owned(), 1, "：经过还在，工单没有了"),
    ] {
        let folder = installation("127.0.0.1:0");
        let url = format!("sqlite://{}/data/minhu.db", folder.path().display());
        wait(with_tickets(&url, 1_795_399_200_000));
        wait(tampered(&url, &sql.replace("ID", second)));
        let said = run(folder.path(), &["audit", "verify"]);
        assert_eq!(said.code, code, "{sql}: {}{}", said.out, said.err);
        assert!(said.err.contains(says), "{sql}: {}", said.err);
        assert!(said.out.contains("审计记录 0 条"), "{sql}: {}", said.out);
        assert_eq!(said.out.contains("都对得上"), code == 0, "{sql}: {}", said.out);
    }
}

#[test]
fn an_auditor_reads_a_history_and_that_is_recorded() {
    let folder = installation("127.0.0.1:0");
    let url = format!("sqlite://{}/data/minhu.db", folder.path().display());
    wait(with_tickets(&url, 1_795_399_200_000));
    let said = run(folder.path(), &["audit", "show", "wy2611230001"]);
    assert_eq!(said.code, 0, "{}", said.err);
    assert!(said.out.contains("WY2611230001　待受理") && said.out.contains("反映人"), "{}", said.out);
    assert!(said.out.contains("我的电话〔已隐去〕") && !said.out.contains("138"), "{}", said.out);
    assert!(run(folder.path(), &["audit", "show", "WY2611230002"]).out.contains("13812345678"), "real name");
    let sealed = run(folder.path(), &["audit", "show", "WY2611230003"]).out;
    assert!(sealed.contains("密件") && !sealed.contains("电话"), "{sealed}");
    for wrong in ["7", "WY2611239999", "水"] {
        let said = run(folder.path(), &["audit", "show", wrong]);
        assert!(said.code == 1 && said.err.contains(wrong), "{wrong}: {}", said.err);
    }
    let said = run(folder.path(), &["audit", "verify"]);
    assert!(said.code == 0 && said.out.contains("审计记录 3 条"), "{}{}", said.out, said.err);
    wait(tampered(&url, "DELETE FROM audit_event WHERE seq = 3"));
    let said = run(folder.path(), &["audit", "verify"]);
    assert!(said.code == 1 && said.err.contains("审计记录：第 3 条"), "{}{}", said.out, said.err);
}

#[test]
fn a_demonstration_is_filled_again_and_again_and_its_chains_hold() {
    let folder = tempfile::tempdir().unwrap();
    let fill = |seed: &str| run(folder.path(), &["demo", "fill", "--demo", "--tickets", "2300", "--open", "150", "--seed", seed]);
    for seed in ["1", "1", "2"] {
        let said = fill(seed);
        assert_eq!((said.code, said.out.as_str()), (0, "写好了 2300 件，共 2300 件\n"), "{}", said.err);
    }
    let said = run(folder.path(), &["audit", "verify", "--demo"]);
    assert_eq!(said.code, 0, "{}", said.err);
    assert!(said.out.starts_with("工单 6900 件，经过 ") && said.out.ends_with("都对得上。\n"), "{}", said.out);
}

#[test]
fn a_real_installation_is_not_filled() {
    let folder = installation("127.0.0.1:1");
    let said = run(folder.path(), &["demo", "fill", "--tickets", "10"]);
    assert_eq!(said.code, 1);
    assert!(said.err.contains("只有演示可以"), "{}", said.err);
    assert!(!folder.path().join("data").exists(), "nothing was touched");
    assert_eq!(run(folder.path(), &["demo", "fill", "--demo", "--tickets", "0"]).code, 2);
}
