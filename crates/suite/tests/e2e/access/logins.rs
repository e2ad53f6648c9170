//! Programs that log in at the broker, by name or over TLS, as they come and as secrets change.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::harness::{
    BrokerAccess, PlainClient, Program, Role, World, eventually, login, path_of, payload,
    run_subcommand, seed_payload,
};

/// Shorter than the patience after a refused login.
const AT_ONCE: Duration = Duration::from_secs(5);

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a mosquitto binary; CI runs it"]
async fn every_flow_works_where_everyone_has_a_name() {
    for access in [BrokerAccess::Logins, BrokerAccess::Tls] {
        let world = World::on_mosquitto_with_access(access, "").await;
        world.seed_postos("server1", 5_000);
        let (server, first) = world.pair().await;
        let second = world.client_with("cliente2", &[("MQTT_ENTREGA", "direta")]).await;
        second.sees("server1", "online").await;
        for (client, placa) in [(&first, "AAA1111"), (&second, "BBB2222")] {
            // More than a mebibyte, in both directions of the broker.
            let listed = client.get("/postos?server_id=server1").await;
            assert_eq!(listed.json["postos"].as_array().map(Vec::len), Some(5_000), "{access:?}");
            let made = client.reservar(&payload(placa, 7 + i64::from(placa == "BBB2222"))).await;
            assert_eq!(made.status, 200, "{made:?}");
            let path = format!("/reservas/{}", made.request_id());
            let seen = client.get(&format!("{path}?server_id=server1")).await;
            assert_eq!(seen.json["reserva"]["status"], "ativa", "{seen:?}");
            let cancel = format!("{path}/cancelar?server_id=server1");
            assert_eq!(client.post(&cancel, &json!(null)).await.status, 200);
        }
        server.kill().await;
        first.sees("server1", "offline").await;
        let refused = first.reservar(&seed_payload()).await;
        assert_eq!(refused.verdict(), (503, "servidor_indisponivel"));
        let server = world.server("server1").await;
        first.sees("server1", "online").await;
        assert_eq!(first.reservar(&seed_payload()).await.status, 200);
        let shown = |line: &Value| line.to_string().contains("secret of");
        for program in [server, first, second] {
            let (status, log) = program.stop_with_log().await;
            assert!(status.success() && !log.iter().any(shown), "{log:?}");
            let problems = log.iter().filter(|line| line["level"] == "ERROR").count();
            assert_eq!(problems, 0, "{log:?}");
        }
    }
}

/// The lines of refused logins.
fn refusals(program: &Program) -> Vec<String> {
    let lines = program.log_lines().into_iter();
    let reasons = lines.filter_map(|line| line["reason"].as_str().map(str::to_owned));
    reasons.filter(|reason| reason.contains("refused the login")).collect()
}

fn signals(program: &Program) -> Vec<String> {
    let lines = program.log_lines().into_iter().filter(|line| line["signal"] == "SIGHUP");
    lines.filter_map(|line| line["message"].as_str().map(str::to_owned)).collect()
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a mosquitto binary; CI runs it"]
async fn a_rotated_secret_is_picked_up_and_a_refused_login_is_said_once() {
    let mut world = World::on_mosquitto_with_access(BrokerAccess::Logins, "").await;
    let (server, client) = world.pair().await;
    for (program, role, id) in
        [(&server, Role::Servidor, "server1"), (&client, Role::Gateway, "cliente1")]
    {
        let login = world.logins().login(role, id).await;
        // The broker knows the new secret, the program does not: what runs is cut off.
        world.logins().rotate(&login, "new secret");
        world.broker.kill().await;
        world.broker.start_again().await;
        eventually("it is refused", async || !refusals(program).is_empty()).await;
        eventually("/readyz says so", async || {
            let answer = program.get("/readyz").await;
            let mensagem = answer.json["mensagem"].as_str().unwrap_or_default();
            answer.verdict() == (503, "broker_indisponivel")
                && mensagem.contains("the broker refused the login: not authorized (0x87)")
                && !mensagem.contains(&login.user)
        })
        .await;
        // SIGHUP tries again, in vain; that is not said again.
        program.signal("-HUP");
        let tried = "the files of the login are read again and the broker is tried now";
        eventually("it says what it did", async || signals(program) == [tried]).await;
        tokio::time::sleep(Duration::from_millis(500)).await;
        let refusals = refusals(program);
        assert_eq!(refusals.len(), 1, "{refusals:?}");
        assert!(refusals[0].contains(&login.user) && refusals[0].contains("MQTT_PASSWORD_FILE"));
        let connections = || {
            let lines = program.log_lines().into_iter();
            lines.filter(|line| line["message"] == "connected").count()
        };
        let earlier = connections();
        let begun = Instant::now();
        std::fs::write(&login.password_file, "new secret\n").expect("a password");
        program.ready().await;
        assert!(begun.elapsed() < AT_ONCE, "{:?}", begun.elapsed());
        // A healthy connection is left alone.
        eventually("the connection is logged", async || connections() > earlier).await;
        let before = connections();
        program.signal("-HUP");
        eventually("it says what it did", async || signals(program).len() == 2).await;
        assert!(signals(program)[1].starts_with("connected to the broker;"));
        assert_eq!(program.get("/readyz").await.status, 200);
        assert_eq!(connections(), before);
    }
    client.sees("server1", "online").await;
    assert_eq!(client.reservar(&seed_payload()).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a mosquitto binary; CI runs it"]
async fn a_user_without_a_secret_or_with_a_wrong_one_is_not_ready() {
    let world = World::on_mosquitto_with_access(BrokerAccess::Logins, "").await;
    for set in [
        &[("MQTT_USERNAME", ""), ("MQTT_PASSWORD_FILE", "")][..],
        &[("MQTT_PASSWORD_FILE", ""), ("MQTT_PASSWORD", "s3cret")],
    ] {
        let client = world.client_with("cliente1", set).await;
        eventually("it is refused", async || !refusals(&client).is_empty()).await;
        let expected = if set[0].0 == "MQTT_USERNAME" {
            "no user is set; set MQTT_USERNAME and MQTT_PASSWORD_FILE"
        } else {
            "the user is \"gateway.cliente1\"; check MQTT_USERNAME and MQTT_PASSWORD,"
        };
        assert!(refusals(&client)[0].contains(expected), "{:?}", refusals(&client));
        let refused = client.reservar(&seed_payload()).await;
        assert_eq!(refused.verdict(), (503, "broker_indisponivel"));
        let (_, log) = client.stop_with_log().await;
        assert!(!log.iter().any(|line| line.to_string().contains("s3cret")), "{log:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_of_another_program_is_named_at_the_start() {
    let world = World::new().await;
    let client = world.client_with("cliente9", &[("MQTT_USERNAME", "gateway.cliente3")]).await;
    let said = "MQTT_USERNAME is \"gateway.cliente3\" and MQTT_CLIENT_ID of this gateway is";
    eventually("it is said", async || {
        let is_it = |line: &Value| line["message"].as_str().is_some_and(|it| it.starts_with(said));
        client.log_lines().iter().any(|line| line["level"] == "WARN" && is_it(line))
    })
    .await;
}

/// `SSL_CERT_FILE` names what the machine trusts, for OpenSSL as for these programs.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a mosquitto binary; CI runs it"]
async fn the_machines_own_authorities_are_trusted_where_that_is_set() {
    let world = World::on_mosquitto_with_access(BrokerAccess::Tls, "").await;
    let set = login(&world, &[("MQTT_CLIENT_ID", "cliente1")]).await;
    let ca = set.iter().find(|(name, _)| *name == "MQTT_CA_FILE").map(|(_, file)| file.clone());
    let ca = ca.expect("a file");
    let of_system = ("MQTT_CA_FILE", "sistema");
    let client = world.client_with("cliente1", &[of_system, ("SSL_CERT_FILE", &ca)]).await;
    client.ready().await;
    assert!(client.stop().await.success());
    // Another machine trusts nobody.
    let empty = world.folder().join("none");
    std::fs::write(&empty, "").expect("a file");
    let empty = empty.to_str().expect("a path");
    let own = [("MQTT_CLIENT_ID", "cliente1"), of_system, ("SSL_CERT_FILE", empty)];
    let ended = run_subcommand("client", world.folder(), &[], own).await;
    let text = String::from_utf8(ended.stderr).expect("UTF-8");
    assert_eq!(ended.status.code(), Some(2), "{text}");
    assert!(text.starts_with("MQTT_CA_FILE is sistema, and this machine has no"), "{text}");
}

/// Every wrong combination ends both programs with one line, and no secret in it.
#[tokio::test(flavor = "multi_thread")]
async fn wrong_settings_of_the_login_end_the_start_with_one_line() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("empty"), "").expect("a file");
    std::fs::write(folder.path().join("text"), "no PEM").expect("a file");
    let user = ("MQTT_USERNAME", "u");
    let password = ("MQTT_PASSWORD", "s3cret");
    for (name, id) in [("server", "SERVER_ID"), ("client", "MQTT_CLIENT_ID")] {
        path_of(name).await;
        for (set, expected) in [
            (
                &[user, password, ("MQTT_PASSWORD_FILE", "f")][..],
                "MQTT_PASSWORD and MQTT_PASSWORD_FILE are both set",
            ),
            (&[password], "MQTT_PASSWORD is set and MQTT_USERNAME is not; MQTT_USERNAME should be"),
            (
                &[user, ("MQTT_PASSWORD_FILE", "missing")],
                "MQTT_PASSWORD_FILE names \"missing\", which cannot be read",
            ),
            (
                &[user, ("MQTT_PASSWORD_FILE", "empty")],
                "MQTT_PASSWORD_FILE names \"empty\", which is empty",
            ),
            (
                &[("MQTT_CA_FILE", "text")],
                "MQTT_CA_FILE names \"text\", which has no certificate in PEM",
            ),
            (
                &[("MQTT_CERT_FILE", "c"), ("MQTT_KEY_FILE", "k")],
                "MQTT_CERT_FILE is set and MQTT_CA_FILE is not",
            ),
        ] {
            let own = [(id, "x1"), ("HTTP_ADDR", "127.0.0.1:0")];
            let set = set.iter().copied().chain(own);
            let output = run_subcommand(name, folder.path(), &[], set).await;
            let text = String::from_utf8(output.stderr).expect("UTF-8");
            assert_eq!(output.status.code(), Some(2), "{text}");
            assert!(text.starts_with(expected) && text.lines().count() == 1, "{text}");
            assert!(!text.contains("s3cret"), "{text}");
        }
    }
}

/// `cargo run -- --broker` with a folder of credentials, as `usuario novo` fills it.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a mosquitto binary; CI runs it"]
async fn the_one_process_suite_logs_in_with_a_folder_of_credentials() {
    let world = World::on_mosquitto_with_access(BrokerAccess::Tls, "").await;
    let mut set = Vec::new();
    for id in ["server1", "server2"] {
        set = login(&world, &[("SERVER_ID", id)]).await;
    }
    for id in ["cliente1", "cliente2"] {
        login(&world, &[("MQTT_CLIENT_ID", id)]).await;
    }
    let value = |name: &str| set.iter().find(|(known, _)| *known == name).map(|(_, v)| v.clone());
    let (secret, ca) = (value("MQTT_PASSWORD_FILE"), value("MQTT_CA_FILE"));
    let folder = std::path::PathBuf::from(secret.expect("a file"));
    let broker = format!("127.0.0.1:{}", world.broker.port());
    let data = world.folder().join("suite");
    let options = <suite::Options as clap::Parser>::parse_from([
        "suite",
        "--broker",
        &broker,
        "--credentials",
        folder.parent().and_then(|folder| folder.to_str()).expect("a path"),
        "--ca-file",
        &ca.expect("a file"),
        "--data",
        data.to_str().expect("a path"),
        "--server-ports",
        "0",
        "0",
        "--client-ports",
        "0",
        "0",
    ]);
    let system = suite::System::start(&options).await.expect("it starts");
    system.ready().await.expect("everyone logs in");
    system.stop().await;
}

/// Each speaks where its role allows it, and for nobody else.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a mosquitto binary; CI runs it"]
async fn a_device_that_logs_in_speaks_for_itself_alone() {
    let world = World::on_mosquitto_with_access(BrokerAccess::Logins, "").await;
    let (server, client) = world.pair().await;
    assert_eq!(client.reservar(&payload("ABC1234", 5)).await.status, 200);
    assert_eq!(client.reservar(&payload("XYZ9876", 6)).await.status, 200);
    let device = async |role, id| PlainClient::subscribe_as(role, &world, id, &[]).await;
    let carro = device(Role::Carro, "ABC1234").await;
    let charger = device(Role::Carregador, "server1.7").await;
    let level = |placa: &str, level: f64| json!({"placa": placa, "nivel_bateria": level});
    for (topic, payload) in [
        ("carros/XYZ9876/bateria", level("XYZ9876", 1.0)),
        ("server/server1/carros/XYZ9876/bateria", level("XYZ9876", 1.0)),
        ("server/server1/carros/ABC1234/bateria", level("XYZ9876", 1.0)),
        ("carros/ABC1234/bateria", level("XYZ9876", 1.0)),
        ("server/server1/carros/ABC1234/bateria", level("ABC1234", 40.5)),
    ] {
        carro.publish(topic, payload).await;
    }
    let out =
        |posto_id: i64| json!({"server_id": "server1", "ponto_id": posto_id, "disponivel": false});
    for (topic, payload) in [
        ("pontos/8/disponibilidade", out(8)),
        ("pontos/7/disponibilidade", out(7)),
        ("server/server1/pontos/8/disponibilidade", out(8)),
        ("server/server1/pontos/7/disponibilidade", out(8)),
        ("server/server1/pontos/7/disponibilidade", out(7)),
    ] {
        charger.publish(topic, payload).await;
    }
    eventually("the last ones are stored", async || {
        let carregador = server.get("/postos/7").await.json["carregador"]["disponivel"].clone();
        server.get("/carros/ABC1234").await.json["nivel_bateria_atual"] == 40.5
            && carregador == false
    })
    .await;
    assert_eq!(server.get("/carros/XYZ9876").await.json["nivel_bateria_atual"], 22.3);
    assert!(server.get("/postos/8").await.json["carregador"].is_null());
    let rows = server.get("/auditoria?quem=carregador").await.json;
    assert_eq!(rows["auditoria"].as_array().map(Vec::len), Some(1), "{rows}");
}
