//! What chargers say.

use domain::{ChargerMessage, ReportedService};
use rusqlite::params;

use crate::store::audit::{Action, AuditFields, Target, audit_fields};
use crate::store::environment::Change;
use crate::store::rows::row;
use crate::store::writer::command::{ApplyError, WriteCommand, WriteContext};

/// The posto of a charger, and on which of its two topics it speaks: the broker retains a message of
/// each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ChargerSource {
    pub posto_id: i64,
    /// On the topic of this servidor alone.
    pub direct: bool,
}

/// Writes what a charger says, unless the message is older than what is known.
#[derive(Debug, Clone, Copy)]
pub struct RecordChargerMessage {
    pub source: ChargerSource,
    pub message: ChargerMessage,
}

/// What a charger's message has changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChargerReport {
    /// It is older than what is known, and does not count.
    Outdated,
    /// The charger said the same before.
    Unchanged,
    Changed,
}

row! {
    struct CarregadorRow {
        carregador_disponivel: Option<bool>,
        carregador_em_manutencao: Option<bool>,
        digest: Option<Vec<u8>>,
    }
}

impl CarregadorRow {
    /// Reads what the charger says; `None` if it has reported nothing.
    fn state(&self) -> Option<ReportedService> {
        let state = self.carregador_disponivel.zip(self.carregador_em_manutencao);
        state.map(|(disponivel, em_manutencao)| ReportedService { disponivel, em_manutencao })
    }
}

fn find(
    context: &WriteContext<'_>,
    ChargerSource { posto_id, direct }: ChargerSource,
) -> Result<CarregadorRow, ApplyError> {
    let found = context.find(
        if direct {
            "SELECT carregador_disponivel, carregador_em_manutencao, digest
             FROM postos LEFT JOIN retained_direct_messages ON posto_id = id
             WHERE id = ?1 AND removed_at IS NULL"
        } else {
            "SELECT carregador_disponivel, carregador_em_manutencao, digest
             FROM postos LEFT JOIN retained_messages ON posto_id = id
             WHERE id = ?1 AND removed_at IS NULL"
        },
        [posto_id],
    )?;
    found.ok_or_else(|| context.posto_inexistente(posto_id).into())
}

impl WriteCommand for RecordChargerMessage {
    type Output = ChargerReport;

    fn apply(&self, context: &mut WriteContext<'_>) -> Result<ChargerReport, ApplyError> {
        let Self { source, message } = *self;
        let ChargerSource { posto_id, direct } = source;
        let known = find(context, source)?;
        let before = known.state();
        let retained = known.digest.and_then(|digest| digest.try_into().ok());
        if !message.is_newer(retained) {
            return Ok(ChargerReport::Outdated);
        }
        if message.retained != retained
            && let Some(digest) = message.retained
        {
            context.execute(
                if direct {
                    "INSERT OR REPLACE INTO retained_direct_messages (posto_id, digest) VALUES (?1, ?2)"
                } else {
                    "INSERT OR REPLACE INTO retained_messages (posto_id, digest) VALUES (?1, ?2)"
                },
                params![posto_id, digest],
            )?;
        }
        let state = message.state_after(before);
        if before == Some(state) {
            return Ok(ChargerReport::Unchanged);
        }
        context.execute(
            "UPDATE postos SET carregador_disponivel = ?2, carregador_em_manutencao = ?3,
                               carregador_desde = ?4
             WHERE id = ?1",
            params![posto_id, state.disponivel, state.em_manutencao, context.now.as_millis()],
        )?;
        context.keep_service(posto_id)?;
        context.audit_change(
            Action::Report,
            Target::Carregador(posto_id),
            &before.map(reported).unwrap_or_default(),
            &reported(state),
        )?;
        context.update_absences(posto_id)?;
        context.changes.push(Change::Posto(posto_id));
        Ok(ChargerReport::Changed)
    }
}

fn reported(state: ReportedService) -> AuditFields {
    audit_fields! {"disponivel": state.disponivel, "em_manutencao": state.em_manutencao}
}

/// Forgets what the charger of a posto said: it has another one. What the broker retains of the old
/// charger still does not count when it is sent again.
#[derive(Debug, Clone, Copy)]
pub struct ForgetCharger {
    pub posto_id: i64,
}

impl WriteCommand for ForgetCharger {
    type Output = ();

    fn apply(&self, context: &mut WriteContext<'_>) -> Result<(), ApplyError> {
        let posto_id = self.posto_id;
        let known = find(context, ChargerSource { posto_id, direct: false })?;
        context.execute(
            "UPDATE postos SET carregador_disponivel = NULL, carregador_em_manutencao = NULL,
                               carregador_desde = NULL
             WHERE id = ?1",
            [posto_id],
        )?;
        context.keep_service(posto_id)?;
        if let Some(before) = known.state() {
            let (target, before) = (Target::Carregador(posto_id), reported(before));
            context.audit(Action::Forget, target, Some(&before), None)?;
        }
        context.update_absences(posto_id)?;
        context.changes.push(Change::Posto(posto_id));
        Ok(())
    }
}
