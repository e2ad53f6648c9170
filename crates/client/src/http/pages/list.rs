//! The list of postos.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use protocol::{ErrorReply, Posto, ServerId, TipoConector};
use service::{Language, PageCache, PageForm};

use super::filter::{Filter, Order, PER_PAGE, Paging};
use super::frame::Frame;
use super::listing::AllPostos;
use super::posto_view::{PostoState, PostoView};
use super::setup::Pages;
use super::texts::{ListTexts, PageTexts, fill};
use crate::map_tiles::MapTiles;

/// How many servidores a notice names.
const MAX_NAMED: usize = 5;

#[derive(Template)]
#[template(path = "list.html")]
struct List<'a> {
    texts: &'a PageTexts,
    frame: Frame<'a>,
    filter: Filter,
    connectors: Vec<String>,
    servidores: BTreeSet<ServerId>,
    orders: [(&'static str, &'a str); 4],
    tiles: Option<&'a MapTiles>,
    count: String,
    postos: Vec<PostoView>,
    pages: Paging,
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
    let (filter, ignored) = Filter::read(&query);
    let mut frame = pages.frame(Some(&pages.list_module), language);
    frame.outages = outages(&pages, texts, &all);
    let ignored = ignored
        .iter()
        .map(|name| fill(&texts.common.filter_ignored, &[("filtro", filter_text(name, texts))]));
    frame.notices = ignored.collect();
    let shown = filter.apply(&all.listed);
    let place = filter.pages(shown.len());
    let first = (place.current - 1) * PER_PAGE;
    let here = &shown[first..shown.len().min(first + PER_PAGE)];
    let view = |(server_id, posto): &(&ServerId, &Posto)| PostoView::of(server_id, posto, language);
    let page = List {
        texts,
        connectors: connectors(&all, &filter),
        servidores: servidores(&all, &filter),
        orders: Order::ALL.map(|order| (order.name(), order_text(order, &texts.list))),
        tiles: pages.tiles.as_ref(),
        count: count_text(&shown, &all, !frame.outages.is_empty(), &texts.list),
        frame,
        postos: here.iter().map(view).collect(),
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
    let away = outage(&all.away, &common.servidor_away, &common.servidores_away);
    let silent = outage(&all.silent, &common.servidor_silent, &common.servidores_silent);
    away.into_iter().chain(silent).collect()
}

/// One sentence, however many servidores it is about.
fn outage(servidores: &[ServerId], one: &str, many: &str) -> Option<String> {
    let ids: Vec<_> = servidores.iter().take(MAX_NAMED).map(ServerId::as_str).collect();
    let ids = ids.join(", ") + if servidores.len() > MAX_NAMED { ", …" } else { "" };
    match servidores.len() {
        0 => None,
        1 => Some(fill(one, &[("servidor", &ids)])),
        _ => Some(fill(many, &[("servidores", &ids)])),
    }
}

/// All that are known, and the one that is asked for, by name.
fn servidores(all: &AllPostos, filter: &Filter) -> BTreeSet<ServerId> {
    let listed = all.listed.iter().map(|(server_id, _)| server_id);
    listed.chain(&all.away).chain(&all.silent).chain(&filter.server_id).cloned().collect()
}

/// All that there are, and the one that is asked for, each in one spelling.
fn connectors(all: &AllPostos, filter: &Filter) -> Vec<String> {
    let mut connectors = BTreeMap::new();
    for (_, list) in &all.listed {
        for (key, spelled) in &list.connectors {
            connectors.entry(key.clone()).or_insert_with(|| spelled.clone());
        }
    }
    if let Some(asked) = &filter.tipo_conector {
        connectors.entry(TipoConector::key(asked)).or_insert_with(|| asked.clone());
    }
    connectors.into_values().collect()
}

/// What the page calls a filter.
fn filter_text<'a>(name: &'a str, texts: &'a PageTexts) -> &'a str {
    match name {
        "server_id" => &texts.common.servidor,
        "tipo_conector" => &texts.common.connector,
        "potencia_minima" => &texts.list.power_min,
        "disponivel" => &texts.list.free_only,
        "ordem" => &texts.list.order,
        "pagina" => &texts.list.pages,
        other => other,
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

/// How many postos there are, and how many of them are free; nothing where none is known because
/// nobody could be asked.
fn count_text(
    shown: &[(&ServerId, &Posto)],
    all: &AllPostos,
    has_outage: bool,
    texts: &ListTexts,
) -> String {
    let free = shown.iter().filter(|(_, posto)| PostoState::of(posto) == PostoState::Free).count();
    let counted = |count: usize, one: &str, many: &str| match count {
        1 => one.to_owned(),
        count => fill(many, &[("count", &count.to_string())]),
    };
    let has_any = all.listed.iter().any(|(_, list)| !list.postos.is_empty());
    match shown.len() {
        0 if has_any => texts.none_fits.clone(),
        0 if has_outage => String::new(),
        0 => texts.none.clone(),
        count => {
            let free = counted(free, &texts.free_one, &texts.free_many);
            format!("{}, {free}", counted(count, &texts.one, &texts.many))
        }
    }
}
