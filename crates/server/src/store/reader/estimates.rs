//! Whether a posto would be given, and for what: nothing is reserved.

use domain::{Estimate, Moment, PostoFacts, Rejection, ReservaCommand, Rules, decide_estimativa};
use futures_util::TryStreamExt as _;

use crate::store::error::StoreError;
use crate::store::handle::Store;
use crate::store::rows::postos::PostoFactsRow;
use crate::store::rows::reservas::HoldingRow;

/// What a reservation would be answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Estimated {
    pub nome: String,
    pub estimativa: Estimate,
    /// Whether the posto would be given now, whatever else its carro has.
    pub disponivel: bool,
}

impl Store {
    /// What this reservation would be answered at `now`.
    pub async fn estimate(
        &self,
        command: &ReservaCommand,
        rules: &Rules,
        now: Moment,
    ) -> Result<Result<Estimated, Rejection>, StoreError> {
        let absences_until = self.absences_until(now);
        // Both are read as they are at one moment.
        let mut snapshot = self.readers.begin().await?;
        let posto = sqlx::query_as::<_, PostoFactsRow>(PostoFactsRow::SELECT);
        let posto = posto.bind(command.posto_id).fetch_optional(&mut *snapshot).await?;
        let posto: Option<PostoFacts> = posto.map(PostoFactsRow::facts).transpose()?;
        let mut holdings = Vec::new();
        // An invalid interval is refused below.
        if let Ok(wanted) = command.interval.resolve(rules, now) {
            let held = sqlx::query_as::<_, HoldingRow>(HoldingRow::SELECT);
            let held = held.bind(command.posto_id).bind(wanted.inicio().as_millis());
            let mut rows = held.fetch(&mut *snapshot);
            while let Some(row) = rows.try_next().await? {
                if row.held_from >= wanted.fim().as_millis() {
                    break;
                }
                if !row.is_absent(absences_until) {
                    holdings.push(row.holding()?);
                }
            }
        }
        drop(snapshot);
        let (server_id, posto) = (&self.server_id, posto.as_ref());
        let decided = decide_estimativa(command, server_id, posto, &holdings, rules, now);
        Ok(decided.map(|(disponivel, posto)| {
            let estimativa = Estimate::new(&command.carro, posto.potencia_maxima, posto.preco_kwh);
            Estimated { nome: posto.nome.clone(), estimativa, disponivel }
        }))
    }
}
