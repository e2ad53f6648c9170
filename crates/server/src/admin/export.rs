//! Lists as CSV files, sent as they are read.

use std::collections::HashSet;
use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use domain::{Carregamento, Moment, PostosFilter, Service};
use protocol::{OrDefault, fields};
use service::{HttpError, Params};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::carregamentos::CarregamentosFilter;
use super::file::{PART, file, pages, parts};
use super::reservas::ReservasFilter;
use crate::app_state::AppState;
use crate::reserva_rules::tolerancia_min;
use crate::store::{CarregamentosQuery, OperatorPosto, ReservaView, ReservasQuery};
use crate::table::{Cell, Column, Dialect, Table};
use crate::wire;

const POSTOS: [Column; 8] = [
    Column::Other("id"),
    Column::Other("nome"),
    Column::Other("latitude"),
    Column::Other("longitude"),
    Column::Other("status"),
    Column::Other("potencia_maxima"),
    Column::Other("tipo_conector"),
    Column::Other("preco_kwh"),
];
const RESERVAS: [Column; 13] = [
    Column::Other("id"),
    Column::Other("posto_id"),
    Column::Other("placa"),
    Column::Time("inicio"),
    Column::Time("fim"),
    Column::Other("status"),
    Column::Time("criada_em"),
    Column::Time("desde"),
    Column::Other("motivo"),
    Column::Time("livre_desde"),
    Column::Other("preco_kwh"),
    Column::Other("versao"),
    Column::Other("tolerancia_min"),
];
const CARREGAMENTOS: [Column; 10] = [
    Column::Other("id"),
    Column::Other("posto_id"),
    Column::Other("placa"),
    Column::Time("inicio"),
    Column::Time("fim"),
    Column::Other("preco_kwh"),
    Column::Other("energia_fornecida"),
    Column::Other("custo"),
    Column::Other("reserva_id"),
    Column::Time("corrigido_em"),
];

pub(super) fn router() -> OpenApiRouter<Arc<AppState>> {
    OpenApiRouter::new()
        .routes(routes!(export_postos))
        .routes(routes!(export_reservas))
        .routes(routes!(export_carregamentos))
}

fields! {
    pub(super) struct PostosFile {
        /// Quais postos.
        filter: PostosFilter,
        /// `excel`: como o Excel em português lê e escreve, com `;` e vírgula decimal.
        formato: OrDefault<Dialect>,
    }
}

fields! {
    pub(super) struct ReservasFile {
        /// Quais reservas.
        filter: ReservasFilter,
        /// `excel`: como o Excel em português lê e escreve, com `;` e vírgula decimal.
        formato: OrDefault<Dialect>,
    }
}

fields! {
    pub(super) struct CarregamentosFile {
        /// Quais carregamentos.
        filter: CarregamentosFilter,
        /// `excel`: como o Excel em português lê e escreve, com `;` e vírgula decimal.
        formato: OrDefault<Dialect>,
    }
}

/// Exporta os postos em CSV.
///
/// Como `POST /postos/importar` os lê.
#[utoipa::path(get, path = "/postos.csv", operation_id = "export_postos", tag = "postos",
    params(PostosFile),
    responses((status = 200, body = String, content_type = "text/csv", description = "Os postos",
        example = json!("id,nome,latitude,longitude,status,potencia_maxima,tipo_conector,preco_kwh\r\n\
            5,Ponto 5,-23.5540,-46.6370,disponivel,22,CCS,2.5\r\n")))
)]
async fn export_postos(
    State(app): State<Arc<AppState>>,
    Params(PostosFile { filter, formato }): Params<PostosFile>,
) -> Result<Response, HttpError> {
    let mut postos = app.read(app.store.operator_postos()).await?;
    postos.retain(|posto| !posto.is_removed());
    if filter != PostosFilter::default() {
        let listing = app.read(app.store.listing()).await?;
        let ids: HashSet<i64> = listing.matching(&filter).map(|posto| posto.id).collect();
        postos.retain(|posto| ids.contains(&posto.id));
    }
    let dialect = formato.0;
    let parts = parts(dialect, postos.into_iter(), |table, posto| table.row(&posto_cells(posto)));
    Ok(file(&app, "postos", Table::head(dialect, &POSTOS), parts))
}

/// A posto as its operator has set it. What its charger reports and its reservas are left out.
fn posto_cells(posto: &OperatorPosto) -> [Cell<'_>; 8] {
    let (latitude, longitude) = posto.localizacao.split_once(',').unwrap_or_default();
    let status = match Service::of(posto.operador_disponivel, posto.operador_em_manutencao) {
        Service::InService => "disponivel",
        Service::Maintenance => "em_manutencao",
        Service::OutOfService => "indisponivel",
    };
    [
        Cell::Integer(posto.id),
        Cell::Text(&posto.nome),
        Cell::Number(latitude.to_owned()),
        Cell::Number(longitude.to_owned()),
        Cell::Text(status),
        Cell::Number(posto.potencia_maxima.to_string()),
        Cell::Text(&posto.tipo_conector),
        Cell::Number(posto.preco_kwh.to_string()),
    ]
}

/// Exporta as reservas em CSV.
///
/// Da mais nova para a mais velha.
#[utoipa::path(get, path = "/reservas.csv", operation_id = "export_reservas", tag = "reservas",
    params(ReservasFile),
    responses((status = 200, body = String, content_type = "text/csv", description = "As reservas",
        example = json!("id,posto_id,placa,inicio,fim,status,criada_em,desde,motivo,livre_desde,\
            preco_kwh,versao,tolerancia_min\r\n\
            1,5,ABC1234,2026-11-23T12:00:00.000Z,2026-11-24T12:00:00.000Z,cumprida,\
            2026-11-23T12:00:00.000Z,2026-11-23T12:10:00.000Z,,2026-11-23T13:00:00.000Z,2.5,3,15\r\n")))
)]
async fn export_reservas(
    State(app): State<Arc<AppState>>,
    Params(ReservasFile { filter, formato }): Params<ReservasFile>,
) -> Result<Response, HttpError> {
    let dialect = formato.0;
    let query = filter.query(None, PART);
    let (reader, now) = (Arc::clone(&app), app.now());
    let read = move |before| {
        let (app, query) = (Arc::clone(&reader), ReservasQuery { before, ..query.clone() });
        async move { app.store.reservas(&query, now).await }
    };
    let first = app.read(read(None)).await?;
    let pages =
        pages(dialect, first, read, |row| row.id, |table, row| table.row(&reserva_cells(row)));
    Ok(file(&app, "reservas", Table::head(dialect, &RESERVAS), pages))
}

fn reserva_cells(reserva: &ReservaView) -> [Cell<'_>; 13] {
    let facts = &reserva.facts;
    [
        Cell::Integer(reserva.id),
        Cell::Integer(reserva.posto_id),
        reserva.placa.as_deref().map_or(Cell::Empty, Cell::Text),
        time(facts.interval.inicio()),
        time(facts.interval.fim()),
        Cell::Text(facts.state.as_str()),
        time(reserva.created_at),
        time(facts.desde),
        facts.motivo.map_or(Cell::Empty, |motivo| Cell::Text(motivo.as_str())),
        facts.free_early().map_or(Cell::Empty, time),
        Cell::Number(facts.preco_kwh.get().to_string()),
        Cell::Integer(facts.versao),
        tolerancia_min(facts.tolerancia).map_or(Cell::Empty, Cell::Integer),
    ]
}

/// Exporta os carregamentos em CSV.
///
/// De todos os postos, do maior número para o menor: um que foi informado depois vem antes dos que
/// foram registrados antes dele, ainda que tenha começado antes.
#[utoipa::path(get, path = "/carregamentos.csv", operation_id = "export_carregamentos",
    tag = "carregamentos", params(CarregamentosFile),
    responses((status = 200, body = String, content_type = "text/csv",
        description = "Os carregamentos",
        example = json!("id,posto_id,placa,inicio,fim,preco_kwh,energia_fornecida,custo,reserva_id,\
            corrigido_em\r\n\
            1,5,ABC1234,2026-11-23T12:10:00.000Z,2026-11-23T13:00:00.000Z,2.5,18.4,46,1,\r\n")))
)]
async fn export_carregamentos(
    State(app): State<Arc<AppState>>,
    Params(params): Params<CarregamentosFile>,
) -> Result<Response, HttpError> {
    let dialect = params.formato.0;
    let query = CarregamentosQuery { limit: PART, ..params.filter.query(None) };
    let reader = Arc::clone(&app);
    let read = move |before| {
        let (app, query) = (Arc::clone(&reader), CarregamentosQuery { before, ..query.clone() });
        async move { app.store.carregamentos(&query, app.now()).await }
    };
    let first = app.read(read(None)).await?;
    let pages = pages(
        dialect,
        first,
        read,
        |session| session.id,
        |table, session| table.row(&session_cells(session)),
    );
    Ok(file(&app, "carregamentos", Table::head(dialect, &CARREGAMENTOS), pages))
}

fn session_cells(session: &Carregamento) -> [Cell<'_>; 10] {
    let number = |number: Option<f64>| number.map_or(Cell::Empty, |n| Cell::Number(n.to_string()));
    let finished = session.finished;
    [
        Cell::Integer(session.id),
        Cell::Integer(session.posto_id),
        session.placa.as_ref().map_or(Cell::Empty, |placa| Cell::Text(placa.as_str())),
        time(session.inicio),
        finished.map_or(Cell::Empty, |finished| time(finished.fim)),
        number(Some(session.preco_kwh.get())),
        number(finished.map(|finished| finished.energia_fornecida.get())),
        number(finished.map(|finished| finished.custo.brl())),
        session.reserva_id.map_or(Cell::Empty, Cell::Integer),
        session.corrigido_em.map_or(Cell::Empty, time),
    ]
}

fn time(moment: Moment) -> Cell<'static> {
    Cell::Time(wire::time_text(moment))
}
