//! More connections and longer packets than the broker takes, and what stays up.

use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::attack::{Guard, Tries};
use crate::harness::doors::{Doors, Shell};
use crate::harness::raw_mqtt::{self, Connect, Connection, Transport, Version};
use crate::harness::{Program, World, payload};
use crate::scene::{self, Removal};

/// A few more than `max_connections` of `mosquitto.conf`.
const DESCRIPTORS: usize = 1_300;
/// More than the broker has descriptors.
const FLOOD: usize = 1_500;

/// The first bytes of a CONNECT, whose rest never comes.
const HALF_CONNECT: &[u8] = b"\x10\x20\0\x04MQ";
const UPGRADE: &[u8] = b"GET /mqtt HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n\
    Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
    Sec-WebSocket-Protocol: mqtt\r\nSec-WebSocket-Version: 13\r\n\r\n";

/// Strangers open connections at the MQTT listener of the outside door and say nothing, or begin to,
/// until the broker has no place for a program inside. Those that are connected go on in any case.
pub(crate) async fn mqtt_connection_flood(guard: Guard) -> Tries {
    let mut tries = Tries::default();
    for (what, sent) in [("silent", &b""[..]), ("half a CONNECT", HALF_CONNECT)] {
        let (world, _server, gateway) = system_with_few_descriptors(guard).await;
        let door = world.broker.doors().outside(Transport::Tcp, Version::V5);
        let flood = flood(door.port, sent).await;
        let kept_out = guard.sees(async || !has_place_inside(world.broker.doors()).await).await;
        tries.record(what, kept_out);
        still_serves(&gateway).await;
        drop(flood);
    }
    tries
}

/// What is left, as `docs/security.md` says: Mosquitto counts no connections whose WebSocket handshake
/// is not complete, and before 2.0.23 none that have completed it.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs mosquitto"]
async fn a_flood_of_websockets_ends_no_connection() {
    for sent in [b"", UPGRADE] {
        a_flood_ends_no_connection(Some(Transport::WebSocket), sent).await;
    }
}

/// What is left, as `docs/security.md` says: who is inside is trusted, and not counted either.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs mosquitto"]
async fn a_flood_inside_ends_no_connection() {
    a_flood_ends_no_connection(None, b"").await;
}

/// At a listener of the outside door, or at the inside one. Who is connected goes on, nobody else
/// enters, and that is over when the flood is. Mosquitto 2.0.23 and later let others enter if those of
/// the flood have upgraded.
async fn a_flood_ends_no_connection(outside: Option<Transport>, sent: &[u8]) {
    let (world, _server, gateway) = system_with_few_descriptors(Guard::InPlace).await;
    let doors = world.broker.doors();
    let user = doors.new_user(&["app", "app1"]);
    let mut outsider = scene::enter(doors.outside(Transport::Tcp, Version::V5), &user).await;
    let door = outside.map_or(doors.inside(), |transport| doors.outside(transport, Version::V5));
    let flood = flood(door.port, sent).await;
    let keeps_out = Guard::Removed.sees(async || !has_place_inside(doors).await).await;
    assert!(keeps_out || sent == UPGRADE && counts_upgraded(), "no flood");
    still_serves(&gateway).await;
    assert!(outsider.drain().await.is_some(), "a connection outside has ended");
    drop(flood);
    assert!(Guard::Removed.sees(async || has_place_inside(doors).await).await, "it is over");
}

/// Whether this Mosquitto applies `max_connections` to connections that have upgraded.
fn counts_upgraded() -> bool {
    let help = Command::new("mosquitto").arg("-h").output().expect("mosquitto is installed");
    let help = String::from_utf8_lossy(&help.stdout);
    let version = help.strip_prefix("mosquitto version ").and_then(|rest| rest.lines().next());
    let parts = version.expect("its version").split('.').map(|part| part.parse().unwrap_or(0));
    parts.collect::<Vec<u32>>() >= vec![2, 0, 23]
}

async fn system_with_few_descriptors(guard: Guard) -> (World, Program, Program) {
    let doors = Doors::prepared(Shell::System, &[]);
    let limit = format!("ulimit -n {DESCRIPTORS}\nexec mosquitto");
    doors.edit("start.sh", "exec mosquitto", &limit);
    if guard.is_removed() {
        doors.edit("mosquitto.conf", "max_connections 1000\n", "");
    }
    let mut doors = doors;
    doors.start().await;
    let world = World::behind_doors(doors);
    let (server, gateway) = world.pair().await;
    (world, server, gateway)
}

/// Connections of strangers, each with its first bytes. The broker may have ended some.
async fn flood(port: u16, sent: &[u8]) -> Vec<TcpStream> {
    let mut flood = Vec::new();
    while flood.len() < FLOOD {
        let mut stream = TcpStream::connect(("127.0.0.1", port)).await.expect("a connection");
        let _ = stream.write_all(sent).await;
        flood.push(stream);
    }
    flood
}

async fn has_place_inside(doors: &Doors) -> bool {
    let connect = Connect::anonymous("another");
    let enters = Connection::open(doors.inside(), &connect);
    tokio::time::timeout(Duration::from_secs(2), enters).await.is_ok_and(|entered| entered.is_ok())
}

async fn still_serves(gateway: &Program) {
    let made = gateway.reservar(&payload("ABC1234", 5)).await;
    assert_eq!(made.status, 200, "{made:?}");
    let cancel = format!("/reservas/{}/cancelar?server_id=server1", made.request_id());
    assert_eq!(gateway.post(&cancel, &json!(null)).await.status, 200);
}

/// Mosquitto's own limit, which no setting changes: half a CONNECT is ended after some 90 s, and keeps
/// nobody waiting until then.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs mosquitto; takes some 100 s"]
async fn a_half_connect_is_ended() {
    let world = scene::broker_as_it_is().await;
    let doors = world.broker.doors();
    let user = doors.new_user(&["app", "app1"]);
    let begun = Instant::now();
    let mut halves = Vec::new();
    for (transport, sent) in
        [(Transport::Tcp, HALF_CONNECT), (Transport::Tcp, b""), (Transport::WebSocket, UPGRADE)]
    {
        let port = doors.outside(transport, Version::V5).port;
        let mut stream = TcpStream::connect(("127.0.0.1", port)).await.expect("a connection");
        stream.write_all(sent).await.expect("it is sent");
        halves.push(stream);
    }
    for door in doors.every_outside() {
        let begun = Instant::now();
        scene::enter(door, &user).await;
        assert!(begun.elapsed() < Duration::from_secs(10), "{door:?} waits");
    }
    for mut stream in halves {
        let end = async {
            let mut buffer = [0; 1024];
            while stream.read(&mut buffer).await.is_ok_and(|read| read > 0) {}
        };
        let left = Duration::from_secs(150).saturating_sub(begun.elapsed());
        assert!(tokio::time::timeout(left, end).await.is_ok(), "it is kept");
    }
    println!("half a CONNECT was ended after {:?}", begun.elapsed());
}

/// A packet longer than any command, from somebody who may publish there.
pub(crate) async fn oversized_packet(guard: Guard) -> Tries {
    let removal = Removal::Line(
        "mosquitto.conf",
        "max_packet_size 4194304\nmessage_size_limit 4194304\n",
        "",
    );
    let world = scene::broker(guard, removal).await;
    let doors = world.broker.doors();
    let user = doors.new_user(&["app", "app1"]);
    let mut observer = doors.insider("observer").await;
    observer.subscribe(&["server/postos/reserva"]).await;
    let payload = "x".repeat(5 << 20);
    let mut tries = Tries::default();
    for door in doors.every_outside() {
        let mut attacker = scene::enter(door, &user).await;
        let _ = attacker.try_to_publish(&[("server/postos/reserva", &payload)], false).await;
        let arrives = async || !observer.drain().await.expect("a connection").is_empty();
        tries.record(format_args!("by {door:?}"), guard.sees(arrives).await);
    }
    tries
}

/// What is left, as `docs/security.md` says: over WebSocket Mosquitto 2.0 reads a packet to its end
/// before it looks at its length, or at who sends it. Over TCP it refuses it at its first bytes.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs mosquitto"]
async fn a_packet_without_end_is_kept_over_websocket() {
    let world = scene::broker_as_it_is().await;
    let doors = world.broker.doors();
    for (transport, is_kept) in [(Transport::Tcp, false), (Transport::WebSocket, true)] {
        let before = resident_memory(doors.pid());
        let door = doors.outside(transport, Version::V5);
        let stranger = raw_mqtt::send_packet_without_end(door, PART).await;
        let grown = async || resident_memory(doors.pid()) >= before + PART / 2;
        let patience = if is_kept { Guard::Removed } else { Guard::InPlace };
        assert_eq!(patience.sees(grown).await, is_kept, "{transport:?}");
        drop(stranger);
        assert!(has_place_inside(doors).await);
    }
}

/// How much of a packet is sent, in bytes.
const PART: usize = 32 << 20;

fn resident_memory(pid: u32) -> usize {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).expect("it runs");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kibibytes = line.and_then(|line| line.trim().strip_suffix(" kB")).expect("a size");
    kibibytes.parse::<usize>().expect("a number") << 10
}
