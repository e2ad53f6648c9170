//! The listeners of `GET /eventos`. The state that they share, and the task that updates it, exist
//! while there is at least one.

use std::sync::Arc;

use bytes::Bytes;
use parking_lot::Mutex;
use prometheus_client::metrics::counter::Counter;
use tokio_util::task::AbortOnDropHandle;

use super::feed_state::{FeedState, Reader};

pub(crate) struct Feed {
    open: Mutex<Option<ActiveFeed>>,
    /// Counts the readers that lost events.
    dropped: Counter,
}

struct ActiveFeed {
    listeners: usize,
    state: Arc<FeedState>,
    _task: AbortOnDropHandle<()>,
}

/// A listener. It stops when it is dropped.
pub(crate) struct FeedListener {
    feed: Arc<Feed>,
    state: Arc<FeedState>,
    reader: Reader,
}

impl Feed {
    pub(super) fn new(dropped: Counter) -> Self {
        Self { open: Mutex::default(), dropped }
    }

    /// Adds a listener. For the first one, `start` starts the task that updates the state.
    pub(super) fn listen(
        self: &Arc<Self>,
        start: impl FnOnce(Arc<FeedState>) -> AbortOnDropHandle<()>,
    ) -> FeedListener {
        let mut open = self.open.lock();
        let open = open.get_or_insert_with(|| {
            let state = Arc::new(FeedState::default());
            ActiveFeed { listeners: 0, _task: start(Arc::clone(&state)), state }
        });
        open.listeners += 1;
        let state = Arc::clone(&open.state);
        FeedListener { feed: Arc::clone(self), reader: state.reader(), state }
    }

    fn leave(&self) -> Option<ActiveFeed> {
        let mut open = self.open.lock();
        let listeners = &mut open.as_mut()?.listeners;
        *listeners -= 1;
        if *listeners == 0 { open.take() } else { None }
    }
}

impl FeedListener {
    /// The next event.
    pub(crate) async fn next(&mut self) -> Bytes {
        self.reader.next(&self.state, &self.feed.dropped).await
    }
}

impl Drop for FeedListener {
    fn drop(&mut self) {
        // The task is dropped when the lock is free, because what it holds may need the lock.
        drop(self.feed.leave());
    }
}
