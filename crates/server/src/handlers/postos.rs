//! `server/postos/request`: lists postos.

use protocol::{PostosReply, PostosRequest};
use tracing::info;

use super::Reply;
use crate::failure::Failure;
use crate::servidor::Servidor;
use crate::store::PostosQuery;
use crate::wire;

pub(super) async fn handle(servidor: &Servidor, payload: &[u8]) -> Result<Reply, Failure> {
    let PostosRequest { request_id, client_id, filter, .. } = PostosRequest::from_json(payload)?;
    // Listings are long: no more of them at once than leave room for reservations.
    let _place =
        servidor.listings.try_acquire().map_err(|_| Failure::Overloaded(servidor.id.clone()))?;
    let query = PostosQuery {
        disponivel: filter.disponivel,
        em_manutencao: filter.em_manutencao,
        tipo_conector: filter.tipo_conector,
    };
    let found = servidor
        .store
        .postos(&query, servidor.now())
        .await
        .map_err(|error| servidor.cannot_read(&error))?;
    info!(%request_id, %client_id, postos = found.len(), "listed");
    let postos = found.into_iter().map(wire::posto).collect();
    let reply = PostosReply { request_id: request_id.clone(), postos };
    Reply::json(client_id, request_id, &reply)
}
