//! The body of an answer, which says when it is complete.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::body::{Body, Bytes, HttpBody};
use axum::http::HeaderMap;
use axum::http::header::CONTENT_TYPE;
use hyper::body::{Frame, SizeHint};
use tokio::io::ReadBuf;

use super::socket::SharedStream;
use super::state::Connection;

pub(in crate::http) struct AnswerBody {
    body: Body,
    connection: Arc<Connection>,
    /// Of an answer that does not end by itself.
    stream: Option<SharedStream>,
}

impl AnswerBody {
    pub(in crate::http) fn new(body: Body, connection: Arc<Connection>) -> Self {
        Self { body, connection, stream: None }
    }

    /// Has a stream of events end when its reader sends nothing more. For other answers that is no
    /// reason: a caller may end its half of the connection and wait for the answer.
    pub(in crate::http) fn watch(mut self, headers: &HeaderMap, stream: SharedStream) -> Self {
        let is_stream = headers.get(CONTENT_TYPE).is_some_and(|kind| kind == "text/event-stream");
        self.stream = is_stream.then_some(stream);
        self
    }

    /// Whether the reader has left. hyper does not read while it answers, and would notice only when
    /// it writes.
    fn is_left(&self, context: &mut Context<'_>) -> bool {
        let Some(stream) = &self.stream else { return false };
        let mut byte = [0];
        let peeked = stream.lock().poll_peek(context, &mut ReadBuf::new(&mut byte));
        matches!(peeked, Poll::Ready(Ok(0) | Err(_)))
    }
}

impl Drop for AnswerBody {
    fn drop(&mut self) {
        self.connection.end_answer();
    }
}

impl HttpBody for AnswerBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let frame = Pin::new(&mut self.body).poll_frame(context);
        if frame.is_pending() && self.is_left(context) {
            return Poll::Ready(None);
        }
        frame
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
