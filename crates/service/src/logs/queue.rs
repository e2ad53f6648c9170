//! Log lines on their way to standard output: a bounded queue, written by a thread of its own.
//!
//! Standard output may be a pipe that nobody reads. A thread that writes to it then waits for
//! ever, so no thread that has other work writes to it.

use std::fs::File;
use std::io::{self, Write};
use std::os::fd::AsFd as _;
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};
use tracing::warn;
use tracing_subscriber::fmt::MakeWriter;

/// Bytes that may wait. Some ten thousand lines: a burst of a second while the reader pauses.
const MAX_WAITING: usize = 4 << 20;
/// Memory that is kept after a burst.
const MAX_KEPT: usize = 64 << 10;
/// How long the end of a program waits until the last lines are written.
const FLUSH_LIMIT: Duration = Duration::from_millis(800);

#[derive(Default)]
struct Waiting {
    bytes: Vec<u8>,
    /// The thread is writing what it took.
    writing: bool,
    /// Lines that were not written, since this was last logged.
    dropped: u64,
}

#[derive(Default)]
struct Shared {
    waiting: Mutex<Waiting>,
    arrived: Condvar,
    written: Condvar,
}

/// Takes lines, and never waits for standard output.
#[derive(Clone, Default)]
pub(super) struct LogQueue(Arc<Shared>);

/// Writes the lines that wait, for a bounded time, when it is dropped.
pub(crate) struct LogGuard(LogQueue);

impl LogQueue {
    /// A queue in front of standard output. Fails if that is closed.
    pub(super) fn to_stdout() -> io::Result<(Self, LogGuard)> {
        // A file of its own: the lock of `std::io::stdout` would be held for as long as the
        // thread waits for the reader.
        let stdout = File::from(io::stdout().as_fd().try_clone_to_owned()?);
        Self::start(stdout)
    }

    fn start(mut output: impl Write + Send + 'static) -> io::Result<(Self, LogGuard)> {
        let queue = Self::default();
        let written = queue.clone();
        std::thread::Builder::new()
            .name("log".to_owned())
            .spawn(move || written.write_lines(&mut output))?;
        Ok((queue.clone(), LogGuard(queue)))
    }

    fn push(&self, line: &[u8]) {
        let mut waiting = self.0.waiting.lock();
        if waiting.bytes.len() + line.len() > MAX_WAITING {
            waiting.dropped += 1;
            return;
        }
        waiting.bytes.extend_from_slice(line);
        drop(waiting);
        self.0.arrived.notify_one();
    }

    fn write_lines(&self, output: &mut impl Write) {
        let mut lines = Vec::new();
        let mut works = true;
        loop {
            let mut waiting = self.0.waiting.lock();
            while waiting.bytes.is_empty() && (waiting.dropped == 0 || !works) {
                self.0.arrived.wait(&mut waiting);
            }
            lines.clear();
            lines.shrink_to(MAX_KEPT);
            std::mem::swap(&mut lines, &mut waiting.bytes);
            waiting.writing = true;
            let dropped = if works { std::mem::take(&mut waiting.dropped) } else { 0 };
            drop(waiting);
            if dropped > 0 {
                // Now the queue is empty, so this line is not dropped as well.
                warn!(lines = dropped, "log lines were dropped: standard output was not read");
            }
            works = output.write_all(&lines).is_ok();
            let mut waiting = self.0.waiting.lock();
            waiting.writing = false;
            if !works {
                waiting.dropped += lines.iter().filter(|byte| **byte == b'\n').count() as u64;
            }
            drop(waiting);
            self.0.written.notify_all();
        }
    }
}

impl Drop for LogGuard {
    fn drop(&mut self) {
        let until = Instant::now() + FLUSH_LIMIT;
        let shared = &self.0.0;
        let mut waiting = shared.waiting.lock();
        while waiting.writing || !waiting.bytes.is_empty() {
            if shared.written.wait_until(&mut waiting, until).timed_out() {
                return;
            }
        }
    }
}

/// The layer that formats events writes each of them, whole, in one call.
pub(super) struct LineWriter<'a>(&'a LogQueue);

impl Write for LineWriter<'_> {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.0.push(line);
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for LogQueue {
    type Writer = LineWriter<'a>;

    fn make_writer(&'a self) -> LineWriter<'a> {
        LineWriter(self)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Receiver, Sender, channel};

    use super::*;

    /// Takes one write for each message, and passes it on.
    struct Output {
        allowed: Receiver<io::Result<()>>,
        written: Sender<usize>,
    }

    impl Write for Output {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.allowed.recv().map_err(io::Error::other)??;
            let _ = self.written.send(bytes.len());
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    const LINE: &[u8] = &[b'\n'; 1 << 20];

    #[test]
    fn lines_beyond_the_bound_are_dropped_and_counted_while_nobody_reads() {
        let (allow, allowed) = channel();
        let (sender, written) = channel();
        let (queue, guard) =
            LogQueue::start(Output { allowed, written: sender }).expect("a thread");
        queue.push(b"first\n");
        while !queue.0.waiting.lock().writing {
            std::thread::yield_now();
        }
        for _ in 0..6 {
            queue.push(LINE);
        }
        assert_eq!(queue.0.waiting.lock().dropped, 2);
        drop(guard);
        for _ in 0..2 {
            allow.send(Ok(())).expect("it writes");
        }
        assert_eq!([written.recv(), written.recv()], [Ok(6), Ok(MAX_WAITING)]);
    }

    #[test]
    fn lines_that_cannot_be_written_count_as_dropped() {
        let (allow, allowed) = channel();
        let (sender, _written) = channel();
        let (queue, guard) =
            LogQueue::start(Output { allowed, written: sender }).expect("a thread");
        queue.push(b"one\ntwo\n");
        allow.send(Err(io::Error::other("as the test wants it"))).expect("it writes");
        drop(guard);
        assert_eq!(queue.0.waiting.lock().dropped, 2);
    }
}
