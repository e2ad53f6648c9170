//! The real programs and the real broker, on free ports and in their own folder.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::logins::{BrokerAccess, Login, Logins, Role};

/// The log level of production.
const USUAL_LOG: &str = "info";
pub(crate) const POSTOS: usize = 1_000;
/// How long a program may take to be ready.
const START_TIMEOUT: Duration = Duration::from_secs(20);

/// How long a gateway waits for the presences of servidores before it joins commands by `difusao`,
/// and a little more.
const UNTIL_ARRAYS: Duration = Duration::from_millis(1_100);

pub(crate) struct Running {
    pub(crate) addr: String,
    child: Child,
}

/// CPU seconds and memory of the programs of one kind together.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Usage {
    pub(crate) cpu_seconds: f64,
    pub(crate) peak_mib: f64,
    pub(crate) resident_mib: f64,
}

pub(crate) struct World {
    folder: tempfile::TempDir,
    programs: PathBuf,
    pub(crate) broker_port: u16,
    broker: Running,
    pub(crate) servers: Vec<Running>,
    pub(crate) gateways: Vec<Running>,
    log: String,
    logins: Option<Logins>,
    /// Further settings of servers and gateways.
    environment: Vec<(&'static str, String)>,
}

#[derive(Debug, Clone)]
pub(crate) struct Setup {
    pub(crate) servers: usize,
    pub(crate) gateways: usize,
    pub(crate) postos: usize,
    pub(crate) entrega: &'static str,
    pub(crate) log: &'static str,
    pub(crate) access: BrokerAccess,
}

impl Setup {
    /// What is measured unless a comparison needs something else: everyone logs in at the broker.
    pub(crate) fn usual(servers: usize, entrega: &'static str) -> Self {
        let (postos, log, access) = (POSTOS, USUAL_LOG, BrokerAccess::Logins);
        Self { servers, gateways: 1, postos, entrega, log, access }
    }
}

impl World {
    /// A broker and nothing else, where everyone logs in.
    pub(crate) fn with_broker() -> Self {
        Self::with_broker_access(USUAL_LOG, BrokerAccess::Logins)
    }

    fn with_broker_access(log: &str, access: BrokerAccess) -> Self {
        let exe = std::env::current_exe().expect("the path of this program");
        Self::of_programs(exe.ancestors().nth(2).expect("target/release"), log, access)
    }

    fn of_programs(programs: &Path, log: &str, access: BrokerAccess) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let broker_port = free_port();
        let plain_port = if access == BrokerAccess::Tls { free_port() } else { broker_port };
        let logins = (access != BrokerAccess::Anonymous)
            .then(|| Logins::new(folder.path(), access, plain_port));
        let open = || "allow_anonymous true\n".to_owned();
        let who = logins.as_ref().map_or_else(open, Logins::config);
        let config = folder.path().join("mosquitto.conf");
        let text = format!(
            "listener {broker_port} 127.0.0.1\n{who}set_tcp_nodelay true\n\
             max_inflight_messages 2000\nmax_queued_messages 200000\npersistence false\nuser root\n"
        );
        std::fs::write(&config, text).expect("a configuration");
        let mut command = Command::new("mosquitto");
        let path = std::env::var("PATH").unwrap_or_default();
        command.arg("-c").arg(&config).env("PATH", format!("{path}:/usr/sbin"));
        let broker = start(command, "mosquitto", format!("127.0.0.1:{broker_port}"));
        wait_for("mosquitto", || std::net::TcpStream::connect(("127.0.0.1", broker_port)).is_ok());
        if let Some(logins) = &logins {
            let serving = || tokio::runtime::Handle::current().block_on(logins.wait_for_broker());
            tokio::task::block_in_place(serving);
            let pid = broker.child.id().to_string();
            std::fs::write(logins.pid_file(), pid).expect("a file");
        }
        let programs = programs.to_owned();
        let (servers, gateways, log) = (Vec::new(), Vec::new(), log.to_owned());
        let environment = Vec::new();
        Self { folder, programs, broker_port, broker, servers, gateways, log, logins, environment }
    }

    /// Everything in `setup`, ready.
    pub(crate) fn with(setup: &Setup) -> Self {
        Self::with_broker_access(setup.log, setup.access).complete(setup)
    }

    /// The same with the programs in this folder.
    pub(crate) fn with_programs(setup: &Setup, programs: &Path) -> Self {
        Self::of_programs(programs, setup.log, setup.access).complete(setup)
    }

    /// The same as [`with`](Self::with), with further settings.
    pub(crate) fn with_environment(
        setup: &Setup,
        environment: Vec<(&'static str, String)>,
    ) -> Self {
        let world = Self::with_broker_access(setup.log, setup.access);
        Self { environment, ..world }.complete(setup)
    }

    fn complete(self, setup: &Setup) -> Self {
        let mut world = self;
        for number in 1..=setup.servers {
            world.add_server(number, setup.postos);
        }
        for _ in 0..setup.gateways {
            world.add_gateway(setup.entrega);
        }
        if setup.entrega == "difusao" {
            std::thread::sleep(UNTIL_ARRAYS);
        }
        world
    }

    /// A user of the broker for a client that is none of the programs.
    pub(crate) async fn login(&self, role: Role, id: &str) -> Login {
        self.logins.as_ref().expect("a broker with logins").login(role, id).await
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Starts `server{number}`, with its postos if its database is new.
    pub(crate) fn add_server(&mut self, number: usize, postos: usize) {
        let id = format!("server{number}");
        let csv = self.folder().join(format!("{id}.csv"));
        let mut text = "id,nome,latitude,longitude,status\n".to_owned();
        for posto in 1..=postos {
            text.push_str(&format!("{posto},Ponto {posto},-23.5540,-46.6370,disponivel\n"));
        }
        std::fs::write(&csv, text).expect("a file of postos");
        let set = [("SERVER_ID", id.as_str()), ("POSTOS_CSV", csv.to_str().expect("a path"))];
        let server = self.start_program("server", &id, &set);
        self.servers.push(server);
    }

    pub(crate) fn add_gateway(&mut self, entrega: &str) {
        let id = format!("cliente{}", self.gateways.len() + 1);
        // All listeners of the group events are one caller, who gets half of these.
        let streams = ("MAX_EVENTOS", "2048");
        let set = [("MQTT_CLIENT_ID", id.as_str()), ("MQTT_ENTREGA", entrega), streams];
        let gateway = self.start_program("client", &id, &set);
        self.gateways.push(gateway);
    }

    /// Stops a server by SIGTERM and waits for its end.
    pub(crate) fn stop_server(&mut self, place: usize) {
        let mut server = self.servers.remove(place);
        let pid = server.child.id().to_string();
        let _ = Command::new("kill").args(["-TERM", &pid]).status();
        let _ = server.child.wait();
    }

    fn start_program(&self, program: &str, id: &str, set: &[(&str, &str)]) -> Running {
        let addr = format!("127.0.0.1:{}", free_port());
        let mut command = Command::new(self.programs.join(program));
        command.env_clear().current_dir(self.folder()).envs(set.iter().copied());
        command.env("HTTP_ADDR", &addr).env("RUST_LOG", &self.log);
        command.env("MQTT_PORT", self.broker_port.to_string());
        // On whichever port is free, because nothing scrapes it here.
        command.env("METRICS_ADDR", "127.0.0.1:0");
        command.envs(self.environment.iter().cloned());
        if let Some(logins) = &self.logins {
            let role = if program == "server" { Role::Servidor } else { Role::Gateway };
            let login = logins.environment(role, id);
            let waiting = || tokio::runtime::Handle::current().block_on(login);
            command.envs(tokio::task::block_in_place(waiting));
        }
        let running = start(command, id, addr.clone());
        let mut check = Command::new(self.programs.join(program));
        check.arg("healthcheck").env("HTTP_ADDR", &addr);
        check.stdout(Stdio::null()).stderr(Stdio::null());
        wait_for(id, || check.status().is_ok_and(|status| status.success()));
        running
    }

    /// The usage of each kind of program since its start.
    pub(crate) fn usage(&self) -> BTreeMap<&'static str, Usage> {
        let kinds = [
            ("gateway", &self.gateways[..]),
            ("broker", std::slice::from_ref(&self.broker)),
            ("server", &self.servers[..]),
        ];
        kinds.into_iter().map(|(kind, programs)| (kind, usage(programs))).collect()
    }
}

fn usage(programs: &[Running]) -> Usage {
    let mut sum = Usage::default();
    for program in programs {
        let pid = program.child.id();
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        // After the name in brackets: user and system time are the 12th and 13th, in 1/100 s.
        let times = stat.rsplit(')').next().unwrap_or_default().split_whitespace().skip(11);
        let ticks: f64 = times.take(2).filter_map(|text| text.parse::<f64>().ok()).sum();
        sum.cpu_seconds += ticks / 100.0;
        let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
        let mib = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap_or("0 kB");
            line.trim().trim_end_matches(" kB").parse::<f64>().unwrap_or(0.0) / 1024.0
        };
        sum.peak_mib = sum.peak_mib.max(mib("VmHWM:"));
        sum.resident_mib = sum.resident_mib.max(mib("VmRSS:"));
    }
    sum
}

fn start(mut command: Command, name: &str, addr: String) -> Running {
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let child = command.spawn().unwrap_or_else(|error| panic!("{name} cannot be started: {error}"));
    Running { addr, child }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn wait_for(what: &str, mut holds: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !holds() {
        assert!(begun.elapsed() < START_TIMEOUT, "{what} is not ready");
        std::thread::sleep(Duration::from_millis(10));
    }
}

fn free_port() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    listener.local_addr().expect("its address").port()
}
