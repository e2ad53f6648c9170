//! Who calls: the address of a caller, also behind reverse proxies, and what its requests are
//! counted under.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::str::FromStr;

use axum::http::header::HeaderName;
use axum::http::{Extensions, HeaderMap};
use ipnet::IpNet;

use crate::settings::{InvalidValue, Setting, list_items};

pub const PROXIES_CONFIAVEIS: Setting = Setting {
    name: "PROXIES_CONFIAVEIS",
    default: Some(""),
    should_be: "addresses and networks separated by commas, for example 10.0.0.7,172.16.0.0/12",
    about: "reverse proxies whose X-Forwarded-For is believed; empty: none",
};

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// The two ends of the connection of a request: an extension of each request that came through a
/// socket.
#[derive(Debug, Clone, Copy)]
pub(in crate::http) struct Endpoints {
    pub(in crate::http) peer: SocketAddr,
    /// The address at which the connection arrived.
    pub(in crate::http) local: SocketAddr,
}

/// The reverse proxies whose `X-Forwarded-For` is believed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TrustedProxies(Vec<IpNet>);

impl FromStr for TrustedProxies {
    type Err = InvalidValue;

    fn from_str(text: &str) -> Result<Self, InvalidValue> {
        list_items(text).map(network).collect::<Result<_, _>>().map(Self)
    }
}

/// An address counts as the network that has only it. IPv4 addresses that are written as IPv6 ones
/// are IPv4 addresses.
fn network(text: &str) -> Result<IpNet, InvalidValue> {
    if let Ok(address) = text.parse::<IpAddr>() {
        return Ok(address.to_canonical().into());
    }
    let network: IpNet = text.parse().map_err(|_| InvalidValue)?;
    let mapped = match network.addr() {
        IpAddr::V6(address) => address.to_ipv4_mapped().zip(network.prefix_len().checked_sub(96)),
        IpAddr::V4(_) => None,
    };
    match mapped {
        Some((address, length)) => IpNet::new(address.into(), length).map_err(|_| InvalidValue),
        None => Ok(network),
    }
}

impl TrustedProxies {
    /// Whether one of the networks is the whole internet.
    pub(crate) fn has_everybody(&self) -> bool {
        self.0.iter().any(|network| network.prefix_len() == 0)
    }

    fn contains(&self, address: IpAddr) -> bool {
        self.0.iter().any(|network| network.contains(&address))
    }
}

/// The address that a request came from. A proxy appends the address that it was called from to
/// `X-Forwarded-For`, so the header is read from the right, and only as far as it was written by
/// proxies that are trusted: what a caller writes itself is to the left of that.
pub fn caller_ip(extensions: &Extensions, headers: &HeaderMap, trusted: &TrustedProxies) -> IpAddr {
    let peer = extensions.get::<Endpoints>().map(|endpoints| endpoints.peer.ip());
    let mut caller = peer.unwrap_or(Ipv4Addr::UNSPECIFIED.into()).to_canonical();
    if trusted.0.is_empty() {
        return caller;
    }
    let lists = headers.get_all(X_FORWARDED_FOR).iter().rev();
    let items = lists.flat_map(|list| list.as_bytes().rsplit(|byte| *byte == b','));
    for item in items.map(<[u8]>::trim_ascii).filter(|item| !item.is_empty()) {
        if !trusted.contains(caller) {
            break;
        }
        let Some(address) = forwarded_address(item) else { break };
        caller = address;
    }
    caller
}

/// An address as proxies write it: some add the port, and then brackets around an IPv6 address.
fn forwarded_address(item: &[u8]) -> Option<IpAddr> {
    let text = str::from_utf8(item).ok()?;
    let bare = || text.strip_prefix('[')?.strip_suffix(']')?.parse().ok().map(IpAddr::V6);
    let with_port = || text.parse::<SocketAddr>().ok().map(|address| address.ip());
    let address = text.parse().ok().or_else(with_port).or_else(bare)?;
    Some(address.to_canonical())
}

/// What the requests of an address are counted under. A caller with one IPv6 address usually has
/// all of its /64.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct CallerKey(IpAddr);

impl CallerKey {
    pub fn of(address: IpAddr) -> Self {
        Self(match address.to_canonical() {
            IpAddr::V6(address) => {
                let network = u128::from(address) >> 64 << 64;
                Ipv6Addr::from(network).into()
            }
            address => address,
        })
    }
}

/// For logs.
impl fmt::Display for CallerKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            IpAddr::V4(address) => address.fmt(f),
            IpAddr::V6(network) => write!(f, "{network}/64"),
        }
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn trusted(text: &str) -> TrustedProxies {
        text.parse().expect(text)
    }

    fn caller(peer: &str, lists: &[&[u8]], proxies: &TrustedProxies) -> String {
        let (mut extensions, mut headers) = (Extensions::new(), HeaderMap::new());
        let peer = SocketAddr::new(peer.parse().expect(peer), 50_000);
        extensions.insert(Endpoints { peer, local: peer });
        for list in lists {
            headers.append(X_FORWARDED_FOR, HeaderValue::from_bytes(list).expect("a value"));
        }
        caller_ip(&extensions, &headers, proxies).to_string()
    }

    #[test]
    fn lists_of_proxies_are_read_or_refused() {
        for (text, read) in [
            ("", Ok(vec![])),
            ("10.0.0.7", Ok(vec!["10.0.0.7/32"])),
            (" 10.0.0.7 ,\r\nfd00::/8,\r\n", Ok(vec!["10.0.0.7/32", "fd00::/8"])),
            ("::ffff:10.0.0.7 ::ffff:10.0.0.0/104", Ok(vec!["10.0.0.7/32", "10.0.0.0/8"])),
            ("10.1.2.3/8", Ok(vec!["10.1.2.3/8"])),
            ("0.0.0.0/0", Ok(vec!["0.0.0.0/0"])),
            ("*", Err(InvalidValue)),
            ("proxy", Err(InvalidValue)),
            ("10.0.0", Err(InvalidValue)),
            ("10.0.0.7:80", Err(InvalidValue)),
            ("[::1]", Err(InvalidValue)),
            ("10.0.0.0/33", Err(InvalidValue)),
            ("10.0.0.7;10.0.0.8", Err(InvalidValue)),
        ] {
            let read = read.map(|networks| {
                let networks = networks.into_iter().map(|one| one.parse().expect(one));
                TrustedProxies(networks.collect())
            });
            assert_eq!(text.parse(), read, "{text}");
        }
    }

    #[test]
    fn nobody_who_is_not_trusted_chooses_its_address() {
        let proxies = trusted("10.0.0.0/8, fd00::/8");
        const LONG: &[u8] = &[b','; 4096];
        let cases: &[(&str, &[&[u8]], &str)] = &[
            // Without a proxy the header means nothing.
            ("192.0.2.1", &[b"198.51.100.9"], "192.0.2.1"),
            ("192.0.2.1", &[b"10.0.0.9"], "192.0.2.1"),
            ("::ffff:192.0.2.1", &[], "192.0.2.1"),
            // A proxy that writes nothing is the caller.
            ("10.0.0.1", &[], "10.0.0.1"),
            ("::ffff:10.0.0.1", &[b"192.0.2.1"], "192.0.2.1"),
            ("10.0.0.1", &[b"192.0.2.1"], "192.0.2.1"),
            ("fd00::1", &[b"2001:db8::7"], "2001:db8::7"),
            // What the caller wrote is to the left of what the proxy wrote.
            ("10.0.0.1", &[b"198.51.100.9, 192.0.2.1"], "192.0.2.1"),
            ("10.0.0.1", &[b"198.51.100.9", b"192.0.2.1"], "192.0.2.1"),
            ("10.0.0.1", &[b"198.51.100.9, 10.0.0.5", b"192.0.2.1"], "192.0.2.1"),
            ("10.0.0.1", &[b"10.9.9.9, 192.0.2.1"], "192.0.2.1"),
            // Several proxies.
            ("10.0.0.1", &[b"198.51.100.9, 192.0.2.1, 10.0.0.2"], "192.0.2.1"),
            ("10.0.0.1", &[b"192.0.2.1", b"10.0.0.3", b"10.0.0.2"], "192.0.2.1"),
            ("10.0.0.1", &[b"10.0.0.4, 10.0.0.3"], "10.0.0.4"),
            // Forms in which proxies write addresses.
            ("10.0.0.1", &[b"  192.0.2.1:4711\t"], "192.0.2.1"),
            ("10.0.0.1", &[b"[2001:db8::7]:443"], "2001:db8::7"),
            ("10.0.0.1", &[b"[2001:db8::7]"], "2001:db8::7"),
            ("10.0.0.1", &[b"::ffff:192.0.2.1"], "192.0.2.1"),
            ("10.0.0.1", &[b"192.0.2.1,,"], "192.0.2.1"),
            // What is no address ends the list: the last proxy that is known is the caller.
            ("10.0.0.1", &[b"unknown"], "10.0.0.1"),
            ("10.0.0.1", &[b"192.0.2.1, _hidden"], "10.0.0.1"),
            ("10.0.0.1", &[b"192.0.2.1, unknown, 10.0.0.2"], "10.0.0.2"),
            ("10.0.0.1", &[b"192.0.2.1;10.0.0.2"], "10.0.0.1"),
            ("10.0.0.1", &[b"192.0.2.1 10.0.0.2"], "10.0.0.1"),
            ("10.0.0.1", &[b"\"192.0.2.1\""], "10.0.0.1"),
            ("10.0.0.1", &[b"192.0.2.999"], "10.0.0.1"),
            ("10.0.0.1", &[b"0x0a.0.0.2"], "10.0.0.1"),
            ("10.0.0.1", &[b"fe80::1%eth0"], "10.0.0.1"),
            ("10.0.0.1", &[b"\xff\xfe"], "10.0.0.1"),
            ("10.0.0.1", &[b""], "10.0.0.1"),
            ("10.0.0.1", &[LONG], "10.0.0.1"),
        ];
        for (peer, lists, expected) in cases {
            let shown: Vec<_> = lists.iter().map(|list| list.escape_ascii().to_string()).collect();
            assert_eq!(caller(peer, lists, &proxies), *expected, "{peer} {shown:?}");
            let untrusted = caller(peer, lists, &TrustedProxies::default());
            let peer: IpAddr = peer.parse().expect(peer);
            assert_eq!(untrusted, peer.to_canonical().to_string(), "{peer} {shown:?}");
        }
    }

    #[test]
    fn addresses_are_counted_by_what_one_caller_has() {
        for (address, key) in [
            ("192.0.2.1", "192.0.2.1"),
            ("::ffff:192.0.2.1", "192.0.2.1"),
            ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
            ("2001:db8:1:2::", "2001:db8:1:2::/64"),
            ("2001:db8:1:3::1", "2001:db8:1:3::/64"),
            ("::1", "::/64"),
        ] {
            assert_eq!(CallerKey::of(address.parse().expect(address)).to_string(), key);
        }
    }
}
