//! The settings of a servidor, and the errors for wrong ones.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use domain::Rules;
use server::{Config, PostosCsv};
use service::{ConfigError, CorsOrigins};

/// Reads `SERVER_ID=server1` and these variables.
fn read(variables: &[(&str, &str)]) -> Result<Config, ConfigError> {
    Config::from_lookup(&|name| {
        let set = variables.iter().chain([&("SERVER_ID", "server1")]);
        set.clone().find(|(set, _)| *set == name).map(|(_, value)| (*value).to_owned())
    })
}

#[test]
fn only_the_id_is_required() {
    let config = read(&[]).expect("the rest has defaults");
    assert_eq!(config.server_id.as_str(), "server1");
    assert_eq!(config.database_url.path(), Path::new("./data/server1.db"));
    assert_eq!((config.mqtt_broker.as_str(), config.mqtt_port), ("localhost", 1883));
    assert_eq!(config.http_addr.to_string(), "0.0.0.0:8000");
    assert_eq!(config.postos_csv, PostosCsv::Default(PathBuf::from("data/server1/postos.csv")));
    assert_eq!(config.command_limit, Duration::from_secs(10));
    assert_eq!(config.rules, Rules::default());

    let error = Config::from_lookup(&|_| None).expect_err("no id").to_string();
    assert_eq!(
        error,
        "SERVER_ID is not set; it should be 1 to 64 of A-Z a-z 0-9 _ -, and not postos, for example server1"
    );
}

#[test]
fn everything_can_be_set() {
    let config = read(&[
        ("SERVER_ID", "posto-SP_7"),
        ("DATABASE_URL", "sqlite:////var/lib/postos.db"),
        ("MQTT_BROKER", "broker.example"),
        ("MQTT_PORT", "18830"),
        ("HTTP_ADDR", "127.0.0.1:9000"),
        ("POSTOS_CSV", "/etc/postos.csv"),
        ("TEMPO_LIMITE_RESERVA", "2.5"),
        ("CORS_ORIGENS", ""),
        ("RESERVA_DURACAO_H", "48"),
        ("RESERVA_MAXIMA_DIAS", "2"),
        ("RESERVA_ANTECEDENCIA_DIAS", "0"),
        ("RESERVA_TOLERANCIA_MIN", "15"),
        ("RESERVAS_POR_CARRO", "1"),
    ])
    .expect("all values are valid");
    let hours = |hours: u64| Duration::from_secs(hours * 3600);
    let rules = Rules {
        duracao: hours(48),
        maxima: hours(48),
        antecedencia: Duration::ZERO,
        tolerancia: Duration::from_secs(900),
        por_carro: 1,
    };
    assert_eq!(config.rules, rules);
    assert_eq!(config.server_id.as_str(), "posto-SP_7");
    assert_eq!(config.database_url.path(), Path::new("/var/lib/postos.db"));
    assert_eq!((config.mqtt_broker.as_str(), config.mqtt_port), ("broker.example", 18830));
    assert_eq!(config.http_addr.to_string(), "127.0.0.1:9000");
    assert_eq!(config.postos_csv, PostosCsv::Named(PathBuf::from("/etc/postos.csv")));
    assert_eq!(config.command_limit, Duration::from_millis(2500));
    assert_eq!(config.cors, CorsOrigins::None);
}

#[test]
fn database_urls_are_read_as_sqlalchemy_reads_them() {
    for (url, path) in [
        ("sqlite:///./data/server1.db", "./data/server1.db"),
        ("sqlite:////abs/server1.db", "/abs/server1.db"),
        ("sqlite://rel/server1.db", "rel/server1.db"),
        ("sqlite:server1.db", "server1.db"),
    ] {
        let config = read(&[("DATABASE_URL", url)]).expect(url);
        assert_eq!(config.database_url.path(), Path::new(path), "{url}");
    }
}

#[test]
fn every_variable_that_is_read_is_declared() {
    let seen = RefCell::new(BTreeSet::from(["RUST_LOG".to_owned()]));
    let lookup = |name: &str| {
        seen.borrow_mut().insert(name.to_owned());
        (name == "SERVER_ID").then(|| "server1".to_owned())
    };
    Config::from_lookup(&lookup).expect("the rest has defaults");
    let declared: BTreeSet<_> = server::SETTINGS.iter().map(|s| s.name.to_owned()).collect();
    assert_eq!(*seen.borrow(), declared);
}

#[test]
fn empty_is_the_same_as_not_set() {
    let config = read(&[("DATABASE_URL", ""), ("MQTT_PORT", " "), ("POSTOS_CSV", "")]);
    let config = config.expect("the defaults");
    assert_eq!((config.mqtt_port, config.mqtt_broker.as_str()), (1883, "localhost"));
    assert!(matches!(config.postos_csv, PostosCsv::Default(_)));
    read(&[("SERVER_ID", "")]).expect_err("an empty id is none");
}

#[test]
fn a_wrong_value_is_named_with_what_it_should_be() {
    for (name, value, should_be) in [
        ("SERVER_ID", "server/1", "1 to 64 of A-Z a-z 0-9 _ -"),
        ("SERVER_ID", "postos", ", and not postos"),
        ("SERVER_ID", "server+", "for example server1"),
        ("SERVER_ID", "servidor número um", "for example server1"),
        ("DATABASE_URL", "postgres://localhost/postos", "an SQLite file"),
        ("DATABASE_URL", "data/server1.db", "sqlite:///./data/server1.db"),
        ("DATABASE_URL", "sqlite:///:memory:", "an SQLite file"),
        ("MQTT_BROKER", "mqtt://broker", "without scheme and port"),
        ("MQTT_BROKER", "broker:1883", "without scheme and port"),
        ("MQTT_BROKER", "the broker", "a host name or address"),
        ("MQTT_PORT", "abc", "a port number from 1 to 65535"),
        ("MQTT_PORT", "0", "a port number from 1 to 65535"),
        ("MQTT_PORT", "65536", "a port number from 1 to 65535"),
        ("MQTT_PORT", "-1", "a port number from 1 to 65535"),
        ("CORS_ORIGENS", "https://app.example.com/", "origins separated by commas"),
        ("PROXIES_CONFIAVEIS", "proxy", "for example 10.0.0.7,172.16.0.0/12"),
        ("HTTP_ADDR", "8000", "for example 0.0.0.0:8000"),
        ("HTTP_ADDR", "localhost", "an address and port"),
        ("TEMPO_LIMITE_RESERVA", "ten", "a number of seconds"),
        ("TEMPO_LIMITE_RESERVA", "0", "from 2"),
        ("TEMPO_LIMITE_RESERVA", "inf", "to 3600"),
        ("RETENCAO_DIAS", "-1", "a number of days, 0 to keep for good"),
        ("RETENCAO_DIAS", "1.5", "a number of days"),
        ("RETENCAO_DIAS", "30 dias", "a number of days"),
        ("RETENCAO_DIAS", "nunca", "a number of days"),
        ("RETENCAO_DIAS", "4294967296", "a number of days"),
        ("RETENCAO_DIAS", "٣٠", "a number of days"),
        ("RESERVA_DURACAO_H", "0", "a number of hours from 1"),
        ("RESERVA_DURACAO_H", "745", "at most RESERVA_MAXIMA_DIAS"),
        ("RESERVA_DURACAO_H", "1.5", "a number of hours"),
        ("RESERVA_MAXIMA_DIAS", "0", "a number of days from 1 to 365"),
        ("RESERVA_MAXIMA_DIAS", "366", "a number of days from 1 to 365"),
        ("RESERVA_ANTECEDENCIA_DIAS", "-1", "a number of days from 0"),
        ("RESERVA_ANTECEDENCIA_DIAS", "3651", "to 3650"),
        ("RESERVA_TOLERANCIA_MIN", "15 min", "a number of minutes"),
        ("RESERVA_TOLERANCIA_MIN", "1441", "to 1440"),
        ("RESERVAS_POR_CARRO", "três", "0 for no limit"),
        ("RESERVAS_POR_CARRO", "1001", "to 1000"),
    ] {
        let error = read(&[(name, value)]).expect_err(value).to_string();
        assert!(error.starts_with(&format!("{name} is {value:?}; ")), "{error}");
        assert!(error.contains(should_be), "{error}");
        assert_eq!(error.lines().count(), 1, "{error}");
    }
}
