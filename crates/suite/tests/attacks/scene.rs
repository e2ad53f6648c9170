//! The system that is attacked: Mosquitto with its two doors, and the real programs inside.

use crate::attack::Guard;
use crate::harness::World;
use crate::harness::doors::{Doors, Shell, User};
use crate::harness::raw_mqtt::{Connection, Endpoint};

/// How an operator would remove a guard of the broker.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Removal {
    /// A setting of `.env`.
    Setting(&'static str, &'static str),
    /// A line of a file in `mosquitto/`, and what it is replaced with.
    Line(&'static str, &'static str, &'static str),
}

/// `BROKER_ABERTO=sim`: the outside door is open to everyone.
pub(crate) const OPEN: Removal = Removal::Setting("BROKER_ABERTO", "sim");

/// The broker, as shipped or without this guard.
pub(crate) async fn broker(guard: Guard, removal: Removal) -> World {
    let mut settings = Vec::new();
    if let (Guard::Removed, Removal::Setting(name, value)) = (guard, removal) {
        settings.push((name, value));
    }
    let mut doors = Doors::prepared(Shell::System, &settings);
    if let (Guard::Removed, Removal::Line(file, from, to)) = (guard, removal) {
        doors.edit(file, from, to);
    }
    doors.start().await;
    World::behind_doors(doors)
}

/// The same, with nothing removed.
pub(crate) async fn broker_as_it_is() -> World {
    broker(Guard::InPlace, OPEN).await
}

/// A user of each role, all of them outsiders.
pub(crate) fn one_of_each(doors: &Doors) -> Vec<User> {
    let users: [&[&str]; 5] = [
        &["gateway", "cliente3"],
        &["app", "app1"],
        &["servidor", "server3"],
        &["carro", "ABC1234"],
        &["carregador", "server3", "7"],
    ];
    users.iter().map(|arguments| doors.new_user(arguments)).collect()
}

pub(crate) async fn enter(door: Endpoint, user: &User) -> Connection {
    Connection::open(door, &user.connect()).await.expect("the user may enter")
}

pub(crate) const SINCE: &str = "2026-11-26T20:00:00.000Z";

/// The payload of a servidor's presence.
pub(crate) fn presence(server_id: &str, status: &str, since: &str) -> String {
    serde_json::json!({
        "server_id": server_id, "status": status, "desde": since, "versao": "1",
        "entrega": ["difusao"]
    })
    .to_string()
}
