//! Statistics: what is kept as sums, and what is still stored in whole, added up in one look at the
//! database.

use std::collections::BTreeMap;
use std::sync::Weak;

use domain::{ALL_POSTOS, Division, Figures, Hours, Interval, Moment, Steps, Tally};
use rusqlite::{Params, Row, Transaction, params};

use super::counted::{Counted, CountedPosto, CountedRefusals, Statistics, StatisticsQuery};
use crate::store::answers::stored_rejection;
use crate::store::error::StoreError;
use crate::store::rows::statistics::{
    CountedReserva, CountedSession, FIGURES, FiguresRow, ServiceTime, warn_of_unread,
};

/// Refusals by name, of a posto in a step.
type Refusals = BTreeMap<(i64, i64), BTreeMap<String, i64>>;

/// One look at the database.
pub(super) struct Reading<'a> {
    transaction: Transaction<'a>,
    query: &'a StatisticsQuery,
    now: Moment,
    /// Who waits for it.
    caller: Weak<()>,
}

/// The same sums twice: of each step, and of each posto in the whole period.
struct Tallies<'a> {
    steps: Tally<&'a Steps>,
    postos: Option<Tally<&'a Steps>>,
}

impl<'a> Tallies<'a> {
    fn each(&mut self, count: impl Fn(&mut Tally<&'a Steps>)) {
        count(&mut self.steps);
        self.postos.iter_mut().for_each(count);
    }
}

impl<'a> Reading<'a> {
    pub(super) fn new(
        transaction: Transaction<'a>,
        query: &'a StatisticsQuery,
        now: Moment,
        caller: Weak<()>,
    ) -> Self {
        Self { transaction, query, now, caller }
    }

    pub(super) fn read(&self, absences_until: Moment) -> Result<Statistics, StoreError> {
        let (steps, whole) = (&self.query.steps, self.query.steps.whole());
        let postos = self.query.by_posto.then(|| Tally::by_posto(&whole));
        let mut tallies = Tallies { steps: Tally::of_all(steps), postos };
        self.kept_sums(&mut tallies)?;
        self.service(&mut tallies)?;
        self.reservas(&mut tallies, absences_until)?;
        self.sessions(&mut tallies)?;
        let refusals = self.refusals(steps)?;
        let counted = |step: i64| Counted {
            figures: tallies.steps.part(ALL_POSTOS, step),
            refusals: named(refusals.get(&(ALL_POSTOS, step))),
        };
        let steps: Vec<_> = (0..).zip(steps.iter()).map(|(step, _)| counted(step)).collect();
        let mut total =
            Counted { refusals: named(Some(&together(&refusals))), ..Counted::default() };
        steps.iter().for_each(|step| total.figures += &step.figures);
        let postos = match &tallies.postos {
            Some(tally) => self.postos(tally)?,
            None => Vec::new(),
        };
        Ok(Statistics { steps, total, postos, counted_at: self.now })
    }

    /// Milliseconds between which the period is.
    fn bounds(&self) -> (i64, i64) {
        let steps = &self.query.steps;
        (steps.inicio().as_millis(), steps.fim().as_millis())
    }

    /// The same in hours since 1970.
    fn hours(&self) -> (i64, i64) {
        (Hours::of(self.query.steps.inicio()), Hours::of(self.query.steps.fim()))
    }

    /// Reads rows as long as the caller waits for them.
    fn each<P: Params>(
        &self,
        sql: &str,
        parameters: P,
        mut take: impl FnMut(&Row<'_>) -> rusqlite::Result<()>,
    ) -> Result<(), StoreError> {
        let mut statement = self.transaction.prepare_cached(sql)?;
        let mut rows = statement.query(parameters)?;
        loop {
            if self.caller.strong_count() == 0 {
                return Err(StoreError::Closed);
            }
            let Some(row) = rows.next()? else { return Ok(()) };
            take(row)?;
        }
    }

    fn kept_sums(&self, tallies: &mut Tallies<'_>) -> Result<(), StoreError> {
        let (from, until) = self.hours();
        let one = self.query.posto_id;
        let columns = FIGURES.as_str();
        let of_steps = format!(
            "SELECT posto_id, hora, {columns} FROM estatisticas
             WHERE posto_id = ?1 AND hora >= ?2 AND hora < ?3"
        );
        let parameters = params![one.unwrap_or(ALL_POSTOS), from, until];
        self.each(&of_steps, parameters, |row| {
            let FiguresRow { posto_id, hora, figures } = FiguresRow::read(row)?;
            tallies.steps.add(posto_id, Hours::begin(hora), &figures);
            Ok(())
        })?;
        let Some(postos) = &mut tallies.postos else { return Ok(()) };
        let sums: Vec<_> = Figures::NAMES.iter().map(|name| format!("sum(e.{name})")).collect();
        let sums = sums.join(", ");
        // By posto, or all hours of all years would be read.
        let of_postos = format!(
            "SELECT p.id, ?2, {sums} FROM postos AS p
             CROSS JOIN estatisticas AS e ON e.posto_id = p.id AND e.hora >= ?2 AND e.hora < ?3
             WHERE ?1 IS NULL OR p.id = ?1 GROUP BY p.id"
        );
        self.each(&of_postos, params![one, from, until], |row| {
            let FiguresRow { posto_id, hora, figures } = FiguresRow::read(row)?;
            postos.add(posto_id, Hours::begin(hora), &figures);
            Ok(())
        })
    }

    fn service(&self, tallies: &mut Tallies<'_>) -> Result<(), StoreError> {
        let (from, until) = self.bounds();
        // By posto, and from what began last before the period, or all years would be read: times of one
        // posto never overlap.
        let sql = format!(
            "SELECT {} FROM (SELECT id FROM postos) AS p
             CROSS JOIN estatisticas_servico ON posto_id = p.id AND desde < ?3 AND desde >= COALESCE(
                 (SELECT max(before.desde) FROM estatisticas_servico AS before
                  WHERE before.posto_id = p.id AND before.desde <= ?2), ?2)
             WHERE (?1 IS NULL OR p.id = ?1) AND (ate IS NULL OR ate > ?2)",
            ServiceTime::COLUMNS
        );
        self.each(&sql, params![self.query.posto_id, from, until], |row| {
            let ServiceTime { posto_id, desde, ate, service } = ServiceTime::read(row)?;
            if let Ok(interval) = Interval::new(desde, ate.unwrap_or(self.now)) {
                tallies.each(|tally| tally.service(posto_id, service, interval, self.now));
            }
            Ok(())
        })
    }

    fn reservas(
        &self,
        tallies: &mut Tallies<'_>,
        absences_until: Moment,
    ) -> Result<(), StoreError> {
        let (from, until) = self.bounds();
        let sql = format!(
            "SELECT {} FROM reservas
             WHERE (?1 IS NULL OR posto_id = ?1) AND (fim >= ?2 OR desde >= ?2 OR created_at >= ?2)
               AND (created_at < ?3 OR inicio < ?3 OR desde < ?3)",
            CountedReserva::COLUMNS
        );
        let mut unread = 0;
        self.each(&sql, params![self.query.posto_id, from, until], |row| {
            match CountedReserva::read(row, absences_until, self.now) {
                Ok(CountedReserva { posto_id, made, facts }) => {
                    tallies.each(|tally| tally.reserva(posto_id, made, &facts, self.now));
                }
                Err(_) => unread += 1,
            }
            Ok(())
        })?;
        warn_of_unread(unread, 0);
        Ok(())
    }

    fn sessions(&self, tallies: &mut Tallies<'_>) -> Result<(), StoreError> {
        let (from, until) = self.bounds();
        let sql = format!(
            "SELECT {} FROM carregamentos
             WHERE (?1 IS NULL OR posto_id = ?1) AND (fim IS NULL OR fim >= ?2)
               AND (inicio < ?3 OR fim < ?3)",
            CountedSession::COLUMNS
        );
        let mut unread = 0;
        self.each(&sql, params![self.query.posto_id, from, until], |row| {
            match CountedSession::read(row) {
                Ok(CountedSession { posto_id, inicio, finished }) => {
                    tallies.each(|tally| tally.session(posto_id, inicio, finished, self.now));
                }
                Err(_) => unread += 1,
            }
            Ok(())
        })?;
        warn_of_unread(0, unread);
        Ok(())
    }

    /// Those of each step, and of each posto in the whole period.
    fn refusals(&self, steps: &Steps) -> Result<Refusals, StoreError> {
        let (from, until) = self.hours();
        let mut refusals = Refusals::new();
        let sql = "SELECT hora, recusa, quantas FROM estatisticas_recusas
                   WHERE posto_id = ?1 AND hora >= ?2 AND hora < ?3";
        let posto_id = self.query.posto_id.unwrap_or(ALL_POSTOS);
        self.each(sql, params![posto_id, from, until], |row| {
            let begin = Hours::begin(row.get(0)?);
            if let Some(step) = steps.part(begin) {
                let names = refusals.entry((ALL_POSTOS, step)).or_default();
                *names.entry(row.get(1)?).or_default() += row.get::<_, i64>(2)?;
            }
            Ok(())
        })?;
        Ok(refusals)
    }

    fn refusals_by_posto(&self) -> Result<Refusals, StoreError> {
        let (from, until) = self.hours();
        let mut refusals = Refusals::new();
        let sql = "SELECT p.id, e.recusa, sum(e.quantas) FROM postos AS p
                   CROSS JOIN estatisticas_recusas AS e
                       ON e.posto_id = p.id AND e.hora >= ?2 AND e.hora < ?3
                   WHERE ?1 IS NULL OR p.id = ?1 GROUP BY 1, 2";
        self.each(sql, params![self.query.posto_id, from, until], |row| {
            refusals.entry((row.get(0)?, 0)).or_default().insert(row.get(1)?, row.get(2)?);
            Ok(())
        })?;
        Ok(refusals)
    }

    fn postos(&self, tally: &Tally<&Steps>) -> Result<Vec<CountedPosto>, StoreError> {
        let refusals = self.refusals_by_posto()?;
        let mut postos = Vec::new();
        let sql = "SELECT id, nome, removed_at IS NOT NULL FROM postos ORDER BY id";
        self.each(sql, [], |row| {
            let (id, nome, is_removed) = (row.get(0)?, row.get(1)?, row.get(2)?);
            let figures = tally.part(id, 0);
            let counted = Counted { figures, refusals: named(refusals.get(&(id, 0))) };
            if counted != Counted::default() {
                postos.push(CountedPosto { id, nome, is_removed, counted });
            }
            Ok(())
        })?;
        Ok(postos)
    }
}

/// What was refused under each name; one that no release has written is left out.
fn named(names: Option<&BTreeMap<String, i64>>) -> Vec<CountedRefusals> {
    let all = names.into_iter().flatten();
    let known = all.filter_map(|(name, count)| {
        Some(CountedRefusals { rejection: stored_rejection::example(name)?, count: *count })
    });
    known.collect()
}

/// The refusals of all steps.
fn together(refusals: &Refusals) -> BTreeMap<String, i64> {
    let mut all = BTreeMap::<String, i64>::new();
    for (name, count) in refusals.values().flatten() {
        *all.entry(name.clone()).or_default() += count;
    }
    all
}
