//! What of events lasts as long as the gateway.

use std::sync::Arc;

use tokio::sync::Semaphore;

use super::feed::Feed;
use super::watches::Watches;

/// How many consultas and listings are in flight for events. A change of many reservas, or the return
/// of a servidor, asks for all of them: the servidor must have time for callers, who wait.
const MAX_QUESTIONS: usize = 16;

/// Who listens to what.
pub(crate) struct Events {
    pub(super) watches: Arc<Watches>,
    pub(super) feed: Arc<Feed>,
    pub(super) questions: Arc<Semaphore>,
}

impl Default for Events {
    fn default() -> Self {
        let questions = Arc::new(Semaphore::new(MAX_QUESTIONS));
        Self { watches: Arc::default(), feed: Arc::default(), questions }
    }
}
