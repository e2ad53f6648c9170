//! What statistics read of the tables. Columns are read by their place: a million rows may be read for one
//! answer.

use std::sync::{LazyLock, Once};
use std::time::Duration;

use domain::{
    Centavos, Figures, Finished, Interval, Kwh, Moment, Motivo, Price, ReservaFacts, ReservaState,
    Service,
};
use rusqlite::Row;
use rusqlite::types::FromSqlError;
use tracing::warn;

/// Says how many rows cannot be read: what no release has written counts nothing, and spoils no sum. Once
/// for a process, because each question finds them again.
pub(in crate::store) fn warn_of_unread(reservas: usize, carregamentos: usize) {
    static SAID: Once = Once::new();
    if reservas + carregamentos > 0 {
        SAID.call_once(|| {
            warn!(reservas, carregamentos, "what holds impossible values is not counted");
        });
    }
}

/// What counts of a reserva.
pub(in crate::store) struct CountedReserva {
    pub(in crate::store) posto_id: i64,
    pub(in crate::store) made: Moment,
    pub(in crate::store) facts: ReservaFacts,
}

impl CountedReserva {
    pub(in crate::store) const COLUMNS: &str = "posto_id, created_at, inicio, fim, status, desde, motivo, livre_desde, \
posto_desde, carregamento_id IS NOT NULL, falta_em";

    /// Absences count that are due at `now`, but not those that fell due after `absences_until`.
    pub(in crate::store) fn read(
        row: &Row<'_>,
        absences_until: Moment,
        now: Moment,
    ) -> rusqlite::Result<Self> {
        let moment = |column: usize| row.get::<_, i64>(column).map(Moment::from_millis);
        let maybe = |column: usize| {
            row.get::<_, Option<i64>>(column).map(|millis| millis.map(Moment::from_millis))
        };
        let corrupt = |_| rusqlite::Error::from(FromSqlError::InvalidType);
        let interval =
            Interval::new(moment(2)?, moment(3)?).map_err(|_| FromSqlError::InvalidType)?;
        let falta_em = maybe(10)?.filter(|due| *due <= absences_until || now < *due);
        let state = ReservaState::parse(row.get_ref(4)?.as_str()?).map_err(corrupt)?;
        let motivo = row.get_ref(6)?.as_str_or_null()?;
        Ok(Self {
            posto_id: row.get(0)?,
            made: moment(1)?,
            facts: ReservaFacts {
                state,
                desde: moment(5)?,
                motivo: motivo.map(Motivo::parse).transpose().map_err(corrupt)?,
                livre_desde: maybe(7)?,
                posto_desde: maybe(8)?,
                in_session: row.get(9)?,
                // What was agreed about its price and its tolerance is not counted.
                ..ReservaFacts::new(interval, Price::default(), Duration::ZERO, falta_em, now)
            },
        })
    }
}

/// What counts of a session.
pub(in crate::store) struct CountedSession {
    pub(in crate::store) posto_id: i64,
    pub(in crate::store) inicio: Moment,
    pub(in crate::store) finished: Option<Finished>,
}

impl CountedSession {
    pub(in crate::store) const COLUMNS: &str = "posto_id, inicio, fim, energia_fornecida, custo";

    pub(in crate::store) fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        let finished = match row.get::<_, Option<i64>>(2)? {
            Some(fim) => Some(Finished {
                fim: Moment::from_millis(fim),
                energia_fornecida: Kwh::new(row.get(3)?).map_err(|_| FromSqlError::InvalidType)?,
                custo: Centavos::from_brl(row.get(4)?),
            }),
            None => None,
        };
        Ok(Self { posto_id: row.get(0)?, inicio: Moment::from_millis(row.get(1)?), finished })
    }
}

/// How a posto was in service for a time; until now, if that has no end.
pub(in crate::store) struct ServiceTime {
    pub(in crate::store) posto_id: i64,
    pub(in crate::store) desde: Moment,
    pub(in crate::store) ate: Option<Moment>,
    pub(in crate::store) service: Service,
}

impl ServiceTime {
    pub(in crate::store) const COLUMNS: &str = "posto_id, desde, ate, in_service, em_manutencao";

    pub(in crate::store) fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            posto_id: row.get(0)?,
            desde: Moment::from_millis(row.get(1)?),
            ate: row.get::<_, Option<i64>>(2)?.map(Moment::from_millis),
            service: Service::of(row.get(3)?, row.get(4)?),
        })
    }
}

/// Sums of an hour.
pub(in crate::store) struct FiguresRow {
    pub(in crate::store) posto_id: i64,
    pub(in crate::store) hora: i64,
    pub(in crate::store) figures: Figures,
}

/// The columns of sums.
pub(in crate::store) static FIGURES: LazyLock<String> = LazyLock::new(|| Figures::NAMES.join(", "));

impl FiguresRow {
    /// From posto, hour and [`FIGURES`].
    pub(in crate::store) fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        let mut values = Figures::default().values();
        for (index, value) in values.iter_mut().enumerate() {
            *value = row.get(2 + index)?;
        }
        let figures = Figures::from_values(values);
        Ok(Self { posto_id: row.get(0)?, hora: row.get(1)?, figures })
    }
}
