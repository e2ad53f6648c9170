//! `usuario`, while the broker runs.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Stdio;
use std::time::Duration;

use crate::harness::doors::{Doors, Shell, User, text};
use crate::harness::raw_mqtt::{Connect, Connection, Transport, Version};

pub(crate) async fn enters(doors: &Doors, connect: &Connect) -> bool {
    Connection::open(doors.outside(Transport::Tcp, Version::V5), connect).await.is_ok()
}

async fn connection_of(doors: &Doors, connect: &Connect) -> Connection {
    let door = doors.outside(Transport::Tcp, Version::V5);
    Connection::open(door, connect).await.expect("the user may enter")
}

pub(crate) fn users_file(doors: &Doors) -> String {
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
