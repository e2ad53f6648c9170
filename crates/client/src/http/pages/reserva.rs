//! The page of one reserva, and the forms that change and cancel it.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use protocol::{AppId, Codigo, KeyedCall, RequestId};
use service::{HttpError, Language, LogFields, PageCache, PageForm, status_of};

use super::change_form::{self, ChangeValues};
use super::consulted::{self, Reserva};
use super::form_key::key_and_body;
use super::frame::Frame;
use super::links;
use super::page_errors::{PageErrors, Refusal};
use super::reserva_view::ReservaView;
use super::setup::Pages;
use super::texts::{PageTexts, ReservaTexts, fill};
use crate::error::GatewayError;
use crate::gateway::{NamedReserva, Reply};
use crate::http::answer::{add_retry_after, answer, with_log_fields};
use crate::http::app::App;

#[derive(Template)]
#[template(path = "reserva.html")]
struct ReservaPage<'a> {
    texts: &'a PageTexts,
    frame: Frame<'a>,
    /// Of this page, for its forms: a page that cannot be answered asks for it again.
    address: String,
    server_id: &'a str,
    request_id: &'a str,
    /// Nothing of it is shown without a token.
    is_shell: bool,
    reserva: ReservaView,
    values: ChangeValues,
    errors: PageErrors,
    same_posto: String,
}

/// A form that was refused.
struct Refused<'a> {
    form: &'a PageForm,
    refusal: Refusal,
}

pub(super) async fn show(
    State(pages): State<Arc<Pages>>,
    language: Language,
    App(app): App,
    query: PageForm,
) -> Response {
    match named(&query, app) {
        Ok(named) => see(&pages, language, &named).await,
        Err(error) => error.into_response(),
    }
}

/// The page where a reserva is only for callers with a token.
pub(super) async fn ask_for_token(
    State(pages): State<Arc<Pages>>,
    language: Language,
    query: PageForm,
) -> Response {
    let named = match named(&query, None) {
        Ok(named) => named,
        Err(error) => return error.into_response(),
    };
    let page = ReservaPage {
        texts: pages.page_texts(language),
        frame: pages.frame(Some(&pages.reserva_module), language),
        address: links::reserva(&named.server_id, &named.request_id),
        server_id: named.server_id.as_str(),
        request_id: named.request_id.as_str(),
        is_shell: true,
        reserva: ReservaView::default(),
        values: ChangeValues::default(),
        errors: PageErrors::default(),
        same_posto: String::new(),
    };
    pages.answer(StatusCode::OK, &page, language, PageCache::Never)
}

/// Changes or cancels a reserva, or shows it to a caller whose token came with the form.
pub(super) async fn act(
    State(pages): State<Arc<Pages>>,
    language: Language,
    App(app): App,
    form: PageForm,
) -> Response {
    let named = match named(&form, app) {
        Ok(named) => named,
        Err(error) => return error.into_response(),
    };
    let (request_id, outcome) = match form.get("acao") {
        "ver" => return see(&pages, language, &named).await,
        "cancelar" => cancel(&pages, &named).await,
        "alterar" => match change(&pages, &named, &form).await {
            Ok(done) => done,
            Err(refusal) => {
                let refused = Refused { form: &form, refusal };
                let consulta = RequestId::new();
                return match pages.consult(consulta.clone(), &named).await {
                    Ok(reserva) => page(&pages, language, &named, &reserva, Some(refused)).await,
                    Err(no_answer) => answer(consulta, named.server_id, no_answer.into_outcome()),
                };
            }
        },
        _ => {
            let mensagem = "O formulário deve dizer o que fazer: acao=alterar ou acao=cancelar.";
            return HttpError::new(Codigo::RequisicaoInvalida, mensagem).into_response();
        }
    };
    let refusal = Refusal::of_outcome(&outcome);
    let codigo = refusal.as_ref().map(|refusal| refusal.codigo);
    let response = match refusal {
        None => done(&pages, language, &named, outcome).await,
        Some(refusal) => match pages.consult(RequestId::new(), &named).await {
            Ok(reserva) => {
                let refused = Refused { form: &form, refusal };
                page(&pages, language, &named, &reserva, Some(refused)).await
            }
            // What became of the action says more than that nothing can be shown besides.
            Err(_) => answer(request_id.clone(), named.server_id.clone(), outcome),
        },
    };
    with_log_fields(response, request_id, named.server_id, codigo)
}

/// After an action that was carried out. A token is in no address: where there is one, the page of
/// the reserva is this answer.
async fn done(
    pages: &Pages,
    language: Language,
    named: &NamedReserva,
    outcome: Result<Reply, GatewayError>,
) -> Response {
    let answered = outcome.ok().and_then(|reply| consulted::read(&reply).ok());
    match answered.filter(|_| pages.has_tokens) {
        Some(reserva) => page(pages, language, named, &reserva, None).await,
        None => links::see_reserva(&named.server_id, &named.request_id),
    }
}

type Outcome = (RequestId, Result<Reply, GatewayError>);

async fn cancel(pages: &Pages, named: &NamedReserva) -> Outcome {
    let request_id = RequestId::new();
    let outcome = pages.gateway.cancel(request_id.clone(), named).await;
    (request_id, outcome)
}

/// # Errors
/// The form has wrong fields.
async fn change(pages: &Pages, named: &NamedReserva, form: &PageForm) -> Result<Outcome, Refusal> {
    let (key, change) = key_and_body(form, change_form::body_of(form))?;
    let typed = form.typed(&["request_id", "inicio", "fim", "posto_id"]);
    let (app, server_id) = (named.app.as_ref(), &named.server_id);
    let request_id = key.request_id_of_form(app, KeyedCall::Alteracao, server_id, &typed);
    let outcome = pages.gateway.change(request_id.clone(), named, change).await;
    Ok((request_id, outcome))
}

fn named(form: &PageForm, app: Option<AppId>) -> Result<NamedReserva, HttpError> {
    let ids = (form.get("server_id").parse().ok(), form.get("request_id").parse().ok());
    let (Some(server_id), Some(request_id)) = ids else {
        let mensagem = "Este endereço não é o de uma reserva: falta server_id ou request_id, ou um está \
                        errado.";
        return Err(HttpError::new(Codigo::ReservaInexistente, mensagem));
    };
    Ok(NamedReserva { server_id, request_id, app })
}

/// The page of the reserva as it is; the answer of its servidor if there is none.
async fn see(pages: &Pages, language: Language, named: &NamedReserva) -> Response {
    let request_id = RequestId::new();
    let server_id = named.server_id.clone();
    match pages.consult(request_id.clone(), named).await {
        Ok(reserva) => {
            let response = page(pages, language, named, &reserva, None).await;
            with_log_fields(response, request_id, server_id, None)
        }
        Err(no_answer) => answer(request_id, server_id, no_answer.into_outcome()),
    }
}

/// The page of a reserva, with what was refused of a form.
async fn page(
    pages: &Pages,
    language: Language,
    named: &NamedReserva,
    reserva: &Reserva,
    refused: Option<Refused<'_>>,
) -> Response {
    let texts = pages.page_texts(language);
    let list = pages.postos_if_quick(&named.server_id).await;
    let reserva = ReservaView::of(reserva, list.as_deref(), &texts.reserva, language);
    let sent = refused.as_ref().map(|refused| (refused.form, refused.refusal.may_be_done()));
    let values = ChangeValues::of(&reserva, sent);
    let codigo = refused.as_ref().map(|refused| refused.refusal.codigo);
    let status = codigo.map_or(StatusCode::OK, status_of);
    let label = |campo: &str| label(campo, &texts.reserva);
    let errors =
        refused.map(|refused| refused.refusal.shown(label, &texts.posto.field_request, "change"));
    let page = ReservaPage {
        texts,
        frame: pages.frame(Some(&pages.reserva_module), language),
        address: links::reserva(&named.server_id, &named.request_id),
        server_id: named.server_id.as_str(),
        request_id: named.request_id.as_str(),
        is_shell: false,
        same_posto: fill(&texts.reserva.same_posto, &[("posto", &reserva.posto_name)]),
        reserva,
        values,
        errors: errors.unwrap_or_default(),
    };
    let mut response = pages.answer(status, &page, language, PageCache::Never);
    add_retry_after(&mut response, codigo);
    let server_id = Some(named.server_id.clone());
    response.extensions_mut().insert(LogFields { codigo, server_id, request_id: None });
    response
}

fn label<'a>(campo: &str, texts: &'a ReservaTexts) -> Option<&'a str> {
    Some(match campo {
        "inicio" => &texts.start,
        "fim" => &texts.end,
        "posto_id" => &texts.other_posto,
        _ => return None,
    })
}
