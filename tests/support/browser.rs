//! A real browser: Chromium through the chromedriver of this machine.

use serde_json::{Value, json};
use std::{
    net::TcpListener,
    os::unix::process::CommandExt,
    path::Path,
    process::{Child, Command, Stdio},
    sync::Arc,
    time::Duration,
};
use thirtyfour::{
    LoggingPrefsLogLevel,
    cdp::domains::emulation::{MediaFeature, SetEmulatedMedia},
    extensions::query::{ElementPollerWithTimeout, IntoElementPoller},
    prelude::*,
};

/// How long something may take to appear on the page.
const PATIENCE: Duration = Duration::from_secs(30);
/// How often it is looked for.
const STEP: Duration = Duration::from_millis(50);
/// Servers of the tests listen below the ports that the system gives to outgoing connections.
const PORTS: std::ops::Range<u16> = 20_000..32_768;
/// Chromium asks nobody on the network for anything of its own, and looks the same everywhere.
const ARGUMENTS: [&str; 12] = [
    "--headless",
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
];

/// A port of this machine on which nobody listens.
pub fn free_port() -> u16 {
    let mut bytes = [0; 2];
    getrandom::fill(&mut bytes).unwrap();
    let first = u16::from_ne_bytes(bytes) % (PORTS.end - PORTS.start);
    let all = PORTS.len() as u16;
    let mut tried = (0..all).map(|step| PORTS.start + (first + step) % all);
    tried.find(|port| TcpListener::bind(("127.0.0.1", *port)).is_ok()).expect("a free port")
}

/// One window. It ends with this value too, but a test that gets so far closes it.
pub struct Browser {
    // In the order in which they have to end.
    window: WebDriver,
    _driver: Driver,
    _profile: tempfile::TempDir,
}

impl Browser {
    /// Opens a window whose inside has this size in points.
    pub async fn open(width: u32, height: u32) -> Browser {
        let port = free_port();
        let driver = Driver::start(port).await;
        let profile = tempfile::tempdir().unwrap();
        let mut wanted = DesiredCapabilities::chrome();
        for argument in ARGUMENTS {
            wanted.add_arg(argument).unwrap();
        }
        wanted.add_arg(&format!("--user-data-dir={}", profile.path().display())).unwrap();
        wanted.set_browser_log_level(LoggingPrefsLogLevel::Warning).unwrap();
        // The way to chromedriver must not lead through a proxy that the environment names.
        let client = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(60)).build().unwrap();
        let window = WebDriver::builder(format!("http://127.0.0.1:{port}"), wanted)
            .client(client)
            .poller(Arc::new(ElementPollerWithTimeout::new(PATIENCE, STEP)))
            .await
            .expect("a window");
        // A window of the system cannot be as narrow as a telephone.
        window.cdp().emulation().set_device_metrics_override(width, height, 1.0, false).await.unwrap();
        Browser { window, _driver: driver, _profile: profile }
    }

    /// Closes the window.
    pub async fn close(self) {
        self.window.quit().await.unwrap();
    }

    /// Shows the page as to somebody who has chosen dark colours.
    pub async fn darken(&self) {
        let dark = MediaFeature { name: "prefers-color-scheme".to_owned(), value: "dark".to_owned() };
        self.window.cdp().send(SetEmulatedMedia { media: None, features: Some(vec![dark]) }).await.unwrap();
    }

    /// Goes to an address.
    pub async fn go(&self, address: &str) {
        self.window.goto(address).await.unwrap();
    }

    /// The value of a JavaScript expression on the page.
    pub async fn value(&self, expression: &str) -> Value {
        let value = self.window.execute(format!("return ({expression});"), []).await;
        value.unwrap_or_else(|error| panic!("{expression}: {error}")).json().clone()
    }

    /// Waits until an expression is true.
    pub async fn until(&self, expression: &str) {
        self.until_within(expression, PATIENCE).await;
    }

    /// Waits until an expression is true, for at most so long.
    pub async fn until_within(&self, expression: &str, patience: Duration) {
        let mut poller = ElementPollerWithTimeout::new(patience, STEP).start();
        while self.value(&format!("!!({expression})")).await != json!(true) {
            if !poller.tick().await {
                self.fail(&format!("this did not become true: {expression}")).await;
            }
        }
    }

    /// Types into the element a selector finds, as somebody at a keyboard; `\n` is the return key.
    pub async fn types(&self, selector: &str, words: &str) {
        self.element(selector).await.send_keys(words).await.unwrap_or_else(|error| panic!("{selector}: {error}"));
    }

    /// Clicks the element a selector finds; fails when something covers it.
    pub async fn clicks(&self, selector: &str) {
        self.element(selector).await.click().await.unwrap_or_else(|error| panic!("{selector}: {error}"));
    }

    /// Strikes a key, wherever the focus is.
    pub async fn strikes(&self, key: Key) {
        self.window.action_chain().send_keys(key).perform().await.unwrap();
    }

    async fn element(&self, selector: &str) -> WebElement {
        match self.window.query(By::Css(selector)).first().await {
            Ok(element) => element,
            Err(error) => self.fail(&format!("{selector}: {error}")).await,
        }
    }

    /// Ends the test with a picture of the window and the words in it.
    async fn fail(&self, why: &str) -> ! {
        self.photograph("failed").await;
        let page = self.value("document.body.innerText").await;
        panic!("{why}\n{}", page.as_str().unwrap_or_default());
    }

    /// Puts a picture of the window into `target/screenshots`.
    pub async fn photograph(&self, name: &str) {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/screenshots");
        std::fs::create_dir_all(&folder).unwrap();
        self.window.screenshot(&folder.join(format!("{name}.png"))).await.unwrap();
    }

    /// What the page complained about in its console since the last time.
    pub async fn complaints(&self) -> Vec<String> {
        self.window.browser_log().await.unwrap().into_iter().map(|line| line.message).collect()
    }
}

/// The process that leads browsers; they end with it.
struct Driver(Child);

impl Driver {
    /// Starts it on a port and waits until it listens there.
    async fn start(port: u16) -> Driver {
        let mut command = Command::new("chromedriver");
        command.arg(format!("--port={port}")).stdout(Stdio::null()).stderr(Stdio::null());
        // A group of its own, so that a browser which no longer answers ends with it.
        let driver = Driver(command.process_group(0).spawn().expect("chromedriver is installed"));
        let mut poller = ElementPollerWithTimeout::new(PATIENCE, STEP).start();
        while tokio::net::TcpStream::connect(("127.0.0.1", port)).await.is_err() {
            assert!(poller.tick().await, "chromedriver does not answer");
        }
        driver
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        // The whole group that was started here. A driver that has ended already needs no help.
        let _ = Command::new("kill").args(["-KILL", "--", &format!("-{}", self.0.id())]).stderr(Stdio::null()).status();
        let _ = self.0.wait();
    }
}
