//! Starts a gateway on a free port, without a broker.

use std::time::Duration;

use client::{Client, Config};
use reqwest::header::{CONTENT_TYPE, HeaderMap};
use reqwest::{Method, RequestBuilder};
use serde_json::Value;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

/// The body that the seed shows for `POST /reservar`.
pub(crate) const SEED_BODY: &str = r#"{"placa": "ABC1234", "modelo": "BYD Dolphin", "capacidade_bateria": 44.5, "nivel_bateria_atual": 22.3, "taxa_descarga": 0.19, "posto_id": 5, "server_id": "server1"}"#;

/// A running gateway.
pub(crate) struct Running {
    base: String,
    http: reqwest::Client,
    stop: oneshot::Sender<()>,
    task: JoinHandle<std::io::Result<()>>,
}

/// An HTTP answer with its whole body.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
    /// Null if the body is not JSON.
    pub(crate) json: Value,
}

impl Answer {
    /// Status and `codigo`, which is empty for a success.
    pub(crate) fn verdict(&self) -> (u16, &str) {
        (self.status, self.json["codigo"].as_str().unwrap_or_default())
    }

    /// The names of the invalid fields.
    pub(crate) fn campos(&self) -> Vec<&str> {
        let campos = self.json["campos"].as_array().map(Vec::as_slice).unwrap_or_default();
        campos.iter().filter_map(|wrong| wrong["campo"].as_str()).collect()
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().expect("a text"))
    }

    /// Checks that it is an error with this verdict, in the form that all errors have.
    pub(crate) fn assert_refused(&self, verdict: (u16, &str), shown: &str) {
        assert_eq!(self.verdict(), verdict, "{shown}: {}", self.text);
        assert_eq!(self.header("content-type"), "application/json", "{shown}");
        assert_eq!(self.json["status"], "erro", "{shown}");
        assert!(self.json["mensagem"].as_str().is_some_and(|text| !text.is_empty()), "{shown}");
        // The name of the exchange is never the id of a command.
        let request_id = self.json["request_id"].as_str().unwrap_or_default();
        assert!(!self.header("x-request-id").is_empty(), "{shown}");
        assert_ne!(self.header("x-request-id"), request_id, "{shown}");
    }
}

impl Running {
    pub(crate) async fn start() -> Self {
        Self::start_with(&[]).await
    }

    /// With some settings besides.
    pub(crate) async fn start_with(set: &[(&str, &str)]) -> Self {
        let own = |name: &str| match name {
            "MQTT_CLIENT_ID" => Some("cliente1".to_owned()),
            "HTTP_ADDR" => Some("127.0.0.1:0".to_owned()),
            "MQTT_BROKER" => Some("127.0.0.1".to_owned()),
            // No program listens on this port.
            "MQTT_PORT" => Some("1".to_owned()),
            _ => None,
        };
        let lookup = |name: &str| {
            let given = set.iter().find(|(setting, _)| *setting == name);
            given.map(|(_, value)| (*value).to_owned()).or_else(|| own(name))
        };
        let config = Config::from_lookup(&lookup).expect("a good configuration");
        let client = Client::start(config).await.expect("it starts");
        let (stop, stopped) = oneshot::channel::<()>();
        let base = format!("http://{}", client.addr());
        let task = tokio::spawn(client.run_until(async {
            let _ = stopped.await;
        }));
        let http = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none());
        Self { base, http: http.build().expect("an HTTP client"), stop, task }
    }

    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, format!("{}{path}", self.base))
    }

    /// `POST /reservar` with this body and the content type of JSON.
    pub(crate) fn reservar(&self, body: impl Into<reqwest::Body>) -> RequestBuilder {
        self.json(Method::POST, "/reservar", body)
    }

    /// A request with this body and the content type of JSON.
    pub(crate) fn json(
        &self,
        method: Method,
        path: &str,
        body: impl Into<reqwest::Body>,
    ) -> RequestBuilder {
        self.request(method, path).header(CONTENT_TYPE, "application/json").body(body)
    }

    pub(crate) async fn send(&self, request: RequestBuilder) -> Answer {
        let answer = request.send().await.expect("an answer");
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        let text = answer.text().await.expect("a whole body");
        let json = serde_json::from_str(&text).unwrap_or(Value::Null);
        Answer { status, headers, text, json }
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.send(self.request(Method::GET, path)).await
    }

    pub(crate) async fn post(&self, path: &str) -> Answer {
        self.send(self.request(Method::POST, path)).await
    }

    /// Stops it as SIGTERM does, within the time that Docker allows.
    pub(crate) async fn stop(self) {
        drop(self.stop);
        let ended = tokio::time::timeout(Duration::from_secs(5), self.task).await;
        ended.expect("it stops in time").expect("no panic").expect("an orderly end");
    }
}
