//! Transient failures of commands, so that a late duplicate of a failed command does not succeed.
//!
//! The broker may deliver a command twice, and the gateway repeats it when a connection may have
//! lost it. If the disk is full for the first copy and not for the second, its caller has read
//! "not now" and the command would be carried out all the same. So each failure is remembered
//! until the command's deadline; in memory only, since the database is what failed.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::Instant;

use crate::store::error::WriteError;

/// A duplicate of a command has the same deadline or, rounded down on its way, an earlier one; a new
/// attempt has a later one. A deadline that is later by less than this still belongs to a duplicate,
/// because message expiry has whole seconds.
const SAME_DEADLINE: Duration = Duration::from_secs(1);
/// From this size on, failures past their deadline are removed before the map grows.
const PRUNE_FROM: usize = 1024;

/// What a command and its duplicates have in common; the deadline distinguishes a new attempt.
#[derive(Debug, Clone)]
pub struct DuplicateKey {
    /// The kind of command.
    pub(in crate::store::writer) command: &'static str,
    /// Names what the caller asks for: the same in every duplicate and every new attempt, and in no
    /// other command of this kind, which would else inherit the failure.
    pub(in crate::store::writer) id: String,
    /// When the caller stops waiting.
    pub(in crate::store::writer) deadline: Instant,
}

/// `command` and `id` of a [`DuplicateKey`].
type Key = (&'static str, String);

/// The failures, at least until their deadline. Clones share them.
#[derive(Debug, Clone, Default)]
pub(in crate::store) struct RecentFailures {
    failures: Arc<Mutex<HashMap<Key, (Instant, WriteError)>>>,
}

impl RecentFailures {
    /// Returns the failure with which a duplicate of this command was answered. `key` is called only if
    /// there are failures at all.
    pub(in crate::store::writer) fn of_duplicate(
        &self,
        key: impl FnOnce() -> Option<DuplicateKey>,
    ) -> Option<WriteError> {
        let failures = self.failures.lock();
        if failures.is_empty() {
            return None;
        }
        let DuplicateKey { command, id, deadline } = key()?;
        let (until, failure) = failures.get(&(command, id))?;
        (deadline < *until + SAME_DEADLINE).then(|| failure.clone())
    }

    /// Drops the failures that no copy can meet any more.
    pub(in crate::store::writer) fn prune(&self, now: Instant) {
        let mut failures = self.failures.lock();
        failures.retain(|_, (until, _)| *until + SAME_DEADLINE > now);
    }

    /// Remembers a failure; call it before the caller is answered.
    pub(in crate::store) fn add(&self, key: Option<DuplicateKey>, failure: WriteError) {
        let Some(DuplicateKey { command, id, deadline }) = key else { return };
        let mut failures = self.failures.lock();
        if failures.len() >= PRUNE_FROM && failures.len() == failures.capacity() {
            let now = Instant::now();
            failures.retain(|_, (until, _)| *until + SAME_DEADLINE > now);
        }
        // Copies may fail in any order: the failure counts until the latest of their deadlines.
        let (until, known) =
            failures.entry((command, id)).or_insert_with(|| (deadline, failure.clone()));
        if deadline > *until {
            (*until, *known) = (deadline, failure);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(command: &'static str, id: &str, deadline: Instant) -> Option<DuplicateKey> {
        Some(DuplicateKey { command, id: id.to_owned(), deadline })
    }

    #[test]
    fn a_copy_gets_the_same_failure_and_a_new_attempt_does_not() {
        let recent_failures = RecentFailures::default();
        let deadline = Instant::now() + Duration::from_secs(10);
        recent_failures.add(key("reserve", "r1", deadline), WriteError::Unavailable);
        let of_duplicate =
            |command, id, deadline| recent_failures.of_duplicate(|| key(command, id, deadline));
        assert_eq!(of_duplicate("reserve", "r1", deadline), Some(WriteError::Unavailable));
        let copy = deadline - Duration::from_secs(2);
        assert_eq!(of_duplicate("reserve", "r1", copy), Some(WriteError::Unavailable));
        assert_eq!(of_duplicate("reserve", "r1", deadline + Duration::from_secs(2)), None);
        assert_eq!(of_duplicate("reserve", "r2", deadline), None);
        assert_eq!(of_duplicate("cancel", "r1", deadline), None);
        recent_failures.add(key("reserve", "r1", copy), WriteError::Unavailable);
        assert!(of_duplicate("reserve", "r1", deadline).is_some(), "an earlier copy failed last");
    }

    #[test]
    fn it_does_not_grow_for_ever() {
        let recent_failures = RecentFailures::default();
        let past = Instant::now() - Duration::from_secs(5);
        for number in 0..50_000 {
            let command = key("reserve", &format!("r{number}"), past);
            recent_failures.add(command, WriteError::Overloaded);
        }
        assert!(recent_failures.failures.lock().len() < 5_000);
    }
}
