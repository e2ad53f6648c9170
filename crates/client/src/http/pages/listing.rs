//! The postos of servidores, for a page that does not wait long.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use protocol::{Page, PostosFilter, RequestId, ServerId, ServerPresence, ServerState};
use tokio::time::{Instant, timeout_at};
use tracing::warn;

use super::posto_list::PostoList;
use super::setup::Pages;
use crate::error::GatewayError;
use crate::gateway::{ListingAnswer, NoAnswer, Reply};

/// How long a page waits for servidores. One that is silent for longer holds no page.
const LIMIT: Duration = Duration::from_millis(1500);

/// What the servidores that are known have answered.
#[derive(Default)]
pub(super) struct AllPostos {
    pub(super) listed: Vec<(ServerId, Arc<PostoList>)>,
    pub(super) away: Vec<ServerId>,
    /// Online, without an answer in time.
    pub(super) silent: Vec<ServerId>,
}

impl Pages {
    /// The postos of all servidores that are online, asked at the same time.
    pub(super) async fn all_postos(&self) -> AllPostos {
        let is_online = |seen: &ServerPresence| seen.status == ServerState::Online;
        let (online, away): (Vec<_>, Vec<_>) =
            self.gateway.servidores().into_iter().partition(is_online);
        let deadline = Instant::now() + LIMIT;
        let asking = online.into_iter().map(|ServerPresence { server_id, .. }| async move {
            let listed = self.list_until(deadline, &server_id).await;
            (server_id, listed)
        });
        // None waits for another: one that is silent would hold up those after it.
        let answers = join_all(asking).await;
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
    pub(super) async fn postos_if_quick(&self, server_id: &ServerId) -> Option<Arc<PostoList>> {
        self.list_until(Instant::now() + LIMIT, server_id).await
    }

    async fn list_until(&self, deadline: Instant, server_id: &ServerId) -> Option<Arc<PostoList>> {
        let request_id = RequestId::new();
        let listed = timeout_at(deadline, self.postos_of(&request_id, server_id)).await.ok()?;
        if let Err(NoAnswer::Refused(Reply { codigo: Some(codigo), .. })) = &listed {
            warn!(%request_id, %server_id, %codigo, "a page has no list of this servidor");
        }
        listed.ok()
    }

    /// The postos of one servidor.
    pub(super) async fn postos_of(
        &self,
        request_id: &RequestId,
        server_id: &ServerId,
    ) -> Result<Arc<PostoList>, NoAnswer> {
        let filter = PostosFilter::default();
        let listed =
            self.gateway.list_postos(request_id, server_id.clone(), filter, Page::WHOLE).await;
        match listed? {
            ListingAnswer::Other(reply) => Err(NoAnswer::Refused(reply)),
            ListingAnswer::Listing(listing) => {
                self.lists.read(server_id, &listing).map_err(|error| {
                    warn!(%request_id, %server_id, %error, "a list of postos cannot be read");
                    NoAnswer::Gateway(GatewayError::Internal)
                })
            }
        }
    }
}
