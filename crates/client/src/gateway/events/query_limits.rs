//! How many questions event streams may ask a servidor at the same time.

use std::collections::HashMap;
use std::sync::{Arc, Weak};

use parking_lot::Mutex;
use protocol::ServerId;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// How many consultas and listings may be in flight for streams at one servidor. A change of many
/// reservas, or the return of a servidor, causes a question for each: it must have time left for
/// callers.
const MAX_QUESTIONS: usize = 16;

/// Bounds the queries in flight at each servidor. One that does not answer holds up the streams of
/// its own reservas only.
#[derive(Default)]
pub(super) struct QueryLimits(Mutex<HashMap<ServerId, Weak<Semaphore>>>);

impl QueryLimits {
    /// Waits until one more question may be asked. It is in flight as long as the permit is kept.
    pub(super) async fn permit(&self, server_id: &ServerId) -> Option<OwnedSemaphorePermit> {
        // It is never closed.
        self.of(server_id).acquire_owned().await.ok()
    }

    fn of(&self, server_id: &ServerId) -> Arc<Semaphore> {
        let mut known = self.0.lock();
        if let Some(semaphore) = known.get(server_id).and_then(Weak::upgrade) {
            return semaphore;
        }
        known.retain(|_, semaphore| semaphore.strong_count() > 0);
        let semaphore = Arc::new(Semaphore::new(MAX_QUESTIONS));
        known.insert(server_id.clone(), Arc::downgrade(&semaphore));
        semaphore
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;

    #[test]
    fn a_servidor_that_does_not_answer_holds_up_no_other() {
        let limits = QueryLimits::default();
        let [server1, server2] = ["server1", "server2"].map(|id| id.parse().expect("an id"));
        let ask = |server_id| limits.permit(server_id).now_or_never().flatten();
        let mut asked: Vec<_> = (0..MAX_QUESTIONS).map(|_| ask(&server1)).collect();
        assert!(asked.iter().all(Option::is_some));
        assert!(ask(&server1).is_none(), "enough are in flight there");
        assert!(ask(&server2).is_some());
        asked.pop();
        assert!(ask(&server1).is_some(), "one was answered");
    }

    #[test]
    fn nothing_is_kept_of_servidores_that_are_not_asked() {
        let limits = QueryLimits::default();
        for number in 0..100 {
            let server_id = format!("server{number}").parse().expect("an id");
            assert!(limits.permit(&server_id).now_or_never().flatten().is_some());
        }
        assert_eq!(limits.0.lock().len(), 1, "the last");
    }
}
