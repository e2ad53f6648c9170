//! What a batch of decisions changes on disk, each kind with one statement.

use std::collections::{HashMap, HashSet};

use domain::{Carro, Moment};
use sqlx::SqliteConnection;

use super::super::rows::{self, json};
use super::super::{Reservation, Reserved, StoreError, stored_reply};
use super::Batch;

impl Batch<'_> {
    /// Writes what was decided; the numbers of the new reservas by their request ids.
    pub(super) async fn write(
        &self,
        connection: &mut SqliteConnection,
    ) -> Result<HashMap<String, i64>, StoreError> {
        let made: Vec<&Reservation> =
            self.decided.iter().filter(|(_, d)| d.is_ok()).map(|(asked, _)| *asked).collect();
        // Cancellations first: the schema must see a posto free before it is given again.
        if !self.cancelled.is_empty() {
            write_cancelled(connection, &self.cancelled, self.now).await?;
        }
        let mut ids = HashMap::new();
        if !made.is_empty() {
            write_carros(connection, &made, self.now).await?;
            ids = self.write_reservas(connection).await?;
        }
        if !self.decided.is_empty() {
            self.write_replies(connection).await?;
        }
        Ok(ids)
    }

    async fn write_reservas(
        &self,
        connection: &mut SqliteConnection,
    ) -> Result<HashMap<String, i64>, StoreError> {
        let rows: Vec<_> = self
            .decided
            .iter()
            .filter_map(|(_, decision)| decision.as_ref().ok())
            .map(|Reserved { reserva, .. }| {
                let now = self.replies.get(&reserva.request_id).and_then(|r| r.current.as_ref());
                let state = now.map_or(reserva.state, |current| current.state);
                let interval = reserva.interval;
                let (inicio, fim) = (interval.inicio().as_millis(), interval.fim().as_millis());
                let status = rows::state_word(state);
                (&reserva.request_id, reserva.posto_id, reserva.placa.as_str(), inicio, fim, status)
            })
            .collect();
        let written: Vec<(String, i64)> = sqlx::query_as(
            "INSERT INTO reservas
                 (request_id, posto_id, placa, inicio, fim, status, created_at, updated_at)
             SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5,
                    ?2, ?2
             FROM json_each(?1)
             RETURNING request_id, id",
        )
        .bind(json(&rows)?)
        .bind(self.now.as_millis())
        .fetch_all(connection)
        .await?;
        Ok(written.into_iter().collect())
    }

    async fn write_replies(&self, connection: &mut SqliteConnection) -> Result<(), StoreError> {
        let rows: Vec<_> = self
            .decided
            .iter()
            .map(|(asked, decision)| {
                let posto_id = asked.command.posto_id;
                let nome = self.postos.get(&posto_id).map_or("", |posto| posto.nome.as_str());
                let rejection = decision.as_ref().err().and_then(stored_reply::rejection_word);
                (&asked.request_id, hex(asked.fingerprint), posto_id, nome, rejection)
            })
            .collect();
        sqlx::query(
            "INSERT INTO requests (request_id, fingerprint, posto_id, nome, rejection, decided_at)
             SELECT value ->> 0, unhex(value ->> 1), value ->> 2, value ->> 3, value ->> 4, ?2
             FROM json_each(?1)",
        )
        .bind(json(&rows)?)
        .bind(self.now.as_millis())
        .execute(connection)
        .await?;
        Ok(())
    }
}

fn hex(bytes: [u8; 16]) -> String {
    format!("{:032x}", u128::from_be_bytes(bytes))
}

async fn write_cancelled(
    connection: &mut SqliteConnection,
    request_ids: &HashSet<String>,
    now: Moment,
) -> Result<(), StoreError> {
    sqlx::query(
        "UPDATE reservas SET status = 'cancelada', updated_at = ?2
         WHERE request_id IN (SELECT value FROM json_each(?1))",
    )
    .bind(json(request_ids)?)
    .bind(now.as_millis())
    .execute(connection)
    .await?;
    Ok(())
}

/// Remembers the carros as their drivers' apps describe them now.
async fn write_carros(
    connection: &mut SqliteConnection,
    made: &[&Reservation],
    now: Moment,
) -> Result<(), StoreError> {
    let latest: HashMap<&str, &Carro> = made
        .iter()
        .map(|asked| (asked.command.carro.placa.as_str(), &asked.command.carro))
        .collect();
    let rows: Vec<_> = latest
        .into_iter()
        .map(|(placa, carro)| {
            let capacity = carro.capacidade_bateria.get();
            let level = carro.nivel_bateria.get();
            (placa, &carro.modelo, capacity, level, carro.taxa_descarga.get())
        })
        .collect();
    sqlx::query(
        "INSERT INTO carros
             (placa, modelo, capacidade_bateria, nivel_bateria_atual, taxa_descarga, updated_at)
         SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, ?2
         FROM json_each(?1) WHERE true
         ON CONFLICT (placa) DO UPDATE SET
             modelo = excluded.modelo,
             capacidade_bateria = excluded.capacidade_bateria,
             nivel_bateria_atual = excluded.nivel_bateria_atual,
             taxa_descarga = excluded.taxa_descarga,
             updated_at = excluded.updated_at",
    )
    .bind(json(&rows)?)
    .bind(now.as_millis())
    .execute(connection)
    .await?;
    Ok(())
}
