//! A reserva as its page shows it.

use protocol::{
    Localizacao, Posto, ReservaAviso, ReservaMotivo, ReservaStatus, Timestamp, TipoConector,
};
use service::Language;

use super::consulted::Reserva;
use super::format;
use super::posto_list::PostoList;
use super::texts::{ReservaTexts, fill};

/// In milliseconds.
const MINUTE: i64 = 60_000;
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
    /// By when the carro should have come; empty if its posto waits until `fim`.
    pub(super) arrival: String,
    pub(super) posto_is_known: bool,
    /// Of one that is not known, its number.
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
    /// `list` is that of its servidor, if it is known.
    pub(super) fn of(
        reserva: &Reserva,
        list: Option<&PostoList>,
        texts: &ReservaTexts,
        language: Language,
    ) -> Self {
        let own = list.and_then(|list| list.find(reserva.posto_id));
        let is_ativa = reserva.status() == Some(ReservaStatus::Ativa);
        let is_charging =
            reserva.status() == Some(ReservaStatus::Cumprida) && reserva.livre_desde.is_none();
        Self {
            posto_id: reserva.posto_id.to_string(),
            status: reserva.status.clone(),
            inicio: reserva.inicio.to_string(),
            fim: reserva.fim.to_string(),
            status_text: status_text(reserva, texts).to_owned(),
            notice: notice(reserva, texts, language),
            arrival: arrival(reserva, texts, language),
            posto_is_known: own.is_some(),
            posto_name: own.map_or_else(
                || fill(&texts.posto_number, &[("id", &reserva.posto_id.to_string())]),
                |own| own.nome.clone(),
            ),
            placa: reserva.placa.clone(),
            inicio_text: format::moment(reserva.inicio, language),
            fim_text: format::moment(reserva.fim, language),
            price_text: language.price_per_kwh(reserva.preco_kwh),
            may_change: is_ativa || is_charging,
            may_cancel: is_ativa,
            others: others(reserva, own, list),
            inicio_input: format::local_input(reserva.inicio),
            fim_input: format::local_input(reserva.fim),
        }
    }
}

/// Postos that a reserva can be moved to: with the same connector, the nearest first, and free now if
/// it has begun. Whether another is free at a later time its servidor knows.
fn others(reserva: &Reserva, own: Option<&Posto>, list: Option<&PostoList>) -> Vec<(i64, String)> {
    let (Some(own), Some(list)) = (own, list) else { return Vec::new() };
    let has_begun = reserva.inicio <= service::now();
    let fits = |posto: &&Posto| {
        posto.id != own.id
            && !posto.em_manutencao
            && (posto.disponivel || !has_begun)
            && TipoConector::is_same(&posto.tipo_conector, &own.tipo_conector)
    };
    let from = place(own);
    let distance = |posto: &Posto| match (&from, place(posto)) {
        (Some(from), Some(place)) => from.distance_to(&place),
        // One that no map shows comes last.
        _ => i64::MAX,
    };
    let mut others: Vec<_> =
        list.iter().filter(fits).map(|posto| (distance(posto), posto)).collect();
    others.sort_by_key(|(distance, _)| *distance);
    others.into_iter().take(MAX_OTHERS).map(|(_, posto)| (posto.id, posto.nome.clone())).collect()
}

fn place(posto: &Posto) -> Option<Localizacao> {
    Localizacao::new(&posto.localizacao).ok()
}

/// What the status means; the word itself if it is one of a newer servidor. As `sentenceKey` of the
/// modules says it.
fn status_text<'a>(reserva: &'a Reserva, texts: &'a ReservaTexts) -> &'a str {
    let now = service::now();
    let is_past = reserva.fim <= now;
    match reserva.status() {
        Some(ReservaStatus::Ativa) if is_past => &texts.ativa_late,
        Some(ReservaStatus::Ativa) if reserva.inicio <= now => &texts.ativa_current,
        Some(ReservaStatus::Ativa) => &texts.ativa_future,
        Some(ReservaStatus::Cumprida) if reserva.livre_desde.is_none() && !is_past => {
            &texts.cumprida_current
        }
        Some(ReservaStatus::Cumprida) => &texts.cumprida,
        Some(ReservaStatus::Encerrada) => &texts.encerrada,
        Some(ReservaStatus::NaoCompareceu) => &texts.nao_compareceu,
        Some(ReservaStatus::Cancelada) => cancelled_text(reserva.motivo(), texts),
        None => &reserva.status,
    }
}

fn cancelled_text(motivo: Option<ReservaMotivo>, texts: &ReservaTexts) -> &str {
    match motivo {
        Some(ReservaMotivo::Pedido) => &texts.motivo_pedido,
        Some(ReservaMotivo::Operador) => &texts.motivo_operador,
        Some(ReservaMotivo::Manutencao) => &texts.motivo_manutencao,
        Some(ReservaMotivo::PostoRemovido) => &texts.motivo_posto_removido,
        // An absence cancels nothing.
        Some(ReservaMotivo::Ausencia) | None => &texts.cancelada,
    }
}

/// By when the carro should have come. The tolerance begins again after another carro was there or the
/// posto was out of service, so the posto may wait longer than this, and never less; after it nothing is
/// said.
fn arrival(reserva: &Reserva, texts: &ReservaTexts, language: Language) -> String {
    let latest = reserva.tolerancia_min.and_then(|minutes| {
        let millis = minutes.saturating_mul(MINUTE).saturating_add(reserva.inicio.as_millis());
        let latest = Timestamp::from_millis(millis)?;
        (service::now() <= latest && latest < reserva.fim).then_some(latest)
    });
    let waits = reserva.status() == Some(ReservaStatus::Ativa)
        && reserva.aviso() != Some(ReservaAviso::PostoOcupado);
    match latest.filter(|_| waits) {
        Some(latest) => fill(&texts.arrive_by, &[("time", &format::moment(latest, language))]),
        None => String::new(),
    }
}

/// What the driver should know of the posto; empty if there is nothing.
fn notice(reserva: &Reserva, texts: &ReservaTexts, language: Language) -> String {
    match (reserva.aviso(), reserva.livre_desde) {
        (Some(ReservaAviso::PostoOcupado), _) => texts.aviso_ocupado.clone(),
        (Some(ReservaAviso::PostoLivre), _) => texts.aviso_livre.clone(),
        (None, Some(since)) => {
            fill(&texts.free_since, &[("time", &format::moment(since, language))])
        }
        (None, None) => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::http::pages::texts::Texts;

    fn text(status: &str, motivo: &str, inicio: &str, fim: &str) -> String {
        let texts = Texts::read(include_str!("../../../pages/en.json")).expect("texts");
        let reserva = json!({"posto_id": 1, "placa": "ABC1234", "inicio": inicio, "fim": fim,
            "status": status, "motivo": motivo, "preco_kwh": 2.5});
        let reserva: Reserva = serde_json::from_value(reserva).expect("a reserva");
        status_text(&reserva, &texts.page.reserva).to_owned()
    }

    #[test]
    fn a_status_is_said_as_it_is_now_and_one_of_a_newer_servidor_as_it_is_written() {
        let (past, now) = ("2020-01-01T12:00:00Z", "2020-01-01T13:00:00Z");
        let (future, end) = ("2999-01-01T12:00:00Z", "2999-01-01T13:00:00Z");
        for (status, motivo, inicio, fim, said) in [
            ("ativa", "", future, end, "Reserved: "),
            ("ativa", "", past, end, "Running: "),
            ("ativa", "", past, now, "The period has ended."),
            ("cumprida", "", past, end, "Charging: "),
            ("cumprida", "", past, now, "Fulfilled: "),
            ("encerrada", "", past, now, "Ended: "),
            ("nao_compareceu", "ausencia", past, end, "Lost: "),
            ("cancelada", "pedido", past, end, "Cancelled by the person who reserved."),
            ("cancelada", "posto_removido", past, end, "Cancelled by the operator: "),
            ("cancelada", "of_tomorrow", past, end, "Cancelled."),
            ("of_tomorrow", "", past, end, "of_tomorrow"),
        ] {
            let text = text(status, motivo, inicio, fim);
            assert!(text.starts_with(said), "{status} {motivo}: {text}");
        }
    }
}
