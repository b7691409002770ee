//! Staff whose account is not in the organisation's file, found by phone in DingTalk's directory.
#![cfg(test)]

#[expect(dead_code, reason = "the stories use the rest")]
mod support;

use minhu::clock::{Clock, DAY};
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
    /// The program on the demonstration's organisation without 王联络's account.
    async fn set(ding: FakeDing) -> Stage {
        let folder = tempfile::tempdir().unwrap();
        let file = organisation();
        let without = file.replace("\"ding:wang\"", "");
        assert_ne!(file, without);
        let wechat = FakeWeChat::start(APP_ID, APP_SECRET).await;
        let clock = Clock::starting_at(minhu::clock::parse("2026-11-23T10:00:00+08:00").unwrap());
        let program = Program::start(folder.path(), &without, &wechat.base(), ding.base(), clock.clone()).await.unwrap();
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        Stage { program, ding, clock, http, messages: 0, _folder: folder }
    }

    /// Waits until the program has asked the directory of itself; gives how often.
    async fn looked_up(&self) -> usize {
        let begun = Instant::now();
        let mut count = 0;
        while count == 0 {
            assert!(begun.elapsed() < Duration::from_secs(30), "the directory was not asked");
            tokio::time::sleep(Duration::from_millis(50)).await;
            count = self.count_look_ups();
        }
        // What was found meanwhile is bound when this round is over.
        self.program.wake().await.unwrap();
        count
    }

    fn count_look_ups(&self) -> usize {
        self.ding.calls().iter().filter(|path| *path == LOOK_UP).count()
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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whom_the_directory_knows_is_recognised_at_the_first_word_and_a_stranger_is_not() {
    let ding = FakeDing::start(CLIENT_ID, CLIENT_SECRET, CLIENT_ID).await;
    ding.know_phone(PHONE, ACCOUNT);
    let mut stage = Stage::set(ding).await;
    assert_eq!(stage.looked_up().await, 1, "only who has no account is looked for");
    let help = stage.help(ACCOUNT).await;
    assert!(help.contains(STAFF_COMMAND), "{help}");
    let help = stage.help("stranger").await;
    assert!(help.contains("绑定 绑定码") && !help.contains(STAFF_COMMAND), "{help}");
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_was_not_in_the_directory_is_found_a_day_later() {
    let ding = FakeDing::start(CLIENT_ID, CLIENT_SECRET, CLIENT_ID).await;
    let mut stage = Stage::set(ding).await;
    stage.looked_up().await;
    stage.ding.calls();
    let help = stage.help(ACCOUNT).await;
    assert!(!help.is_empty() && !help.contains(STAFF_COMMAND), "{help}");
    stage.ding.know_phone(PHONE, ACCOUNT);
    stage.program.wake().await.unwrap();
    assert_eq!(stage.count_look_ups(), 0, "not again on the same day");
    stage.clock.advance(DAY);
    stage.program.wake().await.unwrap();
    assert!(stage.count_look_ups() > 0);
    let help = stage.help(ACCOUNT).await;
    assert!(help.contains(STAFF_COMMAND), "{help}");
    stage.end().await;
}
