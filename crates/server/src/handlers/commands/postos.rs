//! `server/postos/request`: lists postos.

use protocol::topics::{self, Command};
use protocol::{
    BadMessage, PageLimit, PostosRequest, UnchangedReply, WrittenPostosReply, read_json, to_payload,
};
use tracing::info;

use crate::app_state::AppState;
use crate::failure::Failure;
use crate::handlers::message::Reply;
use crate::listing_cache::PageQuery;

/// The brackets of an array of answers.
const BRACKETS: usize = 2;

/// Without postos where the sender holds this version of the listing. A listing that the broker
/// would not take is refused at once: its sender would wait in vain.
pub(super) async fn handle(app: &AppState, payload: &[u8]) -> Result<Reply, Failure> {
    let PostosRequest { request_id, client_id, listas, filter, page, versao, .. } =
        read_json(payload)?;
    app.array_clients.note(&client_id, listas);
    let listing = app.read(app.store.listing()).await?;
    // All pages of all filters have the version of the listing that they are parts of.
    if versao.is_some_and(|versao| versao.as_str() == listing.version) {
        let reply = UnchangedReply::new(request_id.as_str(), &listing.version);
        let payload = to_payload(&reply).map_err(BadMessage::from)?;
        info!(%request_id, %client_id, "unchanged");
        return Ok(Reply::success(client_id, request_id, payload));
    }
    let overloaded = || Failure::Overloaded(app.server_id.clone());
    let _permit = app.listing_cache.permit().ok_or_else(overloaded)?;
    let max_payload = app.bus.max_payload(&topics::response(&client_id, Command::Postos));
    let overhead = WrittenPostosReply::overhead(request_id.as_str(), &listing.version) + BRACKETS;
    let query = PageQuery {
        after: page.apos.unwrap_or_default().get(),
        limit: page.limite.map(PageLimit::get),
        max_bytes: max_payload.saturating_sub(overhead),
    };
    let postos = app.listing_cache.page(&listing, &filter, query)?;
    let bytes = overhead + postos.postos().len();
    let unsent = app.listing_cache.unsent(bytes).ok_or_else(overloaded)?;
    info!(%request_id, %client_id, "listed");
    let reply = WrittenPostosReply {
        request_id: request_id.as_str(),
        versao: Some(&listing.version),
        proxima: postos.proxima,
        postos: &[postos.postos()],
    };
    let payload = reply.to_json().map_err(BadMessage::from)?;
    Ok(Reply { unsent: Some(unsent), ..Reply::success(client_id, request_id, payload) })
}
