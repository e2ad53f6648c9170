//! The gateway: what it knows of the servidores, and what it sends them (commands.rs, listing.rs).

mod arrays;
mod call;
mod coalescing;
mod commands;
mod directory;
mod events;
mod gathering;
mod inbox;
mod listing;
mod listing_cache;
mod named_reserva;
mod requester;

use std::sync::{Arc, Weak};
use std::time::Duration;

use bus::{Bus, Link};
use protocol::{ServerId, ServerPresence, ServerState};
use service::{Streams, Tracer};
use tokio::sync::watch;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use crate::app_tokens::AppTokens;
use crate::config::Config;
use crate::error::GatewayError;
use crate::metrics::{GatewayMetrics, StatusLabel};
use arrays::Arrays;
use coalescing::RequestCoalescer;
use directory::Directory;
use events::Events;
pub(crate) use listing_cache::{CachedListing, ListingAnswer};
use listing_cache::{ListingCache, ListingKey};

pub(crate) use call::NoAnswer;
pub use call::{Call, Reply};
pub(crate) use events::{FeedListener, Followed};
pub(crate) use inbox::run as run_inbox;
pub(crate) use named_reserva::NamedReserva;
pub use requester::Requester;

/// How long after a (re)connection a servidor's retained presence may still be on its way.
const PRESENCE_GRACE: Duration = Duration::from_millis(200);
/// How often the presence is looked up within that time.
const PRESENCE_POLL_INTERVAL: Duration = Duration::from_millis(10);

pub(crate) struct Gateway {
    pub(crate) config: Config,
    pub(crate) bus: Bus,
    pub(crate) tracer: Tracer,
    /// `None`: everybody may call.
    pub(crate) tokens: Option<Arc<AppTokens>>,
    pub(crate) requester: Arc<Requester>,
    directory: Directory,
    arrays: Arrays,
    listing_cache: ListingCache,
    /// Coalesces listings that are asked for at the same time.
    listing_requests: RequestCoalescer<ListingKey, ListingAnswer>,
    events: Events,
    /// Cancelled when the gateway stops: streams of events end.
    pub(crate) closing: CancellationToken,
    /// The streams of events that are open.
    pub(crate) streams: Arc<Streams>,
    pub(crate) metrics: Arc<GatewayMetrics>,
}

impl Gateway {
    pub(crate) fn new(
        config: Config,
        bus: Bus,
        tracer: Tracer,
        tokens: Option<Arc<AppTokens>>,
        metrics: Arc<GatewayMetrics>,
    ) -> Self {
        let of_requester = metrics.requester.clone();
        let requester = Requester::start(bus.clone(), config.max_in_flight, of_requester);
        let streams = Streams::new(config.max_streams);
        Self {
            config,
            bus,
            tracer,
            tokens,
            requester,
            directory: Directory::default(),
            arrays: Arrays::default(),
            listing_cache: ListingCache::default(),
            listing_requests: RequestCoalescer::default(),
            events: Events::new(metrics.dropped_events.clone()),
            closing: CancellationToken::new(),
            streams,
            metrics,
        }
    }

    /// Decides again whether commands on broadcast topics may be sent as arrays.
    fn update_arrays(&self) {
        self.arrays.update(&self.bus, &self.directory);
    }

    /// Repeats [`Self::update_arrays`] when time alone may change the decision, for as long as the
    /// gateway exists.
    pub(crate) async fn follow_arrays(gateway: Weak<Self>, link: watch::Receiver<Link>) {
        arrays::follow(link, || gateway.upgrade().map(|gateway| gateway.update_arrays())).await;
    }

    /// Brings the metrics that show a state up to date.
    pub(crate) fn update_metrics(&self) {
        let servidores = self.servidores();
        let online = servidores.iter().filter(|seen| seen.status == ServerState::Online).count();
        for (status, count) in [("online", online), ("offline", servidores.len() - online)] {
            let gauge = self.metrics.servidores.get_or_create_owned(&StatusLabel { status });
            gauge.set(i64::try_from(count).unwrap_or(i64::MAX));
        }
        let in_flight = i64::try_from(self.requester.pending()).unwrap_or(i64::MAX);
        self.metrics.in_flight.set(in_flight);
    }

    /// The servidores seen; without a broker none counts as online.
    pub(crate) fn servidores(&self) -> Vec<ServerPresence> {
        let connection = match *self.bus.link().borrow() {
            Link::Up { generation, at, .. } => Some((generation, at.elapsed())),
            Link::Down => None,
        };
        self.directory.list(connection)
    }

    /// The presence of a servidor that is online. The answer is immediate, except right after a
    /// connection has come up: then the presence of an unknown servidor may be on its way.
    async fn find_server(&self, server_id: &ServerId) -> Result<Arc<ServerPresence>, GatewayError> {
        loop {
            let Link::Up { generation, at, .. } = *self.bus.link().borrow() else {
                return Err(GatewayError::BrokerDown);
            };
            match self.directory.get(server_id, generation) {
                Some(presence) if presence.status == ServerState::Online => return Ok(presence),
                None if at.elapsed() < PRESENCE_GRACE => sleep(PRESENCE_POLL_INTERVAL).await,
                _ => return Err(GatewayError::ServerOffline(server_id.clone())),
            }
        }
    }
}
