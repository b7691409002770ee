//! The configured channels, from their tables.

use crate::{
    channels::{Channel, dingtalk, simulator, wechat},
    clock::Clock,
    config::{Config, read::Problem},
    error::{Error, Result},
};
use secrecy::ExposeSecret;
use serde::de::DeserializeOwned;
use std::{collections::HashMap, path::Path, sync::Arc, time::Duration};

/// How long a call to a platform may take.
const CALL: Duration = Duration::from_secs(10);

/// Every problem of the channels' own keys.
pub fn problems(config: &Config) -> Vec<Problem> {
    let mut found = Vec::new();
    for channel in &config.channels {
        let mut report = |problems: Result<Vec<(String, String)>, String>| match problems {
            Ok(problems) => found.extend(problems.into_iter().map(|(key, says)| channel.problem(&key, says))),
            Err(says) => found.push(channel.problem("kind", says)),
        };
        match channel.kind.as_str() {
            "wechat" => report(read::<wechat::Config>(&channel.table).map(|config| config.problems())),
            "dingtalk" => report(
                read::<dingtalk::Config>(&channel.table)
                    .map(|config| config.problems().into_iter().map(|(key, says)| (key.to_owned(), says)).collect()),
            ),
            "simulator" => report(read::<simulator::Config>(&channel.table).map(|_| Vec::new())),
            other => report(Err(format!("没有“{other}”这种通道"))),
        }
    }
    let real = config.channels.iter().filter(|channel| channel.kind != "simulator").count();
    for channel in config.channels.iter().filter(|channel| channel.kind == "simulator") {
        let remote = channel.table.get("dangerous_allow_remote").and_then(toml::Value::as_bool).unwrap_or(false);
        if let Err(says) = simulator::may_start(config.server.listen, Some(&config.server.public_url), real, remote) {
            found.push(channel.problem("kind", says));
        }
    }
    found
}

fn read<T: DeserializeOwned>(table: &toml::Table) -> Result<T, String> {
    let mut table = table.clone();
    table.remove("kind");
    toml::Value::Table(table).try_into().map_err(|error: toml::de::Error| error.message().to_owned())
}

/// The state of the simulator, if one is configured and may start.
///
/// # Errors
/// The problems of the configuration; a folder that cannot be written.
pub fn simulator(config: &Config, clock: &Clock) -> Result<Option<Arc<simulator::Shared>>> {
    let problems = problems(config);
    if !problems.is_empty() {
        return Err(super::listed(problems));
    }
    let Some(channel) = config.channels.iter().find(|channel| channel.kind == "simulator") else { return Ok(None) };
    let settings = read(&channel.table).map_err(Error::user)?;
    let folder = config.media.parent().unwrap_or(Path::new("."));
    Ok(Some(simulator::Shared::open(settings, folder, clock.clone())?))
}

/// The channels by their ids.
///
/// # Errors
/// The problems of the configuration, all at once.
pub fn build(config: &Config, simulated: Option<&Arc<simulator::Shared>>) -> Result<HashMap<String, Channel>> {
    let http = client(config)?;
    let mut channels = HashMap::new();
    for channel in &config.channels {
        let built = match channel.kind.as_str() {
            "wechat" => {
                let settings: wechat::Config = read(&channel.table).map_err(Error::user)?;
                let built = wechat::WeChat::new(settings, http.clone()).map_err(|problems| {
                    Error::user(problems.into_iter().map(|(key, says)| format!("{key}: {says}")).collect::<Vec<_>>().join("\n"))
                })?;
                Channel::WeChat(Box::new(built))
            }
            "dingtalk" => {
                let settings: dingtalk::Config = read(&channel.table).map_err(Error::user)?;
                Channel::DingTalk(Box::new(dingtalk::DingTalk::new(settings, http.clone())))
            }
            _ => match simulated {
                Some(shared) => Channel::Simulator(simulator::Simulator::new(shared.clone())),
                None => continue,
            },
        };
        channels.insert(channel.id.clone(), built);
    }
    Ok(channels)
}

/// One client for all calls. It follows no redirects: an address a platform gives must be the one that is asked.
fn client(config: &Config) -> Result<reqwest::Client> {
    let mut builder = reqwest::Client::builder()
        .timeout(CALL)
        .redirect(reqwest::redirect::Policy::none())
        .user_agent(concat!("minhu/", env!("CARGO_PKG_VERSION")));
    if let Some(proxy) = &config.server.proxy {
        let proxy = reqwest::Proxy::all(proxy.expose_secret()).map_err(|_| Error::user("server.proxy 不是可用的地址"))?;
        builder = builder.proxy(proxy);
    }
    builder.build().map_err(|error| Error::fault(format!("no HTTP client: {error}")))
}
