//! What a program without tokens refuses: pages of other origins. A browser on the operator's
//! machine reaches addresses that others do not, and sends there what any page tells it to. A page
//! whose name was made to lead to this program has that name in `Host`.

use std::net::IpAddr;

use axum::extract::Request;
use axum::http::header::{HOST, ORIGIN};
use axum::http::uri::Authority;
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use protocol::{Codigo, ErrorReply};

use crate::failpoints::{Bug, has};
use crate::http::HttpError;
use crate::http::exchange::caller::Endpoints;

pub(in crate::http) const FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
const FETCH_MODE: HeaderName = HeaderName::from_static("sec-fetch-mode");
const FETCH_DEST: HeaderName = HeaderName::from_static("sec-fetch-dest");

const FOREIGN: &str = "Este programa está aberto, sem tokens: só atende a quem o chama por localhost ou \
    por seu próprio endereço, e a nenhuma página de outra origem.";

/// What a program without tokens answers to a page of another origin.
pub(in crate::http) fn foreign_page() -> ErrorReply {
    ErrorReply::new(None, Codigo::NaoAutorizado, FOREIGN.to_owned())
}

/// # Errors
/// A page of another origin may have sent the request.
pub(in crate::http) fn check_own_page(request: &Request) -> Result<(), HttpError> {
    if is_own(request) || has(Bug::ForeignPages) {
        return Ok(());
    }
    Err(foreign_page().into())
}

fn is_own(request: &Request) -> bool {
    let headers = request.headers();
    let arrived_at = request.extensions().get::<Endpoints>().map(|endpoints| endpoints.local);
    let own_host = |authority: &Authority| is_own_host(authority, arrived_at.map(|at| at.ip()));
    let target = request.uri().authority();
    let host = match one(headers, &HOST) {
        Ok(host) => host.map(authority),
        Err(Repeated) => return false,
    };
    // A client without one is no browser.
    let named = target.is_none_or(own_host)
        && host.as_ref().is_none_or(|host| host.as_ref().is_some_and(own_host));
    let Ok(origin) = one(headers, &ORIGIN) else { return false };
    let ports = [arrived_at.map(|at| at.port()), host.flatten().as_ref().map(port)];
    let own_page = origin.is_none_or(|origin| {
        let page = origin.as_bytes().strip_prefix(b"http://").and_then(authority_of);
        page.is_some_and(|page| own_host(&page) && ports.contains(&Some(port(&page))))
    });
    named && own_page && (!is_cross_site(headers) || is_followed_link(request))
}

/// Whether this origin is of a page that this machine serves, on whatever port. For what serves no
/// page itself, so that the pages that use it have other ports.
pub fn is_page_of_this_machine(origin: &[u8], arrived_at: IpAddr) -> bool {
    let page = origin.strip_prefix(b"http://").or_else(|| origin.strip_prefix(b"https://"));
    page.and_then(authority_of).is_some_and(|page| is_own_host(&page, Some(arrived_at)))
}

struct Repeated;

fn one<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Result<Option<&'a HeaderValue>, Repeated> {
    let mut values = headers.get_all(name).iter();
    let first = values.next();
    if values.next().is_some() { Err(Repeated) } else { Ok(first) }
}

fn authority(value: &HeaderValue) -> Option<Authority> {
    authority_of(value.as_bytes())
}

fn authority_of(bytes: &[u8]) -> Option<Authority> {
    let authority = Authority::try_from(bytes).ok()?;
    (!authority.as_str().contains('@')).then_some(authority)
}

fn port(authority: &Authority) -> u16 {
    authority.port_u16().unwrap_or(80)
}

/// Whether a host is this machine, or the address at which the connection arrived. The port of
/// `Host` says nothing: it is another one where a port is forwarded.
fn is_own_host(authority: &Authority, arrived_at: Option<IpAddr>) -> bool {
    let host = authority.host();
    if host.eq_ignore_ascii_case("localhost") {
        return true;
    }
    let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    let Ok(address) = bare.parse::<IpAddr>() else { return false };
    let address = address.to_canonical();
    address.is_loopback() || arrived_at.is_some_and(|at| at.to_canonical() == address)
}

fn is_cross_site(headers: &HeaderMap) -> bool {
    headers.get_all(FETCH_SITE).iter().any(|site| site == "cross-site")
}

/// A page that somebody opened by a link. The page with the link sees nothing of it, and nothing is
/// changed by it.
fn is_followed_link(request: &Request) -> bool {
    let is =
        |name: HeaderName, value| request.headers().get(name).is_some_and(|header| header == value);
    request.method().is_safe() && is(FETCH_MODE, "navigate") && is(FETCH_DEST, "document")
}
