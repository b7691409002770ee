//! A real browser: Chromium through chromedriver, spoken to as the WebDriver standard says.

use serde_json::{Value, json};
use std::{
    net::TcpListener,
    os::unix::process::CommandExt,
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

/// How long something may take to appear on the page.
const PATIENCE: Duration = Duration::from_secs(30);
/// Servers of the tests listen below the ports that the system gives to outgoing connections.
const PORTS: std::ops::Range<u16> = 20_000..32_768;

/// A port of this machine on which nobody listens.
pub fn free_port() -> u16 {
    let mut bytes = [0; 2];
    getrandom::fill(&mut bytes).unwrap();
    let first = u16::from_ne_bytes(bytes) % (PORTS.end - PORTS.start);
    let all = PORTS.len() as u16;
    let mut tried = (0..all).map(|step| PORTS.start + (first + step) % all);
    tried.find(|port| TcpListener::bind(("127.0.0.1", *port)).is_ok()).expect("a free port")
}

/// One window; it ends with this value.
pub struct Browser {
    driver: Child,
    session: String,
    http: reqwest::Client,
    _profile: tempfile::TempDir,
}

impl Browser {
    /// Opens a window whose inside has this size in points.
    pub async fn open(width: u32, height: u32) -> Browser {
        let port = free_port();
        let profile = tempfile::tempdir().unwrap();
        let driver = Command::new("chromedriver")
            .arg(format!("--port={port}"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            // A group of its own, so that the browser ends with it.
            .process_group(0)
            .spawn()
            .expect("chromedriver is installed");
        let http = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(60)).build().unwrap();
        let session = format!("http://127.0.0.1:{port}");
        let mut browser = Browser { driver, session, http, _profile: profile };
        let begun = Instant::now();
        while browser.http.get(format!("{}/status", browser.session)).send().await.is_err() {
            assert!(begun.elapsed() < PATIENCE, "chromedriver does not answer");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        let args = json!([
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--disable-dev-shm-usage",
            "--no-proxy-server",
            "--force-prefers-reduced-motion",
            "--lang=zh-CN",
            format!("--user-data-dir={}", browser._profile.path().display()),
        ]);
        let wanted = json!({ "capabilities": { "alwaysMatch": {
            "browserName": "chrome", "goog:chromeOptions": { "args": args }, "goog:loggingPrefs": { "browser": "WARNING" } } } });
        let made = browser.call("/session", &wanted).await;
        let id = made["sessionId"].as_str().unwrap_or_else(|| panic!("no window: {made}"));
        browser.session = format!("{}/session/{id}", browser.session);
        // A window of the system cannot be as narrow as a telephone.
        let size = json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": false });
        browser.developer("Emulation.setDeviceMetricsOverride", &size).await;
        browser
    }

    async fn call(&self, path: &str, body: &Value) -> Value {
        let answer = self.http.post(format!("{}{path}", self.session)).json(body).send().await.unwrap();
        answer.json::<Value>().await.unwrap()["value"].take()
    }

    async fn developer(&self, command: &str, parameters: &Value) {
        let failed = self.call("/goog/cdp/execute", &json!({ "cmd": command, "params": parameters })).await;
        assert!(failed.get("stacktrace").is_none(), "{command}: {failed}");
    }

    /// Shows the page as to somebody who has chosen dark colours.
    pub async fn darken(&self) {
        let features = json!([{ "name": "prefers-color-scheme", "value": "dark" }]);
        self.developer("Emulation.setEmulatedMedia", &json!({ "features": features })).await;
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
        self.until_within(expression, PATIENCE).await;
    }

    /// Waits until an expression is true, for at most so long.
    pub async fn until_within(&self, expression: &str, patience: Duration) {
        let begun = Instant::now();
        while self.value(&format!("!!({expression})")).await != json!(true) {
            if begun.elapsed() >= patience {
                self.photograph("failed").await;
                let page = self.value("document.body.innerText").await;
                panic!("this did not become true: {expression}\n{}", page.as_str().unwrap_or_default());
            }
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

    /// Strikes a key, wherever the focus is.
    pub async fn strikes(&self, key: char) {
        let strokes = json!([{ "type": "keyDown", "value": key }, { "type": "keyUp", "value": key }]);
        let keyboard = json!({ "actions": [{ "type": "key", "id": "keyboard", "actions": strokes }] });
        assert_eq!(self.call("/actions", &keyboard).await, Value::Null, "{key:?}");
    }

    async fn element(&self, selector: &str) -> String {
        self.until(&format!("document.querySelector({})", json!(selector))).await;
        let found = self.call("/element", &json!({ "using": "css selector", "value": selector })).await;
        let id = found.as_object().and_then(|found| found.values().next()).and_then(Value::as_str);
        id.unwrap_or_else(|| panic!("{selector}: {found}")).to_owned()
    }

    /// Puts a picture of the window into `target/screenshots`.
    pub async fn photograph(&self, name: &str) {
        use base64::Engine;
        let picture = self.http.get(format!("{}/screenshot", self.session)).send().await.unwrap();
        let picture = picture.json::<Value>().await.unwrap();
        let png = base64::engine::general_purpose::STANDARD.decode(picture["value"].as_str().unwrap()).unwrap();
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/screenshots");
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join(format!("{name}.png")), png).unwrap();
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
