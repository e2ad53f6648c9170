//! Writing postos.

use domain::{Moment, Posto, PostoChange, PostoUse, Rejection, decide_posto_removal};
use sqlx::SqliteConnection;

use super::StoreError;

/// Adds a posto, under `id` where one is given; the id it has.
pub(super) async fn insert(
    connection: &mut SqliteConnection,
    id: Option<i64>,
    posto: &Posto,
) -> Result<i64, StoreError> {
    let id = sqlx::query_scalar(
        "INSERT INTO postos (id, nome, localizacao, potencia_maxima, tipo_conector, preco_kwh,
                             in_service, em_manutencao)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) RETURNING id",
    )
    .bind(id)
    .bind(&posto.nome)
    .bind(posto.localizacao.as_str())
    .bind(posto.potencia_maxima.get())
    .bind(&posto.tipo_conector)
    .bind(posto.preco_kwh.get())
    .bind(posto.in_service)
    .bind(posto.em_manutencao)
    .fetch_one(connection)
    .await?;
    Ok(id)
}

/// Fills a database that never had a posto; how many there are now. Any other stays as it is.
pub(super) async fn import(
    connection: &mut SqliteConnection,
    list: &[(i64, Posto)],
) -> Result<i64, StoreError> {
    let known: i64 =
        sqlx::query_scalar("SELECT count(*) FROM postos").fetch_one(&mut *connection).await?;
    if known > 0 {
        return Ok(known);
    }
    let mut imported = 0;
    for (id, posto) in list {
        insert(connection, Some(*id), posto).await?;
        imported += 1;
    }
    Ok(imported)
}

/// Gives a posto other values; false when there is none.
pub(super) async fn change(
    connection: &mut SqliteConnection,
    id: i64,
    change: &PostoChange,
) -> Result<bool, StoreError> {
    let done = sqlx::query(
        "UPDATE postos SET
             nome = COALESCE(?2, nome),
             localizacao = COALESCE(?3, localizacao),
             potencia_maxima = COALESCE(?4, potencia_maxima),
             tipo_conector = COALESCE(?5, tipo_conector),
             preco_kwh = COALESCE(?6, preco_kwh),
             in_service = COALESCE(?7, in_service),
             em_manutencao = COALESCE(?8, em_manutencao)
         WHERE id = ?1 AND removed_at IS NULL",
    )
    .bind(id)
    .bind(change.nome.as_deref())
    .bind(change.localizacao.as_ref().map(domain::Localizacao::as_str))
    .bind(change.potencia_maxima.map(domain::Kw::get))
    .bind(change.tipo_conector.as_deref())
    .bind(change.preco_kwh.map(domain::Price::get))
    .bind(change.in_service)
    .bind(change.em_manutencao)
    .execute(connection)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// Removes a posto that nobody needs; `None` when there is none.
pub(super) async fn remove(
    connection: &mut SqliteConnection,
    id: i64,
    now: Moment,
) -> Result<Option<Result<(), Rejection>>, StoreError> {
    let found: Option<(String, bool, bool)> = sqlx::query_as(
        "SELECT nome,
             EXISTS (SELECT 1 FROM reservas
                     WHERE posto_id = ?1 AND status <> 'cancelada' AND fim > ?2),
             EXISTS (SELECT 1 FROM carregamentos WHERE posto_id = ?1 AND fim IS NULL)
         FROM postos WHERE id = ?1 AND removed_at IS NULL",
    )
    .bind(id)
    .bind(now.as_millis())
    .fetch_optional(&mut *connection)
    .await?;
    let Some((nome, reserved, charging)) = found else {
        return Ok(None);
    };
    let decision = decide_posto_removal(&nome, PostoUse { reserved, charging });
    if decision.is_ok() {
        sqlx::query("UPDATE postos SET removed_at = ?2 WHERE id = ?1")
            .bind(id)
            .bind(now.as_millis())
            .execute(connection)
            .await?;
    }
    Ok(Some(decision))
}
