//! Locking without a panic.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// Locks, and goes on where another thread panicked inside: what our locks guard is
/// consistent after every statement, and one panic must not become many.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
