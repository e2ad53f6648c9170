//! A reserva as its page shows it.

use protocol::{Posto, Timestamp, TipoConector};
use service::Language;

use super::consulted::{ATIVA, Reserva};
use super::format;
use super::posto_list::PostoList;
use super::texts::{ReservaTexts, fill};

const CUMPRIDA: &str = "cumprida";
const POSTO_OCUPADO: &str = "posto_ocupado";
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
        let is_ativa = reserva.status == ATIVA;
        let is_charging = reserva.status == CUMPRIDA && reserva.livre_desde.is_none();
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
    let from = position(own);
    let mut others: Vec<_> =
        list.iter().filter(fits).map(|posto| (distance(from, position(posto)), posto)).collect();
    others.sort_by(|(one, _), (other, _)| one.total_cmp(other));
    others.into_iter().take(MAX_OTHERS).map(|(_, posto)| (posto.id, posto.nome.clone())).collect()
}

/// Latitude and longitude, in degrees.
fn position(posto: &Posto) -> (f64, f64) {
    let (latitude, longitude) = posto.localizacao.split_once(',').unwrap_or_default();
    let degrees = |text: &str| text.trim().parse().unwrap_or_default();
    (degrees(latitude), degrees(longitude))
}

/// What orders places by how far they are from another, as long as that is not around the world.
fn distance(
    (latitude, longitude): (f64, f64),
    (other_latitude, other_longitude): (f64, f64),
) -> f64 {
    let east = (other_longitude - longitude) * latitude.to_radians().cos();
    (other_latitude - latitude).hypot(east)
}

/// What the status means; the word itself if it is one of a newer servidor.
fn status_text<'a>(reserva: &'a Reserva, texts: &'a ReservaTexts) -> &'a str {
    match (reserva.status.as_str(), reserva.motivo.as_deref()) {
        (ATIVA, _) => &texts.ativa,
        (CUMPRIDA, _) if reserva.livre_desde.is_none() && reserva.fim > service::now() => {
            &texts.cumprida_current
        }
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

/// By when the carro should have come. The tolerance begins again after another carro was there or the
/// posto was out of service, so the posto may wait longer than this, and never less; after it nothing is
/// said.
fn arrival(reserva: &Reserva, texts: &ReservaTexts, language: Language) -> String {
    let latest = reserva.tolerancia_min.and_then(|minutes| {
        let millis = minutes.saturating_mul(MINUTE).saturating_add(reserva.inicio.as_millis());
        let latest = Timestamp::from_millis(millis)?;
        (service::now() <= latest && latest < reserva.fim).then_some(latest)
    });
    let is_occupied = reserva.aviso.as_deref() == Some(POSTO_OCUPADO);
    match latest.filter(|_| reserva.status == ATIVA && !is_occupied) {
        Some(latest) => fill(&texts.arrive_by, &[("time", &format::moment(latest, language))]),
        None => String::new(),
    }
}

/// What the driver should know of the posto; empty if there is nothing.
fn notice(reserva: &Reserva, texts: &ReservaTexts, language: Language) -> String {
    match (reserva.aviso.as_deref(), reserva.livre_desde) {
        (Some(POSTO_OCUPADO), _) => texts.aviso_ocupado.clone(),
        (Some("posto_livre"), _) => texts.aviso_livre.clone(),
        (_, Some(since)) => fill(&texts.free_since, &[("time", &format::moment(since, language))]),
        (_, None) => String::new(),
    }
}
