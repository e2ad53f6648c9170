//! Which seeded bug a program for tests was started with. Only such programs, built with the feature
//! `failpoints`, contain this.

use std::sync::LazyLock;

static SEEDED_BUG: LazyLock<String> =
    LazyLock::new(|| std::env::var("SEEDED_BUG").unwrap_or_default());

/// Whether `SEEDED_BUG` names this bug.
pub fn is_seeded(bug: &str) -> bool {
    *SEEDED_BUG == bug
}
