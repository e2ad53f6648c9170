//! Writing postos.

use domain::{
    Kw, Localizacao, Moment, Nome, Posto, PostoChange, PostoUse, Price, Rejection, TipoConector,
    decide_posto_removal,
};
use rusqlite::{Connection, params};

use super::super::StoreError;
use super::super::rows::from_row;
use super::facts::{execute, find};

/// Adds a posto, under `id` where one is given; the id it has.
pub(super) fn insert(
    connection: &Connection,
    id: Option<i64>,
    posto: &Posto,
) -> Result<i64, StoreError> {
    execute(
        connection,
        "INSERT INTO postos (id, nome, localizacao, potencia_maxima, tipo_conector, preco_kwh,
                             in_service, em_manutencao)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        params![
            id,
            posto.nome.as_str(),
            posto.localizacao.as_str(),
            posto.potencia_maxima.get(),
            posto.tipo_conector.as_str(),
            posto.preco_kwh.get(),
            posto.in_service,
            posto.em_manutencao
        ],
    )?;
    Ok(connection.last_insert_rowid())
}

/// Fills a database that never had a posto; how many there are now. Any other stays as it is.
pub(super) fn import(connection: &Connection, list: &[(i64, Posto)]) -> Result<i64, StoreError> {
    let known = connection.query_row("SELECT count(*) FROM postos", [], |row| row.get(0))?;
    if known > 0 {
        return Ok(known);
    }
    let mut imported = 0;
    for (id, posto) in list {
        insert(connection, Some(*id), posto)?;
        imported += 1;
    }
    Ok(imported)
}

/// Gives a posto other values; false when there is none.
pub(super) fn change(
    connection: &Connection,
    id: i64,
    change: &PostoChange,
) -> Result<bool, StoreError> {
    let changed = execute(
        connection,
        "UPDATE postos SET
             nome = COALESCE(?2, nome),
             localizacao = COALESCE(?3, localizacao),
             potencia_maxima = COALESCE(?4, potencia_maxima),
             tipo_conector = COALESCE(?5, tipo_conector),
             preco_kwh = COALESCE(?6, preco_kwh),
             in_service = COALESCE(?7, in_service),
             em_manutencao = COALESCE(?8, em_manutencao)
         WHERE id = ?1 AND removed_at IS NULL",
        params![
            id,
            change.nome.as_ref().map(Nome::as_str),
            change.localizacao.as_ref().map(Localizacao::as_str),
            change.potencia_maxima.map(Kw::get),
            change.tipo_conector.as_ref().map(TipoConector::as_str),
            change.preco_kwh.map(Price::get),
            change.in_service,
            change.em_manutencao
        ],
    )?;
    Ok(changed > 0)
}

struct UseRow {
    nome: String,
    reserved: bool,
    charging: bool,
}

from_row!(UseRow { nome, reserved, charging });

/// Removes a posto that nobody needs; `None` when there is none.
pub(super) fn remove(
    connection: &Connection,
    id: i64,
    now: Moment,
) -> Result<Option<Result<(), Rejection>>, StoreError> {
    let found = find::<UseRow>(
        connection,
        "SELECT nome,
             EXISTS (SELECT 1 FROM reservas
                     WHERE posto_id = ?1 AND status <> 'cancelada' AND fim > ?2) AS reserved,
             EXISTS (SELECT 1 FROM carregamentos
                     WHERE posto_id = ?1 AND fim IS NULL) AS charging
         FROM postos WHERE id = ?1 AND removed_at IS NULL",
        [id, now.as_millis()],
    )?;
    let Some(UseRow { nome, reserved, charging }) = found else {
        return Ok(None);
    };
    let decision = decide_posto_removal(&nome, PostoUse { reserved, charging });
    if decision.is_ok() {
        execute(
            connection,
            "UPDATE postos SET removed_at = ?2 WHERE id = ?1",
            [id, now.as_millis()],
        )?;
    }
    Ok(Some(decision))
}
