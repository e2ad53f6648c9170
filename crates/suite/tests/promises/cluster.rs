//! A whole system for fault injection: programs that restart at the same address, each behind its
//! own link, and disks that can be filled.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use tokio::sync::{Mutex, RwLock};

use super::disk_faults::DiskFaults;
use super::evidence::{self, Evidence};
use super::proxy::Proxy;
use crate::harness::{Program, World, free_port, run_subcommand};

/// Enough for the data of a long run; a tmpfs.
const DISK_OPTIONS: &str = "size=192m";

/// Few enough that connections can use them up.
const DESCRIPTORS: &str = "-n 192";

/// One program with its settings, and the process that runs now.
pub(crate) struct Node {
    program: &'static str,
    pub(crate) id: String,
    set: Vec<(String, String)>,
    pub(crate) url: String,
    pub(crate) link: Proxy,
    pub(crate) disk: Option<Disk>,
    /// Of a servidor with a disk.
    pub(crate) disk_faults: Option<DiskFaults>,
    pub(crate) running: Mutex<Option<Program>>,
    /// Held during a fault of this program.
    pub(crate) fault_lock: Mutex<()>,
    /// Held by each caller of the admin API, and alone by what sets the database back.
    pub(crate) admin: RwLock<()>,
    /// Of the admin API.
    pub(crate) token: OnceLock<String>,
}

pub(crate) struct Cluster {
    pub(crate) world: RwLock<World>,
    pub(crate) servers: Vec<Node>,
    pub(crate) gateways: Vec<Node>,
    pub(crate) broker_fault_lock: Mutex<()>,
}

pub(crate) struct ClusterSpec<'a> {
    pub(crate) servers: &'a [&'a str],
    pub(crate) gateways: &'a [&'a str],
    pub(crate) postos: usize,
    /// The program to run as servidores, and its further settings.
    pub(crate) server_program: &'static str,
    pub(crate) server_set: &'a [(&'a str, &'a str)],
    pub(crate) gateway_set: &'a [(&'a str, &'a str)],
    /// Whether each servidor gets its own disk, which needs root.
    pub(crate) disks: bool,
}

impl Cluster {
    /// Starts everything, and waits until every gateway sees every servidor.
    pub(crate) async fn start(world: World, spec: &ClusterSpec<'_>) -> Self {
        let broker = world.broker.port();
        let (mut servers, mut gateways) = (Vec::new(), Vec::new());
        for id in spec.servers {
            world.seed_postos(id, spec.postos);
            let disk = spec.disks.then(|| Disk::mount(&world.folder().join(format!("disk-{id}"))));
            let folder = if disk.is_some() { format!("disk-{id}") } else { "data".to_owned() };
            let url = format!("sqlite:///./{folder}/{id}.db");
            let mut set = vec![("SERVER_ID", *id), ("DATABASE_URL", &url)];
            set.extend_from_slice(spec.server_set);
            let mut node = Node::new(spec.server_program, &set, broker).await;
            if disk.is_some() {
                node.disk = disk;
                node.preload(DiskFaults::new(world.folder(), id));
            }
            servers.push(node);
        }
        for id in spec.gateways {
            let mut set = vec![("MQTT_CLIENT_ID", *id)];
            set.extend_from_slice(spec.gateway_set);
            gateways.push(Node::new("client", &set, broker).await);
        }
        let cluster = Self {
            world: RwLock::new(world),
            servers,
            gateways,
            broker_fault_lock: Mutex::default(),
        };
        for node in cluster.nodes() {
            node.start(&cluster).await;
        }
        cluster.recovered(Duration::from_secs(20)).await.expect("the system becomes ready");
        cluster
    }

    pub(crate) fn nodes(&self) -> impl Iterator<Item = &Node> {
        self.servers.iter().chain(&self.gateways)
    }

    /// Waits until every program is ready and every gateway lists the postos of every servidor;
    /// returns how long that took.
    pub(crate) async fn recovered(&self, timeout: Duration) -> Result<Duration, String> {
        let begun = Instant::now();
        let http =
            reqwest::Client::builder().timeout(Duration::from_secs(5)).build().expect("a client");
        let ready = self.nodes().map(|node| format!("{}/readyz", node.url));
        let reached = self.gateways.iter().flat_map(|gateway| {
            let servers = self.servers.iter();
            servers.map(|server| format!("{}/postos?server_id={}", gateway.url, server.id))
        });
        for url in ready.chain(reached) {
            while let Err(answer) = is_ok(&http, &url).await {
                if begun.elapsed() > timeout {
                    return Err(format!("{url} is not answered with 200, but {answer}"));
                }
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        }
        Ok(begun.elapsed())
    }

    /// Stops every program and reads the databases; also returns what did not stop cleanly.
    pub(crate) async fn end(self) -> (Evidence, Vec<String>) {
        let mut problems = Vec::new();
        for node in self.nodes() {
            let Some(program) = node.running.lock().await.take() else { continue };
            let (status, log) = program.stop_with_log().await;
            if !status.success() {
                problems.push(format!("{} ended with {status}", node.id));
            }
            let stopped_idle = |line: &serde_json::Value| {
                line["message"] == "stopped"
                    && line["pending"].as_u64().is_none_or(|left| left == 0)
            };
            if node.program == "client" && !log.iter().any(stopped_idle) {
                problems.push(format!(
                    "{} stopped with pending callers: {:?}",
                    node.id,
                    log.last()
                ));
            }
        }
        let mut evidence = Evidence::new();
        for node in &self.servers {
            evidence.insert(
                node.id.clone(),
                evidence::read(&node.database(self.world.read().await.folder())).await,
            );
        }
        (evidence, problems)
    }
}

/// What is answered instead of 200.
async fn is_ok(http: &reqwest::Client, url: &str) -> Result<(), String> {
    let answer = http.get(url).send().await.map_err(|error| error.to_string())?;
    let status = answer.status();
    if status == 200 { Ok(()) } else { Err(format!("{status}: {:?}", answer.text().await)) }
}

impl Node {
    async fn new(program: &'static str, set: &[(&str, &str)], broker: u16) -> Self {
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
            disk: None,
            disk_faults: None,
            running: Mutex::default(),
            fault_lock: Mutex::default(),
            admin: RwLock::default(),
            token: OnceLock::new(),
        }
    }

    fn preload(&mut self, faults: DiskFaults) {
        let variables = faults.environment();
        self.set.extend(variables.map(|(name, value)| (name.to_owned(), value)));
        self.disk_faults = Some(faults);
    }

    /// Starts the program with the settings and address it had before.
    pub(crate) async fn start(&self, cluster: &Cluster) {
        let started = self.twin(cluster, &[]).await;
        if let Some(token) = started.token() {
            self.token.get_or_init(|| token.to_owned());
        }
        *self.running.lock().await = Some(started);
    }

    /// Panics with the end of its log if the program has ended, although no fault has ended it.
    pub(crate) async fn assert_running(&self) {
        let mut running = self.running.lock().await;
        let Some(program) = running.as_mut() else { return };
        if program.has_ended() {
            let log = program.log_lines();
            let last = &log[log.len().saturating_sub(5)..];
            panic!("{} has ended by itself; its log ends with {last:#?}", self.id);
        }
    }

    /// Starts another program with the same id; `other` replaces settings.
    pub(crate) async fn twin(&self, cluster: &Cluster, other: &[(&str, &str)]) -> Program {
        let mut set: Vec<(&str, &str)> =
            self.set.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        set.extend_from_slice(other);
        let world = cluster.world.read().await;
        Program::start_limited(&[DESCRIPTORS], self.program, &world, &set).await
    }

    /// Runs its program for a subcommand, with its settings; `other` replaces some.
    pub(crate) async fn subcommand(
        &self,
        folder: &Path,
        arguments: &[&str],
        other: &[(&str, &str)],
    ) -> Output {
        let set = self.set.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        run_subcommand(self.program, folder, arguments, set.chain(other.iter().copied())).await
    }

    pub(crate) fn database(&self, folder: &Path) -> PathBuf {
        let url = self.set.iter().find(|(name, _)| name == "DATABASE_URL");
        let path = url.and_then(|(_, url)| url.strip_prefix("sqlite:///./"));
        folder.join(path.expect("a servidor has a database"))
    }
}

/// The small disk of one servidor.
pub(crate) struct Disk {
    folder: PathBuf,
}

impl Disk {
    pub(crate) fn mount(folder: &Path) -> Self {
        std::fs::create_dir_all(folder).expect("a folder");
        let folder = folder.to_owned();
        run(Command::new("mount").args(["-t", "tmpfs", "-o", DISK_OPTIONS, "tmpfs"]).arg(&folder));
        Self { folder }
    }

    fn ballast(&self) -> PathBuf {
        self.folder.join("ballast")
    }

    /// Fills the disk to its last byte.
    pub(crate) fn fill(&self) {
        use std::io::Write as _;
        let mut ballast = std::fs::File::create(self.ballast()).expect("a file");
        for block in [vec![0; 1 << 20], vec![0; 1 << 12], vec![0]] {
            while ballast.write_all(&block).is_ok() {}
        }
    }

    /// Frees the disk again.
    pub(crate) fn clear(&self) {
        std::fs::remove_file(self.ballast()).expect("the ballast");
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        // Lazily: a killed program may still have files open.
        run(Command::new("umount").arg("-l").arg(&self.folder));
    }
}

/// Runs a system command that must succeed.
pub(crate) fn run(command: &mut Command) {
    let status = command.status().expect("the command exists");
    assert!(status.success(), "{command:?}: {status}");
}
