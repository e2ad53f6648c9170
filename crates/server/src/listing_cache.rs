//! Listings of postos as JSON: the last complete one is kept, and few are made at the same time.

use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

use domain::PostosFilter;
use protocol::{BadMessage, FieldError, Page, PageLimit};
use tokio::sync::{Semaphore, SemaphorePermit};

use crate::store::{Listing, PostoRow};
use crate::wire;

/// Listings that are made at the same time. They are long: more of them would fill the outbox and
/// leave no space for the replies to reservations.
const MAX_CONCURRENT: usize = 256;

pub(crate) struct ListingCache {
    permits: Semaphore,
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

/// A page of a listing.
pub(crate) struct WrittenPage {
    written: Arc<WrittenPostos>,
    range: Range<usize>,
    /// The last id of this page, if another page follows.
    pub(crate) proxima: Option<i64>,
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

    /// The postos of a page: those that match, as many as its limit and `max_bytes` allow. Without
    /// a filter, callers that get the same listing share one text.
    ///
    /// # Errors
    /// Not even one posto fits, or the page has no limit and they do not all fit.
    pub(crate) fn page(
        &self,
        listing: &Arc<Listing>,
        filter: &PostosFilter,
        page: &Page,
        max_bytes: usize,
    ) -> Result<WrittenPage, BadMessage> {
        let apos = page.apos.unwrap_or_default().get();
        if *filter == PostosFilter::default() {
            let written = self.whole(listing)?;
            return written.page(listing.count_up_to(apos), page.limite, max_bytes);
        }
        let matching = listing.matching_after(apos, filter);
        // One more than the page can have, so that it is known whether another page follows.
        let limit = page.limite.map_or(usize::MAX, |limit| limit.get() + 1);
        let written = WrittenPostos::of(matching.take(limit), max_bytes)?;
        Arc::new(written).page(0, page.limite, max_bytes)
    }

    fn whole(&self, listing: &Arc<Listing>) -> Result<Arc<WrittenPostos>, serde_json::Error> {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, postos)) = last.as_ref().filter(|(cached, _)| Arc::ptr_eq(cached, listing))
        {
            return Ok(Arc::clone(postos));
        }
        let postos = Arc::new(WrittenPostos::of(&listing.postos, usize::MAX)?);
        *last = Some((Arc::clone(listing), Arc::clone(&postos)));
        Ok(postos)
    }
}

impl WrittenPostos {
    /// Writes postos until they are longer than `max_bytes`.
    fn of<'a>(
        postos: impl IntoIterator<Item = &'a PostoRow>,
        max_bytes: usize,
    ) -> Result<Self, serde_json::Error> {
        let mut written = Self::default();
        let mut json = Vec::new();
        for posto in postos {
            if json.len() > max_bytes {
                break;
            }
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

    /// A page that begins after the first `skipped` postos.
    fn page(
        self: Arc<Self>,
        skipped: usize,
        limit: Option<PageLimit>,
        max_bytes: usize,
    ) -> Result<WrittenPage, BadMessage> {
        let start = match skipped.checked_sub(1) {
            // After the comma, if anything follows.
            Some(last) => (self.ends[last] + 1).min(self.json.len()),
            None => 0,
        };
        let ends = &self.ends[skipped..];
        let fitting = ends.partition_point(|end| end - start <= max_bytes);
        let count = limit.map_or(fitting, |limit| limit.get().min(fitting));
        let is_last = count == ends.len();
        if !is_last && (count == 0 || limit.is_none()) {
            return Err(too_long(fitting));
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

fn too_long(fitting: usize) -> BadMessage {
    let mensagem = match fitting {
        0 => "não tem valor possível: nem um só posto cabe em uma mensagem deste broker".to_owned(),
        _ => format!(
            "é obrigatório: a lista não cabe em uma mensagem; cabem {fitting} postos, e os outros vêm com apos"
        ),
    };
    BadMessage::Fields(vec![FieldError { campo: "limite".to_owned(), mensagem }])
}

#[cfg(test)]
mod tests;
