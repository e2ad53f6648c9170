//! Typed commands to a servidor, over the bus.

use bus::Join;
use protocol::topics::{self, Command};
use protocol::{
    AlteracaoBody, AlteracaoRequest, AppId, ConsultaRequest, Entrega, ReplyCodigo, RequestId,
    ReservaRef, ReservaRequest, ReservarBody, ServerId, to_payload,
};
use serde::Serialize;
use service::{Trace, in_trace};
use tokio::time::Instant;
use tracing::{error, warn};

use super::call::{Call, Reply};
use super::named_reserva::NamedReserva;
use super::{Gateway, arrays};
use crate::config::Config;
use crate::error::GatewayError;

/// A command to a servidor, without its content.
#[derive(Clone, Copy)]
pub(super) struct Sending<'a> {
    pub(super) command: Command,
    pub(super) request_id: &'a RequestId,
    pub(super) server_id: &'a ServerId,
    /// Until when the reply is waited for.
    pub(super) deadline: Instant,
    /// The request to ask about after a timeout; a query has none.
    pub(super) ask_about: Option<&'a RequestId>,
}

impl<'a> Sending<'a> {
    /// A command that arrives now.
    pub(super) fn new(
        gateway: &Gateway,
        command: Command,
        request_id: &'a RequestId,
        server_id: &'a ServerId,
    ) -> Self {
        let (deadline, ask_about) = if command.is_query() {
            (gateway.query_deadline(), None)
        } else {
            (Instant::now() + gateway.config.command_limit, Some(request_id))
        };
        Self { command, request_id, server_id, deadline, ask_about }
    }
}

impl Gateway {
    pub(crate) async fn reserve(
        &self,
        request_id: RequestId,
        app: Option<AppId>,
        body: ReservarBody,
    ) -> Result<Reply, GatewayError> {
        let request = self.reservation(request_id, app, body);
        let ReservaRequest { request_id, server_id, .. } = &request;
        self.send(Sending::new(self, Command::Reserva, request_id, server_id), &request).await
    }

    /// Asks what the same reservation would be answered.
    pub(crate) async fn estimate(
        &self,
        request_id: RequestId,
        app: Option<AppId>,
        body: ReservarBody,
    ) -> Result<Reply, GatewayError> {
        let request = self.reservation(request_id, app, body);
        let ReservaRequest { request_id, server_id, .. } = &request;
        self.send(Sending::new(self, Command::Estimativa, request_id, server_id), &request).await
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

    pub(crate) async fn change(
        &self,
        request_id: RequestId,
        named: &NamedReserva,
        change: AlteracaoBody,
    ) -> Result<Reply, GatewayError> {
        let request = AlteracaoRequest { asked: self.reserva_ref(request_id, named), change };
        let ReservaRef { request_id, server_id, .. } = &request.asked;
        self.send(Sending::new(self, Command::Alteracao, request_id, server_id), &request).await
    }

    pub(crate) async fn cancel(
        &self,
        request_id: RequestId,
        named: &NamedReserva,
    ) -> Result<Reply, GatewayError> {
        let request = self.reserva_ref(request_id, named);
        let ReservaRef { request_id, server_id, .. } = &request;
        let sending = Sending::new(self, Command::Cancelamento, request_id, server_id);
        // A consulta asks about the reserva: there is none about a cancellation.
        let ask_about = Some(&named.request_id);
        self.send(Sending { ask_about, ..sending }, &request).await
    }

    /// `somente_reserva`: a request to change a reserva is not answered.
    pub(crate) async fn consult(
        &self,
        request_id: RequestId,
        named: &NamedReserva,
        somente_reserva: Option<bool>,
    ) -> Result<Reply, GatewayError> {
        let asked = self.reserva_ref(request_id, named);
        let request = ConsultaRequest { asked, somente_reserva };
        let ReservaRef { request_id, server_id, .. } = &request.asked;
        self.send(Sending::new(self, Command::Consulta, request_id, server_id), &request).await
    }

    fn reserva_ref(&self, request_id: RequestId, named: &NamedReserva) -> ReservaRef {
        ReservaRef {
            request_id,
            client_id: self.config.client_id.clone(),
            app: named.app.clone(),
            server_id: named.server_id.clone(),
            listas: Some(true),
            reserva_request_id: named.request_id.clone(),
        }
    }

    /// The deadline of a query that arrives now.
    pub(super) fn query_deadline(&self) -> Instant {
        Instant::now() + self.config.query_limit
    }

    /// Sends a command, waits for the reply, and counts what becomes of it.
    pub(super) async fn send(
        &self,
        sending: Sending<'_>,
        message: &impl Serialize,
    ) -> Result<Reply, GatewayError> {
        let started = Instant::now();
        let outcome = self.send_uncounted(sending, message).await;
        self.metrics.ended(sending.command, &outcome, started.elapsed());
        outcome
    }

    async fn send_uncounted(
        &self,
        sending: Sending<'_>,
        message: &impl Serialize,
    ) -> Result<Reply, GatewayError> {
        let Sending { command, request_id, server_id, deadline, ask_about } = sending;
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
}
