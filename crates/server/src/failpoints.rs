//! Crash points, seeded bugs and a fast clock, for tests of the promises and of the tests themselves.
//!
//! Only the program `server-failpoints`, built with the feature `failpoints`, contains them. In
//! every other build these functions do nothing.

use std::time::Duration;

/// A place where the process can be made to abort: the first six are on the path of a reservation,
/// the next ones in `server restaurar`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CrashPoint {
    /// The command has arrived; nothing is done yet.
    Received,
    /// The transaction has begun.
    Begun,
    /// Everything is written but not committed.
    BeforeCommit,
    /// The transaction is on disk; nothing is answered yet.
    AfterCommit,
    /// The reply is handed to the bus and may not have been sent.
    Replied,
    /// The reply is sent; the command is not acknowledged.
    BeforeAck,
    /// The new database is written, under a name of its own.
    RestoreWritten,
    /// The old database has a second name.
    RestoreKept,
    /// The new database has its name.
    RestoreReplaced,
    /// What ended long ago is in the archive, and still where it was too.
    Archiving,
}

/// A deliberate fault in the code, which the tests must detect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Bug {
    /// Neither the domain nor the schema checks who holds a posto.
    Overlap,
    /// Answers are sent before the commit.
    EarlyReply,
    /// Stored replies are not found again.
    ForgottenReply,
    /// A command is denied before its failed commit is erased from the WAL.
    EarlyDenial,
    /// The postos have a version that can repeat.
    RepeatedVersion,
    /// A message that ends connection after connection is sent again for ever.
    KeepPoison,
    /// Texts that look like formulas are written into tables as they are.
    RawCells,
    /// The log says which carro a reserva is for.
    LoggedPlaca,
    /// A charger may name in its payload whose charger it is.
    BelievedPayload,
    /// A request that comes again is carried out again.
    RepeatedRequest,
    /// The public event of a reserva is the one for its client.
    PublicPlaca,
    /// A reserva holds its posto until its `fim`, though its carro has left.
    SessionEndKeepsHold,
    /// An absence that is due holds its posto until the sweep has recorded it.
    AbsenceKeepsHold,
    /// A reserva that is moved to another posto is cancelled there.
    MoveLosesReserva,
    /// A reserva is given up for a change that is then refused.
    ChangeDropsFirst,
    /// A cancellation is not published to the client that made the reserva.
    UnpublishedCancel,
    /// A request that comes again is not looked for in the archive.
    ForgottenArchive,
}

/// A month: few ask for what is older, and what a late report or a clock that is set back can change is
/// younger.
const ARCHIVE_AGE: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// Time between an answer and its commit under [`Bug::EarlyReply`].
pub(crate) const EARLY_REPLY_LEAD: Duration = Duration::from_millis(50);

#[cfg(not(feature = "failpoints"))]
mod chosen {
    use std::time::Duration;

    use super::{Bug, CrashPoint};

    /// The length of the minute in which an operator's tolerance is counted.
    pub(crate) fn minute() -> Duration {
        Duration::from_secs(60)
    }

    /// How long ago a row must have ended to be archived.
    pub(crate) const fn archive_age() -> Duration {
        super::ARCHIVE_AGE
    }

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

    #[inline(always)]
    pub(crate) const fn clock(now: i64) -> i64 {
        now
    }

    #[inline(always)]
    pub(crate) const fn clock_speed() -> u32 {
        1
    }
}

#[cfg(feature = "failpoints")]
mod chosen {
    use std::sync::LazyLock;
    use std::time::Duration;

    use super::{Bug, CrashPoint};

    static CRASH_AT: LazyLock<String> =
        LazyLock::new(|| std::env::var("CRASH_AT").unwrap_or_default());
    /// How long a reply takes to leave this process and reach its reader.
    const REPLY_DELIVERY: Duration = Duration::from_millis(300);

    /// Aborts the process, as `kill -9` would, if `CRASH_AT` names this point.
    pub(crate) fn crash_at(point: CrashPoint) {
        if will_crash_at(point) {
            if point == CrashPoint::BeforeAck {
                std::thread::sleep(REPLY_DELIVERY);
            }
            std::process::abort();
        }
    }

    /// Whether `CRASH_AT` names this point.
    pub(crate) fn will_crash_at(point: CrashPoint) -> bool {
        *CRASH_AT == format!("{point:?}")
    }

    /// The length of the minute in which an operator's tolerance is counted: `MINUTE_MILLIS` shortens
    /// it, so that absences fit into a short test.
    pub(crate) fn minute() -> Duration {
        let millis = std::env::var("MINUTE_MILLIS").ok().and_then(|text| text.parse().ok());
        Duration::from_millis(millis.unwrap_or(60_000))
    }

    /// How long ago a row must have ended to be archived: `ARCHIVE_AGE_MILLIS` shortens it.
    pub(crate) fn archive_age() -> Duration {
        let millis = std::env::var("ARCHIVE_AGE_MILLIS").ok().and_then(|text| text.parse().ok());
        millis.map_or(super::ARCHIVE_AGE, Duration::from_millis)
    }

    /// Whether `SEEDED_BUG` names this bug.
    pub(crate) fn has(bug: Bug) -> bool {
        protocol::failpoints::is_seeded(&format!("{bug:?}"))
    }

    /// `CLOCK_SPEED` and `CLOCK_ZERO`.
    static CLOCK: LazyLock<Option<(u32, i64)>> = LazyLock::new(|| {
        let text = |name| std::env::var(name).ok();
        let speed = text("CLOCK_SPEED")?.parse().expect("a number");
        Some((speed, text("CLOCK_ZERO")?.parse().expect("a number")))
    });

    /// The wall clock in milliseconds since 1970: `CLOCK_SPEED` times as fast as this machine's from
    /// `CLOCK_ZERO` on. Durations are measured by another clock, and stay real.
    pub(crate) fn clock(now: i64) -> i64 {
        match *CLOCK {
            Some((speed, zero)) if zero < now => zero + (now - zero) * i64::from(speed),
            _ => now,
        }
    }

    /// How many times as fast as the clock of durations the wall clock may be.
    pub(crate) fn clock_speed() -> u32 {
        CLOCK.map_or(1, |(speed, _)| speed)
    }
}

pub(crate) use chosen::{archive_age, crash_at, has, minute, will_crash_at};
pub(crate) use chosen::{clock, clock_speed};
