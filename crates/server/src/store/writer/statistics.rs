//! Sums that are kept after what they count is gone (docs/decisions/0083).

use std::collections::BTreeMap;
use std::sync::LazyLock;

use domain::{ALL_POSTOS, Figures, Hours, Interval, ReservaFacts, Tally};
use rusqlite::{params, params_from_iter};

use super::command::WriteContext;
use crate::store::error::StoreError;
use crate::store::rows::statistics::FIGURES;

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

impl WriteContext<'_> {
    /// Adds sums by posto and hour to what is kept. They count once: in the same transaction, what they
    /// were made of must cease to be counted.
    pub(super) fn keep_sums(&self, tally: &Tally<Hours>) -> Result<(), StoreError> {
        let mut of_all = BTreeMap::<i64, Figures>::new();
        for (posto_id, hour, figures) in tally.sums() {
            self.add(posto_id, hour, figures)?;
            *of_all.entry(hour).or_default() += figures;
        }
        for (hour, figures) in &of_all {
            self.add(ALL_POSTOS, *hour, figures)?;
        }
        Ok(())
    }

    fn add(&self, posto_id: i64, hour: i64, figures: &Figures) -> Result<(), StoreError> {
        let values = [posto_id, hour].into_iter().chain(figures.values());
        self.execute(&ADD, params_from_iter(values))?;
        Ok(())
    }

    /// A reserva is about to get another posto: its row then says nothing of the time in which it held
    /// this one.
    pub(super) fn keep_hold(&self, posto_id: i64, facts: &ReservaFacts) -> Result<(), StoreError> {
        let held = facts.held().and_then(|held| Interval::new(held.inicio(), self.now).ok());
        let Some(held) = held else { return Ok(()) };
        let mut tally = Tally::by_posto(Hours);
        tally.hold(posto_id, held, self.now);
        self.keep_sums(&tally)
    }

    /// Counts a refusal; of no posto, if there is none.
    pub(super) fn count_refusal(&mut self, posto_id: Option<i64>, name: &'static str) {
        *self.refused.entry((posto_id.unwrap_or(ALL_POSTOS), name)).or_default() += 1;
    }

    /// Adds the refusals of the batch to what is kept.
    pub(super) fn keep_refusals(&mut self) -> Result<(), StoreError> {
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
