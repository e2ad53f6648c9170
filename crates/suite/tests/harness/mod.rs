//! A whole system for one test, on free ports and in its own folder.

#![allow(dead_code, unused_imports, reason = "each test binary uses only some of this")]

mod broker;
#[path = "../../../bus/tests/it/certificates.rs"]
mod certificates;
mod collector;
pub(crate) mod doors;
mod event_stream;
mod http;
mod logins;
mod mqtt;
mod mqtt5;
mod program;
pub(crate) mod raw_mqtt;
mod scrape;

use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};

pub(crate) use broker::{TestBroker, free_port};
pub(crate) use collector::{Collector, Health, Span};
pub(crate) use event_stream::{Event, EventStream};
pub(crate) use http::Answer;
pub(crate) use logins::{BrokerAccess, Login, Logins, Role};
pub(crate) use mqtt::{MARKER, PlainClient};
pub(crate) use mqtt5::Client5;
pub(crate) use program::{
    FAILPOINTS_CLIENT, FAILPOINTS_SERVER, PREVIOUS_CLIENT, PREVIOUS_SERVER, Program, login,
    path_of, run_subcommand,
};

/// Longer than any step of a healthy system takes on a busy machine.
pub(crate) const TEST_TIMEOUT: Duration = Duration::from_secs(20);

/// A broker and a folder, and the means to start programs on them.
pub(crate) struct World {
    pub(crate) broker: TestBroker,
    folder: tempfile::TempDir,
}

impl World {
    pub(crate) async fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let broker = TestBroker::start(folder.path()).await;
        Self { broker, folder }
    }

    /// On a Mosquitto that keeps its state across restarts.
    pub(crate) async fn on_mosquitto() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let broker = TestBroker::persistent_mosquitto(folder.path()).await;
        Self { broker, folder }
    }

    /// On a Mosquitto with this access, and these further lines of configuration.
    pub(crate) async fn on_mosquitto_with_access(access: BrokerAccess, extra_lines: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let broker = TestBroker::mosquitto_with_access(folder.path(), access, extra_lines).await;
        Self { broker, folder }
    }

    /// On a Mosquitto that `mosquitto/start.sh` has started.
    pub(crate) fn behind_doors(doors: doors::Doors) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        Self { broker: TestBroker::behind_doors(doors), folder }
    }

    /// The users of a broker that knows everyone by name.
    pub(crate) fn logins(&self) -> &Logins {
        self.broker.logins().expect("a broker with logins")
    }

    /// On a Mosquitto with these further lines of configuration.
    pub(crate) async fn on_mosquitto_with(extra_lines: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let broker = TestBroker::mosquitto_with(folder.path(), extra_lines).await;
        Self { broker, folder }
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn database(&self, server_id: &str) -> std::path::PathBuf {
        self.folder().join(format!("data/{server_id}.db"))
    }

    /// Writes the postos.csv for a servidor's first start: `Ponto 1` to `Ponto {count}`.
    pub(crate) fn seed_postos(&self, server_id: &str, count: usize) {
        let folder = self.folder().join("data").join(server_id);
        std::fs::create_dir_all(&folder).expect("a folder");
        let mut csv = "id,nome,latitude,longitude,status\n".to_owned();
        for id in 1..=count {
            csv.push_str(&format!("{id},Ponto {id},-23.5540,-46.6370,disponivel\n"));
        }
        std::fs::write(folder.join("postos.csv"), csv).expect("a file of postos");
    }

    /// A servidor with 20 postos, unless [`seed_postos`](Self::seed_postos) wrote others. If the
    /// broker runs, it has subscribed when this returns: what is published from then on arrives.
    pub(crate) async fn server(&self, server_id: &str) -> Program {
        let server = self.server_with(server_id, &[]).await;
        if self.broker.is_running() {
            server.ready().await;
        }
        server
    }

    pub(crate) async fn server_with(&self, server_id: &str, set: &[(&str, &str)]) -> Program {
        if !self.folder().join("data").join(server_id).exists() {
            self.seed_postos(server_id, 20);
        }
        let mut variables = vec![("SERVER_ID", server_id)];
        variables.extend_from_slice(set);
        Program::start("server", self, &variables).await
    }

    pub(crate) async fn client(&self, client_id: &str) -> Program {
        self.client_with(client_id, &[]).await
    }

    pub(crate) async fn client_with(&self, client_id: &str, set: &[(&str, &str)]) -> Program {
        let mut variables = vec![("MQTT_CLIENT_ID", client_id)];
        variables.extend_from_slice(set);
        Program::start("client", self, &variables).await
    }

    /// `server1` and `cliente1`, once the gateway sees the servidor.
    pub(crate) async fn pair(&self) -> (Program, Program) {
        self.pair_with(&[], &[]).await
    }

    /// As [`pair`](Self::pair), with settings of the servidor and of the gateway.
    pub(crate) async fn pair_with(
        &self,
        of_server: &[(&str, &str)],
        of_client: &[(&str, &str)],
    ) -> (Program, Program) {
        let (server, client) = tokio::join!(
            self.server_with("server1", of_server),
            self.client_with("cliente1", of_client)
        );
        server.ready().await;
        client.sees("server1", "online").await;
        (server, client)
    }
}

/// The seed's example of a reservation.
pub(crate) fn seed_payload() -> Value {
    json!({
        "placa": "ABC1234",
        "modelo": "BYD Dolphin",
        "capacidade_bateria": 44.5,
        "nivel_bateria_atual": 22.3,
        "taxa_descarga": 0.19,
        "posto_id": 5,
        "server_id": "server1"
    })
}

/// The seed's reservation, for another carro and posto.
pub(crate) fn payload(placa: &str, posto_id: i64) -> Value {
    let mut body = seed_payload();
    body["placa"] = json!(placa);
    body["posto_id"] = json!(posto_id);
    body
}

/// Polls a condition until it holds; panics after [`TEST_TIMEOUT`].
pub(crate) async fn eventually<F: AsyncFnMut() -> bool>(what: &str, mut holds: F) {
    let wait = async {
        while !holds().await {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    assert!(
        tokio::time::timeout(TEST_TIMEOUT, wait).await.is_ok(),
        "timed out waiting for: {what}"
    );
}
