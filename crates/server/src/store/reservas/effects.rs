//! What a batch of decisions changes on disk, all of it in one go.

use std::collections::HashMap;

use domain::Carro;
use serde::Serialize;
use sqlx::Executor as _;

use super::super::rows::{self, json};
use super::super::transaction::{Transaction, commit};
use super::super::{Reservation, Reserved, StoreError, stored_reply};
use super::Batch;

/// The parameters are counted through all statements: the library binds no others rightly here.
/// Cancellations come first: the schema must see a posto free before it is given again.
/// `jsonb_each` where rows have several columns: `json_each` would write each row as text, for
/// each column to be parsed again.
macro_rules! effects {
    () => {
        "
            UPDATE reservas SET status = 'cancelada', updated_at = ?
            WHERE request_id IN (SELECT value FROM json_each(?));

            INSERT INTO carros
                (placa, modelo, capacidade_bateria, nivel_bateria_atual, taxa_descarga, updated_at)
            SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, ?
            FROM jsonb_each(?) WHERE true
            ON CONFLICT (placa) DO UPDATE SET
                modelo = excluded.modelo,
                capacidade_bateria = excluded.capacidade_bateria,
                nivel_bateria_atual = excluded.nivel_bateria_atual,
                taxa_descarga = excluded.taxa_descarga,
                updated_at = excluded.updated_at;

            INSERT INTO reservas
                (id, request_id, posto_id, placa, inicio, fim, status, fingerprint, nome,
                 created_at, updated_at)
            SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5,
                   value ->> 6, unhex(value ->> 7), value ->> 8, ?, ?
            FROM jsonb_each(?);

            INSERT INTO refusals (request_id, fingerprint, posto_id, nome, rejection, decided_at)
            SELECT value ->> 0, unhex(value ->> 1), value ->> 2, value ->> 3, value ->> 4, ?
            FROM jsonb_each(?)"
    };
}

impl Batch<'_> {
    /// Writes what was decided, and commits where it is the `last` of the transaction; the numbers
    /// of the new reservas by their request ids.
    pub(super) async fn write(
        &self,
        transaction: &mut Transaction<'_>,
        last: bool,
    ) -> Result<HashMap<String, i64>, StoreError> {
        if self.decided.is_empty() && self.cancelled.is_empty() {
            return Ok(HashMap::new());
        }
        let now = self.now.as_millis();
        let (connection, sql) = match last {
            true => (transaction.commit_with(), commit!(effects!())),
            false => (transaction.inside().await?, effects!()),
        };
        let query = sqlx::query(sql)
            .bind(now)
            .bind(json(&self.cancelled)?)
            .bind(now)
            .bind(self.carro_rows()?)
            .bind(now)
            .bind(now)
            .bind(self.reserva_rows()?)
            .bind(now)
            .bind(self.refusal_rows()?);
        connection.execute(query).await?;
        let numbered = self.numbered();
        Ok(numbered.map(|(id, asked, _)| (asked.request_id.clone(), id)).collect())
    }

    /// The new reservas with their numbers: the writer is the only one who gives any, and holds
    /// the write lock.
    fn numbered(&self) -> impl Iterator<Item = (i64, &Reservation, &Reserved)> {
        (self.newest + 1..).zip(self.made()).map(|(id, (asked, made))| (id, asked, made))
    }

    fn made(&self) -> impl Iterator<Item = (&Reservation, &Reserved)> {
        self.decided.iter().filter_map(|(asked, made)| Some((*asked, made.as_ref().ok()?)))
    }

    /// The carros as their drivers' apps describe them now.
    fn carro_rows(&self) -> Result<String, StoreError> {
        let carros = self.made().map(|(asked, _)| &asked.command.carro);
        let latest: HashMap<&str, &Carro> =
            carros.map(|carro| (carro.placa.as_str(), carro)).collect();
        rows_of(latest.into_iter().map(|(placa, carro)| {
            let capacity = carro.capacidade_bateria.get();
            let level = carro.nivel_bateria.get();
            (placa, &carro.modelo, capacity, level, carro.taxa_descarga.get())
        }))
    }

    fn reserva_rows(&self) -> Result<String, StoreError> {
        rows_of(self.numbered().map(|(id, asked, Reserved { reserva, nome })| {
            let now = self.replies.get(&reserva.request_id).and_then(|r| r.current.as_ref());
            let state = now.map_or(reserva.state, |current| current.state);
            let interval = reserva.interval;
            let (inicio, fim) = (interval.inicio().as_millis(), interval.fim().as_millis());
            let status = rows::state_word(state);
            let placa = reserva.placa.as_str();
            let fingerprint = hex(asked.fingerprint);
            let posto_id = reserva.posto_id;
            (id, &asked.request_id, posto_id, placa, inicio, fim, status, fingerprint, nome)
        }))
    }

    fn refusal_rows(&self) -> Result<String, StoreError> {
        rows_of(self.decided.iter().filter_map(|(asked, decision)| {
            let rejection = stored_reply::rejection_word(decision.as_ref().err()?)?;
            let posto_id = asked.command.posto_id;
            let nome = self.postos.get(&posto_id).map_or("", |posto| posto.nome.as_str());
            Some((&asked.request_id, hex(asked.fingerprint), posto_id, nome, rejection))
        }))
    }
}

fn rows_of<T: Serialize>(rows: impl Iterator<Item = T>) -> Result<String, StoreError> {
    json(&rows.collect::<Vec<_>>())
}

fn hex(bytes: [u8; 16]) -> String {
    format!("{:032x}", u128::from_be_bytes(bytes))
}
