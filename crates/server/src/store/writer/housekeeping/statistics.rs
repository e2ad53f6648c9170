//! Sums that are kept after what they count is gone (docs/decisions/0083).

use std::collections::BTreeMap;
use std::sync::LazyLock;

use domain::{ALL_POSTOS, Figures, Finished, Hours, Interval, Moment, ReservaFacts, Tally};
use rusqlite::{Connection, Row, params, params_from_iter};

use crate::store::error::StoreError;
use crate::store::rows::reservas::ReservaRow;
use crate::store::rows::statistics::{CountedReserva, CountedSession, FIGURES, warn_of_unread};
use crate::store::writer::command::WriteContext;

/// Some 5 MB.
const SUMS_IN_MEMORY: usize = 20_000;
/// Each is written twice, for its posto and for all: some milliseconds.
const SUMS_AT_ONCE: usize = 512;

static ADD: LazyLock<String> = LazyLock::new(|| {
    let columns = FIGURES.as_str();
    let marks = ", ?".repeat(Figures::NAMES.len());
    let sums = Figures::NAMES.iter().map(|name| format!("{name} = {name} + excluded.{name}"));
    let sums = sums.collect::<Vec<_>>().join(", ");
    format!(
        "INSERT INTO estatisticas (posto_id, hora, {columns}) VALUES (?, ?{marks}) \
         ON CONFLICT (posto_id, hora) DO UPDATE SET {sums}"
    )
});

/// Adds sums by posto and hour to what is kept.
fn keep(connection: &Connection, tally: &Tally<Hours>) -> Result<(), StoreError> {
    let mut statement = connection.prepare_cached(&ADD)?;
    let mut add = |posto_id: i64, hour: i64, figures: &Figures| {
        let values = [posto_id, hour].into_iter().chain(figures.values());
        statement.execute(params_from_iter(values))
    };
    let mut of_all = BTreeMap::<i64, Figures>::new();
    for (posto_id, hour, figures) in tally.sums() {
        add(posto_id, hour, figures)?;
        *of_all.entry(hour).or_default() += figures;
    }
    for (hour, figures) in &of_all {
        add(ALL_POSTOS, *hour, figures)?;
    }
    Ok(())
}

/// Counts what a migration has archived, once.
pub(in crate::store::writer) fn keep_archived(connection: &Connection) -> Result<(), StoreError> {
    if connection.execute("DELETE FROM estatisticas_due", [])? == 0 {
        return Ok(());
    }
    let reservas =
        format!("SELECT {} FROM all_reservas WHERE is_archived", CountedReserva::COLUMNS);
    let reservas = keep_rows(connection, &reservas, |tally, row| {
        let CountedReserva { posto_id, made, facts } =
            CountedReserva::read(row, Moment::MAX, Moment::MAX)?;
        tally.reserva(posto_id, made, &facts, Moment::MAX);
        Ok(())
    })?;
    let sessions = format!("SELECT {} FROM archived_carregamentos", CountedSession::COLUMNS);
    let carregamentos = keep_rows(connection, &sessions, |tally, row| {
        let CountedSession { posto_id, inicio, finished } = CountedSession::read(row)?;
        tally.session(posto_id, inicio, finished, Moment::MAX);
        Ok(())
    })?;
    warn_of_unread(reservas, carregamentos);
    Ok(())
}

/// Counts rows, in parts that fit in the memory of a small machine; how many cannot be read.
fn keep_rows(
    connection: &Connection,
    sql: &str,
    count: impl Fn(&mut Tally<Hours>, &Row<'_>) -> rusqlite::Result<()>,
) -> Result<usize, StoreError> {
    let (mut tally, mut unread) = (Tally::by_posto(Hours), 0);
    let mut statement = connection.prepare(sql)?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        if count(&mut tally, row).is_err() {
            unread += 1;
        }
        if tally.size() >= SUMS_IN_MEMORY {
            keep(connection, &std::mem::replace(&mut tally, Tally::by_posto(Hours)))?;
        }
    }
    keep(connection, &tally)?;
    Ok(unread)
}

/// Sums of what is archived: it is over, whatever a clock says that is set back.
#[derive(Debug)]
pub(in crate::store::writer) struct ArchivedSums(Tally<Hours>);

impl ArchivedSums {
    pub(in crate::store::writer) fn new() -> Self {
        Self(Tally::by_posto(Hours))
    }

    pub(in crate::store::writer) fn reserva(&mut self, row: &ReservaRow) -> Result<(), StoreError> {
        self.0.reserva(row.posto_id, row.created_at(), &row.facts()?, Moment::MAX);
        Ok(())
    }

    pub(in crate::store::writer) fn session(
        &mut self,
        posto_id: i64,
        inicio: Moment,
        finished: Finished,
    ) {
        self.0.session(posto_id, inicio, Some(finished), Moment::MAX);
    }

    /// Whether it has as many sums as one transaction should write.
    pub(in crate::store::writer) fn is_large(&self) -> bool {
        self.0.size() >= SUMS_AT_ONCE
    }

    /// Subtracts the sums of another.
    pub(in crate::store::writer) fn subtract(&mut self, other: &Self) {
        self.0.subtract(&other.0);
    }
}

impl WriteContext<'_> {
    /// Adds sums by posto and hour to what is kept. They count once: in the same transaction, what they
    /// were made of must cease to be counted.
    pub(in crate::store::writer) fn keep_sums(
        &self,
        tally: &Tally<Hours>,
    ) -> Result<(), StoreError> {
        keep(self.connection, tally)
    }

    /// Adds sums of what is archived to what is kept.
    pub(in crate::store::writer) fn keep_archived_sums(
        &self,
        sums: &ArchivedSums,
    ) -> Result<(), StoreError> {
        self.keep_sums(&sums.0)
    }

    /// Keeps how long a reserva has held this posto, because it is about to get another one: its
    /// row then says nothing of that time.
    pub(in crate::store::writer) fn keep_hold(
        &self,
        posto_id: i64,
        facts: &ReservaFacts,
    ) -> Result<(), StoreError> {
        let held = facts.held().and_then(|held| Interval::new(held.inicio(), self.now).ok());
        let Some(held) = held else { return Ok(()) };
        let mut tally = Tally::by_posto(Hours);
        tally.hold(posto_id, held, self.now);
        self.keep_sums(&tally)
    }

    /// Counts a refusal; of no posto, if there is none.
    pub(in crate::store::writer) fn count_refusal(
        &mut self,
        posto_id: Option<i64>,
        name: &'static str,
    ) {
        *self.refused.entry((posto_id.unwrap_or(ALL_POSTOS), name)).or_default() += 1;
    }

    /// Adds the refusals of the batch to what is kept.
    pub(in crate::store::writer) fn keep_refusals(&mut self) -> Result<(), StoreError> {
        let mut of_all = BTreeMap::<_, i64>::new();
        let refused = std::mem::take(&mut self.refused);
        for ((posto_id, name), count) in refused {
            if posto_id != ALL_POSTOS {
                self.add_refusals(posto_id, name, count)?;
            }
            *of_all.entry(name).or_default() += count;
        }
        for (name, count) in of_all {
            self.add_refusals(ALL_POSTOS, name, count)?;
        }
        Ok(())
    }

    fn add_refusals(&self, posto_id: i64, name: &str, count: i64) -> Result<(), StoreError> {
        self.execute(
            "INSERT INTO estatisticas_recusas (posto_id, hora, recusa, quantas) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT (posto_id, hora, recusa) DO UPDATE SET quantas = quantas + excluded.quantas",
            params![posto_id, Hours::of(self.now), name, count],
        )?;
        Ok(())
    }
}

#[cfg(test)]
mod tests;
