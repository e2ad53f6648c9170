//! Writing charging sessions.

use domain::{
    Carregamento, Finish, Finished, Holding, Kwh, Moment, Placa, Price, Rejection, StartFacts,
    decide_carregamento_finish, decide_carregamento_start,
};
use sqlx::{SqliteConnection, SqliteExecutor};

use super::rows::from_row;
use super::{StoreError, reservas, rows};

struct CarregamentoRow {
    id: i64,
    posto_id: i64,
    placa: String,
    inicio: i64,
    preco_kwh: f64,
    fim: Option<i64>,
    energia_fornecida: Option<f64>,
    custo: Option<f64>,
}

from_row!(CarregamentoRow {
    id,
    posto_id,
    placa,
    inicio,
    preco_kwh,
    fim,
    energia_fornecida,
    custo
});

impl TryFrom<CarregamentoRow> for Carregamento {
    type Error = StoreError;

    fn try_from(row: CarregamentoRow) -> Result<Self, StoreError> {
        let corrupt = |_| StoreError::Corrupt(format!("amounts of carregamento {}", row.id));
        let finished = match (row.fim, row.energia_fornecida, row.custo) {
            (Some(fim), Some(energy), Some(custo)) => Some(Finished {
                fim: Moment::from_millis(fim),
                energia_fornecida: Kwh::new(energy).map_err(corrupt)?,
                custo,
            }),
            _ => None,
        };
        Ok(Self {
            id: row.id,
            posto_id: row.posto_id,
            placa: rows::placa(&row.placa)?,
            inicio: Moment::from_millis(row.inicio),
            preco_kwh: Price::new(row.preco_kwh).map_err(corrupt)?,
            finished,
        })
    }
}

/// One session of a posto.
pub(super) async fn find(
    executor: impl SqliteExecutor<'_>,
    posto_id: i64,
    id: i64,
) -> Result<Option<Carregamento>, StoreError> {
    let row: Option<CarregamentoRow> = sqlx::query_as(
        "SELECT id, posto_id, placa, inicio, preco_kwh, fim, energia_fornecida, custo
         FROM carregamentos WHERE id = ?1 AND posto_id = ?2",
    )
    .bind(id)
    .bind(posto_id)
    .fetch_optional(executor)
    .await?;
    row.map(Carregamento::try_from).transpose()
}

/// Lets a carro start charging; the session's id. `None` when there is no such posto.
pub(super) async fn start(
    connection: &mut SqliteConnection,
    posto_id: i64,
    placa: &Placa,
    now: Moment,
) -> Result<Option<Result<i64, Rejection>>, StoreError> {
    let ids = format!("[{posto_id}]");
    let Some(posto) = reservas::find_posto(connection, posto_id).await? else {
        return Ok(None);
    };
    let holdings: Vec<Holding> = reservas::active_reservas(connection, &ids, now)
        .await?
        .into_iter()
        .map(|reserva| Holding { placa: reserva.placa, interval: reserva.interval })
        .collect();
    let facts = StartFacts { posto: &posto, holdings: &holdings };
    if let Err(rejection) = decide_carregamento_start(placa, &facts, now) {
        return Ok(Some(Err(rejection)));
    }
    let id = sqlx::query_scalar(
        "INSERT INTO carregamentos (posto_id, placa, inicio, preco_kwh)
         SELECT id, ?2, ?3, preco_kwh FROM postos WHERE id = ?1
         RETURNING id",
    )
    .bind(posto_id)
    .bind(placa.as_str())
    .bind(now.as_millis())
    .fetch_one(&mut *connection)
    .await?;
    set_charging(connection, placa, true, now).await?;
    Ok(Some(Ok(id)))
}

/// Ends a session; its id.
pub(super) async fn finish(
    connection: &mut SqliteConnection,
    posto_id: i64,
    id: i64,
    energia_fornecida: Kwh,
    now: Moment,
) -> Result<Result<i64, Rejection>, StoreError> {
    let Some(session) = find(&mut *connection, posto_id, id).await? else {
        return Ok(Err(Rejection::CarregamentoInexistente { id, posto_id }));
    };
    match decide_carregamento_finish(&session, energia_fornecida, now) {
        Ok(Finish::Now(finished)) => {
            sqlx::query(
                "UPDATE carregamentos SET fim = ?2, energia_fornecida = ?3, custo = ?4
                 WHERE id = ?1",
            )
            .bind(id)
            .bind(finished.fim.as_millis())
            .bind(finished.energia_fornecida.get())
            .bind(finished.custo)
            .execute(&mut *connection)
            .await?;
            set_charging(connection, &session.placa, false, now).await?;
            Ok(Ok(id))
        }
        Ok(Finish::Already(_)) => Ok(Ok(id)),
        Err(rejection) => Ok(Err(rejection)),
    }
}

async fn set_charging(
    connection: &mut SqliteConnection,
    placa: &Placa,
    charging: bool,
    now: Moment,
) -> Result<(), StoreError> {
    sqlx::query("UPDATE carros SET em_carregamento = ?2, updated_at = ?3 WHERE placa = ?1")
        .bind(placa.as_str())
        .bind(charging)
        .bind(now.as_millis())
        .execute(connection)
        .await?;
    Ok(())
}
