//! What a gateway reads: heads of replies, and presence. What is read is read back
//! the same after it is written.
#![no_main]

use libfuzzer_sys::fuzz_target;
use protocol::{ListingReply, ReplyHead, ServerPresence, split_array};

fuzz_target!(|payload: &[u8]| {
    if let Ok((items, _)) = split_array(payload) {
        for item in items {
            if let Ok(head) = ReplyHead::from_json(item)
                && let Some(codigo) = head.codigo
            {
                assert!((400..=504).contains(&codigo.http_status()));
            }
        }
    }
    if let Some(head) = ListingReply::read_head(payload) {
        assert!(payload.get(head.request_id).is_some());
    }
    if let Some(postos) = ListingReply::read_whole(payload).and_then(|page| page.postos) {
        let list = [b"[", postos, b"]"].concat();
        serde_json::from_slice::<serde_json::Value>(&list).expect("it is a list");
    }
    if let Ok(presence) = serde_json::from_slice::<ServerPresence>(payload) {
        let written = serde_json::to_vec(&presence).expect("it can be written");
        let read: ServerPresence = serde_json::from_slice(&written).expect("it is read");
        assert_eq!(read, presence);
    }
});
