//! An answer that is a stream of Server-Sent Events.

use std::convert::Infallible;
use std::future::ready;
use std::sync::{Arc, Weak};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::FromRequestParts;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::http::request::Parts;
use axum::http::{HeaderName, HeaderValue};
use axum::response::{IntoResponse as _, Response};
use futures_util::{StreamExt as _, stream};
use service::{CallerKey, HttpError, StreamCaller, StreamPermit, caller_ip};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::app_tokens::AppToken;
use crate::gateway::{FeedListener, Followed, Gateway};
use crate::metrics::CountedStream;

/// A stream on which nothing else was sent for so long is sent a ping: most proxies close a
/// connection that is silent for a minute.
const PING_INTERVAL: Duration = Duration::from_secs(15);
/// How long a reader waits before it connects again.
const RETRY: Bytes = Bytes::from_static(b"retry: 2000\n\n");
/// Sent when nothing else was for a while, so that neither end takes the other for dead.
const PING: Bytes = Bytes::from_static(b": ping\n\n");
/// The last of a stream that the gateway ends.
const END: Bytes = Bytes::from_static(b": fim\n\n");
/// How a program tells nginx that an answer is to be passed on as it comes.
const X_ACCEL_BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");

/// The permit of a stream, for as long as its caller may have it.
pub(super) struct Admitted {
    _permit: StreamPermit,
    closing: CancellationToken,
    /// The token that was sent, while it is valid; `None` where there is none.
    token: Option<Weak<AppToken>>,
}

impl FromRequestParts<Arc<Gateway>> for Admitted {
    type Rejection = HttpError;

    async fn from_request_parts(
        parts: &mut Parts,
        gateway: &Arc<Gateway>,
    ) -> Result<Self, HttpError> {
        let tokens = gateway.tokens.as_ref();
        let token =
            tokens.and_then(|tokens| tokens.of_request(&mut parts.extensions, &parts.headers));
        let caller = match &token {
            Some(token) => StreamCaller::App(token.app.clone()),
            None => {
                let ip = caller_ip(&parts.extensions, &parts.headers, &gateway.config.proxies);
                StreamCaller::Address(CallerKey::of(ip))
            }
        };
        let permit = gateway.streams.admit(caller)?;
        let token = token.map(|token| Arc::downgrade(&token));
        Ok(Self { _permit: permit, closing: gateway.closing.clone(), token })
    }
}

/// Where the events come from.
pub(super) enum Source {
    Reserva(Box<Followed>),
    All(FeedListener),
}

impl Source {
    fn kind(&self) -> &'static str {
        match self {
            Self::Reserva(_) => "reserva",
            Self::All(_) => "all",
        }
    }

    async fn next(&mut self) -> Option<Bytes> {
        match self {
            Self::Reserva(followed) => followed.next().await,
            Self::All(listener) => Some(listener.next().await),
        }
    }
}

struct OpenStream {
    source: Source,
    admitted: Admitted,
    is_over: bool,
    _counted: CountedStream,
}

impl OpenStream {
    /// The next part of the answer; `None` at its end.
    async fn next(&mut self) -> Option<Bytes> {
        if self.is_over {
            return None;
        }
        let next = tokio::select! {
            biased;
            () = self.admitted.closing.cancelled() => Ok(Some(END)),
            next = timeout(PING_INTERVAL, self.source.next()) => next,
        };
        let is_revoked =
            self.admitted.token.as_ref().is_some_and(|token| token.strong_count() == 0);
        let next = match next {
            Ok(next) => next.filter(|_| !is_revoked),
            Err(_) => Some(PING).filter(|_| !is_revoked),
        };
        self.is_over = next.is_none() || self.admitted.closing.is_cancelled();
        next
    }
}

/// The answer that these events are.
pub(super) fn answer(gateway: &Gateway, source: Source, admitted: Admitted) -> Response {
    let counted = gateway.metrics.stream(source.kind());
    let cache_control = match source {
        Source::All(_) => "no-cache",
        // About one person: no part of it is kept.
        Source::Reserva(_) => "no-store",
    };
    let events = OpenStream { source, admitted, is_over: false, _counted: counted };
    let events = stream::unfold(events, |mut events| async {
        let next = events.next().await?;
        Some((next, events))
    });
    // At once, so that the reader and the proxies before it know that it has begun.
    let parts = stream::once(ready(RETRY)).chain(events).map(Ok::<_, Infallible>);
    let mut response = Body::from_stream(parts).into_response();
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static(cache_control));
    headers.insert(X_ACCEL_BUFFERING, HeaderValue::from_static("no"));
    response
}
