//! `minhu.toml`: what an installation is told (`docs/contract.md` section 2).
//!
//! A value may be overridden from the environment (`MINHU_DATABASE__URL`, `MINHU_CHANNEL__MP__SECRET`) and may say
//! `file:/path` to be read from there. All problems are found in one go.

mod limits;
mod media;
pub mod read;

pub use limits::{Limits, Rate};
pub use media::{Media, S3};

use crate::{
    error::{Error, Result},
    seal::Keys,
};
use read::{Cell, Fields, Place, Problem, Table, Value, unknown};
use secrecy::{ExposeSecret, SecretString};
use std::{
    fmt, fs,
    net::{IpAddr, SocketAddr},
    path::{Path, PathBuf},
};

/// Channels that can be configured; the others have names that are reserved.
const KINDS: [&str; 3] = ["wechat", "dingtalk", "simulator"];

/// Everything that was configured.
#[derive(Debug, Clone)]
pub struct Config {
    /// Addresses.
    pub server: Server,
    /// The database.
    pub database: Database,
    /// Where pictures, voice and video are kept.
    pub media: Media,
    /// Files that replace built-in ones.
    pub paths: Paths,
    /// Root keys.
    pub security: Security,
    /// How often somebody may write.
    pub limits: Limits,
    /// The channels in the order of the file.
    pub channels: Vec<ChannelTable>,
}

/// Addresses.
#[derive(Debug, Clone)]
pub struct Server {
    /// Where the service listens.
    pub listen: SocketAddr,
    /// The address under which people reach it, without a slash at the end.
    pub public_url: String,
    /// A proxy for calls to the platforms; may hold a password.
    pub proxy: Option<SecretString>,
    /// A port of its own for metrics.
    pub metrics: Option<SocketAddr>,
}

/// The database.
#[derive(Debug, Clone)]
pub struct Database {
    /// `sqlite://…` or `postgres://…`, which may hold a password.
    pub url: SecretString,
    /// The most connections at a time.
    pub max_connections: u32,
}

/// Files that replace built-in ones.
#[derive(Debug, Clone, Default)]
pub struct Paths {
    /// A folder of dialogs.
    pub dialogs: Option<PathBuf>,
    /// The organisation that an empty database begins with.
    pub org: Option<PathBuf>,
}

/// Root keys: base64 of 32 bytes each, checked.
#[derive(Debug, Clone)]
pub struct Security {
    /// Seals, hashes and signs.
    pub key: SecretString,
    /// Still open what was sealed before.
    pub old_keys: Vec<SecretString>,
}

impl Security {
    /// The keys derived from the roots.
    ///
    /// # Errors
    /// When a root is not base64 of 32 bytes, which a configuration that was read is not.
    pub fn keys(&self) -> Result<Keys> {
        let root = |key: &SecretString| Keys::root(key.expose_secret()).ok_or_else(|| Error::user("security.key 不对"));
        let old = self.old_keys.iter().map(root).collect::<Result<Vec<_>>>()?;
        Ok(Keys::new(&root(&self.key)?, &old))
    }
}

/// A channel as it was configured, after overrides and files; its own module reads the rest.
#[derive(Clone)]
pub struct ChannelTable {
    /// `wechat`, `dingtalk` or `simulator`.
    pub kind: String,
    /// The id; its hook is `/hook/{id}`.
    pub id: String,
    /// All keys, `kind` and `id` among them.
    pub table: toml::Table,
    /// Where each key stands, for the channel's own problems.
    cells: Table,
}

impl fmt::Debug for ChannelTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ChannelTable({} {})", self.kind, self.id)
    }
}

impl ChannelTable {
    /// A problem that the channel's module has with one of its keys.
    pub fn problem(&self, key: &str, says: impl Into<String>) -> Problem {
        let at = self.cells.get(key).map_or(&self.cells.at, |cell| &cell.at);
        at.problem(format!("channel.{}.{key}", self.id), says)
    }
}

impl Config {
    /// Reads a configuration file with the overrides of the environment.
    ///
    /// # Errors
    /// Every problem, sorted by place.
    pub fn read(path: &Path, env: impl IntoIterator<Item = (String, String)>) -> Result<Self, Vec<Problem>> {
        let (config, problems) = Config::examine(path, env)?;
        if problems.is_empty() { Ok(config) } else { Err(problems) }
    }

    /// Reads a configuration file and gives its problems beside what could be read, so that channels, organisation and dialogs
    /// can be checked in the same go. With problems it is good for nothing else: parts that are wrong are made up.
    ///
    /// # Errors
    /// When there is no such file.
    pub fn examine(path: &Path, env: impl IntoIterator<Item = (String, String)>) -> Result<(Self, Vec<Problem>), Vec<Problem>> {
        let file = path.display().to_string();
        let source = fs::read_to_string(path).map_err(|error| {
            let says = format!("读不到配置文件（{error}）。可以照 deploy/minhu.example.toml 写一份，再用 --config 指给我");
            vec![Problem { file: file.clone(), line: 0, key: String::new(), says }]
        })?;
        Ok(Config::draft(&file, &source, env))
    }

    /// Reads a configuration from its text; `file` is its name in problems.
    ///
    /// # Errors
    /// Every problem, sorted by place.
    pub fn parse(file: &str, source: &str, env: impl IntoIterator<Item = (String, String)>) -> Result<Self, Vec<Problem>> {
        let (config, problems) = Config::draft(file, source, env);
        if problems.is_empty() { Ok(config) } else { Err(problems) }
    }

    fn draft(file: &str, source: &str, env: impl IntoIterator<Item = (String, String)>) -> (Self, Vec<Problem>) {
        let (mut table, mut problems) = read::toml(file, source);
        let mut env: Vec<_> = env.into_iter().filter(|(name, _)| name.starts_with("MINHU_") && name.contains("__")).collect();
        env.sort();
        for (name, value) in env {
            if let Err(problem) = overlay(&mut table, &name, value) {
                problems.push(problem);
            }
        }
        let mut unread = Vec::new();
        expand(&mut table, "", &mut unread);
        let config = build(&table, &mut problems);
        // What the unread name looks like as a value is of no interest.
        problems.retain(|problem| !unread.iter().any(|other| (&other.key, other.line) == (&problem.key, problem.line)));
        problems.append(&mut unread);
        problems.sort();
        (config, problems)
    }

    /// The demonstration: everything under `folder`, the simulator alone, a key file made at the first start.
    ///
    /// # Errors
    /// When the folder or the key file cannot be made or read.
    pub fn demo(folder: &Path) -> Result<Self> {
        Config::demo_with(folder, [])
    }

    /// The demonstration with the overrides of the environment, for example on another port.
    ///
    /// # Errors
    /// As [`Config::demo`]; every problem of the overrides.
    pub fn demo_with(folder: &Path, env: impl IntoIterator<Item = (String, String)>) -> Result<Self> {
        let failed = |what: &Path| {
            let what = what.display().to_string();
            move |error: std::io::Error| Error::user(format!("{what}: 打不开或写不了（{error}）"))
        };
        fs::create_dir_all(folder).map_err(failed(folder))?;
        let key_file = folder.join("key");
        if !key_file.exists() {
            write_private(&key_file, &Keys::fresh_root()?).map_err(failed(&key_file))?;
        }
        let key = fs::read_to_string(&key_file).map_err(failed(&key_file))?;
        if Keys::root(&key).is_none() {
            return Err(Error::user(format!("{}: 不是 32 字节的 base64。删掉演示目录可以重来", key_file.display())));
        }
        let quoted = |text: String| toml::Value::String(text);
        let source = format!(
            "[server]\nlisten = \"127.0.0.1:8080\"\npublic_url = \"http://127.0.0.1:8080\"\n\
             [database]\nurl = {}\nmax_connections = 4\n[media]\ndir = {}\n[security]\nkey = {}\n\
             [[channel]]\nkind = \"simulator\"\nid = \"sim\"\n",
            quoted(format!("sqlite://{}", folder.join("minhu.db").display())),
            quoted(folder.join("media").display().to_string()),
            quoted(key.trim().to_owned()),
        );
        Config::parse("demo", &source, env)
            .map_err(|problems| Error::user(problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")))
    }
}

/// Writes a file that only its owner may read.
fn write_private(path: &Path, text: &str) -> std::io::Result<()> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    std::io::Write::write_all(&mut options.open(path)?, text.as_bytes())
}

/// Puts the value of an environment variable where its name says.
fn overlay(table: &mut Table, name: &str, text: String) -> Result<(), Problem> {
    let at = Place { file: name.into(), line: 0 };
    let path: Vec<String> = name.trim_start_matches("MINHU_").split("__").map(str::to_lowercase).collect();
    let path: Vec<&str> = path.iter().map(String::as_str).collect();
    match path[..] {
        ["channel", id, key] => {
            let Some((_, Cell { value: Value::List(channels), .. })) = table.cells.iter_mut().find(|(name, _)| name == "channel")
            else {
                return Err(at.problem("", "配置里没有 [[channel]]，改不了它的值"));
            };
            // An environment variable can hold neither capitals nor hyphens of an id.
            let channel = channels.iter_mut().find_map(|cell| match &mut cell.value {
                Value::Table(channel) if id_of(channel).is_some_and(|own| own.to_lowercase().replace('-', "_") == id) => {
                    Some(channel)
                }
                _ => None,
            });
            let Some(channel) = channel else {
                return Err(at.problem("", format!("没有编号为“{id}”的 [[channel]]")));
            };
            let value = match (channel.get(key).map(|cell| &cell.value), text.as_str()) {
                (Some(Value::Number(_)), _) => text.parse().map_or(Value::Text(text), Value::Number),
                (Some(Value::Text(_)), _) => Value::Text(text),
                (_, "true") => Value::Flag(true),
                (_, "false") => Value::Flag(false),
                _ => Value::Text(text),
            };
            channel.set(key, Cell { at, value });
            Ok(())
        }
        [section, key] => {
            let value = match key {
                "old_keys" => {
                    let items = text.split(',').map(|item| Cell { at: at.clone(), value: Value::Text(item.trim().into()) });
                    Value::List(items.collect())
                }
                _ => Value::Text(text),
            };
            inner(table, section, &at)?.set(key, Cell { at, value });
            Ok(())
        }
        ["media", "s3", key] => {
            inner(inner(table, "media", &at)?, "s3", &at)?.set(key, Cell { at, value: Value::Text(text) });
            Ok(())
        }
        _ => Err(at.problem("", "变量名应当是 MINHU_组__键，或 MINHU_CHANNEL__编号__键")),
    }
}

/// The table under a key, made when it is missing.
fn inner<'t>(table: &'t mut Table, key: &str, at: &Place) -> Result<&'t mut Table, Problem> {
    if table.get(key).is_none() {
        table.set(key, Cell { at: at.clone(), value: Value::Table(Table::new(at.clone())) });
    }
    match table.cells.iter_mut().find(|(name, _)| name == key) {
        Some((_, Cell { value: Value::Table(inner), .. })) => Ok(inner),
        _ => Err(at.problem("", format!("“{key}”不是一组键"))),
    }
}

fn id_of(channel: &Table) -> Option<&str> {
    match channel.get("id").map(|cell| &cell.value) {
        Some(Value::Text(id)) => Some(id),
        _ => None,
    }
}

/// Replaces every text `file:/path` by what stands in that file.
fn expand(table: &mut Table, path: &str, problems: &mut Vec<Problem>) {
    for (key, cell) in &mut table.cells {
        let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
        expand_cell(cell, &path, problems);
    }
}

fn expand_cell(cell: &mut Cell, path: &str, problems: &mut Vec<Problem>) {
    match &mut cell.value {
        Value::Text(text) => {
            if let Some(file) = text.strip_prefix("file:") {
                match fs::read_to_string(file) {
                    Ok(content) => *text = content.trim_end_matches(['\r', '\n']).to_owned(),
                    Err(error) => problems.push(cell.at.problem(path, format!("读不到文件 {file}（{error}）"))),
                }
            }
        }
        Value::List(items) => items.iter_mut().for_each(|item| expand_cell(item, path, problems)),
        Value::Table(table) => expand(table, path, problems),
        Value::Number(_) | Value::Fraction(_) | Value::Flag(_) | Value::Other => {}
    }
}

/// What is missing or wrong is made up, always beside a problem.
fn build(table: &Table, problems: &mut Vec<Problem>) -> Config {
    let nothing = Table::new(table.at.clone());
    let mut top = Fields::new("", table, problems);
    let server_table = top.table("server").unwrap_or(&nothing);
    let database_table = top.table("database").unwrap_or(&nothing);
    let media_table = top.table("media").unwrap_or(&nothing);
    let paths_table = top.table("paths").unwrap_or(&nothing);
    let security_table = top.table("security").unwrap_or(&nothing);
    let limits_table = top.table("limits").unwrap_or(&nothing);
    top.tables("channel");
    top.finish();

    let server = server(server_table, problems);
    let database = database(database_table, problems);

    let media = media::media(media_table, problems);

    let mut fields = Fields::new("paths", paths_table, problems);
    let paths = Paths { dialogs: fields.text("dialogs").map(Into::into), org: fields.text("org").map(Into::into) };
    for key in ["calendar", "policy", "wording"] {
        not_yet(&mut fields, key, "自己的这个文件", "请删掉这一行，用内置的");
    }
    fields.finish();

    let security = security(security_table, problems);
    let limits = limits::limits(limits_table, problems);
    let channels = channels(table, problems);
    simulator_stands_alone(&channels, server.as_ref(), problems);
    let nowhere = || Server { listen: ([127, 0, 0, 1], 0).into(), public_url: String::new(), proxy: None, metrics: None };
    Config {
        server: server.unwrap_or_else(nowhere),
        database: database.unwrap_or_else(|| Database { url: "".into(), max_connections: 1 }),
        media,
        paths,
        security: security.unwrap_or_else(|| Security { key: "".into(), old_keys: Vec::new() }),
        limits,
        channels,
    }
}

fn not_yet(fields: &mut Fields<'_, '_>, key: &'static str, what: &str, instead: &str) {
    if fields.is_set(key) {
        fields.wrong(key, format!("{what}暂时还不能用（not available yet），{instead}"));
    }
}

fn server(table: &Table, problems: &mut Vec<Problem>) -> Option<Server> {
    let mut fields = Fields::new("server", table, problems);
    let listen = fields.text("listen").unwrap_or_else(|| "127.0.0.1:8080".into());
    let listen = socket(&mut fields, "listen", &listen);
    let metrics = fields.text("metrics").map(|text| socket(&mut fields, "metrics", &text));
    let public_url = fields.text("public_url").map(|url| url.trim_end_matches('/').to_owned());
    if public_url.as_ref().is_some_and(|url| host_of(url).is_none()) {
        fields.wrong("public_url", "应当是 https://… 这样的网址");
    }
    let proxy = fields.text("proxy");
    if proxy.as_ref().is_some_and(|url| !["http://", "https://", "socks5://"].iter().any(|scheme| url.starts_with(scheme))) {
        fields.wrong("proxy", "应当是 http://主机:端口");
    }
    fields.finish();
    let listen = listen?;
    Some(Server {
        listen,
        public_url: public_url.unwrap_or_else(|| format!("http://{listen}")),
        proxy: proxy.map(Into::into),
        metrics: metrics.flatten(),
    })
}

fn socket(fields: &mut Fields<'_, '_>, key: &str, text: &str) -> Option<SocketAddr> {
    let address = text.parse().ok();
    if address.is_none() {
        fields.wrong(key, "应当是 IP:端口，比如 127.0.0.1:8080");
    }
    address
}

fn database(table: &Table, problems: &mut Vec<Problem>) -> Option<Database> {
    let mut fields = Fields::new("database", table, problems);
    let url = fields.required("url", "sqlite://文件 或 postgres://用户:密码@主机/库");
    if url.as_ref().is_some_and(|url| crate::db::kind_of(url).is_none()) {
        fields.wrong("url", "应当以 sqlite:// 或 postgres:// 开头");
    }
    let max_connections = fields.number("max_connections", 1..=1_000).and_then(|number| u32::try_from(number).ok());
    fields.finish();
    Some(Database { url: url?.into(), max_connections: max_connections.unwrap_or(8) })
}

fn security(table: &Table, problems: &mut Vec<Problem>) -> Option<Security> {
    let mut fields = Fields::new("security", table, problems);
    let right = "32 字节的 base64。可以用 openssl rand -base64 32 生成，存成文件后写 file:/路径";
    let key = fields.required("key", right);
    if key.as_ref().is_some_and(|key| Keys::root(key).is_none()) {
        fields.wrong("key", format!("应当是{right}"));
    }
    let old_keys = fields.texts("old_keys");
    if old_keys.iter().any(|key| Keys::root(key).is_none()) {
        fields.wrong("old_keys", "每一个都应当是 32 字节的 base64");
    }
    fields.finish();
    Some(Security { key: key?.into(), old_keys: old_keys.into_iter().map(Into::into).collect() })
}

fn channels(table: &Table, problems: &mut Vec<Problem>) -> Vec<ChannelTable> {
    // Lists of the wrong kind were reported when the top level was read.
    let Some(Value::List(items)) = table.get("channel").map(|cell| &cell.value) else { return Vec::new() };
    let mut channels: Vec<ChannelTable> = Vec::new();
    for item in items {
        let Value::Table(cells) = &item.value else { continue };
        let mut fields = Fields::new(format!("channel.{}", id_of(cells).unwrap_or("?")), cells, problems);
        let kind = fields.required("kind", &KINDS.join("、"));
        let id = fields.required("id", "这个渠道的编号，比如 mp");
        let mode = fields.is_set("mode").then(|| fields.text("mode")).flatten();
        match (kind.as_deref(), mode.as_deref()) {
            (Some("wecom"), _) => fields.wrong("kind", "企业微信暂时还不能用（not available yet），请先删掉这一段"),
            (Some("dingtalk"), Some("stream")) => {
                fields.wrong("mode", "stream 暂时还不能用（not available yet），请写 http");
            }
            (Some(kind), _) if !KINDS.contains(&kind) => {
                fields.wrong("kind", unknown("没有这种渠道", kind, KINDS.into_iter()));
            }
            _ => {}
        }
        if let Some(id) = &id {
            if !id.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'_') {
                fields.wrong("id", "只能用小写字母、数字、- 和 _，因为它会写进网址 /hook/编号");
            }
            if channels.iter().any(|other| other.id == *id) {
                fields.wrong("id", "这个编号前面用过了，每个渠道要有自己的编号");
            }
        }
        if let (Some(kind), Some(id)) = (kind, id) {
            channels.push(ChannelTable { kind, id, table: plain(cells), cells: cells.clone() });
        }
    }
    channels
}

/// A table without its places.
fn plain(table: &Table) -> toml::Table {
    table.cells.iter().filter_map(|(key, cell)| Some((key.clone(), plain_value(&cell.value)?))).collect()
}

fn plain_value(value: &Value) -> Option<toml::Value> {
    Some(match value {
        Value::Text(text) => toml::Value::String(text.clone()),
        Value::Number(number) => toml::Value::Integer(*number),
        Value::Flag(flag) => toml::Value::Boolean(*flag),
        Value::List(items) => toml::Value::Array(items.iter().filter_map(|item| plain_value(&item.value)).collect()),
        Value::Table(table) => toml::Value::Table(plain(table)),
        // No channel has a key of such a kind; its own check then misses the key.
        Value::Fraction(_) | Value::Other => return None,
    })
}

/// The simulator plays any person, so it must be out of reach of everybody else (`docs/architecture.md`, "Privacy").
fn simulator_stands_alone(channels: &[ChannelTable], server: Option<&Server>, problems: &mut Vec<Problem>) {
    let Some(simulator) = channels.iter().find(|channel| channel.kind == "simulator") else { return };
    if channels.iter().any(|channel| channel.kind != "simulator") {
        problems.push(simulator.problem("kind", "演示页可以扮演任何人，不能和真的渠道放在一起，请删掉其中一个"));
    }
    let remote = simulator.table.get("dangerous_allow_remote").and_then(toml::Value::as_bool) == Some(true);
    if let Some(server) = server.filter(|_| !remote) {
        let local = |host: &str| host == "localhost" || host.parse().is_ok_and(|ip: IpAddr| ip.is_loopback());
        if !server.listen.ip().is_loopback() || !host_of(&server.public_url).is_some_and(local) {
            problems.push(simulator.problem(
                "kind",
                "演示页可以扮演任何人，所以 server.listen 和 server.public_url 只能是本机（127.0.0.1）。确实要放开，写 dangerous_allow_remote = true",
            ));
        }
    }
}

/// The host of an http or https address, without user, port and brackets.
fn host_of(url: &str) -> Option<&str> {
    let rest = url.strip_prefix("http://").or_else(|| url.strip_prefix("https://"))?;
    let authority = rest.split(['/', '?', '#']).next()?;
    let host = authority.rsplit('@').next()?;
    let host = match host.strip_prefix('[') {
        Some(bracketed) => bracketed.split(']').next()?,
        None => host.split(':').next()?,
    };
    (!host.is_empty()).then_some(host)
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

    fn parse(source: &str, env: &[(&str, &str)]) -> Result<Config, Vec<String>> {
        Config::parse("m.toml", source, env.iter().map(|(name, value)| (String::from(*name), String::from(*value))))
            .map_err(|problems| problems.iter().map(Problem::to_string).collect())
    }

    fn good(more: &str) -> String {
        format!("[database]\nurl = \"sqlite://x.db\"\n[security]\nkey = \"{KEY}\"\n{more}")
    }

    #[test]
    fn the_example_file_is_right_once_its_secrets_are_filled_in() {
        let source = include_str!("../deploy/minhu.example.toml");
        let config = parse(
            source,
            &[("MINHU_SECURITY__KEY", KEY), ("MINHU_CHANNEL__MP__SECRET", "s3cret"), ("MINHU_CHANNEL__DING__CLIENT_SECRET", "x")],
        )
        .unwrap();
        assert_eq!(config.channels.len(), 2);
        assert_eq!(config.channels[0].table["secret"].as_str(), Some("s3cret"));
        assert_eq!(config.channels[1].kind, "dingtalk");
    }

    #[test]
    fn all_problems_are_said_at_once_with_line_and_key() {
        let problems = parse(
            "[server]\nlisen = \"127.0.0.1:1\"\n[database]\nurl = \"mysql://x\"\nmax_connections = 0\n[media]\ns3 = { bucket = \"b\" }\n\
             [paths]\npolicy = \"p.toml\"\n[limits]\nperson = \"many\"\n[[channel]]\nkind = \"wecom\"\nid = \"work\"\n[[channel]]\nkind = \"dingtalk\"\nmode = \"stream\"\nid = \"work\"\n\
             [[channel]]\nkind = \"wechatt\"\nid = \"M P\"\n[sever]\n",
            &[("MINHU_DATABSE__URL", "x"), ("MINHU_CHANNEL__NO__SECRET", "y"), ("MINHU_A__B__C", "z")],
        )
        .unwrap_err();
        let expected = [
            "MINHU_A__B__C: 变量名",
            "MINHU_CHANNEL__NO__SECRET: 没有编号为“no”",
            "MINHU_DATABSE__URL: databse: 不认识这个键，是不是“database”？",
            "m.toml:1: security.key: 没有填",
            "m.toml:2: server.lisen: 不认识这个键，是不是“listen”？",
            "m.toml:4: database.url: 应当以 sqlite://",
            "m.toml:5: database.max_connections: 应当是 1 到 1000",
            "m.toml:7: media.s3.access_key: 没有填",
            "m.toml:7: media.s3.endpoint: 没有填",
            "m.toml:7: media.s3.secret_key: 没有填",
            "m.toml:9: paths.policy: 自己的这个文件暂时还不能用（not available yet）",
            "m.toml:11: limits.person: 应当是 条数/时间",
            "m.toml:13: channel.work.kind: 企业微信暂时还不能用（not available yet）",
            "m.toml:17: channel.work.mode: stream 暂时还不能用",
            "m.toml:18: channel.work.id: 这个编号前面用过了",
            "m.toml:20: channel.M P.kind: 没有这种渠道，是不是“wechat”？",
            "m.toml:21: channel.M P.id: 只能用小写字母",
            "m.toml:22: sever: 不认识这个键，是不是“server”？",
        ];
        assert_eq!(problems.len(), expected.len(), "{problems:#?}");
        for (said, begin) in problems.iter().zip(expected) {
            assert!(said.starts_with(begin), "{said}\n{begin}");
        }
    }

    #[test]
    fn the_environment_overrides_and_files_are_read() {
        let folder = tempfile::tempdir().unwrap();
        let secret = folder.path().join("secret");
        fs::write(&secret, "from the file\n").unwrap();
        let source =
            good(&format!("[[channel]]\nkind = \"wechat\"\nid = \"my-mp\"\nsecret = \"file:{}\"\nagent = 1\n", secret.display()));
        let env = [
            ("MINHU_DATABASE__URL", "postgres://u:p@h/d"),
            ("MINHU_CHANNEL__MY_MP__AGENT", "7"),
            ("MINHU_SERVER__LISTEN", "0.0.0.0:80"),
        ];
        let config = parse(&source, &env).unwrap();
        assert_eq!(config.database.url.expose_secret(), "postgres://u:p@h/d");
        assert_eq!(config.channels[0].table["secret"].as_str(), Some("from the file"));
        assert_eq!(config.channels[0].table["agent"].as_integer(), Some(7));
        assert_eq!(config.server.public_url, "http://0.0.0.0:80");
        assert_eq!(config.channels[0].problem("secret", "不对").to_string(), "m.toml:8: channel.my-mp.secret: 不对");
        let printed = format!("{config:?}");
        assert!(!printed.contains("from the file") && !printed.contains("u:p") && !printed.contains(KEY));

        let bucket = [
            ("MINHU_MEDIA__S3__ENDPOINT", "http://10.0.0.5:9000/"),
            ("MINHU_MEDIA__S3__BUCKET", "minhu"),
            ("MINHU_MEDIA__S3__ACCESS_KEY", "who"),
            ("MINHU_MEDIA__S3__SECRET_KEY", "hidden"),
        ];
        let config = parse(&good("[media]\ns3 = { prefix = \"/a/b/\" }\n"), &bucket).unwrap();
        assert!(!format!("{config:?}").contains("hidden"));
        let Media::S3(s3) = config.media else { panic!("a bucket was configured") };
        assert_eq!((s3.endpoint.as_str(), s3.prefix.as_str(), s3.virtual_host), ("http://10.0.0.5:9000", "a/b", false));
        let problems = parse(&good("[media]\ndir = \"x\"\n"), &bucket).unwrap_err();
        assert!(problems[0].contains("dir 和 s3 只能写一个"), "{problems:?}");

        let problems = parse(&good("[server]\nproxy = \"file:/nowhere/at/all\"\n"), &[]).unwrap_err();
        assert!(problems[0].starts_with("m.toml:6: server.proxy: 读不到文件"), "{problems:?}");
    }

    #[test]
    fn the_simulator_stands_alone_and_at_home() {
        let simulator = "[[channel]]\nkind = \"simulator\"\nid = \"sim\"\n";
        assert!(parse(&good(simulator), &[]).is_ok());
        assert!(parse(&good(&format!("[server]\nlisten = \"[::1]:80\"\n{simulator}")), &[]).is_ok());
        assert!(parse(&good(simulator), &[("MINHU_SERVER__LISTEN", "0.0.0.0:80")]).is_err());
        assert!(parse(&good(simulator), &[("MINHU_SERVER__PUBLIC_URL", "https://a.example")]).is_err());
        let remote = format!("{simulator}dangerous_allow_remote = true\n");
        assert!(parse(&good(&remote), &[("MINHU_SERVER__LISTEN", "0.0.0.0:80")]).is_ok());
        assert!(parse(&good(&format!("{remote}[[channel]]\nkind = \"wechat\"\nid = \"mp\"\n")), &[]).is_err());
    }

    #[test]
    fn a_missing_file_says_what_to_do() {
        let problems = Config::read(Path::new("/nowhere/minhu.toml"), []).unwrap_err();
        assert!(problems[0].to_string().contains("deploy/minhu.example.toml"));
    }

    #[test]
    fn the_demonstration_can_be_moved_to_another_port_by_the_environment() {
        let folder = tempfile::tempdir().unwrap();
        let env = |value: &str| [("MINHU_SERVER__LISTEN".to_owned(), value.to_owned())];
        let moved = Config::demo_with(folder.path(), env("127.0.0.1:8181")).unwrap();
        assert_eq!(moved.server.listen.port(), 8181);
        assert!(Config::demo_with(folder.path(), env("everywhere")).is_err());
    }

    #[test]
    fn the_demonstration_keeps_its_key_to_itself() {
        let folder = tempfile::tempdir().unwrap();
        let first = Config::demo(&folder.path().join("demo")).unwrap();
        let second = Config::demo(&folder.path().join("demo")).unwrap();
        assert_eq!(first.security.key.expose_secret(), second.security.key.expose_secret());
        assert_eq!(first.channels[0].kind, "simulator");
        assert!(first.security.keys().is_ok());
        #[cfg(unix)]
        {
            let mode =
                std::os::unix::fs::PermissionsExt::mode(&fs::metadata(folder.path().join("demo/key")).unwrap().permissions());
            assert_eq!(mode & 0o777, 0o600);
        }
    }
}
