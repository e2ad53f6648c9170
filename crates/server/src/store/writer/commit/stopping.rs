//! The last commit of a servidor that stops: the announcer must still hear of what it changes.

use std::sync::Arc;

use parking_lot::{Mutex, MutexGuard};

use crate::store::error::StoreError;

/// Whether commits are refused.
#[derive(Clone, Default)]
pub(in crate::store) struct Stopping(Arc<Mutex<bool>>);

/// Held from before a commit until its changes are with the announcer.
pub(super) type Committing<'a> = MutexGuard<'a, bool>;

impl Stopping {
    /// Begins a commit. Only with the database's lock, for which another program may have to be
    /// waited for.
    ///
    /// # Errors
    /// The servidor stops.
    pub(super) fn begin_commit(&self) -> Result<Committing<'_>, StoreError> {
        let refused = self.0.lock();
        if *refused { Err(StoreError::Stopping) } else { Ok(refused) }
    }

    /// Refuses every commit from now on. False if one is under way.
    pub(in crate::store) fn try_refuse_commits(&self) -> bool {
        let Some(mut refused) = self.0.try_lock() else { return false };
        *refused = true;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_commit_that_is_under_way_goes_on_and_the_next_is_refused() {
        let stopping = Stopping::default();
        let committing = stopping.begin_commit().expect("it runs");
        assert!(!stopping.try_refuse_commits(), "its changes are not with the announcer yet");
        drop(committing);
        assert!(stopping.try_refuse_commits());
        assert!(matches!(stopping.begin_commit(), Err(StoreError::Stopping)));
    }
}
