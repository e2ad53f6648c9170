//! Which reserva a caller means.

use protocol::{AppId, RequestId, ServerId};

/// A reserva by the request that made it, and the app that asks: each app has rights of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NamedReserva {
    pub(crate) server_id: ServerId,
    pub(crate) request_id: RequestId,
    pub(crate) app: Option<AppId>,
}
