//! The postos of servidores, for a page that does not wait long.

use std::sync::Arc;
use std::time::Duration;

use futures_util::{StreamExt as _, stream};
use protocol::{
    Page, Posto, PostosFilter, PostosReply, RequestId, ServerId, ServerPresence, ServerState,
};
use tokio::time::{Instant, timeout_at};

use super::setup::Pages;
use crate::error::GatewayError;
use crate::gateway::{Gateway, Listed, Reply};

/// How long a page waits for servidores. One that is silent for longer holds no page.
const LIMIT: Duration = Duration::from_millis(1500);
/// How many servidores are asked at once.
const AT_ONCE: usize = 64;

/// What the servidores that are known have answered.
#[derive(Default)]
pub(super) struct AllPostos {
    pub(super) listed: Vec<(ServerId, Vec<Posto>)>,
    pub(super) away: Vec<ServerId>,
    /// Online, without an answer in time.
    pub(super) silent: Vec<ServerId>,
}

/// Why there is no list of a servidor.
pub(super) enum NotListed {
    Refused(Reply),
    Gateway(GatewayError),
}

impl Pages {
    /// The postos of all servidores that are online, asked at the same time.
    pub(super) async fn all_postos(&self) -> AllPostos {
        let is_online = |seen: &ServerPresence| seen.status == ServerState::Online;
        let (online, away): (Vec<_>, Vec<_>) =
            self.gateway.servidores().into_iter().partition(is_online);
        let deadline = Instant::now() + LIMIT;
        let asking = stream::iter(online).map(|ServerPresence { server_id, .. }| async move {
            let listed = list_until(deadline, &self.gateway, server_id.clone()).await;
            (server_id, listed)
        });
        let answers: Vec<_> = asking.buffered(AT_ONCE).collect().await;
        let mut all = AllPostos {
            away: away.into_iter().map(|seen| seen.server_id).collect(),
            ..AllPostos::default()
        };
        for (server_id, postos) in answers {
            match postos {
                Some(postos) => all.listed.push((server_id, postos)),
                None => all.silent.push(server_id),
            }
        }
        all
    }

    /// The postos of one servidor; none if it does not answer in time. For pages that are of use
    /// without them.
    pub(super) async fn postos_if_quick(&self, server_id: &ServerId) -> Vec<Posto> {
        let deadline = Instant::now() + LIMIT;
        list_until(deadline, &self.gateway, server_id.clone()).await.unwrap_or_default()
    }

    /// The postos of one servidor.
    pub(super) async fn postos_of(
        &self,
        request_id: &RequestId,
        server_id: &ServerId,
    ) -> Result<Vec<Posto>, NotListed> {
        list(&self.gateway, request_id, server_id.clone()).await
    }
}

async fn list_until(
    deadline: Instant,
    gateway: &Arc<Gateway>,
    server_id: ServerId,
) -> Option<Vec<Posto>> {
    let request_id = RequestId::new();
    timeout_at(deadline, list(gateway, &request_id, server_id)).await.ok()?.ok()
}

async fn list(
    gateway: &Arc<Gateway>,
    request_id: &RequestId,
    server_id: ServerId,
) -> Result<Vec<Posto>, NotListed> {
    let listed =
        gateway.list_postos(request_id, server_id, PostosFilter::default(), Page::WHOLE).await;
    match listed.map_err(NotListed::Gateway)? {
        Listed::Other(reply) => Err(NotListed::Refused(reply)),
        Listed::Listing(listing) => {
            let body = listing.body(request_id).concat();
            let reply = serde_json::from_slice::<PostosReply>(&body);
            reply.map(|reply| reply.postos).map_err(|_| NotListed::Gateway(GatewayError::Internal))
        }
    }
}
