//! Staff whose account is not in the organisation's file, found by phone in DingTalk's directory.
#![cfg(test)]

#[expect(dead_code, reason = "the stories use the rest")]
mod support;

use minhu::clock::{Clock, HOUR};
use std::time::{Duration, Instant};
use support::{
    dingtalk::{self, Chat, FakeDing, To},
    play::{APP_ID, APP_SECRET, CLIENT_ID, CLIENT_SECRET},
    program::{Program, organisation},
    wechat::FakeWeChat,
};

const LOOK_UP: &str = "/topapi/v2/user/getbymobile";
/// 王联络's phone in the organisation's file, and his account, which is not there.
const PHONE: &str = "13800000002";
const ACCOUNT: &str = "manager7731";
/// Only staff may use it.
const STAFF_COMMAND: &str = "签收 编号";

struct Stage {
    program: Program,
    ding: FakeDing,
    clock: Clock,
    http: reqwest::Client,
    messages: u32,
    _folder: tempfile::TempDir,
}

impl Stage {
    /// The program on the demonstration's organisation, in which these have no account.
    async fn set(ding: FakeDing, without: &[&str]) -> Stage {
        let folder = tempfile::tempdir().unwrap();
        let mut file = organisation();
        for reference in without {
            let account = format!("\"ding:{reference}\"");
            assert!(file.contains(&account));
            file = file.replace(&account, "");
        }
        let wechat = FakeWeChat::start(APP_ID, APP_SECRET).await;
        let clock = Clock::starting_at(minhu::clock::parse("2026-11-23T10:00:00+08:00").unwrap());
        let program = Program::start(folder.path(), &file, &wechat.base(), ding.base(), clock.clone()).await.unwrap();
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        Stage { program, ding, clock, http, messages: 0, _folder: folder }
    }

    /// Waits until the program has of itself turned to DingTalk, and that round is over; gives how many phones it asked for.
    async fn first_round(&self) -> usize {
        let begun = Instant::now();
        let mut calls = Vec::new();
        while calls.is_empty() {
            assert!(begun.elapsed() < Duration::from_secs(30), "the directory was not asked");
            tokio::time::sleep(Duration::from_millis(300)).await;
            calls = self.ding.calls();
        }
        // Whatever the first round has not written down yet is asked for and written down by this one.
        self.program.wake().await.unwrap();
        self.ding.calls();
        calls.iter().filter(|path| *path == LOOK_UP).count()
    }

    /// How many calls DingTalk gets when everything that is due is done after this time.
    async fn calls_after(&self, time: i64) -> usize {
        self.clock.advance(time);
        self.program.wake().await.unwrap();
        self.ding.calls().len()
    }

    /// What somebody is told who asks for help in private.
    async fn help(&mut self, account: &str) -> String {
        self.messages += 1;
        let id = format!("msgPhone{}", self.messages);
        let post = self.ding.message(account, &Chat::Private, dingtalk::text("帮助"), &id, self.clock.now());
        let sent = self.http.post(self.program.hook("ding")).headers(post.headers).body(post.body).send().await.unwrap();
        assert!(sent.status().is_success());
        self.program.settle().await.unwrap();
        let mine = |to: &To| match to {
            To::Staff(staff) => staff == account,
            To::Session(session) => self.ding.chat_of(session).is_some_and(|(_, from)| from == account),
            To::Group(_) => false,
        };
        self.ding.take().into_iter().filter(|sent| mine(&sent.to)).map(|sent| sent.text).collect()
    }

    async fn end(self) {
        assert_eq!(self.program.end().await, Vec::<String>::new());
    }
}

async fn dingtalk() -> FakeDing {
    FakeDing::start(CLIENT_ID, CLIENT_SECRET, CLIENT_ID).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whom_the_directory_knows_is_recognised_at_the_first_word_and_a_stranger_is_not() {
    let ding = dingtalk().await;
    ding.know_phone(PHONE, ACCOUNT);
    let mut stage = Stage::set(ding, &["wang"]).await;
    assert_eq!(stage.first_round().await, 1, "only who has no account is looked for");
    let help = stage.help(ACCOUNT).await;
    assert!(help.contains(STAFF_COMMAND), "{help}");
    let help = stage.help("stranger").await;
    assert!(help.contains("绑定 绑定码") && !help.contains(STAFF_COMMAND), "{help}");
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_was_not_in_the_directory_is_looked_for_again_after_a_day() {
    let mut stage = Stage::set(dingtalk().await, &["wang"]).await;
    stage.first_round().await;
    let help = stage.help(ACCOUNT).await;
    assert!(!help.is_empty() && !help.contains(STAFF_COMMAND), "{help}");
    stage.ding.calls();
    stage.ding.know_phone(PHONE, ACCOUNT);
    assert_eq!(stage.calls_after(23 * HOUR).await, 0);
    assert!(stage.calls_after(HOUR).await > 0);
    let help = stage.help(ACCOUNT).await;
    assert!(help.contains(STAFF_COMMAND), "{help}");
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_could_not_be_looked_up_is_looked_for_again_after_an_hour() {
    let ding = dingtalk().await;
    ding.know_phone(PHONE, ACCOUNT);
    ding.down(true);
    let mut stage = Stage::set(ding, &["wang"]).await;
    stage.first_round().await;
    stage.ding.down(false);
    assert_eq!(stage.calls_after(HOUR / 2).await, 0);
    assert!(stage.calls_after(HOUR / 2).await > 0);
    let help = stage.help(ACCOUNT).await;
    assert!(help.contains(STAFF_COMMAND), "{help}");
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_directory_that_is_closed_to_us_is_not_asked_for_everybody() {
    let ding = dingtalk().await;
    ding.fail_next(200, r#"{"errcode":88,"sub_code":"60011","errmsg":"x"}"#, 99);
    let stage = Stage::set(ding, &["wang", "zhao", "sun", "liu"]).await;
    assert_eq!(stage.first_round().await, 1);
    assert_eq!(stage.calls_after(HOUR / 2).await, 0);
    assert!(stage.calls_after(HOUR / 2).await > 0);
    stage.end().await;
}
