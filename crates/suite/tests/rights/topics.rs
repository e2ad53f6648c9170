//! Every topic of the suite, of these users and of others, and the topics beside them.

use protocol::topics::{self, Command};
use protocol::{ClientId, ServerId};

/// Ids in topics: of the users of the matrix, and of nobody. `postos` is no servidor, and its topics
/// would be those of all.
const CLIENTS: [&str; 3] = ["cliente3", "app1", "outro"];
const SERVERS: [&str; 2] = ["server3", "server9"];
const PLACAS: [&str; 2] = ["ABC1234", "DEF5678"];
const POSTOS: [i64; 2] = [7, 8];

/// Those of the contract that `protocol` does not build.
const COMMANDS: [&str; 1] = ["postos/agenda"];

/// What else could be let through: a level less, an empty one, another case.
const NEIGHBOURS: &str = "server server/postos server/server3 server/status server/postos/status \
    server/postos/requestx server/postos/request/x server/postos/request/ /server/postos/request \
    server/postos/reserva/x server/postos/reserva/x/y server/postos/estimativa/x server/postos/x \
    Server/postos/request server//postos/request server//status server/server3/status/x \
    server/server3/x server/server3/x/y server/postos/postos/request server/x/server/postos/request \
    server/x/y/postos/request server/server3/postos/x server/server3/postos/reserva/x/y \
    server/postos/pontos/7/disponibilidade server/server3/pontos/7 server/server3/pontos/7/x \
    server/server3/pontos/7/disponibilidade/x server/server3/pontos/7/status \
    server/server3/carros/ABC1234 server/server3/carros/ABC1234/x/y server/carros/ABC1234/status \
    client client/cliente3 client/cliente3/x client/cliente3/x/y/z client/cliente3x/postos/response \
    client//x Client/cliente3/x x/client/cliente3/x \
    carros carros/ABC1234 carros/ABC1234/x carros/ABC1234/x/y carros/ABC12345/status carros//status \
    pontos pontos/7 pontos/status pontos/7/x pontos/7/status/x pontos//status \
    pontos/7/disponibilidade/x \
    reservas reservas/1 reservas/status reservas/1/x reservas/1/status/x \
    x x/y x/y/status / // status";

/// Topics that begin with `$`: Mosquitto's own, those of a shared subscription, others.
pub(crate) const DOLLAR: [&str; 4] =
    ["$SYS/broker/uptime", "$SYS/x", "$share/g/server/server3/status", "$x/server/postos/request"];

/// The topics of the suite, each with another level in place of each, and with further levels: what
/// a right that is too broad lets through.
pub(crate) fn with_neighbours() -> Vec<String> {
    let mut every = every();
    for topic in every.clone() {
        let levels: Vec<&str> = topic.split('/').collect();
        for index in 0..levels.len() {
            let mut other = levels.clone();
            other[index] = "other";
            every.push(other.join("/"));
        }
        every.extend([format!("{topic}/x"), format!("{topic}/x/y")]);
    }
    every.sort();
    every.dedup();
    every
}

pub(crate) fn every() -> Vec<String> {
    let mut every: Vec<String> = Vec::new();
    let servers: Vec<ServerId> = SERVERS.map(|id| id.parse().expect("an id")).to_vec();
    let clients: Vec<ClientId> = CLIENTS.map(|id| id.parse().expect("an id")).to_vec();
    for command in Command::ALL {
        every.push(topics::broadcast(*command));
        every.extend(servers.iter().map(|server| topics::direct(server, *command)));
        every.extend(clients.iter().map(|client| topics::response(client, *command)));
    }
    for path in COMMANDS {
        every.push(format!("server/{path}"));
        every.extend(SERVERS.map(|server| format!("server/{server}/{path}")));
        every.extend(CLIENTS.map(|client| format!("client/{client}/{path}/response")));
    }
    every.extend(servers.iter().map(topics::presence));
    every.extend(CLIENTS.map(|client| format!("client/{client}/reservas/status")));
    for posto in POSTOS {
        every.push(topics::ponto_status(posto));
        every.push(topics::reserva_status(posto));
        every.push(format!("pontos/{posto}/disponibilidade"));
        every.extend(SERVERS.map(|id| format!("server/{id}/pontos/{posto}/disponibilidade")));
    }
    for placa in PLACAS {
        for last in ["status", "bateria"] {
            every.push(format!("carros/{placa}/{last}"));
            every.extend(SERVERS.map(|id| format!("server/{id}/carros/{placa}/{last}")));
        }
    }
    // What this version of `protocol` subscribes to.
    let subscribed = topics::server_subscriptions(&servers[0]).into_iter();
    let subscribed = subscribed.chain(topics::client_subscriptions(&clients[0]));
    every.extend(subscribed.map(|filter| filter.replace('+', "7").replace('#', "x")));
    every.extend(NEIGHBOURS.split_whitespace().map(str::to_owned));
    every.sort();
    every.dedup();
    every
}
