//! Crash points, seeded bugs, short times and a fast clock, for tests of the promises and of the tests
//! themselves.
//!
//! Only the program `server-failpoints`, built with the feature `failpoints`, contains them. In
//! every other build these functions do nothing, and times stay as they are.

use std::time::Duration;

/// A place where the process can be made to abort.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CrashPoint {
    // On the path of a reservation, in the order in which it reaches them.
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
    // In `server restaurar`, in this order.
    /// The new database is written, under a name of its own.
    RestoreWritten,
    /// The old database has a second name.
    RestoreKept,
    /// The new database has its name.
    RestoreReplaced,
    // In the transaction that archives.
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

/// Time between an answer and its commit under [`Bug::EarlyReply`].
pub(crate) const EARLY_REPLY_LEAD: Duration = Duration::from_millis(50);

#[cfg(not(feature = "failpoints"))]
mod chosen {
    use std::time::Duration;

    use super::{Bug, CrashPoint};

    #[inline(always)]
    pub(crate) const fn minute(real: Duration) -> Duration {
        real
    }

    #[inline(always)]
    pub(crate) const fn archive_age(real: Duration) -> Duration {
        real
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

    /// Shortens the minute in which an operator's tolerance is counted to `MINUTE_MILLIS`, so that
    /// absences fit into a short test.
    pub(crate) fn minute(real: Duration) -> Duration {
        shortened("MINUTE_MILLIS", real)
    }

    /// Shortens the age at which a row is archived to `ARCHIVE_AGE_MILLIS`.
    pub(crate) fn archive_age(real: Duration) -> Duration {
        shortened("ARCHIVE_AGE_MILLIS", real)
    }

    fn shortened(variable: &str, real: Duration) -> Duration {
        let millis = std::env::var(variable).ok().and_then(|text| text.parse().ok());
        millis.map_or(real, |millis| real.min(Duration::from_millis(millis)))
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
