//! The text printed once the system runs: what listens where, and what to try.

use std::fmt;
use std::net::SocketAddr;

use crate::{Options, System};

pub struct Screen {
    broker: (String, u16),
    websocket: Option<SocketAddr>,
    servers: Vec<(&'static str, SocketAddr)>,
    clients: Vec<(&'static str, SocketAddr)>,
    data: String,
    free_posto: i64,
}

impl Screen {
    /// `free_posto` is a posto of the first servidor that can be reserved.
    pub fn new(system: &System, options: &Options, free_posto: i64) -> Self {
        let (host, port) = system.broker_addr();
        Self {
            broker: (host.to_owned(), port),
            websocket: system.websocket_addr(),
            servers: system.servers().to_vec(),
            clients: system.clients().to_vec(),
            data: options.data.display().to_string(),
            free_posto,
        }
    }
}

impl fmt::Display for Screen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (host, port) = &self.broker;
        writeln!(f, "\nPostos de carregamento: everything is running. Ctrl-C stops it.\n")?;
        write!(f, "  {:9} mqtt://{host}:{port}", "broker")?;
        if let Some(websocket) = self.websocket {
            write!(f, "   ws://{websocket}/mqtt")?;
        }
        writeln!(f)?;
        for (name, addr) in &self.servers {
            writeln!(f, "  {name:9} http://{addr}   database {}/{name}.db", self.data)?;
        }
        for (name, addr) in &self.clients {
            writeln!(f, "  {name:9} http://{addr}")?;
        }
        let Some((_, client)) = self.clients.first() else {
            return Ok(());
        };
        let port = client.port();
        let posto = self.free_posto;
        writeln!(f, "\nTry next:\n")?;
        writeln!(f, "  http://localhost:{port}/docs\n")?;
        writeln!(f, "  curl 'http://localhost:{port}/postos?server_id=server1'\n")?;
        writeln!(
            f,
            "  curl -X POST http://localhost:{port}/reservar -H 'Content-Type: application/json' \
             -d '{{\"placa\": \"ABC1234\", \"modelo\": \"BYD Dolphin\", \"capacidade_bateria\": 44.5, \
             \"nivel_bateria_atual\": 22.3, \"taxa_descarga\": 0.19, \"posto_id\": {posto}, \
             \"server_id\": \"server1\"}}'\n"
        )
    }
}
