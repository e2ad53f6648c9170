//! What a program does before and after its purpose: arguments, the clock, signals, exit codes.

use std::fmt::Display;
use std::net::SocketAddr;
use std::num::NonZero;
use std::process::ExitCode;
use std::time::{SystemTime, UNIX_EPOCH};

use protocol::Timestamp;
use tokio::signal::unix::{SignalKind, signal};
use tracing::error;

/// The wall clock. Nothing else of ours reads it.
#[must_use]
pub fn now() -> Timestamp {
    let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp::clamped(i64::try_from(since_1970.as_millis()).unwrap_or(i64::MAX))
}

/// Done when the program is asked to stop: SIGTERM or Ctrl-C. It listens from the call on, not
/// only once it is awaited: call it before anything that takes time, or a program that is asked to
/// stop while it starts is killed. Must be called within a tokio runtime.
pub fn shutdown_signal() -> impl Future<Output = ()> + Send {
    let interrupt = heard(SignalKind::interrupt());
    let terminate = heard(SignalKind::terminate());
    async {
        tokio::select! {
            () = interrupt => {}
            () = terminate => {}
        }
    }
}

fn heard(kind: SignalKind) -> impl Future<Output = ()> + Send {
    let listening = signal(kind);
    async {
        match listening {
            Ok(mut signals) => drop(signals.recv().await),
            Err(error) => {
                error!(%error, "a signal cannot be heard; it ends this program at once");
                std::future::pending::<()>().await;
            }
        }
    }
}

/// A program as it presents itself on the command line.
pub struct Program {
    /// Its name.
    pub name: &'static str,
    /// Its version.
    pub version: &'static str,
    /// What it is, in one line.
    pub about: &'static str,
    /// Its variables, one a line, as `--help` shows them.
    pub variables: &'static str,
    /// Where it listens unless `HTTP_ADDR` says otherwise.
    pub default_addr: &'static str,
}

/// Exit code of a start that failed for a reason the operator can mend.
const CANNOT_START: u8 = 2;

/// Exit code of a health check that failed; Docker keeps the other codes for itself.
const UNHEALTHY: u8 = 1;

/// A variable of the process environment. What is not UTF-8 is shown as well as can be, so that it
/// is refused for what it is and does not count as missing.
#[must_use]
pub fn environment(name: &str) -> Option<String> {
    std::env::var_os(name).map(|value| value.to_string_lossy().into_owned())
}

impl Program {
    /// Runs `purpose`, or what the first argument asks for instead.
    pub fn main<E: Display>(&self, purpose: impl AsyncFnOnce() -> Result<(), E>) -> ExitCode {
        match std::env::args().nth(1).as_deref() {
            None => self.run(purpose),
            Some("healthcheck") => self.healthcheck(),
            Some("--version" | "-V") => say(&format!("{} {}", self.name, self.version)),
            Some("--help" | "-h") => say(&self.help()),
            Some(other) => complain(&format!("{other:?} is no argument; see {} --help", self.name)),
        }
    }

    fn run<E: Display>(&self, purpose: impl AsyncFnOnce() -> Result<(), E>) -> ExitCode {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(worker_threads())
            .enable_all()
            .build();
        match runtime.map(|runtime| runtime.block_on(purpose())) {
            Ok(Ok(())) => ExitCode::SUCCESS,
            Ok(Err(error)) => complain(&error.to_string()),
            Err(error) => complain(&error.to_string()),
        }
    }

    fn healthcheck(&self) -> ExitCode {
        let addr = std::env::var("HTTP_ADDR").unwrap_or_default();
        let addr = if addr.is_empty() { self.default_addr } else { &addr };
        let checked = match addr.parse::<SocketAddr>() {
            Ok(addr) => crate::healthcheck(addr.port()),
            Err(_) => Err(format!("HTTP_ADDR is {addr:?}; it should be an address and port")),
        };
        match checked {
            Ok(()) => ExitCode::SUCCESS,
            Err(reason) => {
                complain(&reason);
                ExitCode::from(UNHEALTHY)
            }
        }
    }

    fn help(&self) -> String {
        let Self { name, version, about, variables, .. } = self;
        format!(
            "{name} {version}: {about}\n\n\
             Usage: {name} [healthcheck | --version | --help]\n\n\
             Without an argument it runs until SIGTERM or Ctrl-C. `healthcheck` exits with 0 \
             when the\none that runs on this machine is ready.\n\n\
             Settings, from the environment:\n{variables}"
        )
    }
}

/// Half of the processors: the broker, SQLite's thread and programs of ours beside this one want
/// the others, and what needs no second thread is done sooner without waking one.
fn worker_threads() -> usize {
    let processors = std::thread::available_parallelism().map_or(1, NonZero::get);
    processors.div_ceil(2)
}

#[allow(clippy::print_stdout)] // What was asked for on the command line is answered there.
fn say(text: &str) -> ExitCode {
    println!("{text}");
    ExitCode::SUCCESS
}

#[allow(clippy::print_stderr)] // An operator must see it even where logs go elsewhere.
fn complain(reason: &str) -> ExitCode {
    eprintln!("{reason}");
    ExitCode::from(CANNOT_START)
}
