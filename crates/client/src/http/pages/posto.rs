//! The page of one posto, and the form that reserves it.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use protocol::{Codigo, KeyedCall, RequestId, ServerId};
use service::{HttpError, Language, LogFields, PageCache, PageForm, status_of};

use super::form_key::key_and_body;
use super::frame::Frame;
use super::links;
use super::page_errors::{PageErrors, Refusal};
use super::posto_view::{PostoState, PostoView};
use super::reserve_form::{self, DURATIONS, ReserveValues};
use super::setup::Pages;
use super::texts::{PageTexts, PostoTexts, fill};
use crate::gateway::NamedReserva;
use crate::http::answer::{add_retry_after, answer, with_log_fields};
use crate::http::app::App;

#[derive(Template)]
#[template(path = "posto.html")]
struct PostoPage<'a> {
    texts: &'a PageTexts,
    frame: Frame<'a>,
    /// Of this page, for its form: a page that cannot be answered asks for it again.
    address: String,
    server_id: &'a str,
    posto_id: &'a str,
    name: String,
    posto: Option<PostoView>,
    values: ReserveValues,
    errors: PageErrors,
    durations: [(i64, &'a str); 6],
    typical: Typical,
    /// Where what became of a request is seen that may have been carried out.
    see_reserva: Option<String>,
    is_taken: bool,
    opens_times: bool,
    opens_car: bool,
}

/// What is said of the values that are filled in.
struct Typical {
    capacity: String,
    level: String,
    /// As the field has it.
    level_value: String,
    consumption: String,
}

/// Which posto an address or a form names.
struct PostoAddress {
    server_id: ServerId,
    posto_id: i64,
}

impl PostoAddress {
    fn read(form: &PageForm) -> Option<Self> {
        let server_id = form.get("server_id").parse().ok()?;
        Some(Self { server_id, posto_id: form.get("posto_id").parse().ok()? })
    }

    fn is_unknown(&self) -> HttpError {
        let Self { server_id, posto_id } = self;
        let mensagem = format!("O posto {posto_id} não existe no servidor {server_id}.");
        HttpError::new(Codigo::PostoInexistente, mensagem)
    }
}

pub(super) async fn show(
    State(pages): State<Arc<Pages>>,
    language: Language,
    query: PageForm,
) -> Result<Response, Response> {
    let Some(named) = PostoAddress::read(&query) else {
        let mensagem =
            "Este endereço não é o de um posto: falta server_id ou posto_id, ou um está errado.";
        return Err(HttpError::new(Codigo::PostoInexistente, mensagem).into_response());
    };
    let request_id = RequestId::new();
    let listed = pages.postos_of(&request_id, &named.server_id).await.map_err(|no_answer| {
        answer(request_id, named.server_id.clone(), no_answer.into_outcome())
    })?;
    let Some(posto) = listed.find(named.posto_id) else {
        return Err(named.is_unknown().into_response());
    };
    let posto = PostoView::of(&named.server_id, posto, language);
    let page = PostoPage {
        posto: Some(posto),
        ..PostoPage::new(&pages, language, &query, ReserveValues::new(language))
    };
    Ok(page.answer(&pages, StatusCode::OK, language))
}

impl<'a> PostoPage<'a> {
    fn new(
        pages: &'a Pages,
        language: Language,
        form: &'a PageForm,
        values: ReserveValues,
    ) -> Self {
        let texts = pages.page_texts(language);
        let typical = |value, unit: &str| {
            let value = format!("{} {unit}", language.number(value, 0, 3));
            fill(&texts.posto.typical, &[("value", &value)])
        };
        Self {
            texts,
            frame: pages.frame(Some(&pages.posto_module), language),
            address: links::posto(form.get("server_id"), form.get("posto_id")),
            server_id: form.get("server_id"),
            posto_id: form.get("posto_id"),
            name: fill(&texts.posto.posto_number, &[("id", form.get("posto_id"))]),
            posto: None,
            values,
            errors: PageErrors::default(),
            durations: DURATIONS.map(|minutes| (minutes, duration_text(minutes, &texts.posto))),
            typical: Typical {
                capacity: typical(reserve_form::TYPICAL_CAPACITY, "kWh"),
                level: typical(reserve_form::TYPICAL_LEVEL, "kWh"),
                level_value: ReserveValues::typical(reserve_form::TYPICAL_LEVEL, language),
                consumption: typical(reserve_form::TYPICAL_CONSUMPTION, "kWh/km"),
            },
            see_reserva: None,
            is_taken: false,
            opens_times: false,
            opens_car: false,
        }
    }

    fn answer(mut self, pages: &Pages, status: StatusCode, language: Language) -> Response {
        if let Some(posto) = &self.posto {
            self.name.clone_from(&posto.nome);
            self.is_taken = posto.state != PostoState::Free;
        }
        self.opens_times = self.errors.has_any(&["inicio", "fim"])
            || !self.values.inicio.is_empty()
            || !self.values.fim.is_empty();
        self.opens_car = self.errors.has_any(&CAR_FIELDS);
        let cache = if status.is_success() { PageCache::Revalidated } else { PageCache::Never };
        pages.answer(status, &self, language, cache)
    }
}

const CAR_FIELDS: [&str; 4] =
    ["modelo", "capacidade_bateria", "nivel_bateria_atual", "taxa_descarga"];

/// Reserves, and leads to the page of the reserva.
pub(super) async fn reserve(
    State(pages): State<Arc<Pages>>,
    language: Language,
    App(app): App,
    form: PageForm,
) -> Response {
    let body = reserve_form::body_of(&form, language, service::now());
    let (key, body) = match key_and_body(&form, body) {
        Ok(read) => read,
        Err(refusal) => return refuse(&pages, language, &form, refusal, None).await,
    };
    let server_id = body.server_id.clone();
    let typed = form.typed(&reserve_form::TYPED);
    let request_id = key.request_id_of_form(app.as_ref(), KeyedCall::Reservar, &server_id, &typed);
    let outcome = pages.gateway.reserve(request_id.clone(), app.clone(), body).await;
    let mut refusal = Refusal::of_outcome(&outcome);
    if let Some(reused) =
        refusal.take_if(|refusal| refusal.is(Codigo::ChaveIdempotenciaReutilizada))
    {
        let (server_id, request_id) = (server_id.clone(), request_id.clone());
        let named = NamedReserva { server_id, request_id, app };
        refusal = first_answer(&pages, &named, reused).await;
    }
    let Some(refusal) = refusal else {
        let response = links::see_new_reserva(&server_id, &request_id);
        return with_log_fields(response, request_id, server_id, None);
    };
    let codigo = refusal.codigo;
    let settle = refusal.is(Codigo::TempoEsgotado).then(|| links::reserva(&server_id, &request_id));
    let page = refuse(&pages, language, &form, refusal, settle).await;
    with_log_fields(page, request_id, server_id, Some(codigo))
}

/// What the same form was answered when it was sent before. Its key and what was typed name the
/// request, so only its end differs, which nobody typed: it begins now, and now is a minute later.
/// Nothing if it was carried out.
async fn first_answer(pages: &Pages, named: &NamedReserva, reused: Refusal) -> Option<Refusal> {
    let no_answer = pages.consult(RequestId::new(), named).await.err()?;
    let first = Refusal::of_outcome(&no_answer.into_outcome())?;
    // The first is still on its way.
    Some(if first.is(Codigo::ReservaInexistente) { reused } else { first })
}

/// The form again, with what is wrong.
async fn refuse(
    pages: &Pages,
    language: Language,
    form: &PageForm,
    refusal: Refusal,
    see_reserva: Option<String>,
) -> Response {
    let status = status_of(refusal.codigo);
    let mut page = PostoPage {
        see_reserva,
        ..PostoPage::new(pages, language, form, ReserveValues::sent(form, refusal.may_be_done()))
    };
    if let Some(named) = PostoAddress::read(form) {
        let listed = pages.postos_if_quick(&named.server_id).await;
        let found = listed.as_ref().and_then(|list| list.find(named.posto_id));
        page.posto = found.map(|posto| PostoView::of(&named.server_id, posto, language));
    }
    let codigo = refusal.codigo;
    let texts = &page.texts.posto;
    page.errors = refusal.shown(|campo| label(campo, texts), &texts.field_request, "reserve");
    let mut response = page.answer(pages, status, language);
    add_retry_after(&mut response, Some(codigo));
    response.extensions_mut().insert(LogFields { codigo: Some(codigo), ..LogFields::default() });
    response
}

fn label<'a>(campo: &str, texts: &'a PostoTexts) -> Option<&'a str> {
    Some(match campo {
        "placa" => &texts.placa,
        "modelo" => &texts.model,
        "capacidade_bateria" => &texts.capacity,
        "nivel_bateria_atual" => &texts.level,
        "taxa_descarga" => &texts.consumption,
        "inicio" => &texts.start,
        "fim" => &texts.end,
        "duracao" => &texts.duration,
        _ => return None,
    })
}

fn duration_text(minutes: i64, texts: &PostoTexts) -> &str {
    match minutes {
        30 => &texts.duration_30,
        60 => &texts.duration_60,
        120 => &texts.duration_120,
        240 => &texts.duration_240,
        480 => &texts.duration_480,
        _ => &texts.duration_1440,
    }
}
