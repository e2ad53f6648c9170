//! Tokens that were stolen, and then revoked.

use reqwest::Method;
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::{bearer, connect_from, gateway, new_app_token, servidor, tokens_file};
use crate::attack::{Guard, Tries};
use crate::harness::{Program, World, eventually, run_subcommand};

const LOCAL: [u8; 4] = [127, 0, 0, 1];
const BUG: &str = "KeptTokens";

async fn status(program: &Program, path: &str, token: &str) -> u16 {
    let request = reqwest::Client::new().get(program.url(path)).bearer_auth(token);
    request.send().await.expect("an answer").status().as_u16()
}

async fn named(servidor: &Program, nome: &str) -> String {
    let made = servidor.post("/tokens", &json!({"nome": nome, "papel": "operador"})).await;
    assert_eq!(made.status, 201, "{made:?}");
    made.json["token"].as_str().expect("a token").to_owned()
}

/// Uses tokens from the moment at which they were revoked.
pub(crate) async fn revoked_token(guard: Guard) -> Tries {
    let (world, mut tries) = (World::new().await, Tries::default());
    let servidor = servidor(&world, guard, BUG, &[]).await;
    for nome in ["painel", "aberta"] {
        let token = named(&servidor, nome).await;
        let mut open = connect_from(&servidor, LOCAL).await;
        let head = format!("GET /reservas HTTP/1.1\r\nHost: localhost\r\n{}\r\n", bearer(&token));
        assert!(answered(&mut open, &head).await, "it is valid");
        let deleted = servidor.delete(&format!("/tokens/{nome}")).await;
        assert_eq!(deleted.status, 204, "{deleted:?}");
        let passes = if nome == "aberta" {
            answered(&mut open, &head).await
        } else {
            status(&servidor, "/reservas", &token).await == 200
        };
        tries.record(format!("a token of the admin API, revoked over HTTP ({nome})"), passes);
    }
    let token = named(&servidor, "terminal").await;
    let addr = super::address(&servidor).to_string();
    let set = [("SERVER_ID", "server1"), ("HTTP_ADDR", addr.as_str())];
    let arguments = ["token", "--revogar", "terminal"];
    let revoked = run_subcommand("server", world.folder(), &arguments, set).await;
    assert!(revoked.status.success(), "{revoked:?}");
    let passes = status(&servidor, "/reservas", &token).await == 200;
    tries.record("one that was revoked by the subcommand", passes);
    tries.record("a token of an app, whose line was removed", app_passes(&world, guard).await);
    tries
}

/// Whether a token of an app is still taken when its line is gone from the file.
async fn app_passes(world: &World, guard: Guard) -> bool {
    let (stays, goes) = (new_app_token(world, "app1").await, new_app_token(world, "app2").await);
    let file = tokens_file(world, &[&stays.line, &goes.line]);
    let gateway = gateway(world, guard, BUG, &[file]).await;
    gateway.sees("server1", "online").await;
    let path = "/reservas/x?server_id=server1";
    assert_eq!(status(&gateway, path, &goes.text).await, 404, "it is valid");
    tokens_file(world, &[&stays.line]);
    eventually("the file is read again", async || {
        let message = "the tokens of apps were read again";
        gateway.log_lines().iter().any(|line| line["message"] == message)
    })
    .await;
    let stayed = gateway.request(Method::GET, path).bearer_auth(&stays.text);
    assert_eq!(stayed.send().await.expect("an answer").status(), 404);
    status(&gateway, path, &goes.text).await == 404
}

/// Whether the next request of an open connection is answered with 200.
async fn answered(open: &mut tokio::net::TcpStream, head: &str) -> bool {
    open.write_all(head.as_bytes()).await.expect("it is open");
    let mut answer = vec![0; 64 * 1024];
    let read = open.read(&mut answer).await.expect("an answer");
    super::status_of(&String::from_utf8_lossy(&answer[..read])) == 200
}
