//! When each posto existed, and whether it was in service, for statistics. Times of one posto never
//! overlap, whatever the clock does.

use domain::{Hours, Interval, Service, Tally};
use rusqlite::{OptionalExtension as _, params};

use crate::store::error::StoreError;
use crate::store::rows::statistics::ServiceTime;
use crate::store::writer::command::WriteContext;

impl WriteContext<'_> {
    /// Records of every posto whether it is in service from now on. Called when the clock was set back:
    /// what was recorded of later times is not so yet.
    pub(in crate::store::writer) fn keep_all_service(&self) -> Result<(), StoreError> {
        for id in self.find_values("SELECT id FROM postos", [])? {
            self.keep_service(id)?;
        }
        Ok(())
    }

    /// Records whether a posto is in service from now on, if that is not what is recorded already. Called
    /// when the posto was added, changed or removed.
    pub(in crate::store::writer) fn keep_service(&self, posto_id: i64) -> Result<(), StoreError> {
        self.cut_service(posto_id)?;
        let service = self.service_of(posto_id)?;
        let known = self.known_service(posto_id)?;
        if known.as_ref().map(|known| known.service) == service.map(|(kind, ..)| kind) {
            return Ok(());
        }
        if let Some(known) = known {
            self.end_service(&known)?;
        }
        if let Some((_, in_service, em_manutencao)) = service {
            self.execute(
                "INSERT INTO estatisticas_servico (posto_id, desde, in_service, em_manutencao)
                 VALUES (?1, ?2, ?3, ?4)",
                params![posto_id, self.now.as_millis(), in_service, em_manutencao],
            )?;
        }
        Ok(())
    }

    /// Takes away what a clock that ran ahead has said of the time from now on.
    fn cut_service(&self, posto_id: i64) -> Result<(), StoreError> {
        let from_now = [posto_id, self.now.as_millis()];
        let delete = "DELETE FROM estatisticas_servico WHERE posto_id = ?1 AND desde >= ?2";
        self.execute(delete, from_now)?;
        // What is left in order, so only the last one can end later.
        self.execute(
            "UPDATE estatisticas_servico SET ate = ?2
             WHERE posto_id = ?1 AND ate > ?2
               AND desde = (SELECT max(desde) FROM estatisticas_servico WHERE posto_id = ?1)",
            from_now,
        )?;
        Ok(())
    }

    /// Reads whether a posto is in service now; `None` if it was removed.
    fn service_of(&self, posto_id: i64) -> Result<Option<(Service, bool, bool)>, StoreError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT in_service, em_manutencao FROM postos WHERE id = ?1 AND removed_at IS NULL",
        )?;
        let found = statement.query_row([posto_id], |row| {
            let (in_service, em_manutencao) = (row.get(0)?, row.get(1)?);
            Ok((Service::of(in_service, em_manutencao), in_service, em_manutencao))
        });
        Ok(found.optional()?)
    }

    /// Reads what is recorded of a posto since its last change.
    fn known_service(&self, posto_id: i64) -> Result<Option<ServiceTime>, StoreError> {
        let sql = format!(
            "SELECT {} FROM estatisticas_servico WHERE posto_id = ?1 AND ate IS NULL",
            ServiceTime::COLUMNS
        );
        let mut statement = self.connection.prepare_cached(&sql)?;
        Ok(statement.query_row([posto_id], ServiceTime::read).optional()?)
    }

    /// Records that a time of service ends now. One that lies within an hour becomes part of the sums of
    /// that hour.
    fn end_service(&self, known: &ServiceTime) -> Result<(), StoreError> {
        let ServiceTime { posto_id, desde, service, .. } = *known;
        if Hours::of(desde) != Hours::of(self.now) {
            self.execute(
                "UPDATE estatisticas_servico SET ate = ?3 WHERE posto_id = ?1 AND desde = ?2",
                params![posto_id, desde.as_millis(), self.now.as_millis()],
            )?;
            return Ok(());
        }
        let delete = "DELETE FROM estatisticas_servico WHERE posto_id = ?1 AND desde = ?2";
        self.execute(delete, [posto_id, desde.as_millis()])?;
        let Ok(interval) = Interval::new(desde, self.now) else { return Ok(()) };
        let mut tally = Tally::by_posto(Hours);
        tally.service(posto_id, service, interval, self.now);
        self.keep_sums(&tally)
    }
}
