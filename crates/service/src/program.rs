//! What both programs do around their own work: the command line, the health check of a container,
//! the clock, signals, exit codes.

use std::error::Error;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::num::NonZero;
use std::pin::Pin;
use std::process::ExitCode;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use protocol::Timestamp;
use tokio::signal::unix::{SignalKind, signal};
use tracing::error;

use crate::settings::Setting;

/// A start failed for a reason that the operator can fix.
const EXIT_CANNOT_START: u8 = 2;
/// A health check failed. Docker reserves the other codes.
const EXIT_UNHEALTHY: u8 = 1;
/// Time limit of each step of a health check.
const HEALTHCHECK_TIMEOUT: Duration = Duration::from_secs(2);

/// The wall clock. All other code reads it through this function.
pub fn now() -> Timestamp {
    let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp::clamped(i64::try_from(since_1970.as_millis()).unwrap_or(i64::MAX))
}

/// A variable of the process environment. A value that is not UTF-8 is returned with replacement
/// characters, so that it is reported as malformed and not as missing.
pub fn environment(name: &str) -> Option<String> {
    std::env::var_os(name).map(|value| value.to_string_lossy().into_owned())
}

/// Completes on SIGTERM or Ctrl-C.
pub type Shutdown = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Listens for the signals from the call on, not only once the result is awaited: call it before
/// anything that takes time, or a signal during the start kills the program. Must be called within
/// a tokio runtime.
pub fn shutdown_signal() -> Shutdown {
    let interrupt = next_signal(SignalKind::interrupt());
    let terminate = next_signal(SignalKind::terminate());
    Box::pin(async {
        tokio::select! {
            () = interrupt => {}
            () = terminate => {}
        }
    })
}

fn next_signal(kind: SignalKind) -> impl Future<Output = ()> + Send {
    let signals = signal(kind);
    async {
        match signals {
            Ok(mut signals) => drop(signals.recv().await),
            Err(error) => {
                error!(%error, "cannot listen for a signal; it will kill this program");
                std::future::pending::<()>().await;
            }
        }
    }
}

/// A program as its command line presents it.
pub struct Program {
    pub name: &'static str,
    pub version: &'static str,
    pub about: &'static str,
    /// As `--help` lists them.
    pub settings: &'static [Setting],
    /// One of the settings: `healthcheck` asks at this address.
    pub http_addr: Setting,
}

impl Program {
    /// Runs `work` with logs and signals set up, or does what the first argument asks for instead.
    #[expect(clippy::print_stdout, reason = "the command line asked for this text")]
    #[expect(clippy::print_stderr, reason = "the operator sees it even where logs go elsewhere")]
    pub fn main(&self, work: impl AsyncFnOnce(Shutdown) -> Result<(), Box<dyn Error>>) -> ExitCode {
        let done = match std::env::args().nth(1).as_deref() {
            None => run(work).map_err(|error| (EXIT_CANNOT_START, error.to_string())),
            Some("healthcheck") => self.healthcheck().map_err(|reason| (EXIT_UNHEALTHY, reason)),
            Some("--version" | "-V") => {
                println!("{} {}", self.name, self.version);
                Ok(())
            }
            Some("--help" | "-h") => {
                println!("{}", self.help());
                Ok(())
            }
            Some(other) => {
                let reason = format!("{other:?} is no argument; see {} --help", self.name);
                Err((EXIT_CANNOT_START, reason))
            }
        };
        if let Err((code, reason)) = done {
            eprintln!("{reason}");
            return ExitCode::from(code);
        }
        ExitCode::SUCCESS
    }

    /// Asks the instance on this machine whether it is ready, so that a container image needs no
    /// other program for its health check.
    fn healthcheck(&self) -> Result<(), String> {
        let addr = self.http_addr.read::<SocketAddr>(&environment);
        let addr = addr.map_err(|error| error.to_string())?;
        let addr = SocketAddr::from((Ipv4Addr::LOCALHOST, addr.port()));
        let status = readyz(addr).map_err(|error| format!("{addr} does not answer: {error}"))?;
        match status.split_whitespace().nth(1) {
            Some("200") => Ok(()),
            _ => Err(format!("{addr} is not ready: {}", status.trim_end())),
        }
    }

    fn help(&self) -> String {
        let Self { name, version, about, settings, .. } = self;
        let settings: String = settings.iter().map(help_line).collect();
        format!(
            "{name} {version}: {about}\n\n\
             Usage: {name} [healthcheck | --version | --help]\n\n\
             Without an argument it runs until SIGTERM or Ctrl-C. `healthcheck` exits with 0 \
             when the\ninstance on this machine is ready.\n\n\
             Settings, from the environment:{settings}"
        )
    }
}

fn help_line(setting: &Setting) -> String {
    let Setting { name, default, should_be, about } = setting;
    match default {
        Some(default) => format!("\n  {name:<21} {about} (default: {default})"),
        None => format!("\n  {name:<21} {about} (required: {should_be})"),
    }
}

fn run(
    work: impl AsyncFnOnce(Shutdown) -> Result<(), Box<dyn Error>>,
) -> Result<(), Box<dyn Error>> {
    crate::logs::init_logs(&environment)?;
    // Half of the processors: the broker, SQLite's thread and our other programs on this machine
    // need the rest, and work that fits one thread is done sooner without waking a second one.
    let processors = std::thread::available_parallelism().map_or(1, NonZero::get);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(processors.div_ceil(2))
        .enable_all()
        .build()?;
    runtime.block_on(async { work(shutdown_signal()).await })
}

/// The status line of `GET /readyz`.
fn readyz(addr: SocketAddr) -> std::io::Result<String> {
    let mut connection = TcpStream::connect_timeout(&addr, HEALTHCHECK_TIMEOUT)?;
    connection.set_read_timeout(Some(HEALTHCHECK_TIMEOUT))?;
    connection.set_write_timeout(Some(HEALTHCHECK_TIMEOUT))?;
    connection
        .write_all(b"GET /readyz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")?;
    let mut response = Vec::new();
    connection.take(4096).read_to_end(&mut response)?;
    let response = String::from_utf8_lossy(&response);
    Ok(response.lines().next().unwrap_or_default().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn help_lists_each_setting_with_its_default_or_what_it_should_be() {
        const ID: Setting =
            Setting { name: "ID", default: None, should_be: "a word", about: "its name" };
        const PORT: Setting =
            Setting { name: "PORT", default: Some("80"), should_be: "a number", about: "its port" };
        let program = Program {
            name: "program",
            version: "1",
            about: "a test",
            settings: &[ID, PORT],
            http_addr: PORT,
        };
        let help = program.help();
        let (_, settings) = help.split_once("from the environment:\n").expect("a list of settings");
        assert_eq!(
            settings,
            "  ID                    its name (required: a word)\n\
             \x20 PORT                  its port (default: 80)"
        );
    }
}
