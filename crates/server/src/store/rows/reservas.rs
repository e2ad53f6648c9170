//! The table `reservas`.

use domain::{Moment, Reserva, ReservaState};

use super::{interval, placa, row};
use crate::store::error::StoreError;

row! {
    pub(in crate::store) struct ReservaRow {
        id: i64,
        request_id: String,
        posto_id: i64,
        placa: String,
        inicio: i64,
        fim: i64,
        status: String,
        created_at: i64,
    }
}

/// A reserva with the moment it was made.
#[derive(Debug, Clone)]
pub struct StoredReserva {
    /// With its state at the moment of the query.
    pub reserva: Reserva,
    pub created_at: Moment,
}

impl ReservaRow {
    pub(in crate::store) fn state_at(self, now: Moment) -> Result<StoredReserva, StoreError> {
        let created_at = Moment::from_millis(self.created_at);
        let mut reserva = Reserva::try_from(self)?;
        reserva.state = reserva.state_at(now);
        Ok(StoredReserva { reserva, created_at })
    }
}

impl TryFrom<ReservaRow> for Reserva {
    type Error = StoreError;

    fn try_from(row: ReservaRow) -> Result<Self, StoreError> {
        let corrupt = |_| StoreError::Corrupt(format!("status {:?}", row.status));
        let state = ReservaState::parse(&row.status).map_err(corrupt)?;
        Ok(Self {
            id: row.id,
            request_id: row.request_id,
            posto_id: row.posto_id,
            placa: placa(&row.placa)?,
            interval: interval(row.inicio, row.fim)?,
            state,
        })
    }
}
