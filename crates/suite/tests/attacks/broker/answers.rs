//! Answers to other clients: forged, read, and given in place of another servidor.

use std::time::Duration;

use serde_json::{Value, json};

use crate::attack::{Guard, Tries};
use crate::harness::doors::Doors;
use crate::harness::raw_mqtt::Connection;
use crate::harness::{Answer, payload};
use crate::scene::{self, Removal};

const COMMANDS: &str = "server/postos/reserva";
const ANSWERS: &str = "client/cliente1/postos/reserva/response";

pub(crate) async fn forged_answer_by_gateway(guard: Guard) -> Tries {
    let line = "gateway,app write server/postos/request";
    forged_answer(guard, &["gateway", "cliente3"], line, "gateway,app write #").await
}

pub(crate) async fn forged_answer_by_app(guard: Guard) -> Tries {
    let line = "gateway,app write server/postos/request";
    forged_answer(guard, &["app", "app1"], line, "gateway,app write #").await
}

pub(crate) async fn forged_answer_by_carro(guard: Guard) -> Tries {
    forged_answer(guard, &["carro", "ABC1D23"], "carro write carros/<id>/#", "carro write #").await
}

pub(crate) async fn forged_answer_by_carregador(guard: Guard) -> Tries {
    let line = "carregador write server/<servidor>/pontos/<posto>/disponibilidade";
    forged_answer(guard, &["carregador", "server1", "7"], line, "carregador write #").await
}

/// A caller waits for a servidor that is slow, and the attacker knows even the `request_id`.
async fn forged_answer(
    guard: Guard,
    user: &[&str],
    line: &'static str,
    without: &'static str,
) -> Tries {
    let world = scene::broker(guard, Removal::Line("users.sh", line, without)).await;
    let doors = world.broker.doors();
    let user = doors.new_user(user);
    let mut silent = SilentServidor::start(doors).await;
    let gateway = world.client_with("cliente1", &[("TEMPO_LIMITE_RESERVA", waits(guard))]).await;
    gateway.sees("server1", "online").await;
    let mut tries = Tries::default();
    for door in doors.every_outside() {
        let body = payload("ABC1234", 5);
        let (answer, ()) = tokio::join!(gateway.reservar(&body), async {
            let request_id = silent.next_request_id().await;
            let mut attacker = scene::enter(door, &user).await;
            attacker.publish(&[(ANSWERS, &forged(&request_id))], false).await;
        });
        tries.record(format_args!("{} by {door:?}", user.name), is_forged(&answer));
    }
    tries
}

/// Seconds that a caller waits: for an answer that must come, longer.
fn waits(guard: Guard) -> &'static str {
    if guard.is_removed() { "20" } else { "2" }
}

fn forged(request_id: &str) -> String {
    json!({
        "request_id": request_id, "status": "erro", "codigo": "posto_reservado", "mensagem": "forged"
    })
    .to_string()
}

/// Whether the caller got the attacker's answer, and not none.
fn is_forged(answer: &Answer) -> bool {
    assert!([409, 504].contains(&answer.status), "{answer:?}");
    answer.status == 409 && answer.json["mensagem"] == "forged"
}

/// A servidor, as others see it, that never answers.
struct SilentServidor(Connection);

impl SilentServidor {
    async fn start(doors: &Doors) -> Self {
        let mut connection = doors.insider("server:server1").await;
        connection.subscribe(&[COMMANDS]).await;
        let presence = scene::presence("server1", "online", scene::SINCE);
        connection.publish(&[("server/server1/status", &presence)], true).await;
        Self(connection)
    }

    async fn next_request_id(&mut self) -> String {
        loop {
            let received = self.0.drain().await.expect("a connection");
            if let Some(message) = received.first() {
                let command: Value = serde_json::from_str(&message.payload).expect("a command");
                return command["request_id"].as_str().expect("a request_id").to_owned();
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

/// Subscriptions of a reader who does not know, or does know, what to look for.
const FILTERS: [&str; 8] = [
    "#",
    "+/#",
    "client/#",
    "client/+/postos/response",
    "client/cliente1/#",
    "client/cliente1/postos/response",
    "$share/g/#",
    "$share/g/client/cliente1/postos/response",
];

/// Everyone outside, through every listener.
pub(crate) async fn answers_of_others(guard: Guard) -> Tries {
    let line = "gateway,app read client/<id>/#";
    let without = "gateway,app,servidor,carro,carregador read client/+/#";
    let world = scene::broker(guard, Removal::Line("users.sh", line, without)).await;
    let (_server, gateway) = world.pair().await;
    let doors = world.broker.doors();
    let mut tries = Tries::default();
    for user in &scene::one_of_each(doors) {
        for door in doors.every_outside() {
            for filter in FILTERS {
                let mut reader = scene::enter(door, user).await;
                reader.subscribe(&[filter]).await;
                assert_eq!(gateway.get("/postos?server_id=server1").await.status, 200);
                let mut hears = async || {
                    let received = reader.drain().await.expect("a connection");
                    received.iter().any(|message| message.topic.starts_with("client/cliente1/"))
                };
                // The answer has left the broker: its own reader has it.
                let heard =
                    if guard.is_removed() { guard.sees(hears).await } else { hears().await };
                tries.record(format_args!("{} by {door:?} with {filter}", user.name), heard);
            }
        }
    }
    tries
}

/// The servidor of another house, through the outside door, answers for one that is slow. It has to
/// hear the command to know the `request_id`.
pub(crate) async fn answer_of_another_servidor(guard: Guard) -> Tries {
    let world = scene::broker_as_it_is().await;
    let entrega = if guard.is_removed() { "difusao" } else { "direta" };
    let set = [("MQTT_ENTREGA", entrega), ("TEMPO_LIMITE_RESERVA", waits(guard))];
    let (server, gateway) = world.pair_with(&[], &set).await;
    let doors = world.broker.doors();
    let other = doors.new_user(&["servidor", "server3"]);
    let mut tries = Tries::default();
    for door in doors.every_outside() {
        let mut attacker = scene::enter(door, &other).await;
        attacker.subscribe(&["#"]).await;
        // For less than the time after which the broker takes it for gone.
        server.freeze();
        let body = payload("ABC1234", 5);
        let (answer, ()) = tokio::join!(gateway.reservar(&body), async {
            let mut request_id = None;
            guard
                .sees(async || {
                    let received = attacker.drain().await.expect("a connection");
                    request_id = received.iter().find_map(|message| {
                        let command: Value = serde_json::from_str(&message.payload).ok()?;
                        command["request_id"].as_str().map(str::to_owned)
                    });
                    request_id.is_some()
                })
                .await;
            let guess = request_id.unwrap_or_else(|| "guess".to_owned());
            attacker.publish(&[(ANSWERS, &forged(&guess))], false).await;
        });
        server.thaw();
        tries.record(format_args!("by {door:?}"), is_forged(&answer));
    }
    tries
}

/// What is left, as `docs/security.md` says: a servidor may answer every client, so `direta` only keeps
/// it from learning what to answer.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs mosquitto"]
async fn a_servidor_that_knows_a_request_id_may_answer_it() {
    let world = scene::broker_as_it_is().await;
    let doors = world.broker.doors();
    let mut silent = SilentServidor::start(doors).await;
    let other = doors.new_user(&["servidor", "server3"]);
    let gateway = world.client("cliente1").await;
    gateway.sees("server1", "online").await;
    let body = payload("ABC1234", 5);
    let (answer, ()) = tokio::join!(gateway.reservar(&body), async {
        let request_id = silent.next_request_id().await;
        let mut attacker = scene::enter(doors.every_outside()[1], &other).await;
        attacker.publish(&[(ANSWERS, &forged(&request_id))], false).await;
    });
    assert!(is_forged(&answer), "{answer:?}");
}
