//! Refusals before routing. They pass the router's layers, so that they are logged and have the
//! headers of every answer.

use std::time::SystemTime;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::http::header::{CONTENT_LENGTH, HOST, TRANSFER_ENCODING, VARY};
use axum::http::{Method, Uri, Version};
use axum::response::{IntoResponse as _, Response};
use httpdate::HttpDate;
use protocol::Codigo;
use tower::ServiceExt as _;

use crate::http::HttpError;
use crate::http::answer::security_headers;
use crate::http::exchange::access_log::X_REQUEST_ID;

/// In the extensions of a request: the answer it gets.
#[derive(Clone)]
pub(in crate::http) struct Refusal(pub(in crate::http) HttpError);

impl Refusal {
    pub(in crate::http) fn new(codigo: Codigo) -> Self {
        Self(HttpError::general(codigo))
    }

    /// A body is `chunked` and nothing else, and has no `Content-Length` too.
    pub(in crate::http) fn for_transfer_encoding<B>(
        request: &Request<B>,
        is_suspect: bool,
    ) -> Option<Self> {
        let mut codings = request.headers().get_all(TRANSFER_ENCODING).iter();
        let coding = codings.next()?;
        let is_chunked = coding.as_bytes().eq_ignore_ascii_case(b"chunked");
        let mensagem = "O tamanho do corpo deve vir de um modo só: Content-Length ou \
                        Transfer-Encoding: chunked.";
        let error = || HttpError::new(Codigo::RequisicaoMalformada, mensagem);
        (is_suspect || !is_chunked || codings.next().is_some()).then(|| Self(error()))
    }

    /// What is wrong with a head that hyper accepts: the target is no path, or the host is not named
    /// once, or is none (RFC 9112, section 3.2).
    pub(in crate::http) fn for_head<B>(request: &Request<B>) -> Option<Self> {
        if request.uri().path().is_empty() && request.method() != Method::CONNECT {
            return Some(Self::new(Codigo::RequisicaoMalformada));
        }
        let required = usize::from(request.version() == Version::HTTP_11);
        let hosts = || request.headers().get_all(HOST).iter();
        let mensagem = if !(required..=1).contains(&hosts().count()) {
            "O cabeçalho Host deve vir uma vez."
        } else if hosts().any(|host| !is_host(host.as_bytes())) {
            "O cabeçalho Host deve ser um nome ou um endereço, com ou sem :porta."
        } else {
            return None;
        };
        Some(Self(HttpError::new(Codigo::RequisicaoMalformada, mensagem)))
    }
}

/// Whether it is `host` or `host:port`. It may be empty, where the target has no host.
fn is_host(value: &[u8]) -> bool {
    let Ok(text) = str::from_utf8(value) else { return false };
    let address = text.strip_prefix('[').map(|rest| rest.split_once(']'));
    let (host, rest) = match address {
        Some(Some(parts)) => parts,
        Some(None) => return false,
        None => text.split_at(text.find(':').unwrap_or(text.len())),
    };
    let is_in_host = |c: char| {
        c.is_ascii_alphanumeric()
            || "-._~%!$&'()*+,;=".contains(c)
            || (address.is_some() && c == ':')
    };
    let is_port = |port: &str| {
        let has_digits_alone = port.bytes().all(|byte| byte.is_ascii_digit());
        port.is_empty() || (has_digits_alone && port.parse::<u16>().is_ok())
    };
    let ends_well = rest.is_empty() || rest.strip_prefix(':').is_some_and(is_port);
    text.is_empty() || (!host.is_empty() && host.chars().all(is_in_host) && ends_well)
}

/// The bytes of the answer to something that cannot be read as a request.
pub(in crate::http) async fn answer_unread(router: Router, codigo: Codigo) -> Vec<u8> {
    let mut request = Request::new(Body::empty());
    // Neither is known. This is the path of no route.
    *request.uri_mut() = Uri::from_static("*");
    *request.method_mut() = Method::from_bytes(b"UNKNOWN").unwrap_or_default();
    request.extensions_mut().insert(Refusal::new(codigo));
    let Ok(response) = router.oneshot(request).await;
    let (mut parts, body) = response.into_parts();
    parts.headers.remove(CONTENT_LENGTH);
    security_headers::add(&mut parts.headers);
    let body = to_bytes(body, usize::MAX).await.unwrap_or_default();
    let reason = parts.status.canonical_reason().unwrap_or_default();
    let mut bytes = format!("HTTP/1.1 {} {reason}\r\n", parts.status.as_str()).into_bytes();
    for (name, value) in &parts.headers {
        bytes.extend([name.as_str().as_bytes(), b": ", value.as_bytes(), b"\r\n"].concat());
    }
    let (length, date) = (body.len(), HttpDate::from(SystemTime::now()));
    let own = format!("content-length: {length}\r\nconnection: close\r\ndate: {date}\r\n\r\n");
    bytes.extend(own.into_bytes());
    bytes.extend(body);
    bytes
}

/// `sobrecarregado` in place of an answer for which there is no memory.
pub(in crate::http) fn overloaded_instead_of(answer: &Response) -> Response {
    let mut response = HttpError::general(Codigo::Sobrecarregado).into_response();
    for (name, value) in answer.headers() {
        if name.as_str().starts_with("access-control-") || name == VARY || name == X_REQUEST_ID {
            response.headers_mut().append(name, value.clone());
        }
    }
    response
}
