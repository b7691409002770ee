//! The demonstration in a real browser. Runs when `MINHUTEST_BROWSER=1`; otherwise says that it was left out.
#![cfg(test)]

#[path = "support/browser.rs"]
mod browser;

use browser::{Browser, free_port};
use minhu::{app::Running, clock::Clock, config::Config, message::Millis};
use serde_json::json;
use sqlx::Row;
use std::{io::Write, path::Path, time::Duration};
use thirtyfour::Key;

/// Ten on a Monday morning.
const MORNING: &str = "2026-11-23T10:00:00+08:00";

fn left_out() -> bool {
    let left_out = std::env::var_os("MINHUTEST_BROWSER").is_none();
    if left_out {
        std::io::stderr().write_all(b"left out: the demonstration in a browser (MINHUTEST_BROWSER is not set)\n").unwrap();
    }
    left_out
}

/// The demonstration of a folder on a port.
async fn start(folder: &Path, port: u16, at: Millis) -> Running {
    let mut config = Config::demo(folder).unwrap();
    config.server.listen.set_port(port);
    Running::start(config, Clock::starting_at(at)).await.unwrap()
}

/// A demonstration and a window that shows it.
struct Stage {
    folder: tempfile::TempDir,
    running: Running,
    browser: Browser,
    address: String,
}

impl Stage {
    /// `None` when browsers are left out.
    async fn set(at: &str, width: u32, height: u32) -> Option<Stage> {
        if left_out() {
            return None;
        }
        let folder = tempfile::tempdir().unwrap();
        let running = start(folder.path(), free_port(), minhu::clock::parse(at).unwrap()).await;
        let address = format!("http://{}/", running.address());
        let browser = Browser::open(width, height).await;
        browser.go(&address).await;
        browser.until("document.querySelectorAll('.phone').length >= 3").await;
        Some(Stage { folder, running, browser, address })
    }

    /// Somebody writes on this phone and sends it.
    async fn says(&self, phone: usize, words: &str) {
        self.browser.types(&format!("{} .say textarea", nth(phone)), &format!("{words}\n")).await;
    }

    /// The newest thing on this phone is a message of the bot with all these words.
    async fn hears(&self, phone: usize, words: &[&str]) {
        self.browser
            .until(&format!(
                "(m => m?.matches('.frombot') && {}.every(word => m.innerText.includes(word)))
                 ([...document.querySelectorAll('{} .msg:not(.typing)')].at(-1))",
                json!(words),
                nth(phone)
            ))
            .await;
    }

    /// Another person, or another chat, on this phone.
    async fn becomes(&self, phone: usize, account: &str, group: &str) {
        self.browser.clicks(&format!("{} select option[value='{account} {group}']", nth(phone))).await;
    }

    /// A chip of the newest message.
    async fn taps(&self, phone: usize, chip: &str) {
        self.browser.clicks(&format!("{} .chips:not(.old) .chip[data-text='{chip}']", nth(phone))).await;
    }

    /// A ready-made picture from the panel.
    async fn sends_picture(&self, phone: usize, name: &str) {
        self.browser.clicks(&format!("{} .plus", nth(phone))).await;
        self.browser.clicks(&format!("{} .thumb[title='{name}']", nth(phone))).await;
    }

    /// All words on the cards of this phone, one card each.
    async fn cards(&self, phone: usize) -> Vec<String> {
        let cards =
            self.browser.value(&format!("[...document.querySelectorAll('{} .card')].map(c => c.innerText)", nth(phone))).await;
        serde_json::from_value(cards).unwrap()
    }

    /// The ratings as they are stored: solved, satisfaction, contacted.
    async fn ratings(&self) -> Vec<(String, i64, String)> {
        let mut conn = self.running.db().read().await.unwrap();
        let rows = sqlx::query("SELECT solved, value, contacted FROM rating").fetch_all(&mut *conn).await.unwrap();
        rows.iter().map(|row| (row.get(0), row.get(1), row.get(2))).collect()
    }

    async fn count(&self, table: &'static str) -> i64 {
        let mut conn = self.running.db().read().await.unwrap();
        let sql = sqlx::AssertSqlSafe(format!("SELECT COUNT(*) FROM {table}"));
        sqlx::query_scalar(sql).fetch_one(&mut *conn).await.unwrap()
    }

    async fn end(self) {
        self.browser.close().await;
        self.running.stop().await;
    }
}

fn nth(phone: usize) -> String {
    format!("section.phone:nth-of-type({phone})")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn people_play_the_whole_story_with_mouse_and_keyboard() {
    let Some(stage) = Stage::set(MORNING, 1280, 820).await else { return };
    let (villager, office, unit) = (1, 2, 3);

    // A photo, a village, a sentence, 提交.
    stage.sends_picture(villager, "夜里抽水的机井").await;
    stage.hears(villager, &["哪个村"]).await;
    stage.says(villager, "前观津").await;
    stage.hears(villager, &["照片收到了", "什么事"]).await;
    stage.says(villager, "夜里有人打井抽水卖，半年多了").await;
    stage.hears(villager, &["审坡镇前观津村", "夜里有人打井抽水卖", "照片1张", "保密", "提交", "改地点"]).await;
    stage.browser.photograph("report").await;
    stage.taps(villager, "提交").await;
    stage.hears(villager, &["收到了，编号 0001", "11月24日（周二）前"]).await;

    // The dispatcher sees it with a proposal and gives it to the bureau; the bureau's group gets a card without the story.
    stage.becomes(unit, "wang", "g-swj").await;
    stage.says(office, "待派").await;
    stage.hears(office, &["待派 1 件", "0001", "水务局"]).await;
    stage.says(office, "派单 1 水务局").await;
    stage.hears(office, &["已派单", "12月14日（周一）前办结"]).await;
    stage.hears(villager, &["交给水务局办了", "12月14日（周一）前"]).await;
    stage.hears(unit, &["新工单", "0001", "待签收", "审坡镇", "签收", "不是我们的"]).await;
    let group = stage.browser.value(&format!("document.querySelector('{}').innerText", nth(unit))).await;
    assert!(!group.as_str().unwrap().contains("打井抽水"), "a group reads what happened: {group}");

    // Signing in the group changes the card where it stands.
    stage.says(unit, "签收 1").await;
    stage.hears(unit, &["已签收：0001", "11月24日（周二） 10:"]).await;
    let cards = stage.cards(unit).await;
    assert_eq!(cards.len(), 1, "the card was sent again instead of changed: {cards:?}");
    assert!(cards[0].contains("办理中") && !cards[0].contains("待签收"), "{cards:?}");
    stage.browser.photograph("signed").await;

    // The result in private: a photo is missing, then it is there.
    stage.becomes(office, "wang", "").await;
    stage.says(office, "办结 1 属实 关停 井没有手续，已经断电封填，水泵拉走了，对抽水卖的人立了案。").await;
    stage.hears(office, &["要有照片"]).await;
    stage.sends_picture(office, "封好的机井").await;
    stage.hears(office, &["已办结"]).await;
    stage.becomes(office, "sun", "").await;
    stage.hears(office, &["0001", "审核 1", "井没有手续，已经断电封填"]).await;
    stage.says(office, "审核 1").await;
    stage.hears(office, &["已审核"]).await;
    stage.becomes(office, "li", "").await;
    stage.says(office, "通过 1").await;
    stage.hears(office, &["已通过"]).await;

    // The villager hears the result and rates it, typing or tapping.
    stage.hears(villager, &["水务局办了", "属实，关停", "断电封填", "解决了吗", "解决了一部分"]).await;
    stage.says(villager, "1").await;
    stage.hears(villager, &["您满意吗"]).await;
    stage.says(villager, "5").await;
    stage.hears(villager, &["联系过您吗"]).await;
    stage.taps(villager, "联系过").await;
    stage.hears(villager, &["还有想说的吗"]).await;
    stage.says(villager, "没有").await;
    stage.hears(villager, &["谢谢您"]).await;
    assert_eq!(stage.ratings().await, [("yes".to_owned(), 5, "yes".to_owned())]);
    stage.says(villager, "我的").await;
    stage.hears(villager, &["办完了", "交给单位：水务局", "评价了"]).await;
    stage.browser.photograph("rated").await;

    // What was said is there again after the page is opened anew, and in the dark.
    stage.browser.darken().await;
    stage.browser.go(&stage.address).await;
    stage.hears(villager, &["办完了", "评价了"]).await;
    stage.browser.photograph("dark").await;
    assert_eq!(stage.browser.complaints().await, Vec::<String>::new());
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_automatic_story_plays_to_its_end_even_when_it_is_begun_at_night() {
    let Some(stage) = Stage::set("2026-11-23T23:30:00+08:00", 1280, 820).await else { return };
    stage.browser.clicks("#play").await;
    // Every step waits for its answer and stops with a sentence when none comes.
    stage.browser.until_within("document.querySelector('#story.done, #story.failed')", Duration::from_secs(150)).await;
    let caption = stage.browser.value("document.getElementById('story').innerText").await;
    stage.browser.photograph("story").await;
    assert_eq!(stage.browser.value("document.querySelector('#story.failed') === null").await, json!(true), "{caption}");
    assert_eq!(stage.ratings().await, [("yes".to_owned(), 5, "yes".to_owned())]);
    assert_eq!(stage.browser.complaints().await, Vec::<String>::new());
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restart_in_the_middle_of_a_dialog_goes_unnoticed() {
    let Some(stage) = Stage::set(MORNING, 1280, 820).await else { return };
    stage.sends_picture(1, "夜里抽水的机井").await;
    stage.hears(1, &["哪个村"]).await;
    stage.says(1, "前观津").await;
    stage.hears(1, &["什么事"]).await;

    // What is said while nobody answers waits in the window and is handed over afterwards.
    let Stage { folder, running, browser, address } = stage;
    let (port, now) = (running.address().port(), running.clock().now());
    running.stop().await;
    browser.types(&format!("{} .say textarea", nth(1)), "夜里有人打井抽水卖\n").await;
    browser.until(&format!("document.querySelector('{} .pending.waiting')", nth(1))).await;
    browser.photograph("stopped").await;
    let running = start(folder.path(), port, now).await;
    let stage = Stage { folder, running, browser, address };

    stage.hears(1, &["审坡镇前观津村", "夜里有人打井抽水卖（照片1张）", "提交"]).await;
    stage.browser.until("document.getElementById('offline').hidden").await;
    let mine = stage.browser.value(&format!("document.querySelectorAll('{} .msg.me').length", nth(1))).await;
    assert_eq!(mine, json!(3), "a photo, a village, a sentence, each once");
    stage.taps(1, "提交").await;
    stage.hears(1, &["收到了，编号 0001"]).await;
    assert_eq!(stage.count("ticket").await, 1);
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_a_telephone_nothing_sticks_out_and_the_keyboard_reaches_everything() {
    let Some(stage) = Stage::set(MORNING, 320, 640).await else { return };
    let browser = &stage.browser;
    assert_eq!(browser.value("[...document.querySelectorAll('.phone')].filter(p => p.offsetParent).length").await, json!(1));
    stage.says(1, "前观津夜里有人打井抽水卖").await;
    stage.hears(1, &["前观津", "提交"]).await;
    browser.photograph("narrow").await;
    browser.clicks("#tools-toggle").await;
    browser.clicks(".phone.front .plus").await;
    browser.until("document.querySelector('.phone.front .attach')").await;
    browser.photograph("narrow-open").await;
    assert_eq!(browser.value("document.documentElement.scrollWidth").await, json!(320));

    // Every key leads to something new with a ring around it until the round is complete; it leads through the window's own
    // controls, while the page's body has the focus.
    let look = "(at => {
        const style = getComputedStyle(at);
        const ring = style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2;
        const outside = at === document.body;
        const again = !outside && at.dataset.reached === '1';
        at.dataset.reached = '1';
        return { again, ring: ring || outside, what: at.outerHTML.slice(0, 120) };
    })(document.activeElement)";
    for round in 0.. {
        assert!(round < 200, "the keyboard finds no end");
        browser.strikes(Key::Tab).await;
        let at = browser.value(look).await;
        if at["again"] == json!(true) {
            break;
        }
        assert_eq!(at["ring"], json!(true), "no visible focus: {}", at["what"]);
    }
    let missed = browser
        .value(
            "[...document.querySelectorAll('a, button, select, textarea, input, summary, [tabindex]')]
                .filter(e => e.checkVisibility({ visibilityProperty: true }) && !e.disabled && !e.dataset.reached)
                .map(e => e.outerHTML.slice(0, 120))",
        )
        .await;
    assert_eq!(missed, json!([]), "out of the keyboard's reach");

    browser.clicks(".phone.front .plus").await;
    browser.clicks(".tabs .tab:nth-child(2)").await;
    browser.until(&format!("document.querySelector('{}').offsetParent", nth(2))).await;
    assert_eq!(browser.value("document.documentElement.scrollWidth").await, json!(320));
    assert_eq!(browser.complaints().await, Vec::<String>::new());
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn words_are_never_markup() {
    let Some(stage) = Stage::set(MORNING, 1280, 820).await else { return };
    stage.says(1, "<img src=x onerror=\"window.caught=1\"><b>路灯</b>坏了半个月").await;
    stage.browser.until("document.querySelector('.phone .msg.me')").await;
    stage.browser.until("document.querySelector('.phone .msg.frombot')").await;
    assert_eq!(stage.browser.value("document.querySelectorAll('.phone .bubble img, .phone .bubble b').length").await, json!(0));
    assert_eq!(stage.browser.value("window.caught ?? null").await, json!(null));
    stage.end().await;
}
