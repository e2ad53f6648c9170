//! Starts and stops all parts in their order.

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use client::Client;
use protocol::ServerId;
use server::{PostosCsv, Server};
use service::Lookup;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tracing::warn;

use crate::{Broker, BrokerError, BrokerOptions, Options, http};

const SERVERS: [&str; 2] = ["server1", "server2"];
const CLIENTS: [&str; 2] = ["cliente1", "cliente2"];
/// How long the gateways may take to reach both servidores.
const READY_LIMIT: Duration = Duration::from_secs(10);
const READY_POLL: Duration = Duration::from_millis(20);
/// The posto in the seed's example.
const SEED_POSTO: i64 = 5;

/// Why the system cannot start, in one line that names the part and the option to change.
#[derive(Debug, thiserror::Error)]
pub enum SystemError {
    #[error(
        "{name} cannot start: port {port} is in use by another program; choose another with {flag}"
    )]
    PortInUse { name: &'static str, port: u16, flag: &'static str },
    #[error("broker: {0}")]
    Broker(BrokerError),
    #[error("{name}: {source}")]
    Server { name: &'static str, source: server::StartError },
    #[error("{name}: {source}")]
    Client { name: &'static str, source: client::StartError },
    #[error("{0}")]
    Config(#[from] service::ConfigError),
    #[error("the broker at {broker} did not bring servidores and gateways together in {} s", READY_LIMIT.as_secs())]
    NotReady { broker: String },
}

pub struct System {
    broker: Option<Broker>,
    broker_addr: (String, u16),
    servers: Vec<(&'static str, SocketAddr)>,
    clients: Vec<(&'static str, SocketAddr)>,
    stop_clients: CancellationToken,
    stop_servers: CancellationToken,
    client_tasks: Vec<JoinHandle<std::io::Result<()>>>,
    server_tasks: Vec<JoinHandle<std::io::Result<()>>>,
}

impl System {
    /// Starts the broker (unless one is named), the servidores and the gateways.
    pub async fn start(options: &Options) -> Result<Self, SystemError> {
        let (broker, broker_addr) = start_broker(options).await?;
        let mut system = Self {
            broker,
            broker_addr,
            servers: Vec::new(),
            clients: Vec::new(),
            stop_clients: CancellationToken::new(),
            stop_servers: CancellationToken::new(),
            client_tasks: Vec::new(),
            server_tasks: Vec::new(),
        };
        for (name, port) in SERVERS.into_iter().zip(&options.server_ports) {
            system.start_server(name, SocketAddr::from((options.bind, *port)), options).await?;
        }
        for (name, port) in CLIENTS.into_iter().zip(&options.client_ports) {
            system.start_client(name, SocketAddr::from((options.bind, *port)), options).await?;
        }
        Ok(system)
    }

    async fn start_server(
        &mut self,
        name: &'static str,
        addr: SocketAddr,
        options: &Options,
    ) -> Result<(), SystemError> {
        let set = |variable: &str| (variable == "SERVER_ID").then(|| name.to_owned());
        let mut config = server::Config::from_lookup(&inherited(&set))?;
        config.database_url =
            server::DatabaseUrl::from_path(options.data.join(format!("{name}.db")));
        config.postos_csv = PostosCsv::Default(postos_csv(&options.data, &config.server_id));
        config.http_addr = addr;
        (config.mqtt_broker, config.mqtt_port) = self.broker_addr.clone();
        let server = Server::start(config).await;
        let server = server.map_err(|source| server_error(name, source))?;
        self.servers.push((name, server.addr()));
        let stop = self.stop_servers.clone().cancelled_owned();
        self.server_tasks.push(tokio::spawn(server.run_until(stop)));
        Ok(())
    }

    async fn start_client(
        &mut self,
        name: &'static str,
        addr: SocketAddr,
        options: &Options,
    ) -> Result<(), SystemError> {
        let set = |variable: &str| match variable {
            "MQTT_CLIENT_ID" => Some(name.to_owned()),
            "MQTT_ENTREGA" => Some(options.entrega.clone()),
            _ => None,
        };
        let mut config = client::Config::from_lookup(&inherited(&set))?;
        config.http_addr = addr;
        (config.mqtt_broker, config.mqtt_port) = self.broker_addr.clone();
        let client = Client::start(config).await;
        let client = client.map_err(|source| client_error(name, source))?;
        self.clients.push((name, client.addr()));
        let stop = self.stop_clients.clone().cancelled_owned();
        self.client_tasks.push(tokio::spawn(client.run_until(stop)));
        Ok(())
    }

    /// Host and port of the broker.
    pub fn broker_addr(&self) -> (&str, u16) {
        (&self.broker_addr.0, self.broker_addr.1)
    }

    /// WebSocket address of the embedded broker.
    pub fn websocket_addr(&self) -> Option<SocketAddr> {
        self.broker.as_ref().and_then(Broker::websocket_addr)
    }

    /// Names and addresses of the servidores.
    pub fn servers(&self) -> &[(&'static str, SocketAddr)] {
        &self.servers
    }

    /// Names and addresses of the gateways.
    pub fn clients(&self) -> &[(&'static str, SocketAddr)] {
        &self.clients
    }

    /// Waits until every gateway gets answers from every servidor.
    pub async fn ready(&self) -> Result<(), SystemError> {
        let all_answer = async {
            for (_, client) in &self.clients {
                for (server_id, _) in &self.servers {
                    while http::free_postos(*client, server_id).await.is_err() {
                        tokio::time::sleep(READY_POLL).await;
                    }
                }
            }
        };
        tokio::time::timeout(READY_LIMIT, all_answer).await.map_err(|_| SystemError::NotReady {
            broker: format!("{}:{}", self.broker_addr.0, self.broker_addr.1),
        })
    }

    /// A posto of the first servidor that can be reserved now; the seed's example if it can.
    pub async fn free_posto(&self) -> i64 {
        let found = match (self.clients.first(), self.servers.first()) {
            (Some((_, client)), Some((server_id, _))) => {
                http::free_postos(*client, server_id).await
            }
            _ => Ok(Vec::new()),
        };
        let ids = found.unwrap_or_default();
        if ids.contains(&SEED_POSTO) { SEED_POSTO } else { *ids.first().unwrap_or(&SEED_POSTO) }
    }

    /// Stops the gateways, then the servidores, then the broker.
    pub async fn stop(self) {
        self.stop_clients.cancel();
        finish(CLIENTS, self.client_tasks).await;
        self.stop_servers.cancel();
        finish(SERVERS, self.server_tasks).await;
        if let Some(broker) = self.broker
            && let Err(error) = broker.stop().await
        {
            warn!(%error, "the broker did not stop cleanly");
        }
    }
}

fn in_use(source: &std::io::Error) -> bool {
    source.kind() == std::io::ErrorKind::AddrInUse
}

fn broker_error(error: BrokerError) -> SystemError {
    match error {
        BrokerError::Listen { addr, source } if in_use(&source) => {
            SystemError::PortInUse { name: "the broker", port: addr.port(), flag: "--broker-ports" }
        }
        other => SystemError::Broker(other),
    }
}

fn server_error(name: &'static str, source: server::StartError) -> SystemError {
    match source {
        server::StartError::Listen(error) if in_use(&error.source) => {
            SystemError::PortInUse { name, port: error.addr.port(), flag: "--server-ports" }
        }
        source => SystemError::Server { name, source },
    }
}

fn client_error(name: &'static str, source: client::StartError) -> SystemError {
    match source {
        client::StartError::Listen(error) if in_use(&error.source) => {
            SystemError::PortInUse { name, port: error.addr.port(), flag: "--client-ports" }
        }
        source @ client::StartError::Listen(_) => SystemError::Client { name, source },
    }
}

async fn finish(names: [&'static str; 2], tasks: Vec<JoinHandle<std::io::Result<()>>>) {
    for (name, task) in names.into_iter().zip(tasks) {
        match task.await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => warn!(name, %error, "did not stop cleanly"),
            Err(error) => warn!(name, %error, "did not stop cleanly"),
        }
    }
}

async fn start_broker(options: &Options) -> Result<(Option<Broker>, (String, u16)), SystemError> {
    if let Some(named) = &options.broker {
        return Ok((None, named.clone()));
    }
    let addr = |place: usize| SocketAddr::from((options.bind, options.broker_ports[place]));
    let broker_options = BrokerOptions { tcp: addr(0), websocket: Some(addr(1)) };
    let broker = Broker::start(broker_options).await.map_err(broker_error)?;
    let addr = broker.addr();
    let host =
        if addr.ip().is_unspecified() { "localhost".to_owned() } else { addr.ip().to_string() };
    Ok((Some(broker), (host, addr.port())))
}

/// Time limits come from the environment, as for the programs; ids, files and addresses from the
/// command line.
fn inherited<'a>(set: Lookup<'a>) -> impl Fn(&str) -> Option<String> + 'a {
    move |name| {
        set(name).or_else(|| name.starts_with("TEMPO_").then(|| std::env::var(name).ok())?)
    }
}

fn postos_csv(data: &Path, server_id: &ServerId) -> std::path::PathBuf {
    data.join(server_id.as_str()).join("postos.csv")
}
