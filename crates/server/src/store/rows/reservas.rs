//! The table `reservas`.

use domain::{Interval, Moment, Reserva, ReservaState};

use super::{interval, placa, row};
use crate::store::error::StoreError;

row! {
    pub(in crate::store) struct ReservaRow {
        pub id: i64,
        /// `None` if it was forgotten, and so are the placa, the app and the client.
        request_id: Option<String>,
        pub posto_id: i64,
        placa: Option<String>,
        inicio: i64,
        fim: i64,
        status: String,
        created_at: i64,
        pub app: Option<String>,
        pub client_id: Option<String>,
    }
}

/// A reserva as the operator sees it, also one whose carro was forgotten.
#[derive(Debug, Clone)]
pub struct StoredReserva {
    pub id: i64,
    pub request_id: Option<String>,
    pub posto_id: i64,
    pub placa: Option<String>,
    pub interval: Interval,
    /// At the moment of the query.
    pub state: ReservaState,
    pub created_at: Moment,
}

impl ReservaRow {
    pub(in crate::store) fn state_at(self, now: Moment) -> Result<StoredReserva, StoreError> {
        let (interval, recorded) = (self.interval()?, self.state()?);
        Ok(StoredReserva {
            id: self.id,
            request_id: self.request_id,
            posto_id: self.posto_id,
            placa: self.placa,
            interval,
            state: recorded.at(interval, now),
            created_at: Moment::from_millis(self.created_at),
        })
    }

    pub(in crate::store) fn state(&self) -> Result<ReservaState, StoreError> {
        let corrupt = |_| StoreError::Corrupt(format!("status {:?}", self.status));
        ReservaState::parse(&self.status).map_err(corrupt)
    }

    fn interval(&self) -> Result<Interval, StoreError> {
        interval(self.inicio, self.fim)
    }

    /// The reserva with its recorded state; `None` if its carro was forgotten.
    pub(in crate::store) fn reserva(&self) -> Result<Option<Reserva>, StoreError> {
        let (Some(request_id), Some(text)) = (&self.request_id, &self.placa) else {
            return Ok(None);
        };
        Ok(Some(Reserva {
            id: self.id,
            request_id: request_id.clone(),
            posto_id: self.posto_id,
            placa: placa(text)?,
            interval: self.interval()?,
            state: self.state()?,
        }))
    }
}
