//! Commands of others: a reserva cancelled, a command repeated.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::chargers::servidor;
use crate::attack::{Guard, Tries};
use crate::harness::payload;
use crate::harness::raw_mqtt::{Connection, Received};
use crate::scene::{self, Removal};

/// What somebody would subscribe to who wants to hear everything.
const EVERYTHING: [&str; 8] = [
    "#",
    "+/#",
    "$SYS/#",
    "$share/g/#",
    "client/cliente1/#",
    "server/#",
    "reservas/+/status",
    "pontos/+/status",
];

/// Hears everything that an app may receive while others reserve, ask and charge, and tries to cancel
/// with every text that was in it.
pub(crate) async fn cancelled_by_a_listener(guard: Guard) -> Tries {
    let line = "gateway,app read client/<id>/#";
    let removal = Removal::Line("users.sh", line, "gateway,app read client/+/#");
    let world = scene::broker(guard, removal).await;
    let (_server, gateway) = world.pair().await;
    let doors = world.broker.doors();
    let user = doors.new_user(&["app", "app1"]);
    let mut tries = Tries::default();
    for (posto_id, door) in (1..).zip(doors.every_outside()) {
        let mut attacker = scene::enter(door, &user).await;
        attacker.subscribe(&EVERYTHING).await;
        let made = gateway.reservar(&payload("ABC1234", posto_id)).await;
        assert_eq!(made.status, 200, "{made:?}");
        let path = format!("/reservas/{}?server_id=server1", made.request_id());
        let status = async || gateway.get(&path).await.json["reserva"]["status"].clone();
        assert_eq!(status().await, "ativa");
        let heard = guard
            .sees(async || {
                let mut texts = texts(&attacker.drain().await.expect("a connection"));
                texts.extend([posto_id.to_string(), "reservas".to_owned()]);
                cancel_each(&mut attacker, &texts).await;
                status().await == "cancelada"
            })
            .await;
        tries.record(format_args!("by {door:?}"), heard);
        // The next one has the place of this carro.
        let cancel = format!("/reservas/{}/cancelar?server_id=server1", made.request_id());
        assert_eq!(gateway.post(&cancel, &json!(null)).await.status, 200);
    }
    tries
}

async fn cancel_each(attacker: &mut Connection, texts: &BTreeSet<String>) {
    for (number, text) in texts.iter().enumerate() {
        let command = json!({
            "request_id": format!("attack-{number}"), "client_id": "app1", "server_id": "server1",
            "reserva_request_id": text
        });
        let command = command.to_string();
        let topics =
            ["server", "server/server1"].map(|on| format!("{on}/postos/reserva/cancelamento"));
        let messages = topics.each_ref().map(|topic| (topic.as_str(), command.as_str()));
        attacker.publish(&messages, false).await;
    }
}

/// Every text in what was received: levels of topics, and values.
fn texts(received: &[Received]) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for message in received {
        found.extend(message.topic.split('/').map(str::to_owned));
        collect(&serde_json::from_str(&message.payload).unwrap_or_default(), &mut found);
    }
    found
}

fn collect(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::String(text) => {
            found.insert(text.clone());
        }
        Value::Array(values) => values.iter().for_each(|value| collect(value, found)),
        Value::Object(fields) => fields.values().for_each(|value| collect(value, found)),
        Value::Null | Value::Bool(_) => {}
        Value::Number(number) => {
            found.insert(number.to_string());
        }
    }
}

/// A command that somebody recorded is sent again, after its reserva was cancelled.
pub(crate) async fn replayed_command(guard: Guard) -> Tries {
    let world = scene::broker_as_it_is().await;
    let server = servidor(&world, guard, "RepeatedRequest").await;
    let gateway = world.client("cliente1").await;
    gateway.sees("server1", "online").await;
    let doors = world.broker.doors();
    let user = doors.new_user(&["app", "app1"]);
    let mut recorder = doors.insider("recorder").await;
    recorder.subscribe(&["server/postos/reserva"]).await;
    let mut tries = Tries::default();
    let mut postos = 1..;
    for door in doors.every_outside() {
        for topic in ["server/postos/reserva", "server/server1/postos/reserva"] {
            let posto_id = postos.next().expect("a posto");
            let made = gateway.reservar(&payload(&format!("ABC{posto_id:04}"), posto_id)).await;
            assert_eq!(made.status, 200, "{made:?}");
            let cancel = format!("/reservas/{}/cancelar?server_id=server1", made.request_id());
            assert_eq!(gateway.post(&cancel, &json!(null)).await.status, 200);
            let recorded = recorder.drain().await.expect("a connection");
            let command = &recorded.last().expect("a command").payload;
            scene::enter(door, &user).await.publish(&[(topic, command)], false).await;
            let path = format!("/postos/{posto_id}");
            let held = async || server.get(&path).await.json["disponivel"] == false;
            tries.record(format_args!("on {topic} by {door:?}"), guard.sees(held).await);
        }
    }
    tries
}

/// Ids that are none, too long or not of the alphabet. A topic can be made of each.
fn ids_that_are_none() -> Vec<(&'static str, String)> {
    let texts = |field: &'static str, longest: usize, others: [&str; 3]| {
        let long = [longest + 1, 10_000].map(|length| "x".repeat(length));
        long.into_iter().chain(others.map(str::to_owned)).map(move |id| (field, id))
    };
    let clients = texts("client_id", 64, ["cliente1/postos", "../cliente1", "cliente1 "]);
    let requests = texts("request_id", 128, ["r 1", "requisição", "r\u{9b}31m"]);
    clients.chain(requests).collect()
}

/// A servidor would answer on topics made of them, or name them in its log.
pub(crate) async fn oversized_ids_in_commands(guard: Guard) -> Tries {
    let world = scene::broker_as_it_is().await;
    let _server = servidor(&world, guard, "AnyId").await;
    let doors = world.broker.doors();
    let user = doors.new_user(&["app", "app1"]);
    let mut observer = doors.insider("observer").await;
    observer.subscribe(&["client/#"]).await;
    let mut tries = Tries::default();
    for door in doors.every_outside() {
        for (field, id) in ids_that_are_none() {
            let mut command =
                json!({"request_id": "r1", "client_id": "app1", "server_id": "server1"});
            command[field] = json!(id);
            let command = command.to_string();
            let mut attacker = scene::enter(door, &user).await;
            attacker.publish(&[("server/postos/request", &command)], false).await;
            let answered = async || {
                let received = observer.drain().await.expect("a connection");
                let text = |message: &Received| format!("{} {}", message.topic, message.payload);
                received.iter().any(|message| text(message).contains(&id))
            };
            let through = guard.sees(answered).await;
            let short: String = id.chars().take(20).collect();
            let length = id.len();
            tries.record(format_args!("{field} {short:?}, {length} bytes, by {door:?}"), through);
        }
    }
    tries
}
