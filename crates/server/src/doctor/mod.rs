//! `server doctor`: what is well, and what to do about what is not. It changes nothing, and runs
//! beside the servidor or without it (docs/decisions/0087).

mod backup;
mod broker;
mod database;
mod disk;
mod postos;
mod readers;
mod tokens;

use std::error::Error;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use clap::Args;
use service::METRICS_ADDR;
use service::doctor::{
    Background, Check, Instance, Report, Running, clock_checks, hanging, http_checks,
    listener_checks, look_at_running, process_checks, read_settings, secret_file_checks,
    user_check,
};

use crate::config::{Config, HTTP_ADDR, SERVER_ID, SETTINGS};
use crate::last_backup::LastBackup;
use crate::store::{
    Contents, DatabaseFiles, Integrity, OpenIn, StoreError, examine_contents, examine_files,
};

/// How long the pages of the database are checked.
const PAGE_CHECK_TIMEOUT: Duration = Duration::from_secs(3);
/// A disk that answers nothing for so long hangs.
const DISK_LIMIT: Duration = Duration::from_secs(5);
/// How long other files are waited for after all else was looked at.
const GRACE: Duration = Duration::from_secs(1);

#[derive(Args)]
pub(crate) struct DoctorArgs {
    /// Also checks all of the database, however long that takes
    #[arg(long)]
    completo: bool,
    /// Prints JSON
    #[arg(long)]
    json: bool,
}

/// What was read of the database.
struct Examined {
    files: DatabaseFiles,
    /// `None`: there is no database.
    contents: Option<Result<Contents, StoreError>>,
    last_backup: Option<LastBackup>,
}

pub(crate) fn doctor(args: &DoctorArgs) -> Result<ExitCode, Box<dyn Error>> {
    let mut report = Report::new("server");
    let (config, settings) = read_settings(SETTINGS, Config::from_lookup);
    report.add("settings", settings);
    let Some(config) = config else {
        report.cut_short();
        return Ok(report.print(args.json));
    };
    report.of(config.server_id.as_str());
    let config = Arc::new(config);
    let disk_deadline = Instant::now() + DISK_LIMIT;
    let examined = start_examination(&config, args.completo);
    let login = Background::start({
        let config = Arc::clone(&config);
        move || login_checks(&config)
    });
    // That may take minutes, in which the servidor may start or stop.
    let complete = if args.completo { examined.wait() } else { None };
    let mut running = look_at_running(config.http_addr, config.server_id.as_str());
    let examined = complete.or_else(|| examined.until(disk_deadline));
    let examined = examined.as_ref();
    running.checks.extend(holder(running.instance, examined));
    let token = examined.map(|examined| start_access_checks(&config, examined));
    let postos = examined.filter(|examined| never_had_postos(examined)).map(|_| {
        let config = Arc::clone(&config);
        Background::start(move || postos::postos_check(&config))
    });
    let trial = broker::run_trial(&config, on_this_machine(running.instance, examined))?;

    let deadline = Instant::now() + GRACE;
    let login = login.until(deadline);
    let login = login.unwrap_or_else(|| vec![hanging("login files", "the files of the login")]);
    report.add("login", login);
    report.add("program", program_checks(&config, &mut running));
    report.add("broker", trial.broker);
    report.add("bus", trial.bus);
    report.add("clock", clock(&running, examined));
    report.add("disk", disk::disk_checks(&config, examined.map(|examined| &examined.files)));
    let mut database = database_checks(&config, running.instance, examined);
    database.extend(postos.map(|check| {
        let hangs = || hanging(postos::NAME, config.postos_csv.path().display());
        check.until(deadline).unwrap_or_else(hangs)
    }));
    report.add("database", database);
    let token = token.map(|checks| {
        let hangs = || vec![hanging(tokens::NAME, config.token_file().display())];
        checks.until(deadline).unwrap_or_else(hangs)
    });
    let mut access = token.unwrap_or_else(|| vec![tokens::unchecked()]);
    access.extend(http_checks(&config.cors, &config.proxies));
    report.add("access", access);
    Ok(report.print(args.json))
}

/// On a thread of its own, because the disk may hang.
fn start_examination(config: &Config, complete: bool) -> Background<Examined> {
    let path = config.database_url.path().to_owned();
    let server_id = config.server_id.clone();
    Background::start(move || {
        let files = examine_files(&path);
        let limit = (!complete).then_some(PAGE_CHECK_TIMEOUT);
        let has_any = files.exists && files.bytes + files.wal_bytes > 0;
        let contents = has_any.then(|| examine_contents(&path, server_id.as_str(), limit));
        let files = if complete { examine_files(&path) } else { files };
        Examined { files, contents, last_backup: LastBackup::read(&path) }
    })
}

fn start_access_checks(config: &Arc<Config>, examined: &Examined) -> Background<Vec<Check>> {
    let (config, exists) = (Arc::clone(config), examined.files.exists);
    // Older schemas, and pages that were not checked to their end, have rows that were not read.
    let read = examined.contents.as_ref().and_then(|contents| contents.as_ref().ok());
    let read = read.filter(|contents| {
        contents.version == contents.newest_version && contents.integrity == Integrity::Whole
    });
    let stored = read.map(|contents| contents.tokens.clone());
    Background::start(move || {
        let mut checks = tokens::token_checks(&config, exists, stored.as_ref());
        checks.extend(exists.then(|| readers::reader_check(config.database_url.path())));
        checks
    })
}

/// Who has the database open; where that is the servidor, nothing needs to be said.
fn holder(instance: Instance, examined: Option<&Examined>) -> Option<Check> {
    const NAME: &str = "database";
    let runs = matches!(instance, Instance::Runs { .. });
    let unknown = |reason: String| {
        let found = format!("who has the database open is not known: {reason}");
        let remedy =
            "run this command as the user of the servidor, or as root, when its disk answers";
        Check::unchecked(NAME, found, remedy)
    };
    let Some(files) = examined.map(|examined| &examined.files) else {
        return (!runs).then(|| unknown("its disk does not answer".to_owned()));
    };
    let found = match &files.open_in {
        OpenIn::Nowhere if runs => {
            let found = format!("the servidor runs, and has not opened {}", files.path.display());
            let remedy = "give this command the settings of the servidor, DATABASE_URL above all; if it \
                          has them, the file was replaced: restart the servidor";
            return Some(Check::failure(NAME, found, remedy));
        }
        OpenIn::Nowhere => return None,
        _ if runs => return None,
        OpenIn::Unknown(error) => return Some(unknown(error.to_string())),
        OpenIn::Unseen => {
            "a process that cannot be seen from here has the database open".to_owned()
        }
        OpenIn::Process { pid, name } => format!("process {pid} ({name}) has the database open"),
    };
    let remedy = "if it is the servidor, give this command its HTTP_ADDR; a backup, Litestream or \
                  another reader may have it open, and keeps no servidor from starting";
    Some(Check::warning(NAME, found, remedy))
}

/// A servidor that nobody can ask may still have the database.
fn on_this_machine(instance: Instance, examined: Option<&Examined>) -> Instance {
    let is_free = examined.is_some_and(|it| matches!(it.files.open_in, OpenIn::Nowhere));
    if instance == Instance::Absent && !is_free { Instance::Uncertain } else { instance }
}

fn login_checks(config: &Config) -> Vec<Check> {
    let findings = config.credentials().findings();
    let checks = findings.into_iter().map(broker::check);
    let user = user_check(&config.login, "servidor", (SERVER_ID, config.server_id.as_str()));
    checks.chain(secret_file_checks(config.login.secret_files())).chain(user).collect()
}

fn never_had_postos(examined: &Examined) -> bool {
    match &examined.contents {
        None => true,
        Some(contents) => contents.as_ref().is_ok_and(|contents| !contents.had_postos),
    }
}

fn program_checks(config: &Config, running: &mut Running) -> Vec<Check> {
    let mut checks = std::mem::take(&mut running.checks);
    let metrics = config.metrics_addr.map(|addr| (METRICS_ADDR.name, addr));
    let addrs = metrics.into_iter().chain([(HTTP_ADDR.name, config.http_addr)]);
    checks.extend(listener_checks(running.instance, addrs));
    checks.extend(process_checks(running.http.addr(), running.instance));
    checks
}

fn clock(running: &Running, examined: Option<&Examined>) -> Vec<Check> {
    let written = examined.and_then(|it| it.contents.as_ref()?.as_ref().ok()?.last_write);
    let written = written.map(|at| ("the last write in the database", at.into()));
    let changed = examined.and_then(|it| it.files.changed_at);
    let changed = changed.map(|at| ("the last change of its files", at.into()));
    let backup = examined.and_then(|it| it.last_backup);
    let backup = backup.map(|backup| ("its last backup", backup.quando));
    let known: Vec<_> = written.into_iter().chain(changed).chain(backup).collect();
    clock_checks(service::now(), running.clocks, &known)
}

fn database_checks(config: &Config, instance: Instance, examined: Option<&Examined>) -> Vec<Check> {
    let Some(Examined { files, contents, last_backup }) = examined else {
        let remedy = "the lines of `disk` say why";
        return vec![Check::unchecked("schema", "nothing of the database was read", remedy)];
    };
    let mut checks = database::database_checks(config, instance, files, contents.as_ref());
    if files.exists {
        checks.push(backup::backup_check(config, last_backup.as_ref(), service::now()));
    }
    checks
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is not known might be the servidor, whose connection a login with its name would end.
    #[test]
    fn a_servidor_is_absent_only_if_nobody_has_its_database() {
        let examined = |open_in| {
            let files = DatabaseFiles { open_in, ..examine_files("/does/not/exist".as_ref()) };
            Examined { files, contents: None, last_backup: None }
        };
        let here = |open_in| on_this_machine(Instance::Absent, Some(&examined(open_in)));
        assert_eq!(here(OpenIn::Nowhere), Instance::Absent);
        assert_eq!(here(OpenIn::Unseen), Instance::Uncertain);
        assert_eq!(
            here(OpenIn::Process { pid: 7, name: "litestream".to_owned() }),
            Instance::Uncertain
        );
        assert_eq!(
            here(OpenIn::Unknown(std::io::ErrorKind::PermissionDenied.into())),
            Instance::Uncertain
        );
        assert_eq!(on_this_machine(Instance::Absent, None), Instance::Uncertain, "its disk hangs");
        let runs = Instance::Runs { is_connected: false };
        assert_eq!(on_this_machine(runs, None), runs);
    }
}
