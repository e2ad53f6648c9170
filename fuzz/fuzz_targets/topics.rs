//! Topics: the first line is an id, the second a topic that arrives. Built topics are read back,
//! and an id stays within its own level.
#![no_main]

use libfuzzer_sys::fuzz_target;
use protocol::topics::{self, Command, Report, ServerInbound};
use protocol::{ClientId, ServerId};

fuzz_target!(|data: &str| {
    let (id, topic) = data.split_once('\n').unwrap_or((data, ""));
    let Ok(server_id) = id.parse::<ServerId>() else {
        let strange = |byte: u8| !(byte.is_ascii_alphanumeric() || b"_-".contains(&byte));
        let is_strange = id.is_empty() || id.len() > 64 || id.bytes().any(strange);
        assert!(is_strange || id == "postos");
        return;
    };
    match ServerInbound::from_topic(topic, &server_id) {
        Some(ServerInbound::Command { command, direct }) => {
            let built = if direct {
                topics::direct(&server_id, command)
            } else {
                topics::broadcast(command)
            };
            assert_eq!(built, topic);
        }
        Some(ServerInbound::Report { report, direct }) => {
            let path = match report {
                Report::CarroStatus(placa) => format!("carros/{placa}/status"),
                Report::CarroBateria(placa) => format!("carros/{placa}/bateria"),
                Report::PontoDisponibilidade(id) => format!("pontos/{id}/disponibilidade"),
            };
            let built = if direct { format!("server/{server_id}/{path}") } else { path };
            assert_eq!(built, topic);
        }
        None => {}
    }
    let client_id: ClientId = id.parse().expect("a servidor's id has the form of a cliente's");
    for &command in Command::ALL {
        let response = topics::response(&client_id, command);
        assert_eq!(response.split('/').nth(1), Some(id));
        let direct = topics::direct(&server_id, command);
        let read = ServerInbound::from_topic(&direct, &server_id);
        assert_eq!(read, Some(ServerInbound::Command { command, direct: true }));
    }
    assert_eq!(topics::presence_of(&topics::presence(&server_id)), Some(id));
});
