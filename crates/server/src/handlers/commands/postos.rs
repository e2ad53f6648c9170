//! `server/postos/request`: lists postos.

use protocol::topics::{self, Command};
use protocol::{BadMessage, PageLimit, PostosRequest, WrittenPostosReply, read_json};
use tracing::info;

use crate::app_state::AppState;
use crate::failure::Failure;
use crate::handlers::message::Reply;
use crate::listing_cache::PageQuery;

/// The brackets of an array of answers.
const BRACKETS: usize = 2;

/// A listing that the broker would not take is refused at once: its sender would wait in vain.
pub(super) async fn handle(app: &AppState, payload: &[u8]) -> Result<Reply, Failure> {
    let PostosRequest { request_id, client_id, filter, page, .. } = read_json(payload)?;
    let overloaded = || Failure::Overloaded(app.server_id.clone());
    let _permit = app.listing_cache.permit().ok_or_else(overloaded)?;
    let listing = app.read(app.store.listing()).await?;
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
    Ok(Reply { client_id, request_id, payload, is_unwritten: false, unsent: Some(unsent) })
}
