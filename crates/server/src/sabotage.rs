//! Dying and erring on purpose, to test what is promised and the tests themselves.
//!
//! All of it is in the program `server-sabotaged` alone, which the feature `sabotage` builds; in
//! every other build these functions are empty.

/// A place on the way of a reservation where the program can be made to die.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CrashPoint {
    /// The command has arrived, and nothing is done yet.
    Received,
    /// The transaction has begun.
    Begun,
    /// Everything is written, and not committed.
    BeforeCommit,
    /// It is on disk, and nobody has been told.
    AfterCommit,
    /// The reply has been handed over, and may not have left.
    Replied,
    /// The reply has left, and the command is not acknowledged.
    BeforeAck,
}

/// A fault in the code, to show that the checks notice it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Bug {
    /// Neither domain nor schema looks at who holds the posto.
    Overlap,
    /// Answers leave before they are on disk.
    EarlyReply,
    /// The answers that were given are not remembered.
    ForgottenReply,
}

/// How long before they are on disk the answers leave under [`Bug::EarlyReply`].
pub(crate) const EARLY_BY: std::time::Duration = std::time::Duration::from_millis(50);

#[cfg(not(feature = "sabotage"))]
mod chosen {
    use super::{Bug, CrashPoint};

    #[inline(always)]
    pub(crate) fn crash_at(_: CrashPoint) {}

    #[inline(always)]
    pub(crate) const fn will_crash_at(_: CrashPoint) -> bool {
        false
    }

    #[inline(always)]
    pub(crate) const fn has(_: Bug) -> bool {
        false
    }
}

#[cfg(feature = "sabotage")]
mod chosen {
    use std::sync::LazyLock;
    use std::time::Duration;

    use super::{Bug, CrashPoint};

    static CRASH_AT: LazyLock<String> = LazyLock::new(|| variable("CRASH_AT"));
    static SEEDED_BUG: LazyLock<String> = LazyLock::new(|| variable("SEEDED_BUG"));
    /// How long a reply takes to leave this program and reach its reader.
    const REPLY_LEAVES: Duration = Duration::from_millis(300);

    fn variable(name: &str) -> String {
        std::env::var(name).unwrap_or_default()
    }

    /// Dies here, as by `kill -9`, if `CRASH_AT` names this point.
    pub(crate) fn crash_at(point: CrashPoint) {
        if will_crash_at(point) {
            if point == CrashPoint::BeforeAck {
                std::thread::sleep(REPLY_LEAVES);
            }
            std::process::abort();
        }
    }

    /// Whether `CRASH_AT` names this point.
    pub(crate) fn will_crash_at(point: CrashPoint) -> bool {
        *CRASH_AT == format!("{point:?}")
    }

    /// Whether `SEEDED_BUG` names this fault.
    pub(crate) fn has(bug: Bug) -> bool {
        *SEEDED_BUG == format!("{bug:?}")
    }
}

pub(crate) use chosen::{crash_at, has, will_crash_at};
