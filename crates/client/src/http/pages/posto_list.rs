//! Lists of postos, read once for all readers who are shown them.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::sync::Arc;

use lru::LruCache;
use parking_lot::Mutex;
use protocol::{Posto, PostosReply, RequestId, ServerId, TipoConector};
use service::ETag;

use super::name_order::NameKey;
use crate::gateway::CachedListing;

/// How many lists are kept read, one of each servidor.
const MAX_LISTS: NonZeroUsize = NonZeroUsize::new(256).unwrap();

/// The list of one servidor.
pub(super) struct PostoList {
    etag: ETag,
    pub(super) postos: Vec<NamedPosto>,
    /// Each connector as it is spelled first, by its spelling without case.
    pub(super) connectors: BTreeMap<String, String>,
}

pub(super) struct NamedPosto {
    pub(super) key: NameKey,
    pub(super) posto: Posto,
}

impl PostoList {
    fn new(etag: ETag, postos: Vec<Posto>) -> Self {
        let mut connectors = BTreeMap::new();
        for Posto { tipo_conector, .. } in &postos {
            let key = TipoConector::key(tipo_conector);
            connectors.entry(key).or_insert_with(|| tipo_conector.clone());
        }
        let named = |posto: Posto| NamedPosto { key: NameKey::of(&posto.nome), posto };
        Self { etag, postos: postos.into_iter().map(named).collect(), connectors }
    }

    pub(super) fn find(&self, posto_id: i64) -> Option<&Posto> {
        self.iter().find(|posto| posto.id == posto_id)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Posto> {
        self.postos.iter().map(|named| &named.posto)
    }

    #[cfg(test)]
    pub(super) fn of(postos: Vec<Posto>) -> Self {
        Self::new(ETag::of(&[]), postos)
    }
}

/// The lists that were read last.
pub(super) struct PostoLists(Mutex<LruCache<ServerId, Arc<PostoList>>>);

impl Default for PostoLists {
    fn default() -> Self {
        Self(Mutex::new(LruCache::new(MAX_LISTS)))
    }
}

impl PostoLists {
    /// The list that a servidor has answered or confirmed.
    ///
    /// # Errors
    /// It is no list of postos.
    pub(super) fn read(
        &self,
        server_id: &ServerId,
        listing: &CachedListing,
    ) -> Result<Arc<PostoList>, serde_json::Error> {
        let kept = self.0.lock().get(server_id).map(Arc::clone);
        if let Some(kept) = kept.filter(|kept| kept.etag == listing.etag) {
            return Ok(kept);
        }
        let body = listing.body(&RequestId::new()).concat();
        let reply: PostosReply = serde_json::from_slice(&body)?;
        let list = Arc::new(PostoList::new(listing.etag.clone(), reply.postos));
        self.0.lock().push(server_id.clone(), Arc::clone(&list));
        Ok(list)
    }
}
