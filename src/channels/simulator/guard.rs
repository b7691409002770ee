//! Who may reach the simulator, and beside what it may run: it plays anybody, so a stranger must not get near it.

use axum::http::{HeaderMap, header};
use std::net::{IpAddr, SocketAddr};

/// May the simulator start here? The `Err` is a sentence for the person who starts the program. `other_channels` counts
/// the real channels beside it; `dangerous_allow_remote` lifts the rule about addresses, never that about other channels.
pub fn may_start(
    listen: SocketAddr,
    public_url: Option<&str>,
    other_channels: usize,
    dangerous_allow_remote: bool,
) -> Result<(), String> {
    if other_channels > 0 {
        return Err("模拟器能扮演任何人，不能和真实渠道一起运行。请从配置里去掉 simulator，或去掉其他 [[channel]]。".to_owned());
    }
    if dangerous_allow_remote {
        return Ok(());
    }
    if !listen.ip().is_loopback() {
        return Err(format!("模拟器只能在本机使用：listen 是 {listen}，请改成 127.0.0.1:{}。", listen.port()));
    }
    match public_url {
        Some(url) if !url_is_local(url) => {
            Err("模拟器只能在本机使用：请去掉 public_url，或改成 http://127.0.0.1 开头的地址。".to_owned())
        }
        _ => Ok(()),
    }
}

/// Why a request must be refused: it came through a proxy, for another host name (DNS rebinding), or from another site's
/// page. `None` when it is one of our own.
pub(super) fn foreign(headers: &HeaderMap, remote_allowed: bool) -> Option<&'static str> {
    let host = headers.get(header::HOST).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if !remote_allowed {
        let forwarded = |name: &str| name == "forwarded" || name.starts_with("x-forwarded-");
        if headers.keys().any(|name| forwarded(name.as_str())) {
            return Some("forwarded");
        }
        if headers.get_all(header::HOST).iter().count() != 1 || !authority_is_local(host) {
            return Some("host");
        }
    }
    let own = |origin: &str| origin.strip_prefix("http://").or(origin.strip_prefix("https://")) == Some(host);
    match headers.get(header::ORIGIN) {
        Some(origin) if !origin.to_str().is_ok_and(own) => Some("origin"),
        _ => None,
    }
}

fn url_is_local(url: &str) -> bool {
    let Some(rest) = url.strip_prefix("http://").or(url.strip_prefix("https://")) else { return false };
    authority_is_local(rest.split(['/', '?', '#']).next().unwrap_or_default())
}

/// Is `host` or `host:port` this machine? Anything unusual (user names, odd ways to write an address) is not.
fn authority_is_local(authority: &str) -> bool {
    let (host, port) = match authority.strip_prefix('[') {
        Some(rest) => match rest.split_once(']') {
            Some((ip, "")) => (ip, None),
            Some((ip, after)) => match after.strip_prefix(':') {
                Some(port) => (ip, Some(port)),
                None => return false,
            },
            None => return false,
        },
        None => match authority.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (authority, None),
        },
    };
    let port_is_fine = port.is_none_or(|port| port.bytes().all(|b| b.is_ascii_digit()) && port.parse::<u16>().is_ok());
    port_is_fine && (host.eq_ignore_ascii_case("localhost") || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::{HeaderName, HeaderValue};

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs.iter().map(|(k, v)| (HeaderName::from_static(k), HeaderValue::from_static(v))).collect()
    }

    #[test]
    fn the_simulator_starts_only_alone_and_on_this_machine() {
        let own = "127.0.0.1:8080";
        for (listen, public_url, others, dangerous, allowed) in [
            (own, None, 0, false, true),
            ("[::1]:8080", None, 0, false, true),
            (own, Some("http://localhost:8080/"), 0, false, true),
            (own, Some("https://[::1]"), 0, false, true),
            (own, Some("https://minhu.example.gov.cn"), 0, false, false),
            (own, Some("http://localhost.example.com"), 0, false, false),
            (own, Some("http://localhost@example.com"), 0, false, false),
            (own, Some("localhost"), 0, false, false),
            ("0.0.0.0:8080", None, 0, false, false),
            ("192.168.1.5:80", None, 0, false, false),
            ("0.0.0.0:8080", Some("https://minhu.example.gov.cn"), 0, true, true),
            (own, None, 1, false, false),
            (own, None, 1, true, false),
            ("0.0.0.0:8080", None, 3, true, false),
        ] {
            let got = may_start(listen.parse().unwrap(), public_url, others, dangerous);
            assert_eq!(got.is_ok(), allowed, "{listen} {public_url:?} {others} {dangerous}: {got:?}");
        }
    }

    #[test]
    fn only_requests_for_this_machine_pass() {
        for (host, local) in [
            ("localhost", true),
            ("LocalHost:8080", true),
            ("127.0.0.1", true),
            ("127.0.0.1:65535", true),
            ("[::1]", true),
            ("[::1]:8080", true),
            ("", false),
            ("::1", false),
            ("[::1", false),
            ("[::1]8080", false),
            ("localhost:", false),
            ("localhost:x", false),
            ("localhost:70000", false),
            ("localhost.evil.example", false),
            ("evil.example:8080", false),
            ("0.0.0.0:8080", false),
            ("127.1", false),
            ("2130706433", false),
            ("192.168.1.5", false),
        ] {
            let got = foreign(&headers(&[("host", host)]), false);
            assert_eq!(got.is_none(), local, "{host}: {got:?}");
        }
        assert_eq!(foreign(&HeaderMap::new(), false), Some("host"));
        assert_eq!(foreign(&headers(&[("host", "minhu.example")]), true), None);
    }

    #[test]
    fn proxies_and_pages_of_other_sites_are_refused() {
        for (name, value, reason) in [
            ("forwarded", "for=10.0.0.1", Some("forwarded")),
            ("x-forwarded-for", "10.0.0.1", Some("forwarded")),
            ("x-forwarded-proto", "https", Some("forwarded")),
            ("origin", "http://evil.example", Some("origin")),
            ("origin", "http://localhost:9999", Some("origin")),
            ("origin", "null", Some("origin")),
            ("origin", "http://localhost:8080", None),
            ("accept", "*/*", None),
        ] {
            assert_eq!(foreign(&headers(&[("host", "localhost:8080"), (name, value)]), false), reason, "{name}: {value}");
        }
        let elsewhere = headers(&[("host", "minhu.example"), ("origin", "https://evil.example")]);
        assert_eq!(foreign(&elsewhere, true), Some("origin"));
    }
}
