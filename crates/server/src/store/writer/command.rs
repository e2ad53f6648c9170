//! What a command to the writer is, and what it is applied with.

use std::cell::RefMut;
use std::collections::BTreeMap;

use domain::{Moment, Rejection, Reserva, Rules};
use opentelemetry::trace::SpanContext;
use rusqlite::types::FromSql;
use rusqlite::{CachedStatement, Connection, OptionalExtension as _, Params, Row};
use tokio::time::Instant;

use super::commit::recent_failures::{DuplicateKey, RecentFailures};
use super::statements::{Statement, Statements};
use crate::metrics::Recorded;
use crate::store::audit::Author;
use crate::store::environment::Change;
use crate::store::error::{StoreError, WriteError};

/// A change of the database, carried out by the writer.
pub trait WriteCommand: Send + 'static {
    /// What the caller gets once the change is on disk.
    type Output: Send + 'static;

    /// Decides and writes, in the transaction of a batch. It is applied a second time, alone, if
    /// another command made the batch fail.
    fn apply(&self, context: &mut WriteContext<'_>) -> Result<Self::Output, ApplyError>;

    /// What the copies of a command have in common, if it may arrive more than once. A failure of
    /// such a command is remembered until its deadline, so that no later copy succeeds.
    fn duplicate_key(&self) -> Option<DuplicateKey> {
        None
    }
}

/// Why a command has no output.
#[derive(Debug, thiserror::Error)]
pub enum ApplyError {
    /// The decision is no. What the command has written stays, and the batch continues.
    #[error(transparent)]
    Refused(#[from] WriteError),
    /// The database failed, and the whole transaction is rolled back.
    #[error(transparent)]
    Failed(#[from] StoreError),
}

impl From<Rejection> for ApplyError {
    fn from(rejection: Rejection) -> Self {
        Self::Refused(rejection.into())
    }
}

impl From<rusqlite::Error> for ApplyError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Failed(error.into())
    }
}

/// The transaction of a batch, and what its commands decide by.
pub struct WriteContext<'a> {
    pub(super) connection: &'a Connection,
    pub(super) statements: Statements<'a>,
    pub(super) server_id: &'a str,
    pub(super) rules: &'a Rules,
    /// The wall-clock time at which the whole batch happens.
    pub(super) now: Moment,
    /// The same on the clock of deadlines.
    pub(super) clock: Instant,
    pub(super) recent_failures: &'a RecentFailures,
    pub(super) last_sweep: Moment,
    /// Who changes what the current command changes; `None` if that is not recorded.
    pub(super) author: Option<Author>,
    /// How many commands share the transaction.
    pub(super) commands: usize,
    /// Of the current command.
    pub(super) trace: Option<SpanContext>,
    /// Reported after the commit.
    pub(super) changes: Vec<Change>,
    /// Counted after the commit.
    pub(super) recorded: Recorded,
    /// After the commit the file is to be written anew, without what was forgotten.
    pub(super) wants_vacuum: bool,
    /// Refusals by posto and name, which are counted before the commit.
    pub(super) refused: BTreeMap<(i64, &'static str), i64>,
}

impl<'a> WriteContext<'a> {
    /// One of the statements that are kept for the batch.
    pub(super) fn statement(
        &self,
        which: Statement,
        sql: &str,
    ) -> Result<RefMut<'_, CachedStatement<'a>>, StoreError> {
        Ok(self.statements.get(which, self.connection, sql)?)
    }

    /// Runs a statement that returns no rows; the number of rows changed.
    pub(super) fn execute(&self, sql: &str, parameters: impl Params) -> Result<usize, StoreError> {
        Ok(self.connection.prepare_cached(sql)?.execute(parameters)?)
    }

    /// The first row of a query, if there is one.
    pub(super) fn find<T>(
        &self,
        sql: &str,
        parameters: impl Params,
    ) -> Result<Option<T>, StoreError>
    where
        T: for<'r, 's> TryFrom<&'r Row<'s>, Error = rusqlite::Error>,
    {
        let mut statement = self.connection.prepare_cached(sql)?;
        Ok(statement.query_row(parameters, |row| T::try_from(row)).optional()?)
    }

    /// The first column of the first row of a query, if there is one.
    pub(super) fn find_value<T: FromSql>(
        &self,
        sql: &str,
        parameters: impl Params,
    ) -> Result<Option<T>, StoreError> {
        let mut statement = self.connection.prepare_cached(sql)?;
        Ok(statement.query_row(parameters, |row| row.get(0)).optional()?)
    }

    /// All rows of a query.
    pub(super) fn find_all<T>(
        &self,
        sql: &str,
        parameters: impl Params,
    ) -> Result<Vec<T>, StoreError>
    where
        T: for<'r, 's> TryFrom<&'r Row<'s>, Error = rusqlite::Error>,
    {
        let mut statement = self.connection.prepare_cached(sql)?;
        let rows = statement.query_map(parameters, |row| T::try_from(row))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// The first column of all rows of a query.
    pub(super) fn find_values<T: FromSql>(
        &self,
        sql: &str,
        parameters: impl Params,
    ) -> Result<Vec<T>, StoreError> {
        let mut statement = self.connection.prepare_cached(sql)?;
        let values = statement.query_map(parameters, |row| row.get(0))?;
        Ok(values.collect::<Result<_, _>>()?)
    }

    /// Refuses a new command if a copy of it has failed or its deadline has passed.
    pub(super) fn check_in_time(
        &self,
        command: &impl WriteCommand,
        deadline: Instant,
    ) -> Result<(), WriteError> {
        match self.recent_failures.of_duplicate(|| command.duplicate_key()) {
            Some(failure) => Err(failure),
            None if self.clock > deadline => Err(WriteError::Expired),
            None => Ok(()),
        }
    }

    /// Does something, or finds out what it would do and undoes it.
    pub(super) fn apply_or_simulate<T>(
        &mut self,
        simulate: bool,
        apply: impl FnOnce(&mut Self) -> Result<T, ApplyError>,
    ) -> Result<T, ApplyError> {
        if !simulate {
            return apply(self);
        }
        let (changes, recorded) = (self.changes.len(), self.recorded);
        self.connection.execute_batch("SAVEPOINT simulation")?;
        let outcome = apply(self);
        // The database failed, and has nothing to go back to: the transaction is rolled back, maybe by
        // the statement that failed.
        if !matches!(outcome, Err(ApplyError::Failed(_))) {
            self.connection.execute_batch("ROLLBACK TO simulation; RELEASE simulation")?;
            self.changes.truncate(changes);
            self.recorded = recorded;
        }
        outcome
    }

    pub(super) fn posto_inexistente(&self, posto_id: i64) -> Rejection {
        Rejection::PostoInexistente { posto_id, server_id: self.server_id.to_owned() }
    }

    /// Reports a reserva that was made or has changed, also to this client.
    pub(super) fn reserva_changed(&mut self, reserva: &Reserva, client_id: Option<String>) {
        // A reserva that has not begun does not affect its posto; the sweep reports its begin.
        if reserva.facts.interval.contains(self.now) {
            self.changes.push(Change::Posto(reserva.posto_id));
        }
        let Reserva { id, posto_id, facts, .. } = *reserva;
        let for_client = client_id.map(|client_id| (client_id, Box::new(reserva.clone())));
        let (state, trace) = (facts.state, self.trace.clone().map(Box::new));
        self.changes.push(Change::Reserva { id, posto_id, state, for_client, trace });
    }
}
