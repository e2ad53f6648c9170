//! Whether a posto would be given, and for what: nothing is reserved.

use domain::{
    Estimate, Holding, Moment, PostoFacts, Rejection, ReservaCommand, Rules, decide_estimativa,
};

use crate::store::error::StoreError;
use crate::store::handle::Store;
use crate::store::rows::reservas::holds_from;
use crate::store::rows::{self, row};
use crate::store::writer::facts::PostoFactsRow;

/// What a reservation would be answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Estimated {
    pub nome: String,
    pub estimativa: Estimate,
    /// Whether the posto would be given now, whatever else its carro has.
    pub disponivel: bool,
}

row! {
    struct HoldingRow {
        placa: Option<String>,
        held_from: i64,
        held_until: i64,
    }
}

impl HoldingRow {
    fn holding(self) -> Result<Holding, StoreError> {
        let placa = self.placa.as_deref().map(rows::placa).transpose()?;
        Ok(Holding { placa, interval: rows::interval(self.held_from, self.held_until)? })
    }
}

impl Store {
    /// What this reservation would be answered at `now`.
    pub async fn estimate(
        &self,
        command: &ReservaCommand,
        rules: &Rules,
        now: Moment,
    ) -> Result<Result<Estimated, Rejection>, StoreError> {
        // Both are read as they are at one moment.
        let mut snapshot = self.readers.begin().await?;
        let posto = sqlx::query_as::<_, PostoFactsRow>(PostoFactsRow::SELECT);
        let posto = posto.bind(command.posto_id).fetch_optional(&mut *snapshot).await?;
        let posto: Option<PostoFacts> = posto.map(PostoFactsRow::facts).transpose()?;
        let holdings: Vec<HoldingRow> = match command.interval.resolve(rules, now) {
            Ok(wanted) => {
                let held = sqlx::query_as(concat!(
                    "SELECT placa, held_from, held_until FROM reservas
                     WHERE posto_id = ?1 AND held_until > ?2 AND held_from < ?3 AND ",
                    holds_from!("?4")
                ));
                held.bind(command.posto_id)
                    .bind(wanted.inicio().as_millis())
                    .bind(wanted.fim().as_millis())
                    .bind(now.as_millis())
                    .fetch_all(&mut *snapshot)
                    .await?
            }
            // Refused below.
            Err(_) => Vec::new(),
        };
        drop(snapshot);
        let holdings = holdings.into_iter().map(HoldingRow::holding);
        let holdings = holdings.collect::<Result<Vec<_>, _>>()?;
        let decided =
            decide_estimativa(command, &self.server_id, posto.as_ref(), &holdings, rules, now);
        Ok(decided.and_then(|disponivel| {
            let PostoFacts { nome, potencia_maxima, preco_kwh, .. } =
                posto.ok_or_else(|| self.posto_inexistente(command.posto_id))?;
            let estimativa = Estimate::new(&command.carro, potencia_maxima, preco_kwh);
            Ok(Estimated { nome, estimativa, disponivel })
        }))
    }

    fn posto_inexistente(&self, posto_id: i64) -> Rejection {
        Rejection::PostoInexistente { posto_id, server_id: self.server_id.to_string() }
    }
}
