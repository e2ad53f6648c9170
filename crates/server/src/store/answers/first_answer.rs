//! What the first answer to a reservation said that its row no longer says, as JSON in the row.

use domain::{Centavos, Estimate, Interval, Moment, Price};

use crate::store::error::StoreError;

/// What a first answer said of what has changed since. A trigger keeps it at the first change.
pub(in crate::store) struct FirstAnswer {
    pub(in crate::store) posto_id: i64,
    pub(in crate::store) interval: Interval,
    pub(in crate::store) preco_kwh: Price,
}

impl FirstAnswer {
    pub(in crate::store) fn parse(json: &str) -> Option<Self> {
        let (posto_id, inicio, fim, price): (i64, i64, i64, f64) =
            serde_json::from_str(json).ok()?;
        let interval = Interval::new(Moment::from_millis(inicio), Moment::from_millis(fim)).ok()?;
        Some(Self { posto_id, interval, preco_kwh: Price::new(price).ok()? })
    }
}

/// An estimate as it is stored. Its price is that of the reserva.
pub(in crate::store) fn write_estimate(estimate: &Estimate) -> Result<String, StoreError> {
    let Estimate { energia_wh, minutos, custo, preco_kwh: _, autonomia_hm } = estimate;
    serde_json::to_string(&(energia_wh, minutos, custo.get(), autonomia_hm))
        .map_err(|error| StoreError::Corrupt(format!("estimate: {error}")))
}

pub(in crate::store) fn read_estimate(json: &str, preco_kwh: Price) -> Option<Estimate> {
    let (energia_wh, minutos, centavos, autonomia_hm) = serde_json::from_str(json).ok()?;
    let custo = Centavos::new(centavos);
    Some(Estimate { energia_wh, minutos, custo, preco_kwh, autonomia_hm })
}
