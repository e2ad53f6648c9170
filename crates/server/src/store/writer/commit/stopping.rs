//! The last commit of a servidor that stops: the announcer must still hear of what it changes.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::{Mutex, MutexGuard};

use crate::store::error::StoreError;

/// Whether commits are refused.
#[derive(Clone, Default)]
pub(in crate::store) struct Stopping(Arc<State>);

#[derive(Default)]
struct State {
    refuses: AtomicBool,
    committing: Mutex<()>,
}

/// Held from before a commit until its changes are with the announcer.
pub(super) type Committing<'a> = MutexGuard<'a, ()>;

impl Stopping {
    /// Begins a commit, when nothing but the commit is left to do.
    ///
    /// # Errors
    /// The servidor stops.
    pub(super) fn begin_commit(&self) -> Result<Committing<'_>, StoreError> {
        let committing = self.0.committing.lock();
        // Only now: who has refused commits and finds none under way must be right.
        if self.0.refuses.load(Ordering::SeqCst) {
            Err(StoreError::Stopping)
        } else {
            Ok(committing)
        }
    }

    /// Refuses every commit that has not begun, from now on.
    pub(in crate::store) fn refuse_commits(&self) {
        self.0.refuses.store(true, Ordering::SeqCst);
    }

    /// Whether a commit has begun whose changes are not with the announcer yet.
    pub(in crate::store) fn is_committing(&self) -> bool {
        self.0.committing.try_lock().is_none()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_commit_that_is_under_way_goes_on_and_the_next_is_refused() {
        let stopping = Stopping::default();
        let committing = stopping.begin_commit().expect("it runs");
        stopping.refuse_commits();
        assert!(stopping.is_committing(), "its changes are not with the announcer yet");
        drop(committing);
        assert!(!stopping.is_committing());
        assert!(matches!(stopping.begin_commit(), Err(StoreError::Stopping)));
    }
}
