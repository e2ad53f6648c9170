//! Writing charging sessions.

use domain::{
    Carregamento, Finish, Kwh, Moment, Placa, Rejection, Start, StartFacts,
    decide_carregamento_finish, decide_carregamento_start,
};
use rusqlite::{Connection, params};

use super::super::StoreError;
use super::super::rows::CarregamentoRow;
use super::facts::{self, execute, find};

/// Lets a carro start charging; the session's id. `None` when there is no such posto.
pub(super) fn start(
    connection: &Connection,
    posto_id: i64,
    placa: &Placa,
    now: Moment,
) -> Result<Option<Result<i64, Rejection>>, StoreError> {
    let Some(posto) = facts::posto(connection, posto_id)? else {
        return Ok(None);
    };
    let next_moment = Moment::from_millis(now.as_millis() + 1);
    let holdings = facts::holdings(connection, posto_id, now, next_moment)?;
    let facts = StartFacts { posto: &posto, holdings: &holdings };
    match decide_carregamento_start(placa, &facts, now) {
        Ok(Start::Now) => {}
        Ok(Start::Already) => {
            let open = "SELECT id FROM carregamentos WHERE posto_id = ?1 AND fim IS NULL";
            let id = connection.prepare_cached(open)?.query_row([posto_id], |row| row.get(0))?;
            return Ok(Some(Ok(id)));
        }
        Err(rejection) => return Ok(Some(Err(rejection))),
    }
    execute(
        connection,
        "INSERT INTO carregamentos (posto_id, placa, inicio, preco_kwh)
         SELECT id, ?2, ?3, preco_kwh FROM postos WHERE id = ?1",
        params![posto_id, placa.as_str(), now.as_millis()],
    )?;
    let id = connection.last_insert_rowid();
    note_charging(connection, placa, now)?;
    Ok(Some(Ok(id)))
}

/// Ends a session; its id.
pub(super) fn finish(
    connection: &Connection,
    posto_id: i64,
    id: i64,
    energia_fornecida: Kwh,
    now: Moment,
) -> Result<Result<i64, Rejection>, StoreError> {
    let row = find::<CarregamentoRow>(connection, CarregamentoRow::SELECT, [id, posto_id])?;
    let Some(row) = row else {
        return Ok(Err(Rejection::CarregamentoInexistente { id, posto_id }));
    };
    let session = Carregamento::try_from(row)?;
    match decide_carregamento_finish(&session, energia_fornecida, now) {
        Ok(Finish::Now(finished)) => {
            execute(
                connection,
                "UPDATE carregamentos SET fim = ?2, energia_fornecida = ?3, custo = ?4
                 WHERE id = ?1",
                params![
                    id,
                    finished.fim.as_millis(),
                    finished.energia_fornecida.get(),
                    finished.custo
                ],
            )?;
            note_charging(connection, &session.placa, now)?;
            Ok(Ok(id))
        }
        Ok(Finish::Already(_)) => Ok(Ok(id)),
        Err(rejection) => Ok(Err(rejection)),
    }
}

/// Whether a carro charges, at any posto: a session that was never ended may still be open.
fn note_charging(connection: &Connection, placa: &Placa, now: Moment) -> Result<(), StoreError> {
    execute(
        connection,
        "UPDATE carros SET updated_at = ?2, em_carregamento = EXISTS (
             SELECT 1 FROM carregamentos WHERE placa = ?1 AND fim IS NULL)
         WHERE placa = ?1",
        params![placa.as_str(), now.as_millis()],
    )?;
    Ok(())
}
