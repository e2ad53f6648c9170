//! Presences of servidores, forged.

use crate::attack::{Guard, Tries};
use crate::harness::Program;
use crate::harness::doors::User;
use crate::harness::raw_mqtt::{Connect, Connection, Endpoint};
use crate::scene::{self, Removal};

const OTHERS_PRESENCE: Removal = Removal::Line(
    "users.sh",
    "servidor write server/<id>/status",
    "gateway,app,servidor,carro,carregador write server/+/status",
);

const WAYS: [&str; 3] = ["publishes", "retains", "leaves a will with"];

/// Everyone outside, through every listener, about a servidor that runs and about one that does not
/// exist.
pub(crate) async fn forged_presence(guard: Guard) -> Tries {
    let world = scene::broker(guard, OTHERS_PRESENCE).await;
    let (_server, gateway) = world.pair().await;
    let doors = world.broker.doors();
    let users = scene::one_of_each(doors);
    let mut observer = doors.insider("observer").await;
    observer.subscribe(&["server/+/status"]).await;
    let mut tries = Tries::default();
    for (number, user) in users.iter().enumerate() {
        for door in doors.every_outside() {
            for way in WAYS {
                let since = scene::SINCE.replace(".000", &format!(".{:03}", tries.count()));
                forge(door, user, way, "server1", "offline", &since).await;
                let arrived = guard.sees(async || hears(&mut observer, &since).await).await;
                tries.record(format_args!("{} {way} `offline` by {door:?}", user.name), arrived);
            }
        }
        let invented = format!("invented{number}");
        forge(doors.every_outside()[1], user, "retains", &invented, "online", scene::SINCE).await;
        let believed = guard.sees(async || is_listed(&gateway, &invented).await).await;
        tries.record(format_args!("{} invents a servidor", user.name), believed);
    }
    tries
}

async fn forge(door: Endpoint, user: &User, way: &str, server_id: &str, status: &str, since: &str) {
    let topic = format!("server/{server_id}/status");
    let payload = scene::presence(server_id, status, since);
    if way.contains("will") {
        let connect = Connect { will: Some((topic, payload)), ..user.connect() };
        drop(Connection::open(door, &connect).await);
        return;
    }
    scene::enter(door, user).await.publish(&[(&topic, &payload)], way == "retains").await;
}

async fn hears(observer: &mut Connection, text: &str) -> bool {
    let received = observer.drain().await.expect("a connection");
    received.iter().any(|message| message.payload.contains(text))
}

async fn is_listed(gateway: &Program, server_id: &str) -> bool {
    let seen = gateway.get("/servidores").await.json;
    seen["servidores"].to_string().contains(&format!("\"{server_id}\""))
}
