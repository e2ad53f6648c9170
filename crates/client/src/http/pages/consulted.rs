//! Reservas as their servidor says they are.

use protocol::{
    AppId, ConsultaRequest, RequestId, ReservaRef, ReservaReply, ReservaStatus, ServerId,
};
use tracing::error;

use super::setup::Pages;
use crate::error::GatewayError;
use crate::gateway::Reply;

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
            reserva_request_id: named.request_id.clone(),
        }
    }

    /// The reserva as it is; the answer of its servidor if that refuses.
    pub(super) async fn consult(
        &self,
        request_id: RequestId,
        named: &Named,
    ) -> Result<Result<ReservaReply, Reply>, GatewayError> {
        let asked = self.asked(request_id, named);
        let asked = ConsultaRequest { asked, somente_reserva: None };
        let reply = self.gateway.consult(asked).await?;
        if reply.codigo.is_some() {
            return Ok(Err(reply));
        }
        let read = serde_json::from_slice(&reply.body);
        read.map(Ok).map_err(|error| {
            error!(server_id = %named.server_id, %error, "a reserva cannot be read");
            GatewayError::Internal
        })
    }

    /// Whether this reserva holds this posto for this carro.
    pub(super) async fn holds(&self, named: &Named, placa: &str, posto_id: i64) -> bool {
        let consulted = self.consult(RequestId::new(), named).await;
        consulted.is_ok_and(|reply| {
            reply.is_ok_and(|ReservaReply { reserva, .. }| {
                reserva.status == ReservaStatus::Ativa
                    && reserva.placa == placa
                    && reserva.posto_id == posto_id
            })
        })
    }
}
