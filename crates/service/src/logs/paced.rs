//! Writes log lines that follow each other shortly with one system call.

use std::io::{Result, Write};
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
}

impl<W: Write> Paced<W> {
    pub(super) fn new(writer: W) -> Self {
        Self { writer, lines: Vec::new() }
    }

    /// Lines that cannot be written are dropped: a failed log has nowhere to report that.
    fn write_lines(&mut self) -> Result<()> {
        let written = self.writer.write_all(&self.lines);
        self.lines.clear();
        written
    }
}

impl<W: Write> Write for Paced<W> {
    fn write(&mut self, line: &[u8]) -> Result<usize> {
        if self.lines.len() + line.len() > MAX_BYTES {
            self.write_lines()?;
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
    }
}
