//! The demonstration in a real browser. Runs when `MINHUTEST_BROWSER=1`; otherwise says that it was left out.
#![cfg(test)]

#[path = "support/browser.rs"]
mod browser;

use browser::Browser;
use minhu::{app::Running, clock::Clock, config::Config};
use serde_json::json;
use std::io::Write;

/// The demonstration on a free port, at ten on a Monday morning; `None` when browsers are left out.
async fn demonstration() -> Option<(Running, String, tempfile::TempDir)> {
    if std::env::var_os("MINHUTEST_BROWSER").is_none() {
        std::io::stderr().write_all(b"left out: the demonstration in a browser (MINHUTEST_BROWSER is not set)\n").unwrap();
        return None;
    }
    let folder = tempfile::tempdir().unwrap();
    let mut config = Config::demo(folder.path()).unwrap();
    config.server.listen.set_port(0);
    let clock = Clock::starting_at(minhu::clock::parse("2026-11-23T10:00:00+08:00").unwrap());
    let running = Running::start(config, clock).await.unwrap();
    let address = format!("http://{}/", running.address());
    Some((running, address, folder))
}

/// The text of the first phone's last message that holds these words.
fn said(words: &str) -> String {
    format!(
        "[...document.querySelectorAll('.phone:first-of-type .msg.frombot')].some(m => m.innerText.includes({}))",
        json!(words)
    )
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_villager_reports_with_keyboard_and_chips() {
    let Some((running, address, _folder)) = demonstration().await else { return };
    let browser = Browser::open(1400, 900).await;
    browser.go(&address).await;
    browser.types(".phone textarea", "前观津夜里有人打井抽水卖\n").await;
    browser.until(&said("前观津")).await;
    browser.clicks(".phone .chip[data-text='提交']").await;
    browser.until(&said("编号 0001")).await;
    // What was said is there again after the page is opened anew.
    browser.go(&address).await;
    browser.until(&said("编号 0001")).await;
    assert_eq!(browser.complaints().await, Vec::<String>::new());
    drop(browser);
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn words_are_never_markup() {
    let Some((running, address, _folder)) = demonstration().await else { return };
    let browser = Browser::open(1400, 900).await;
    browser.go(&address).await;
    browser.types(".phone textarea", "<img src=x onerror=\"window.caught=1\"><b>路灯</b>坏了半个月\n").await;
    browser.until("document.querySelector('.phone .msg.me')").await;
    browser.until("document.querySelector('.phone .msg.frombot')").await;
    assert_eq!(browser.value("document.querySelectorAll('.phone .bubble img, .phone .bubble b').length").await, json!(0));
    assert_eq!(browser.value("window.caught ?? null").await, json!(null));
    drop(browser);
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_a_telephone_one_chat_fills_the_window_and_nothing_sticks_out() {
    let Some((running, address, _folder)) = demonstration().await else { return };
    let browser = Browser::open(500, 900).await;
    browser.go(&address).await;
    browser.until("document.querySelectorAll('.tabs .tab').length >= 3").await;
    assert_eq!(browser.value("[...document.querySelectorAll('.phone')].filter(p => p.offsetParent).length").await, json!(1));
    browser.clicks(".tabs .tab:nth-child(2)").await;
    browser.until("document.querySelectorAll('.phone')[1].offsetParent").await;
    assert_eq!(browser.value("document.documentElement.scrollWidth <= document.documentElement.clientWidth").await, json!(true));
    drop(browser);
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_story_plays_from_the_report_to_the_rating() {
    let Some((running, address, _folder)) = demonstration().await else { return };
    let browser = Browser::open(1400, 900).await;
    browser.go(&address).await;
    browser.until("document.querySelectorAll('.phone').length >= 3").await;
    browser.clicks("#play").await;
    // Every step waits for its answer and stops with a sentence when none comes.
    let steps = 20;
    for _ in 0..steps {
        let state = browser.value("document.getElementById('story').className").await;
        let caption = browser.value("document.getElementById('story').innerText").await;
        assert!(!state.as_str().unwrap().contains("failed"), "{caption}");
        if state.as_str().unwrap().contains("done") {
            break;
        }
        let before = browser.value("document.querySelector('#story .count').textContent").await;
        browser
            .until(&format!(
                "document.querySelector('#story .count').textContent !== {before} || document.querySelector('#story.failed')"
            ))
            .await;
    }
    browser.until("document.querySelector('#story.done')").await;
    assert_eq!(browser.complaints().await, Vec::<String>::new());
    drop(browser);
    running.stop().await;
}
