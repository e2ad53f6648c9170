//! What must be in a backup, and what must hold after one was restored.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::PathBuf;

use rusqlite::{Connection, params};

use super::checker::{self, Conditions, Kind, Violation};
use super::drill::{Backup, Drill, Loss, SERVER};
use super::evidence::{self, Database, Evidence};
use super::history::{Call, Operation, Outcome, PrivateEvent, Window};
use super::loaded_system::COMMAND_LIMIT;
use crate::harness::run_subcommand;

/// Longer than an event takes to its client.
const ANNOUNCED: i64 = 2_000;

impl Loss {
    /// What was done in this time may be lost.
    fn window(&self) -> Window {
        (self.backup.begun, self.restored_at)
    }

    fn touches(&self, call: &Call) -> bool {
        call.ended >= self.backup.begun && call.started <= self.restored_at
    }
}

/// The call as somebody knows it who saw no answer. What has no effect is not known at all.
fn unanswered(call: &Call, ended: i64) -> Option<Call> {
    let has_effect = !matches!(call.operation, Operation::List | Operation::Consult);
    has_effect.then(|| Call { outcome: Outcome::Broken, ended, ..call.clone() })
}

/// The calls as they are known after machines were lost.
fn known_after(history: &[Call], losses: &[Loss]) -> Vec<Call> {
    let known = history.iter().filter_map(|call| {
        let is_lost = losses.iter().any(|loss| loss.touches(call));
        if is_lost { unanswered(call, call.ended) } else { Some(call.clone()) }
    });
    known.collect()
}

/// The calls as somebody knows them who saw no answer after the backup had begun.
fn known_before(history: &[Call], backup: &Backup) -> Vec<Call> {
    let begun = history.iter().filter(|call| call.started <= backup.done);
    let known = begun.filter_map(|call| {
        let is_known = call.ended < backup.begun;
        if is_known { Some(call.clone()) } else { unanswered(call, i64::MAX / 2) }
    });
    known.collect()
}

impl Drill {
    fn conditions(&self) -> Conditions {
        let mut record = self.record.clone();
        // What was published meanwhile is of a database that was lost.
        let silences =
            self.losses.iter().map(|loss| (loss.window().0 - ANNOUNCED, loss.restored_at));
        record.silences.extend(silences);
        Conditions::of(&record, COMMAND_LIMIT, std::time::Duration::ZERO)
    }

    /// Broken promises, of the whole run.
    pub(crate) fn violations(&mut self) -> Vec<Violation> {
        let known = known_after(&self.history, &self.losses);
        let is_kept = |event: &&PrivateEvent| {
            let lost =
                |loss: &Loss| (loss.window().0..=loss.restored_at).contains(&event.timestamp);
            !self.losses.iter().any(lost)
        };
        let published: Vec<PrivateEvent> = self.published.iter().filter(is_kept).cloned().collect();
        let conditions = self.conditions();
        let database = std::mem::take(&mut self.database);
        let evidence = Evidence::from([(SERVER.to_owned(), database)]);
        let found = checker::check(&known, Some(&published), &evidence, &conditions);
        self.database = evidence.into_values().next().expect("the database");
        found
    }

    /// Ids that were answered, lost, and then given to something else.
    pub(crate) fn ids_that_came_back(&self) -> Vec<String> {
        let lost =
            self.history.iter().filter(|call| self.losses.iter().any(|one| one.touches(call)));
        let came_back =
            lost.filter(|call| match &call.outcome {
                Outcome::Reserva(shown) => self.database.reservas.iter().any(|row| {
                    row.id == shown.id && Some(&row.request_id) != call.request_id.as_ref()
                }),
                Outcome::Session(shown) => self.database.sessions.iter().any(|row| {
                    let session = &row.session;
                    session.id == shown.id
                        && (&session.placa, session.inicio) != (&shown.placa, shown.inicio)
                }),
                _ => false,
            });
        came_back.map(|call| format!("{call:?}")).collect()
    }

    /// How many reservas were answered and are in no database any more.
    pub(crate) fn lost_reservas(&self) -> usize {
        let is_there = |call: &Call| {
            self.database
                .reservas
                .iter()
                .any(|row| Some(&row.request_id) == call.request_id.as_ref())
        };
        let made = self.history.iter().filter(|call| {
            let is_made = matches!(call.operation, Operation::Reserve { .. });
            is_made && matches!(call.outcome, Outcome::Reserva(_))
        });
        made.filter(|call| !is_there(call)).count()
    }

    /// What was answered before the backup, and is not in it; and what it should not have.
    pub(crate) async fn missing(&self, backup: &Backup) -> Vec<Violation> {
        let database = evidence::read(&self.restored(backup).await).await;
        self.violations_of(backup, database)
    }

    /// As [`missing`](Self::missing), of the backup without one reserva that was answered before.
    pub(crate) async fn missing_without_one(&self, backup: &Backup) -> Vec<Violation> {
        let path = self.restored(backup).await;
        let known = known_before(&self.history, backup);
        let mut answered = known.iter().rev().filter_map(|call| match &call.outcome {
            Outcome::Reserva(_) if matches!(call.operation, Operation::Reserve { .. }) => {
                call.request_id.as_deref()
            }
            _ => None,
        });
        let database = Connection::open(&path).expect("a database");
        let sql = "DELETE FROM reservas WHERE request_id = ?1
                   AND id NOT IN (SELECT reserva_id FROM alteracoes WHERE reserva_id IS NOT NULL)";
        let removed =
            answered.find(|id| database.execute(sql, params![id]).expect("a change") == 1);
        assert!(removed.is_some(), "no reserva of {} was answered before", path.display());
        drop(database);
        self.violations_of(backup, evidence::read(&path).await)
    }

    fn violations_of(&self, backup: &Backup, database: Database) -> Vec<Violation> {
        let before: Vec<Loss> =
            self.losses.iter().filter(|loss| loss.restored_at <= backup.done).cloned().collect();
        let known = known_before(&known_after(&self.history, &before), backup);
        let database = Database { read_at: backup.done, ..database };
        let evidence = Evidence::from([(SERVER.to_owned(), database)]);
        checker::check(&known, None, &evidence, &self.conditions())
    }

    /// Restores a backup into a place of its own.
    async fn restored(&self, backup: &Backup) -> PathBuf {
        let folder = tempfile::tempdir_in(self.folder.path()).expect("a folder").keep();
        let path = folder.join("server1.db");
        let url = format!("sqlite:///{}", path.display());
        let set = [("SERVER_ID", SERVER), ("DATABASE_URL", &url)];
        let from = backup.path.display().to_string();
        let done = run_subcommand("server", &folder, &["restaurar", &from], set).await;
        assert!(done.status.success(), "{done:?}");
        path
    }

    /// A Markdown table, for the docs.
    pub(crate) fn to_markdown(&self, violations: &[Violation]) -> String {
        let mut text = "| figure | value |\n| --- | ---: |\n".to_owned();
        let mut line = |what: &str, count: String| {
            writeln!(text, "| {what} | {count} |").expect("a string takes all");
        };
        line("operations", self.history.len().to_string());
        let mut outcomes: BTreeMap<String, usize> = BTreeMap::new();
        for call in &self.history {
            *outcomes.entry(call.outcome.kind()).or_default() += 1;
        }
        for (outcome, count) in outcomes {
            line(&format!("… {outcome}"), count.to_string());
        }
        line("faults", self.record.faults.values().sum::<usize>().to_string());
        line("backups, each restored and checked", self.backups.len().to_string());
        line("machines lost", self.losses.len().to_string());
        line("reservas lost with them", self.lost_reservas().to_string());
        line("requests of before that were repeated after", self.repeated.to_string());
        line("violations", violations.len().to_string());
        text
    }
}

/// The backups under load and faults, and the servidor that is restored from them: short, or as long
/// as `DRILL_SECONDS` says.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs mosquitto"]
async fn a_restored_servidor_keeps_every_promise_of_before_the_backup() {
    let number = |name: &str, default| {
        std::env::var(name).map_or(Ok(default), |text| text.parse()).expect("a number")
    };
    let seed = number("DRILL_SEED", u64::from(std::process::id()));
    let length = std::time::Duration::from_secs(number("DRILL_SECONDS", 14));
    let mut drill = super::drill::run(seed, length).await;
    let violations = drill.violations();
    println!("seed {seed}, {} s\n\n{}", length.as_secs(), drill.to_markdown(&violations));
    assert!(violations.is_empty(), "{violations:#?}");
    assert_eq!(drill.problems, Vec::<String>::new());
    assert_eq!(drill.ids_that_came_back(), Vec::<String>::new());
    assert!(drill.lost_reservas() > 0, "the machine had nothing that the backup had not");
    for backup in &drill.backups {
        let missing = drill.missing(backup).await;
        assert!(missing.is_empty(), "{}: {missing:#?}", backup.path.display());
    }
    let last = drill.backups.last().expect("a backup");
    let missing = drill.missing_without_one(last).await;
    assert!(missing.iter().any(|one| one.kind == Kind::SucessoLost), "{missing:?}");
}
