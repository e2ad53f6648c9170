//! The socket of a connection, which knows when the peer does not read.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::time::{Sleep, sleep};

use super::connection::Connection;

/// How much a peer must read of an answer that fills its buffers, and how often. The slowest mobile
/// networks manage ten times that.
const MIN_PROGRESS: usize = 16 * 1024;
pub(super) const PROGRESS_LIMIT: Duration = Duration::from_secs(60);

pub(super) struct Socket {
    stream: TokioIo<TcpStream>,
    connection: Arc<Connection>,
    progress_limit: Duration,
    /// While the peer does not read: when it must have made progress, and how much is missing.
    slow: Option<(Pin<Box<Sleep>>, usize)>,
}

impl Socket {
    pub(super) fn new(
        stream: TcpStream,
        connection: Arc<Connection>,
        progress_limit: Duration,
    ) -> Self {
        Self { stream: TokioIo::new(stream), connection, progress_limit, slow: None }
    }

    fn stream(&mut self) -> Pin<&mut TokioIo<TcpStream>> {
        Pin::new(&mut self.stream)
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
        buffer: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        self.stream().poll_read(context, buffer)
    }
}

impl Write for Socket {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = self.stream().poll_write(context, bytes);
        self.check_progress(context, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = self.stream().poll_write_vectored(context, slices);
        self.check_progress(context, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    /// Called when everything that was to be written is.
    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.slow = None;
        self.connection.flushed();
        self.stream().poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.stream().poll_shutdown(context)
    }
}
