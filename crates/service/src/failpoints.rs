//! Seeded bugs: each takes one guard away, so that a test can show what the guard stops.
//!
//! Only programs that are built with the feature `failpoints` contain them. In every other build
//! these functions do nothing.

/// A deliberate fault, which lets an attack through that no setting would.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bug {
    /// A program without tokens serves pages of other origins.
    ForeignPages,
    /// Wrong tokens are not counted.
    EndlessGuesses,
    /// A token that was revoked stays valid.
    KeptTokens,
    /// The log has the headers of each request.
    LoggedHeaders,
    /// The caller's name for an exchange may be of any length.
    LongNames,
    /// Pages of every origin may use the credentials that a browser has for this one.
    SharedCredentials,
    /// Connections that wait for their peer, and bodies that do not come, are waited for.
    EndlessWaits,
    /// An `Idempotency-Key` may be short.
    ShortKeys,
}

#[cfg(not(feature = "failpoints"))]
mod chosen {
    use super::Bug;

    #[inline(always)]
    pub const fn has(_: Bug) -> bool {
        false
    }
}

#[cfg(feature = "failpoints")]
mod chosen {
    use super::Bug;

    /// Whether `SEEDED_BUG` names this bug.
    pub fn has(bug: Bug) -> bool {
        protocol::failpoints::is_seeded(&format!("{bug:?}"))
    }
}

pub use chosen::has;
