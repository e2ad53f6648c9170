//! The pages for drivers: HTML that works without any script. What they do goes the same way as the
//! calls of the API.

mod change_form;
mod consulted;
mod error;
mod files;
mod filter;
mod form_key;
mod format;
mod frame;
mod links;
mod list;
mod listing;
mod name_order;
mod offline;
mod page_errors;
mod posto;
mod posto_list;
mod posto_view;
mod reserva;
mod reserva_view;
mod reserve_form;
mod setup;
mod texts;
mod typed;

use std::sync::Arc;

use axum::Router;
use axum::response::Response;
use axum::routing::{get, post};
use service::{Language, PageRoutes, without_slash};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(crate) use setup::{Pages, PagesError};

/// The page that the document describes. The others are no part of the API, and may change with it.
pub(super) fn documented() -> OpenApiRouter<Arc<Pages>> {
    OpenApiRouter::new().routes(routes!(list::show))
}

/// All pages, and what they load. The page of a reserva is protected, as the reserva is. Where tokens
/// are needed, a `GET` of its address is answered with a page that asks for one and shows nothing of
/// the reserva; its form sends the token.
pub(super) fn routes(pages: &Arc<Pages>) -> PageRoutes {
    let (list, _) = documented().split_for_parts();
    let public = list
        .route("/posto", get(posto::show))
        .route("/offline/", without_slash())
        .route("/posto/", without_slash())
        .route("/reserva/", without_slash())
        .route("/offline", get(offline::show))
        .route("/sw.js", get(offline::worker));
    let protected = Router::new().route("/posto", post(posto::reserve));
    let (public, protected) = if pages.has_tokens {
        (
            public.route("/reserva", get(reserva::ask_for_token)),
            protected.route("/reserva", post(reserva::act)),
        )
    } else {
        (public, protected.route("/reserva", get(reserva::show).post(reserva::act)))
    };
    let shown = Arc::clone(pages);
    PageRoutes {
        public: public.with_state(Arc::clone(pages)).merge(pages.assets.router()),
        protected: protected.with_state(Arc::clone(pages)),
        error_page: Some(Arc::new(move |language: Language, status, refused| -> Response {
            error::page(&shown, language, status, refused)
        })),
    }
}
