//! What is in the database.

use service::doctor::{Check, Instance};

use crate::config::Config;
use crate::store::{BrokenPromises, Contents, DatabaseFiles, Integrity, OpenIn, StoreError};

const MIB: u64 = 1 << 20;
const RESTORE: &str = "stop the servidor, keep a copy of the files, and restore the newest backup: server \
                       restaurar ORIGEM";

pub(super) fn database_checks(
    config: &Config,
    instance: Instance,
    files: &DatabaseFiles,
    contents: Option<&Result<Contents, StoreError>>,
) -> Vec<Check> {
    let path = files.path.display();
    if let (None, OpenIn::Unknown(error)) = (contents, &files.open_in) {
        let found = format!("whether there is one at {path} is not known: {error}");
        return vec![Check::unchecked("schema", found, "the lines of `disk` say why")];
    }
    let contents = match contents {
        None if files.wal_bytes > 0 => {
            let found = format!("there is none at {path}, and a WAL that belongs to one");
            let remedy = "put the database back beside it, or move the WAL away to begin anew";
            return vec![Check::failure("schema", found, remedy)];
        }
        None => {
            let found = format!("there is none at {path}");
            let remedy = "the first start makes it; if there should be one, correct DATABASE_URL";
            return vec![Check::warning("schema", found, remedy)];
        }
        Some(Err(StoreError::Unsettled)) => {
            let found = format!("programs come and go that change {path} while it is read");
            return vec![Check::unchecked("integrity", found, "try again when they have started")];
        }
        Some(Err(error)) => {
            let found = format!("{} cannot use {path}", config.server_id);
            let remedy = match error {
                StoreError::Damaged(_) => format!("{error}: {RESTORE}"),
                other => other.to_string(),
            };
            return vec![Check::failure("schema", found, remedy)];
        }
        Some(Ok(contents)) => contents,
    };
    let mut checks =
        vec![schema(config, contents), journal(instance, files, contents), integrity(contents)];
    checks.extend(promises(contents));
    if contents.is_vacuum_due {
        let found = "what was forgotten may still be in free pages of the file";
        let remedy = "the running servidor writes it anew; if this stays for hours, stop what reads the \
                      database without a pause (Litestream) for a minute, or give its disk twice the \
                      space of the database";
        checks.push(Check::warning("forgotten", found, remedy));
    }
    checks
}

fn schema(config: &Config, contents: &Contents) -> Check {
    let Contents { version, newest_version, .. } = contents;
    if version < newest_version {
        let found = format!("schema {version}, and this program has {newest_version}");
        let remedy = "the next start migrates it, and no older program opens it then; make a backup first: \
                      server backup DEST";
        return Check::warning("schema", found, remedy);
    }
    Check::ok("schema", format!("schema {version}, of {}", config.server_id))
}

/// A servidor makes the WAL before anything else; a database that was restored has none until then.
fn journal(instance: Instance, files: &DatabaseFiles, contents: &Contents) -> Check {
    if !contents.is_in_wal_mode && !matches!(files.open_in, OpenIn::Nowhere) {
        let remedy = "another program has changed that: end it, then restart the servidor";
        if matches!(instance, Instance::Runs { .. }) {
            let found = "the servidor runs, and its database has no WAL";
            return Check::failure("journal", found, remedy);
        }
        let found = "a program has the database open, which has no WAL";
        return Check::warning("journal", found, format!("if it is the servidor: {remedy}"));
    }
    let (all, free) = (contents.bytes.div_ceil(MIB), contents.free_bytes / MIB);
    let wal = files.wal_bytes.div_ceil(MIB);
    Check::ok("journal", format!("{all} MiB, {free} of them free for reuse; WAL {wal} MiB"))
}

fn integrity(contents: &Contents) -> Check {
    match &contents.integrity {
        Integrity::Whole => Check::ok("integrity", "its pages agree"),
        Integrity::Damaged(reason) => {
            Check::failure("integrity", format!("it is damaged: {reason}"), RESTORE)
        }
        Integrity::Unknown => Check::unchecked(
            "integrity",
            "the file is too large for a quick look, or was changed during it, and its rows were not read",
            "server doctor --completo checks all of it; meanwhile the WAL grows",
        ),
    }
}

/// Reports whether the rows keep what the schema promises, which only a complete check reads.
fn promises(contents: &Contents) -> Option<Check> {
    let broken = contents.broken_promises?;
    if broken == BrokenPromises::default() {
        return Some(Check::ok(
            "promises",
            "no posto is held twice, nothing is archived and is not, and every row has what it refers to",
        ));
    }
    let BrokenPromises { keys, overlaps, doubled } = broken;
    let found = format!(
        "{overlaps} reservas hold a posto that another holds, {keys} rows refer to nothing, \
         {doubled} are archived and are not"
    );
    let remedy =
        format!("no servidor writes that: find out what else has written to the file; {RESTORE}");
    Some(Check::failure("promises", found, remedy))
}
