//! A plain MQTT client as a servidor, for what a real one would not say or count.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};

use crate::harness::{PlainClient, Program, World};

const CONSULT: &str = "server/postos/reserva/consulta";
const LIST: &str = "server/postos/request";
const CONSULTED: &str = "client/cliente1/postos/reserva/consulta/response";
const LISTED: &str = "client/cliente1/postos/response";
const PUBLIC: &str = "reservas/17/status";
const PRIVATE: &str = "client/cliente1/reservas/status";
pub(crate) const PATH: &str = "/reservas/r1/eventos?server_id=server9";

/// What the servidor answers with, and how often it was asked.
pub(crate) struct Said {
    pub(crate) reserva: Value,
    pub(crate) postos: Value,
    pub(crate) consulted: usize,
    pub(crate) listed: usize,
    /// How many consultas came while others were being answered, at most.
    pub(crate) at_once: usize,
    pub(crate) delay: Duration,
}

pub(crate) struct StandIn {
    pub(crate) world: World,
    pub(crate) client: Program,
    pub(crate) operator: PlainClient,
    pub(crate) said: Arc<Mutex<Said>>,
}

pub(crate) fn reserva(versao: i64, status: &str) -> Value {
    json!({"id": 17, "posto_id": 5, "placa": "ABC1234", "inicio": "2026-11-23T12:00:00.000Z",
        "fim": "2026-11-24T12:00:00.000Z", "status": status, "versao": versao})
}

pub(crate) fn posto(id: i64, disponivel: bool) -> Value {
    json!({"id": id, "disponivel": disponivel, "em_manutencao": false})
}

fn private_event(request_id: &str, versao: i64) -> Value {
    let mut event = reserva(versao, "ativa");
    event["server_id"] = json!("server9");
    event["request_id"] = json!(request_id);
    event["timestamp"] = json!("2026-11-23T12:00:00.000Z");
    event
}

impl StandIn {
    pub(crate) async fn start(set: &[(&str, &str)]) -> Self {
        let world = World::new().await;
        let said = Arc::new(Mutex::new(Said {
            reserva: reserva(1, "ativa"),
            postos: json!([posto(5, true)]),
            consulted: 0,
            listed: 0,
            at_once: 0,
            delay: Duration::ZERO,
        }));
        let consulted = PlainClient::subscribe(&world, "server9", &[CONSULT]).await;
        let listed = PlainClient::subscribe(&world, "server9b", &[LIST]).await;
        tokio::spawn(answer_consultas(consulted, Arc::clone(&said)));
        tokio::spawn(answer_listings(listed, Arc::clone(&said)));
        let operator = PlainClient::subscribe(&world, "operator", &[]).await;
        let client = world.client_with("cliente1", set).await;
        let stand_in = Self { world, client, operator, said };
        stand_in.is("online").await;
        stand_in
    }

    pub(crate) async fn is(&self, status: &str) {
        let presence = json!({"server_id": "server9", "status": status,
            "desde": "2026-01-01T00:00:00Z", "versao": "9", "entrega": ["difusao"]});
        self.operator.publish_retained("server/server9/status", presence).await;
        self.client.sees("server9", status).await;
    }

    /// What is answered from now on.
    pub(crate) fn says(&self, reserva: Value) {
        self.said.lock().expect("no panic").reserva = reserva;
    }

    pub(crate) fn consulted(&self) -> usize {
        self.said.lock().expect("no panic").consulted
    }

    /// Waits until no more questions come; how many there were.
    pub(crate) async fn settles(&self) -> usize {
        loop {
            let before = self.consulted();
            tokio::time::sleep(Duration::from_millis(1_500)).await;
            if self.consulted() == before {
                return before;
            }
        }
    }

    pub(crate) async fn publish_public(&self, server_id: &str) {
        let event = json!({"server_id": server_id, "reserva_id": 17, "posto_id": 5,
            "status": "ativa", "timestamp": "2026-11-23T12:00:00.000Z"});
        self.operator.publish(PUBLIC, event).await;
    }

    pub(crate) async fn publish_private(&self, versao: i64) {
        self.operator.publish(PRIVATE, private_event("r1", versao)).await;
    }

    /// Events of several reservas as one message.
    pub(crate) async fn publish_private_array(&self, events: &[(&str, i64)]) {
        let events = events.iter().map(|(request_id, versao)| private_event(request_id, *versao));
        self.operator.publish(PRIVATE, Value::from_iter(events)).await;
    }

    pub(crate) async fn publish_posto(&self, id: i64, disponivel: bool) {
        let event = json!({"server_id": "server9", "ponto_id": id, "disponivel": disponivel,
            "em_manutencao": false, "timestamp": "2026-11-23T12:00:00.000Z"});
        self.operator.publish(&format!("pontos/{id}/status"), event).await;
    }
}

async fn answer_consultas(mut client: PlainClient, said: Arc<Mutex<Said>>) {
    loop {
        let asked = client.next_at_any_time(CONSULT).await;
        let (delay, reserva) = {
            let mut said = said.lock().expect("no panic");
            said.consulted += 1;
            (said.delay, said.reserva.clone())
        };
        tokio::time::sleep(delay).await;
        let waiting = client.received(CONSULT).len() + 1;
        {
            let mut said = said.lock().expect("no panic");
            said.at_once = said.at_once.max(waiting);
        }
        let id = &asked["request_id"];
        let answer = match reserva.is_null() {
            true => json!({"request_id": id, "status": "erro", "codigo": "reserva_inexistente",
                "mensagem": "x"}),
            false => {
                json!({"request_id": id, "status": "sucesso", "mensagem": "x", "reserva": reserva})
            }
        };
        client.publish(CONSULTED, answer).await;
    }
}

async fn answer_listings(mut client: PlainClient, said: Arc<Mutex<Said>>) {
    loop {
        let asked = client.next_at_any_time(LIST).await;
        let (number, postos) = {
            let mut said = said.lock().expect("no panic");
            said.listed += 1;
            (said.listed, said.postos.clone())
        };
        let answer = json!({"request_id": asked["request_id"], "versao": format!("v{number}"),
            "postos": postos});
        client.publish(LISTED, answer).await;
    }
}
