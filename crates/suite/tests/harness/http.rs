//! HTTP requests to a program.

use reqwest::Method;
use serde_json::Value;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::{Program, TEST_TIMEOUT};

/// Status 0 stands for a request that got no answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) json: Value,
}

impl Answer {
    pub(crate) async fn of(request: reqwest::RequestBuilder) -> Self {
        match request.send().await {
            Ok(answer) => {
                let status = answer.status().as_u16();
                Self { status, json: answer.json().await.unwrap_or(Value::Null) }
            }
            Err(error) => Self { status: 0, json: Value::String(causes(&error)) },
        }
    }

    /// Status and `codigo`, which is empty for a success.
    pub(crate) fn verdict(&self) -> (u16, &str) {
        (self.status, self.json["codigo"].as_str().unwrap_or_default())
    }

    pub(crate) fn request_id(&self) -> String {
        self.json["request_id"].as_str().expect("a request_id").to_owned()
    }
}

/// The message of an error with those of its causes: that of reqwest names only the address.
fn causes(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

impl Program {
    /// Sends what may be no HTTP, and waits until the program closes the connection.
    pub(crate) async fn send_raw(&self, text: &str) {
        let addr = self.url("");
        let addr = addr.strip_prefix("http://").expect("an address");
        let mut connection = TcpStream::connect(addr).await.expect("it listens");
        connection.write_all(text.as_bytes()).await.expect("it is sent");
        connection.shutdown().await.expect("it is sent");
        let mut answer = Vec::new();
        let closed = tokio::time::timeout(TEST_TIMEOUT, connection.read_to_end(&mut answer));
        // A reset closes it too.
        let _ = closed.await.expect("it is closed in time");
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        Answer::of(self.request(Method::GET, path)).await
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Answer {
        Answer::of(self.request(Method::POST, path).json(body)).await
    }

    pub(crate) async fn put(&self, path: &str, body: &Value) -> Answer {
        Answer::of(self.request(Method::PUT, path).json(body)).await
    }

    pub(crate) async fn delete(&self, path: &str) -> Answer {
        Answer::of(self.request(Method::DELETE, path)).await
    }

    pub(crate) async fn patch(&self, path: &str, body: &Value) -> Answer {
        Answer::of(self.request(Method::PATCH, path).json(body)).await
    }

    pub(crate) async fn reservar(&self, body: &Value) -> Answer {
        self.post("/reservar", body).await
    }

    pub(crate) async fn reservar_once(&self, key: &str, body: &Value) -> Answer {
        self.reservar_text(key, &body.to_string()).await
    }

    /// As [`reservar_once`](Self::reservar_once), with the body to the letter.
    pub(crate) async fn reservar_text(&self, key: &str, body: &str) -> Answer {
        let request = self.request(Method::POST, "/reservar").header("Idempotency-Key", key);
        let request = request.header("Content-Type", "application/json");
        Answer::of(request.body(body.to_owned())).await
    }
}
