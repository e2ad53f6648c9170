//! What decisions rest on.

use domain::{Holding, Moment, PostoFacts, Reserva};
use rusqlite::{Connection, OptionalExtension as _, Row, params};

use super::super::rows::{self, ReservaRow, from_row};
use super::super::stored_reply::{MadeRow, RefusedRow, StoredReply};
use super::super::{CancelTarget, StoreError};
use crate::failpoints::{self, Bug};

/// The stored reply to a request that has come before.
pub(super) fn stored_reply(
    connection: &Connection,
    request_id: &str,
    servidor: &str,
) -> Result<Option<StoredReply>, StoreError> {
    if failpoints::has(Bug::ForgottenReply) {
        execute(connection, "DELETE FROM refusals WHERE request_id = ?1", [request_id])?;
        return Ok(None);
    }
    if let Some(made) = find::<MadeRow>(connection, MadeRow::SELECT, [request_id])? {
        return Ok(Some(made.read()?));
    }
    let refused = find::<RefusedRow>(connection, RefusedRow::SELECT, [request_id])?;
    refused.map(|row| row.read(servidor)).transpose()
}

/// A reserva as it stands on disk.
pub(super) fn reserva(
    connection: &Connection,
    target: &CancelTarget,
) -> Result<Option<Reserva>, StoreError> {
    macro_rules! select {
        ($by:literal) => {
            concat!(
                "SELECT id, request_id, posto_id, placa, inicio, fim, status
                 FROM reservas WHERE ",
                $by,
                " = ?1"
            )
        };
    }
    let row: Option<ReservaRow> = match target {
        CancelTarget::RequestId(id) => find(connection, select!("request_id"), [id])?,
        CancelTarget::Id(id) => find(connection, select!("id"), [id])?,
    };
    row.map(Reserva::try_from).transpose()
}

struct PostoRow {
    nome: String,
    in_service: bool,
    em_manutencao: bool,
    charging: Option<String>,
}

from_row!(PostoRow { nome, in_service, em_manutencao, charging });

/// What must be known of a posto; `None` if there is none.
pub(super) fn posto(connection: &Connection, id: i64) -> Result<Option<PostoFacts>, StoreError> {
    let row = find(
        connection,
        "SELECT p.nome, p.in_service, p.em_manutencao, c.placa AS charging
         FROM postos AS p LEFT JOIN carregamentos AS c ON c.posto_id = p.id AND c.fim IS NULL
         WHERE p.id = ?1 AND p.removed_at IS NULL",
        [id],
    )?;
    let Some(PostoRow { nome, in_service, em_manutencao, charging }) = row else {
        return Ok(None);
    };
    let charging = charging.as_deref().map(rows::placa).transpose()?;
    Ok(Some(PostoFacts { nome, in_service, em_manutencao, charging }))
}

/// Who holds a posto at some moment from `inicio` on, before `fim`.
pub(super) fn holdings(
    connection: &Connection,
    posto_id: i64,
    inicio: Moment,
    fim: Moment,
) -> Result<Vec<Holding>, StoreError> {
    if failpoints::has(Bug::Overlap) {
        return Ok(Vec::new());
    }
    let mut statement = connection.prepare_cached(
        "SELECT placa, inicio, fim FROM reservas
         WHERE posto_id = ?1 AND status <> 'cancelada' AND fim > ?2 ORDER BY fim",
    )?;
    let mut rows = statement.query(params![posto_id, inicio.as_millis()])?;
    let mut holdings = Vec::new();
    while let Some(row) = rows.next()? {
        let interval = rows::interval(row.get(1)?, row.get(2)?)?;
        // As no two overlap, those that follow begin later still: a posto that is booked out for
        // a month costs a reservation no more than an empty one.
        if interval.inicio() >= fim {
            break;
        }
        let placa: String = row.get(0)?;
        holdings.push(Holding { placa: rows::placa(&placa)?, interval });
    }
    Ok(holdings)
}

/// The first row of a query, if there is one.
pub(super) fn find<T>(
    connection: &Connection,
    sql: &str,
    parameters: impl rusqlite::Params,
) -> Result<Option<T>, StoreError>
where
    T: for<'a, 'b> TryFrom<&'a Row<'b>, Error = rusqlite::Error>,
{
    let mut statement = connection.prepare_cached(sql)?;
    Ok(statement.query_row(parameters, |row| T::try_from(row)).optional()?)
}

/// Runs a statement that returns no rows; how many it has changed.
pub(super) fn execute(
    connection: &Connection,
    sql: &str,
    parameters: impl rusqlite::Params,
) -> Result<usize, StoreError> {
    Ok(connection.prepare_cached(sql)?.execute(parameters)?)
}
