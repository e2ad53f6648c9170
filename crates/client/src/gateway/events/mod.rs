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
mod servidor;
mod snapshot;
mod state;
mod watches;

pub(crate) use feed::FeedListener;
pub(crate) use follow::Followed;
pub(crate) use frame::{END, PING, RETRY};
pub(super) use state::Events;
