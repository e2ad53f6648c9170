//! Standard output that nobody reads.

use std::io::Read as _;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::harness::{TEST_TIMEOUT, World, eventually, free_port, login, path_of, seed_payload};

/// More lines than a pipe takes: a request logs some 200 bytes.
const SOME: usize = 2_000;
/// More lines than the pipe and the queue of a program take.
const MANY: usize = 30_000;
const CALLERS: usize = 16;

struct Piped {
    child: Child,
    url: String,
}

impl Piped {
    /// A program whose standard output and standard error are pipes that nobody reads.
    async fn start(name: &str, world: &World, id: (&str, &str)) -> Self {
        let addr = format!("127.0.0.1:{}", free_port());
        let mut command = Command::new(path_of(name).await);
        command.env_clear().current_dir(world.folder()).stdin(Stdio::null());
        command.envs([id, ("HTTP_ADDR", &addr), ("RUST_LOG", "debug")]);
        command.env("MQTT_BROKER", "127.0.0.1");
        command.env("MQTT_PORT", world.broker.port().to_string());
        command.envs(login(world, &[id]).await);
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let piped = Self {
            child: command.spawn().expect("the program starts"),
            url: format!("http://{addr}"),
        };
        eventually("it is ready", async || piped.get("/readyz").await == Some(200)).await;
        piped
    }

    async fn get(&self, path: &str) -> Option<u16> {
        let request = reqwest::Client::new().get(format!("{}{path}", self.url));
        let answer = request.timeout(TEST_TIMEOUT).send().await.ok()?;
        Some(answer.status().as_u16())
    }

    async fn flood(&self, requests: usize) {
        let http = reqwest::Client::new();
        let url = format!("{}/{}", self.url, "unknown/route/".repeat(4));
        let (http, url) = (&http, &url);
        let callers = (0..CALLERS).map(|_| async move {
            for _ in 0..requests / CALLERS {
                let answer = http.get(url).timeout(TEST_TIMEOUT).send().await.expect("an answer");
                assert_eq!(answer.status(), 404);
            }
        });
        futures_util::future::join_all(callers).await;
    }

    fn terminate(&self) {
        let pid = self.child.id().to_string();
        let sent = Command::new("kill").args(["-TERM", &pid]).status();
        assert!(sent.expect("kill runs").success());
    }

    async fn ends(&mut self) {
        let started = Instant::now();
        eventually("it ends", async || self.child.try_wait().expect("its status").is_some()).await;
        assert!(started.elapsed() < Duration::from_secs(8), "{:?}", started.elapsed());
        assert!(self.child.wait().expect("its status").success());
    }
}

impl Drop for Piped {
    fn drop(&mut self) {
        // It has ended already unless the test failed.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn standard_output_that_nobody_reads_stops_neither_requests_nor_the_end() {
    let world = World::new().await;
    world.seed_postos("server1", 20);
    let mut server = Piped::start("server", &world, ("SERVER_ID", "server1")).await;
    let mut client = Piped::start("client", &world, ("MQTT_CLIENT_ID", "cliente1")).await;
    tokio::join!(server.flood(SOME), client.flood(SOME));
    eventually("a posto is reserved", async || {
        let http = reqwest::Client::new().post(format!("{}/reservar", client.url));
        http.json(&seed_payload()).send().await.is_ok_and(|answer| answer.status() == 200)
    })
    .await;
    for program in [&mut client, &mut server] {
        program.terminate();
        program.ends().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn dropped_log_lines_are_counted_and_logged_when_they_can_be_written_again() {
    let world = World::new().await;
    let mut client = Piped::start("client", &world, ("MQTT_CLIENT_ID", "cliente1")).await;
    client.flood(MANY).await;
    let mut stdout = client.child.stdout.take().expect("a pipe");
    let (sender, lines) = std::sync::mpsc::channel();
    let reader = std::thread::spawn(move || {
        let mut text = Vec::new();
        let mut block = vec![0; 64 * 1024];
        while let Ok(length @ 1..) = stdout.read(&mut block) {
            text.extend_from_slice(&block[..length]);
            while let Some(end) = text.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = text.drain(..=end).collect();
                let line: Value = serde_json::from_slice(&line).expect("a JSON line");
                let _ = sender.send(line);
            }
        }
    });
    let mut written = 0;
    let dropped = loop {
        let line = lines.recv_timeout(TEST_TIMEOUT).expect("a line that says what was dropped");
        written += 1;
        if let Some(dropped) = line["lines"].as_u64() {
            assert_eq!(line["level"], "WARN");
            break dropped;
        }
    };
    assert!(dropped > 0 && written + dropped as usize > MANY, "{written} and {dropped}");
    client.terminate();
    client.ends().await;
    reader.join().expect("every line was JSON");
    let last = lines.try_iter().last().expect("lines after that");
    assert_eq!(last["message"], "stopped", "the last lines are written at the end");
}
