//! Charging points as their operator keeps them, and the values that describe them.

use crate::values::{is_invisible, number, text};
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

impl TipoConector {
    /// Whether two texts name the same connector: case, invisible characters and the number of blanks
    /// make no other one.
    pub fn is_same(one: &str, other: &str) -> bool {
        // A list of thousands is filtered by it, and nearly all are spelled plainly.
        let is_plain = |text: &str| text.is_ascii() && !text.contains("  ") && text == text.trim();
        one.eq_ignore_ascii_case(other)
            || !(is_plain(one) && is_plain(other))
                && folded_connector(one).eq(folded_connector(other))
    }

    /// A text that is equal for all spellings of one connector.
    pub fn key(tipo_conector: &str) -> String {
        folded_connector(tipo_conector).collect()
    }
}

fn folded_connector(text: &str) -> impl Iterator<Item = char> {
    let (mut has_begun, mut is_blank_due) = (false, false);
    let seen = text.chars().filter(|character| !is_invisible(*character));
    seen.flat_map(char::to_lowercase).flat_map(move |character| {
        if character.is_whitespace() {
            is_blank_due = has_begun;
            return [None, None].into_iter().flatten();
        }
        let blank = std::mem::take(&mut is_blank_due).then_some(' ');
        has_begun = true;
        [blank, Some(character)].into_iter().flatten()
    })
}

/// Whether a posto can be used, as far as those say who look after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Service {
    InService,
    Maintenance,
    OutOfService,
}

impl Service {
    /// Maintenance is the reason why a posto is out of service, where it is both.
    pub const fn of(in_service: bool, em_manutencao: bool) -> Self {
        match (in_service, em_manutencao) {
            (_, true) => Self::Maintenance,
            (true, false) => Self::InService,
            (false, false) => Self::OutOfService,
        }
    }
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
    /// Whether a posto in this state is listed. Connectors are compared by [`TipoConector::is_same`].
    pub fn matches(&self, disponivel: bool, em_manutencao: bool, tipo_conector: &str) -> bool {
        let same = |asked: &TipoConector| TipoConector::is_same(asked.as_str(), tipo_conector);
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

    #[test]
    fn a_posto_in_maintenance_is_so_whatever_else_is_said() {
        assert_eq!(Service::of(true, false), Service::InService);
        assert_eq!(Service::of(false, false), Service::OutOfService);
        for in_service in [false, true] {
            assert_eq!(Service::of(in_service, true), Service::Maintenance);
        }
    }

    #[test]
    fn what_nobody_sees_makes_no_other_connector() {
        for same in ["tipo 2", "Tipo\u{a0}2", "Tipo  2", "Tipo\u{200b} 2", " TIPO 2\u{200b} "] {
            assert!(TipoConector::is_same("Tipo 2", same), "{same:?}");
            assert_eq!(TipoConector::key(same), "tipo 2");
        }
        assert!(TipoConector::is_same("Trifásico", "TRIFÁSICO"));
        for other in ["Tipo2", "Tipo 2 CCS", "Tipo", ""] {
            assert!(!TipoConector::is_same("Tipo 2", other), "{other:?}");
        }
    }
}
