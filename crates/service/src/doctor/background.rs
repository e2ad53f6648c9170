//! Work that may never end: nothing interrupts a read of a disk that hangs.

use std::sync::mpsc::{self, Receiver};
use std::time::Instant;

use super::report::Check;

/// Work on a thread of its own, which ends with this program at the latest.
pub struct Background<T>(Receiver<T>);

impl<T: Send + 'static> Background<T> {
    pub fn start(work: impl FnOnce() -> T + Send + 'static) -> Self {
        let (sender, done) = mpsc::channel();
        std::thread::spawn(move || {
            // Without a receiver it took too long.
            let _ = sender.send(work());
        });
        Self(done)
    }

    /// What it has found, unless that takes longer.
    pub fn until(&self, deadline: Instant) -> Option<T> {
        self.0.recv_timeout(deadline.saturating_duration_since(Instant::now())).ok()
    }

    /// What it has found, however long that takes.
    pub fn wait(&self) -> Option<T> {
        self.0.recv().ok()
    }
}

/// Of files that were not read in time.
pub fn hanging(name: &'static str, what: impl std::fmt::Display) -> Check {
    let remedy = "look at their disk (dmesg, the server of a network file system); the program waits \
                  for it too";
    Check::failure(name, format!("the disk of {what} does not answer"), remedy)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn what_hangs_is_not_waited_for() {
        let begun = Instant::now();
        let hangs = Background::start(|| std::thread::sleep(Duration::from_secs(60)));
        assert_eq!(hangs.until(begun + Duration::from_millis(50)), None);
        assert!(begun.elapsed() < Duration::from_secs(30));
        let ends = Background::start(|| 7);
        assert_eq!(ends.wait(), Some(7));
        let ended = Background::start(|| 7);
        // It is found, though the time is over.
        while ended.until(begun) != Some(7) {
            assert!(begun.elapsed() < Duration::from_secs(30));
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}
