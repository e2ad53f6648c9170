//! The command line of the whole system.

use std::net::IpAddr;
use std::path::PathBuf;

use clap::Parser;
use service::{BrokerAuthorities, BrokerLogin, BrokerPassword};

/// Runs the whole system on this machine: an MQTT broker, two servidores (operators) and two
/// gateways (clientes), until Ctrl-C.
///
/// No Docker and no installed broker are needed. Data is kept between runs in the data folder; to
/// start afresh, stop it and delete the files in there whose names begin with server1.db and
/// server2.db.
#[derive(Debug, Clone, Parser)]
#[command(name = "suite", version, after_help = crate::settings::help())]
pub struct Options {
    /// Folder of the databases, and of each servidor's postos.csv if it is not to have the sample
    /// postos
    #[arg(long, default_value = "data", value_name = "FOLDER")]
    pub data: PathBuf,

    /// Address that everything listens on
    #[arg(long, default_value = "127.0.0.1", value_name = "ADDRESS")]
    pub bind: IpAddr,

    /// Ports of the embedded broker: MQTT, and MQTT over WebSocket
    #[arg(long, default_values_t = [1883, 9001], num_args = 2, value_names = ["MQTT", "WEBSOCKET"])]
    pub broker_ports: Vec<u16>,

    /// Use this broker instead of the embedded one
    #[arg(long, value_name = "HOST:PORT", value_parser = parse_broker)]
    pub broker: Option<(String, u16)>,

    /// Log in at that broker: a folder with a file for each user (servidor.server1,
    /// servidor.server2, gateway.cliente1, gateway.cliente2), which holds the password
    #[arg(long, value_name = "FOLDER", requires = "broker")]
    pub credentials: Option<PathBuf>,

    /// Speak TLS to that broker: PEM file with the certificate of its authority, or sistema
    #[arg(long, value_name = "FILE", requires = "broker")]
    pub ca_file: Option<PathBuf>,

    /// Ports of server1 and server2
    #[arg(long, default_values_t = [8000, 8003], num_args = 2, value_names = ["SERVER1", "SERVER2"])]
    pub server_ports: Vec<u16>,

    /// Ports of cliente1 and cliente2
    #[arg(long, default_values_t = [8001, 8002], num_args = 2, value_names = ["CLIENTE1", "CLIENTE2"])]
    pub client_ports: Vec<u16>,

    /// How the gateways send commands: to every servidor, as the seed does (difusao), or only to
    /// the one they are for (direta)
    #[arg(long, default_value = "difusao", value_parser = ["difusao", "direta"])]
    pub entrega: String,
}

impl Options {
    /// Whether nothing can be reached from other machines.
    pub(crate) fn is_local(&self) -> bool {
        self.bind.is_loopback()
    }

    /// What the program with this role and id logs in with.
    pub(crate) fn login(&self, role: &str, id: &str) -> BrokerLogin {
        let user = format!("{role}.{id}");
        let file = self.credentials.as_ref().map(|folder| folder.join(&user));
        let authorities = self.ca_file.as_ref().map(|file| match file.to_str() {
            Some("sistema") => BrokerAuthorities::OfSystem,
            _ => BrokerAuthorities::File(file.clone()),
        });
        BrokerLogin {
            username: file.is_some().then_some(user),
            password: file.map(BrokerPassword::File),
            authorities,
            certificate: None,
        }
    }
}

const MQTT_PORT: u16 = 1883;

/// An address of IPv6 has brackets where a port follows, as in a URL.
fn parse_broker(text: &str) -> Result<(String, u16), String> {
    if let Ok(ip) = text.trim_matches(['[', ']']).parse::<IpAddr>() {
        return Ok((ip.to_string(), MQTT_PORT));
    }
    let (host, port) = match text.rsplit_once(':') {
        Some((host, port)) => (host, port.parse().ok()),
        None => (text, Some(MQTT_PORT)),
    };
    let within_brackets = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
    let host = within_brackets.unwrap_or(host);
    let is_host = !host.is_empty() && (within_brackets.is_some() || !host.contains(':'));
    match port {
        Some(port) if is_host && port > 0 => Ok((host.to_owned(), port)),
        _ => Err("it should be HOST:PORT, for example localhost:1883 or [::1]:1883".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_well_formed_and_has_the_contracts_ports() {
        Options::command().debug_assert();
        let options = Options::parse_from(["suite"]);
        assert_eq!(options.broker_ports, [1883, 9001]);
        assert_eq!(options.server_ports, [8000, 8003]);
        assert_eq!(options.client_ports, [8001, 8002]);
    }

    /// After a crash the WAL is left, and a database without it is not made anew beside it.
    #[test]
    fn help_says_which_files_are_the_data() {
        let help = Options::command().render_long_help().to_string();
        let help = help.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(help.contains("whose names begin with server1.db and server2.db"), "{help}");
    }

    #[test]
    fn a_broker_is_a_host_and_a_port() {
        assert_eq!(parse_broker("mqtt:1884"), Ok(("mqtt".to_owned(), 1884)));
        assert_eq!(parse_broker("mqtt"), Ok(("mqtt".to_owned(), 1883)));
        for text in ["::1", "[::1]", "[::1]:1883"] {
            assert_eq!(parse_broker(text), Ok(("::1".to_owned(), 1883)), "{text}");
        }
        for text in [":1883", "mqtt:x", "mqtt:0", "mqtt:70000", "a:b:1883", "[]:1883", ""] {
            assert!(parse_broker(text).is_err(), "{text}");
        }
    }
}
