//! The two states of a posto: what its operator says and what its charger says.

use domain::{ChargerMessage, PostoChange, Rejection, ReportedService};
use server::store::{
    ChangePosto, ChargerReport, ForgetCharger, PostoRow, RecordChargerMessage, WriteError,
};

use crate::support::{START, TestStore, charger, now, removal, set_now};

const STATES: [ReportedService; 4] = [
    ReportedService { disponivel: true, em_manutencao: false },
    ReportedService { disponivel: true, em_manutencao: true },
    ReportedService { disponivel: false, em_manutencao: false },
    ReportedService { disponivel: false, em_manutencao: true },
];

fn live(state: ReportedService) -> ChargerMessage {
    let ReportedService { disponivel, em_manutencao } = state;
    ChargerMessage {
        disponivel,
        em_manutencao: Some(em_manutencao),
        retained: None,
        replayed: false,
    }
}

fn retained(state: ReportedService) -> ChargerMessage {
    let digest = [u8::from(state.disponivel) * 2 + u8::from(state.em_manutencao); 16];
    ChargerMessage { retained: Some(digest), ..live(state) }
}

fn replayed(state: ReportedService) -> ChargerMessage {
    ChargerMessage { replayed: true, ..retained(state) }
}

/// Whether it counts.
async fn receive(store: &TestStore, message: ChargerMessage) -> bool {
    let command = RecordChargerMessage { source: charger(1), message };
    store.store.execute(command).await.expect("it is written") != ChargerReport::Outdated
}

async fn posto(store: &TestStore) -> PostoRow {
    let found = store.store.postos_by_id(&[1], now()).await.expect("a read");
    let listing = store.store.listing().await.expect("a listing");
    assert_eq!(found, listing.postos, "both show the same");
    found.into_iter().next().expect("the posto")
}

async fn set_operator(store: &TestStore, state: ReportedService) {
    let change = PostoChange {
        in_service: Some(state.disponivel),
        em_manutencao: Some(state.em_manutencao),
        ..PostoChange::default()
    };
    store.store.execute(ChangePosto { posto_id: 1, change }).await.expect("it exists");
}

fn postos_version(store: &TestStore) -> i64 {
    let file = rusqlite::Connection::open(store.path()).expect("the file");
    let version = file.query_row("SELECT version FROM postos_version", [], |row| row.get(0));
    version.expect("a version")
}

#[tokio::test]
async fn a_posto_is_in_service_if_both_say_so_and_in_maintenance_if_one_does() {
    for operator in STATES {
        for charger in [None].into_iter().chain(STATES.map(Some)) {
            let store = TestStore::new(1).await;
            if let Some(charger) = charger {
                receive(&store, live(charger)).await;
            }
            set_operator(&store, operator).await;
            let in_service = operator.disponivel && charger.is_none_or(|state| state.disponivel);
            let em_manutencao =
                operator.em_manutencao || charger.is_some_and(|state| state.em_manutencao);
            let shown = posto(&store).await;
            let at = format!("{operator:?} {charger:?}");
            let expected = (in_service && !em_manutencao, em_manutencao);
            assert_eq!((shown.disponivel, shown.em_manutencao), expected, "{at}");
            let states = shown.states;
            let kept = (states.operador_disponivel, states.operador_em_manutencao);
            assert_eq!(kept, (operator.disponivel, operator.em_manutencao), "{at}");
            assert_eq!(states.carregador_disponivel, charger.map(|state| state.disponivel), "{at}");
            let nome = "Ponto 1".to_owned();
            let refusal = match (in_service, em_manutencao) {
                (_, true) => Some(Rejection::PostoEmManutencao { nome }),
                (false, false) => Some(Rejection::PostoIndisponivel { nome }),
                (true, false) => None,
            };
            let reserved = store.reserve("r1", "ABC1234", 1).await;
            assert_eq!(reserved.err(), refusal.map(WriteError::Rejected), "{at}");
        }
    }
}

#[tokio::test]
async fn what_a_charger_said_is_on_disk_and_so_is_what_the_broker_retains() {
    let [free, _, broken, _] = STATES;
    let store = TestStore::new(1).await;
    assert!(receive(&store, replayed(broken)).await, "nothing was heard before");
    assert!(!posto(&store).await.disponivel);
    assert!(receive(&store, live(free)).await);
    let store = store.reopen().await;
    assert!(!receive(&store, replayed(broken)).await, "a live message came after it");
    assert!(posto(&store).await.disponivel);
    let maintained = ReportedService { em_manutencao: true, ..broken };
    assert!(receive(&store, replayed(maintained)).await, "it was published meanwhile");
    assert!(posto(&store).await.em_manutencao);
    assert!(receive(&store, retained(free)).await, "live, whatever the broker retains");
    assert!(posto(&store).await.disponivel);
}

#[tokio::test]
async fn a_state_has_its_begin_and_an_equal_message_changes_nothing() {
    let [free, _, broken, _] = STATES;
    let mut store = TestStore::new(1).await;
    receive(&store, live(broken)).await;
    let version = postos_version(&store);
    let since = posto(&store).await.states.carregador_desde;
    assert_eq!(since, Some(START));
    while store.changes.try_recv().is_ok() {}
    set_now(START + 1000);
    for again in
        [live(broken), retained(broken), ChargerMessage { em_manutencao: None, ..live(broken) }]
    {
        receive(&store, again).await;
    }
    assert_eq!(posto(&store).await.states.carregador_desde, since);
    assert_eq!(postos_version(&store), version, "no listing is read again for it");
    assert!(store.changes.try_recv().is_err(), "nothing is announced");
    receive(&store, live(free)).await;
    assert_eq!(posto(&store).await.states.carregador_desde, Some(START + 1000));
    assert_ne!(postos_version(&store), version);
}

#[tokio::test]
async fn an_operator_can_forget_what_a_charger_said() {
    let [free, _, broken, _] = STATES;
    let store = TestStore::new(1).await;
    receive(&store, retained(broken)).await;
    store.store.execute(ForgetCharger { posto_id: 1 }).await.expect("it exists");
    assert_eq!(posto(&store).await.states.carregador_disponivel, None);
    assert!(posto(&store).await.disponivel);
    assert!(!receive(&store, replayed(broken)).await, "it is of the old charger");
    assert!(posto(&store).await.disponivel);
    receive(&store, live(free)).await;
    store.store.execute(removal(1)).await.expect("it is not in use");
    let missing = Rejection::PostoInexistente { posto_id: 1, server_id: "server1".to_owned() };
    let missing = WriteError::Rejected(missing);
    assert_eq!(store.store.execute(ForgetCharger { posto_id: 1 }).await, Err(missing.clone()));
    let message = RecordChargerMessage { source: charger(1), message: live(broken) };
    assert_eq!(store.store.execute(message).await, Err(missing));
}
