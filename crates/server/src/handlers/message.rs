//! What a handler gets and what it returns: a message without its acknowledgement, and a reply.

use std::time::Duration;

use bus::{Ack, ArrivedTraces, Delivery};
use bytes::Bytes;
use domain::{Estimate, Reserva};
use protocol::{BadMessage, ClientId, RequestId, ReservaReply, StatusReply, to_payload};
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::Instant;

use crate::failure::Failure;
use crate::wire;

/// A message that arrived.
pub(super) struct Message {
    pub(super) topic: String,
    pub(super) payload: Bytes,
    /// See [`Delivery::received`].
    pub(super) received: Instant,
    /// Lifetime that was left on arrival; `None` if the message never expires.
    pub(super) expiry: Option<Duration>,
    pub(super) correlation: Option<Bytes>,
    /// See [`Delivery::replayed`].
    pub(super) replayed: bool,
    /// See [`Delivery::is_retained`].
    pub(super) is_retained: bool,
    pub(super) traces: Option<Box<ArrivedTraces>>,
}

impl Message {
    /// Takes a delivery apart. The dispatcher keeps the acknowledgement.
    pub(super) fn split(delivery: Delivery) -> (Self, Ack) {
        let Delivery { topic, payload, received, expiry, correlation, .. } = delivery;
        let Delivery { replayed, is_retained, traces, ack, .. } = delivery;
        let message =
            Self { topic, payload, received, expiry, correlation, replayed, is_retained, traces };
        (message, ack)
    }
}

/// One of the commands of a message, counted from 0, and how many it has.
#[derive(Debug, Clone, Copy)]
pub(super) struct Item {
    pub(super) index: usize,
    pub(super) of: usize,
}

/// The answer to one command.
pub(super) struct Reply {
    pub(super) client_id: ClientId,
    pub(super) request_id: RequestId,
    pub(super) payload: Vec<u8>,
    /// The command failed and may have left nothing on disk by which its redelivery would be
    /// recognised.
    pub(super) may_be_unwritten: bool,
    /// For a listing: a permit that is held until the broker has the reply.
    pub(super) unsent: Option<OwnedSemaphorePermit>,
}

impl Reply {
    /// A success that shows a reserva.
    pub(super) fn reserva(
        client_id: ClientId,
        request_id: RequestId,
        mensagem: String,
        reserva: &Reserva,
        estimate: Option<&Estimate>,
    ) -> Result<Self, Failure> {
        let body = ReservaReply {
            request_id,
            status: StatusReply::Sucesso,
            mensagem,
            reserva: wire::reserva(reserva),
            estimativa: estimate.map(wire::estimativa),
        };
        let payload = to_payload(&body).map_err(BadMessage::from)?;
        Ok(Self::success(client_id, body.request_id, payload))
    }

    /// A success that holds nothing until it is sent.
    pub(super) fn success(client_id: ClientId, request_id: RequestId, payload: Vec<u8>) -> Self {
        Self { client_id, request_id, payload, may_be_unwritten: false, unsent: None }
    }
}
