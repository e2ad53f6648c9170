//! Listings of postos as JSON: the last complete one is kept, and few are made at the same time.

use std::ops::Range;
use std::sync::Arc;

use domain::PostosFilter;
use parking_lot::Mutex;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, SemaphorePermit};

use crate::store::{Listing, PostoRow};
use crate::wire;

/// Listings that are made at the same time. They are long: more of them would fill the outbox and
/// leave no space for the replies to reservations.
const MAX_CONCURRENT: usize = 256;
/// How long the listings that the broker does not have yet may be together: four of the longest. A
/// slow link takes fewer of them than can be made.
const MAX_UNSENT_KIB: usize = 64 * 1024;

pub(crate) struct ListingCache {
    permits: Semaphore,
    /// In KiB.
    unsent: Arc<Semaphore>,
    /// A listing, and all its postos as JSON. Keeping the listing alive means that no other one can
    /// be taken for it.
    last: Mutex<Option<(Arc<Listing>, Arc<WrittenPostos>)>>,
}

/// Postos as JSON.
#[derive(Default)]
struct WrittenPostos {
    /// Objects with commas between them.
    json: String,
    ids: Vec<i64>,
    /// Where each of them ends in `json`.
    ends: Vec<usize>,
}

/// Which postos to list, of those that match a filter.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PageQuery {
    /// Only those with greater ids.
    pub(crate) after: i64,
    /// How many at most; `None` for all, or an error.
    pub(crate) limit: Option<usize>,
    /// How long they may be together.
    pub(crate) max_bytes: usize,
}

/// Why there is no page.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PageError {
    /// Not even one posto fits, or all were asked for and do not fit.
    #[error("{fitting} postos fit into one message")]
    TooLong { fitting: usize },
    #[error(transparent)]
    Json(#[from] serde_json::Error),
}

/// A page of a listing.
pub(crate) struct WrittenPage {
    written: Arc<WrittenPostos>,
    range: Range<usize>,
    /// The last id of this page, if another page follows.
    pub(crate) proxima: Option<i64>,
}

impl Default for ListingCache {
    fn default() -> Self {
        let unsent = Arc::new(Semaphore::new(MAX_UNSENT_KIB));
        Self { permits: Semaphore::new(MAX_CONCURRENT), unsent, last: Mutex::default() }
    }
}

impl ListingCache {
    /// Allows one listing while it is held; `None` when too many are being made.
    pub(crate) fn permit(&self) -> Option<SemaphorePermit<'_>> {
        self.permits.try_acquire().ok()
    }

    /// Allows one listing of this length to wait for the broker while it is held; `None` when there
    /// are too many.
    pub(crate) fn unsent(&self, bytes: usize) -> Option<OwnedSemaphorePermit> {
        let kib = u32::try_from(bytes.div_ceil(1024)).ok()?;
        Arc::clone(&self.unsent).try_acquire_many_owned(kib).ok()
    }

    /// The postos of a page, as many as the query allows. Callers that get the same listing share
    /// one text, of which a filter copies parts: writing thousands of postos anew for each of many
    /// callers would keep everything else waiting for seconds.
    pub(crate) fn page(
        &self,
        listing: &Arc<Listing>,
        filter: &PostosFilter,
        query: PageQuery,
    ) -> Result<WrittenPage, PageError> {
        let whole = self.whole(listing)?;
        if *filter == PostosFilter::default() {
            return whole.page(listing.count_up_to(query.after), query);
        }
        let matching = listing.matching_after(query.after, filter);
        // One more than the page can have, so that it is known whether another page follows.
        let limit = query.limit.map_or(usize::MAX, |limit| limit + 1);
        Arc::new(whole.select(matching.take(limit), query.max_bytes)).page(0, query)
    }

    fn whole(&self, listing: &Arc<Listing>) -> Result<Arc<WrittenPostos>, serde_json::Error> {
        let mut last = self.last.lock();
        if let Some((_, postos)) = last.as_ref().filter(|(cached, _)| Arc::ptr_eq(cached, listing))
        {
            return Ok(Arc::clone(postos));
        }
        let postos = Arc::new(WrittenPostos::of(&listing.postos)?);
        *last = Some((Arc::clone(listing), Arc::clone(&postos)));
        Ok(postos)
    }
}

impl WrittenPostos {
    fn of(postos: &[PostoRow]) -> Result<Self, serde_json::Error> {
        let mut written = Self::default();
        let mut json = Vec::new();
        for posto in postos {
            if !json.is_empty() {
                json.push(b',');
            }
            serde_json::to_writer(&mut json, &wire::posto(posto))?;
            written.ids.push(posto.id);
            written.ends.push(json.len());
        }
        written.json = String::from_utf8(json).map_err(serde::ser::Error::custom)?;
        Ok(written)
    }

    /// The postos with these indexes, until they are longer than `max_bytes`.
    fn select(&self, indexes: impl Iterator<Item = usize>, max_bytes: usize) -> Self {
        let mut selected = Self::default();
        for index in indexes {
            if selected.json.len() > max_bytes {
                break;
            }
            if !selected.json.is_empty() {
                selected.json.push(',');
            }
            selected.json.push_str(&self.json[self.start(index)..self.ends[index]]);
            selected.ids.push(self.ids[index]);
            selected.ends.push(selected.json.len());
        }
        selected
    }

    /// Where the text of a posto begins: after the comma behind the one before.
    fn start(&self, index: usize) -> usize {
        index.checked_sub(1).map_or(0, |before| self.ends[before] + 1)
    }

    /// A page that begins after the first `skipped` postos.
    fn page(self: Arc<Self>, skipped: usize, query: PageQuery) -> Result<WrittenPage, PageError> {
        // Nothing may follow.
        let start = self.start(skipped).min(self.json.len());
        let ends = &self.ends[skipped..];
        let fitting = ends.partition_point(|end| end - start <= query.max_bytes);
        let count = query.limit.map_or(fitting, |limit| limit.min(fitting));
        let is_last = count == ends.len();
        if !is_last && (count == 0 || query.limit.is_none()) {
            return Err(PageError::TooLong { fitting });
        }
        let range = start..count.checked_sub(1).map_or(start, |last| ends[last]);
        let proxima = (!is_last).then(|| self.ids[skipped + count - 1]);
        Ok(WrittenPage { written: self, range, proxima })
    }
}

impl WrittenPage {
    /// JSON objects with commas between them.
    pub(crate) fn postos(&self) -> &str {
        &self.written.json[self.range.clone()]
    }
}

#[cfg(test)]
mod tests;
