//! The broker as `mosquitto/start.sh` starts it, and `mosquitto/usuario`.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::Instant;

use super::raw_mqtt::{Connect, Connection, Endpoint, Transport, Version};
use super::{TEST_TIMEOUT, free_port};

/// The scripts of this folder are what Docker mounts.
const SCRIPTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../mosquitto");

/// Programs that busybox has, as in the image of Mosquitto. Its `flock` is not in Debian's.
const APPLETS: &str = "awk cat chmod chown cmp cut date dd env grep head id mkdir mv od rm sed sh \
                       sleep sort sync tr wc";
const OTHERS: &str = "busybox flock mosquitto mosquitto_passwd mosquitto_pub mosquitto_sub";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shell {
    /// `/bin/sh` of this machine.
    System,
    Busybox,
    /// That of the system; all programs that it calls write their arguments to a file.
    Recorded,
}

pub(crate) struct Doors {
    folder: tempfile::TempDir,
    shell: Shell,
    environment: Vec<(String, String)>,
    inside: u16,
    outside: u16,
    websocket: u16,
    broker: Option<Child>,
}

pub(crate) struct User {
    pub(crate) name: String,
    pub(crate) secret: String,
}

impl User {
    pub(crate) fn connect(&self) -> Connect {
        Connect::user(&self.name, &self.secret)
    }
}

impl Doors {
    pub(crate) async fn open() -> Self {
        Self::open_with(Shell::System, &[]).await
    }

    pub(crate) async fn open_with(shell: Shell, set: &[(&str, &str)]) -> Self {
        let mut doors = Self::prepared(shell, set);
        doors.start().await;
        doors
    }

    /// Everything but the broker.
    pub(crate) fn prepared(shell: Shell, set: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        // Mosquitto reads as the user mosquitto.
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).expect("a mode");
        let path = |name: &str| folder.path().join(name).display().to_string();
        let ports = [free_port(), free_port(), free_port()];
        let [inside, outside, websocket] = ports.map(|port| format!("{port} 127.0.0.1"));
        let mut environment = vec![
            ("BROKER_USERS".to_owned(), path("users")),
            ("BROKER_RUN".to_owned(), path("run")),
            ("BROKER_DATA".to_owned(), path("data")),
            ("BROKER_LOG".to_owned(), path("no-log")),
            ("BROKER_INSIDE".to_owned(), inside),
            ("BROKER_OUTSIDE".to_owned(), outside),
            ("BROKER_WEBSOCKET".to_owned(), websocket),
            ("BROKER_ABERTO".to_owned(), String::new()),
            ("PATH".to_owned(), programs(folder.path(), shell)),
        ];
        environment.extend(set.iter().map(|(name, value)| ((*name).into(), (*value).into())));
        for name in ["config", "config/certs", "users", "data"] {
            fs::create_dir(folder.path().join(name)).expect("a folder");
        }
        for name in ["start.sh", "usuario", "users.sh", "mosquitto.conf"] {
            let text = fs::read_to_string(Path::new(SCRIPTS).join(name)).expect("a script");
            let text = text.replace("/mosquitto/data/", &format!("{}/", path("data")));
            fs::write(folder.path().join("config").join(name), text).expect("a copy");
        }
        let [inside, outside, websocket] = ports;
        Self { folder, shell, environment, inside, outside, websocket, broker: None }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Takes the users of another broker, before this one starts.
    pub(crate) fn copy_users(&self, other: &Self) {
        fs::copy(other.path("users/senhas"), self.path("users/senhas")).expect("a copy");
    }

    /// Changes a script or `mosquitto.conf`, as an operator could. What is replaced must be there.
    pub(crate) fn edit(&self, name: &str, from: &str, to: &str) {
        let path = self.path("config").join(name);
        let text = fs::read_to_string(&path).expect("a file");
        assert_eq!(text.matches(from).count(), 1, "{from} in {name}");
        fs::write(path, text.replace(from, to)).expect("a file");
    }

    pub(crate) fn command(&self, script: &str) -> Command {
        let mut command = Command::new("sh");
        if self.shell == Shell::Busybox {
            command = Command::new("busybox");
            command.arg("sh");
        }
        command.arg(self.path("config").join(script)).envs(self.environment.iter().cloned());
        command.stdin(Stdio::null());
        command
    }

    pub(crate) async fn start(&mut self) {
        let log = fs::File::options().append(true).create(true).open(self.path("log"));
        let mut command = self.command("start.sh");
        command.stderr(log.expect("a log")).stdout(Stdio::null());
        self.broker = Some(command.spawn().expect("a shell"));
        let deadline = Instant::now() + TEST_TIMEOUT;
        for port in [self.inside, self.outside, self.websocket] {
            while tokio::net::TcpStream::connect(("127.0.0.1", port)).await.is_err() {
                assert!(Instant::now() < deadline, "no broker:\n{}", self.log());
                tokio::time::sleep(std::time::Duration::from_millis(5)).await;
            }
        }
    }

    /// SIGKILL to Mosquitto, into which the start script has turned.
    pub(crate) fn kill(&mut self) {
        if let Some(mut broker) = self.broker.take() {
            broker.kill().expect("it runs");
            broker.wait().expect("it ends");
        }
    }

    /// Stops Mosquitto in good order, so that it saves its state.
    pub(crate) fn terminate(&mut self) {
        let pid = self.pid().to_string();
        let sent = Command::new("kill").args(["-TERM", &pid]).status();
        assert!(sent.expect("kill runs").success());
        self.broker.take().expect("it runs").wait().expect("it ends");
    }

    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.path("log")).unwrap_or_default()
    }

    /// Of Mosquitto, into which the start script has turned.
    pub(crate) fn pid(&self) -> u32 {
        self.broker.as_ref().expect("it runs").id()
    }

    pub(crate) fn hangup(&self) {
        let pid = self.pid().to_string();
        let sent = Command::new("kill").args(["-HUP", &pid]).status();
        assert!(sent.expect("kill runs").success());
    }

    pub(crate) fn usuario(&self, arguments: &[&str]) -> Output {
        self.command("usuario").args(arguments).output().expect("a shell")
    }

    /// `usuario novo` with these arguments.
    pub(crate) fn new_user(&self, arguments: &[&str]) -> User {
        let output = self.usuario(&[&["novo"], arguments].concat());
        let (secret, said) = (text(&output.stdout), text(&output.stderr));
        assert!(output.status.success(), "{arguments:?}: {said}");
        let (name, _) = said
            .lines()
            .find_map(|line| line.strip_prefix("usuario: "))
            .and_then(|said| said.split_once(' '))
            .expect(&said);
        User { name: name.to_owned(), secret: secret.trim_end().to_owned() }
    }

    pub(crate) fn names(&self) -> Vec<String> {
        text(&self.usuario(&["listar"]).stdout).lines().map(str::to_owned).collect()
    }

    pub(crate) fn outside(&self, transport: Transport, version: Version) -> Endpoint {
        let port = if transport == Transport::Tcp { self.outside } else { self.websocket };
        Endpoint { port, transport, version }
    }

    /// Every way through the outside door.
    pub(crate) fn every_outside(&self) -> [Endpoint; 4] {
        [
            self.outside(Transport::Tcp, Version::V311),
            self.outside(Transport::Tcp, Version::V5),
            self.outside(Transport::WebSocket, Version::V311),
            self.outside(Transport::WebSocket, Version::V5),
        ]
    }

    pub(crate) fn inside(&self) -> Endpoint {
        Endpoint { port: self.inside, transport: Transport::Tcp, version: Version::V5 }
    }

    pub(crate) async fn insider(&self, client_id: &str) -> Connection {
        let connect = Connect::anonymous(client_id);
        Connection::open(self.inside(), &connect).await.expect("the inside door is open")
    }
}

impl Drop for Doors {
    fn drop(&mut self) {
        if let Some(broker) = &mut self.broker {
            let _ = broker.kill();
            let _ = broker.wait();
        }
    }
}

pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// The PATH of a script: with busybox, its programs and no others.
fn programs(folder: &Path, shell: Shell) -> String {
    let path = format!("{}:/usr/sbin", std::env::var("PATH").unwrap_or_default());
    if shell == Shell::System {
        return path;
    }
    let find = |name: &str| {
        let found =
            std::env::split_paths(&path).map(|place| place.join(name)).find(|at| at.exists());
        found.unwrap_or_else(|| panic!("{name} is installed"))
    };
    let place = folder.join("programs");
    fs::create_dir(&place).expect("a folder");
    let busybox = find("busybox");
    for name in APPLETS.split_whitespace().chain(OTHERS.split_whitespace()) {
        let found = find(name);
        if shell == Shell::Recorded {
            let record = folder.join("arguments").display().to_string();
            let script = format!(
                "#!/bin/sh\necho \"{name} $*\" >>{record}\nexec {} \"$@\"\n",
                found.display()
            );
            fs::write(place.join(name), script).expect("a script");
            fs::set_permissions(place.join(name), fs::Permissions::from_mode(0o755))
                .expect("a mode");
        } else {
            let is_applet = APPLETS.split_whitespace().any(|applet| applet == name);
            let program = if is_applet { &busybox } else { &found };
            std::os::unix::fs::symlink(program, place.join(name)).expect("a link");
        }
    }
    place.display().to_string()
}
