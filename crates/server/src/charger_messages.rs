//! What chargers reported and the database could not store yet.
//!
//! A client whose request fails sees the error and repeats it. A charger reports a fault only
//! once, so its latest message is kept here until it is written.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use domain::PostoChange;

use crate::store::WriteError;

/// Postos whose messages are kept at most: the ids come from outside and need not exist.
const MAX_POSTOS: usize = 100_000;

/// The latest message of each charger, until it is on disk.
#[derive(Debug, Default)]
pub(crate) struct ChargerMessages {
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    last_number: u64,
    by_posto: HashMap<i64, ChargerMessage>,
}

#[derive(Debug)]
struct ChargerMessage {
    /// Messages are numbered in order of arrival.
    number: u64,
    /// `None` while it is being written.
    unwritten: Option<PostoChange>,
}

impl ChargerMessages {
    /// Registers a message that is about to be written and returns its number. It replaces the
    /// earlier messages of this charger.
    pub(crate) fn register(&self, posto_id: i64) -> u64 {
        let mut inner = self.lock();
        inner.last_number += 1;
        let number = inner.last_number;
        if inner.by_posto.len() < MAX_POSTOS || inner.by_posto.contains_key(&posto_id) {
            inner.by_posto.insert(posto_id, ChargerMessage { number, unwritten: None });
        }
        number
    }

    /// Records the outcome of writing a message: it is kept for a retry if the database failed and
    /// no later message of this charger has arrived.
    pub(crate) fn record_outcome(
        &self,
        posto_id: i64,
        number: u64,
        change: PostoChange,
        outcome: &Result<(), WriteError>,
    ) {
        let mut inner = self.lock();
        let latest = inner.by_posto.get_mut(&posto_id).filter(|latest| latest.number == number);
        let Some(latest) = latest else { return };
        if matches!(
            outcome,
            Err(WriteError::Unavailable | WriteError::Unknown | WriteError::Overloaded)
        ) {
            latest.unwritten = Some(change);
        } else {
            inner.by_posto.remove(&posto_id);
        }
    }

    /// Takes the messages to write again: posto id, number, change. The caller records the outcome
    /// of each.
    pub(crate) fn take_unwritten(&self) -> Vec<(i64, u64, PostoChange)> {
        let mut inner = self.lock();
        let unwritten = |(posto_id, message): (&i64, &mut ChargerMessage)| {
            Some((*posto_id, message.number, message.unwritten.take()?))
        };
        inner.by_posto.iter_mut().filter_map(unwritten).collect()
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(in_service: bool) -> PostoChange {
        PostoChange { in_service: Some(in_service), ..PostoChange::default() }
    }

    #[test]
    fn a_message_is_kept_until_it_is_written() {
        let messages = ChargerMessages::default();
        let number = messages.register(5);
        messages.record_outcome(5, number, change(false), &Err(WriteError::Unavailable));
        assert_eq!(messages.take_unwritten(), [(5, number, change(false))]);
        assert_eq!(messages.take_unwritten(), [], "it is being written");
        messages.record_outcome(5, number, change(false), &Err(WriteError::Overloaded));
        assert_eq!(messages.take_unwritten(), [(5, number, change(false))]);
        messages.record_outcome(5, number, change(false), &Ok(()));
        assert_eq!(messages.take_unwritten(), []);
        assert!(messages.lock().by_posto.is_empty(), "a written message is forgotten");
    }

    #[test]
    fn an_older_message_is_never_written_after_a_newer_one() {
        let messages = ChargerMessages::default();
        let first = messages.register(5);
        messages.record_outcome(5, first, change(false), &Err(WriteError::Unavailable));
        // While the second message is being written, the first is not tried again, and a late
        // outcome of the first changes nothing.
        let second = messages.register(5);
        assert_eq!(messages.take_unwritten(), []);
        messages.record_outcome(5, first, change(false), &Err(WriteError::Unavailable));
        assert_eq!(messages.take_unwritten(), []);
        messages.record_outcome(5, second, change(true), &Err(WriteError::Unavailable));
        assert_eq!(messages.take_unwritten(), [(5, second, change(true))]);
    }
}
