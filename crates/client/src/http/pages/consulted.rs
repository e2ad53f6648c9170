//! Reservas as their servidor says they are.

use protocol::{RequestId, ReservaAviso, ReservaMotivo, ReservaStatus, Timestamp};
use serde::Deserialize;
use serde::de::{DeserializeOwned, IntoDeserializer as _, value};
use tracing::error;

use super::setup::Pages;
use crate::error::GatewayError;
use crate::gateway::{NamedReserva, NoAnswer, Reply};

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
    pub(super) tolerancia_min: Option<i64>,
    pub(super) preco_kwh: f64,
    pub(super) aviso: Option<String>,
}

impl Reserva {
    /// `None` of one that only a newer servidor knows, as of the other words.
    pub(super) fn status(&self) -> Option<ReservaStatus> {
        known(&self.status)
    }

    pub(super) fn motivo(&self) -> Option<ReservaMotivo> {
        self.motivo.as_deref().and_then(known)
    }

    pub(super) fn aviso(&self) -> Option<ReservaAviso> {
        self.aviso.as_deref().and_then(known)
    }
}

fn known<T: DeserializeOwned>(word: &str) -> Option<T> {
    let word: value::StrDeserializer<'_, value::Error> = word.into_deserializer();
    T::deserialize(word).ok()
}

#[derive(Deserialize)]
struct Answered {
    reserva: Reserva,
}

impl Pages {
    /// The reserva as it is.
    pub(super) async fn consult(
        &self,
        request_id: RequestId,
        named: &NamedReserva,
    ) -> Result<Reserva, NoAnswer> {
        let reply = self.gateway.consult(request_id, named, None).await?;
        if reply.codigo.is_some() {
            return Err(NoAnswer::Refused(reply));
        }
        read(&reply).map_err(|error| {
            error!(server_id = %named.server_id, %error, "a reserva cannot be read");
            NoAnswer::Gateway(GatewayError::Internal)
        })
    }
}

/// The reserva of an answer that is no refusal.
pub(super) fn read(reply: &Reply) -> Result<Reserva, serde_json::Error> {
    serde_json::from_slice(&reply.body).map(|Answered { reserva }| reserva)
}
