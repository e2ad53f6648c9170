//! A correct run, and the parts that histories are made of.

use std::collections::BTreeMap;

use crate::checker::{Conditions, Kind, check};
use crate::evidence::{Database, Evidence, ReservaRow};
use crate::history::{Call, Estimativa, Micros, Operation, Outcome, PrivateEvent, Reserva, Window};

pub(super) const SWEEP: i64 = 5_000;

pub(super) fn conditions(kills: &[i64]) -> Conditions {
    let kills = BTreeMap::from([("server1".to_owned(), kills.to_vec())]);
    Conditions {
        command_limit: 10_000,
        slack: 100,
        sweep: SWEEP,
        tolerancia: 0,
        por_carro: 3,
        kills,
        outages: BTreeMap::new(),
        stalls: BTreeMap::new(),
        freezes: BTreeMap::new(),
        silences: Vec::new(),
    }
}

pub(super) const WINDOW: Window = (20_000, 30_000);
/// R$ 2.50 for a kWh.
pub(super) const PRECO: Micros = 2_500_000;

pub(super) fn row(request_id: &str, placa: &str, window: Window, created_at: i64) -> ReservaRow {
    ReservaRow {
        id: 1,
        request_id: request_id.to_owned(),
        client_id: Some("cliente1".to_owned()),
        posto_id: 5,
        placa: placa.to_owned(),
        window,
        status: "ativa".to_owned(),
        created_at,
        updated_at: created_at,
        desde: created_at,
        livre_desde: None,
        held_until: Some(window.1),
        preco: PRECO,
        versao: 1,
        tolerancia: 0,
        aviso: None,
        first: None,
        changes: Vec::new(),
    }
}

/// The same, cancelled.
pub(super) fn cancelled(row: ReservaRow, at: i64) -> ReservaRow {
    let status = "cancelada".to_owned();
    ReservaRow { status, desde: at, updated_at: at, held_until: None, versao: 2, ..row }
}

pub(super) fn shown(row: &ReservaRow) -> Outcome {
    Outcome::Reserva(Box::new(reserva(row)))
}

pub(super) fn reserva(row: &ReservaRow) -> Reserva {
    Reserva {
        id: row.id,
        posto_id: row.posto_id,
        placa: row.placa.clone(),
        window: row.window,
        status: row.status.clone(),
        livre_desde: row.livre_desde,
        preco: row.preco,
        versao: row.versao,
        aviso: row.aviso.clone(),
        estimativa: Some(Estimativa { energia: 22_200_000, custo: 55_500_000, preco: row.preco }),
    }
}

pub(super) fn refused(codigo: &str) -> Outcome {
    Outcome::Refused(codigo.to_owned())
}

pub(super) fn call(
    operation: Operation,
    request_id: Option<&str>,
    times: Window,
    outcome: Outcome,
) -> Call {
    let (started, ended) = times;
    let server_id = "server1".to_owned();
    Call {
        server_id,
        started,
        ended,
        operation,
        outcome,
        request_id: request_id.map(str::to_owned),
    }
}

pub(super) fn reserve(request_id: &str, placa: &str, times: Window, outcome: Outcome) -> Call {
    let operation =
        Operation::Reserve { placa: placa.to_owned(), posto_id: 5, window: Some(WINDOW) };
    call(operation, Some(request_id), times, outcome)
}

/// A database with these reservas and all that belongs to them, read before any window ends.
pub(super) fn holding(rows: Vec<ReservaRow>) -> Database {
    Database {
        archived: 0,
        read_at: 25_000,
        requests: rows.iter().map(|row| (row.request_id.clone(), None)).collect(),
        carros: rows.iter().map(|row| row.placa.clone()).collect(),
        postos: [5, 6].into(),
        sessions: Vec::new(),
        reservas: rows,
    }
}

pub(super) fn found(history: &[Call], database: Database) -> Vec<Kind> {
    found_with_kills(history, database, &[])
}

pub(super) fn found_with_kills(history: &[Call], database: Database, kills: &[i64]) -> Vec<Kind> {
    kinds(history, None, database, &conditions(kills))
}

pub(super) fn kinds(
    history: &[Call],
    published: Option<&[PrivateEvent]>,
    database: Database,
    conditions: &Conditions,
) -> Vec<Kind> {
    let evidence: Evidence = BTreeMap::from([("server1".to_owned(), database)]);
    let violations = check(history, published, &evidence, conditions);
    let mut kinds: Vec<_> = violations.iter().map(|violation| violation.kind).collect();
    kinds.dedup();
    kinds
}

/// One carro reserves the posto, another is refused, and the listings agree.
pub(super) fn correct_run() -> (Vec<Call>, Database) {
    let made = row("r1", "AAA0001", WINDOW, 1_005);
    let history = vec![
        reserve("r1", "AAA0001", (1_000, 1_010), shown(&made)),
        reserve("r2", "BBB0002", (1_020, 1_030), refused("posto_reservado")),
        reserve("r1", "AAA0001", (1_040, 1_050), shown(&made)),
        call(Operation::Consult, Some("r1"), (1_060, 1_070), shown(&made)),
        call(Operation::Consult, Some("r9"), (1_060, 1_070), refused("reserva_inexistente")),
        listing((1_000, 1_010), &[5, 6]),
        listing((20_500, 20_510), &[6]),
        reserve("r3", "CCC0003", (1_080, 11_080), Outcome::TimedOut),
    ];
    (history, holding(vec![made]))
}

pub(super) fn listing(times: Window, free: &[i64]) -> Call {
    call(Operation::List, None, times, Outcome::Postos { all: vec![5, 6], free: free.to_vec() })
}
