//! The parts of event streams that all streams of the gateway share.

use std::sync::Arc;

use tokio::sync::Semaphore;

use super::feed::Feed;
use super::watches::Watches;

/// How many consultas and listings may be in flight for streams. A change of many reservas, or the
/// return of a servidor, causes a question for each: the servidor must have time left for callers.
const MAX_QUESTIONS: usize = 16;

/// All streams of the gateway.
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
