//! Who enters, under which id, and for how long.

use crate::attack::{Guard, Tries};
use crate::harness::doors::text;
use crate::harness::raw_mqtt::{Connect, Connection};
use crate::scene::{self, OPEN, Removal};

/// Each listener of the outside door, without a name, with names of others, and with wrong passwords.
pub(crate) async fn connect_without_login(guard: Guard) -> Tries {
    let world = scene::broker(guard, OPEN).await;
    let doors = world.broker.doors();
    let user = doors.new_user(&["app", "app1"]);
    let strangers = [
        ("without a name", Connect::anonymous("app.app1")),
        ("without a name or an id", Connect::anonymous("")),
        ("as a program inside", Connect::anonymous("cliente1")),
        ("with a wrong password", Connect::user(&user.name, "wrong")),
        ("with an empty password", Connect::user(&user.name, "")),
        ("without a password", Connect { password: None, ..user.connect() }),
        ("under an unknown name", Connect::user("app.app2", &user.secret)),
        ("under a role alone", Connect::user("app", &user.secret)),
    ];
    let mut tries = Tries::default();
    for door in doors.every_outside() {
        for (what, connect) in &strangers {
            let entered = Connection::open(door, connect).await.is_ok();
            tries.record(format_args!("{what} by {door:?}"), entered);
        }
        assert!(Connection::open(door, &user.connect()).await.is_ok(), "the user, by {door:?}");
    }
    tries
}

/// Connects with the id of another, who would be thrown out.
pub(crate) async fn takeover_of_an_id(guard: Guard) -> Tries {
    let world = scene::broker(guard, OPEN).await;
    let doors = world.broker.doors();
    let attacker = doors.new_user(&["app", "app1"]);
    let outsider = doors.new_user(&["gateway", "cliente3"]);
    let mut tries = Tries::default();
    for door in doors.every_outside() {
        // As the programs of the suite call themselves.
        for id in ["cliente1", "server:server1", "gateway.cliente3"] {
            let mut victim = match id {
                "gateway.cliente3" => scene::enter(door, &outsider).await,
                _ => doors.insider(id).await,
            };
            let connect = Connect { client_id: id.to_owned(), ..attacker.connect() };
            let intruder = Connection::open(door, &connect).await.expect("it enters");
            let thrown_out = guard.sees(async || victim.drain().await.is_none()).await;
            tries.record(format_args!("{id} by {door:?}"), thrown_out);
            drop(intruder);
        }
    }
    tries
}

/// Client ids as long as the protocol allows: where one is taken as it is, a second connection with it
/// ends the first.
pub(crate) async fn oversized_client_id(guard: Guard) -> Tries {
    let world = scene::broker(guard, OPEN).await;
    let doors = world.broker.doors();
    let users = [doors.new_user(&["app", "app1"]), doors.new_user(&["app", "app2"])];
    let client_id = "x".repeat(60_000);
    let mut tries = Tries::default();
    for door in doors.every_outside() {
        let [first, second] =
            users.each_ref().map(|user| Connect { client_id: client_id.clone(), ..user.connect() });
        let mut first = Connection::open(door, &first).await.expect("it enters");
        let _second = Connection::open(door, &second).await.expect("it enters");
        let ended = guard.sees(async || first.drain().await.is_none()).await;
        tries.record(format_args!("by {door:?}"), ended);
    }
    tries
}

/// A user is removed while it is connected, and goes on.
pub(crate) async fn removed_user(guard: Guard) -> Tries {
    let removal = Removal::Line("usuario", "    apply \"$name\"\n", "");
    let world = scene::broker(guard, removal).await;
    let doors = world.broker.doors();
    let mut observer = doors.insider("observer").await;
    observer.subscribe(&["server/postos/request"]).await;
    let mut tries = Tries::default();
    for (number, door) in doors.every_outside().into_iter().enumerate() {
        let user = doors.new_user(&["app", &format!("app{number}")]);
        let mut connection = scene::enter(door, &user).await;
        let removed = doors.usuario(&["remover", &user.name]);
        assert!(removed.status.success(), "{}", text(&removed.stderr));
        assert!(!doors.names().contains(&user.name));
        let mark = format!("of {number}");
        let _ = connection.try_to_publish(&[("server/postos/request", &mark)], false).await;
        let received = observer.drain().await.expect("a connection");
        let goes_on = received.iter().any(|message| message.payload == mark);
        tries.record(format_args!("by {door:?}"), goes_on);
        let enters = Connection::open(door, &user.connect()).await.is_ok();
        tries.record(format_args!("and enters again by {door:?}"), enters);
    }
    tries
}

/// A right is taken away while its user is connected, and goes on being used.
pub(crate) async fn changed_rights(guard: Guard) -> Tries {
    let removal = Removal::Line("usuario", "    apply\n    say \"senhas", "    say \"senhas");
    let world = scene::broker(guard, removal).await;
    let doors = world.broker.doors();
    let mut observer = doors.insider("observer").await;
    observer.subscribe(&["carros/#"]).await;
    let placas = ["ABC1D20", "ABC1D21", "ABC1D22", "ABC1D23"];
    let mut connections = Vec::new();
    for (placa, door) in placas.into_iter().zip(doors.every_outside()) {
        let user = doors.new_user(&["carro", placa]);
        connections.push((placa, door, scene::enter(door, &user).await));
    }
    doors.edit("users.sh", "carro write carros/<id>/#\n", "");
    let reloaded = doors.usuario(&["recarregar"]);
    assert!(reloaded.status.success(), "{}", text(&reloaded.stderr));
    let mut tries = Tries::default();
    for (placa, door, mut connection) in connections {
        let topic = format!("carros/{placa}/status");
        connection.publish(&[(&topic, "{}")], false).await;
        let received = observer.drain().await.expect("a connection");
        let arrived = received.iter().any(|message| message.topic == topic);
        tries.record(format_args!("by {door:?}"), arrived);
    }
    tries
}
