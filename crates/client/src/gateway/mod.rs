//! Typed calls to a servidor, over the bus.

mod inbox;

use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use bus::{Bus, Call, Directory, Join, Link, Requester};
use bytes::Bytes;
use protocol::topics::{self, Command};
use protocol::{
    ClientId, Codigo, Entrega, PostosFilter, PostosRequest, RequestId, ReservaRef, ReservarBody,
    ServerId, ServerPresence, ServerState,
};
use serde::Serialize;
use tokio::time::{Instant, sleep};
use tracing::{error, warn};

use crate::config::Config;
use crate::error::GatewayError;

pub(crate) use inbox::run as run_inbox;

/// How long after a (re)connection a servidor's retained presence may still be on its way.
const PRESENCE_GRACE: Duration = Duration::from_millis(200);
/// How often presence is looked at within that time.
const PRESENCE_POLL: Duration = Duration::from_millis(10);

/// A gateway at work. Clones are the same one.
#[derive(Clone)]
pub(crate) struct Gateway(Arc<Parts>);

impl Deref for Gateway {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.0
    }
}

/// Who a gateway is, its place on the broker, who else is there.
pub(crate) struct Parts {
    pub(crate) client_id: ClientId,
    pub(crate) bus: Bus,
    pub(crate) requester: Requester<Reply>,
    directory: Directory,
    entrega: Entrega,
    query_limit: Duration,
    command_limit: Duration,
}

/// A servidor's answer, as it came.
#[derive(Debug, Clone)]
pub(crate) struct Reply {
    /// There when it is an error.
    pub(crate) codigo: Option<Codigo>,
    /// The JSON of the answer.
    pub(crate) body: Bytes,
}

impl Gateway {
    pub(crate) fn new(config: &Config, bus: Bus) -> Self {
        Self(Arc::new(Parts {
            client_id: config.client_id.clone(),
            requester: Requester::new(bus.clone(), config.max_in_flight),
            bus,
            directory: Directory::new(),
            entrega: config.entrega,
            query_limit: config.query_limit,
            command_limit: config.command_limit,
        }))
    }

    pub(crate) async fn list_postos(
        &self,
        request_id: RequestId,
        server_id: ServerId,
        filter: PostosFilter,
    ) -> Result<Reply, GatewayError> {
        let timeout = GatewayError::QueryTimeout(server_id.clone());
        let client_id = self.client_id.clone();
        let request = PostosRequest { request_id, client_id, server_id, filter };
        let question = Question {
            command: Command::Postos,
            request_id: &request.request_id,
            server_id: &request.server_id,
            limit: self.query_limit,
        };
        self.ask(question, &request, timeout).await
    }

    pub(crate) async fn reserve(
        &self,
        request_id: RequestId,
        body: ReservarBody,
    ) -> Result<Reply, GatewayError> {
        let request = body.into_request(request_id.clone(), self.client_id.clone());
        let question = Question {
            command: Command::Reserva,
            request_id: &request.request_id,
            server_id: &request.server_id,
            limit: self.command_limit,
        };
        let server_id = request.server_id.clone();
        let timeout = GatewayError::CommandTimeout { server_id, settle: request_id };
        self.ask(question, &request, timeout).await
    }

    pub(crate) async fn cancel(&self, asked: ReservaRef) -> Result<Reply, GatewayError> {
        let timeout = GatewayError::CommandTimeout {
            server_id: asked.server_id.clone(),
            settle: asked.reserva_request_id.clone(),
        };
        let question = Question {
            command: Command::Cancelamento,
            request_id: &asked.request_id,
            server_id: &asked.server_id,
            limit: self.command_limit,
        };
        self.ask(question, &asked, timeout).await
    }

    pub(crate) async fn consult(&self, asked: ReservaRef) -> Result<Reply, GatewayError> {
        let timeout = GatewayError::QueryTimeout(asked.server_id.clone());
        let question = Question {
            command: Command::Consulta,
            request_id: &asked.request_id,
            server_id: &asked.server_id,
            limit: self.query_limit,
        };
        self.ask(question, &asked, timeout).await
    }

    async fn ask<T: Serialize>(
        &self,
        question: Question<'_>,
        message: &T,
        timeout: GatewayError,
    ) -> Result<Reply, GatewayError> {
        let Question { command, request_id, server_id, limit } = question;
        let deadline = Instant::now() + limit;
        let presence = self.find_server(server_id).await?;
        let (topic, join) = match self.entrega {
            Entrega::Direta if presence.entrega.contains(&Entrega::Direta) => {
                (topics::direct(server_id, command), Join::WhenWaiting)
            }
            _ => (topics::broadcast(command), Join::Never),
        };
        let payload = serde_json::to_vec(message).map_err(|error| {
            error!(%request_id, %error, "a command cannot be written as JSON");
            GatewayError::Internal
        })?;
        let call = Call {
            request_id: request_id.clone(),
            server_id: server_id.clone(),
            topic,
            payload: payload.into(),
            response_topic: topics::response(&self.client_id, command),
            deadline,
            join,
        };
        self.requester.call(call).await.map_err(|error| {
            warn!(%request_id, %server_id, ?command, %error, "no answer");
            GatewayError::from_call(error, timeout)
        })
    }

    /// Every servidor ever seen; without a broker nobody is known to be online.
    pub(crate) fn servidores(&self) -> Vec<ServerPresence> {
        let generation = match *self.bus.link().borrow() {
            Link::Up { generation, .. } => Some(generation),
            Link::Down => None,
        };
        self.directory.list(generation)
    }

    /// The presence of a servidor that is there. Who is not is known at once; only right after
    /// a connection has come up, an unknown servidor gets a moment to be heard of.
    async fn find_server(&self, server_id: &ServerId) -> Result<Arc<ServerPresence>, GatewayError> {
        loop {
            let link = *self.bus.link().borrow();
            let Link::Up { since, generation } = link else {
                return Err(GatewayError::BrokerDown);
            };
            match self.directory.get(server_id, generation) {
                Some(presence) if presence.status == ServerState::Online => return Ok(presence),
                Some(_) => return Err(GatewayError::ServerAway(server_id.clone())),
                None => {
                    let up_for = service::now().as_millis() - since.as_millis();
                    if !(0..PRESENCE_GRACE.as_millis() as i64).contains(&up_for) {
                        return Err(GatewayError::ServerAway(server_id.clone()));
                    }
                    sleep(PRESENCE_POLL).await;
                }
            }
        }
    }
}

/// What is asked of whom, for how long.
struct Question<'a> {
    command: Command,
    request_id: &'a RequestId,
    server_id: &'a ServerId,
    limit: Duration,
}
