//! The settings of a gateway, and the errors for wrong ones.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::time::Duration;

use client::Config;
use protocol::Entrega;
use service::{ConfigError, CorsOrigins, TrustedProxies};

/// Reads `MQTT_CLIENT_ID=cliente1` and these variables.
fn read(variables: &[(&str, &str)]) -> Result<Config, ConfigError> {
    Config::from_lookup(&|name| {
        let set = variables.iter().chain([&("MQTT_CLIENT_ID", "cliente1")]);
        set.clone().find(|(set, _)| *set == name).map(|(_, value)| (*value).to_owned())
    })
}

#[test]
fn only_the_id_is_required() {
    let config = read(&[]).expect("the rest has defaults");
    assert_eq!(config.client_id.as_str(), "cliente1");
    assert_eq!((config.mqtt_broker.as_str(), config.mqtt_port), ("localhost", 1883));
    assert_eq!(config.entrega, Entrega::Difusao);
    assert_eq!(config.http_addr.to_string(), "0.0.0.0:8001");
    assert_eq!(config.query_limit, Duration::from_secs(5));
    assert_eq!(config.command_limit, Duration::from_secs(10));
    assert_eq!((config.max_in_flight, config.max_streams), (4096, 1024));
    assert_eq!(config.proxies, TrustedProxies::default());

    let error = Config::from_lookup(&|_| None).expect_err("no id").to_string();
    assert_eq!(
        error,
        "MQTT_CLIENT_ID is not set; it should be 1 to 64 of A-Z a-z 0-9 _ -, for example cliente1"
    );
}

#[test]
fn everything_can_be_set() {
    let config = read(&[
        ("MQTT_CLIENT_ID", "app-SP_7"),
        ("MQTT_BROKER", "10.0.0.7"),
        ("MQTT_PORT", "18830"),
        ("MQTT_ENTREGA", "direta"),
        ("HTTP_ADDR", "[::1]:9001"),
        ("TEMPO_LIMITE_POSTOS", "2.5"),
        ("TEMPO_LIMITE_RESERVA", "3600"),
        ("MAX_REQUISICOES", "1"),
        ("MAX_EVENTOS", "65535"),
        ("CORS_ORIGENS", ""),
        ("PROXIES_CONFIAVEIS", "10.0.0.7, fd00::/8"),
    ])
    .expect("all values are valid");
    assert_eq!(config.client_id.as_str(), "app-SP_7");
    assert_eq!((config.mqtt_broker.as_str(), config.mqtt_port), ("10.0.0.7", 18830));
    assert_eq!(config.entrega, Entrega::Direta);
    assert_eq!(config.http_addr.to_string(), "[::1]:9001");
    assert_eq!(config.query_limit, Duration::from_millis(2500));
    assert_eq!(config.command_limit, Duration::from_secs(3600));
    assert_eq!((config.max_in_flight, config.max_streams), (1, 65_535));
    assert_eq!(config.cors, CorsOrigins::None);
    assert_eq!(config.proxies, "10.0.0.7,fd00::/8".parse().expect("two proxies"));
}

#[test]
fn every_variable_that_is_read_is_declared() {
    let seen = RefCell::new(BTreeSet::from(["RUST_LOG".to_owned()]));
    let lookup = |name: &str| {
        seen.borrow_mut().insert(name.to_owned());
        (name == "MQTT_CLIENT_ID").then(|| "cliente1".to_owned())
    };
    Config::from_lookup(&lookup).expect("the rest has defaults");
    let declared: BTreeSet<_> = client::SETTINGS.iter().map(|s| s.name.to_owned()).collect();
    assert_eq!(*seen.borrow(), declared);
}

#[test]
fn empty_is_the_same_as_not_set() {
    let config = read(&[("MQTT_ENTREGA", ""), ("MQTT_BROKER", " "), ("MAX_REQUISICOES", "")]);
    let config = config.expect("the defaults");
    assert_eq!((config.entrega, config.max_in_flight), (Entrega::Difusao, 4096));
    assert_eq!(config.mqtt_broker, "localhost");
    read(&[("MQTT_CLIENT_ID", "")]).expect_err("an empty id is none");
}

#[test]
fn a_wrong_value_is_named_with_what_it_should_be() {
    for (name, value, should_be) in [
        ("MQTT_CLIENT_ID", "cliente/1", "1 to 64 of A-Z a-z 0-9 _ -"),
        ("MQTT_CLIENT_ID", "#", "for example cliente1"),
        ("MQTT_BROKER", "mqtt://broker", "without scheme and port"),
        ("MQTT_BROKER", "broker:1883", "without scheme and port"),
        ("MQTT_PORT", "abc", "a port number from 1 to 65535"),
        ("MQTT_PORT", "0", "a port number from 1 to 65535"),
        ("MQTT_ENTREGA", "Direta", "difusao or direta"),
        ("MQTT_ENTREGA", "listas_em_difusao", "difusao or direta"),
        ("CORS_ORIGENS", "app.example.com", "for example https://app.example.com"),
        ("PROXIES_CONFIAVEIS", "*", "for example 10.0.0.7,172.16.0.0/12"),
        ("HTTP_ADDR", "8001", "for example 0.0.0.0:8001"),
        ("TEMPO_LIMITE_POSTOS", "5s", "a number of seconds"),
        ("TEMPO_LIMITE_POSTOS", "-1", "from 2"),
        ("TEMPO_LIMITE_RESERVA", "3601", "to 3600"),
        ("TEMPO_LIMITE_RESERVA", "NaN", "a number of seconds"),
        ("MAX_REQUISICOES", "0", "from 1 to 65535"),
        ("MAX_REQUISICOES", "muitas", "a number of requests"),
        ("MAX_EVENTOS", "0", "a number of streams from 1 to 65535"),
    ] {
        let error = read(&[(name, value)]).expect_err(value).to_string();
        assert!(error.starts_with(&format!("{name} is {value:?}; ")), "{error}");
        assert!(error.contains(should_be), "{error}");
        assert_eq!(error.lines().count(), 1, "{error}");
    }
}
