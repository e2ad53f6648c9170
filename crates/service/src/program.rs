//! What both programs do around their own work: the command line, the clock, exit codes, and an end
//! in bounded time.

use std::error::Error;
use std::ffi::OsString;
use std::net::SocketAddr;
use std::num::NonZero;
use std::process::ExitCode;
use std::sync::mpsc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use clap::{Command, FromArgMatches as _, Subcommand, error::ErrorKind};
use protocol::Timestamp;
use tokio::runtime::Runtime;
use tracing::{error, warn};

use crate::healthcheck::healthcheck;
use crate::settings::{ConfigError, Setting};
use crate::signals::{Shutdown, shutdown_signal, survive_signals};

/// A start failed for a reason that the operator can fix.
const EXIT_CANNOT_START: u8 = 2;
/// A health check failed. Docker reserves the other codes.
const EXIT_UNHEALTHY: u8 = 1;
/// How long a stop may take, whatever is stuck: Docker kills after 10 s. The parts of a program
/// have shorter limits of their own, so this one is for what they do not foresee.
const STOP_LIMIT: Duration = Duration::from_millis(6500);
/// How long the last lines of the log may take after that.
const LAST_LINES: Duration = Duration::from_millis(300);
/// How long the reason of a failure may wait for a reader of standard error.
const REASON_LIMIT: Duration = Duration::from_secs(1);
/// 2020-01-01. A clock that shows an earlier time was never set.
const EARLIEST_SECONDS: i64 = 1_577_836_800;
/// 9998-12-31, the last day that can be written in a message.
const LATEST_SECONDS: i64 = 253_370_764_799;

/// The wall clock. Other code reads it through this function, except `bus`, which does not use this
/// crate.
pub fn now() -> Timestamp {
    let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp::clamped(i64::try_from(since_1970.as_millis()).unwrap_or(i64::MAX))
}

/// A variable of the process environment. What is not UTF-8 in it is replaced;
/// [`check_environment`] refuses such a value.
pub fn environment(name: &str) -> Option<String> {
    std::env::var_os(name).map(|value| value.to_string_lossy().into_owned())
}

/// Refuses a value that is not UTF-8, which no setting may have: replacement characters in a path
/// would name another file.
///
/// # Errors
/// The first such variable.
pub fn check_environment(settings: &[Setting]) -> Result<(), ConfigError> {
    settings.iter().try_for_each(|setting| setting.check_utf8(std::env::var_os(setting.name)))
}

/// A program as its command line presents it.
pub struct Program {
    pub name: &'static str,
    pub about: &'static str,
    /// As `--help` lists them.
    pub settings: &'static [Setting],
    /// The log field that names this program, and the setting that it is read from.
    pub id: (&'static str, Setting),
    /// One of the settings: `healthcheck` asks at this address.
    pub http_addr: Setting,
}

/// What both programs can do instead of running.
#[derive(Subcommand)]
enum Common {
    /// Exits with 0 when the instance on this machine is ready
    Healthcheck,
}

/// What the command line asks for.
enum Asked<S> {
    Run,
    Common(Common),
    Subcommand(S),
}

impl Program {
    /// Runs `work` with logs and signals set up, or does what the command line asks for instead:
    /// a subcommand of every program here, or one of the program's own, `S`.
    pub fn main<S: Subcommand>(
        &self,
        work: impl AsyncFnOnce(Shutdown) -> Result<(), Box<dyn Error>>,
        subcommand: impl FnOnce(S) -> Result<ExitCode, Box<dyn Error>>,
    ) -> ExitCode {
        let done = match self.asked::<S>(std::env::args_os()) {
            Ok(Asked::Run) => {
                let run = self.run(work).map_err(|error| (EXIT_CANNOT_START, error.to_string()));
                run.map(|()| ExitCode::SUCCESS)
            }
            Ok(Asked::Common(Common::Healthcheck)) => {
                let asked = self.healthcheck().map_err(|reason| (EXIT_UNHEALTHY, reason));
                asked.map(|()| ExitCode::SUCCESS)
            }
            Ok(Asked::Subcommand(asked)) => {
                subcommand(asked).map_err(|error| (EXIT_CANNOT_START, error.to_string()))
            }
            // The text that was asked for: the help, or the version.
            Err(text) if !text.use_stderr() => {
                let _ = text.print();
                Ok(ExitCode::SUCCESS)
            }
            Err(wrong) => Err((EXIT_CANNOT_START, self.one_line(&wrong))),
        };
        done.unwrap_or_else(|(code, reason)| {
            print_reason(reason);
            ExitCode::from(code)
        })
    }

    fn asked<S: Subcommand>(
        &self,
        arguments: impl IntoIterator<Item = OsString>,
    ) -> Result<Asked<S>, clap::Error> {
        let found = self.command::<S>().try_get_matches_from(arguments)?;
        if found.subcommand_name().is_none() {
            Ok(Asked::Run)
        } else if let Ok(common) = Common::from_arg_matches(&found) {
            Ok(Asked::Common(common))
        } else {
            S::from_arg_matches(&found).map(Asked::Subcommand)
        }
    }

    fn command<S: Subcommand>(&self) -> Command {
        let settings = settings_help(self.settings);
        let command = Command::new(self.name).version(crate::VERSION);
        let command = S::augment_subcommands(Common::augment_subcommands(command));
        // Last: each of these sets it to the documentation of its enum.
        command.about(self.about).long_about(None).after_help(format!(
            "Without a subcommand it runs until SIGTERM or Ctrl-C.\n\n\
             Settings, from the environment:{settings}"
        ))
    }

    /// What is wrong with the command line, without the lines of advice that clap adds.
    fn one_line(&self, wrong: &clap::Error) -> String {
        let text = wrong.to_string();
        let text = match wrong.kind() {
            // It lists the arguments on lines of their own.
            ErrorKind::MissingRequiredArgument => text.split("\n\n").next(),
            _ => text.lines().next(),
        };
        let words: Vec<_> = text.unwrap_or_default().split_whitespace().collect();
        let text = words.join(" ");
        let text = text.strip_prefix("error: ").unwrap_or(&text);
        format!("{text}; see {} --help", self.name)
    }

    fn healthcheck(&self) -> Result<(), String> {
        check_environment(&[self.http_addr]).map_err(|error| error.to_string())?;
        let addr = self.http_addr.read::<SocketAddr>(&environment);
        healthcheck(addr.map_err(|error| error.to_string())?)
    }

    /// Runs `work` until it ends, or until [`STOP_LIMIT`] after a signal that stops it.
    fn run(
        &self,
        work: impl AsyncFnOnce(Shutdown) -> Result<(), Box<dyn Error>>,
    ) -> Result<(), Box<dyn Error>> {
        // Handlers need a runtime. A reload by systemd or a script may come at once.
        let runtime = runtime()?;
        runtime.block_on(async { survive_signals() });
        check_environment(self.settings)?;
        let (id_field, setting) = self.id;
        let id = setting.value(&environment);
        let id = id.as_deref().map(|id| (id_field, id));
        let _logs = crate::logs::init_logs(self.name, id, &environment)?;
        check_clock();
        let outcome = runtime.block_on(async {
            limit_stop(shutdown_signal());
            work(shutdown_signal()).await
        });
        // Does not wait for threads: one may look up a name for as long as it takes.
        runtime.shutdown_background();
        outcome
    }
}

/// A line for each setting, as `--help` lists them.
pub fn settings_help<'a>(settings: impl IntoIterator<Item = &'a Setting>) -> String {
    settings.into_iter().map(help_line).collect()
}

fn help_line(setting: &Setting) -> String {
    let Setting { name, default, should_be, about } = setting;
    match default {
        Some("") => format!("\n  {name:<21} {about}"),
        Some(default) => format!("\n  {name:<21} {about} (default: {default})"),
        None => format!("\n  {name:<21} {about} (required: {should_be})"),
    }
}

fn runtime() -> std::io::Result<Runtime> {
    // Half of the processors: the broker, SQLite's thread and our other programs on this machine
    // need the rest, and work that fits one thread is done sooner without waking a second one.
    let processors = std::thread::available_parallelism().map_or(1, NonZero::get);
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(processors.div_ceil(2))
        .enable_all()
        .build()
}

/// Ends the program some time after it was asked to stop. By a thread of its own, which nothing
/// that is stuck can delay.
fn limit_stop(shutdown: Shutdown) {
    tokio::spawn(async {
        shutdown.await;
        std::thread::spawn(|| {
            std::thread::sleep(STOP_LIMIT);
            warn!("the stop took too long and was cut short");
            std::thread::sleep(LAST_LINES);
            std::process::exit(0);
        });
    });
}

/// Whether somebody has set the clock.
pub(crate) fn is_plausible_clock() -> bool {
    (EARLIEST_SECONDS..=LATEST_SECONDS).contains(&clock_seconds())
}

/// Since 1970; negative before.
fn clock_seconds() -> i64 {
    match SystemTime::now().duration_since(UNIX_EPOCH) {
        Ok(after) => i64::try_from(after.as_secs()).unwrap_or(i64::MAX),
        Err(before) => i64::try_from(before.duration().as_secs()).map_or(i64::MIN, |past| -past),
    }
}

/// A reserva made by a wrong clock has a wrong interval, and nobody would know why.
fn check_clock() {
    if !is_plausible_clock() {
        let seconds = clock_seconds();
        error!(seconds, now = %now(), "the clock of this machine is wrong: set it, then restart");
    }
}

/// Prints why the program ends. Nobody may read standard error either.
#[expect(clippy::print_stderr, reason = "the operator sees it even where logs go elsewhere")]
fn print_reason(reason: String) {
    let (sender, printed) = mpsc::channel();
    std::thread::spawn(move || {
        eprintln!("{reason}");
        let _ = sender.send(());
    });
    let _ = printed.recv_timeout(REASON_LIMIT);
}

#[cfg(test)]
mod tests;
