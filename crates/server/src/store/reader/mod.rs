//! Reading, on connections of its own: no list ever keeps the writer waiting.

mod listing;

use domain::{Carregamento, Moment, Rejection, Reserva, ReservaState};

use super::rows::{CarregamentoRow, PostoRecord, ReservaRow, from_row};
use super::stored_reply::{MadeRow, RefusedRow, StoredReply};
use super::{Reserved, Store, StoreError};

pub use listing::Listing;
pub(super) use listing::Listings;

/// Which reservas to list, newest first.
#[derive(Debug, Clone, Default)]
pub struct ReservasQuery {
    /// Those that stand so.
    pub status: Option<ReservaState>,
    /// Those of this carro.
    pub placa: Option<String>,
    /// Those of this posto.
    pub posto_id: Option<i64>,
    /// Those with a smaller number, to read on.
    pub before: Option<i64>,
    /// At most so many.
    pub limit: i64,
}

/// A reserva with when it was made.
#[derive(Debug, Clone)]
pub struct ReservaRecord {
    /// The reserva, as it stands at the moment of the query.
    pub reserva: Reserva,
    /// When it was made.
    pub created_at: Moment,
}

/// A carro as it is known.
#[derive(Debug, Clone, PartialEq)]
pub struct CarroRecord {
    /// Licence plate.
    pub placa: String,
    /// Make and model.
    pub modelo: String,
    /// Battery capacity, in kWh.
    pub capacidade_bateria: f64,
    /// Energy in the battery, in kWh, as last said.
    pub nivel_bateria_atual: f64,
    /// Consumption, in kWh per km.
    pub taxa_descarga: f64,
    /// Whether it is charging, as last said.
    pub em_carregamento: bool,
    /// When anything of this was last said, milliseconds since 1970 UTC.
    pub updated_at: i64,
}

from_row!(CarroRecord {
    placa,
    modelo,
    capacidade_bateria,
    nivel_bateria_atual,
    taxa_descarga,
    em_carregamento,
    updated_at
});

/// What became of a reservation request.
#[derive(Debug, Clone)]
pub struct RequestOutcome {
    /// The first answer.
    pub decision: Result<Reserved, Rejection>,
    /// The reserva as it stands at the moment of the query, where one was made.
    pub current: Option<Reserva>,
}

struct ReservaRecordRow {
    reserva: ReservaRow,
    created_at: i64,
}

from_row!(ReservaRecordRow { created_at } then { reserva });

impl ReservaRecordRow {
    fn read(self, now: Moment) -> Result<ReservaRecord, StoreError> {
        let mut reserva = Reserva::try_from(self.reserva)?;
        reserva.state = reserva.state_at(now);
        Ok(ReservaRecord { reserva, created_at: Moment::from_millis(self.created_at) })
    }
}

impl Store {
    /// Whether there is or ever was a posto, removed ones included.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn ever_had_postos(&self) -> Result<bool, StoreError> {
        let any = sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM postos)");
        Ok(any.fetch_one(&self.readers).await?)
    }

    /// Those postos of a list of ids that exist.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn postos_by_id(
        &self,
        ids: &[i64],
        now: Moment,
    ) -> Result<Vec<PostoRecord>, StoreError> {
        // As no two reservas of a posto overlap, only the next to end can hold it now; those to
        // come, however many, are not looked at.
        let postos = sqlx::query_as(
            "SELECT p.id, p.nome, p.localizacao, p.potencia_maxima, p.tipo_conector,
                    p.preco_kwh, p.em_manutencao,
                    p.in_service AND NOT p.em_manutencao
                    AND ?1 < COALESCE((SELECT r.inicio FROM reservas AS r
                                       WHERE r.posto_id = p.id AND r.status <> 'cancelada'
                                         AND r.fim > ?1 ORDER BY r.fim LIMIT 1), ?1 + 1)
                    AND NOT EXISTS (SELECT 1 FROM carregamentos AS c
                                    WHERE c.posto_id = p.id AND c.fim IS NULL)
                    AS disponivel
             FROM postos AS p
             WHERE p.removed_at IS NULL AND p.id IN (SELECT value FROM json_each(?2))
             ORDER BY p.id",
        )
        .bind(now.as_millis())
        .bind(json(ids)?)
        .fetch_all(&self.readers)
        .await?;
        Ok(postos)
    }

    /// What became of a reservation request; `None` if it never got here or was too late.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn request_outcome(
        &self,
        request_id: &str,
        now: Moment,
    ) -> Result<Option<RequestOutcome>, StoreError> {
        let found = self.stored_reply(request_id).await?;
        Ok(found.map(|reply| {
            let current = reply.current.map(|mut reserva| {
                reserva.state = reserva.state_at(now);
                reserva
            });
            RequestOutcome { decision: reply.decision, current }
        }))
    }

    async fn stored_reply(&self, request_id: &str) -> Result<Option<StoredReply>, StoreError> {
        let made = sqlx::query_as::<_, MadeRow>(MadeRow::SELECT).bind(request_id);
        if let Some(made) = made.fetch_optional(&self.readers).await? {
            return Ok(Some(made.read()?));
        }
        let refused = sqlx::query_as::<_, RefusedRow>(RefusedRow::SELECT).bind(request_id);
        let refused = refused.fetch_optional(&self.readers).await?;
        refused.map(|row| row.read(&self.servidor)).transpose()
    }

    /// The reservas that match, newest first, as they stand at `now`.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn reservas(
        &self,
        query: &ReservasQuery,
        now: Moment,
    ) -> Result<Vec<ReservaRecord>, StoreError> {
        let found: Vec<ReservaRecordRow> = sqlx::query_as(
            "SELECT id, request_id, posto_id, placa, inicio, fim, status, created_at
             FROM reservas
             WHERE (?1 IS NULL
                    OR CASE WHEN status = 'cancelada' THEN status
                            WHEN fim <= ?6 THEN 'encerrada' ELSE 'ativa' END = ?1)
               AND (?2 IS NULL OR placa = ?2)
               AND (?3 IS NULL OR posto_id = ?3)
               AND (?4 IS NULL OR id < ?4)
             ORDER BY id DESC LIMIT ?5",
        )
        .bind(query.status.map(ReservaState::as_str))
        .bind(&query.placa)
        .bind(query.posto_id)
        .bind(query.before)
        .bind(query.limit)
        .bind(now.as_millis())
        .fetch_all(&self.readers)
        .await?;
        found.into_iter().map(|row| row.read(now)).collect()
    }

    /// One reserva, as it stands at `now`.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn reserva(&self, id: i64, now: Moment) -> Result<Option<ReservaRecord>, StoreError> {
        let found: Option<ReservaRecordRow> = sqlx::query_as(
            "SELECT id, request_id, posto_id, placa, inicio, fim, status, created_at
             FROM reservas WHERE id = ?1",
        )
        .bind(id)
        .fetch_optional(&self.readers)
        .await?;
        found.map(|row| row.read(now)).transpose()
    }

    /// Known carros by placa, those after `after`, at most `limit`.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn carros(
        &self,
        after: Option<&str>,
        limit: i64,
    ) -> Result<Vec<CarroRecord>, StoreError> {
        let carros =
            sqlx::query_as("SELECT * FROM carros WHERE placa > ?1 ORDER BY placa LIMIT ?2")
                .bind(after.unwrap_or_default())
                .bind(limit)
                .fetch_all(&self.readers)
                .await?;
        Ok(carros)
    }

    /// One carro.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn carro(&self, placa: &str) -> Result<Option<CarroRecord>, StoreError> {
        let carro = sqlx::query_as("SELECT * FROM carros WHERE placa = ?1")
            .bind(placa)
            .fetch_optional(&self.readers)
            .await?;
        Ok(carro)
    }

    /// The charging sessions of a posto, newest first: those with a smaller number than `before`,
    /// at most `limit`.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn carregamentos(
        &self,
        posto_id: i64,
        before: Option<i64>,
        limit: i64,
    ) -> Result<Vec<Carregamento>, StoreError> {
        let found: Vec<CarregamentoRow> = sqlx::query_as(
            "SELECT id, posto_id, placa, inicio, preco_kwh, fim, energia_fornecida, custo
             FROM carregamentos WHERE posto_id = ?1 AND (?2 IS NULL OR id < ?2)
             ORDER BY id DESC LIMIT ?3",
        )
        .bind(posto_id)
        .bind(before)
        .bind(limit)
        .fetch_all(&self.readers)
        .await?;
        found.into_iter().map(Carregamento::try_from).collect()
    }

    /// One charging session of a posto.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn carregamento(
        &self,
        posto_id: i64,
        id: i64,
    ) -> Result<Option<Carregamento>, StoreError> {
        let session = sqlx::query_as::<_, CarregamentoRow>(CarregamentoRow::SELECT);
        let session = session.bind(id).bind(posto_id).fetch_optional(&self.readers).await?;
        session.map(Carregamento::try_from).transpose()
    }
}

/// Ids for `json_each`, with which one statement reads many rows.
fn json(ids: &[i64]) -> Result<String, StoreError> {
    serde_json::to_string(ids).map_err(|error| StoreError::Corrupt(error.to_string()))
}

fn from_json(ids: &str) -> Result<Vec<i64>, StoreError> {
    serde_json::from_str(ids).map_err(|error| StoreError::Corrupt(error.to_string()))
}
