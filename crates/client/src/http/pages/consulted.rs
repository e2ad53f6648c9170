//! Reservas as their servidor says they are.

use protocol::{AppId, ConsultaRequest, RequestId, ReservaRef, ServerId, Timestamp};
use serde::Deserialize;
use tracing::error;

use super::setup::Pages;
use crate::error::GatewayError;
use crate::gateway::Reply;

pub(super) const ATIVA: &str = "ativa";

/// A reserva, as far as pages show it. Its words are open: a newer servidor may have others.
#[derive(Debug, Deserialize)]
pub(super) struct Reserva {
    pub(super) posto_id: i64,
    pub(super) placa: String,
    pub(super) inicio: Timestamp,
    pub(super) fim: Timestamp,
    pub(super) status: String,
    pub(super) motivo: Option<String>,
    pub(super) livre_desde: Option<Timestamp>,
    pub(super) preco_kwh: f64,
    pub(super) aviso: Option<String>,
}

#[derive(Deserialize)]
struct Answered {
    reserva: Reserva,
}

/// Which reserva an address or a form names, and who asks.
#[derive(Clone)]
pub(super) struct Named {
    pub(super) server_id: ServerId,
    pub(super) request_id: RequestId,
    pub(super) app: Option<AppId>,
}

impl Pages {
    /// What a command about this reserva begins with.
    pub(super) fn asked(&self, request_id: RequestId, named: &Named) -> ReservaRef {
        ReservaRef {
            request_id,
            client_id: self.gateway.config.client_id.clone(),
            app: named.app.clone(),
            server_id: named.server_id.clone(),
            listas: Some(true),
            reserva_request_id: named.request_id.clone(),
        }
    }

    /// The reserva as it is; the answer of its servidor if that refuses.
    pub(super) async fn consult(
        &self,
        request_id: RequestId,
        named: &Named,
    ) -> Result<Result<Reserva, Reply>, GatewayError> {
        let asked = self.asked(request_id, named);
        let asked = ConsultaRequest { asked, somente_reserva: None };
        let reply = self.gateway.consult(asked).await?;
        if reply.codigo.is_some() {
            return Ok(Err(reply));
        }
        read(&reply).map(Ok).map_err(|error| {
            error!(server_id = %named.server_id, %error, "a reserva cannot be read");
            GatewayError::Internal
        })
    }
}

/// The reserva of an answer that is no refusal.
pub(super) fn read(reply: &Reply) -> Result<Reserva, serde_json::Error> {
    serde_json::from_slice(&reply.body).map(|Answered { reserva }| reserva)
}
