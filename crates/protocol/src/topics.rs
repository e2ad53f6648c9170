//! Every topic of the suite, built and read in this one place.
//!
//! Ids are checked when they are made, so none can contain or match another topic level.

use std::borrow::Cow;
use std::fmt;

use crate::{ClientId, ServerId};

macro_rules! commands {
    (@is_query query) => { true };
    (@is_query change) => { false };
    ($($(#[$doc:meta])* $command:ident: $kind:ident $request:literal => $response:literal,)+) => {
        /// What a client can ask of a servidor.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Command {
            $($(#[$doc])* $command,)+
        }

        impl Command {
            pub const ALL: &[Self] = &[$(Self::$command),+];

            /// Whether it changes nothing: then it may fail, or be given up, without any doubt about
            /// what was done.
            pub const fn is_query(self) -> bool {
                match self {
                    $(Self::$command => commands!(@is_query $kind),)+
                }
            }

            /// Its topic without the ids in it.
            pub const fn request_path(self) -> &'static str {
                match self {
                    $(Self::$command => $request,)+
                }
            }

            /// The topic of its answer without the ids in it.
            pub const fn response_path(self) -> &'static str {
                match self {
                    $(Self::$command => $response,)+
                }
            }
        }
    };
}

commands! {
    /// Lists postos.
    Postos: query "postos/request" => "postos/response",
    Reserva: change "postos/reserva" => "postos/reserva/response",
    Cancelamento: change "postos/reserva/cancelamento" => "postos/reserva/cancelamento/response",
    /// Asks what became of a reservation, or of a change.
    Consulta: query "postos/reserva/consulta" => "postos/reserva/consulta/response",
    /// Changes a reserva.
    Alteracao: change "postos/reserva/alteracao" => "postos/reserva/alteracao/response",
    /// Asks what a reservation would be answered.
    Estimativa: query "postos/estimativa" => "postos/estimativa/response",
}

/// As in its topic.
impl fmt::Display for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.request_path())
    }
}

impl Command {
    fn from_request_path(path: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|command| command.request_path() == path)
    }
}

/// The topic that every servidor receives.
pub fn broadcast(command: Command) -> String {
    format!("server/{}", command.request_path())
}

/// The topic that only `server_id` receives.
pub fn direct(server_id: &ServerId, command: Command) -> String {
    format!("server/{server_id}/{}", command.request_path())
}

/// The topic on which `client_id` receives answers to `command`.
pub fn response(client_id: &ClientId, command: Command) -> String {
    format!("client/{client_id}/{}", command.response_path())
}

/// The retained presence of a servidor.
pub fn presence(server_id: &ServerId) -> String {
    format!("server/{server_id}/status")
}

/// Where a servidor publishes changes of a posto.
pub fn ponto_status(posto_id: i64) -> String {
    format!("pontos/{posto_id}/status")
}

/// Where a servidor publishes changes of a reserva.
pub fn reserva_status(reserva_id: i64) -> String {
    format!("reservas/{reserva_id}/status")
}

/// Where a servidor publishes changes of a reserva for the client that made it.
pub fn client_reserva_status(client_id: &ClientId) -> String {
    format!("client/{client_id}/reservas/status")
}

/// What devices report: to every servidor, and after `server/{server_id}/` to one. Rights of a device
/// name the topic, and so its servidor.
const CARRO_STATUS: &str = "carros/+/status";
const CARRO_BATERIA: &str = "carros/+/bateria";
const CHARGER_REPORTS: &str = "pontos/+/disponibilidade";

fn both(server_id: &ServerId, report: &str) -> [String; 2] {
    [report.to_owned(), format!("server/{server_id}/{report}")]
}

/// Where the charger of a posto reports: to every servidor, or to one alone.
pub fn charger_report(posto_id: i64, server_id: Option<&ServerId>) -> String {
    let report = format!("pontos/{posto_id}/disponibilidade");
    server_id.map_or_else(|| report.clone(), |id| format!("server/{id}/{report}"))
}

/// Subscriptions of a servidor to what its senders may retain. Retained messages of any other topic
/// are ignored.
pub fn retained_reports(server_id: &ServerId) -> Vec<String> {
    both(server_id, CHARGER_REPORTS).into()
}

/// All that a servidor subscribes to.
pub fn server_subscriptions(server_id: &ServerId) -> Vec<String> {
    let commands = Command::ALL.iter().copied();
    let commands = commands.flat_map(|command| [broadcast(command), direct(server_id, command)]);
    let reports = [CARRO_STATUS, CARRO_BATERIA, CHARGER_REPORTS];
    commands.chain(reports.into_iter().flat_map(|report| both(server_id, report))).collect()
}

/// All that a gateway subscribes to.
pub fn client_subscriptions(client_id: &ClientId) -> Vec<String> {
    let answers = Command::ALL.iter().map(|command| response(client_id, *command));
    answers.chain([EVERY_PRESENCE.to_owned()]).collect()
}

/// The presence of every servidor.
pub const EVERY_PRESENCE: &str = "server/+/status";

/// Where servidores publish the changes of all postos, and of all reservas.
pub const EVERY_PONTO_STATUS: &str = "pontos/+/status";
const EVERY_RESERVA_STATUS: &str = "reservas/+/status";

/// What a gateway subscribes to while somebody listens to events: these, or a topic that one of them
/// matches.
pub fn client_on_demand(client_id: &ClientId) -> Vec<String> {
    let own = client_reserva_status(client_id);
    vec![EVERY_PONTO_STATUS.to_owned(), EVERY_RESERVA_STATUS.to_owned(), own]
}

/// What arrived at a servidor, by its topic. Placas and posto ids are unchecked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ServerInbound<'a> {
    Command {
        command: Command,
        /// Whether it came on `server/{server_id}/…`.
        direct: bool,
    },
    Report {
        report: Report<'a>,
        /// Whether it came on `server/{server_id}/…`.
        direct: bool,
    },
}

/// What a device reports about itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Report<'a> {
    /// `carros/{placa}/status`.
    CarroStatus(&'a str),
    /// `carros/{placa}/bateria`.
    CarroBateria(&'a str),
    /// `pontos/{posto_id}/disponibilidade`.
    PontoDisponibilidade(&'a str),
}

impl<'a> Report<'a> {
    fn from_topic(topic: &'a str) -> Option<Self> {
        let (root, rest) = topic.split_once('/')?;
        let (id, last) = rest.split_once('/')?;
        match (root, last) {
            ("carros", "status") => Some(Self::CarroStatus(id)),
            ("carros", "bateria") => Some(Self::CarroBateria(id)),
            ("pontos", "disponibilidade") => Some(Self::PontoDisponibilidade(id)),
            _ => None,
        }
    }
}

impl<'a> ServerInbound<'a> {
    /// Reads the topic of a message that arrived at `server_id`; `None` for any other topic.
    pub fn from_topic(topic: &'a str, server_id: &ServerId) -> Option<Self> {
        let Some(rest) = topic.strip_prefix("server/") else {
            return Some(Self::Report { report: Report::from_topic(topic)?, direct: false });
        };
        let own = rest.strip_prefix(server_id.as_str()).and_then(|tail| tail.strip_prefix('/'));
        if let Some(report) = own.and_then(Report::from_topic) {
            return Some(Self::Report { report, direct: true });
        }
        let direct = own.and_then(Command::from_request_path);
        let command = direct.or_else(|| Command::from_request_path(rest))?;
        Some(Self::Command { command, direct: direct.is_some() })
    }
}

/// The servidor whose presence a topic is; `None` for any other topic. The id is unchecked.
pub fn presence_of(topic: &str) -> Option<&str> {
    let id = topic.strip_prefix("server/")?.strip_suffix("/status")?;
    (!id.contains('/')).then_some(id)
}

/// A topic as it may be logged: without a placa.
pub fn loggable(topic: &str) -> Cow<'_, str> {
    let mut hides_next = false;
    if !topic.split('/').any(|level| level == "carros") {
        return topic.into();
    }
    let hidden = topic.split('/').map(|level| {
        let hides = std::mem::replace(&mut hides_next, level == "carros");
        if hides { "{placa}" } else { level }
    });
    hidden.collect::<Vec<_>>().join("/").into()
}

#[cfg(test)]
mod tests;
