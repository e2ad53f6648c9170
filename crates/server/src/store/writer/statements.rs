//! The statements that each reservation runs, taken out of rusqlite's cache once for a batch.
//!
//! To look one up there hashes and compares its text, and to put it back unbinds its parameters:
//! for each reservation of a batch that is a tenth of what the store takes for it.

use std::cell::{RefCell, RefMut};

use rusqlite::{CachedStatement, Connection};

/// The statements that are kept, each of which is always asked for with the same SQL.
#[derive(Debug, Clone, Copy)]
pub(super) enum Statement {
    FindRequest,
    ReserveFacts,
    Holdings,
    WriteCarro,
    InsertReserva,
}

const COUNT: usize = Statement::InsertReserva as usize + 1;

/// The statements that commands of the batch have used so far.
#[derive(Default)]
pub(super) struct Statements<'a>([RefCell<Option<CachedStatement<'a>>>; COUNT]);

impl<'a> Statements<'a> {
    /// Returns a prepared statement. It must be given back before the same one is asked for again.
    pub(super) fn get(
        &self,
        which: Statement,
        connection: &'a Connection,
        sql: &str,
    ) -> rusqlite::Result<RefMut<'_, CachedStatement<'a>>> {
        let mut kept = self.0[which as usize].borrow_mut();
        if kept.is_none() {
            *kept = Some(connection.prepare_cached(sql)?);
        }
        Ok(RefMut::map(kept, |kept| kept.as_mut().expect("it is prepared")))
    }
}
