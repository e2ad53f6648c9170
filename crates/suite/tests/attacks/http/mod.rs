//! Attacks over HTTP, on the real programs.

pub(crate) mod another_app;
pub(crate) mod broker_pages;
pub(crate) mod browser;
pub(crate) mod chromium;
pub(crate) mod connections;
pub(crate) mod guesses;
pub(crate) mod injection;
pub(crate) mod logs;
pub(crate) mod nginx;
pub(crate) mod no_token;
pub(crate) mod proxy;
pub(crate) mod revoked;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};

use crate::attack::Guard;
use crate::harness::{
    FAILPOINTS_CLIENT, FAILPOINTS_SERVER, Program, TEST_TIMEOUT, World, run_subcommand,
};

/// A servidor: the shipped program, or one with this bug.
pub(crate) async fn servidor(
    world: &World,
    guard: Guard,
    bug: &str,
    set: &[(&str, &str)],
) -> Program {
    if !world.folder().join("data/server1").exists() {
        world.seed_postos("server1", 20);
    }
    let set = [&[("SERVER_ID", "server1")], set].concat();
    start(world, guard, bug, ("server", FAILPOINTS_SERVER), set).await
}

/// A gateway: the shipped program, or one with this bug.
pub(crate) async fn gateway(
    world: &World,
    guard: Guard,
    bug: &str,
    set: &[(&str, &str)],
) -> Program {
    let set = [&[("MQTT_CLIENT_ID", "cliente1")], set].concat();
    start(world, guard, bug, ("client", FAILPOINTS_CLIENT), set).await
}

async fn start(
    world: &World,
    guard: Guard,
    bug: &str,
    (shipped, with_failpoints): (&str, &str),
    mut set: Vec<(&str, &str)>,
) -> Program {
    if !guard.is_removed() || bug.is_empty() {
        return Program::start(shipped, world, &set).await;
    }
    set.push(("SEEDED_BUG", bug));
    Program::start(with_failpoints, world, &set).await
}

/// A token of an app, and its line for `API_TOKENS_FILE`.
pub(crate) struct AppToken {
    pub(crate) text: String,
    pub(crate) line: String,
}

pub(crate) async fn new_app_token(world: &World, app: &str) -> AppToken {
    let made = run_subcommand("client", world.folder(), &["token", app], []).await;
    let text = String::from_utf8(made.stdout).expect("UTF-8");
    let lines: Vec<&str> = text.lines().collect();
    let [token, line] = lines[..] else { panic!("{text}") };
    AppToken { text: token.to_owned(), line: line.to_owned() }
}

/// Writes the file of tokens, and returns the setting that names it.
pub(crate) fn tokens_file(world: &World, lines: &[&str]) -> (&'static str, &'static str) {
    std::fs::write(world.folder().join("tokens"), lines.join("\n")).expect("a file");
    ("API_TOKENS_FILE", "tokens")
}

/// A connection to a program from this address of the loopback network.
pub(crate) async fn connect_from(program: &Program, from: [u8; 4]) -> TcpStream {
    let connected = tokio::time::timeout(TEST_TIMEOUT, connecting_from(program, from)).await;
    connected.expect("it is accepted")
}

pub(crate) async fn connecting_from(program: &Program, from: [u8; 4]) -> TcpStream {
    let socket = TcpSocket::new_v4().expect("a socket");
    socket.bind((from, 0).into()).expect("an address");
    socket.connect(address(program)).await.expect("it listens")
}

pub(crate) fn address(program: &Program) -> std::net::SocketAddr {
    let url = program.url("");
    url.trim_start_matches("http://").parse().expect("an address")
}

/// What is answered to these bytes until the connection is closed.
pub(crate) async fn exchange(program: &Program, from: [u8; 4], bytes: impl AsRef<[u8]>) -> String {
    let mut connection = connect_from(program, from).await;
    // It may be refused before all of it is read.
    let _ = connection.write_all(bytes.as_ref()).await;
    let mut answer = Vec::new();
    let _ = tokio::time::timeout(TEST_TIMEOUT, connection.read_to_end(&mut answer)).await;
    String::from_utf8_lossy(&answer).into_owned()
}

/// The status of an answer, 0 if it is none.
pub(crate) fn status_of(answer: &str) -> u16 {
    answer.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or_default()
}

/// A request without a body, after which the connection is closed.
pub(crate) fn request(method: &str, target: &str, more: &str) -> String {
    format!("{method} {target} HTTP/1.1\r\nHost: localhost\r\n{more}Connection: close\r\n\r\n")
}

pub(crate) fn bearer(token: &str) -> String {
    format!("Authorization: Bearer {token}\r\n")
}
