//! The calls of a gateway, as HTTP, and what is read of an answer.

use protocol::{KeyedCall, RequestId, Timestamp};
use serde_json::{Value, json};

use super::history::{Operation, Window};

/// No program listened, so the request was never sent.
pub(crate) struct NeverSent;

/// The status and the body of an answer; `None` if it was lost.
pub(crate) async fn read_answer(
    sent: reqwest::Result<reqwest::Response>,
) -> Result<Option<(u16, Value)>, NeverSent> {
    match sent {
        Err(error) if error.is_connect() => Err(NeverSent),
        Err(_) => Ok(None),
        Ok(answer) => {
            let status = answer.status().as_u16();
            Ok(answer.json().await.ok().map(|json| (status, json)))
        }
    }
}

/// One call of a gateway.
pub(crate) fn request(
    http: &reqwest::Client,
    gateway: &str,
    server_id: &str,
    operation: &Operation,
    key: Option<&str>,
    target: Option<&str>,
) -> reqwest::RequestBuilder {
    let target = target.unwrap_or_default();
    match operation {
        Operation::List => http.get(format!("{gateway}/postos?server_id={server_id}")),
        Operation::Consult => {
            http.get(format!("{gateway}/reservas/{target}?server_id={server_id}"))
        }
        Operation::Cancel => {
            http.post(format!("{gateway}/reservas/{target}/cancelar?server_id={server_id}"))
        }
        Operation::Change { posto_id, inicio, fim, .. } => {
            let mut body = json!({});
            if let Some(posto_id) = posto_id {
                body["posto_id"] = json!(posto_id);
            }
            for (name, moment) in [("inicio", inicio), ("fim", fim)] {
                if let Some(moment) = moment {
                    body[name] = json!(Timestamp::clamped(*moment));
                }
            }
            let url = format!("{gateway}/reservas/{target}?server_id={server_id}");
            let key = key.expect("a change has a key");
            http.patch(url).json(&body).header("Idempotency-Key", key)
        }
        Operation::Arrive { .. } | Operation::Leave { .. } | Operation::Serve { .. } => {
            panic!("no call of a gateway: {operation:?}")
        }
        Operation::Reserve { placa, posto_id, window } => {
            let body = body(server_id, placa, *posto_id, *window);
            let request = http.post(format!("{gateway}/reservar")).json(&body);
            match key {
                Some(key) => request.header("Idempotency-Key", key),
                None => request,
            }
        }
    }
}

/// The request that stands for a key.
pub(crate) fn keyed_request(call: KeyedCall, server_id: &str, key: &str) -> String {
    let server_id = server_id.parse().expect("an id");
    RequestId::from_idempotency_key(None, call, &server_id, key).as_str().to_owned()
}

fn body(server_id: &str, placa: &str, posto_id: i64, window: Option<Window>) -> Value {
    let mut body = json!({
        "placa": placa, "modelo": "BYD Dolphin", "capacidade_bateria": 44.5,
        "nivel_bateria_atual": 22.3, "taxa_descarga": 0.19,
        "posto_id": posto_id, "server_id": server_id,
    });
    if let Some((inicio, fim)) = window {
        body["inicio"] = json!(Timestamp::clamped(inicio));
        body["fim"] = json!(Timestamp::clamped(fim));
    }
    body
}
