//! The bound of answers that do not end by themselves.
//!
//! Such an answer is no request in flight, and its connection cannot be closed to make room: it has a
//! permit of its own.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;
use protocol::{AppId, Codigo};

use super::limit;
use crate::http::HttpError;
use crate::http::exchange::caller::CallerKey;

/// At most one in so many connections is a stream. The rest is for requests, and several programs in
/// one process share the connections.
const CONNECTIONS_PER_STREAM: usize = 4;
/// A caller has its share if it has one in so many of the permits.
const SHARES: usize = 8;

const TOO_MANY_OPEN: &str = "Há fluxos de eventos demais abertos. Feche os que não lê mais, ou tente \
    de novo depois dos segundos do cabeçalho Retry-After.";

/// Who has a stream: an app where it sends its token, so that what others open from the same address
/// takes nothing from it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum StreamCaller {
    App(AppId),
    Address(CallerKey),
}

/// The permits.
#[derive(Debug)]
pub struct Streams {
    max: usize,
    taken: Mutex<Taken>,
}

#[derive(Debug, Default)]
struct Taken {
    all: usize,
    of_callers: HashMap<StreamCaller, usize>,
}

/// The permit of one stream, until it is dropped.
#[derive(Debug)]
pub struct StreamPermit {
    streams: Arc<Streams>,
    caller: StreamCaller,
}

impl Streams {
    /// At most `max` permits, or fewer where few connections can be open.
    pub fn new(max: usize) -> Arc<Self> {
        let connections = limit::of_this_process().max();
        Self::bounded(max.min(connections / CONNECTIONS_PER_STREAM).max(1))
    }

    fn bounded(max: usize) -> Arc<Self> {
        Arc::new(Self { max, taken: Mutex::default() })
    }

    /// Takes a permit. When half of them are taken, none is left for a caller that has its share: no
    /// caller has more than half, and one behind a shared address has more than its share while nobody
    /// else needs them.
    ///
    /// # Errors
    /// There is none.
    pub fn admit(self: &Arc<Self>, caller: StreamCaller) -> Result<StreamPermit, HttpError> {
        let mut taken = self.taken.lock();
        let own = taken.of_callers.get(&caller).copied().unwrap_or_default();
        let has_share = own >= self.max.div_ceil(SHARES);
        if taken.all >= self.max || has_share && taken.all >= self.max / 2 {
            return Err(HttpError::new(Codigo::Sobrecarregado, TOO_MANY_OPEN));
        }
        taken.all += 1;
        *taken.of_callers.entry(caller.clone()).or_default() += 1;
        Ok(StreamPermit { streams: Arc::clone(self), caller })
    }
}

impl Drop for StreamPermit {
    fn drop(&mut self) {
        let mut taken = self.streams.taken.lock();
        taken.all -= 1;
        if let Some(own) = taken.of_callers.get_mut(&self.caller) {
            *own -= 1;
            if *own == 0 {
                taken.of_callers.remove(&self.caller);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn caller(number: u8) -> StreamCaller {
        StreamCaller::Address(CallerKey::of([192, 0, 2, number].into()))
    }

    /// As many as this caller gets, up to 100.
    fn take(streams: &Arc<Streams>, number: u8) -> Vec<StreamPermit> {
        (0..100).map_while(|_| streams.admit(caller(number)).ok()).collect()
    }

    #[test]
    fn no_caller_has_more_than_half_of_the_places() {
        let streams = Streams::bounded(16);
        let first = take(&streams, 1);
        assert_eq!(first.len(), 8);
        let others: Vec<_> = (2..=9).map(|number| take(&streams, number)).collect();
        let taken: Vec<_> = others.iter().map(Vec::len).collect();
        assert_eq!(taken, [2, 2, 2, 2, 0, 0, 0, 0], "an eighth each");
        drop(first);
        assert_eq!(take(&streams, 9).len(), 2);
        drop(others);
        let taken = streams.taken.lock();
        assert!(taken.all == 0 && taken.of_callers.is_empty(), "nothing is kept of who left");
    }

    #[test]
    fn what_others_open_from_its_address_takes_nothing_from_an_app() {
        let streams = Streams::bounded(8);
        let others = take(&streams, 1);
        assert_eq!(others.len(), 4);
        let app = || StreamCaller::App("app1".parse().expect("an id"));
        let own = streams.admit(app()).expect("a permit");
        streams.admit(app()).expect_err("it has its share");
        drop((others, own));
        assert!(streams.taken.lock().of_callers.is_empty());
    }

    #[test]
    fn a_place_is_free_again_when_its_stream_ends() {
        let streams = Streams::bounded(1);
        let permit = streams.admit(caller(1)).expect("a permit");
        let refused = streams.admit(caller(2)).expect_err("there is none");
        assert_eq!(refused, HttpError::new(Codigo::Sobrecarregado, TOO_MANY_OPEN));
        drop(permit);
        streams.admit(caller(2)).expect("a permit");
    }

    #[test]
    fn few_connections_have_fewer_streams() {
        assert!(Streams::new(usize::MAX).max <= limit::of_this_process().max() / 4);
        assert_eq!(Streams::new(3).max, 3);
    }
}
