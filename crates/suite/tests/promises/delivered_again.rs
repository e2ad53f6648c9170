//! A command that was answered as expired, or as of unknown outcome, is acknowledged: the broker does
//! not deliver it again. The clients here have no gateway, and their commands no time limit.

use std::time::Duration;

use serde_json::{Value, json};

use super::disk_faults::{Action, DiskFault, DiskFaults, Operations};
use super::failing_disk::{Setup, set_up, start};
use crate::harness::{PlainClient, Program, World, eventually};

const COMMANDS: &str = "server/postos/reserva";
const ANSWERS: &str = "client/plain/postos/reserva/response";

fn command(request_id: &str, posto_id: i64) -> Value {
    let placa = format!("AAA00{posto_id:02}");
    let carro = json!({"placa": placa, "modelo": "BYD Dolphin", "capacidade_bateria": 44.5,
        "nivel_bateria_atual": 22.3, "taxa_descarga": 0.19});
    json!({"request_id": request_id, "client_id": "plain", "server_id": "server1",
        "carro": carro, "posto_id": posto_id})
}

/// Kills the servidor as soon as its answer has arrived, which is often before it can send an
/// acknowledgement that follows the answer. Starts it again, and returns when it has carried out
/// what the broker delivers again.
async fn restarted(
    killed: Program,
    world: &World,
    faults: &DiskFaults,
    plain: &mut PlainClient,
    marker: &str,
) -> Program {
    killed.kill().await;
    faults.clear();
    let server = start("server", world, faults, "").await;
    server.ready().await;
    // What was not acknowledged the broker delivers before anything else.
    plain.publish(COMMANDS, command(marker, 99)).await;
    let answer = plain.next(ANSWERS).await;
    assert_eq!(answer["request_id"], marker, "the command is answered once: {answer}");
    assert_eq!(answer["codigo"], "posto_inexistente", "{answer}");
    server
}

async fn ids_of_postos(server: &Program) -> Vec<Value> {
    let made = server.get("/reservas").await.json;
    let reservas = made["reservas"].as_array().expect("a list");
    reservas.iter().map(|reserva| reserva["posto_id"].clone()).collect()
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs mosquitto"]
async fn a_command_of_unknown_outcome_is_not_delivered_again_after_a_restart() {
    let Setup { world, faults, mut server, client: _client } = set_up("server", "", "3").await;
    let mut plain = PlainClient::subscribe(&world, "plain", &[ANSWERS]).await;
    let action = Action::FailInstead;
    let fault = DiskFault { action, count: None, ..DiskFault::once(Operations::ALL) };
    for number in 0..10 {
        faults.set(fault);
        plain.publish(COMMANDS, command(&format!("r-{number}"), 1)).await;
        let answer = plain.next(ANSWERS).await;
        assert_eq!(answer["codigo"], "tempo_esgotado", "{answer}");
        let marker = format!("marker-{number}");
        server = restarted(server, &world, &faults, &mut plain, &marker).await;
        assert_eq!(ids_of_postos(&server).await, [json!(null); 0], "nothing was carried out");
    }
}

/// A command that has waited for longer than the servidor's own time limit.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs mosquitto"]
async fn an_expired_command_is_not_delivered_again_after_a_restart() {
    let Setup { world, faults, mut server, client: _client } = set_up("server", "", "3").await;
    let mut plain = PlainClient::subscribe(&world, "plain", &[ANSWERS]).await;
    let action = Action::Delay(Duration::from_secs(4));
    for number in 0..4 {
        faults.set(DiskFault { action, ..DiskFault::once(Operations::SYNC) });
        // The first is being synced for longer than the second may wait.
        plain.publish(COMMANDS, command(&format!("slow-{number}"), number + 2)).await;
        eventually("the first is being synced", async || faults.has_begun()).await;
        plain.publish(COMMANDS, command(&format!("late-{number}"), 1)).await;
        let slow = plain.next(ANSWERS).await;
        assert_ne!(slow["codigo"], "tempo_esgotado", "{slow}");
        let late = plain.next(ANSWERS).await;
        assert_eq!(late["codigo"], "tempo_esgotado", "{late}");
        let marker = format!("marker-{number}");
        server = restarted(server, &world, &faults, &mut plain, &marker).await;
        let postos = ids_of_postos(&server).await;
        assert!(!postos.contains(&json!(1)), "the expired command was carried out: {postos:?}");
    }
}
