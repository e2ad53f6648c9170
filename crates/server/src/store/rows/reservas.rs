//! The table `reservas`.

use std::time::Duration;

use domain::{
    AbsenceFacts, Aviso, Holding, Interval, Moment, Motivo, Placa, Price, Reserva, ReservaFacts,
    ReservaState,
};

use super::{interval, placa, row};
use crate::store::error::StoreError;

/// SQL for the state at a moment, as [`ReservaFacts::at`] computes it. Absences count that were due at
/// another, which is the same unless nothing has been written for a while.
macro_rules! state_at {
    ($now:literal, $absences:literal) => {
        concat!(
            "CASE WHEN status NOT IN ('ativa', 'encerrada') THEN status ",
            "WHEN carregamento_id IS NOT NULL AND inicio <= ",
            $now,
            " THEN 'cumprida' WHEN falta_em < fim AND falta_em <= ",
            $absences,
            " THEN 'nao_compareceu' ",
            "WHEN fim <= ",
            $now,
            " OR livre_desde IS NOT NULL THEN 'encerrada' ELSE 'ativa' END"
        )
    };
}
pub(in crate::store) use state_at;

/// SQL for whether a reserva holds its posto at a moment or later: the opposite of
/// [`ReservaFacts::is_over`].
macro_rules! holds_now_or_later {
    ($now:literal) => {
        concat!("held_until > ", $now, " AND (falta_em IS NULL OR falta_em > ", $now, ")")
    };
}
pub(in crate::store) use holds_now_or_later;

/// SQL for when it was over, whatever it has become.
macro_rules! over_at {
    () => {
        "CASE WHEN status IN ('cancelada', 'nao_compareceu') THEN min(desde, fim)
              ELSE min(fim, COALESCE(livre_desde, fim)) END"
    };
}
pub(in crate::store) use over_at;

/// SQL for the reservas of a table whose carro has an open session at their posto. Its end may be reported later
/// as before the reserva: then the reserva was not fulfilled, and its price does not count.
/// (`CROSS JOIN`: from the few open sessions to the reservas of their carros, or to what ended at their
/// postos since their begin and is archived, and not from each reserva to all sessions of its posto.)
macro_rules! awaiting_a_session {
    ($table:literal) => {
        concat!(
            "SELECT r.id FROM carregamentos AS c INDEXED BY carregamentos_open CROSS JOIN ",
            $table,
            " AS r ON r.placa = c.placa AND r.posto_id = c.posto_id AND r.fim > c.inicio
             WHERE c.fim IS NULL"
        )
    };
}
pub(in crate::store) use awaiting_a_session;

/// SQL for whether a reserva ended, and was changed last, at a moment or before.
macro_rules! old_enough {
    ($cutoff:literal) => {
        concat!("status <> 'ativa' AND fim <= ", $cutoff, " AND updated_at <= ", $cutoff)
    };
}
pub(in crate::store) use old_enough;

/// SQL for whether a reserva `r` that is old enough may be archived: nothing refers to it, nothing of it
/// is due, no change of it was asked for since, and no session goes on that may turn out to have ended
/// before it.
macro_rules! archivable {
    ($cutoff:literal) => {
        concat!(
            "falta_em IS NULL AND carregamento_id IS NULL
             AND NOT EXISTS (SELECT 1 FROM carregamentos AS c WHERE c.reserva_id = r.id)
             AND r.id NOT IN (",
            $crate::store::rows::reservas::awaiting_a_session!("reservas"),
            ")
             AND NOT EXISTS (SELECT 1 FROM alteracoes AS a
                             WHERE a.reserva_id = r.id AND a.decided_at > ",
            $cutoff,
            ")"
        )
    };
}
pub(in crate::store) use archivable;

row! {
    /// When a reserva holds its posto.
    pub(in crate::store) struct HoldingRow {
        pub placa: Option<String>,
        pub held_from: i64,
        pub held_until: i64,
        pub falta_em: Option<i64>,
    }
}

impl HoldingRow {
    /// Selects what holds a posto after a moment, by its ends. Reservas of one posto never overlap,
    /// so reading may stop at the first one that begins too late, and a posto that is booked for a
    /// month costs no more than an empty one.
    pub(in crate::store) const SELECT: &str = "SELECT placa, held_from, held_until, falta_em \
FROM reservas WHERE posto_id = ?1 AND held_until > ?2 ORDER BY held_until";

    /// Its absence is due at `now`, so that it holds nothing, recorded or not.
    pub(in crate::store) fn is_absent(&self, now: Moment) -> bool {
        self.falta_em.is_some_and(|due| due <= now.as_millis())
    }

    pub(in crate::store) fn holding(self) -> Result<Holding, StoreError> {
        let placa = self.placa.as_deref().map(placa).transpose()?;
        Ok(Holding { placa, interval: interval(self.held_from, self.held_until)? })
    }
}

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
        desde: i64,
        motivo: Option<String>,
        livre_desde: Option<i64>,
        posto_desde: Option<i64>,
        preco_kwh: f64,
        versao: i64,
        tolerancia: i64,
        falta_em: Option<i64>,
        chegou_em: Option<i64>,
        aviso: Option<String>,
        /// The session that will fulfil it at its begin.
        pub carregamento_id: Option<i64>,
    }
}

/// A reserva as the operator sees it at a moment, also one whose carro was forgotten.
#[derive(Debug, Clone)]
pub struct ReservaView {
    pub id: i64,
    pub request_id: Option<String>,
    pub posto_id: i64,
    pub placa: Option<String>,
    /// At that moment; the row has what was recorded last.
    pub facts: ReservaFacts,
    pub created_at: Moment,
}

impl ReservaRow {
    pub(in crate::store) fn view_at(self, now: Moment) -> Result<ReservaView, StoreError> {
        let facts = self.facts()?.at(now);
        Ok(ReservaView {
            id: self.id,
            request_id: self.request_id,
            posto_id: self.posto_id,
            placa: self.placa,
            facts,
            created_at: Moment::from_millis(self.created_at),
        })
    }

    /// The same, where of absences that are due at `now` only those count that were due by an earlier
    /// moment.
    pub(in crate::store) fn absent_by(self, absences_until: Moment, now: Moment) -> Self {
        let is_hidden = |due: i64| absences_until.as_millis() < due && due <= now.as_millis();
        Self { falta_em: self.falta_em.filter(|due| !is_hidden(*due)), ..self }
    }

    /// What is recorded of it.
    pub(in crate::store) fn facts(&self) -> Result<ReservaFacts, StoreError> {
        let corrupt = |what: &str| StoreError::Corrupt(format!("{what} of reserva {}", self.id));
        let (motivo, aviso) = (self.motivo.as_deref(), self.aviso.as_deref());
        Ok(ReservaFacts {
            interval: self.interval()?,
            state: ReservaState::parse(&self.status).map_err(|_| corrupt("status"))?,
            desde: Moment::from_millis(self.desde),
            motivo: motivo.map(Motivo::parse).transpose().map_err(|_| corrupt("motivo"))?,
            livre_desde: self.livre_desde.map(Moment::from_millis),
            posto_desde: self.posto_desde.map(Moment::from_millis),
            in_session: self.carregamento_id.is_some(),
            tolerancia: self.tolerancia(),
            falta_em: self.falta_em.map(Moment::from_millis),
            preco_kwh: Price::new(self.preco_kwh).map_err(|_| corrupt("price"))?,
            versao: self.versao,
            aviso: aviso.map(Aviso::parse).transpose().map_err(|_| corrupt("aviso"))?,
        })
    }

    /// As it was agreed.
    pub(in crate::store) fn inicio(&self) -> Moment {
        Moment::from_millis(self.inicio)
    }

    /// Since when it holds its posto: from `inicio`, or from when it was given this posto.
    pub(in crate::store) fn held_from(&self) -> Moment {
        Moment::from_millis(self.posto_desde.map_or(self.inicio, |since| since.max(self.inicio)))
    }

    /// Returns how late its carro may come.
    pub(in crate::store) fn tolerancia(&self) -> Duration {
        Duration::from_millis(u64::try_from(self.tolerancia).unwrap_or(0))
    }

    fn interval(&self) -> Result<Interval, StoreError> {
        interval(self.inicio, self.fim)
    }

    /// What decides when its carro is absent, if the posto has been usable since `usable_since`.
    pub(in crate::store) fn absence(
        &self,
        usable_since: Option<Moment>,
    ) -> Result<AbsenceFacts, StoreError> {
        Ok(AbsenceFacts {
            interval: self.interval()?,
            tolerancia: self.tolerancia(),
            has_come: self.chegou_em.is_some(),
            usable_since,
        })
    }

    /// `None` if it was forgotten.
    pub(in crate::store) fn placa(&self) -> Result<Option<Placa>, StoreError> {
        self.placa.as_deref().map(placa).transpose()
    }

    /// When it was made.
    pub(in crate::store) fn created_at(&self) -> Moment {
        Moment::from_millis(self.created_at)
    }

    /// The reserva as it is recorded; `None` if its carro was forgotten.
    pub(in crate::store) fn reserva(&self) -> Result<Option<Reserva>, StoreError> {
        let (Some(request_id), Some(placa)) = (&self.request_id, self.placa()?) else {
            return Ok(None);
        };
        Ok(Some(Reserva {
            id: self.id,
            request_id: request_id.clone(),
            posto_id: self.posto_id,
            placa,
            facts: self.facts()?,
        }))
    }
}
