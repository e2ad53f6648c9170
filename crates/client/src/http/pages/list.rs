//! The list of postos.

use std::collections::BTreeSet;
use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use protocol::{ErrorReply, ServerId};
use service::{Language, PageCache, PageForm};

use super::filter::{Filter, Order, PER_PAGE};
use super::frame::Frame;
use super::listing::AllPostos;
use super::posto_view::{PostoView, State as PostoState};
use super::setup::Pages;
use super::texts::{ListTexts, PageTexts, fill};
use crate::map_tiles::MapTiles;

#[derive(Template)]
#[template(path = "list.html")]
struct List<'a> {
    texts: &'a PageTexts,
    frame: Frame<'a>,
    filter: Filter,
    connectors: BTreeSet<String>,
    servidores: Vec<ServerId>,
    orders: [(&'static str, &'a str); 4],
    tiles: Option<&'a MapTiles>,
    count: String,
    postos: &'a [PostoView],
    pages: super::filter::Pages,
    page_of: String,
}

/// A página para motoristas.
///
/// Os postos de todos os servidores, em HTML: quem abre este endereço num navegador vê quais estão
/// livres, e reserva. Com `server_id`, `tipo_conector`, `potencia_minima`, `disponivel=true`, `ordem`
/// (`nome`, `preco`, `potencia`) e `pagina` na query, a página mostra uma parte deles; um valor que não
/// existe é ignorado. Programas usam as outras chamadas: a página só faz o que elas fazem, e muda sem
/// aviso.
#[utoipa::path(get, path = "/", operation_id = "get_page", tag = "páginas", responses(
    (status = 200, body = String, content_type = "text/html", description = "A página",
        example = "<!doctype html>"),
    (status = 429, body = ErrorReply, description = "requisicoes_demais"),
))]
pub(super) async fn show(
    State(pages): State<Arc<Pages>>,
    language: Language,
    query: PageForm,
) -> Response {
    let texts = pages.page_texts(language);
    let all = pages.all_postos().await;
    let known = all.servidores();
    let (filter, ignored) = Filter::read(&query, &known);
    let mut frame = pages.frame(Some(&pages.list_module), language);
    frame.outages = outages(&pages, texts, &all);
    let ignored =
        ignored.iter().map(|name| fill(&texts.common.filter_ignored, &[("filtro", name)]));
    frame.notices = ignored.collect();
    let postos: Vec<_> = all
        .listed
        .into_iter()
        .flat_map(|(server_id, postos)| {
            let view = move |posto| PostoView::of(&server_id, posto, language);
            postos.into_iter().map(view)
        })
        .collect();
    let mut connectors: BTreeSet<_> = postos.iter().map(|posto| posto.connector.clone()).collect();
    connectors.extend(filter.tipo_conector.clone());
    let has_any = !postos.is_empty();
    let postos = filter.apply(postos);
    let place = filter.pages(postos.len());
    let first = (place.current - 1) * PER_PAGE;
    let page = List {
        texts,
        frame,
        connectors,
        servidores: known,
        orders: Order::ALL.map(|order| (order.name(), order_text(order, &texts.list))),
        tiles: pages.tiles.as_ref(),
        count: count_text(&postos, has_any, &texts.list),
        postos: &postos[first..postos.len().min(first + PER_PAGE)],
        page_of: fill(
            &texts.list.page_of,
            &[("page", &place.current.to_string()), ("pages", &place.last.to_string())],
        ),
        pages: place,
        filter,
    };
    pages.answer(StatusCode::OK, &page, language, PageCache::Revalidated)
}

/// Whose postos are missing, and why.
fn outages(pages: &Pages, texts: &PageTexts, all: &AllPostos) -> Vec<String> {
    let common = &texts.common;
    if !pages.gateway.bus.is_up() {
        return vec![common.broker_away.clone()];
    }
    let of_servidor =
        |text: &str, server_id: &ServerId| fill(text, &[("servidor", server_id.as_str())]);
    let away = all.away.iter().map(|id| of_servidor(&common.servidor_away, id));
    let silent = all.silent.iter().map(|id| of_servidor(&common.servidor_silent, id));
    away.chain(silent).collect()
}

impl AllPostos {
    /// All that are known, by name.
    fn servidores(&self) -> Vec<ServerId> {
        let listed = self.listed.iter().map(|(server_id, _)| server_id);
        let mut servidores: Vec<_> =
            listed.chain(&self.away).chain(&self.silent).cloned().collect();
        servidores.sort_unstable();
        servidores
    }
}

fn order_text(order: Order, texts: &ListTexts) -> &str {
    match order {
        Order::Nome => &texts.order_name,
        Order::Preco => &texts.order_price,
        Order::Potencia => &texts.order_power,
        Order::Distancia => &texts.order_distance,
    }
}

/// How many postos there are, and how many of them are free.
fn count_text(postos: &[PostoView], has_any: bool, texts: &ListTexts) -> String {
    let free = postos.iter().filter(|posto| posto.state == PostoState::Free).count();
    let counted = |count: usize, one: &str, many: &str| match count {
        1 => one.to_owned(),
        count => fill(many, &[("count", &count.to_string())]),
    };
    match postos.len() {
        0 if has_any => texts.none_fits.clone(),
        0 => texts.none.clone(),
        count => {
            let free = counted(free, &texts.free_one, &texts.free_many);
            format!("{}, {free}", counted(count, &texts.one, &texts.many))
        }
    }
}
