//! Taking postos out of service and away: what becomes of their reservas.

use domain::{
    ChargerMessage, Disposition, Kw, Localizacao, Moment, Motivo, PostoChange, Price, Rejection,
    Reserva, ReservaState, Rules, TipoConector,
};
use server::store::{
    AffectedReserva, AuditQuery, Change, ChangePosto, RecordChargerMessage, ReservaOutcome,
    ReservasQuery, SetService, WriteError,
};

use crate::support::{HOUR, START, TestStore, charger, now, reservation, set_now};

/// The postos of [`site`]; the others by distance from posto 1.
const SITE: [(i64, &str, &str, f64); 5] = [
    (1, "0,0", "CCS", 22.0),
    (3, "0,1", "CCS", 11.0),
    (4, "0,1", "Type 2", 22.0),
    (2, "0,2", "ccs", 22.0),
    (5, "0,3", "CCS", 50.0),
];

/// Five postos, of which 2 and then 5 can stand in for 1.
pub(crate) async fn site(rules: Rules) -> TestStore {
    set_now(START);
    let store = TestStore::with_rules(5, rules).await;
    for (posto_id, place, connector, power) in SITE {
        let change = PostoChange {
            localizacao: Some(Localizacao::new(place).expect("a place")),
            tipo_conector: Some(TipoConector::new(connector).expect("a connector")),
            potencia_maxima: Some(Kw::new(power).expect("power")),
            preco_kwh: Some(Price::new(if posto_id == 1 { 2.5 } else { 9.0 }).expect("a price")),
            ..PostoChange::default()
        };
        store.store.execute(ChangePosto { posto_id, change }).await.expect("a change");
    }
    store
}

pub(crate) fn out(disposition: Disposition) -> SetService {
    SetService {
        posto_id: 1,
        in_service: false,
        em_manutencao: None,
        disposition,
        until: None,
        simulate: false,
    }
}

pub(crate) fn shown(reservas: &[AffectedReserva]) -> Vec<(i64, ReservaOutcome, i64)> {
    reservas.iter().map(|reserva| (reserva.id, reserva.outcome, reserva.posto_id)).collect()
}

pub(crate) async fn reserve(
    store: &TestStore,
    request_id: &str,
    posto_id: i64,
    hours: (i64, i64),
) -> i64 {
    // Each request is of a carro of its own.
    let plate = format!("CAR{:0>4}", request_id.trim_start_matches('r'));
    let command = reservation(request_id, &plate, posto_id, Some(hours));
    store.store.execute(command).await.expect("it is free").reserva.id
}

/// A reserva as it is now.
pub(crate) async fn current(store: &TestStore, request_id: &str) -> Reserva {
    let outcome = store.store.request_outcome(request_id, None, now()).await.expect("a read");
    outcome.and_then(|outcome| outcome.current).expect("a reserva").reserva
}

/// The postos and, with its version and posto, the reservas that were published to clients.
fn published(store: &mut TestStore) -> (Vec<i64>, Vec<(String, i64, i64)>) {
    let (mut postos, mut reservas) = (Vec::new(), Vec::new());
    while let Ok(changes) = store.changes.try_recv() {
        for change in changes {
            match change {
                Change::Posto(id) => postos.push(id),
                Change::Reserva { for_client: None, .. } => {}
                Change::Reserva { for_client: Some((client_id, reserva)), .. } => {
                    reservas.push((client_id, reserva.posto_id, reserva.facts.versao));
                }
            }
        }
    }
    postos.sort_unstable();
    postos.dedup();
    (postos, reservas)
}

/// Everything that is stored of reservas and postos, and the length of the audit.
async fn everything(store: &TestStore) -> String {
    let query = ReservasQuery { limit: 100, ..ReservasQuery::default() };
    let reservas = store.store.reservas(&query, now()).await.expect("a read");
    let postos = store.store.operator_postos().await.expect("a read");
    let audit = AuditQuery { limit: 100, ..AuditQuery::default() };
    let audit = store.store.audit(&audit).await.expect("a read").len();
    format!("{reservas:?} {postos:?} {audit}")
}

pub(crate) fn sql(store: &TestStore, sql: &str) -> rusqlite::Result<()> {
    rusqlite::Connection::open(store.path()).expect("the file").execute_batch(sql)
}

fn charges(store: &TestStore, posto_id: i64, plate: &str) {
    let insert = format!(
        "INSERT INTO carregamentos (posto_id, placa, inicio, preco_kwh)
         VALUES ({posto_id}, '{plate}', {}, 2.5)",
        now().as_millis()
    );
    sql(store, &insert).expect("a session");
}

pub(crate) fn refusal<T: std::fmt::Debug>(outcome: Result<T, WriteError>) -> Rejection {
    match outcome {
        Err(WriteError::Rejected(rejection)) => rejection,
        other => panic!("not a refusal: {other:?}"),
    }
}

#[tokio::test]
async fn each_reserva_moves_to_the_nearest_posto_that_is_free_for_it() {
    use ReservaOutcome::Moved;
    let mut store = site(Rules::default()).await;
    let first = store.store.execute(reservation("r1", "CAR0001", 1, None)).await.expect("free");
    let (r2, r3) =
        (reserve(&store, "r2", 1, (25, 27)).await, reserve(&store, "r3", 1, (30, 40)).await);
    reserve(&store, "r4", 2, (26, 28)).await;
    published(&mut store);
    let before = everything(&store).await;
    let simulated = SetService { simulate: true, ..out(Disposition::Move) };
    let simulated = store.store.execute(simulated).await.expect("it would be done");
    assert_eq!(everything(&store).await, before, "nothing changes");
    assert_eq!(published(&mut store), (vec![], vec![]));
    assert!(store.disponivel(2).await && !simulated.posto.states.operador_disponivel);

    let moved = store.store.execute(out(Disposition::Move)).await.expect("it is done");
    assert_eq!(moved, simulated);
    assert_eq!(shown(&moved.reservas), [(1, Moved, 2), (r2, Moved, 5), (r3, Moved, 2)]);
    assert!(moved.reservas.iter().all(|reserva| reserva.client_id.as_deref() == Some("cliente1")));
    let client = |posto_id| ("cliente1".to_owned(), posto_id, 2);
    assert_eq!(published(&mut store), (vec![1, 2, 5], vec![client(2), client(5), client(2)]));
    assert!(!store.disponivel(1).await && !store.disponivel(2).await);
    // Posto 5 costs more, and has more power: what was agreed stays.
    let r2 = current(&store, "r2").await;
    assert_eq!((r2.posto_id, r2.facts.state, r2.facts.versao), (5, ReservaState::Ativa, 2));
    assert_eq!((r2.facts.preco_kwh.get(), r2.facts.motivo), (2.5, None));
    assert_eq!(r2.facts.interval.inicio().as_millis(), START + 25 * HOUR);
    let again = store.store.execute(reservation("r1", "CAR0001", 1, None)).await;
    assert_eq!(again, Ok(first), "a repeat gets the first answer");

    // What is moved holds its new posto, and no more the old one.
    let held = Rejection::PostoReservado { nome: "Ponto 2".to_owned() };
    assert_eq!(refusal(store.reserve("r5", "CAR0005", 2).await), held);
    let service = SetService { in_service: true, ..out(Disposition::Move) };
    assert_eq!(store.store.execute(service).await.expect("it is done").reservas, []);
    assert!(store.disponivel(1).await);
    store.reserve("r6", "CAR0006", 1).await.expect("it is free");
    store.cancel("r1").await.expect("it is active");
    assert!(store.disponivel(2).await);
}

#[tokio::test]
async fn what_finds_no_posto_is_kept_and_can_be_handled_later() {
    use ReservaOutcome::{Cancelled, Kept, Moved, NoPosto};
    let mut store = site(Rules::default()).await;
    for (request_id, posto_id, hours) in
        [("r1", 1, (0, 2)), ("r2", 1, (3, 4)), ("r3", 2, (1, 2)), ("r4", 5, (0, 4))]
    {
        reserve(&store, request_id, posto_id, hours).await;
    }
    published(&mut store);
    let kept = store.store.execute(out(Disposition::Keep)).await.expect("it is done");
    assert_eq!(shown(&kept.reservas), [(1, Kept, 1), (2, Kept, 1)]);
    assert_eq!(
        published(&mut store),
        (vec![1], vec![]),
        "nothing is published where nothing changed"
    );
    assert_eq!(current(&store, "r1").await.facts.versao, 1);
    // The posto is out of service already: what is asked counts.
    let moved = store.store.execute(out(Disposition::Move)).await.expect("it is done");
    assert_eq!(shown(&moved.reservas), [(1, NoPosto, 1), (2, Moved, 2)]);
    assert_eq!(current(&store, "r1").await.facts.state, ReservaState::Ativa);
    let cancelled = store.store.execute(out(Disposition::Cancel)).await.expect("it is done");
    assert_eq!(shown(&cancelled.reservas), [(1, Cancelled, 1)]);
    let r1 = current(&store, "r1").await.facts;
    assert_eq!(
        (r1.state, r1.motivo, r1.versao),
        (ReservaState::Cancelada, Some(Motivo::Manutencao), 2)
    );
    assert_eq!(r1.desde, now());
    let again = store.store.execute(out(Disposition::Cancel)).await.expect("it is done");
    assert_eq!(again.reservas, [], "it is cancelled once");
}

#[tokio::test]
async fn only_what_is_hit_is_touched() {
    let store = site(Rules::default()).await;
    for (request_id, hours) in [("r1", (0, 2)), ("r2", (3, 4)), ("r3", (5, 6))] {
        reserve(&store, request_id, 1, hours).await;
    }
    let states = async || {
        let mut states = Vec::new();
        for request_id in ["r1", "r2", "r3"] {
            states.push(current(&store, request_id).await.facts.state);
        }
        states
    };
    use ReservaState::{Ativa, Cancelada, Cumprida};
    // The charger's own fault, and what says nothing of reservas.
    let message = ChargerMessage {
        disponivel: false,
        em_manutencao: Some(true),
        retained: None,
        replayed: false,
    };
    let fault = RecordChargerMessage { source: charger(1), message };
    store.store.execute(fault).await.expect("it is written");
    let in_service = SetService { in_service: true, ..out(Disposition::Cancel) };
    assert_eq!(store.store.execute(in_service).await.expect("it is done").reservas, []);
    let change = PostoChange { in_service: Some(false), ..PostoChange::default() };
    store.store.execute(ChangePosto { posto_id: 1, change }).await.expect("it is done");
    assert_eq!(states().await, [Ativa; 3]);
    // Its carro charges there, though that is not recorded of the reserva yet.
    charges(&store, 1, "CAR0001");
    let until = Some(Moment::from_millis(START + 5 * HOUR));
    let cancelled = SetService { until, ..out(Disposition::Cancel) };
    let cancelled = store.store.execute(cancelled).await.expect("it is done");
    assert_eq!(shown(&cancelled.reservas), [(2, ReservaOutcome::Cancelled, 1)]);
    assert_eq!(states().await, [Cumprida, Cancelada, Ativa]);
    // Maintenance is out of service, too.
    let maintenance =
        SetService { in_service: true, em_manutencao: Some(true), ..out(Disposition::Cancel) };
    let cancelled = store.store.execute(maintenance).await.expect("it is done");
    assert_eq!(shown(&cancelled.reservas), [(3, ReservaOutcome::Cancelled, 1)]);
    let missing = SetService { posto_id: 99, ..out(Disposition::Move) };
    assert_eq!(
        refusal(store.store.execute(missing).await),
        Rejection::PostoInexistente { posto_id: 99, server_id: "server1".to_owned() }
    );
}

#[tokio::test]
async fn a_posto_that_is_no_use_gets_no_reserva() {
    let store = site(Rules::default()).await;
    reserve(&store, "r1", 1, (0, 2)).await;
    reserve(&store, "r2", 1, (3, 4)).await;
    // A carro charges at one, and the charger of the other is broken.
    charges(&store, 2, "CAR0009");
    let message =
        ChargerMessage { disponivel: false, em_manutencao: None, retained: None, replayed: false };
    let fault = RecordChargerMessage { source: charger(5), message };
    store.store.execute(fault).await.expect("it is written");
    let moved = store.store.execute(out(Disposition::Move)).await.expect("it is done");
    // When the session ends is unknown, so it is in the way only of what has begun.
    assert_eq!(
        shown(&moved.reservas),
        [(1, ReservaOutcome::NoPosto, 1), (2, ReservaOutcome::Moved, 2)]
    );
    // It is in the way of no reserva of the carro itself, which it fulfils.
    sql(&store, "UPDATE carregamentos SET placa = 'CAR0001', preco_kwh = 9").expect("a session");
    let moved = store.store.execute(out(Disposition::Move)).await.expect("it is done");
    assert_eq!(shown(&moved.reservas), [(1, ReservaOutcome::Moved, 2)]);
    let r1 = current(&store, "r1").await.facts;
    assert_eq!((r1.state, r1.desde, r1.versao), (ReservaState::Cumprida, now(), 2));
    let session = store.store.carregamento(2, 1).await.expect("a read").expect("a session");
    assert_eq!((session.reserva_id, session.preco_kwh.get()), (Some(1), 2.5));
}
