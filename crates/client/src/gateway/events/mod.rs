//! Events for those who listen over HTTP.
//!
//! `follow` asks for one reserva whenever it may have changed, `feed` keeps the state of all postos
//! and servidores. Both exist only while somebody listens, and once for all who do.

mod feed;
mod feed_queue;
mod feed_state;
mod feed_task;
mod follow;
mod follow_task;
mod frame;
mod postos;
mod query_limits;
mod servidor;
mod snapshot;
mod watches;

use std::sync::Arc;

use prometheus_client::metrics::counter::Counter;

use feed::Feed;
pub(crate) use feed::FeedListener;
pub(crate) use follow::Followed;
use query_limits::QueryLimits;
use watches::Watches;

/// All streams of the gateway.
pub(crate) struct Events {
    watches: Arc<Watches>,
    feed: Arc<Feed>,
    query_limits: QueryLimits,
}

impl Events {
    /// `dropped` counts the readers of all events that lost some.
    pub(crate) fn new(dropped: Counter) -> Self {
        let feed = Arc::new(Feed::new(dropped));
        Self { watches: Arc::default(), feed, query_limits: QueryLimits::default() }
    }
}
