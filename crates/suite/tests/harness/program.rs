//! One of the real programs, run as a process.

use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Output, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use serde_json::Value;
use tokio::process::{Child, Command};

use super::{Role, TEST_TIMEOUT, World, eventually};

pub(crate) struct Program {
    child: Child,
    addr: String,
    pub(crate) log: PathBuf,
    /// The text of its token, of a servidor that asks for one.
    token: Option<String>,
}

/// As the root builds by default: with other packages the dependencies have other features, and are
/// built again.
const PACKAGES: [&str; 6] = ["--package", "client", "--package", "server", "--package", "suite"];

/// The folder of the programs. `cargo test -p suite` does not build them, so this does.
fn programs() -> &'static Path {
    static PROGRAMS: OnceLock<PathBuf> = OnceLock::new();
    PROGRAMS.get_or_init(|| build(&PACKAGES))
}

/// The folder of the programs with failpoints.
fn failpoints_programs() -> &'static Path {
    static FAILPOINTS: OnceLock<PathBuf> = OnceLock::new();
    FAILPOINTS.get_or_init(|| {
        let features = ["--features", "server/failpoints,client/failpoints"];
        let programs = ["--bin", FAILPOINTS_SERVER, "--bin", FAILPOINTS_CLIENT];
        build(&[PACKAGES.as_slice(), &features, &programs].concat())
    })
}

/// Name of the servidor that obeys `CRASH_AT` and `SEEDED_BUG`.
pub(crate) const FAILPOINTS_SERVER: &str = "server-failpoints";
/// Name of the gateway that obeys `SEEDED_BUG`.
pub(crate) const FAILPOINTS_CLIENT: &str = "client-failpoints";
/// Names of the programs of the last published version, which `crates/suite/previous.sh` builds.
pub(crate) const PREVIOUS_SERVER: &str = "previous/server";
pub(crate) const PREVIOUS_CLIENT: &str = "previous/client";

fn build(what: &[&str]) -> PathBuf {
    let test = std::env::current_exe().expect("the path of this test");
    let folder = test.ancestors().nth(2).expect("target/debug").to_owned();
    let mut build = std::process::Command::new(env!("CARGO"));
    build.args(["build", "--quiet"]).args(what);
    build.args(["--target-dir".as_ref(), folder.parent().expect("target").as_os_str()]);
    // cargo sets these for this test. The build of ring depends on them, and would begin anew with
    // each change.
    let of_this_test =
        |name: &str| name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_");
    for (name, _) in std::env::vars().filter(|(name, _)| of_this_test(name)) {
        build.env_remove(name);
    }
    if folder.ends_with("release") {
        build.arg("--release");
    }
    assert!(build.status().expect("cargo runs").success(), "the programs cannot be built");
    folder
}

/// The path of a program, built if it was not.
pub(crate) async fn path_of(name: &str) -> PathBuf {
    if let Some(name) = name.strip_prefix("previous/") {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        return root.canonicalize().expect("a folder").join("target/previous/last").join(name);
    }
    let has_failpoints = [FAILPOINTS_SERVER, FAILPOINTS_CLIENT].contains(&name);
    let folder = if has_failpoints { failpoints_programs } else { programs };
    tokio::task::spawn_blocking(folder).await.expect("the programs").join(name)
}

/// Runs a program for a subcommand, to its end.
pub(crate) async fn run_subcommand<'a>(
    name: &str,
    folder: &Path,
    arguments: &[&str],
    set: impl IntoIterator<Item = (&'a str, &'a str)>,
) -> Output {
    let mut command = Command::new(path_of(name).await);
    command.env_clear().current_dir(folder).kill_on_drop(true).args(arguments).envs(set);
    let output = tokio::time::timeout(TEST_TIMEOUT, command.output()).await;
    output.expect("it ends").expect("the program starts")
}

impl Program {
    /// Starts a program on a free port and waits until it logs its address.
    pub(crate) async fn start(name: &str, world: &World, set: &[(&str, &str)]) -> Self {
        Self::start_by(Command::new(path_of(name).await), name, world, set).await
    }

    /// Starts a program under limits, in the words of `ulimit`.
    pub(crate) async fn start_limited(
        limits: &[&str],
        name: &str,
        world: &World,
        set: &[(&str, &str)],
    ) -> Self {
        let limits: String = limits.iter().map(|limit| format!("ulimit {limit}; ")).collect();
        let mut shell = Command::new("/bin/sh");
        shell.arg("-c").arg(format!("{limits}exec \"$0\"")).arg(path_of(name).await);
        Self::start_by(shell, name, world, set).await
    }

    /// Starts a program that has mounts of its own: `mount` is run by a shell, with the path in `$1`.
    pub(crate) async fn start_with_mount(
        mount: &str,
        path: &Path,
        name: &str,
        world: &World,
        set: &[(&str, &str)],
    ) -> Self {
        let mut mounts = Command::new("unshare");
        mounts.args(["--mount", "/bin/sh", "-c"]);
        mounts.arg(format!("{mount} && exec \"$0\""));
        mounts.arg(path_of(name).await).arg(path);
        Self::start_by(mounts, name, world, set).await
    }

    async fn start_by(
        mut command: Command,
        name: &str,
        world: &World,
        set: &[(&str, &str)],
    ) -> Self {
        command.env_clear().current_dir(world.folder()).kill_on_drop(true).stdin(Stdio::null());
        command.env("HTTP_ADDR", "127.0.0.1:0");
        command.env("MQTT_BROKER", "127.0.0.1");
        command.env("MQTT_PORT", world.broker.port().to_string());
        command.envs(login(world, set).await);
        command.envs(set.iter().copied());
        let id = set.first().map_or(name, |(_, id)| id);
        let log = unused_path(world.folder(), id);
        let file = std::fs::File::create(&log).expect("a log file");
        command.stdout(file.try_clone().expect("a log file")).stderr(file);
        let child = command.spawn().expect("the program starts");
        let mut program = Self { child, addr: String::new(), log, token: None };
        // Not by `eventually`: its closure would make this future impossible to spawn.
        let deadline = Instant::now() + TEST_TIMEOUT;
        while program.addr.is_empty() {
            let log = || std::fs::read_to_string(&program.log).expect("a log");
            assert!(Instant::now() < deadline, "{name} does not log its address: {}", log());
            tokio::time::sleep(Duration::from_millis(10)).await;
            let started = program.log_lines().into_iter().find(|line| line["message"] == "started");
            let addr = started.and_then(|line| line["addr"].as_str().map(str::to_owned));
            program.addr = addr.unwrap_or_default();
        }
        program.token = program.token_file().map(|file| {
            let token = std::fs::read_to_string(world.folder().join(file)).expect("a token");
            token.trim().to_owned()
        });
        program
    }

    /// Where the servidor says that its token is.
    fn token_file(&self) -> Option<String> {
        let lines = self.log_lines();
        let is_where =
            |line: &&Value| line["message"] == "the first token of the admin API is in this file";
        lines.iter().find(is_where).map(|line| line["path"].as_str().expect("a path").to_owned())
    }

    /// A request with the token of this program, if it asks for one.
    pub(crate) fn request(&self, method: reqwest::Method, path: &str) -> reqwest::RequestBuilder {
        // A new client each time: each test has its own runtime, and connections must not cross them.
        let request = reqwest::Client::new().request(method, self.url(path));
        match &self.token {
            Some(token) => request.bearer_auth(token),
            None => request,
        }
    }

    /// Its first token of the admin API, if it asks for one.
    pub(crate) fn token(&self) -> Option<&str> {
        self.token.as_deref()
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.addr)
    }

    /// The JSON log lines so far.
    pub(crate) fn log_lines(&self) -> Vec<Value> {
        let log = std::fs::read_to_string(&self.log).unwrap_or_default();
        log.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
    }

    /// Waits until this gateway reports a servidor as `online` or `offline`.
    pub(crate) async fn sees(&self, server_id: &str, status: &str) {
        eventually(&format!("{server_id} is {status} at the gateway"), async || {
            let seen = self.get("/servidores").await.json;
            let servers = seen["servidores"].as_array().cloned().unwrap_or_default();
            servers.iter().any(|s| s["server_id"] == server_id && s["status"] == status)
        })
        .await;
    }

    /// Waits until this gateway does not know a servidor.
    pub(crate) async fn lacks(&self, server_id: &str) {
        eventually(&format!("{server_id} is unknown at the gateway"), async || {
            let seen = self.get("/servidores").await.json;
            let servers = seen["servidores"].as_array();
            servers.is_some_and(|all| all.iter().all(|s| s["server_id"] != server_id))
        })
        .await;
    }

    pub(crate) async fn ready(&self) {
        eventually("/readyz answers 200", async || self.get("/readyz").await.status == 200).await;
    }

    pub(crate) fn signal(&self, signal: &str) {
        let pid = self.pid().to_string();
        let sent = std::process::Command::new("kill").args([signal, &pid]).status();
        assert!(sent.expect("kill runs").success());
    }

    /// Ends the program by SIGKILL.
    pub(crate) async fn kill(mut self) {
        self.child.kill().await.expect("it was running");
    }

    /// Stops the process, as a debugger or a swapping machine would. On a busy machine its threads
    /// run on for a while after the signal; they have all stopped when this returns.
    pub(crate) fn freeze(&self) {
        self.signal("-STOP");
        let deadline = Instant::now() + TEST_TIMEOUT;
        while !self.is_stopped() {
            assert!(Instant::now() < deadline, "it does not stop");
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    fn is_stopped(&self) -> bool {
        let threads = std::fs::read_dir(format!("/proc/{}/task", self.pid())).expect("it runs");
        threads.map(|thread| thread.expect("a thread").path().join("stat")).all(|stat| {
            // The state follows the name, which is in parentheses. A thread that has ended is none.
            let stat = std::fs::read_to_string(stat).unwrap_or(") T".to_owned());
            stat.rsplit_once(") ").is_some_and(|(_, rest)| rest.starts_with('T'))
        })
    }

    pub(crate) fn thaw(&self) {
        self.signal("-CONT");
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id().expect("it is running")
    }

    /// Whether the program has ended.
    pub(crate) fn has_ended(&mut self) -> bool {
        self.child.try_wait().expect("its state").is_some()
    }

    /// Waits for the program to end by itself.
    pub(crate) async fn ended(&mut self) -> ExitStatus {
        let ended = tokio::time::timeout(TEST_TIMEOUT, self.child.wait()).await;
        ended.expect("it ends").expect("it was running")
    }

    /// Sends SIGTERM and waits for the end.
    pub(crate) async fn stop(mut self) -> ExitStatus {
        self.signal("-TERM");
        self.ended().await
    }

    /// As [`stop`](Self::stop), and returns everything the program logged.
    pub(crate) async fn stop_with_log(mut self) -> (ExitStatus, Vec<Value>) {
        self.signal("-TERM");
        let status = self.ended().await;
        (status, self.log_lines())
    }
}

/// What a program with these settings logs in with, where the broker asks for a name.
pub(crate) async fn login(world: &World, set: &[(&str, &str)]) -> Vec<(&'static str, String)> {
    let value = |name: &str| set.iter().rfind(|(known, _)| *known == name).map(|(_, value)| *value);
    let (role, id) = match (value("SERVER_ID"), value("MQTT_CLIENT_ID")) {
        (Some(id), _) => (Role::Servidor, id),
        (None, Some(id)) => (Role::Gateway, id),
        (None, None) => return Vec::new(),
    };
    match world.broker.logins() {
        Some(logins) => logins.environment(role, id).await,
        None => Vec::new(),
    }
}

fn unused_path(folder: &Path, id: &str) -> PathBuf {
    let mut names = (1..).map(|start| folder.join(format!("{id}.{start}.log")));
    names.find(|path| !path.exists()).expect("a name")
}
