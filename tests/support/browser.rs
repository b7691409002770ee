//! A real browser: Chromium through chromedriver, spoken to as the WebDriver standard says.

use serde_json::{Value, json};
use std::{
    net::TcpListener,
    os::unix::process::CommandExt,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

/// How long something may take to appear on the page.
const PATIENCE: Duration = Duration::from_secs(30);

/// One window; it ends with this value.
pub struct Browser {
    driver: Child,
    session: String,
    http: reqwest::Client,
}

impl Browser {
    /// Opens a window of this size in points.
    pub async fn open(width: u32, height: u32) -> Browser {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let driver = Command::new("chromedriver")
            .arg(format!("--port={port}"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            // A group of its own, so that the browser ends with it.
            .process_group(0)
            .spawn()
            .expect("chromedriver is installed");
        let http = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(60)).build().unwrap();
        let mut browser = Browser { driver, session: format!("http://127.0.0.1:{port}"), http };
        let begun = Instant::now();
        while browser.http.get(format!("{}/status", browser.session)).send().await.is_err() {
            assert!(begun.elapsed() < PATIENCE, "chromedriver does not answer");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        let size = format!("--window-size={width},{height}");
        let args = json!([
            "--headless=new",
            "--no-sandbox",
            "--disable-dev-shm-usage",
            "--no-proxy-server",
            "--force-prefers-reduced-motion",
            "--lang=zh-CN",
            size
        ]);
        let wanted = json!({ "capabilities": { "alwaysMatch": {
            "browserName": "chrome", "goog:chromeOptions": { "args": args }, "goog:loggingPrefs": { "browser": "WARNING" } } } });
        let made = browser.call("/session", &wanted).await;
        let id = made["sessionId"].as_str().unwrap_or_else(|| panic!("no window: {made}"));
        browser.session = format!("{}/session/{id}", browser.session);
        browser
    }

    async fn call(&self, path: &str, body: &Value) -> Value {
        let answer = self.http.post(format!("{}{path}", self.session)).json(body).send().await.unwrap();
        answer.json::<Value>().await.unwrap()["value"].take()
    }

    /// Goes to an address.
    pub async fn go(&self, address: &str) {
        self.call("/url", &json!({ "url": address })).await;
    }

    /// The value of a JavaScript expression on the page.
    pub async fn value(&self, expression: &str) -> Value {
        let body = json!({ "script": format!("return ({expression});"), "args": [] });
        let value = self.call("/execute/sync", &body).await;
        assert!(value.get("stacktrace").is_none(), "{expression}: {}", value["message"]);
        value
    }

    /// Waits until an expression is true.
    pub async fn until(&self, expression: &str) {
        let begun = Instant::now();
        while self.value(&format!("!!({expression})")).await != json!(true) {
            let page = self.value("document.body.innerText").await;
            assert!(begun.elapsed() < PATIENCE, "this did not become true: {expression}\n{}", page.as_str().unwrap_or_default());
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Types into the element a selector finds, as somebody at a keyboard; `\n` is the return key.
    pub async fn types(&self, selector: &str, words: &str) {
        let id = self.element(selector).await;
        let failed = self.call(&format!("/element/{id}/value"), &json!({ "text": words })).await;
        assert_eq!(failed, Value::Null, "{selector}");
    }

    /// Clicks the element a selector finds; fails when something covers it.
    pub async fn clicks(&self, selector: &str) {
        let id = self.element(selector).await;
        let failed = self.call(&format!("/element/{id}/click"), &json!({})).await;
        assert_eq!(failed, Value::Null, "{selector}");
    }

    async fn element(&self, selector: &str) -> String {
        self.until(&format!("document.querySelector({})", json!(selector))).await;
        let found = self.call("/element", &json!({ "using": "css selector", "value": selector })).await;
        let id = found.as_object().and_then(|found| found.values().next()).and_then(Value::as_str);
        id.unwrap_or_else(|| panic!("{selector}: {found}")).to_owned()
    }

    /// What the page complained about in its console since the last time.
    pub async fn complaints(&self) -> Vec<String> {
        let log = self.call("/se/log", &json!({ "type": "browser" })).await;
        let lines = log.as_array().unwrap_or_else(|| panic!("no log: {log}"));
        lines.iter().filter_map(|line| line["message"].as_str().map(str::to_owned)).collect()
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // The whole group that was started here. A driver that has ended already needs no help.
        let _ = Command::new("kill").args(["--", &format!("-{}", self.driver.id())]).stderr(Stdio::null()).status();
        let _ = self.driver.wait();
    }
}
