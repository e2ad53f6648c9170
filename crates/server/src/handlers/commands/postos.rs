//! `server/postos/request`: lists postos.

use protocol::{BadMessage, PostosRequest, WrittenPostosReply, read_json};
use tracing::info;

use crate::app_state::AppState;
use crate::failure::Failure;
use crate::handlers::message::Reply;

pub(super) async fn handle(app: &AppState, payload: &[u8]) -> Result<Reply, Failure> {
    let PostosRequest { request_id, client_id, filter, .. } = read_json(payload)?;
    let overloaded = || Failure::Overloaded(app.server_id.clone());
    let _permit = app.listing_cache.permit().ok_or_else(overloaded)?;
    let listing = app.read(app.store.listing()).await?;
    let postos = app.listing_cache.json(&listing, &filter).map_err(BadMessage::from)?;
    info!(%request_id, %client_id, "listed");
    let reply = WrittenPostosReply { request_id: &request_id, postos: &postos };
    let payload = reply.to_json().map_err(BadMessage::from)?;
    Ok(Reply { client_id, request_id, payload })
}
