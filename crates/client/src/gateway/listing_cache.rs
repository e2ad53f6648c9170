//! A cache of listings. A servidor must confirm an entry before it is given again.

use std::sync::Arc;

use bytes::Bytes;
use lru::LruCache;
use parking_lot::Mutex;
use protocol::{
    ListingReply, Page, PageLimit, PageStart, PostosFilter, RequestId, ServerId, Versao,
};
use service::ETag;

use super::call::Reply;

/// How many listings are kept. Each page of each filter is one.
const MAX_LISTINGS: usize = 1024;
/// How long they may be together: 25 of 10,000 postos.
const MAX_BYTES: usize = 32 << 20;
/// What an entry takes besides the text of its listing.
const MAX_OVERHEAD: usize = 1024;

/// Which listing.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct ListingKey {
    pub(super) server_id: ServerId,
    pub(super) filter: PostosFilter,
    pub(super) limite: Option<PageLimit>,
    pub(super) apos: Option<PageStart>,
}

impl ListingKey {
    pub(super) fn page(&self) -> Page {
        Page { limite: self.limite, apos: self.apos }
    }
}

/// What a servidor has answered.
#[derive(Debug, Clone)]
pub(crate) enum ListingAnswer {
    Listing(Arc<CachedListing>),
    /// An error, or an answer of another program that has no list.
    Other(Reply),
}

/// A servidor's answer, which is given to each caller under the caller's own `request_id`.
#[derive(Debug)]
pub(crate) struct CachedListing {
    /// What is before the `request_id` and after it.
    before: Bytes,
    after: Bytes,
    pub(super) versao: Option<Versao>,
    pub(crate) etag: ETag,
}

impl CachedListing {
    /// `None` if the answer has no list.
    pub(super) fn read(body: &Bytes, page: Page) -> Option<Self> {
        let reply = ListingReply::read_head(body)?;
        let postos = reply.postos?;
        let versao = reply.versao.as_deref().unwrap_or_default();
        let is_part = reply.proxima.is_some() || page.apos.is_some_and(|apos| apos.get() > 0);
        let etag = if is_part {
            // Two pages belong together only if their versions are the same, so a caller must not
            // keep a page with an old one.
            let proxima = reply.proxima.unwrap_or_default().to_string();
            ETag::of(&[postos, versao.as_bytes(), proxima.as_bytes()])
        } else {
            ETag::of(&[postos])
        };
        let (before, after) = (..reply.request_id.start, reply.request_id.end..);
        let versao = versao.parse().ok();
        Some(Self { before: body.slice(before), after: body.slice(after), versao, etag })
    }

    /// The answer to a caller, in parts.
    pub(crate) fn body(&self, request_id: &RequestId) -> [Bytes; 3] {
        // As JSON: it may have quotes in it.
        let request_id = serde_json::Value::from(request_id.as_str()).to_string();
        [self.before.clone(), request_id.into(), self.after.clone()]
    }

    fn size(&self) -> usize {
        self.before.len() + self.after.len() + MAX_OVERHEAD
    }
}

/// The least recently used listings are removed for others.
pub(super) struct ListingCache(Mutex<Kept>);

struct Kept {
    listings: LruCache<ListingKey, Arc<CachedListing>>,
    bytes: usize,
}

impl Default for ListingCache {
    fn default() -> Self {
        Self(Mutex::new(Kept { listings: LruCache::unbounded(), bytes: 0 }))
    }
}

impl ListingCache {
    pub(super) fn get(&self, key: &ListingKey) -> Option<Arc<CachedListing>> {
        self.0.lock().listings.get(key).map(Arc::clone)
    }

    /// Keeps it in place of an older one, if it can be confirmed and is not too long.
    pub(super) fn keep(&self, key: ListingKey, listing: &Arc<CachedListing>) {
        let mut kept = self.0.lock();
        if let Some(old) = kept.listings.pop(&key) {
            kept.bytes -= old.size();
        }
        if listing.versao.is_none() || listing.size() > MAX_BYTES {
            return;
        }
        kept.bytes += listing.size();
        kept.listings.put(key, Arc::clone(listing));
        while kept.bytes > MAX_BYTES || kept.listings.len() > MAX_LISTINGS {
            let Some((_, old)) = kept.listings.pop_lru() else { return };
            kept.bytes -= old.size();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(apos: i64) -> ListingKey {
        let (server_id, filter) = ("s".parse().unwrap(), PostosFilter::default());
        ListingKey { server_id, filter, limite: None, apos: PageStart::new(apos).ok() }
    }

    fn listing(versao: &str, postos: &str) -> Arc<CachedListing> {
        let body = format!(r#"{{"request_id":"q",{versao}"postos":[{postos}]}}"#);
        Arc::new(CachedListing::read(&body.into(), Page::WHOLE).expect("a listing"))
    }

    fn with(fields: &str, apos: Option<i64>) -> ETag {
        let page = Page { limite: None, apos: apos.map(|apos| PageStart::new(apos).unwrap()) };
        let body = format!(r#"{{"request_id":"q",{fields}}}"#);
        CachedListing::read(&body.into(), page).expect("a listing").etag
    }

    #[test]
    fn a_caller_gets_the_servidors_answer_under_its_own_id() {
        let body = r#"{"x":1,"request_id":"q","versao":"v","novo":{"y":[2]},"postos":[{"id":1}]}"#;
        let listing = CachedListing::read(&body.into(), Page::WHOLE).expect("a listing");
        let given = listing.body(&r#"r"\1"#.parse().unwrap()).concat();
        let expected = body.replace(r#""q""#, r#""r\"\\1""#);
        assert_eq!(String::from_utf8(given).unwrap(), expected);
        for none in [r#"{"request_id":"q","versao":"v"}"#, r#"{"postos":[]}"#, "[]", ""] {
            assert!(CachedListing::read(&none.into(), Page::WHOLE).is_none(), "{none}");
        }
    }

    #[test]
    fn the_tag_of_a_whole_list_is_of_its_postos_alone() {
        let list = r#""postos":[{"id":1},{"id":2}]"#;
        let whole = with(list, None);
        for same in [format!(r#""versao":"a-1",{list}"#), format!(r#"{list},"versao":"b-7""#)] {
            assert_eq!((with(&same, None), with(&same, Some(0))), (whole.clone(), whole.clone()));
        }
        let others = [
            with(r#""versao":"a-1","postos":[{"id":1}]"#, None),
            with(r#""versao":"a-1","postos":[]"#, None),
            // Parts of a longer list.
            with(&format!(r#""versao":"a-1","proxima":2,{list}"#), None),
            with(&format!(r#""versao":"a-2","proxima":2,{list}"#), None),
            with(&format!(r#""versao":"a-2","proxima":3,{list}"#), None),
            with(&format!(r#""versao":"a-2",{list}"#), Some(9)),
        ];
        for (index, other) in others.iter().enumerate() {
            assert_ne!(*other, whole, "{index}");
            assert!(!others[..index].contains(other), "{index}");
        }
    }

    #[test]
    fn listings_are_kept_within_bounds() {
        let kept = ListingCache::default();
        let v = r#""versao":"v","#;
        for apos in 0..2_000 {
            kept.keep(key(apos), &listing(v, ""));
            kept.get(&key(7));
        }
        let has = |apos| kept.get(&key(apos)).is_some();
        assert_eq!((has(7), has(0), has(900), has(1_999)), (true, false, false, true));
        assert_eq!(kept.0.lock().listings.len(), MAX_LISTINGS);
        let long = |share: usize| listing(v, &"1".repeat(MAX_BYTES / share));
        for apos in 0..4 {
            kept.keep(key(apos), &long(3));
        }
        assert_eq!((has(0), has(1), has(2), has(3), has(7)), (false, false, true, true, false));
        // The last one of a key counts, also where it cannot be kept.
        kept.keep(key(3), &listing(v, ""));
        kept.keep(key(4), &long(3));
        assert_eq!((has(2), has(3), has(4)), (true, true, true));
        kept.keep(key(2), &listing("", ""));
        kept.keep(key(3), &listing(&format!(r#""versao":"{}","#, "v".repeat(129)), ""));
        kept.keep(key(4), &long(1));
        assert_eq!((has(2), has(3), has(4)), (false, false, false));
        assert_eq!(kept.0.lock().bytes, 0);
    }
}
