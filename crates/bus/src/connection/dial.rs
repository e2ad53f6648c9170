//! Opens a TCP connection to a broker whose name may have several addresses.

use std::io;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio::time::{Instant, sleep_until, timeout};

use super::loss::Reason;

/// For the resolver's answer.
const RESOLVE_TIMEOUT: Duration = Duration::from_secs(5);
/// For a TCP connection to any of the addresses.
const TCP_TIMEOUT: Duration = Duration::from_secs(5);
/// How long one address is tried before the next is tried as well, as RFC 8305 recommends.
const STAGGER: Duration = Duration::from_millis(250);

type Addresses = io::Result<Vec<SocketAddr>>;
/// Finds the addresses of a host; may block.
pub(crate) type Resolve = Arc<dyn Fn(&str, u16) -> Addresses + Send + Sync>;

pub(crate) fn resolve_by_system(host: &str, port: u16) -> Addresses {
    Ok((host, port).to_socket_addrs()?.collect())
}

/// Chooses among the broker's addresses, across attempts.
pub(crate) struct Dialer {
    resolve: Resolve,
    /// A lookup without an answer yet. A resolver may hang: only one lookup runs at a time.
    lookup: Option<oneshot::Receiver<Addresses>>,
    /// Accepted a TCP connection and then was no usable broker: the next attempt begins behind it.
    unusable: Option<SocketAddr>,
}

impl Dialer {
    pub(crate) fn new(resolve: Resolve) -> Self {
        Self { resolve, lookup: None, unusable: None }
    }

    /// A connection to the first address that accepts one.
    pub(super) async fn dial(&mut self, host: &str, port: u16) -> Result<TcpStream, Reason> {
        let mut addresses = alternate_families(self.addresses(host, port).await?);
        let unusable = addresses.iter().position(|address| Some(*address) == self.unusable);
        if let Some(index) = unusable {
            addresses.rotate_left(index + 1);
        }
        let raced = timeout(TCP_TIMEOUT, race(&addresses)).await;
        let stream = raced.map_err(|_| Reason::ConnectTimeout)??;
        self.unusable = stream.peer_addr().ok();
        Ok(stream)
    }

    /// Records that the address of the last [`dial`](Self::dial) is one of a usable broker.
    pub(super) fn confirm(&mut self) {
        self.unusable = None;
    }

    async fn addresses(&mut self, host: &str, port: u16) -> Result<Vec<SocketAddr>, Reason> {
        if let Ok(address) = host.parse::<IpAddr>() {
            return Ok(vec![SocketAddr::new(address, port)]);
        }
        let lookup = match &mut self.lookup {
            Some(lookup) => lookup,
            None => self.lookup.insert(start_lookup(&self.resolve, host, port)?),
        };
        let Ok(found) = timeout(RESOLVE_TIMEOUT, lookup).await else {
            return Err(Reason::ResolverSilent(host.to_owned()));
        };
        self.lookup = None;
        let unresolved = |error| Reason::Unresolved(host.to_owned(), error);
        let found = found.map_err(|_| unresolved(io::Error::other("the lookup failed")))?;
        let found = found.map_err(unresolved)?;
        if found.is_empty() {
            return Err(unresolved(io::Error::other("it has no address")));
        }
        Ok(found)
    }
}

/// Looks the host up on a thread of its own: the end of a runtime waits for its blocking tasks, and
/// a resolver may take minutes.
fn start_lookup(
    resolve: &Resolve,
    host: &str,
    port: u16,
) -> io::Result<oneshot::Receiver<Addresses>> {
    let (sender, receiver) = oneshot::channel();
    let (resolve, host) = (Arc::clone(resolve), host.to_owned());
    std::thread::Builder::new().name("resolver".to_owned()).spawn(move || {
        // Without a receiver the bus has ended.
        let _ = sender.send(resolve(&host, port));
    })?;
    Ok(receiver)
}

/// Orders addresses so that IPv6 and IPv4 take turns, each in the order of the resolver: one family
/// may be unreachable as a whole.
fn alternate_families(addresses: Vec<SocketAddr>) -> Vec<SocketAddr> {
    let first_is_v6 = addresses.first().is_some_and(SocketAddr::is_ipv6);
    let (first, second): (Vec<_>, Vec<_>) =
        addresses.into_iter().partition(|address| address.is_ipv6() == first_is_v6);
    let mut second = second.into_iter();
    let mut alternating = Vec::new();
    for address in first {
        alternating.push(address);
        alternating.extend(second.next());
    }
    alternating.extend(second);
    alternating
}

/// Tries the addresses in order, each [`STAGGER`] after the one before or when that has failed.
async fn race(addresses: &[SocketAddr]) -> io::Result<TcpStream> {
    let mut waiting = addresses.iter();
    let mut attempts = FuturesUnordered::new();
    let mut failure = io::Error::from(io::ErrorKind::AddrNotAvailable);
    loop {
        let next = waiting.next();
        attempts.extend(next.map(|address| TcpStream::connect(*address)));
        let next_start = Instant::now() + STAGGER;
        tokio::select! {
            attempt = attempts.next() => match attempt {
                Some(Ok(stream)) => return Ok(stream),
                Some(Err(error)) => failure = error,
                None => return Err(failure),
            },
            () = sleep_until(next_start), if waiting.len() > 0 => {}
        }
    }
}

#[cfg(test)]
mod tests;
