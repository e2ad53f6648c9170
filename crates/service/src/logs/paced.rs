//! Writes log lines that follow each other shortly with one system call.

use std::io::{ErrorKind, Result, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

/// How long the thread of the log sleeps after it has written. Lines that come meanwhile wait in its
/// queue, where they wake nobody.
const PAUSE: Duration = Duration::from_millis(5);
/// What is written at once; a longer burst in several parts.
const MAX_BYTES: usize = 64 * 1024;

/// The thread that writes lines flushes whenever its queue is empty: after each line, if the program is
/// not busy. So the first line after a pause is written at once, and those of the next milliseconds
/// together: a request costs no system call and no wake-up for its line.
pub(super) struct Paced<W> {
    writer: W,
    lines: Vec<u8>,
    /// The last thing that was written is a part of a line.
    is_torn: bool,
    unwritten: Arc<Unwritten>,
}

/// Lines that could not be written, as on a full disk, or to a pipe that nobody has open.
#[derive(Debug, Default)]
pub(super) struct Unwritten {
    lines: AtomicUsize,
    fails: AtomicBool,
}

impl Unwritten {
    pub(super) fn lines(&self) -> usize {
        self.lines.load(Ordering::Relaxed)
    }

    /// Whether the last attempt has failed.
    pub(super) fn fails(&self) -> bool {
        self.fails.load(Ordering::Relaxed)
    }
}

impl<W: Write> Paced<W> {
    /// `writer` keeps nothing back.
    pub(super) fn new(writer: W) -> Self {
        Self { writer, lines: Vec::new(), is_torn: false, unwritten: Arc::default() }
    }

    pub(super) fn unwritten(&self) -> Arc<Unwritten> {
        Arc::clone(&self.unwritten)
    }

    /// Lines that cannot be written are counted and dropped.
    fn write_lines(&mut self) -> Result<()> {
        let mut outcome = if self.is_torn { self.end_torn_line() } else { Ok(()) };
        let mut rest = self.lines.as_slice();
        while outcome.is_ok() && !rest.is_empty() {
            match self.writer.write(rest) {
                Ok(0) => outcome = Err(ErrorKind::WriteZero.into()),
                Ok(length) => {
                    let (written, left) = rest.split_at(length);
                    self.is_torn = !left.is_empty() && !written.ends_with(b"\n");
                    rest = left;
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => outcome = Err(error),
            }
        }
        let unwritten = rest.iter().filter(|byte| **byte == b'\n').count();
        self.unwritten.lines.fetch_add(unwritten, Ordering::Relaxed);
        self.unwritten.fails.store(outcome.is_err(), Ordering::Relaxed);
        self.lines.clear();
        outcome
    }

    /// So that the next line is one by itself.
    fn end_torn_line(&mut self) -> Result<()> {
        self.writer.write_all(b"\n")?;
        self.is_torn = false;
        Ok(())
    }
}

impl<W: Write> Write for Paced<W> {
    fn write(&mut self, line: &[u8]) -> Result<usize> {
        if self.lines.len() + line.len() > MAX_BYTES {
            // Counted. This line may find space again.
            let _ = self.write_lines();
        }
        self.lines.extend_from_slice(line);
        Ok(line.len())
    }

    fn flush(&mut self) -> Result<()> {
        if self.lines.is_empty() {
            return self.writer.flush();
        }
        self.write_lines()?;
        self.writer.flush()?;
        std::thread::sleep(PAUSE);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;

    /// Notes each call.
    #[derive(Default)]
    struct Calls(Vec<String>);

    impl Write for Calls {
        fn write(&mut self, bytes: &[u8]) -> Result<usize> {
            self.0.push(String::from_utf8_lossy(bytes).into_owned());
            Ok(bytes.len())
        }

        fn flush(&mut self) -> Result<()> {
            Ok(())
        }
    }

    #[test]
    fn lines_are_written_together_and_in_order() {
        let mut paced = Paced::new(Calls::default());
        for line in ["a\n", "b\n"] {
            paced.write_all(line.as_bytes()).expect("it is kept");
        }
        assert!(paced.writer.0.is_empty(), "nothing is written before the queue is empty");
        let begun = Instant::now();
        paced.flush().expect("it is written");
        assert!(begun.elapsed() >= PAUSE, "what comes meanwhile waits for the next time");
        paced.flush().expect("there is nothing");
        assert_eq!(paced.writer.0, ["a\nb\n"]);
    }

    #[test]
    fn a_burst_is_written_in_parts() {
        let mut paced = Paced::new(Calls::default());
        let line = "x".repeat(1_000);
        for _ in 0..200 {
            paced.write_all(line.as_bytes()).expect("it is kept");
            assert!(paced.lines.len() <= MAX_BYTES);
        }
        paced.flush().expect("it is written");
        assert_eq!(paced.writer.0.concat(), line.repeat(200));
        assert_eq!(paced.writer.0.len(), 4);
    }

    #[test]
    fn lines_that_cannot_be_written_take_no_memory() {
        struct Broken;
        impl Write for Broken {
            fn write(&mut self, _: &[u8]) -> Result<usize> {
                Err(std::io::ErrorKind::BrokenPipe.into())
            }

            fn flush(&mut self) -> Result<()> {
                Ok(())
            }
        }
        let mut paced = Paced::new(Broken);
        paced.write_all(b"a\n").expect("it is kept");
        paced.flush().expect_err("nobody reads");
        assert!(paced.lines.is_empty());
        assert_eq!(paced.unwritten().lines(), 1);
    }

    /// Takes so many bytes.
    struct Disk {
        written: Vec<u8>,
        free: usize,
    }

    impl Write for Disk {
        fn write(&mut self, bytes: &[u8]) -> Result<usize> {
            let length = bytes.len().min(self.free);
            if length == 0 {
                return Err(ErrorKind::StorageFull.into());
            }
            self.free -= length;
            self.written.extend_from_slice(&bytes[..length]);
            Ok(length)
        }

        fn flush(&mut self) -> Result<()> {
            Ok(())
        }
    }

    #[test]
    fn what_a_full_disk_does_not_take_is_counted_and_breaks_no_later_line() {
        let mut paced = Paced::new(Disk { written: Vec::new(), free: 7 });
        let unwritten = paced.unwritten();
        let write = |paced: &mut Paced<Disk>, lines: &str| {
            paced.write_all(lines.as_bytes()).expect("it is kept");
            paced.flush().is_ok()
        };
        assert!(!write(&mut paced, "{1}\n{22}\n{3}\n"), "the second line fits in part");
        assert_eq!((unwritten.lines(), unwritten.fails()), (2, true));
        assert!(!write(&mut paced, "{4}\n"));
        assert_eq!(unwritten.lines(), 3);
        paced.writer.free = 1;
        assert!(!write(&mut paced, "{5}\n"), "only the end of the torn line fits");
        paced.writer.free = 100;
        assert!(write(&mut paced, "{6}\n"));
        assert_eq!((unwritten.lines(), unwritten.fails()), (4, false));
        let text = String::from_utf8_lossy(&paced.writer.written).into_owned();
        assert_eq!(text, "{1}\n{22\n{6}\n");
    }
}
