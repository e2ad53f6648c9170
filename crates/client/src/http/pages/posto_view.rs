//! A posto as pages show it.

use protocol::{Posto, ServerId};
use service::Language;

use super::texts::CommonTexts;

/// What a driver needs to know of a posto.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PostoState {
    Free,
    Maintenance,
    /// It cannot be used now, for another reason.
    Taken,
}

impl PostoState {
    pub(super) fn of(posto: &Posto) -> Self {
        match posto {
            Posto { em_manutencao: true, .. } => Self::Maintenance,
            Posto { disponivel: true, .. } => Self::Free,
            _ => Self::Taken,
        }
    }

    /// As the style sheet and the modules know it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Free => "free",
            Self::Maintenance => "maintenance",
            Self::Taken => "taken",
        }
    }

    pub(super) fn text(self, texts: &CommonTexts) -> &str {
        match self {
            Self::Free => &texts.free,
            Self::Maintenance => &texts.maintenance,
            Self::Taken => &texts.taken,
        }
    }
}

#[derive(Debug, Clone)]
pub(super) struct PostoView {
    pub(super) server_id: ServerId,
    pub(super) posto_id: i64,
    pub(super) nome: String,
    pub(super) state: PostoState,
    pub(super) latitude: String,
    pub(super) longitude: String,
    pub(super) connector: String,
    pub(super) power: f64,
    pub(super) power_text: String,
    pub(super) price: f64,
    pub(super) price_text: String,
}

impl PostoView {
    pub(super) fn of(server_id: &ServerId, posto: &Posto, language: Language) -> Self {
        let (latitude, longitude) = posto.localizacao.split_once(',').unwrap_or_default();
        Self {
            server_id: server_id.clone(),
            posto_id: posto.id,
            nome: posto.nome.clone(),
            state: PostoState::of(posto),
            latitude: latitude.trim().to_owned(),
            longitude: longitude.trim().to_owned(),
            connector: posto.tipo_conector.clone(),
            power: posto.potencia_maxima,
            power_text: language.power(posto.potencia_maxima),
            price: posto.preco_kwh,
            price_text: language.price_per_kwh(posto.preco_kwh),
        }
    }

    /// The address of its page. Neither part of it needs to be encoded.
    pub(super) fn href(&self) -> String {
        format!("posto?server_id={}&posto_id={}", self.server_id, self.posto_id)
    }
}
