//! Charging points as their operator keeps them.

use crate::{Kw, Localizacao, Price, Rejection};

/// A posto, without what changes by the minute.
#[derive(Debug, Clone, PartialEq)]
pub struct Posto {
    /// Name shown to drivers.
    pub nome: String,
    /// Where it stands.
    pub localizacao: Localizacao,
    /// Most power it delivers.
    pub potencia_maxima: Kw,
    /// Connector, for example `CCS`.
    pub tipo_conector: String,
    /// Price of its energy.
    pub preco_kwh: Price,
    /// Whether it is in service.
    pub in_service: bool,
    /// Whether it is in maintenance.
    pub em_manutencao: bool,
}

/// What to change of a posto; what is `None` stays.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct PostoChange {
    /// New name.
    pub nome: Option<String>,
    /// New place.
    pub localizacao: Option<Localizacao>,
    /// New power.
    pub potencia_maxima: Option<Kw>,
    /// New connector.
    pub tipo_conector: Option<String>,
    /// New price, for sessions that start from now on.
    pub preco_kwh: Option<Price>,
    /// In or out of service.
    pub in_service: Option<bool>,
    /// In or out of maintenance.
    pub em_manutencao: Option<bool>,
}

/// Which postos to list; a field that is `None` does not filter.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PostosFilter {
    pub disponivel: Option<bool>,
    pub em_manutencao: Option<bool>,
    /// Compared without case.
    pub tipo_conector: Option<String>,
}

impl PostosFilter {
    #[must_use]
    pub fn matches(&self, disponivel: bool, em_manutencao: bool, tipo_conector: &str) -> bool {
        self.disponivel.is_none_or(|wanted| disponivel == wanted)
            && self.em_manutencao.is_none_or(|wanted| em_manutencao == wanted)
            && self
                .tipo_conector
                .as_ref()
                .is_none_or(|wanted| tipo_conector.eq_ignore_ascii_case(wanted))
    }
}

/// Who needs a posto at this moment or later.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PostoUse {
    /// Whether an active reserva holds it, now or later.
    pub reserved: bool,
    /// Whether a carro is charging there.
    pub charging: bool,
}

/// Decides whether a posto may be removed.
///
/// # Errors
/// Somebody holds it or will.
pub fn decide_posto_removal(nome: &str, posto_use: PostoUse) -> Result<(), Rejection> {
    if posto_use.reserved || posto_use.charging {
        return Err(Rejection::PostoEmUso { nome: nome.to_owned() });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_posto_in_use_stays() {
        for (reserved, charging, removable) in
            [(false, false, true), (true, false, false), (false, true, false), (true, true, false)]
        {
            let decision = decide_posto_removal("Ponto 5", PostoUse { reserved, charging });
            assert_eq!(decision.is_ok(), removable);
        }
    }
}
