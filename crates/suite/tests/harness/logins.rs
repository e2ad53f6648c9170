//! A Mosquitto that knows everyone by name, as the outside listener does: the user name is the client id,
//! and rights go by role.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::Mutex;

use super::TEST_TIMEOUT;
use super::certificates::Authority;

/// Says which rights each role has.
const USERS_SH: &str = include_str!("../../../../mosquitto/users.sh");

/// Who may enter a broker, and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BrokerAccess {
    /// Everyone, without a name.
    Anonymous,
    /// By name.
    Logins,
    /// By name, over TLS.
    Tls,
}

impl BrokerAccess {
    /// That of `SUITE_BROKER`, for tests that do not choose one.
    pub(crate) fn from_environment() -> Self {
        match std::env::var("SUITE_BROKER").as_deref() {
            Ok("mosquitto-logins") => Self::Logins,
            Ok("mosquitto-tls") => Self::Tls,
            _ => Self::Anonymous,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    Gateway,
    /// A client of another house, which sends commands itself.
    App,
    Servidor,
    Carro,
    /// Its id is that of the servidor, a dot, and that of the posto.
    Carregador,
    /// A plain client of a test, with every right: what a program inside may do.
    Inside,
}

impl Role {
    fn name(self) -> &'static str {
        match self {
            Self::Gateway => "gateway",
            Self::App => "app",
            Self::Servidor => "servidor",
            Self::Carro => "carro",
            Self::Carregador => "carregador",
            Self::Inside => "dentro",
        }
    }

    /// Lines of Mosquitto's ACL, as `usuario` writes them for a user of this role and id.
    fn rights(self, id: &str) -> String {
        if self == Self::Inside {
            return "topic write #\ntopic read #\n".to_owned();
        }
        let (_, table) = USERS_SH.split_once("<<'TABLE'\n").expect("the table of rights");
        let (table, _) = table.split_once("\nTABLE\n").expect("its end");
        let (servidor, posto) = id.split_once('.').unwrap_or((id, ""));
        let mut rights = String::new();
        for line in table.lines() {
            let [roles, direction, topic] = line.split(' ').collect::<Vec<_>>()[..] else {
                panic!("not a right: {line}");
            };
            if roles.split(',').any(|role| role == self.name()) {
                let topic = topic.replace("<id>", id).replace("<posto>", posto);
                let topic = topic.replace("<servidor>", servidor);
                let _ = writeln!(rights, "topic {direction} {topic}");
            }
        }
        assert!(!rights.is_empty(), "no rights of {}", self.name());
        rights
    }
}

/// The users of one broker: its files, and what the programs log in with.
pub(crate) struct Logins {
    folder: PathBuf,
    access: BrokerAccess,
    /// Where plain clients connect; with TLS another port than that of the programs.
    plain_port: u16,
    known: Mutex<BTreeSet<String>>,
}

/// A user and its password.
#[derive(Debug, Clone)]
pub(crate) struct Login {
    pub(crate) user: String,
    pub(crate) password_file: PathBuf,
}

impl Login {
    pub(crate) fn password(&self) -> String {
        std::fs::read_to_string(&self.password_file).expect("a password").trim_end().to_owned()
    }
}

impl Logins {
    pub(crate) fn new(folder: &Path, access: BrokerAccess, plain_port: u16) -> Self {
        let folder = folder.join("broker");
        std::fs::create_dir_all(&folder).expect("a folder");
        for file in ["users", "rights"] {
            std::fs::write(folder.join(file), "").expect("a file");
        }
        let authority = Authority::new("broker authority");
        authority.write(&folder, "ca");
        authority.issue(&folder, "broker", &["127.0.0.1", "localhost"]);
        Self { folder, access, plain_port, known: Mutex::default() }
    }

    /// The lines of Mosquitto's configuration, after those of the listener for programs.
    pub(crate) fn config(&self) -> String {
        let folder = self.folder.display();
        let mut lines = String::new();
        if self.access == BrokerAccess::Tls {
            let port = self.plain_port;
            let _ = write!(
                lines,
                "certfile {folder}/broker.crt\nkeyfile {folder}/broker.key\n\
                 use_username_as_clientid true\nlistener {port} 127.0.0.1\n"
            );
        }
        let _ = write!(
            lines,
            "use_username_as_clientid true\nallow_anonymous false\npassword_file {folder}/users\n\
             acl_file {folder}/rights\n"
        );
        lines
    }

    pub(crate) fn plain_port(&self) -> u16 {
        self.plain_port
    }

    /// What the program of this role and id is set to. The broker knows it when this returns.
    pub(crate) async fn environment(&self, role: Role, id: &str) -> Vec<(&'static str, String)> {
        let Login { user, password_file } = self.login(role, id).await;
        let path = |path: &Path| path.to_str().expect("a path").to_owned();
        let mut set = vec![("MQTT_USERNAME", user), ("MQTT_PASSWORD_FILE", path(&password_file))];
        if self.access == BrokerAccess::Tls {
            set.push(("MQTT_CA_FILE", path(&self.folder.join("ca.crt"))));
        }
        set
    }

    /// Makes the user known to the broker, if it is not.
    pub(crate) async fn login(&self, role: Role, id: &str) -> Login {
        let user = format!("{}.{id}", role.name());
        let password_file = self.folder.join(&user);
        let login = Login { user, password_file };
        let mut known = self.known.lock().await;
        if known.insert(login.user.clone()) {
            std::fs::write(&login.password_file, format!("secret of {}\n", login.user))
                .expect("a password");
            self.set_password(&login);
            self.add_rights(&login.user, &role.rights(id));
            self.reload_broker();
            self.wait_for(&login).await;
        }
        login
    }

    fn set_password(&self, login: &Login) {
        let mut command = Command::new("mosquitto_passwd");
        command.arg("-b").arg(self.folder.join("users")).args([&login.user, &login.password()]);
        let done = command.stdout(Stdio::null()).stderr(Stdio::null()).status();
        assert!(done.expect("mosquitto_passwd is installed").success());
    }

    fn add_rights(&self, user: &str, rights: &str) {
        let path = self.folder.join("rights");
        let before = std::fs::read_to_string(&path).expect("the rights");
        std::fs::write(&path, format!("{before}user {user}\n{rights}\n")).expect("the rights");
    }

    /// Takes all rights to publish on topics that begin so away from a user.
    pub(crate) fn forbid(&self, user: &str, prefix: &str) {
        let path = self.folder.join("rights");
        let rights = std::fs::read_to_string(&path).expect("the rights");
        let mut of = "";
        let kept = rights.lines().filter(|line| {
            of = line.strip_prefix("user ").unwrap_or(of);
            of != user || !line.starts_with(&format!("topic write {prefix}"))
        });
        std::fs::write(&path, kept.collect::<Vec<_>>().join("\n") + "\n").expect("the rights");
        self.reload_broker();
    }

    /// Gives a user all rights of its role again.
    pub(crate) fn allow(&self, user: &str) {
        let (role, id) = user.split_once('.').expect("a role and an id");
        let roles = [Role::Gateway, Role::App, Role::Servidor, Role::Inside];
        let role = roles.into_iter().find(|one| one.name() == role).expect("a role");
        self.add_rights(user, &role.rights(id));
        self.reload_broker();
    }

    /// Gives a user another password, which its program does not know yet.
    pub(crate) fn rotate(&self, login: &Login, password: &str) {
        let file = self.folder.join(format!("{}.next", login.user));
        std::fs::write(&file, password).expect("a password");
        self.set_password(&Login { password_file: file, ..login.clone() });
        self.reload_broker();
    }

    /// SIGHUP to the broker, if it runs.
    fn reload_broker(&self) {
        let Ok(pid) = std::fs::read_to_string(self.pid_file()) else { return };
        let _ = Command::new("kill").args(["-HUP", pid.trim()]).stderr(Stdio::null()).status();
    }

    /// Where the harness writes the process id of the broker while it runs.
    pub(crate) fn pid_file(&self) -> PathBuf {
        self.folder.join("pid")
    }

    /// Waits until a running broker accepts the user.
    async fn wait_for(&self, login: &Login) {
        let deadline = Instant::now() + TEST_TIMEOUT;
        while self.pid_file().exists() && !self.accepts(login).await {
            assert!(Instant::now() < deadline, "{} cannot log in", login.user);
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// Waits until a broker that was just started serves. One that only listens does not handle
    /// SIGHUP yet, and would end.
    pub(crate) async fn wait_for_broker(&self) {
        let deadline = Instant::now() + TEST_TIMEOUT;
        while self.connack("nobody", "").await.is_none() {
            assert!(Instant::now() < deadline, "mosquitto does not answer");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    async fn accepts(&self, Login { user, .. }: &Login) -> bool {
        self.connack(user, &format!("secret of {user}")).await == Some(0)
    }

    /// The code that a clean MQTT 3.1.1 session is answered with; `None` without an answer.
    async fn connack(&self, user: &str, password: &str) -> Option<u8> {
        let mut body = b"\0\x04MQTT\x04\xC2\0\x3C\0\x01p".to_vec();
        for text in [user, password] {
            body.extend(u16::try_from(text.len()).expect("a short text").to_be_bytes());
            body.extend(text.as_bytes());
        }
        let length = u16::try_from(body.len()).expect("short texts");
        let length = [(length & 0x7F) as u8 | 0x80, (length >> 7) as u8];
        let address = (Ipv4Addr::LOCALHOST, self.plain_port);
        let mut stream = TcpStream::connect(address).await.ok()?;
        stream.write_all(&[&[0x10][..], &length, &body].concat()).await.ok()?;
        let mut connack = [0; 4];
        stream.read_exact(&mut connack).await.ok()?;
        let _ = stream.write_all(&[0xE0, 0]).await;
        Some(connack[3])
    }
}
