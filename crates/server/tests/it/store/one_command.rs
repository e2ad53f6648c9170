//! The store, with one command at a time.

use std::time::Duration;

use tokio::time::Instant;

use domain::{
    KwhPerKm, Moment, NivelBateria, PostoChange, PostosFilter, Rejection, ReservaState,
    TipoConector,
};
use server::store::{
    Change, ChangePosto, CreatePosto, FinishCarregamento, RecordTelemetry, ReservasQuery,
    StartCarregamento, WriteError,
};

use crate::support::{
    HOUR, START, TestStore, cancellation, energy, jump_to, now, placa, posto, removal, reservation,
    set_now,
};

fn rejected<T: std::fmt::Debug>(outcome: Result<T, WriteError>) -> Rejection {
    match outcome {
        Err(WriteError::Rejected(rejection)) => rejection,
        other => panic!("not a refusal: {other:?}"),
    }
}

#[tokio::test]
async fn a_reserva_is_made_once_and_survives_a_restart() {
    let store = TestStore::new(2).await;
    let reserved = store.reserve("r1", "ABC1234", 1).await.expect("it is free");
    assert_eq!(reserved.nome, "Ponto 1");
    assert_eq!(reserved.reserva.facts.interval.fim().as_millis(), START + 24 * HOUR);
    let again = store.reserve("r1", "ABC1234", 1).await.expect("the first answer again");
    assert_eq!(again, reserved);
    let store = store.reopen().await;
    let after = store.reserve("r1", "ABC1234", 1).await.expect("the first answer still");
    assert_eq!(after, reserved);
    let all = store.store.reservas(&ReservasQuery { limit: 10, ..Default::default() }, now()).await;
    assert_eq!(all.expect("a listing").len(), 1);
    let repeat = rejected(store.reserve("r2", "ABC1234", 1).await);
    assert_eq!(repeat, Rejection::PostoJaReservadoParaEsteCarro { nome: "Ponto 1".to_owned() });
    let other = rejected(store.reserve("r3", "XYZ9876", 1).await);
    assert_eq!(other, Rejection::PostoReservado { nome: "Ponto 1".to_owned() });
}

#[tokio::test]
async fn a_refusal_is_repeated_after_a_restart() {
    let store = TestStore::new(1).await;
    store.reserve("r1", "ABC1234", 1).await.expect("it is free");
    let refused = rejected(store.reserve("r2", "XYZ9876", 1).await);
    let missing = rejected(store.reserve("r3", "XYZ9876", 99999).await);
    store.cancel("r1").await.expect("it is active");
    let store = store.reopen().await;
    assert_eq!(rejected(store.reserve("r2", "XYZ9876", 1).await), refused);
    assert_eq!(rejected(store.reserve("r3", "XYZ9876", 99999).await), missing);
    assert_eq!(missing.to_string(), "O posto 99999 não existe no servidor server1");
    store.reserve("r4", "XYZ9876", 1).await.expect("it is free again");
}

#[tokio::test]
async fn refusals_of_a_clock_that_ran_ahead_keep_none_behind_them() {
    const DAY: i64 = 24 * HOUR;
    // More than one sweep looks at.
    const MANY: i64 = 600;
    let store = TestStore::new(1).await;
    let ahead = START + 365 * DAY;
    store.execute_sql(&format!(
        "INSERT INTO refusals (request_id, fingerprint, decided_at, posto_id, nome, rejection)
         WITH RECURSIVE number(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM number WHERE n < {MANY})
         SELECT 'ahead-' || n, x'00', {ahead}, 1, 'Ponto 1', 'posto_reservado' FROM number"
    ));
    rejected(store.reserve("later", "XYZ9876", 99999).await);
    let count = || {
        let file = rusqlite::Connection::open(store.path()).expect("the file");
        let count = file.query_row("SELECT count(*) FROM refusals", [], |row| row.get::<_, i64>(0));
        count.expect("a number")
    };
    for (day, left) in [(29, MANY + 1), (31, MANY), (364, MANY), (396, 0)] {
        jump_to(START + day * DAY);
        for _ in 0..2 {
            store.store.sweep().await.expect("a sweep");
        }
        assert_eq!(count(), left, "after {day} days");
    }
}

#[tokio::test]
async fn a_request_id_reused_for_something_else_is_refused() {
    let store = TestStore::new(2).await;
    store.reserve("r1", "ABC1234", 1).await.expect("it is free");
    let reused = rejected(store.reserve("r1", "ABC1234", 2).await);
    assert_eq!(reused, Rejection::ChaveReutilizada);
}

#[tokio::test]
async fn a_late_command_is_not_carried_out_but_an_earlier_answer_is_repeated() {
    let store = TestStore::new(1).await;
    let mut late = reservation("r1", "ABC1234", 1, None);
    late.deadline = Instant::now() - Duration::from_millis(1);
    assert_eq!(store.store.execute(late.clone()).await, Err(WriteError::Expired));
    assert!(store.disponivel(1).await);
    let reserved = store.reserve("r1", "ABC1234", 1).await.expect("in time now");
    assert_eq!(store.store.execute(late.clone()).await, Ok(reserved));
    let cancel = cancellation("r1", late.deadline);
    assert_eq!(store.store.execute(cancel).await, Err(WriteError::Expired));
    assert!(!store.disponivel(1).await);
}

#[tokio::test]
async fn a_reserva_marked_as_ended_holds_again_when_the_clock_is_set_back() {
    let store = TestStore::new(1).await;
    store.reserve("r1", "ABC1234", 1).await.expect("it is free");
    set_now(START + 48 * HOUR);
    assert!(store.disponivel(1).await);
    store.store.sweep().await.expect("it is marked");
    set_now(START + HOUR);
    assert!(!store.disponivel(1).await, "its end has not passed");
    let asked = reservation("r2", "XYZ9876", 1, Some((2, 3)));
    let other = rejected(store.store.execute(asked).await);
    assert_eq!(other, Rejection::PostoReservado { nome: "Ponto 1".to_owned() });
    let outcome = store.store.request_outcome("r1", None, now()).await.expect("it is read");
    let state =
        outcome.and_then(|outcome| outcome.current).map(|current| current.reserva.facts.state);
    assert_eq!(state, Some(ReservaState::Ativa));
    assert_eq!(
        store.cancel("r1").await.expect("it is active").facts.state,
        ReservaState::Cancelada
    );
    store.reserve("r3", "XYZ9876", 1).await.expect("it is free again");
}

#[tokio::test]
async fn reservas_may_touch_but_not_overlap() {
    let store = TestStore::new(1).await;
    store.reserve_at("r1", "AAA1111", (2, 4)).await.expect("free");
    store.reserve_at("r2", "BBB2222", (4, 6)).await.expect("it touches");
    store.reserve_at("r3", "CCC3333", (0, 2)).await.expect("it touches");
    for (request_id, hours) in [("r4", (3, 5)), ("r5", (1, 3)), ("r6", (0, 9)), ("r7", (2, 3))] {
        rejected(store.reserve_at(request_id, "DDD4444", hours).await);
    }
}

#[tokio::test]
async fn the_end_frees_the_posto_without_any_sweep() {
    let mut store = TestStore::new(1).await;
    store.reserve_at("r1", "AAA1111", (0, 1)).await.expect("free");
    assert!(!store.disponivel(1).await);
    set_now(START + HOUR);
    assert!(store.disponivel(1).await);
    rejected(store.cancel("r1").await);
    store.reserve_at("r2", "BBB2222", (1, 2)).await.expect("free from then on");
    while store.changes.try_recv().is_ok() {}
    store.store.sweep().await.expect("a sweep");
    let changes = store.changes.recv().await.expect("the sweep reports changes");
    let ended = changes.iter().filter(|change| matches!(change, Change::Reserva { .. })).count();
    assert_eq!(ended, 1, "{changes:?}");
    store.store.sweep().await.expect("a sweep");
    assert!(store.changes.try_recv().is_err(), "an end was reported twice");
}

#[tokio::test]
async fn the_sweep_reports_a_reserva_that_begins() {
    let mut store = TestStore::new(1).await;
    store.reserve_at("r1", "AAA1111", (1, 2)).await.expect("free");
    while store.changes.try_recv().is_ok() {}
    assert!(store.disponivel(1).await);
    set_now(START + HOUR);
    store.store.sweep().await.expect("a sweep");
    assert_eq!(store.changes.recv().await, Some(vec![Change::Posto(1)]));
    assert!(!store.disponivel(1).await);
}

#[tokio::test]
async fn a_begin_while_no_servidor_ran_is_reported_at_the_next_start() {
    let store = TestStore::new(2).await;
    store.reserve_at("r1", "ABC1234", (1, 2)).await.expect("free");
    store.reserve_at("r2", "XYZ9876", (3, 4)).await.expect("free");
    let folder = store.close().await;
    jump_to(START + HOUR + 1);
    let mut store = TestStore::open(folder).await;
    for expected in [vec![1], vec![]] {
        store.store.sweep().await.expect("a sweep");
        let mut postos = Vec::new();
        while let Ok(changes) = store.changes.try_recv() {
            postos.extend(changes.into_iter().filter_map(|change| match change {
                Change::Posto(id) => Some(id),
                Change::Reserva { .. } => None,
            }));
        }
        assert_eq!(postos, expected);
    }
}

#[tokio::test]
async fn postos_are_created_changed_and_removed() {
    let store = TestStore::new(3).await;
    let id = store.store.execute(CreatePosto(posto("Novo"))).await.expect("a new posto");
    assert_eq!(id, 4);
    let off = PostoChange { in_service: Some(false), ..PostoChange::default() };
    store.store.execute(ChangePosto { posto_id: 4, change: off }).await.expect("it exists");
    let refused = rejected(store.reserve("r1", "ABC1234", 4).await);
    assert_eq!(refused, Rejection::PostoIndisponivel { nome: "Novo".to_owned() });
    store.store.execute(removal(4)).await.expect("it is not in use");
    rejected(store.store.execute(removal(4)).await);
    rejected(store.reserve("r2", "ABC1234", 4).await);
    let next = store.store.execute(CreatePosto(posto("Outro"))).await.expect("a new posto");
    assert_eq!(next, 5, "the id of a removed posto was reused");
    store.reserve("r3", "ABC1234", 1).await.expect("free");
    let in_use = rejected(store.store.execute(removal(1)).await);
    assert_eq!(in_use, Rejection::PostoComReservas { nome: "Ponto 1".to_owned() });
    let free = PostosFilter { disponivel: Some(true), ..PostosFilter::default() };
    let listing = store.store.listing().await.expect("a listing");
    let ids: Vec<i64> = listing.matching(&free).map(|posto| posto.id).collect();
    assert_eq!(ids, [2, 3, 5]);
    let ccs =
        PostosFilter { tipo_conector: TipoConector::new("ccs").ok(), ..PostosFilter::default() };
    assert_eq!(listing.matching(&ccs).count(), 4);
}

#[tokio::test]
async fn a_charging_session_holds_its_posto_and_costs_the_agreed_price() {
    let store = TestStore::new(1).await;
    let start = |plate| StartCarregamento { posto_id: 1, placa: placa(plate) };
    let finish = |id, kwh| FinishCarregamento { posto_id: 1, id, energy: energy(kwh), fim: None };
    let id = store.store.execute(start("ABC1234")).await.expect("it is free");
    assert!(!store.disponivel(1).await);
    rejected(store.store.execute(start("XYZ9876")).await);
    rejected(store.reserve("r1", "XYZ9876", 1).await);
    rejected(store.store.execute(removal(1)).await);
    let price = PostoChange { preco_kwh: domain::Price::new(9.0).ok(), ..PostoChange::default() };
    store.store.execute(ChangePosto { posto_id: 1, change: price }).await.expect("it exists");
    store.store.execute(finish(id, 10.0)).await.expect("it is open");
    store.store.execute(finish(id, 10.0)).await.expect("the same again");
    rejected(store.store.execute(finish(id, 11.0)).await);
    rejected(store.store.execute(finish(id + 1, 10.0)).await);
    let session = store.store.carregamento(1, id).await.expect("a read").expect("the session");
    assert_eq!(session.finished.map(|finished| finished.custo.get()), Some(2500));
    assert!(store.disponivel(1).await);
}

#[tokio::test]
async fn carros_are_known_from_reservas_and_updated_by_their_own_messages() {
    let store = TestStore::new(1).await;
    let report = |level: f64, charging| RecordTelemetry {
        placa: placa("ABC1234"),
        nivel_bateria: NivelBateria::new(level).expect("a level"),
        taxa_descarga: None,
        em_carregamento: charging,
    };
    store.store.execute(report(1.0, None)).await.expect("the report is accepted");
    assert_eq!(store.store.carro("ABC1234").await.expect("a read"), None);
    store.reserve("r1", "ABC1234", 1).await.expect("free");
    store.store.execute(report(30.0, Some(true))).await.expect("the report is accepted");
    store.store.execute(report(31.0, None)).await.expect("the report is accepted");
    let carro = store.store.carro("ABC1234").await.expect("a read").expect("it is known");
    assert_eq!((carro.nivel_bateria_atual, carro.em_carregamento), (31.0, true));
    assert_eq!(carro.taxa_descarga, 0.19);
    assert_eq!(store.store.carros(None, 10).await.expect("a read"), [carro]);
    // Its battery holds 44.5 kWh. That it charges is true all the same.
    let full = RecordTelemetry { taxa_descarga: KwhPerKm::new(0.3).ok(), ..report(44.5, None) };
    assert_eq!(store.store.execute(full).await, Ok(None));
    for (level, charging) in [(44.6, Some(false)), (500.0, None), (500.0, Some(true))] {
        let impossible =
            RecordTelemetry { taxa_descarga: KwhPerKm::new(0.9).ok(), ..report(level, charging) };
        let wrong = store.store.execute(impossible).await.expect("an answer").expect("impossible");
        assert_eq!(wrong.to_string(), "deve estar entre 0 e 44,5");
        let carro = store.store.carro("ABC1234").await.expect("a read").expect("it is known");
        assert_eq!((carro.nivel_bateria_atual, carro.taxa_descarga), (44.5, 0.3));
        assert_eq!(carro.em_carregamento, charging.unwrap_or(false));
    }
}

#[tokio::test]
async fn the_schema_itself_refuses_an_overlap() {
    let store = TestStore::new(1).await;
    store.reserve("r1", "ABC1234", 1).await.expect("free");
    let path = store.path();
    let folder = store.close().await;
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(path);
    let mut connection = sqlx::ConnectOptions::connect(&options).await.expect("the file opens");
    let overlap = sqlx::query(
        "INSERT INTO reservas (request_id, posto_id, placa, inicio, fim, status, created_at, updated_at)
         SELECT 'other', posto_id, placa, inicio + 1, fim + 1, 'ativa', 0, 0 FROM reservas",
    );
    let error = overlap.execute(&mut connection).await.expect_err("it overlaps");
    assert!(error.to_string().contains("overlapping"), "{error}");
    drop(folder);
}

#[tokio::test]
async fn a_closed_store_is_one_file() {
    let store = TestStore::new(1).await;
    store.reserve("r1", "ABC1234", 1).await.expect("free");
    let path = store.path();
    let _folder = store.close().await;
    let wal = path.with_extension("db-wal");
    assert!(!wal.exists(), "the WAL was left behind");
    assert!(path.exists());
}

#[tokio::test]
async fn an_ended_reserva_reads_as_ended() {
    let store = TestStore::new(1).await;
    store.reserve_at("r1", "AAA1111", (0, 1)).await.expect("free");
    let later = Moment::from_millis(START + HOUR);
    let query = |state| ReservasQuery { status: Some(state), limit: 10, ..Default::default() };
    let active = store.store.reservas(&query(ReservaState::Ativa), later).await.expect("a read");
    let ended = store.store.reservas(&query(ReservaState::Encerrada), later).await.expect("a read");
    assert_eq!((active.len(), ended.len()), (0, 1));
    assert_eq!(ended[0].facts.state, ReservaState::Encerrada);
}

#[tokio::test]
async fn a_database_that_cannot_be_written_says_so_and_recovers() {
    let store = TestStore::new(1).await;
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(store.path());
    let mut other = sqlx::ConnectOptions::connect(&options).await.expect("the file opens");
    sqlx::query("BEGIN IMMEDIATE").execute(&mut other).await.expect("the lock");
    let first = reservation("r1", "AAA1111", 1, None);
    let locked = tokio::join!(
        store.store.execute(first.clone()),
        store.reserve("r2", "BBB2222", 1),
        store.store.sweep(),
    );
    let unavailable = WriteError::Unavailable;
    let all_failed = (Err(unavailable.clone()), Err(unavailable.clone()), Err(unavailable.clone()));
    assert_eq!(locked, all_failed);
    assert!(!store.store.is_writable());
    assert!(store.disponivel(1).await, "reads still work, and nothing was half done");
    sqlx::query("ROLLBACK").execute(&mut other).await.expect("the lock is released");
    store.store.sweep().await.expect("the sweep can write again");
    assert!(store.store.is_writable());
    let copy = store.store.execute(first).await;
    assert_eq!(copy, Err(unavailable), "a copy of a failed command is not carried out");
    store.reserve("r1", "AAA1111", 1).await.expect("a new attempt succeeds");
}
