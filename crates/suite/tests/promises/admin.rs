//! Calls of the admin API of a servidor: by chargers, and by the operator.

use std::sync::Arc;
use std::time::Duration;

use fastrand::Rng;
use reqwest::Method;
use serde_json::{Value, json};

use super::cluster::{Cluster, Node};
use super::drivers::Driver;
use super::gateway_calls::read_answer;
use super::history::{Call, Operation, Outcome, now};

/// How often an operation whose outcome is unknown is repeated: what was begun must end.
const MAX_REPEATS: usize = 100;
/// In this time a servidor has done what it will do for a caller that has no answer.
const SETTLED: Duration = Duration::from_secs(1);

/// Who calls gateways as a driver, and the admin API of one servidor after the other.
pub(crate) struct Caller {
    pub(crate) driver: Driver,
    pub(crate) cluster: Arc<Cluster>,
}

impl Caller {
    /// Makes a call until its outcome is known.
    pub(crate) async fn settle(&mut self, index: usize, operation: Operation) -> Outcome {
        for _ in 0..MAX_REPEATS {
            let outcome = self.admin(index, operation.clone()).await;
            let is_known = match &outcome {
                Some(Outcome::Refused(codigo)) => {
                    codigo != "servidor_indisponivel" && codigo != "sobrecarregado"
                }
                Some(outcome) => !outcome.is_unknown(),
                None => false,
            };
            if is_known {
                return outcome.expect("it was answered");
            }
            tokio::time::sleep(SETTLED).await;
        }
        panic!("not settled: {operation:?}")
    }

    /// One call of the admin API; `None` if it was never sent.
    async fn admin(&mut self, index: usize, operation: Operation) -> Option<Outcome> {
        let cluster = Arc::clone(&self.cluster);
        let node = &cluster.servers[index];
        let _shared = node.admin.read().await;
        let (method, path, body) = request(&operation, self.driver.random.bool());
        let started = now();
        let read = read_answer(self.send(node, method, &path, &body).await).await.ok()?;
        let ended = now() + 1;
        let outcome =
            read.map_or(Outcome::Broken, |(status, json)| Outcome::of(&operation, status, &json));
        let (server_id, answered) = (node.id.clone(), outcome.clone());
        let request_id = None;
        self.driver.workload.record(Call {
            server_id,
            started,
            ended,
            operation,
            outcome,
            request_id,
        });
        Some(answered)
    }

    pub(crate) async fn send(
        &self,
        node: &Node,
        method: Method,
        path: &str,
        body: &Value,
    ) -> reqwest::Result<reqwest::Response> {
        let request = self.driver.http.request(method, format!("{}{path}", node.url)).json(body);
        let request = match node.token.get() {
            Some(token) => request.bearer_auth(token),
            None => request,
        };
        request.send().await
    }

    pub(crate) fn random(&mut self) -> &mut Rng {
        &mut self.driver.random
    }

    pub(crate) fn random_posto(&mut self) -> i64 {
        let postos = self.driver.workload.postos;
        self.random().i64(1..=postos)
    }

    pub(crate) async fn pause(&mut self, longest: u64) {
        let pause = self.random().u64(0..longest);
        tokio::time::sleep(Duration::from_millis(pause)).await;
    }
}

/// Method, path and body of a call of the admin API.
pub(crate) fn request(operation: &Operation, in_maintenance: bool) -> (Method, String, Value) {
    match operation {
        Operation::Arrive { placa, posto_id } => {
            (Method::POST, format!("/postos/{posto_id}/carregamentos"), json!({"placa": placa}))
        }
        Operation::Leave { posto_id, session, energia } => {
            // Sessions of a test are short, whatever they are said to have taken.
            let body = json!({"energia_fornecida": *energia as f64 / 1e6, "confirmado": true});
            (Method::PUT, format!("/postos/{posto_id}/carregamentos/{session}"), body)
        }
        Operation::Serve { posto_id, in_service: true, .. } => {
            let body = json!({"disponivel": true, "em_manutencao": false});
            (Method::PUT, format!("/postos/{posto_id}/disponibilidade"), body)
        }
        Operation::Serve { posto_id, disposition, .. } => {
            let body = json!({
                "disponivel": in_maintenance, "em_manutencao": in_maintenance,
                "reservas": disposition.word()
            });
            (Method::PUT, format!("/postos/{posto_id}/disponibilidade"), body)
        }
        other => panic!("no call of the admin API: {other:?}"),
    }
}
