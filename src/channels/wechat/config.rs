//! The keys of a `[[channel]]` of kind `wechat`.

use super::outbound::{TEMPLATE_KEYS, TemplateKey};
use crate::channels::seal_box::SealBox;
use crate::clock::{HOUR, MINUTE, SECOND};
use crate::message::Millis;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Deserializer};

/// One Official Account, as `minhu.toml` gives it.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Our name for the channel; its hook is `/hook/{id}`.
    pub id: String,
    /// The account's app id.
    pub app_id: String,
    /// The account's app secret.
    #[serde(deserialize_with = "secret")]
    pub secret: SecretString,
    /// The word that signs callbacks.
    #[serde(deserialize_with = "secret")]
    pub token: SecretString,
    /// The 43 characters of the message key; needed in safe and compat mode.
    #[serde(default, deserialize_with = "some_secret")]
    pub aes_key: Option<SecretString>,
    /// How callbacks are protected; the same as in the platform's console.
    #[serde(default)]
    pub mode: Mode,
    /// Where the interfaces are.
    #[serde(default = "api_base")]
    pub api_base: String,
    /// How far the platform's time may be from ours: `90s`, `10m`, `1h`.
    #[serde(default = "max_skew")]
    pub max_skew: String,
    /// The menu that is made at the start; without one the account's menu is left alone.
    #[serde(default)]
    pub menu: Vec<MenuItem>,
    /// Templates for people whose window is closed.
    #[serde(default)]
    pub templates: Templates,
}

/// How callbacks are protected.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// Sealed messages only.
    #[default]
    Safe,
    /// Sealed messages with a clear copy, of which only the sealed part is read.
    Compat,
    /// Clear messages: the signature covers the query, not the words.
    Plain,
}

/// One entry of the menu.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MenuItem {
    /// What people see, at most 16 bytes.
    pub name: String,
    /// What pressing it means: a start word or a command, at most 128 bytes.
    pub key: String,
}

/// Ids of template messages and the keys that the platform gave their fields.
///
/// Keys are filled by the word before their number: `thing` with the heading of the ticket's card and then its rows in
/// order, `character_string` with its number, `phrase` with its state.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Templates {
    /// For news about a ticket.
    pub progress: Option<String>,
    /// For the question how satisfied somebody is.
    pub rate: Option<String>,
    /// The fields of `progress`.
    pub progress_keys: Vec<String>,
    /// The fields of `rate`.
    pub rate_keys: Vec<String>,
}

impl Default for Templates {
    fn default() -> Self {
        let keys = || TEMPLATE_KEYS.map(str::to_owned).to_vec();
        Templates { progress: None, rate: None, progress_keys: keys(), rate_keys: keys() }
    }
}

impl Config {
    /// Everything that is wrong, each with its key inside the channel's table and a sentence; empty when all is well.
    pub fn problems(&self) -> Vec<(String, String)> {
        let mut found = Vec::new();
        let mut wrong = |key: &str, sentence: &str| found.push((key.to_owned(), sentence.to_owned()));
        if !is_name(&self.id) {
            wrong("id", "通道名只能用英文字母、数字、-和_，不能为空。");
        }
        if !is_name(&self.app_id) {
            wrong("app_id", "请填公众号的 AppID，以 wx 开头。");
        }
        if self.secret.expose_secret().is_empty() {
            wrong("secret", "请填公众号的 AppSecret。");
        }
        if self.token.expose_secret().is_empty() {
            wrong("token", "请填消息推送里的 Token。");
        }
        match (self.mode, &self.aes_key) {
            (Mode::Safe | Mode::Compat, None) => wrong("aes_key", "安全模式和兼容模式要填 EncodingAESKey。"),
            (_, Some(key)) if SealBox::new(key.expose_secret()).is_err() => {
                wrong("aes_key", "EncodingAESKey 应该是 43 个字符，只有英文字母、数字、+和/。");
            }
            (Mode::Plain, None) | (_, Some(_)) => {}
        }
        let base = reqwest::Url::parse(&self.api_base).ok();
        if !base.is_some_and(|url| matches!(url.scheme(), "https" | "http") && url.query().is_none()) {
            wrong("api_base", "请填以 https:// 开头的网址，比如 https://api.weixin.qq.com。");
        }
        if duration(&self.max_skew).is_none() {
            wrong("max_skew", "请填一段时间，比如 90s、10m 或 1h。");
        }
        self.menu_problems(&mut wrong);
        self.template_problems(&mut wrong);
        found
    }

    /// Limits of the menu: wechat.md 4.5.
    fn menu_problems(&self, wrong: &mut impl FnMut(&str, &str)) {
        if self.menu.len() > 3 {
            wrong("menu", "底部菜单最多 3 个。");
        }
        for (n, item) in self.menu.iter().enumerate() {
            if item.name.trim().is_empty() || item.name.len() > 16 {
                wrong(&format!("menu[{n}].name"), "菜单名不能为空，最多 5 个汉字（16 字节）。");
            }
            if item.key.trim().is_empty() || item.key.len() > 128 {
                wrong(&format!("menu[{n}].key"), "请填点菜单后要做的事，比如“反映”，最多 128 字节。");
            }
        }
    }

    fn template_problems(&self, wrong: &mut impl FnMut(&str, &str)) {
        let templates = &self.templates;
        for (key, id) in [("templates.progress", &templates.progress), ("templates.rate", &templates.rate)] {
            if id.as_ref().is_some_and(|id| id.trim().is_empty()) {
                wrong(key, "请填模板编号；不用模板就删掉这一行。");
            }
        }
        for (key, keys) in [("templates.progress_keys", &templates.progress_keys), ("templates.rate_keys", &templates.rate_keys)]
        {
            if keys.is_empty() || keys.iter().any(|key| TemplateKey::of(key).is_none()) {
                wrong(key, "请照模板写出各栏的名字，只能用 thing、character_string、phrase 加数字，比如 thing1。");
            }
        }
    }
}

/// A time span such as `90s`, `10m`, `1h`, in milliseconds; `None` when it is malformed, zero or longer than a day.
pub(super) fn duration(text: &str) -> Option<Millis> {
    let unit = match text.chars().next_back()? {
        's' => SECOND,
        'm' => MINUTE,
        'h' => HOUR,
        _ => return None,
    };
    let digits = &text[..text.len() - 1];
    let count = digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse::<Millis>().ok())??;
    count.checked_mul(unit).filter(|span| (1..=24 * HOUR).contains(span))
}

fn is_name(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-')
}

fn api_base() -> String {
    "https://api.weixin.qq.com".to_owned()
}

fn max_skew() -> String {
    "10m".to_owned()
}

fn secret<'de, D: Deserializer<'de>>(from: D) -> Result<SecretString, D::Error> {
    String::deserialize(from).map(SecretString::from)
}

fn some_secret<'de, D: Deserializer<'de>>(from: D) -> Result<Option<SecretString>, D::Error> {
    secret(from).map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Config {
        toml::from_str(text).unwrap()
    }

    const SMALLEST: &str = r#"
        id = "mp"
        app_id = "wx0a1b2c3d4e5f6071"
        secret = "S"
        token = "T"
        aes_key = "+fwkOuoHM9yHTXm7kCDCWlocR3mieFH+FQ7yMa76asc"
    "#;

    #[test]
    fn the_smallest_configuration_is_safe_mode_with_the_official_address() {
        let config = read(SMALLEST);
        assert_eq!(config.problems(), []);
        assert_eq!(config.mode, Mode::Safe);
        assert_eq!(config.api_base, "https://api.weixin.qq.com");
        assert_eq!(duration(&config.max_skew), Some(10 * MINUTE));
    }

    #[test]
    fn the_documented_example_is_read() {
        let config = read(&format!(
            r#"{SMALLEST}
            mode = "compat"
            max_skew = "1h"
            menu = [ {{ name = "反映问题", key = "反映" }}, {{ name = "我的", key = "我的" }} ]
            templates = {{ progress = "TEMPLATE_ID", rate = "TEMPLATE_ID" }}"#
        ));
        assert_eq!(config.problems(), []);
        assert_eq!(config.menu[0], MenuItem { name: "反映问题".into(), key: "反映".into() });
        assert_eq!(config.templates.progress.as_deref(), Some("TEMPLATE_ID"));
    }

    #[test]
    fn unknown_keys_are_refused() {
        for extra in ["colour = 1", "menu = [{ name = \"a\", key = \"b\", url = \"c\" }]", "templates = { other = \"x\" }"] {
            assert!(toml::from_str::<Config>(&format!("{SMALLEST}\n{extra}")).is_err(), "{extra}");
        }
    }

    #[test]
    fn everything_wrong_is_said_at_once() {
        let config = read(
            r#"
            id = "m p"
            app_id = ""
            secret = ""
            token = ""
            aes_key = "short"
            api_base = "ftp://x"
            max_skew = "soon"
            menu = [ { name = "", key = "" }, { name = "一二三四五六", key = "a" }, { name = "b", key = "b" }, { name = "c", key = "c" } ]
            templates = { progress = " ", rate_keys = ["thing1", "time2"], progress_keys = [] }
            "#,
        );
        let keys: Vec<String> = config.problems().into_iter().map(|(key, _)| key).collect();
        assert_eq!(
            keys,
            [
                "id",
                "app_id",
                "secret",
                "token",
                "aes_key",
                "api_base",
                "max_skew",
                "menu",
                "menu[0].name",
                "menu[0].key",
                "menu[1].name",
                "templates.progress",
                "templates.progress_keys",
                "templates.rate_keys",
            ]
        );
    }

    #[test]
    fn only_plain_mode_does_without_a_key() {
        for (mode, problems) in [("safe", 1), ("compat", 1), ("plain", 0)] {
            let config = read(&format!("id = \"a\"\napp_id = \"b\"\nsecret = \"c\"\ntoken = \"d\"\nmode = \"{mode}\""));
            assert_eq!(config.problems().len(), problems, "{mode}");
        }
    }

    #[test]
    fn secrets_do_not_print() {
        let shown = format!("{:?}", read(&SMALLEST.replace("\"S\"", "\"geheim\"")));
        assert!(!shown.contains("geheim") && !shown.contains("+fwkOuoHM9y"), "{shown}");
    }

    #[test]
    fn spans_of_time_as_the_file_writes_them() {
        for (text, span) in [
            ("90s", Some(90 * SECOND)),
            ("10m", Some(10 * MINUTE)),
            ("1h", Some(HOUR)),
            ("24h", Some(24 * HOUR)),
            ("25h", None),
            ("0s", None),
            ("", None),
            ("m", None),
            ("10", None),
            ("-1m", None),
            ("+1m", None),
            ("10分", None),
            ("99999999999999999999h", None),
        ] {
            assert_eq!(duration(text), span, "{text}");
        }
    }
}
