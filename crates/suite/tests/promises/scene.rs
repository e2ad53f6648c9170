//! A whole system whose every part can be hurt: programs that come back where they were, each
//! behind a link of its own, and disks that can be filled.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use tokio::sync::{Mutex, RwLock};

use super::evidence::{self, Evidence};
use super::proxy::Proxy;
use crate::harness::{Program, World, free_port};

/// Room for the data of a long run; memory, not disk.
const DISK: &str = "size=192m";

/// One program's place: what it is, and what runs there now.
pub(crate) struct Seat {
    program: &'static str,
    pub(crate) id: String,
    set: Vec<(String, String)>,
    pub(crate) url: String,
    pub(crate) link: Proxy,
    pub(crate) disk: Option<Disk>,
    pub(crate) running: Mutex<Option<Program>>,
    /// Held by the fault that is hurting it.
    pub(crate) hurt: Mutex<()>,
}

pub(crate) struct Scene {
    pub(crate) world: RwLock<World>,
    pub(crate) servers: Vec<Seat>,
    pub(crate) gateways: Vec<Seat>,
    pub(crate) broker_hurt: Mutex<()>,
}

/// How a scene is set.
pub(crate) struct Cast<'a> {
    pub(crate) servers: &'a [&'a str],
    pub(crate) gateways: &'a [&'a str],
    pub(crate) postos: usize,
    /// The program that plays the servidores, and what else it is told.
    pub(crate) server_program: &'static str,
    pub(crate) server_set: &'a [(&'a str, &'a str)],
    pub(crate) gateway_set: &'a [(&'a str, &'a str)],
    /// Whether each servidor gets a disk of its own, which needs root.
    pub(crate) disks: bool,
}

impl Scene {
    /// Starts everything, and waits until every gateway sees every servidor.
    pub(crate) async fn set(world: World, cast: &Cast<'_>) -> Self {
        let broker = world.broker.port();
        let (mut servers, mut gateways) = (Vec::new(), Vec::new());
        for id in cast.servers {
            world.seed_postos(id, cast.postos);
            let disk = cast.disks.then(|| Disk::mount(&world.folder().join(format!("disk-{id}"))));
            let folder = if disk.is_some() { format!("disk-{id}") } else { "data".to_owned() };
            let url = format!("sqlite:///./{folder}/{id}.db");
            let mut set = vec![("SERVER_ID", *id), ("DATABASE_URL", &url)];
            set.extend_from_slice(cast.server_set);
            servers.push(Seat::new(cast.server_program, &set, broker, disk).await);
        }
        for id in cast.gateways {
            let mut set = vec![("MQTT_CLIENT_ID", *id)];
            set.extend_from_slice(cast.gateway_set);
            gateways.push(Seat::new("client", &set, broker, None).await);
        }
        let scene =
            Self { world: RwLock::new(world), servers, gateways, broker_hurt: Mutex::default() };
        for seat in scene.seats() {
            seat.start(&scene).await;
        }
        scene.recovered(Duration::from_secs(20)).await.expect("it is well at the start");
        scene
    }

    pub(crate) fn seats(&self) -> impl Iterator<Item = &Seat> {
        self.servers.iter().chain(&self.gateways)
    }

    /// Waits until every program is ready and every gateway lists the postos of every servidor;
    /// how long that took.
    pub(crate) async fn recovered(&self, patience: Duration) -> Result<Duration, String> {
        let begun = Instant::now();
        let http =
            reqwest::Client::builder().timeout(Duration::from_secs(2)).build().expect("a client");
        let ready = self.seats().map(|seat| format!("{}/readyz", seat.url));
        let reached = self.gateways.iter().flat_map(|gateway| {
            let servers = self.servers.iter();
            servers.map(|server| format!("{}/postos?server_id={}", gateway.url, server.id))
        });
        for url in ready.chain(reached) {
            while !is_ok(&http, &url).await {
                if begun.elapsed() > patience {
                    return Err(format!("{url} is not answered with 200"));
                }
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        }
        Ok(begun.elapsed())
    }

    /// Ends everything in order, and reads what is on disk. Says what did not end well.
    pub(crate) async fn end(self) -> (Evidence, Vec<String>) {
        let mut complaints = Vec::new();
        for seat in self.seats() {
            let Some(program) = seat.running.lock().await.take() else { continue };
            let (status, log) = program.stop_and_tell().await;
            if !status.success() {
                complaints.push(format!("{} ended with {status}", seat.id));
            }
            let leftover = |line: &serde_json::Value| {
                line["message"] == "stopped"
                    && line["pending"].as_u64().is_none_or(|left| left == 0)
            };
            if seat.program == "client" && !log.iter().any(leftover) {
                complaints.push(format!("{} forgot a caller: {:?}", seat.id, log.last()));
            }
        }
        let mut evidence = Evidence::new();
        for seat in &self.servers {
            evidence.insert(
                seat.id.clone(),
                evidence::read(&seat.database(self.world.read().await.folder())).await,
            );
        }
        (evidence, complaints)
    }
}

async fn is_ok(http: &reqwest::Client, url: &str) -> bool {
    http.get(url).send().await.is_ok_and(|answer| answer.status() == 200)
}

impl Seat {
    async fn new(
        program: &'static str,
        set: &[(&str, &str)],
        broker: u16,
        disk: Option<Disk>,
    ) -> Self {
        let link = Proxy::to(broker).await;
        let addr = format!("127.0.0.1:{}", free_port());
        let mut all: Vec<(String, String)> =
            set.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())).collect();
        let id = all[0].1.clone();
        all.push(("HTTP_ADDR".to_owned(), addr.clone()));
        all.push(("MQTT_PORT".to_owned(), link.port().to_string()));
        all.push(("RUST_LOG".to_owned(), "warn,server::start=info,client::start=info".to_owned()));
        let url = format!("http://{addr}");
        Self {
            program,
            id,
            set: all,
            url,
            link,
            disk,
            running: Mutex::default(),
            hurt: Mutex::default(),
        }
    }

    /// Starts the program, where and as it was before.
    pub(crate) async fn start(&self, scene: &Scene) {
        let started = self.twin(scene, &[]).await;
        *self.running.lock().await = Some(started);
    }

    /// Another program with the same name.
    pub(crate) async fn twin(&self, scene: &Scene, other: &[(&str, &str)]) -> Program {
        let mut set: Vec<(&str, &str)> =
            self.set.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        set.extend_from_slice(other);
        Program::start(self.program, &*scene.world.read().await, &set).await
    }

    fn database(&self, folder: &Path) -> PathBuf {
        let url = self.set.iter().find(|(name, _)| name == "DATABASE_URL");
        let path = url.and_then(|(_, url)| url.strip_prefix("sqlite:///./"));
        folder.join(path.expect("a servidor has a database"))
    }
}

/// A small disk of one servidor.
pub(crate) struct Disk {
    folder: PathBuf,
}

impl Disk {
    pub(crate) fn mount(folder: &Path) -> Self {
        std::fs::create_dir_all(folder).expect("a folder");
        let folder = folder.to_owned();
        run(Command::new("mount").args(["-t", "tmpfs", "-o", DISK, "tmpfs"]).arg(&folder));
        Self { folder }
    }

    fn ballast(&self) -> PathBuf {
        self.folder.join("ballast")
    }

    /// Leaves no room for anything.
    pub(crate) fn fill(&self) {
        use std::io::Write as _;
        let mut ballast = std::fs::File::create(self.ballast()).expect("a file");
        for block in [vec![0; 1 << 20], vec![0; 1 << 12], vec![0]] {
            while ballast.write_all(&block).is_ok() {}
        }
    }

    /// Makes room again.
    pub(crate) fn clear(&self) {
        std::fs::remove_file(self.ballast()).expect("the ballast");
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        // Lazily: a program that was killed may not have let go yet.
        run(Command::new("umount").arg("-l").arg(&self.folder));
    }
}

/// Runs a command of the system that must succeed.
pub(crate) fn run(command: &mut Command) {
    let status = command.status().expect("the command exists");
    assert!(status.success(), "{command:?}: {status}");
}
