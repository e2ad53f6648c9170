//! Who listens to `GET /eventos`: the state and what keeps it exist from the first to the last.

use std::sync::Arc;

use bytes::Bytes;
use parking_lot::Mutex;
use tokio_util::task::AbortOnDropHandle;

use super::feed_state::{FeedState, Reader};

#[derive(Default)]
pub(crate) struct Feed(Mutex<Option<Open>>);

struct Open {
    listeners: usize,
    state: Arc<FeedState>,
    _task: AbortOnDropHandle<()>,
}

/// One who listens, until it is dropped.
pub(crate) struct FeedListener {
    feed: Arc<Feed>,
    state: Arc<FeedState>,
    reader: Reader,
}

impl Feed {
    /// Listens. `keep` begins to keep the state, where nobody listens yet.
    pub(super) fn listen(
        self: &Arc<Self>,
        keep: impl FnOnce(Arc<FeedState>) -> AbortOnDropHandle<()>,
    ) -> FeedListener {
        let mut open = self.0.lock();
        let open = open.get_or_insert_with(|| {
            let state = Arc::new(FeedState::new());
            Open { listeners: 0, _task: keep(Arc::clone(&state)), state }
        });
        open.listeners += 1;
        let state = Arc::clone(&open.state);
        FeedListener { feed: Arc::clone(self), reader: state.reader(), state }
    }

    fn leave(&self) -> Option<Open> {
        let mut open = self.0.lock();
        let listeners = &mut open.as_mut()?.listeners;
        *listeners -= 1;
        if *listeners == 0 { open.take() } else { None }
    }
}

impl FeedListener {
    /// The next event.
    pub(crate) async fn next(&mut self) -> Option<Bytes> {
        self.reader.next(&self.state).await
    }
}

impl Drop for FeedListener {
    fn drop(&mut self) {
        // The task ends when the lock is free: what it holds is dropped with it.
        drop(self.feed.leave());
    }
}
