//! `usuario`, while the broker runs.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Stdio;
use std::time::Duration;

use domain::Placa;

use crate::doors::{Doors, Shell, User, text};
use crate::mqtt::{Connect, Connection, Transport, Version};

async fn enters(doors: &Doors, connect: &Connect) -> bool {
    Connection::open(doors.outside(Transport::Tcp, Version::V5), connect).await.is_ok()
}

async fn connection_of(doors: &Doors, connect: &Connect) -> Connection {
    let door = doors.outside(Transport::Tcp, Version::V5);
    Connection::open(door, connect).await.expect("the user may enter")
}

fn users_file(doors: &Doors) -> String {
    fs::read_to_string(doors.path("users/senhas")).unwrap_or_default()
}

#[tokio::test]
#[ignore = "needs mosquitto and busybox"]
async fn changes_are_in_force_when_usuario_returns() {
    for shell in [Shell::System, Shell::Busybox] {
        let doors = Doors::open_with(shell, &[]).await;
        let user = doors.new_user(&["gateway", "cliente3"]);
        assert!(user.name == "gateway.cliente3" && user.secret.len() == 64, "{}", user.secret);
        let mode = fs::metadata(doors.path("users/senhas")).expect("a file").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert!(!users_file(&doors).contains(&user.secret));
        let mut connection = connection_of(&doors, &user.connect()).await;

        let changed = doors.usuario(&["senha", "gateway.cliente3"]);
        assert!(changed.status.success(), "{}", text(&changed.stderr));
        let secret = text(&changed.stdout).trim_end().to_owned();
        assert!(connection.ends().await, "a connection with the password of before");
        assert!(!enters(&doors, &user.connect()).await, "the password of before");
        let mut connection = connection_of(&doors, &Connect::user(&user.name, &secret)).await;

        doors.new_user(&["app", "app1"]);
        assert!(connection.drain().await.is_some(), "another user's change ends no connection");
        assert_eq!(doors.names(), ["app.app1", "gateway.cliente3"]);
        assert!(doors.usuario(&["remover", "gateway.cliente3"]).status.success());
        assert!(connection.ends().await, "the connection of a removed user");
        assert!(!enters(&doors, &Connect::user(&user.name, &secret)).await);
        assert_eq!(doors.names(), ["app.app1"]);
    }
}

#[tokio::test]
#[ignore = "needs mosquitto and busybox"]
async fn what_is_wrong_is_refused_and_changes_nothing() {
    let long = "a".repeat(65);
    let digits = "9".repeat(19);
    let cases: &[(&[&str], &str)] = &[
        (&[], "usuario novo gateway ID"),
        (&["nova"], "'nova' não existe"),
        (&["novo"], "argumentos errados"),
        (&["novo", "gateway"], "argumentos errados"),
        (&["novo", "admin", "x"], "deve ser gateway, servidor, app, carro ou carregador"),
        (&["novo", "Gateway", "x"], "deve ser gateway"),
        (&["novo", "", "x"], "deve ser gateway"),
        (&["novo", "gateway", ""], "de 1 a 64"),
        (&["novo", "gateway", &long], "de 1 a 64"),
        (&["novo", "gateway", "a.b"], "de 1 a 64"),
        (&["novo", "gateway", "a b"], "de 1 a 64"),
        (&["novo", "gateway", "a/b"], "de 1 a 64"),
        (&["novo", "gateway", "+"], "de 1 a 64"),
        (&["novo", "gateway", "#"], "de 1 a 64"),
        (&["novo", "gateway", "a:b"], "de 1 a 64"),
        (&["novo", "gateway", "a\n"], "de 1 a 64"),
        (&["novo", "gateway", "a\nb"], "de 1 a 64"),
        (&["novo", "gateway", "a\u{1b}[2J"], "'a??2J'"),
        (&["novo", "gateway", "é"], "de 1 a 64"),
        (&["novo", "gateway", "a", "b"], "um ID só"),
        (&["novo", "gateway", "cliente3"], "usuario senha gateway.cliente3"),
        (&["novo", "app", "cliente3"], "leriam as respostas um do outro"),
        (&["novo", "gateway", "app1"], "leriam as respostas um do outro"),
        (&["novo", "servidor", "postos"], "todos os servidores"),
        (&["novo", "carregador", "postos", "7"], "todos os servidores"),
        (&["novo", "carregador", "server1"], "falta o posto"),
        (&["novo", "carregador", "server1", "7", "8", "9"], "argumentos errados"),
        (&["novo", "carregador", "x", "server1", "7"], "usuario novo carregador SERVIDOR POSTO"),
        (&["novo", "carregador", "server1", "0"], "número de um posto"),
        (&["novo", "carregador", "server1", "07"], "número de um posto"),
        (&["novo", "carregador", "server1", "-7"], "número de um posto"),
        (&["novo", "carregador", "server1", "7.5"], "número de um posto"),
        (&["novo", "carregador", "server1", "7\n"], "número de um posto"),
        (&["novo", "carregador", "server1", &digits], "número de um posto"),
        (&["novo", "carregador", "server1."], "número de um posto"),
        (&["novo", "carregador", "ser/ver1.7"], "de 1 a 64"),
        (&["novo", "carro", "AB12"], "5 a 8"),
        (&["senha"], "argumentos errados"),
        (&["senha", "cliente3"], "PAPEL.ID"),
        (&["senha", "gateway.cliente4"], "não há usuário"),
        (&["senha", "gateway.Cliente3"], "não há usuário"),
        (&["senha", "gateway.cliente."], "de 1 a 64"),
        (&["remover", ".*"], "deve ser gateway"),
        (&["remover", "gateway.cliente3", "app.app1"], "argumentos errados"),
        (&["listar", "tudo"], "argumentos errados"),
        (&["recarregar", "tudo"], "argumentos errados"),
    ];
    for shell in [Shell::System, Shell::Busybox] {
        let doors = Doors::prepared(shell, &[]);
        doors.new_user(&["gateway", "cliente3"]);
        doors.new_user(&["app", "app1"]);
        let before = users_file(&doors);
        for (arguments, said) in cases {
            let output = doors.usuario(arguments);
            let errors = text(&output.stderr);
            assert_eq!(output.status.code(), Some(2), "{arguments:?}: {errors}");
            assert!(errors.contains(said), "{arguments:?}: {errors}");
            assert!(output.stdout.is_empty(), "{arguments:?}: {}", text(&output.stdout));
            assert!(!errors.contains('\u{1b}'), "{errors}");
        }
        assert_eq!(users_file(&doors), before);
        assert!(text(&doors.usuario(&["--help"]).stdout).contains("usuario recarregar"));
    }
}

#[tokio::test]
#[ignore = "needs mosquitto"]
async fn what_looks_odd_and_is_right_is_taken() {
    let doors = Doors::open().await;
    let long = "a".repeat(64);
    for (arguments, name) in [
        (vec!["gateway", "-n"], "gateway.-n"),
        (vec!["gateway", "--help"], "gateway.--help"),
        (vec!["gateway", "_"], "gateway._"),
        (vec!["gateway", &long], &*format!("gateway.{long}")),
        (vec!["gateway", "Cliente3"], "gateway.Cliente3"),
        (vec!["gateway", "cliente3"], "gateway.cliente3"),
        (vec!["servidor", "cliente3"], "servidor.cliente3"),
        (vec!["carregador", "server1", "7"], "carregador.server1.7"),
        (vec!["carregador", "server1.8"], "carregador.server1.8"),
        (vec!["carregador", "server1.9", "server1", "9"], "carregador.server1.9"),
        (vec!["carro", "abc-1d23"], "carro.ABC1D23"),
    ] {
        let user = doors.new_user(&arguments);
        assert_eq!(user.name, name);
        assert!(enters(&doors, &user.connect()).await, "{name}");
    }
    // A carro is found by its placa however it is written.
    assert!(doors.usuario(&["remover", "carro.ABC 1D23"]).status.success());
}

/// Hyphens and blanks as keyboards produce them, characters beside those, and what is no UTF-8.
#[tokio::test]
#[ignore = "needs mosquitto and busybox"]
async fn placas_are_read_as_the_domain_reads_them() {
    let mut written: Vec<String> = [
        0x09, 0x0a, 0x0d, 0x20, 0x2d, 0x85, 0xa0, 0xad, 0x1680, 0x180e, 0x2000, 0x200b, 0x2010,
        0x2013, 0x2014, 0x2015, 0x2028, 0x202f, 0x2043, 0x205f, 0x2060, 0x2064, 0x2066, 0x2069,
        0x2212, 0x2796, 0x2800, 0x2e3a, 0x2e3b, 0x3000, 0x30fc, 0xfe58, 0xfe63, 0xfeff, 0xff0d,
        0xff70, 0x08, 0x0e, 0x2e, 0x5f, 0x7f, 0x84, 0xae, 0x1681, 0x2016, 0x2027, 0x2030, 0x2044,
        0x2065, 0x206a, 0x2213, 0x2e39, 0x3001, 0xff0e, 0xe1, 0x1f697,
    ]
    .into_iter()
    .filter_map(char::from_u32)
    .enumerate()
    .map(|(number, character)| {
        format!("{character}a{character}bC{character}1{number:03}{character}")
    })
    .collect();
    written.extend(
        ["", "----", "ABCD", "ABCDE", "ABCDEFGH", "ABCDEFGHI", "ABC1234x"].map(str::to_owned),
    );
    written.extend([format!("QWE{}1234", " ".repeat(57)), format!("QWR{}1234", " ".repeat(58))]);
    for shell in [Shell::System, Shell::Busybox] {
        let doors = Doors::prepared(shell, &[]);
        for text in &written {
            let output = doors.usuario(&["novo", "carro", text]);
            let expected = Placa::parse(text).ok().map(|placa| format!("carro.{placa}"));
            let named = doors.names().into_iter().find(|name| expected.as_ref() == Some(name));
            assert_eq!(output.status.success(), expected.is_some(), "{text:?}");
            assert_eq!(named, expected, "{text:?}");
        }
    }
}

/// Every program that the scripts call records its arguments.
#[tokio::test]
#[ignore = "needs mosquitto"]
async fn secrets_are_in_no_command_line_and_no_log() {
    let doors = Doors::open_with(Shell::Recorded, &[]).await;
    let user = doors.new_user(&["gateway", "cliente3"]);
    let changed = text(&doors.usuario(&["senha", "gateway.cliente3"]).stdout);
    let recorded = fs::read_to_string(doors.path("arguments")).expect("a record");
    for program in ["mosquitto_passwd", "mosquitto_pub", "awk"] {
        assert!(recorded.contains(program), "{program} is not in the record");
    }
    for secret in [user.secret.as_str(), changed.trim_end()] {
        assert!(secret.len() == 64 && !recorded.contains(secret));
        assert!(!doors.log().contains(secret));
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs mosquitto"]
async fn several_at_once_wait_for_each_other() {
    let doors = Doors::open().await;
    let ids: Vec<String> = (0..8).map(|number| format!("app{number}")).collect();
    let users: Vec<User> = std::thread::scope(|scope| {
        let doors = &doors;
        let spawn = |id: &'_ String| {
            let id = id.clone();
            scope.spawn(move || doors.new_user(&["app", &id]))
        };
        let running: Vec<_> = ids.iter().map(spawn).collect();
        running.into_iter().map(|thread| thread.join().expect("it ends")).collect()
    });
    assert_eq!(doors.names().len(), users.len());
    for user in &users {
        assert!(enters(&doors, &user.connect()).await, "{}", user.name);
    }
}

#[tokio::test]
#[ignore = "needs mosquitto"]
async fn a_killed_usuario_leaves_whole_files_and_no_lock() {
    let doors = Doors::open().await;
    let kept = doors.new_user(&["gateway", "cliente3"]);
    let mut added = 0;
    for milliseconds in (0..120).step_by(4) {
        let id = format!("app{milliseconds}");
        let mut command = doors.command("usuario");
        command.args(["novo", "app", &id]).stdout(Stdio::null()).stderr(Stdio::null());
        let mut running = command.spawn().expect("a shell");
        tokio::time::sleep(Duration::from_millis(milliseconds)).await;
        let _ = running.kill();
        let _ = running.wait();
        let file = users_file(&doors);
        assert!(file.ends_with('\n') && file.lines().all(|line| line.contains(":$7$")), "{file}");
        added = doors.names().len() - 1;
    }
    println!("{added} of 30 were added before they were killed");
    let user = doors.new_user(&["carro", "ABC1234"]);
    assert!(enters(&doors, &user.connect()).await && enters(&doors, &kept.connect()).await);
}

#[tokio::test]
#[ignore = "needs mosquitto"]
async fn users_survive_restarts_and_damage() {
    let mut doors = Doors::open().await;
    let user = doors.new_user(&["gateway", "cliente3"]);
    doors.kill();
    // Without a broker a change waits for the next start.
    let later = doors.new_user(&["app", "app1"]);
    let damaged = format!("junk\n{}app.half:$7$1\n\0\0:\napp.x:plain\n", users_file(&doors));
    fs::write(doors.path("users/senhas"), damaged).expect("a file");
    fs::write(doors.path("users/senhas.new"), "half").expect("a file");
    doors.start().await;
    for user in [&user, &later] {
        assert!(enters(&doors, &user.connect()).await, "{}", user.name);
    }
    assert!(doors.log().contains("is no user"), "{}", doors.log());
    assert_eq!(doors.names(), ["app.app1", "gateway.cliente3"]);
    let new = doors.new_user(&["servidor", "server3"]);
    assert!(enters(&doors, &new.connect()).await);
    assert!(users_file(&doors).starts_with("junk\n"), "what is not understood is kept");
}

/// As after a `git pull` that changes the rights.
#[tokio::test]
#[ignore = "needs mosquitto"]
async fn changed_rights_hold_at_once() {
    let doors = Doors::open().await;
    let user = doors.new_user(&["carro", "ABC1234"]);
    let mut connection = connection_of(&doors, &user.connect()).await;
    let message = [("carros/ABC1234/status", "{}")];
    assert_ne!(connection.publish(&message, false).await, [0x87]);
    let scripts = doors.path("config/users.sh");
    let rights = fs::read_to_string(&scripts).expect("the rights");
    fs::write(&scripts, rights.replace("carro write carros/<id>/#\n", "")).expect("the rights");
    let output = doors.usuario(&["recarregar"]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert_eq!(connection.publish(&message, false).await, [0x87]);
}

/// Mosquitto publishes no Last Will of a connection that it ends.
#[tokio::test]
#[ignore = "needs mosquitto"]
async fn a_servidor_that_is_put_out_is_seen_offline() {
    let doors = Doors::open().await;
    let topic = "server/server3/status";
    let online = r#"{"server_id":"server3","status":"online","desde":"2026-11-26T20:00:00.000Z"}"#;
    let offline = online.replace("online", "offline");
    let mut observer = doors.insider("observer").await;
    observer.subscribe(&[topic]).await;
    let mut user = doors.new_user(&["servidor", "server3"]);
    for change in ["senha", "remover"] {
        let mut connection = connection_of(&doors, &user.connect()).await;
        assert_ne!(connection.publish(&[(topic, online)], true).await, [0x87]);
        let output = doors.usuario(&[change, &user.name]);
        assert!(output.status.success(), "{}", text(&output.stderr));
        assert!(connection.ends().await);
        let seen = observer.drain().await.expect("a connection");
        let seen: Vec<&str> = seen.iter().map(|message| message.payload.as_str()).collect();
        assert_eq!(seen, [online, &offline], "{change}");
        user.secret = text(&output.stdout).trim_end().to_owned();
    }
}

/// Who gets the name later must not read what waits for the one before.
#[tokio::test]
#[ignore = "needs mosquitto"]
async fn a_removed_user_leaves_no_session() {
    let doors = Doors::open().await;
    let user = doors.new_user(&["app", "app1"]);
    let connect = |user: &User| Connect { keeps_session: true, ..user.connect() };
    let topic = "client/app1/postos/response";
    for removed in [false, true] {
        let mut connection = connection_of(&doors, &connect(&user)).await;
        connection.subscribe(&[topic]).await;
        drop(connection);
        let mut again = user.secret.clone();
        if removed {
            assert!(doors.usuario(&["remover", "app.app1"]).status.success());
            again = doors.new_user(&["app", "app1"]).secret;
        }
        doors.insider("sender").await.publish(&[(topic, "secret")], false).await;
        let user = User { name: user.name.clone(), secret: again };
        let mut connection = connection_of(&doors, &connect(&user)).await;
        let topics = ["pontos/1/status"];
        // It is still subscribed if the session was kept.
        connection.subscribe(&topics).await;
        doors.insider("sender").await.publish(&[(topic, "secret")], false).await;
        let received = connection.drain().await.expect("a connection");
        assert_eq!(received.is_empty(), removed, "{received:?}");
    }
}
