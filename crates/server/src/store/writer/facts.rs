//! The facts about a posto that decisions rest on.

use domain::{Holding, Moment, PostoFacts};
use rusqlite::params;

use super::command::WriteContext;
use crate::failpoints::{self, Bug};
use crate::store::error::StoreError;
use crate::store::rows::{self, row};

row! {
    struct PostoFactsRow {
        nome: String,
        in_service: bool,
        em_manutencao: bool,
        charging: Option<String>,
    }
}

impl WriteContext<'_> {
    pub(super) fn posto_facts(&self, id: i64) -> Result<Option<PostoFacts>, StoreError> {
        let row = self.find(
            "SELECT p.nome, p.in_service, p.em_manutencao, c.placa AS charging
             FROM postos AS p LEFT JOIN carregamentos AS c ON c.posto_id = p.id AND c.fim IS NULL
             WHERE p.id = ?1 AND p.removed_at IS NULL",
            [id],
        )?;
        let Some(PostoFactsRow { nome, in_service, em_manutencao, charging }) = row else {
            return Ok(None);
        };
        let charging = charging.as_deref().map(rows::placa).transpose()?;
        Ok(Some(PostoFacts { nome, in_service, em_manutencao, charging }))
    }

    /// The reservas that hold a posto at any moment from `inicio` until `fim`.
    pub(super) fn holdings(
        &self,
        posto_id: i64,
        inicio: Moment,
        fim: Moment,
    ) -> Result<Vec<Holding>, StoreError> {
        if failpoints::has(Bug::Overlap) {
            return Ok(Vec::new());
        }
        let mut statement = self.connection.prepare_cached(
            "SELECT placa, inicio, fim FROM reservas
             WHERE posto_id = ?1 AND status <> 'cancelada' AND fim > ?2 ORDER BY fim",
        )?;
        let mut rows = statement.query(params![posto_id, inicio.as_millis()])?;
        let mut holdings = Vec::new();
        while let Some(row) = rows.next()? {
            let interval = rows::interval(row.get(1)?, row.get(2)?)?;
            // Reservas of one posto never overlap, so all that follow begin later still: a posto
            // that is booked for a month costs a reservation no more than an empty one.
            if interval.inicio() >= fim {
                break;
            }
            let placa: Option<String> = row.get(0)?;
            let placa = placa.as_deref().map(rows::placa).transpose()?;
            holdings.push(Holding { placa, interval });
        }
        Ok(holdings)
    }
}
