//! Rows of reservas: what the writer reads by posto and carro, and how it writes a state.

use domain::{Aviso, Moment, Motivo, Placa, Reserva, ReservaFacts};
use rusqlite::params;

use crate::store::error::StoreError;
use crate::store::rows::reservas::ReservaRow;
use crate::store::rows::row;
use crate::store::writer::command::WriteContext;
use crate::store::writer::housekeeping::archive::archived_between;

row! {
    /// A reserva of another carro at the posto of a session.
    pub(in crate::store::writer) struct ConflictRow {
        pub id: i64,
        /// It held the posto when the session began.
        pub at_begin: bool,
    }
}

impl WriteContext<'_> {
    /// The reserva that holds a posto now.
    pub(in crate::store::writer) fn holder(
        &self,
        posto_id: i64,
    ) -> Result<Option<ReservaRow>, StoreError> {
        let next = self.find::<ReservaRow>(
            "SELECT * FROM reservas WHERE posto_id = ?1 AND held_until > ?2
             ORDER BY held_until LIMIT 1",
            params![posto_id, self.now.as_millis()],
        )?;
        match next {
            Some(row) if row.facts()?.holds_at(self.now) => Ok(Some(row)),
            _ => Ok(None),
        }
    }

    /// The reservas of this carro at this posto that hold it at a moment from `inicio` until `end`.
    pub(in crate::store::writer) fn reservas_held_by(
        &self,
        posto_id: i64,
        placa: &Placa,
        inicio: Moment,
        end: Moment,
    ) -> Result<Vec<ReservaRow>, StoreError> {
        self.find_all(
            "SELECT * FROM reservas WHERE posto_id = ?1 AND placa = ?2
               AND held_until > ?3 AND held_from < ?4 ORDER BY inicio",
            params![posto_id, placa.as_str(), inicio.as_millis(), end.as_millis()],
        )
    }

    /// Finds the reservas of this carro that held this posto at a moment from `inicio` until `end`, also
    /// those that hold it no more because their carro has left.
    pub(in crate::store::writer) fn reservas_ever_held_by(
        &self,
        posto_id: i64,
        placa: &Placa,
        inicio: Moment,
        end: Moment,
    ) -> Result<Vec<ReservaRow>, StoreError> {
        self.find_all(
            "SELECT * FROM (
                 SELECT * FROM reservas WHERE posto_id = ?1 AND placa = ?2
                   AND held_until > ?3 AND held_from < ?4
                 UNION ALL
                 SELECT * FROM reservas WHERE posto_id = ?1 AND placa = ?2 AND held_until IS NULL
                   AND COALESCE(livre_desde, desde) > ?3 AND livre_desde > held_from
                   AND held_from < ?4 AND fim > max(?3, held_from))
             ORDER BY inicio",
            params![posto_id, placa.as_str(), inicio.as_millis(), end.as_millis()],
        )
    }

    /// The reservas of others that held this posto at a moment from `inicio` until `end`, also those
    /// that have been given up since, or that their carro has left.
    pub(in crate::store::writer) fn conflicts(
        &self,
        posto_id: i64,
        placa: &Placa,
        inicio: Moment,
        end: Moment,
    ) -> Result<Vec<ConflictRow>, StoreError> {
        self.find_all(
            concat!(
                "SELECT id, held_from <= ?3 AS at_begin FROM reservas
                 WHERE posto_id = ?1 AND held_until > ?3 AND held_from < ?4 AND placa IS NOT ?2
                 UNION ALL
                 SELECT id, held_from <= ?3 AS at_begin FROM reservas
                 WHERE posto_id = ?1 AND held_until IS NULL AND COALESCE(livre_desde, desde) > ?3
                   AND COALESCE(livre_desde, desde) > held_from
                   AND held_from < ?4 AND fim > max(?3, held_from) AND placa IS NOT ?2
                 UNION ALL ",
                archived_between!(
                    "id, held_from <= ?3 AS at_begin",
                    "fim > held_from AND COALESCE(livre_desde, desde) > max(?3, held_from)
                     AND held_from < ?4 AND placa IS NOT ?2"
                ),
                " ORDER BY id"
            ),
            params![posto_id, placa.as_str(), inicio.as_millis(), end.as_millis()],
        )
    }

    /// Writes the state of a reserva, and reports it, also to the client that made it.
    pub(in crate::store::writer) fn write_state(
        &mut self,
        reserva: &Reserva,
        client_id: Option<String>,
    ) -> Result<(), StoreError> {
        let facts = &reserva.facts;
        self.execute(
            "UPDATE reservas SET status = ?2, desde = ?3, motivo = ?4, livre_desde = ?5,
                 falta_em = NULL, carregamento_id = NULL, versao = ?6, aviso = ?7, updated_at = ?8
             WHERE id = ?1",
            params![
                reserva.id,
                facts.state.as_str(),
                facts.desde.as_millis(),
                facts.motivo.map(Motivo::as_str),
                facts.livre_desde.map(Moment::as_millis),
                facts.versao,
                facts.aviso.map(Aviso::as_str),
                self.now.as_millis()
            ],
        )?;
        self.reserva_changed(&reserva.clone().at(self.now), client_id);
        Ok(())
    }

    /// Writes what a change has made of a reserva, wholly or not at all: until this statement it holds
    /// what it held, and from then what it is to hold.
    pub(in crate::store::writer) fn update_reserva(
        &self,
        reserva: &Reserva,
        is_expected_anew: bool,
    ) -> Result<(), StoreError> {
        let ReservaFacts { interval, state, desde, preco_kwh, versao, aviso, falta_em, .. } =
            reserva.facts;
        self.execute(
            "UPDATE reservas SET posto_id = ?2, inicio = ?3, fim = ?4, status = ?5, preco_kwh = ?6,
                 versao = ?7, aviso = ?8, falta_em = ?9, updated_at = ?10, desde = ?11,
                 chegou_em = CASE WHEN ?12 THEN NULL ELSE chegou_em END,
                 carregamento_id = CASE ?5 WHEN 'ativa' THEN carregamento_id END
             WHERE id = ?1",
            params![
                reserva.id,
                reserva.posto_id,
                interval.inicio().as_millis(),
                interval.fim().as_millis(),
                state.as_str(),
                preco_kwh.get(),
                versao,
                aviso.map(Aviso::as_str),
                falta_em.map(Moment::as_millis),
                self.now.as_millis(),
                desde.as_millis(),
                is_expected_anew
            ],
        )?;
        Ok(())
    }
}
