//! The tables `carros` and `carregamentos`.

use domain::{Carregamento, Centavos, Finished, Kwh, Moment, Price};

use super::{placa, row};
use crate::store::error::StoreError;

row! {
    /// What is known of a carro from its reservas and its own messages.
    #[derive(Debug, Clone, PartialEq)]
    pub struct CarroRow {
        pub placa: String,
        pub modelo: String,
        /// In kWh.
        pub capacidade_bateria: f64,
        /// In kWh, as last reported.
        pub nivel_bateria_atual: f64,
        /// In kWh per km.
        pub taxa_descarga: f64,
        pub em_carregamento: bool,
        /// Milliseconds since 1970 UTC.
        pub updated_at: i64,
    }
}

row! {
    pub(in crate::store) struct CarregamentoRow {
        pub id: i64,
        posto_id: i64,
        placa: Option<String>,
        inicio: i64,
        preco_kwh: f64,
        fim: Option<i64>,
        energia_fornecida: Option<f64>,
        custo: Option<f64>,
        reserva_id: Option<i64>,
        corrigido_em: Option<i64>,
        own_price: Option<f64>,
    }
}

impl CarregamentoRow {
    /// Selects by session id and posto id.
    pub(in crate::store) const SELECT: &str =
        "SELECT * FROM all_carregamentos WHERE id = ?1 AND posto_id = ?2";

    /// Its price without the reserva that began meanwhile.
    pub(in crate::store) fn own_price(&self) -> Result<Option<Price>, StoreError> {
        let corrupt = |_| StoreError::Corrupt(format!("price of carregamento {}", self.id));
        self.own_price.map(Price::new).transpose().map_err(corrupt)
    }
}

impl TryFrom<CarregamentoRow> for Carregamento {
    type Error = StoreError;

    fn try_from(row: CarregamentoRow) -> Result<Self, StoreError> {
        let corrupt = |_| StoreError::Corrupt(format!("amounts of carregamento {}", row.id));
        let finished = match (row.fim, row.energia_fornecida, row.custo) {
            (Some(fim), Some(energy), Some(custo)) => Some(Finished {
                fim: Moment::from_millis(fim),
                energia_fornecida: Kwh::new(energy).map_err(corrupt)?,
                custo: Centavos::from_brl(custo),
            }),
            _ => None,
        };
        Ok(Self {
            id: row.id,
            posto_id: row.posto_id,
            placa: row.placa.as_deref().map(placa).transpose()?,
            inicio: Moment::from_millis(row.inicio),
            preco_kwh: Price::new(row.preco_kwh).map_err(corrupt)?,
            finished,
            reserva_id: row.reserva_id,
            corrigido_em: row.corrigido_em.map(Moment::from_millis),
        })
    }
}
