//! The configured channels, from their tables.

use crate::{
    channels::{Channel, dingtalk, simulator, token, wechat},
    clock::Clock,
    config::{
        Config,
        read::{Problem, unknown},
    },
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
        let own = match channel.kind.as_str() {
            "wechat" => inspect(&channel.table, wechat::Config::problems),
            "dingtalk" => inspect(&channel.table, |config: &dingtalk::Config| {
                config.problems().into_iter().map(|(key, says)| (key.to_owned(), says)).collect()
            }),
            "simulator" => inspect(&channel.table, |_: &simulator::Config| Vec::new()),
            other => vec![("kind".to_owned(), format!("没有“{other}”这种通道"))],
        };
        found.extend(own.into_iter().map(|(key, says)| channel.problem(&key, says)));
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

/// Every problem of one channel's keys. Serde stops at the first: a key it does not know is taken out, one it misses is made
/// up, and it reads on.
fn inspect<T: DeserializeOwned>(table: &toml::Table, check: impl Fn(&T) -> Vec<(String, String)>) -> Vec<(String, String)> {
    let mut table = table.clone();
    let mut found: Vec<(String, String)> = Vec::new();
    loop {
        let says = match read::<T>(&table) {
            Ok(config) => {
                let own = check(&config);
                let own: Vec<_> = own.into_iter().filter(|(key, _)| found.iter().all(|(other, _)| other != key)).collect();
                found.extend(own);
                return found;
            }
            Err(says) => says,
        };
        let mut words = says.split('`').skip(1).step_by(2);
        let key = words.next().unwrap_or_default().to_owned();
        if says.starts_with("missing field") && !table.contains_key(&key) {
            table.insert(key.clone(), toml::Value::String("?".into()));
            found.push((key, "没有填".into()));
        } else if says.starts_with("unknown field") && table.remove(&key).is_some() {
            let known: Vec<&str> = words.chain(["kind"]).collect();
            found.push((key.clone(), unknown("不认识这个键", &key, known.into_iter())));
        } else {
            found.push(("kind".into(), format!("有一个键的值不对（{says}）")));
            return found;
        }
    }
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

/// The channels by their ids; `shared` is where their access tokens lie.
///
/// # Errors
/// The problems of the configuration, all at once.
pub fn build(
    config: &Config,
    simulated: Option<&Arc<simulator::Shared>>,
    shared: &token::Shared,
) -> Result<HashMap<String, Channel>> {
    let http = client(config)?;
    let mut channels = HashMap::new();
    for channel in &config.channels {
        let built = match channel.kind.as_str() {
            "wechat" => {
                let settings: wechat::Config = read(&channel.table).map_err(Error::user)?;
                let built = wechat::WeChat::new(settings, http.clone(), Some(shared.clone())).map_err(|problems| {
                    Error::user(problems.into_iter().map(|(key, says)| format!("{key}: {says}")).collect::<Vec<_>>().join("\n"))
                })?;
                Channel::WeChat(Box::new(built))
            }
            "dingtalk" => {
                let settings: dingtalk::Config = read(&channel.table).map_err(Error::user)?;
                Channel::DingTalk(Box::new(dingtalk::DingTalk::new(settings, http.clone(), Some(shared.clone()))))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_missing_and_unknown_key_of_a_channel_is_said_and_what_is_wrong_besides() {
        let table = toml::from_str("kind = \"wechat\"\nid = \"mp\"\nsecert = \"x\"\ntoken = \"t\"\naes_key = \"short\"\n");
        let found = inspect(&table.unwrap(), wechat::Config::problems);
        let keys: Vec<&str> = found.iter().map(|(key, _)| key.as_str()).collect();
        for key in ["secert", "app_id", "secret", "aes_key"] {
            assert!(keys.contains(&key), "{key}: {found:?}");
        }
        assert_eq!(found.len(), 4, "{found:?}");
        assert!(found.iter().any(|(_, says)| says == "不认识这个键，是不是“secret”？"), "{found:?}");
    }

    #[test]
    fn a_value_of_the_wrong_kind_is_one_problem() {
        let table = toml::from_str("kind = \"simulator\"\nid = 7\n").unwrap();
        assert_eq!(inspect(&table, |_: &simulator::Config| Vec::new()).len(), 1);
    }
}
