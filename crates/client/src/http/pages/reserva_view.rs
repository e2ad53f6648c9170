//! A reserva as its page shows it.

use protocol::{Posto, Reserva, ReservaAviso, ReservaMotivo, ReservaStatus};
use service::Language;

use super::format;
use super::texts::{ReservaTexts, fill};

/// The most postos that a reserva can be moved to by the form.
const MAX_OTHERS: usize = 100;

/// All that the page shows of a reserva; of one that must not be shown, nothing.
#[derive(Default)]
pub(super) struct ReservaView {
    pub(super) posto_id: String,
    /// As on the wire.
    pub(super) status: &'static str,
    pub(super) inicio: String,
    pub(super) fim: String,
    pub(super) status_text: String,
    pub(super) notice: String,
    pub(super) posto_name: String,
    pub(super) placa: String,
    pub(super) inicio_text: String,
    pub(super) fim_text: String,
    pub(super) price_text: String,
    pub(super) may_change: bool,
    pub(super) may_cancel: bool,
    /// Postos that it can be moved to.
    pub(super) others: Vec<(i64, String)>,
    pub(super) inicio_input: String,
    pub(super) fim_input: String,
}

impl ReservaView {
    /// `postos` are those of its servidor, as far as they are known.
    pub(super) fn of(
        reserva: &Reserva,
        postos: &[Posto],
        texts: &ReservaTexts,
        language: Language,
    ) -> Self {
        let own = postos.iter().find(|posto| posto.id == reserva.posto_id);
        let same_connector =
            |posto: &&Posto| own.is_none_or(|own| own.tipo_conector == posto.tipo_conector);
        let others = postos.iter().filter(|posto| posto.id != reserva.posto_id && posto.disponivel);
        let others = others.filter(same_connector).take(MAX_OTHERS);
        let is_ativa = reserva.status == ReservaStatus::Ativa;
        let is_charging =
            reserva.status == ReservaStatus::Cumprida && reserva.livre_desde.is_none();
        Self {
            posto_id: reserva.posto_id.to_string(),
            status: status_name(reserva.status),
            inicio: reserva.inicio.to_string(),
            fim: reserva.fim.to_string(),
            status_text: status_text(reserva, texts).to_owned(),
            notice: notice(reserva, texts, language),
            posto_name: own.map_or_else(|| reserva.posto_id.to_string(), |own| own.nome.clone()),
            placa: reserva.placa.clone(),
            inicio_text: format::moment(reserva.inicio, language),
            fim_text: format::moment(reserva.fim, language),
            price_text: format::price_per_kwh(reserva.preco_kwh, language),
            may_change: is_ativa || is_charging,
            may_cancel: is_ativa,
            others: others.map(|posto| (posto.id, posto.nome.clone())).collect(),
            inicio_input: format::local_input(reserva.inicio),
            fim_input: format::local_input(reserva.fim),
        }
    }
}

fn status_name(status: ReservaStatus) -> &'static str {
    match status {
        ReservaStatus::Ativa => "ativa",
        ReservaStatus::Cumprida => "cumprida",
        ReservaStatus::Encerrada => "encerrada",
        ReservaStatus::NaoCompareceu => "nao_compareceu",
        ReservaStatus::Cancelada => "cancelada",
    }
}

fn status_text<'a>(reserva: &Reserva, texts: &'a ReservaTexts) -> &'a str {
    match reserva.status {
        ReservaStatus::Ativa => &texts.ativa,
        ReservaStatus::Cumprida => &texts.cumprida,
        ReservaStatus::Encerrada => &texts.encerrada,
        ReservaStatus::NaoCompareceu => &texts.nao_compareceu,
        ReservaStatus::Cancelada => match reserva.motivo {
            Some(ReservaMotivo::Pedido) => &texts.motivo_pedido,
            Some(ReservaMotivo::Operador) => &texts.motivo_operador,
            Some(ReservaMotivo::Manutencao) => &texts.motivo_manutencao,
            Some(ReservaMotivo::PostoRemovido) => &texts.motivo_posto_removido,
            Some(ReservaMotivo::Ausencia) | None => &texts.cancelada,
        },
    }
}

/// What whoever reserved should know of the posto; empty if there is nothing.
fn notice(reserva: &Reserva, texts: &ReservaTexts, language: Language) -> String {
    match (reserva.aviso, reserva.livre_desde) {
        (Some(ReservaAviso::PostoOcupado), _) => texts.aviso_ocupado.clone(),
        (Some(ReservaAviso::PostoLivre), _) => texts.aviso_livre.clone(),
        (None, Some(since)) => {
            fill(&texts.free_since, &[("time", &format::moment(since, language))])
        }
        (None, None) => String::new(),
    }
}
