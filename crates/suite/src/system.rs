//! Starts and stops all parts in their order.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use client::Client;
use server::{AdminAccess, PostosCsv, Server};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tracing::{Instrument as _, warn};

use crate::probe::{free_postos, get, servidores_online};
use crate::settings::inherited;
use crate::{Broker, Options, SystemError};

/// Each servidor with the postos it has if its folder names no others.
const SERVERS: [(&str, &str); 2] = [
    ("server1", include_str!("../../../data/server1/postos.csv")),
    ("server2", include_str!("../../../data/server2/postos.csv")),
];
const CLIENTS: [&str; 2] = ["cliente1", "cliente2"];
/// How long the gateways may take to reach both servidores.
const READY_LIMIT: Duration = Duration::from_secs(10);
const READY_POLL: Duration = Duration::from_millis(20);
/// What a program's port for metrics is more than its HTTP port.
const METRICS_OFFSET: u16 = 2000;
/// The posto in the seed's example.
const SEED_POSTO: i64 = 5;

pub struct System {
    broker: Option<Broker>,
    broker_addr: (String, u16),
    servers: Programs,
    clients: Programs,
}

/// The servidores, or the gateways.
#[derive(Default)]
struct Programs {
    addrs: Vec<(&'static str, SocketAddr)>,
    metrics_addrs: Vec<SocketAddr>,
    tasks: JoinSet<Ended>,
    stop: CancellationToken,
}

/// A program that has ended, and how.
struct Ended {
    name: &'static str,
    outcome: io::Result<()>,
}

impl System {
    /// Starts the broker (unless one is named), the servidores and the gateways.
    pub async fn start(options: &Options) -> Result<Self, SystemError> {
        let (broker, broker_addr) = start_broker(options).await?;
        let mut system = Self {
            broker,
            broker_addr,
            servers: Programs::default(),
            clients: Programs::default(),
        };
        for ((name, sample), port) in SERVERS.into_iter().zip(&options.server_ports) {
            let addr = SocketAddr::from((options.bind, *port));
            system.start_server(name, sample, addr, options).await?;
        }
        for (name, port) in CLIENTS.into_iter().zip(&options.client_ports) {
            system.start_client(name, SocketAddr::from((options.bind, *port)), options).await?;
        }
        Ok(system)
    }

    async fn start_server(
        &mut self,
        name: &'static str,
        sample: &'static str,
        addr: SocketAddr,
        options: &Options,
    ) -> Result<(), SystemError> {
        let set = |variable: &str| (variable == "SERVER_ID").then(|| name.to_owned());
        let mut config = server::Config::from_lookup(&inherited(&set))?;
        config.database_url =
            server::DatabaseUrl::from_path(options.data.join(format!("{name}.db")));
        config.postos_csv = PostosCsv::OrSample(options.data.join(name).join("postos.csv"), sample);
        config.http_addr = addr;
        config.metrics_addr = Some(metrics_addr(addr));
        if options.is_local() {
            config.admin_access = AdminAccess::Open;
        }
        (config.mqtt_broker, config.mqtt_port) = self.broker_addr.clone();
        config.login = options.login("servidor", name);
        let span = service::program_span("server", "server_id", name);
        let server = Server::start(config).instrument(span.clone()).await;
        let server = server.map_err(|error| match error {
            server::StartError::Listen(error) => {
                SystemError::of_listener(name, "--server-ports", error)
            }
            source => SystemError::Server { name, source },
        })?;
        let stop = self.servers.stop.clone().cancelled_owned();
        self.servers.add(
            name,
            server.addr(),
            server.metrics_addr(),
            server.run_until(stop).instrument(span),
        );
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
        config.metrics_addr = Some(metrics_addr(addr));
        (config.mqtt_broker, config.mqtt_port) = self.broker_addr.clone();
        config.login = options.login("gateway", name);
        let span = service::program_span("client", "client_id", name);
        let client = Client::start(config).instrument(span.clone()).await;
        let client = client.map_err(|error| match error {
            client::StartError::Listen(error) => {
                SystemError::of_listener(name, "--client-ports", error)
            }
            source => SystemError::Client { name, source },
        })?;
        let stop = self.clients.stop.clone().cancelled_owned();
        self.clients.add(
            name,
            client.addr(),
            client.metrics_addr(),
            client.run_until(stop).instrument(span),
        );
        Ok(())
    }

    pub fn broker_addr(&self) -> (&str, u16) {
        (&self.broker_addr.0, self.broker_addr.1)
    }

    /// WebSocket address of the embedded broker.
    pub fn websocket_addr(&self) -> Option<SocketAddr> {
        self.broker.as_ref().and_then(Broker::websocket_addr)
    }

    pub fn servers(&self) -> &[(&'static str, SocketAddr)] {
        &self.servers.addrs
    }

    pub fn clients(&self) -> &[(&'static str, SocketAddr)] {
        &self.clients.addrs
    }

    /// Where each program answers `/metrics`, the servidores first.
    pub fn metrics_addrs(&self) -> impl Iterator<Item = &SocketAddr> {
        self.servers.metrics_addrs.iter().chain(&self.clients.metrics_addrs)
    }

    /// Waits until every program is ready, and every gateway sees every servidor. No request counts
    /// for `LIMITE_POR_MINUTO`, which may be one.
    pub async fn ready(&self) -> Result<(), SystemError> {
        let all_are_ready = async {
            for (_, addr) in self.servers().iter().chain(self.clients()) {
                while get(*addr, "/readyz").await.is_err() {
                    tokio::time::sleep(READY_POLL).await;
                }
            }
            for addr in &self.clients.metrics_addrs {
                while servidores_online(*addr).await < self.servers().len() {
                    tokio::time::sleep(READY_POLL).await;
                }
            }
        };
        tokio::time::timeout(READY_LIMIT, all_are_ready).await.map_err(|_| SystemError::NotReady {
            broker: format!("{}:{}", self.broker_addr.0, self.broker_addr.1),
            limit: READY_LIMIT,
        })
    }

    /// A posto of the first servidor that can be reserved now; the seed's example if it can.
    pub async fn free_posto(&self) -> i64 {
        let ids = match self.servers().first() {
            Some((_, server)) => free_postos(*server).await,
            None => Ok(Vec::new()),
        };
        let ids = ids.unwrap_or_default();
        if ids.contains(&SEED_POSTO) { SEED_POSTO } else { *ids.first().unwrap_or(&SEED_POSTO) }
    }

    /// Waits until a servidor, a gateway or the broker ends, although nobody has stopped it.
    pub async fn until_a_part_ends(&mut self) -> SystemError {
        let broker = async {
            match &mut self.broker {
                Some(broker) => broker.ended().await,
                None => std::future::pending().await,
            }
        };
        let error = tokio::select! {
            Some(Ok(ended)) = self.servers.tasks.join_next() => return ended.into(),
            Some(Ok(ended)) = self.clients.tasks.join_next() => return ended.into(),
            error = broker => error,
        };
        // Nothing is left of it to be stopped.
        self.broker = None;
        SystemError::Broker(error)
    }

    /// A servidor or gateway that has ended by now.
    pub fn ended_part(&mut self) -> Option<SystemError> {
        let ended =
            self.servers.tasks.try_join_next().or_else(|| self.clients.tasks.try_join_next());
        ended.and_then(Result::ok).map(SystemError::from)
    }

    /// Stops the gateways, then the servidores, then the broker.
    pub async fn stop(self) {
        self.clients.stop().await;
        self.servers.stop().await;
        if let Some(broker) = self.broker
            && let Err(error) = broker.stop().await
        {
            warn!(%error, "the broker did not stop cleanly");
        }
    }
}

impl Programs {
    fn add(
        &mut self,
        name: &'static str,
        addr: SocketAddr,
        metrics_addr: Option<SocketAddr>,
        run: impl Future<Output = io::Result<()>> + Send + 'static,
    ) {
        self.addrs.push((name, addr));
        self.metrics_addrs.extend(metrics_addr);
        let run = tokio::spawn(run);
        self.tasks.spawn(async move {
            // A panic is an end like others.
            let outcome = run.await.unwrap_or_else(|error| Err(io::Error::other(error)));
            Ended { name, outcome }
        });
    }

    async fn stop(mut self) {
        self.stop.cancel();
        while let Some(ended) = self.tasks.join_next().await {
            if let Ok(Ended { name, outcome: Err(error) }) = ended {
                warn!(name, %error, "did not stop cleanly");
            }
        }
    }
}

/// Figures are for this machine alone, wherever the rest listens.
fn metrics_addr(http_addr: SocketAddr) -> SocketAddr {
    let ip = match http_addr.ip() {
        ip if ip.is_loopback() => ip,
        IpAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
    };
    let port = match http_addr.port() {
        // Any free one.
        0 => 0,
        port => port.checked_add(METRICS_OFFSET).unwrap_or(0),
    };
    (ip, port).into()
}

impl From<Ended> for SystemError {
    fn from(Ended { name, outcome }: Ended) -> Self {
        Self::Ended { name, outcome }
    }
}

async fn start_broker(options: &Options) -> Result<(Option<Broker>, (String, u16)), SystemError> {
    if let Some(named) = &options.broker {
        return Ok((None, named.clone()));
    }
    let addr = |place: usize| SocketAddr::from((options.bind, options.broker_ports[place]));
    let broker = Broker::start(addr(0), Some(addr(1))).await.map_err(SystemError::of_broker)?;
    let addr = broker.addr();
    let host =
        if addr.ip().is_unspecified() { "localhost".to_owned() } else { addr.ip().to_string() };
    Ok((Some(broker), (host, addr.port())))
}
