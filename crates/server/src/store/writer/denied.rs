//! Commands that were answered with a fault of the moment, and must not be carried out after all.
//!
//! The broker may deliver a command twice, and the gateway repeats one that a broken line may
//! have lost. If the disk is full for the first and not for the second, the caller has been told
//! "not now" and it is done all the same. So the fault is remembered until the command's time is
//! up. In memory only: it cannot be written, or it would not be a fault.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::super::command::Work;
use super::super::{CancelTarget, Cancellation, Reservation, WriteError};

/// A copy of a command has its deadline; whoever asks again has a later one. Expiry comes in
/// whole seconds, so less than that is no difference.
const SAME_DEADLINE: Duration = Duration::from_secs(1);
/// Beyond so many, those whose time is up are forgotten.
const SWEEP_ABOVE: usize = 1024;

/// Stands for a command and its copies.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(in crate::store) enum Key {
    Reserve(String),
    Cancel(CancelTarget),
}

impl From<&Reservation> for Key {
    fn from(reservation: &Reservation) -> Self {
        Self::Reserve(reservation.request_id.clone())
    }
}

impl From<&Cancellation> for Key {
    fn from(cancellation: &Cancellation) -> Self {
        Self::Cancel(cancellation.target.clone())
    }
}

/// Faults that were told and are still of their moment.
#[derive(Debug, Clone, Default)]
pub(in crate::store) struct Denied {
    told: Arc<Mutex<HashMap<Key, (Instant, WriteError)>>>,
}

impl Denied {
    /// The fault that a copy of this command was answered with.
    pub(super) fn already(&self, command: impl Into<Key>, deadline: Instant) -> Option<WriteError> {
        let told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        if told.is_empty() {
            return None;
        }
        let (until, fault) = told.get(&command.into())?;
        (deadline < *until + SAME_DEADLINE).then(|| fault.clone())
    }

    /// Remembers a fault, before its caller is told.
    pub(in crate::store) fn note(
        &self,
        command: impl Into<Key>,
        deadline: Instant,
        fault: WriteError,
    ) {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        if told.len() >= SWEEP_ABOVE && told.len() == told.capacity() {
            let now = Instant::now();
            told.retain(|_, (until, _)| *until + SAME_DEADLINE > now);
        }
        told.insert(command.into(), (deadline, fault));
    }

    /// Remembers that the database could not write, before whoever asked is told.
    pub(super) fn note_work(&self, work: &Work) {
        let fault = WriteError::Unavailable;
        match work {
            Work::Reserve(asked) => self.note(&asked.command, asked.command.deadline, fault),
            Work::Cancel(asked) => self.note(&asked.command, asked.command.deadline, fault),
            Work::Edit(_) | Work::Telemetry(_) | Work::Sweep(_) | Work::Barrier(_) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(text: &str) -> Key {
        Key::Reserve(text.to_owned())
    }

    #[test]
    fn a_copy_gets_the_same_fault_and_a_new_attempt_does_not() {
        let denied = Denied::default();
        let deadline = Instant::now() + Duration::from_secs(10);
        denied.note(key("r1"), deadline, WriteError::Unavailable);
        assert_eq!(denied.already(key("r1"), deadline), Some(WriteError::Unavailable));
        let copy = deadline - Duration::from_secs(2);
        assert_eq!(denied.already(key("r1"), copy), Some(WriteError::Unavailable));
        assert_eq!(denied.already(key("r1"), deadline + Duration::from_secs(2)), None);
        assert_eq!(denied.already(key("r2"), deadline), None);
        let cancel = Key::Cancel(CancelTarget::RequestId("r1".to_owned()));
        assert_eq!(denied.already(cancel, deadline), None);
    }

    #[test]
    fn it_does_not_grow_for_ever() {
        let denied = Denied::default();
        let past = Instant::now() - Duration::from_secs(5);
        for number in 0..50_000 {
            denied.note(key(&format!("r{number}")), past, WriteError::Overloaded);
        }
        assert!(denied.told.lock().expect("a lock").len() < 5_000);
    }
}
