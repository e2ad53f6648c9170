//! One placa, looked for in everything that is not private while a whole flow runs.

use serde_json::{Value, json};

use super::chargers::servidor;
use crate::attack::{Guard, Tries};
use crate::harness::raw_mqtt::Received;
use crate::harness::{Answer, Program, eventually, payload};
use crate::scene::{self, Removal};

const PLACA: &str = "QWE7R89";

/// Everything that travels, as a program inside hears it.
pub(crate) async fn placa_in_a_public_topic(guard: Guard) -> Tries {
    let world = scene::broker_as_it_is().await;
    let server = servidor(&world, guard, "PublicPlaca").await;
    let gateway = world.client("cliente1").await;
    gateway.sees("server1", "online").await;
    let mut observer = world.broker.doors().insider("observer").await;
    observer.subscribe(&["#"]).await;
    let (request_ids, mut heard) = (flow(&server, &gateway).await, Vec::new());
    eventually("the last change is heard", async || {
        heard.extend(observer.drain().await.expect("a connection"));
        heard.iter().any(|message| message.topic == "pontos/9/status")
    })
    .await;
    assert!(heard.iter().any(|message| is_private(&message.topic) && names(message, PLACA)));
    let public: Vec<&Received> =
        heard.iter().filter(|message| !is_private(&message.topic)).collect();
    for kind in ["pontos/", "reservas/"] {
        assert!(public.iter().any(|message| message.topic.starts_with(kind)), "{kind}");
    }
    let mut tries = Tries::default();
    let found = |text: &str| public.iter().any(|message| names(message, text));
    tries.record("a placa", found(PLACA));
    tries.record("a request_id", request_ids.iter().any(|id| found(id)));
    tries
}

/// Everything that an outsider with any right to receive gets, by whatever it subscribes to. A
/// servidor is meant to know placas, and is left out.
pub(crate) async fn placas_heard_from_outside(guard: Guard) -> Tries {
    let line = "gateway,app read client/<id>/#";
    let world = scene::broker(
        guard,
        Removal::Line("users.sh", line, "gateway,app,carro,carregador read #"),
    )
    .await;
    let (server, gateway) = world.pair().await;
    let doors = world.broker.doors();
    let mut listeners = Vec::new();
    for user in scene::one_of_each(doors) {
        if !user.name.starts_with("servidor.") {
            let mut listener = scene::enter(doors.every_outside()[1], &user).await;
            listener.subscribe(&["#", "client/cliente1/#", "$SYS/#"]).await;
            listeners.push((user.name, listener));
        }
    }
    let request_ids = flow(&server, &gateway).await;
    let mut tries = Tries::default();
    for (name, mut listener) in listeners {
        let mut heard = Vec::new();
        let hears =
            |heard: &[Received], text: &str| heard.iter().any(|message| names(message, text));
        let all = async || {
            heard.extend(listener.drain().await.expect("a connection"));
            hears(&heard, PLACA) && request_ids.iter().any(|id| hears(&heard, id))
        };
        guard.sees(all).await;
        tries.record(format_args!("{name} hears a placa"), hears(&heard, PLACA));
        let id = request_ids.iter().any(|id| hears(&heard, id));
        tries.record(format_args!("{name} hears a request_id"), id);
    }
    tries
}

/// Commands to servidores, answers and events to clients, and what a carro reports of itself.
fn is_private(topic: &str) -> bool {
    let is_presence = topic.starts_with("server/") && topic.ends_with("/status");
    topic.starts_with("client/")
        || topic.starts_with("carros/")
        || (topic.starts_with("server/") && (!is_presence || topic.contains("/carros/")))
}

/// In its topic or payload, however it is spelled.
fn names(message: &Received, text: &str) -> bool {
    let plain = |text: &str| text.to_uppercase().replace(['-', ' '], "");
    plain(&format!("{} {}", message.topic, message.payload)).contains(&plain(text))
}

/// Reserves, refuses, charges, cancels, as a driver and as the operator, and maintains; the last change
/// is one of posto 9. Returns the request_ids.
async fn flow(server: &Program, gateway: &Program) -> Vec<String> {
    let ok = |answer: Answer| {
        assert!((200..300).contains(&answer.status), "{answer:?}");
        answer.json
    };
    let placa = json!({"placa": PLACA});
    let mut made = Vec::new();
    for posto_id in 1..=3 {
        made.push(ok(gateway.reservar(&payload(PLACA, posto_id)).await));
    }
    assert_eq!(gateway.reservar(&payload("OTH3R00", 1)).await.status, 409);
    let reserva = |number: usize| -> (&str, &Value) {
        (made[number]["request_id"].as_str().expect("an id"), &made[number]["reserva"]["id"])
    };
    ok(gateway.get(&format!("/reservas/{}?server_id=server1", reserva(0).0)).await);
    let begun = ok(server.post("/postos/1/carregamentos", &placa).await);
    let path = format!("/postos/1/carregamentos/{}", begun["id"]);
    ok(server.put(&path, &json!({"energia_fornecida": 0.0})).await);
    let cancel = format!("/reservas/{}/cancelar?server_id=server1", reserva(1).0);
    ok(gateway.post(&cancel, &json!(null)).await);
    ok(server.post(&format!("/reservas/{}/cancelar", reserva(2).1), &json!(null)).await);
    let maintenance = json!({"disponivel": false, "em_manutencao": true});
    ok(server.put("/postos/9/disponibilidade", &maintenance).await);
    made.iter().map(|made| made["request_id"].as_str().expect("an id").to_owned()).collect()
}
