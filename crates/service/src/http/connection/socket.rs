//! The socket of a connection, which knows when the peer does not read, and notes what hyper does
//! not report: a body with two lengths, and its own refusals.

use std::io;
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use hyper::rt::{Read, ReadBufCursor, Write};
use parking_lot::Mutex;
use tokio::io::{AsyncRead as _, AsyncWrite as _, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Sleep, sleep};

use super::head_check::HeadCheck;
use super::state::Connection;

/// How much a peer must read of an answer that fills its buffers, and how often. The slowest mobile
/// networks manage ten times that.
const MIN_PROGRESS: usize = 16 * 1024;
pub(in crate::http) const PROGRESS_LIMIT: Duration = Duration::from_secs(60);

/// How much is read at a time.
const READ: usize = 8192;

/// Shared with the task that closes it after hyper has ended.
pub(in crate::http) type SharedStream = Arc<Mutex<TcpStream>>;

pub(in crate::http) struct Socket {
    stream: SharedStream,
    heads: HeadCheck,
    connection: Arc<Connection>,
    progress_limit: Duration,
    /// While the peer does not read: when it must have made progress, and how much is missing.
    slow: Option<(Pin<Box<Sleep>>, usize)>,
}

impl Socket {
    pub(in crate::http) fn new(
        stream: SharedStream,
        connection: Arc<Connection>,
        progress_limit: Duration,
    ) -> Self {
        Self { stream, heads: HeadCheck::new(), connection, progress_limit, slow: None }
    }

    /// Takes what hyper writes when no request is being answered: its own answer, which has no body,
    /// to what it cannot read.
    fn withhold(&self, bytes: &[u8]) -> bool {
        if !self.connection.is_idle() {
            return false;
        }
        let status = bytes.get("HTTP/1.1 ".len()..).and_then(|rest| rest.get(..3));
        let status = status.and_then(|status| str::from_utf8(status).ok()?.parse().ok());
        self.connection.note_refused(status.unwrap_or(400));
        true
    }

    /// Notes what was written.
    ///
    /// # Errors
    /// The peer reads too slowly.
    fn check_progress(
        &mut self,
        context: &mut Context<'_>,
        written: Poll<io::Result<usize>>,
    ) -> Poll<io::Result<usize>> {
        match (&written, &mut self.slow) {
            (Poll::Ready(Ok(length)), Some((_, missing))) => {
                *missing = missing.saturating_sub(*length);
                if *missing == 0 {
                    self.slow = None;
                }
            }
            (Poll::Pending, slow) => {
                self.connection.wait_for_reader();
                let limit = self.progress_limit;
                let (until, _) = slow.get_or_insert_with(|| (Box::pin(sleep(limit)), MIN_PROGRESS));
                ready!(until.as_mut().poll(context));
                return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
            }
            _ => {}
        }
        written
    }
}

impl Read for Socket {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        mut buffer: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        // The socket is read below, also in the first call: what has come already is found.
        self.connection.wait_for_request();
        let mut bytes = [MaybeUninit::uninit(); READ];
        let mut bytes = ReadBuf::uninit(&mut bytes[..READ.min(buffer.remaining())]);
        ready!(Pin::new(&mut *self.stream.lock()).poll_read(context, &mut bytes))?;
        buffer.put_slice(bytes.filled());
        self.heads.read(bytes.filled());
        if let Some(request) = self.heads.suspect_from() {
            self.connection.note_suspect_from(request);
        }
        Poll::Ready(Ok(()))
    }
}

impl Write for Socket {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        if self.withhold(bytes) {
            return Poll::Ready(Ok(bytes.len()));
        }
        let written = Pin::new(&mut *self.stream.lock()).poll_write(context, bytes);
        self.check_progress(context, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let first = slices.first().map_or(&[][..], |first| first);
        if self.withhold(first) {
            return Poll::Ready(Ok(slices.iter().map(|slice| slice.len()).sum()));
        }
        let written = Pin::new(&mut *self.stream.lock()).poll_write_vectored(context, slices);
        self.check_progress(context, written)
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    /// Called when everything that was to be written is.
    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.slow = None;
        self.connection.flushed();
        Pin::new(&mut *self.stream.lock()).poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.connection.refused().is_some() {
            // The answer is written after hyper has ended.
            return Poll::Ready(Ok(()));
        }
        Pin::new(&mut *self.stream.lock()).poll_shutdown(context)
    }
}
