//! `server doctor`: what is well, and what to do about what is not. It changes nothing, and runs
//! beside the servidor or without it (docs/decisions/0087).

mod broker;
mod database;
mod disk;
mod tokens;

use std::error::Error;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use clap::Args;
use service::doctor::{
    Check, Instance, Report, Running, clock_checks, http_checks, look_at_running, process_checks,
    read_settings, secret_file_checks,
};

use crate::config::{Config, SETTINGS};
use crate::store::{Contents, DatabaseFiles, StoreError, examine_contents, examine_files};

const VERSION: &str = env!("CARGO_PKG_VERSION");
/// How long the pages of the database are checked.
const QUICK: Duration = Duration::from_secs(3);
/// A disk that answers nothing for so long hangs.
const DISK_LIMIT: Duration = Duration::from_secs(5);

#[derive(Args)]
pub(crate) struct DoctorArgs {
    /// Also checks all of the database, however long that takes
    #[arg(long)]
    completo: bool,
    /// Prints JSON
    #[arg(long)]
    json: bool,
}

/// What was read of the database's files; its contents, if there is one.
type Examined = (DatabaseFiles, Option<Result<Contents, StoreError>>);

pub(crate) fn doctor(args: &DoctorArgs) -> Result<ExitCode, Box<dyn Error>> {
    let mut report = Report::new("server", VERSION);
    let (config, settings) = read_settings(SETTINGS, Config::from_lookup);
    report.add("settings", settings);
    let Some(config) = config else {
        report.cut_short();
        return Ok(report.print(args.json));
    };
    report.of(config.server_id.as_str());
    let deadline = Instant::now() + DISK_LIMIT;
    let examined = start_examination(&config, args.completo);
    let mut running = look_at_running(config.http_addr, config.server_id.as_str(), VERSION);
    let examined = match args.completo {
        true => examined.recv().ok(),
        false => examined.recv_timeout(deadline.saturating_duration_since(Instant::now())).ok(),
    };
    let open_in = examined.as_ref().and_then(|(files, _)| files.open_in);
    running.checks.extend(unreachable_servidor(running.instance, open_in));
    let runs_here = runs_here(running.instance, open_in);
    let tried = broker::try_out(&config, runs_here)?;

    report.add("login", login_checks(&config));
    report.add("program", program_checks(&mut running));
    report.add("broker", tried.broker);
    report.add("bus", tried.bus);
    report.add("clock", clock(&running, examined.as_ref()));
    match &examined {
        None => report.add("disk", vec![disk::hangs(&config, DISK_LIMIT)]),
        Some((files, contents)) => {
            report.add("disk", disk::disk_checks(files));
            report.add("database", database::database_checks(&config, files, contents.as_ref()));
            report.add("access", access(&config, files, contents.as_ref()));
        }
    }
    Ok(report.print(args.json))
}

/// On a thread of its own: nothing interrupts a read of a disk that hangs.
fn start_examination(config: &Config, complete: bool) -> mpsc::Receiver<Examined> {
    let (sender, examined) = mpsc::channel();
    let path: PathBuf = config.database_url.path().to_owned();
    let server_id = config.server_id.clone();
    std::thread::spawn(move || {
        let files = examine_files(&path);
        let limit = (!complete).then_some(QUICK);
        let has_any = files.exists && files.bytes + files.wal_bytes > 0;
        let contents = has_any.then(|| examine_contents(&path, server_id.as_str(), limit));
        // Without a receiver it took too long.
        let _ = sender.send((files, contents));
    });
    examined
}

/// A servidor that holds the database, and that nobody can ask.
fn unreachable_servidor(instance: Instance, open_in: Option<i32>) -> Option<Check> {
    let pid = open_in.filter(|_| !matches!(instance, Instance::Runs { .. }))?;
    let found = match pid {
        0 => "a process that cannot be seen from here has the database open".to_owned(),
        pid => format!("process {pid} has the database open"),
    };
    let remedy = "if it is the servidor, give this command its HTTP_ADDR; else end that process, which \
                  keeps the servidor from starting";
    Some(Check::failure("running", found, remedy))
}

fn runs_here(instance: Instance, open_in: Option<i32>) -> Option<bool> {
    match instance {
        Instance::Runs { .. } => Some(true),
        Instance::Absent if open_in.is_none() => Some(false),
        Instance::Absent | Instance::Uncertain => None,
    }
}

fn login_checks(config: &Config) -> Vec<Check> {
    let findings = config.credentials().findings();
    let checks = findings.into_iter().map(broker::check);
    checks.chain(secret_file_checks(config.login.secret_files())).collect()
}

fn program_checks(running: &mut Running) -> Vec<Check> {
    let mut checks = std::mem::take(&mut running.checks);
    checks.extend(process_checks(running.http.addr()));
    checks
}

fn clock(running: &Running, examined: Option<&Examined>) -> Vec<Check> {
    let written = examined.and_then(|(_, contents)| contents.as_ref()?.as_ref().ok()?.last_write);
    let changed = examined.and_then(|(files, _)| files.changed_at);
    let written = written.map(|at| ("the last write in the database", at.into()));
    let changed = changed.map(|at| ("the last change of its files", at.into()));
    let known: Vec<_> = written.into_iter().chain(changed).collect();
    clock_checks(service::now(), running.clocks, &known)
}

fn access(
    config: &Config,
    files: &DatabaseFiles,
    contents: Option<&Result<Contents, StoreError>>,
) -> Vec<Check> {
    let valid =
        contents.and_then(|contents| contents.as_ref().ok()).map(|contents| &*contents.tokens);
    let mut checks = tokens::token_checks(config, files, valid);
    checks.extend(http_checks(&config.cors, &config.proxies));
    checks
}
