//! Typed commands to a servidor, over the bus.

mod arrays;
mod coalescing;
mod directory;
mod events;
mod gathering;
mod inbox;
mod listing;
mod listing_cache;
mod requester;

use std::sync::{Arc, Weak};
use std::time::Duration;

use bus::{Bus, Join, Link};
use protocol::topics::{self, Command};
use protocol::{
    AlteracaoRequest, AppId, ConsultaRequest, Entrega, ReplyCodigo, RequestId, ReservaRef,
    ReservaRequest, ReservarBody, ServerId, ServerPresence, ServerState, to_payload,
};
use serde::Serialize;
use service::{Streams, Trace, Tracer, in_trace};
use tokio::sync::watch;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;
use tracing::{error, warn};

use crate::app_tokens::AppTokens;
use crate::config::Config;
use crate::error::GatewayError;
use crate::metrics::{GatewayMetrics, StatusLabel};
use arrays::Arrays;
use coalescing::RequestCoalescer;
use directory::Directory;
use events::Events;
pub(crate) use events::{END, FeedListener, Followed, PING, RETRY, Refused};
pub(crate) use listing_cache::{CachedListing, ListingAnswer};
use listing_cache::{ListingCache, ListingKey};

pub(crate) use inbox::run as run_inbox;
pub use requester::{Call, Reply, Requester};

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

    pub(crate) async fn reserve(
        &self,
        request_id: RequestId,
        app: Option<AppId>,
        body: ReservarBody,
    ) -> Result<Reply, GatewayError> {
        let request = self.reservation(request_id, app, body);
        let (request_id, server_id) = (&request.request_id, &request.server_id);
        let (deadline, ask_about) = (self.command_deadline(), Some(request_id));
        self.send(deadline, Command::Reserva, request_id, server_id, ask_about, &request).await
    }

    /// Asks what the same reservation would be answered.
    pub(crate) async fn estimate(
        &self,
        request_id: RequestId,
        app: Option<AppId>,
        body: ReservarBody,
    ) -> Result<Reply, GatewayError> {
        let request = self.reservation(request_id, app, body);
        let (request_id, server_id) = (&request.request_id, &request.server_id);
        let deadline = self.query_deadline();
        self.send(deadline, Command::Estimativa, request_id, server_id, None, &request).await
    }

    fn reservation(
        &self,
        request_id: RequestId,
        app: Option<AppId>,
        body: ReservarBody,
    ) -> ReservaRequest {
        let request = body.into_request(request_id, self.config.client_id.clone());
        ReservaRequest { app, listas: Some(true), ..request }
    }

    pub(crate) async fn change(&self, request: AlteracaoRequest) -> Result<Reply, GatewayError> {
        let AlteracaoRequest { request_id, server_id, .. } = &request;
        let (deadline, ask_about) = (self.command_deadline(), Some(request_id));
        self.send(deadline, Command::Alteracao, request_id, server_id, ask_about, &request).await
    }

    pub(crate) async fn cancel(&self, request: ReservaRef) -> Result<Reply, GatewayError> {
        let ReservaRef { request_id, server_id, reserva_request_id, .. } = &request;
        let (deadline, ask_about) = (self.command_deadline(), Some(reserva_request_id));
        self.send(deadline, Command::Cancelamento, request_id, server_id, ask_about, &request).await
    }

    pub(crate) async fn consult(&self, request: ConsultaRequest) -> Result<Reply, GatewayError> {
        let ReservaRef { request_id, server_id, .. } = &request.asked;
        let deadline = self.query_deadline();
        self.send(deadline, Command::Consulta, request_id, server_id, None, &request).await
    }

    /// The deadline of a command that arrives now.
    fn command_deadline(&self) -> Instant {
        Instant::now() + self.config.command_limit
    }

    /// The deadline of a query that arrives now.
    fn query_deadline(&self) -> Instant {
        Instant::now() + self.config.query_limit
    }

    /// Sends a command and counts what becomes of it.
    async fn send(
        &self,
        deadline: Instant,
        command: Command,
        request_id: &RequestId,
        server_id: &ServerId,
        ask_about: Option<&RequestId>,
        message: &impl Serialize,
    ) -> Result<Reply, GatewayError> {
        let started = Instant::now();
        let outcome =
            self.send_uncounted(deadline, command, request_id, server_id, ask_about, message).await;
        self.metrics.ended(command, &outcome, started.elapsed());
        outcome
    }

    /// Sends a command and waits for the reply until `deadline`. `ask_about` is the request to ask
    /// about after a timeout; a query has none.
    async fn send_uncounted(
        &self,
        deadline: Instant,
        command: Command,
        request_id: &RequestId,
        server_id: &ServerId,
        ask_about: Option<&RequestId>,
        message: &impl Serialize,
    ) -> Result<Reply, GatewayError> {
        let Config { client_id, entrega, .. } = &self.config;
        let presence = self.find_server(server_id).await?;
        let (topic, join) = match entrega {
            Entrega::Direta if presence.entrega.contains(&Entrega::Direta) => {
                (topics::direct(server_id, command), Join::WhenWaiting)
            }
            _ => (topics::broadcast(command), arrays::join(command, &presence)),
        };
        let payload = to_payload(message).map_err(|error| {
            error!(%request_id, %error, "a command cannot be written as JSON");
            GatewayError::Internal
        })?;
        let call = Call {
            command,
            request_id: request_id.clone(),
            server_id: server_id.clone(),
            topic,
            payload: payload.into(),
            response_topic: topics::response(client_id, command),
            deadline,
            join,
            ask_about: ask_about.cloned(),
        };
        let trace = Trace::current().map(|trace| trace.child(|| format!("call {command}")));
        let outcome = in_trace(trace.as_ref(), self.requester.call(call)).await;
        if let Some(trace) = trace {
            trace.set_request_id(request_id);
            trace.set_server_id(server_id.as_str());
            let codigo = match &outcome {
                Ok(reply) => reply.codigo,
                Err(error) => Some(ReplyCodigo::Known(error.codigo())),
            };
            codigo.into_iter().for_each(|codigo| trace.set_codigo(codigo));
            trace.end();
        }
        outcome.inspect_err(|error| {
            let codigo = error.codigo();
            warn!(%request_id, %server_id, %command, %codigo, "no answer");
        })
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
