//! Charging points as their operator keeps them, and the values that describe them.

use crate::values::{number, text};
use crate::{InvalidValue, Localizacao};

text! {
    /// Name of a posto, shown to drivers.
    Nome, max 120
}
text! {
    /// Connector of a posto, for example `CCS`.
    TipoConector, max 40, default "CCS"
}
number! {
    /// Power, in kW.
    Kw, over 0 to 5000, default 22.0
}
number! {
    /// Price of energy, in BRL per kWh.
    Price, from 0 to 1000, default 2.5
}

/// A posto, without what changes by the minute.
#[derive(Debug, Clone, PartialEq)]
pub struct Posto {
    pub nome: Nome,
    pub localizacao: Localizacao,
    pub potencia_maxima: Kw,
    pub tipo_conector: TipoConector,
    pub preco_kwh: Price,
    /// As its operator reports it; the charger's own state is kept beside it.
    pub in_service: bool,
    pub em_manutencao: bool,
}

/// What to change of a posto; what is `None` stays.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct PostoChange {
    pub nome: Option<Nome>,
    pub localizacao: Option<Localizacao>,
    pub potencia_maxima: Option<Kw>,
    pub tipo_conector: Option<TipoConector>,
    /// For sessions that start from now on.
    pub preco_kwh: Option<Price>,
    /// As the operator says.
    pub in_service: Option<bool>,
    pub em_manutencao: Option<bool>,
}

/// Which postos to list; what is `None` does not filter.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct PostosFilter {
    pub disponivel: Option<bool>,
    pub em_manutencao: Option<bool>,
    pub tipo_conector: Option<TipoConector>,
}

impl PostosFilter {
    /// Whether a posto in this state is listed. Connectors are compared without regard to ASCII
    /// case.
    pub fn matches(&self, disponivel: bool, em_manutencao: bool, tipo_conector: &str) -> bool {
        let same = |asked: &TipoConector| asked.as_str().eq_ignore_ascii_case(tipo_conector);
        self.disponivel.is_none_or(|asked| asked == disponivel)
            && self.em_manutencao.is_none_or(|asked| asked == em_manutencao)
            && self.tipo_conector.as_ref().is_none_or(same)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_compares_what_it_names() {
        let filter = |tipo_conector| PostosFilter {
            disponivel: Some(true),
            tipo_conector: Some(TipoConector::new(tipo_conector).expect("a connector")),
            ..PostosFilter::default()
        };
        assert!(PostosFilter::default().matches(false, true, "CCS"));
        assert!(filter("type 2").matches(true, false, "Type 2"));
        assert!(!filter("CCS").matches(true, false, "Type 2"));
        assert!(!filter("CCS").matches(false, false, "CCS"));
    }
}
