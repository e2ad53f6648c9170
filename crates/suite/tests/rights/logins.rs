//! Who enters by which door, and under which client id.

use crate::harness::doors::Doors;
use crate::harness::raw_mqtt::{Connect, Connection, Endpoint, Refused, Version};

/// 3.1.1: bad user name or password, not authorized. 5: the same.
fn is_denial(door: Endpoint, refused: Refused) -> bool {
    let denials = if door.version == Version::V5 { [0x86, 0x87] } else { [4, 5] };
    refused.0.is_some_and(|code| denials.contains(&code))
}

#[tokio::test]
#[ignore = "needs mosquitto"]
async fn only_those_who_have_a_name_enter() {
    let doors = Doors::open().await;
    let user = doors.new_user(&["app", "app1"]);
    let other = doors.new_user(&["gateway", "cliente3"]);
    let secret = user.secret.as_str();
    let long = "x".repeat(60_000);
    let names =
        ["", " ", "+", "#", "app.+", "app.#", "app.app1/x", "app.App1", "App.app1", "app1", "app"];
    let mut strangers = vec![
        ("without a name", Connect::anonymous("app.app1")),
        ("with a wrong password", Connect::user("app.app1", "wrong")),
        ("with an empty password", Connect::user("app.app1", "")),
        ("with the hash as password", Connect::user("app.app1", "$7$101$x$y")),
        ("with another's password", Connect::user("app.app1", &other.secret)),
        ("with a very long password", Connect::user("app.app1", &long)),
        ("without a password", Connect { password: None, ..user.connect() }),
        ("unknown", Connect::user("app.app2", secret)),
        ("with a blank after the name", Connect::user("app.app1 ", secret)),
        ("with a NUL in the name", Connect::user("app.app1\0", secret)),
    ];
    strangers.extend(names.map(|name| ("by such a name", Connect::user(name, secret))));
    for door in doors.every_outside() {
        for (what, connect) in &strangers {
            let Err(refused) = Connection::open(door, connect).await else {
                panic!("{what}: {:?} entered by {door:?}", connect.user);
            };
            // A NUL breaks the protocol, so the broker only closes.
            let closed = what.contains("NUL") && refused == Refused(None);
            assert!(closed || is_denial(door, refused), "{what}: {refused:?} by {door:?}");
        }
        assert!(Connection::open(door, &user.connect()).await.is_ok(), "the user, by {door:?}");
    }
    doors.insider("anyone").await;
}

#[tokio::test]
#[ignore = "needs mosquitto"]
async fn nobody_outside_takes_the_client_id_of_another() {
    let doors = Doors::open().await;
    let app = doors.new_user(&["app", "app1"]);
    let gateway = doors.new_user(&["gateway", "cliente1"]);
    // As the programs of the suite call themselves.
    let ids = ["cliente1", "server:server1", "gateway.cliente9"];
    for door in doors.every_outside() {
        let mut inside = Vec::new();
        for id in ids {
            inside.push(doors.insider(id).await);
        }
        let mut others = Connection::open(door, &gateway.connect()).await.expect("it enters");
        for id in ids.into_iter().chain(["gateway.cliente1", ""]) {
            let connect = Connect { client_id: id.to_owned(), ..app.connect() };
            let mut connection = Connection::open(door, &connect).await.expect("it enters");
            assert!(connection.drain().await.is_some());
        }
        for (id, connection) in ids.iter().zip(&mut inside) {
            assert!(connection.drain().await.is_some(), "{id} was thrown out by {door:?}");
        }
        assert!(others.drain().await.is_some(), "{} was thrown out by {door:?}", gateway.name);
    }
    // At the inside door the last one has the id: this is what the outside door prevents.
    let mut first = doors.insider("cliente1").await;
    let _second = doors.insider("cliente1").await;
    assert!(first.ends().await);
}

#[tokio::test]
#[ignore = "needs mosquitto"]
async fn one_name_has_one_connection() {
    let doors = Doors::open().await;
    let user = doors.new_user(&["app", "app1"]);
    let mut other = doors.insider("other").await;
    for door in doors.every_outside() {
        let mut first = Connection::open(door, &user.connect()).await.expect("it enters");
        let mut second = Connection::open(door, &user.connect()).await.expect("it enters");
        assert!(first.ends().await, "two connections of one name by {door:?}");
        assert!(second.drain().await.is_some() && other.drain().await.is_some());
    }
}
