//! Listings of postos as JSON: the last complete one is kept, and few are made at the same time.

use std::sync::{Arc, Mutex, PoisonError};

use domain::PostosFilter;
use serde_json::value::{RawValue, to_raw_value};
use tokio::sync::{Semaphore, SemaphorePermit};

use crate::store::Listing;
use crate::wire;

/// Listings that are made at the same time. They are long: more of them would fill the outbox and
/// leave no space for the replies to reservations.
const MAX_CONCURRENT: usize = 256;

pub(crate) struct ListingCache {
    permits: Semaphore,
    /// A listing, and all its postos as a JSON array. Keeping the listing alive means that no other
    /// one can be taken for it.
    last: Mutex<Option<(Arc<Listing>, Arc<RawValue>)>>,
}

impl Default for ListingCache {
    fn default() -> Self {
        Self { permits: Semaphore::new(MAX_CONCURRENT), last: Mutex::default() }
    }
}

impl ListingCache {
    /// Allows one listing while it is held; `None` when too many are being made.
    pub(crate) fn permit(&self) -> Option<SemaphorePermit<'_>> {
        self.permits.try_acquire().ok()
    }

    /// The postos that match, as a JSON array. Without a filter, callers that get the same listing
    /// share one text.
    pub(crate) fn json(
        &self,
        listing: &Arc<Listing>,
        query: &PostosFilter,
    ) -> Result<Arc<RawValue>, serde_json::Error> {
        let to_json = || -> Result<Arc<RawValue>, serde_json::Error> {
            let postos: Vec<_> = listing.matching(query).map(wire::posto).collect();
            Ok(to_raw_value(&postos)?.into())
        };
        if *query != PostosFilter::default() {
            return to_json();
        }
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, postos)) = last.as_ref().filter(|(cached, _)| Arc::ptr_eq(cached, listing))
        {
            return Ok(Arc::clone(postos));
        }
        let postos = to_json()?;
        *last = Some((Arc::clone(listing), Arc::clone(&postos)));
        Ok(postos)
    }
}
