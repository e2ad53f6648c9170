//! `server/postos/request`: lists postos.

use std::sync::{Arc, Mutex, PoisonError};

use protocol::{BadMessage, PostosFilter, PostosRequest, WrittenPostosReply};
use serde_json::value::{RawValue, to_raw_value};
use tokio::sync::Semaphore;
use tracing::info;

use super::Reply;
use crate::failure::Failure;
use crate::servidor::Servidor;
use crate::store::Listing;
use crate::wire;

/// The most listings at once. They are long: more would leave no room for reservations.
const AT_ONCE: usize = 256;

/// Places for listings, and what was last listed.
#[derive(Clone)]
pub(crate) struct Listings {
    places: Arc<Semaphore>,
    last: Arc<Mutex<Option<Written>>>,
}

/// A whole listing as it travels.
struct Written {
    number: u64,
    postos: Arc<RawValue>,
}

impl Default for Listings {
    fn default() -> Self {
        Self { places: Arc::new(Semaphore::new(AT_ONCE)), last: Arc::default() }
    }
}

impl Listings {
    /// All postos of a listing, written once for all who get the same.
    fn whole(&self, listing: &Listing) -> Result<Arc<RawValue>, serde_json::Error> {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = last.as_ref().filter(|known| known.number == listing.number) {
            return Ok(Arc::clone(&known.postos));
        }
        let postos: Arc<RawValue> = write(listing, &PostosFilter::default())?.into();
        *last = Some(Written { number: listing.number, postos: Arc::clone(&postos) });
        Ok(postos)
    }
}

fn write(listing: &Listing, filter: &PostosFilter) -> Result<Box<RawValue>, serde_json::Error> {
    to_raw_value(&listing.matching(filter).map(wire::posto).collect::<Vec<_>>())
}

pub(super) async fn handle(servidor: &Servidor, payload: &[u8]) -> Result<Reply, Failure> {
    let PostosRequest { request_id, client_id, filter, .. } = PostosRequest::from_json(payload)?;
    let _place = servidor
        .listings
        .places
        .try_acquire()
        .map_err(|_| Failure::Overloaded(servidor.id.clone()))?;
    let listing = servidor.store.listing().await.map_err(|error| servidor.cannot_read(&error))?;
    let postos = if filter == PostosFilter::default() {
        servidor.listings.whole(&listing)
    } else {
        write(&listing, &filter).map(Arc::from)
    };
    let postos = postos.map_err(BadMessage::from)?;
    info!(%request_id, %client_id, "listed");
    let reply = WrittenPostosReply { request_id: &request_id, postos: &postos };
    let payload = reply.to_json().map_err(BadMessage::from)?;
    Ok(Reply { client_id, request_id, payload })
}
