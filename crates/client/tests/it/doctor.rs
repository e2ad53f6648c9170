//! `client doctor` without a broker: each test breaks one thing, and reads what to do about it.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::Value;

/// What it said with these settings, and its exit code. Nothing listens at the broker's port.
fn doctor(folder: &Path, set: &[(&str, &str)]) -> (Option<i32>, Value) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_client"));
    command.env_clear().current_dir(folder).env("MQTT_CLIENT_ID", "cliente1");
    command.envs([("HTTP_ADDR", "127.0.0.1:1"), ("MQTT_BROKER", "127.0.0.1"), ("MQTT_PORT", "1")]);
    let output = command.envs(set.iter().copied()).args(["doctor", "--json"]).output().unwrap();
    (output.status.code(), serde_json::from_slice(&output.stdout).unwrap())
}

/// The last check of this name: verdict, what was found, and the remedy.
fn check<'a>(report: &'a Value, group: &str, name: &str) -> [&'a str; 3] {
    let mut checks = report["checks"].as_array().unwrap().iter();
    let last = checks.rfind(|one| one["group"] == group && one["name"] == name);
    let last = last.unwrap_or_else(|| panic!("no {name} in {report:#}"));
    ["verdict", "found", "remedy"].map(|field| last[field].as_str().unwrap_or_default())
}

fn assert_found(report: &Value, at: [&str; 2], verdict: &str, found: &str, remedy: &str) {
    let check = check(report, at[0], at[1]);
    assert_eq!(check[0], verdict, "{check:?}");
    assert!(check[1].contains(found) && check[2].contains(remedy), "{check:?}");
}

#[test]
fn wrong_settings_are_all_named_and_nothing_else_is_looked_at() {
    let folder = tempfile::tempdir().unwrap();
    let (status, report) =
        doctor(folder.path(), &[("MAX_EVENTOS", "0"), ("MQTT_ENTREGA", "x"), ("CORS_ORIGNS", "*")]);
    assert_eq!(status, Some(2));
    let checks = report["checks"].as_array().unwrap();
    let found: Vec<_> = checks.iter().map(|one| one["found"].as_str().unwrap()).collect();
    assert_eq!(
        found,
        [
            "MQTT_ENTREGA is \"x\"; it should be difusao or direta",
            "MAX_EVENTOS is \"0\"; it should be a number of streams from 1 to 65535",
            "CORS_ORIGNS is set, which is no setting",
        ]
    );
}

#[test]
fn without_broker_and_program_the_rest_is_looked_at() {
    let folder = tempfile::tempdir().unwrap();
    let (status, report) = doctor(folder.path(), &[]);
    assert_eq!((status, &report["id"]), (Some(1), &Value::from("cliente1")));
    assert_found(&report, ["program", "running"], "warning", "nothing listens at", "HTTP_ADDR");
    assert_found(&report, ["broker", "reached"], "failure", "127.0.0.1:1", "MQTT_PORT");
    let unheard = "was not listened to";
    assert_found(&report, ["bus", "servidores"], "unchecked", unheard, "the lines of `broker`");
    assert_found(&report, ["clock", "clock"], "unchecked", "nothing here to compare", "date -u");
    assert_found(&report, ["access", "tokens"], "ok", "everybody may call", "");
    assert_found(&report, ["access", "origins"], "ok", "CORS_ORIGENS is *", "");
}

#[test]
fn files_and_proxies_that_a_start_refuses_or_nobody_should_use_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let tokens = write("tokens", &format!("app1 sha256:{}\n", "0".repeat(64)));
    let (_, report) = doctor(folder.path(), &[("API_TOKENS_FILE", &tokens)]);
    assert_found(&report, ["access", "tokens"], "ok", "has 1 tokens of apps", "");
    write("tokens", "app1 token\n");
    let set = [("API_TOKENS_FILE", &*tokens), ("PROXIES_CONFIAVEIS", "::/0")];
    let (_, report) = doctor(folder.path(), &set);
    assert_found(&report, ["access", "tokens"], "failure", "a start refuses", "errors: line 1");
    assert_found(&report, ["access", "proxies"], "failure", "names every", "reverse proxies alone");

    let secret = write("secret", "s3cret");
    std::fs::set_permissions(&secret, std::fs::Permissions::from_mode(0o604)).unwrap();
    let set = [("MQTT_USERNAME", "gateway.cliente1"), ("MQTT_PASSWORD_FILE", &*secret)];
    let (_, report) = doctor(folder.path(), &set);
    assert_found(&report, ["login", "secret files"], "warning", "every user", "chmod o= ");
    let set = [("MQTT_USERNAME", "gateway.cliente3"), ("MQTT_PASSWORD_FILE", &*secret)];
    let (_, report) = doctor(folder.path(), &set);
    let found = "and MQTT_CLIENT_ID of this gateway is \"cliente1\"";
    assert_found(&report, ["login", "user"], "warning", found, "or MQTT_CLIENT_ID to cliente3");
    let (_, report) = doctor(folder.path(), &[("MQTT_CA_FILE", &secret)]);
    assert_found(&report, ["login", "login files"], "failure", "cannot be used", "MQTT_CA_FILE");
    assert!(!report.to_string().contains("s3cret"), "{report}");
}

/// Says who it is; any other answer goes on for ever, a byte at a time.
fn answer_as_cliente1(mut connection: TcpStream) {
    let mut request = [0; 4096];
    let length = connection.read(&mut request).unwrap_or(0);
    if request[..length].starts_with(b"GET /status ") {
        let now = service::now();
        let body = format!(
            r#"{{"cliente":"cliente1","status":"online","mqtt_conectado":true,"timestamp":"{now}"}}"#
        );
        let _ = write!(connection, "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n{body}");
        return;
    }
    while connection.write_all(b"x").is_ok() {
        std::thread::sleep(Duration::from_millis(100));
    }
}

#[test]
fn it_ends_in_time_whatever_answers_never_end() {
    let [program, broker] = ["127.0.0.1:0"; 2].map(|addr| TcpListener::bind(addr).unwrap());
    let [addr, broker_addr] = [&program, &broker].map(|one| one.local_addr().unwrap());
    std::thread::spawn(move || {
        for connection in program.incoming() {
            std::thread::spawn(|| answer_as_cliente1(connection.unwrap()));
        }
    });
    let folder = tempfile::tempdir().unwrap();
    let begun = Instant::now();
    let (addr, port) = (addr.to_string(), broker_addr.port().to_string());
    let (_, report) = doctor(folder.path(), &[("HTTP_ADDR", &addr), ("MQTT_PORT", &port)]);
    assert!(begun.elapsed() < Duration::from_secs(15), "{:?}", begun.elapsed());
    assert_found(&report, ["program", "ready"], "failure", "is not answered", "its log");
    assert_found(&report, ["program", "version"], "unchecked", "does not say it", "--version");
    assert_found(&report, ["bus", "servidores"], "failure", "timed out", "the log of the gateway");
    assert_found(
        &report,
        ["broker", "login"],
        "failure",
        "does not let",
        "does not answer CONNECT",
    );
}
