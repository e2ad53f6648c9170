//! What is denied never comes true, wherever the disk fails.

use std::time::Duration;

use serde_json::{Value, json};

use super::disk_faults::{Action, DiskFault, DiskFaults, EDQUOT, EIO, ENOSPC, Operations};
use super::evidence;
use crate::harness::{FAILPOINTS_SERVER, PlainClient, Program, World, eventually, payload};

const KEY: &str = "one request of one driver";

pub(crate) async fn start(
    program: &'static str,
    world: &World,
    faults: &DiskFaults,
    bug: &str,
) -> Program {
    let [preload, control] = faults.environment();
    let mut set = vec![("SERVER_ID", "server1"), ("TEMPO_LIMITE_RESERVA", "3")];
    set.extend([(preload.0, preload.1.as_str()), (control.0, control.1.as_str())]);
    set.push(("SEEDED_BUG", bug));
    Program::start(program, world, &set).await
}

pub(crate) struct Setup {
    pub(crate) world: World,
    pub(crate) faults: DiskFaults,
    pub(crate) server: Program,
    pub(crate) client: Program,
}

/// A servidor whose disk can fail, and a gateway whose callers wait for `limit` seconds.
pub(crate) async fn set_up(program: &'static str, bug: &str, limit: &str) -> Setup {
    let world = World::on_mosquitto().await;
    world.seed_postos("server1", 20);
    let faults = DiskFaults::new(world.folder(), "server1");
    let server = start(program, &world, &faults, bug).await;
    let client = world.client_with("cliente1", &[("TEMPO_LIMITE_RESERVA", limit)]).await;
    client.sees("server1", "online").await;
    Setup { world, faults, server, client }
}

/// A reservation while the disk fails.
#[derive(Debug)]
struct Trial {
    status: u16,
    codigo: String,
    /// A servidor that is killed then has the reserva after its restart.
    exists: bool,
    /// How many calls failed.
    affected: i32,
}

async fn reserve_under(program: &'static str, bug: &str, fault: DiskFault) -> Trial {
    let Setup { world, faults, server, client } = set_up(program, bug, "3").await;
    assert_eq!(client.reservar(&payload("AAA0001", 1)).await.status, 200);
    faults.set(fault);
    let answer = client.reservar_once(KEY, &payload("BBB0002", 2)).await;
    let affected = faults.affected();
    server.kill().await;
    client.sees("server1", "offline").await;
    faults.clear();
    let restarted = start(program, &world, &faults, "").await;
    client.sees("server1", "online").await;
    let consulted =
        client.get(&format!("/reservas/{}?server_id=server1", request_id(&answer))).await;
    assert!(restarted.stop().await.success());
    let database = evidence::read(&world.database("server1")).await;
    assert!(database.carros.contains("AAA0001"), "what was confirmed is there");
    let exists = database.carros.contains("BBB0002");
    let expected = if exists { 200 } else { 404 };
    assert_eq!(consulted.status, expected, "the consulta settles it: {consulted:?}");
    let (status, codigo) = answer.verdict();
    Trial { status, codigo: codigo.to_owned(), exists, affected }
}

/// Checks the trial; true if the reservation was denied.
fn was_denied(trial: &Trial, fault: DiskFault) -> bool {
    let Trial { status, codigo, exists, .. } = trial;
    match (status, codigo.as_str()) {
        (200, _) => assert!(exists, "a sucesso is lost under {fault:?}"),
        (503, "servidor_indisponivel") => {
            assert!(!exists, "a denial came true under {fault:?}");
            return true;
        }
        (504, "tempo_esgotado") => {}
        _ => panic!("{trial:?} under {fault:?}"),
    }
    false
}

fn request_id(answer: &crate::harness::Answer) -> String {
    answer.json["request_id"].as_str().expect("a request_id").to_owned()
}

fn cases() -> Vec<DiskFault> {
    let mut cases = Vec::new();
    for operations in [Operations::SYNC, Operations::WRITE, Operations::ALL] {
        for (action, error) in [
            (Action::FailAfter, EIO),
            (Action::FailAfter, ENOSPC),
            (Action::FailAfter, EDQUOT),
            (Action::FailInstead, EIO),
        ] {
            for count in [Some(1), None] {
                cases.push(DiskFault { action, error, count, ..DiskFault::once(operations) });
            }
        }
    }
    cases
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs mosquitto"]
async fn a_denial_never_comes_true() {
    let mut denied = 0;
    for fault in cases() {
        let trial = reserve_under("server", "", fault).await;
        assert!(trial.affected > 0, "{fault:?} was not met");
        denied += usize::from(was_denied(&trial, fault));
    }
    assert!(denied > 5, "what can be undone is denied at once; only {denied} were");
}

/// Each write of the commit in turn, the one of its last frame included.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs mosquitto"]
async fn a_denial_never_comes_true_whichever_write_fails() {
    let mut skip = 0;
    loop {
        let fault = DiskFault { skip, ..DiskFault::once(Operations::WRITE) };
        let trial = reserve_under("server", "", fault).await;
        was_denied(&trial, fault);
        if trial.affected == 0 {
            break;
        }
        skip += 1;
    }
    assert!(skip > 4, "a commit has several frames of two writes; {skip} were met");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs mosquitto"]
async fn an_early_denial_is_noticed() {
    let fault = DiskFault::once(Operations::SYNC);
    let trial = reserve_under(FAILPOINTS_SERVER, "EarlyDenial", fault).await;
    assert_eq!((trial.status, trial.exists), (503, true), "the seeded bug shows");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs mosquitto"]
async fn a_disk_that_recovers_settles_what_was_in_doubt() {
    let Setup { world: _world, faults, server, client } = set_up("server", "", "3").await;
    faults.set(DiskFault { count: None, ..DiskFault::once(Operations::SYNC) });
    let body = payload("BBB0002", 2);
    let first = client.reservar_once(KEY, &body).await;
    assert_eq!(first.verdict(), (504, "tempo_esgotado"), "{first:?}");
    let path = format!("/reservas/{}?server_id=server1", request_id(&first));
    let consulted = client.get(&path).await;
    assert_ne!(consulted.status, 404, "it is not denied before it is certain: {consulted:?}");
    assert_eq!(server.get("/readyz").await.status, 503);
    faults.clear();
    server.ready().await;
    let consulted = client.get(&path).await;
    assert_eq!(consulted.verdict(), (404, "reserva_inexistente"), "{consulted:?}");
    // Copies of the first command are refused until its deadline.
    eventually("a new attempt succeeds", async || {
        client.reservar_once(KEY, &body).await.status == 200
    })
    .await;
    let kept = server.get("/reservas").await.json;
    assert_eq!(kept["reservas"].as_array().map(Vec::len), Some(1), "{kept}");
}

/// The cancellation is in the WAL, and can be neither synced nor erased.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs mosquitto"]
async fn a_consulta_says_nothing_that_a_restart_takes_back() {
    let Setup { world, faults, server, client } = set_up("server", "", "3").await;
    let made = client.reservar(&payload("AAA0001", 1)).await;
    let consulta = format!("/reservas/{}?server_id=server1", request_id(&made));
    let action = Action::FailInstead;
    let operations = Operations::SYNC_OR_TRUNCATE;
    faults.set(DiskFault { action, count: None, ..DiskFault::once(operations) });
    let cancel = consulta.replace('?', "/cancelar?");
    let cancelled = client.post(&cancel, &Value::Null).await;
    assert_eq!(cancelled.verdict(), (504, "tempo_esgotado"), "{cancelled:?}");
    let consulted = client.get(&consulta).await;
    assert_ne!(consulted.status, 200, "it is not known: {consulted:?}");
    for path in ["/reservas", "/reservas/1", "/postos/1/carregamentos"] {
        assert_eq!(server.get(path).await.status, 503, "{path}");
    }
    server.kill().await;
    client.sees("server1", "offline").await;
    faults.clear();
    let _restarted = start("server", &world, &faults, "").await;
    client.sees("server1", "online").await;
    let consulted = client.get(&consulta).await;
    assert_eq!(consulted.json["reserva"]["status"], "cancelada", "{consulted:?}");
}

/// A request that was decided gets its first answer, also while nothing can be written.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs mosquitto"]
async fn a_repeat_of_what_was_done_is_not_denied() {
    let Setup { world: _world, faults, server, client } = set_up("server", "", "10").await;
    let (kept, cancelled) = (payload("AAA0001", 1), payload("BBB0002", 2));
    let made = client.reservar_once("kept: a long random key", &kept).await;
    let other = client.reservar_once("cancelled: a long random key", &cancelled).await;
    let cancel = format!("/reservas/{}/cancelar?server_id=server1", request_id(&other));
    assert_eq!(client.post(&cancel, &Value::Null).await.status, 200);
    let action = Action::FailInstead;
    faults.set(DiskFault { action, count: None, ..DiskFault::once(Operations::WRITE) });
    let failed = client.reservar(&payload("CCC0003", 3)).await;
    assert_eq!(failed.verdict(), (503, "servidor_indisponivel"), "{failed:?}");
    let again = client.reservar_once("kept: a long random key", &kept).await;
    assert_eq!((again.status, &again.json), (200, &made.json));
    assert_eq!(client.post(&cancel, &Value::Null).await.status, 200);
    let cancel_kept = format!("/reservas/{}/cancelar?server_id=server1", request_id(&made));
    assert_eq!(client.post(&cancel_kept, &Value::Null).await.status, 503);
    faults.clear();
    server.ready().await;
}

/// The limit of promise 4: the decision was in time, its sync was not.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs mosquitto"]
async fn a_sync_that_outlasts_the_deadline_is_settled_by_asking() {
    let Setup { world: _world, faults, server, client } = set_up("server", "", "2").await;
    let slow = Action::Delay(Duration::from_secs(4));
    faults.set(DiskFault { action: slow, ..DiskFault::once(Operations::SYNC) });
    let answer = client.reservar_once(KEY, &payload("BBB0002", 2)).await;
    assert_eq!(answer.verdict(), (504, "tempo_esgotado"), "{answer:?}");
    let path = format!("/reservas/{}?server_id=server1", request_id(&answer));
    eventually("the consulta finds it", async || {
        let consulted = client.get(&path).await;
        assert_ne!(consulted.status, 404, "a denial came true: {consulted:?}");
        consulted.status == 200
    })
    .await;
    assert!(server.stop().await.success());
}

/// A charger says each thing once. What it says while nothing can be written counts later, in order:
/// it is broken, which the broker retains, and then it is free.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs mosquitto"]
async fn what_a_charger_says_while_the_disk_fails_is_written_later() {
    let Setup { world, faults, server, client } = set_up("server", "", "3").await;
    let topic = "pontos/7/disponibilidade";
    let mut charger = PlainClient::subscribe(&world, "charger", &[topic]).await;
    let says =
        |disponivel| json!({"server_id": "server1", "ponto_id": 7, "disponivel": disponivel});
    let action = Action::FailInstead;
    faults.set(DiskFault { action, count: None, ..DiskFault::once(Operations::WRITE) });
    charger.publish_retained(topic, says(false)).await;
    charger.publish(topic, says(true)).await;
    charger.next(topic).await;
    charger.next(topic).await;
    eventually("the messages cannot be written", async || {
        let lines = server.log_lines();
        lines.iter().any(|line| line["message"] == "a charger message was not stored")
    })
    .await;
    assert_eq!(server.get("/postos/7").await.json["carregador"], json!(null));
    faults.clear();
    eventually("the charger is heard", async || {
        server.get("/postos/7").await.json["carregador"]["disponivel"] == true
    })
    .await;
    assert!(server.stop().await.success());
    // The broker sends what it retains once more.
    let server = start("server", &world, &faults, "").await;
    client.sees("server1", "online").await;
    assert_eq!(client.reservar(&payload("AAA0001", 7)).await.status, 200, "it is free");
    assert_eq!(server.get("/postos/7").await.json["carregador"]["disponivel"], true);
}
