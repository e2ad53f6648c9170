//! The body of a request, which is not lost when nobody has read it to its end.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Bytes, HttpBody};
use hyper::body::{Frame, Incoming, SizeHint};
use parking_lot::Mutex;

use crate::http::request::json_body::MAX_BODY;

/// How long an answer waits for a short body that nobody has read. Many callers send it in a packet
/// of its own, a little after the head.
pub(in crate::http) const UNREAD_BODY_LIMIT: Duration = Duration::from_millis(50);

/// Where a body is left that was not read to its end.
pub(in crate::http) type Unread = Arc<Mutex<Option<Incoming>>>;

pub(in crate::http) struct RequestBody {
    body: Option<Incoming>,
    unread: Unread,
}

impl RequestBody {
    pub(in crate::http) fn new(body: Incoming, unread: Unread) -> Self {
        Self { body: Some(body), unread }
    }
}

impl Drop for RequestBody {
    fn drop(&mut self) {
        if let Some(body) = self.body.take() {
            *self.unread.lock() = Some(body);
        }
    }
}

impl HttpBody for RequestBody {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let Some(body) = &mut self.body else {
            return Poll::Ready(None);
        };
        let frame = Pin::new(&mut *body).poll_frame(context);
        if matches!(frame, Poll::Ready(None | Some(Err(_)))) || body.is_end_stream() {
            self.body = None;
        }
        frame
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(HttpBody::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.body.as_ref().map_or_else(|| SizeHint::with_exact(0), HttpBody::size_hint)
    }
}

/// Reads the rest of a body so that its connection can have another request. False if it is too
/// long, or does not arrive at once.
pub(in crate::http) async fn read_rest(mut body: Incoming) -> bool {
    let mut left = MAX_BODY as u64;
    let read = async {
        while body.size_hint().lower() <= left {
            match std::future::poll_fn(|context| Pin::new(&mut body).poll_frame(context)).await {
                None => return true,
                Some(Err(_)) => return false,
                Some(Ok(frame)) => {
                    let length = frame.data_ref().map_or(0, Bytes::len) as u64;
                    let Some(fewer) = left.checked_sub(length) else { return false };
                    left = fewer;
                }
            }
        }
        false
    };
    tokio::time::timeout(UNREAD_BODY_LIMIT, read).await.unwrap_or(false)
}
