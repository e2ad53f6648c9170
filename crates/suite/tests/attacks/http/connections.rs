//! Callers that open connections and then send nothing, or little.

use std::time::{Duration, Instant};

use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;

use super::connecting_from;
use crate::attack::{Guard, Tries};
use crate::harness::{
    Answer, FAILPOINTS_CLIENT, FAILPOINTS_SERVER, Program, World, eventually, payload,
};

/// What the programs may open, and the attackers do.
const FEW_DESCRIPTORS: &[&str] = &["-n 128"];
const MANY: usize = 200;
const BUG: (&str, &str) = ("SEEDED_BUG", "EndlessWaits");
/// Longer than a slow peer may keep others waiting, and shorter than all other limits of time.
const PATIENCE: Duration = Duration::from_secs(7);
/// A connection that is accepted takes much less.
const SLOW_ACCEPT: Duration = Duration::from_secs(3);
const SLOW_BODY: &str = "POST /reservar HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n\
    Content-Length: 300\r\n\r\n{";

struct Target {
    world: World,
    servidor: Program,
    gateway: Program,
    next_posto: i64,
}

impl Target {
    async fn new(guard: Guard) -> Self {
        let world = World::new().await;
        world.seed_postos("server1", 20);
        let names = if guard.is_removed() {
            [FAILPOINTS_SERVER, FAILPOINTS_CLIENT]
        } else {
            ["server", "client"]
        };
        let sets = [("SERVER_ID", "server1"), ("MQTT_CLIENT_ID", "cliente1")];
        let sets = sets.map(|set| if guard.is_removed() { vec![set, BUG] } else { vec![set] });
        let limits = FEW_DESCRIPTORS;
        let servidor = Program::start_limited(limits, names[0], &world, &sets[0]).await;
        let gateway = Program::start_limited(limits, names[1], &world, &sets[1]).await;
        gateway.sees("server1", "online").await;
        Self { world, servidor, gateway, next_posto: 1 }
    }

    /// Whether others are kept out while these connections are open.
    async fn keeps_out(&mut self, open: &[TcpStream]) -> bool {
        let (started, posto_id) = (Instant::now(), self.next_posto);
        self.next_posto += 1;
        let body = payload(&format!("AAA{posto_id:04}"), posto_id);
        let (mut reserved, mut listed) = (false, false);
        while !(reserved && listed) && started.elapsed() < PATIENCE {
            if !reserved {
                let call = self.gateway.request(reqwest::Method::POST, "/reservar").json(&body);
                reserved = Answer::of(call.timeout(PATIENCE)).await.status == 200;
            }
            if !listed {
                let list = self.servidor.request(reqwest::Method::GET, "/postos");
                listed = Answer::of(list.timeout(PATIENCE)).await.status == 200;
            }
        }
        assert!(!open.is_empty(), "the attack goes on until here");
        !(reserved && listed)
    }
}

/// Connections from addresses of their own that have sent `text`.
async fn open_many(program: &Program, text: &str, distinct: bool) -> Vec<TcpStream> {
    let mut open = Vec::new();
    for number in 0..MANY {
        let last = u8::try_from(number % 250 + 1).expect("small");
        let from = if distinct { [127, 4, 0, last] } else { [127, 4, 0, 1] };
        let connecting = tokio::time::timeout(SLOW_ACCEPT, connecting_from(program, from)).await;
        // The program accepts no more, and as many wait for it as the system lets.
        let Ok(mut connection) = connecting else { break };
        // It may be closed already.
        let _ = connection.write_all(text.as_bytes()).await;
        open.push(connection);
    }
    open
}

async fn attack(guard: Guard, ways: &[(&str, &str)]) -> Tries {
    let mut tries = Tries::default();
    for (way, text) in ways {
        for distinct in [false, true] {
            let mut target = Target::new(guard).await;
            let mut open = open_many(&target.gateway, text, distinct).await;
            open.extend(open_many(&target.servidor, text, distinct).await);
            let addresses = if distinct { "many addresses" } else { "one address" };
            let kept_out = target.keeps_out(&open).await;
            tries.record(format!("{way}, from {addresses}"), kept_out);
            if !guard.is_removed() {
                stays_up(&mut target).await;
            }
            drop(open);
        }
    }
    tries
}

/// What stays up during the attack: probes, and with them the connection to the broker.
async fn stays_up(target: &mut Target) {
    let _open = open_many(&target.gateway, "", true).await;
    for path in ["/healthz", "/readyz"] {
        eventually(&format!("{path} answers"), async || {
            target.gateway.get(path).await.status == 200
        })
        .await;
    }
    assert!(target.world.broker.is_running());
}

/// Requests whose bodies, or heads, do not come.
pub(crate) async fn slow_bodies(guard: Guard) -> Tries {
    let slow_head = "GET /postos HTTP/1.1\r\nHost: x\r\nX-Slow: ";
    attack(guard, &[("slow bodies", SLOW_BODY), ("slow heads", slow_head)]).await
}

/// More connections than a program may open.
pub(crate) async fn http_connection_flood(guard: Guard) -> Tries {
    let answered = "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n";
    attack(guard, &[("nothing sent", ""), ("kept alive after an answer", answered)]).await
}
