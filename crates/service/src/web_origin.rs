//! Scheme, host and port, as settings that are URLs or origins have them.

use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use crate::settings::{InvalidValue, is_host_name};

/// Scheme, host and a port that is not the scheme's own, written as browsers write them: they compare
/// origins as texts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebOrigin(String);

impl WebOrigin {
    /// The origin of a URL, and the rest of it from its first slash on, if it has one.
    ///
    /// # Errors
    /// No scheme, a user, or a host or port that cannot be.
    pub fn of_url(url: &str) -> Result<(Self, &str), InvalidValue> {
        let (scheme, rest) = url.split_once("://").ok_or(InvalidValue)?;
        let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        let scheme = scheme.to_ascii_lowercase();
        // The colons of an IPv6 address are inside of brackets.
        let (host, port) = match authority.rsplit_once(':') {
            Some((host, port)) if !port.ends_with(']') => (host, Some(read_port(port)?)),
            _ => (authority, None),
        };
        let host = match scheme.as_str() {
            "http" | "https" => read_host(host)?,
            scheme if is_scheme(scheme) => read_opaque_host(host)?,
            _ => return Err(InvalidValue),
        };
        let origin = match (scheme.as_str(), port) {
            (_, None) | ("http", Some(80)) | ("https", Some(443)) => format!("{scheme}://{host}"),
            (_, Some(port)) => format!("{scheme}://{host}:{port}"),
        };
        Ok((Self(origin), path))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub fn is_http(&self) -> bool {
        self.0.starts_with("http://") || self.0.starts_with("https://")
    }
}

impl fmt::Display for WebOrigin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for WebOrigin {
    type Err = InvalidValue;

    fn from_str(text: &str) -> Result<Self, InvalidValue> {
        match Self::of_url(text)? {
            (origin, "") => Ok(origin),
            _ => Err(InvalidValue),
        }
    }
}

fn is_scheme(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_alphabetic())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte))
}

fn read_port(text: &str) -> Result<u16, InvalidValue> {
    let port = text.parse().ok().filter(|port| *port > 0).ok_or(InvalidValue)?;
    // A number may have a sign, a port has none.
    if text.bytes().all(|byte| byte.is_ascii_digit()) { Ok(port) } else { Err(InvalidValue) }
}

/// A name or an address. What ends in a number is no name: browsers read it as an IPv4 address.
fn read_host(text: &str) -> Result<String, InvalidValue> {
    if let Some(address) = text.strip_prefix('[') {
        let address = address.strip_suffix(']').ok_or(InvalidValue)?;
        return address.parse().map(ipv6_host).map_err(|_| InvalidValue);
    }
    let text = text.to_ascii_lowercase();
    let last = text.strip_suffix('.').unwrap_or(&text).rsplit('.').next().unwrap_or_default();
    let is_number = match last.strip_prefix("0x") {
        Some(hex) => hex.bytes().all(|byte| byte.is_ascii_hexdigit()),
        None => last.bytes().all(|byte| byte.is_ascii_digit()),
    };
    let is_host = if is_number { text.parse::<Ipv4Addr>().is_ok() } else { is_host_name(&text) };
    if is_host { Ok(text) } else { Err(InvalidValue) }
}

/// The host of a scheme of a program's own, such as `app://.` of Electron: browsers do not read it.
fn read_opaque_host(text: &str) -> Result<String, InvalidValue> {
    let is_host = !text.is_empty()
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte));
    if is_host { Ok(text.to_owned()) } else { Err(InvalidValue) }
}

/// Without the dots that the IPv4 address in an IPv6 one may have.
fn ipv6_host(address: Ipv6Addr) -> String {
    match (address.to_ipv4_mapped(), address.segments()) {
        (Some(_), [.., high, low]) => format!("[::ffff:{high:x}:{low:x}]"),
        _ => format!("[{address}]"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_written_as_browsers_write_it() {
        for (text, written) in [
            ("https://app.example.com", "https://app.example.com"),
            ("HTTPS://App.Example.com:443", "https://app.example.com"),
            ("http://a:0080", "http://a"),
            ("http://a:443", "http://a:443"),
            ("https://a:05173", "https://a:5173"),
            ("https://a:65535", "https://a:65535"),
            ("http://server_1.", "http://server_1."),
            ("http://10.0.0.7:8080", "http://10.0.0.7:8080"),
            ("http://1a.2b", "http://1a.2b"),
            ("http://xn--caf-dma.example", "http://xn--caf-dma.example"),
            ("http://[0:0:0:0:0:0:0:1]:5173", "http://[::1]:5173"),
            ("http://[2001:DB8:0::A]", "http://[2001:db8::a]"),
            ("http://[::ffff:10.0.0.7]", "http://[::ffff:a00:7]"),
            ("capacitor://localhost", "capacitor://localhost"),
            ("app://.", "app://."),
            ("app://-", "app://-"),
            (
                "moz-extension://2c127fa4-62c7-7e4f-90e5-472b45eecfdc",
                "moz-extension://2c127fa4-62c7-7e4f-90e5-472b45eecfdc",
            ),
        ] {
            let origin = text.parse::<WebOrigin>().map(|origin| origin.to_string());
            assert_eq!(origin.as_deref(), Ok(written), "{text}");
        }
    }

    #[test]
    fn what_no_browser_could_open_is_no_origin() {
        let long_label = format!("http://{}", "a".repeat(64));
        for text in [
            "",
            "a",
            "a:80",
            "//a",
            "://a",
            "1http://a",
            "http//a",
            "http:/a",
            "app://",
            "app://a b",
            "http://",
            "http:///x",
            "http://.",
            "http://..",
            "http://a..b",
            "http://.a",
            "http://a b",
            "http:// a",
            "http://user@a",
            "http://user:word@a",
            "http://é.com",
            "http://a%20b",
            "http://*.a",
            "http://a;b",
            "http://{s}.a",
            "http://a?b",
            "http://a#b",
            "http://a\\b",
            "http://a:",
            "http://:80",
            "http://a:0",
            "http://a:99999",
            "http://a:43180000",
            "http://a:x",
            "http://a:+80",
            "http://a:-1",
            "http://a: 80",
            "http://a:b:c",
            "http://::1",
            "http://[::1",
            "http://::1]",
            "http://[::1]x",
            "http://[::1]:",
            "http://[]",
            "http://[10.0.0.7]",
            "http://[::g]",
            "http://[fe80::1%25eth0]",
            "http://[[::1]]",
            "http://256.0.0.1",
            "http://1.2.3",
            "http://a.1",
            "http://127.1",
            "http://0x7f.0x1",
            "http://010.0.0.1",
            long_label.as_str(),
        ] {
            assert_eq!(
                WebOrigin::of_url(text).map(|(origin, _)| origin),
                Err(InvalidValue),
                "{text}"
            );
        }
    }

    #[test]
    fn the_rest_of_a_url_begins_with_its_path() {
        let of_url = |url: &'static str| {
            WebOrigin::of_url(url).map(|(origin, rest)| (origin.to_string(), rest))
        };
        for (url, origin, rest) in [
            ("http://a", "http://a", ""),
            ("http://a/", "http://a", "/"),
            ("http://A:4318/B:x@c/[", "http://a:4318", "/B:x@c/["),
        ] {
            assert_eq!(of_url(url), Ok((origin.to_owned(), rest)), "{url}");
        }
        assert_eq!("http://a/".parse::<WebOrigin>(), Err(InvalidValue));
    }
}
