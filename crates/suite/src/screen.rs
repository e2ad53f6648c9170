//! The text printed once the system runs: what listens where, and what to try.

use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};

use crate::{Options, System};

pub struct Screen<'a> {
    pub system: &'a System,
    pub options: &'a Options,
    /// A posto of the first servidor that can be reserved.
    pub free_posto: i64,
}

impl fmt::Display for Screen<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { system, options, free_posto } = self;
        let (host, port) = system.broker_addr();
        let data = options.data.display();
        writeln!(f, "\nPostos de carregamento: everything is running. Ctrl-C stops it.\n")?;
        // As in a URL.
        let host = if host.contains(':') { format!("[{host}]") } else { host.to_owned() };
        write!(f, "  {:9} mqtt://{host}:{port}", "broker")?;
        if let Some(websocket) = system.websocket_addr() {
            write!(f, "   ws://{websocket}/mqtt")?;
        }
        writeln!(f)?;
        for (name, addr) in system.servers() {
            writeln!(f, "  {name:9} http://{addr}   database {data}/{name}.db")?;
        }
        for (name, addr) in system.clients() {
            writeln!(f, "  {name:9} http://{addr}")?;
        }
        write!(f, "  {:9}", "metrics")?;
        for addr in system.metrics_addrs() {
            write!(f, " http://{addr}/metrics")?;
        }
        writeln!(f)?;
        self.write_access(f)?;
        let (Some((_, server)), Some((_, client))) =
            (system.servers().first(), system.clients().first())
        else {
            return Ok(());
        };
        let (server, client) = (typed(*server), typed(*client));
        writeln!(f, "\nTry next:\n")?;
        writeln!(f, "  http://{client}/         the drivers' page")?;
        writeln!(f, "  http://{server}/painel   the operator's page of server1")?;
        writeln!(f, "  http://{client}/docs     the API\n")?;
        writeln!(f, "  curl 'http://{client}/postos?server_id=server1'\n")?;
        writeln!(
            f,
            "  curl -X POST http://{client}/reservar -H 'Content-Type: application/json' \
             -d '{{\"placa\": \"ABC1234\", \"modelo\": \"BYD Dolphin\", \"capacidade_bateria\": 44.5, \
             \"nivel_bateria_atual\": 22.3, \"taxa_descarga\": 0.19, \"posto_id\": {free_posto}, \
             \"server_id\": \"server1\"}}'\n"
        )
    }
}

/// An address as people type it, if `localhost` leads there.
fn typed(addr: SocketAddr) -> String {
    let is_localhost = addr.ip().is_unspecified() || addr.ip() == Ipv4Addr::LOCALHOST;
    if is_localhost { format!("localhost:{}", addr.port()) } else { addr.to_string() }
}

impl Screen<'_> {
    /// Who may use the operators' API.
    fn write_access(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.options.is_local() {
            return writeln!(
                f,
                "\nThe servidores are open: programs on this machine need no token, and pages of\n\
                 other origins are refused. With --bind they ask for tokens."
            );
        }
        writeln!(f, "\nThe servidores ask for a token (Authorization: Bearer TOKEN). It is in")?;
        for (name, _) in self.system.servers() {
            let file = self.options.data.join(format!("{name}.db.token"));
            writeln!(f, "  {name:9} {}", file.display())?;
        }
        if self.options.broker.is_none() {
            writeln!(
                f,
                "\nThe broker asks for no login: who reaches its ports from the network reads and\n\
                 sends every message, as each servidor and gateway does."
            )?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_typed_as_it_can_be_reached() {
        for (bound, shown) in [
            ("127.0.0.1:8001", "localhost:8001"),
            ("0.0.0.0:8001", "localhost:8001"),
            ("[::]:8001", "localhost:8001"),
            ("[::1]:8001", "[::1]:8001"),
            ("192.168.1.5:8001", "192.168.1.5:8001"),
        ] {
            assert_eq!(typed(bound.parse().expect("an address")), shown);
        }
    }
}
