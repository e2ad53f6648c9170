use super::*;

#[test]
fn every_subscription_of_a_server_is_read_back() {
    for name in ["server1", "pontos"] {
        let server: ServerId = name.parse().expect("a valid id");
        for topic in server_subscriptions(&server) {
            let topic = topic.replace('+', "5");
            let inbound = ServerInbound::from_topic(&topic, &server);
            assert!(inbound.is_some(), "{topic} is subscribed to but not read");
        }
        let topic = direct(&server, Command::Reserva);
        let inbound = ServerInbound::from_topic(&topic, &server);
        assert_eq!(
            inbound,
            Some(ServerInbound::Command { command: Command::Reserva, direct: true })
        );
        for (before, direct) in [(String::new(), false), (format!("server/{server}/"), true)] {
            for (path, report) in [
                ("pontos/5/disponibilidade", Report::PontoDisponibilidade("5")),
                ("carros/ABC1234/status", Report::CarroStatus("ABC1234")),
                ("carros/ABC1234/bateria", Report::CarroBateria("ABC1234")),
            ] {
                let topic = format!("{before}{path}");
                let inbound = ServerInbound::from_topic(&topic, &server);
                assert_eq!(inbound, Some(ServerInbound::Report { report, direct }), "{topic}");
            }
        }
    }
}

#[test]
fn topics_are_spelled_as_in_the_seed() {
    let client: ClientId = "cliente1".parse().expect("a valid id");
    let server: ServerId = "server1".parse().expect("a valid id");
    assert_eq!(broadcast(Command::Postos), "server/postos/request");
    assert_eq!(broadcast(Command::Reserva), "server/postos/reserva");
    assert_eq!(direct(&server, Command::Reserva), "server/server1/postos/reserva");
    assert_eq!(response(&client, Command::Reserva), "client/cliente1/postos/reserva/response");
    assert_eq!(response(&client, Command::Postos), "client/cliente1/postos/response");
    assert_eq!(presence(&server), "server/server1/status");
    assert_eq!(presence_of("server/server1/status"), Some("server1"));
    for other in ["server/a/b/status", "server/status", "pontos/5/status"] {
        assert_eq!(presence_of(other), None, "{other}");
    }
}

/// What comes on demand is never taken for an answer, or for a presence.
#[test]
fn topics_on_demand_are_no_subscriptions_of_a_client() {
    let client: ClientId = "cliente1".parse().expect("a valid id");
    let always = client_subscriptions(&client);
    let on_demand = client_on_demand(&client);
    assert!(on_demand.iter().all(|topic| !always.contains(topic)), "{on_demand:?}");
    assert_eq!(on_demand[0].replace('+', "5"), ponto_status(5));
    assert_eq!(on_demand[1].replace('+', "5"), reserva_status(5));
}

#[test]
fn a_placa_in_a_topic_is_not_logged() {
    for (topic, logged) in [
        ("carros/ABC1234/status", "carros/{placa}/status"),
        ("carros/ABC1234", "carros/{placa}"),
        ("server/server1/carros/ABC1234/bateria", "server/server1/carros/{placa}/bateria"),
        ("server/postos/reserva", "server/postos/reserva"),
        ("pontos/5/disponibilidade", "pontos/5/disponibilidade"),
    ] {
        assert_eq!(loggable(topic), logged);
    }
}

#[test]
fn topics_of_others_and_own_events_are_ignored() {
    let server: ServerId = "server1".parse().expect("a valid id");
    for topic in [
        "server/server2/postos/reserva",
        "pontos/5/status",
        "reservas/1/status",
        "server/server1/status",
        "carros/ABC1234/outro",
        "server/server2/pontos/5/disponibilidade",
        "server/pontos/5/disponibilidade",
        "server/server1/server1/pontos/5/disponibilidade",
        "server/server1/pontos/5/status",
        "server/server1/reservas/1/status",
        "client/cliente1/reservas/status",
        "x",
    ] {
        assert_eq!(ServerInbound::from_topic(topic, &server), None, "{topic}");
    }
}
