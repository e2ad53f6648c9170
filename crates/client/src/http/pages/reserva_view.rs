//! A reserva as its page shows it.

use protocol::Posto;
use service::Language;

use super::consulted::{ATIVA, Reserva};
use super::format;
use super::texts::{ReservaTexts, fill};

const CUMPRIDA: &str = "cumprida";
/// The most postos that a reserva can be moved to by the form.
const MAX_OTHERS: usize = 100;

/// All that the page shows of a reserva; of one that must not be shown, nothing.
#[derive(Default)]
pub(super) struct ReservaView {
    pub(super) posto_id: String,
    /// As on the wire.
    pub(super) status: String,
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
        let is_ativa = reserva.status == ATIVA;
        let is_charging = reserva.status == CUMPRIDA && reserva.livre_desde.is_none();
        Self {
            posto_id: reserva.posto_id.to_string(),
            status: reserva.status.clone(),
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

/// What the status means; the word itself if it is one of a newer servidor.
fn status_text<'a>(reserva: &'a Reserva, texts: &'a ReservaTexts) -> &'a str {
    match (reserva.status.as_str(), reserva.motivo.as_deref()) {
        (ATIVA, _) => &texts.ativa,
        (CUMPRIDA, _) => &texts.cumprida,
        ("encerrada", _) => &texts.encerrada,
        ("nao_compareceu", _) => &texts.nao_compareceu,
        ("cancelada", Some("pedido")) => &texts.motivo_pedido,
        ("cancelada", Some("operador")) => &texts.motivo_operador,
        ("cancelada", Some("manutencao")) => &texts.motivo_manutencao,
        ("cancelada", Some("posto_removido")) => &texts.motivo_posto_removido,
        ("cancelada", _) => &texts.cancelada,
        (other, _) => other,
    }
}

/// What the driver should know of the posto; empty if there is nothing.
fn notice(reserva: &Reserva, texts: &ReservaTexts, language: Language) -> String {
    match (reserva.aviso.as_deref(), reserva.livre_desde) {
        (Some("posto_ocupado"), _) => texts.aviso_ocupado.clone(),
        (Some("posto_livre"), _) => texts.aviso_livre.clone(),
        (_, Some(since)) => fill(&texts.free_since, &[("time", &format::moment(since, language))]),
        (_, None) => String::new(),
    }
}
