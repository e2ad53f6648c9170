//! Commands to a servidor, alone or in an array: an accepted one is read back the same after it is
//! written, and its address and sender, read by themselves, are the same.
#![no_main]

use libfuzzer_sys::fuzz_target;
use protocol::{
    Address, AlteracaoRequest, BadMessage, ClientId, ConsultaRequest, MAX_ARRAY, Origin,
    PostosRequest, RequestId, ReservaRef, ReservaRequest, ServerId, first_messages, read_json,
    split_array,
};
use serde::Serialize;

fuzz_target!(|payload: &[u8]| {
    let Ok((items, array)) = split_array(payload) else {
        assert!(first_messages(payload).len() <= MAX_ARRAY);
        return;
    };
    assert!(!items.is_empty() && items.len() <= MAX_ARRAY);
    assert!(array || items == [payload]);
    for item in items {
        check(item, read_json, |m: &ReservaRequest| (&m.server_id, &m.client_id, &m.request_id));
        check(item, read_json, |m: &AlteracaoRequest| {
            (&m.asked.server_id, &m.asked.client_id, &m.asked.request_id)
        });
        check(item, read_json, |m: &ReservaRef| (&m.server_id, &m.client_id, &m.request_id));
        check(item, read_json, |m: &ConsultaRequest| {
            (&m.asked.server_id, &m.asked.client_id, &m.asked.request_id)
        });
        check(item, read_json, |m: &PostosRequest| (&m.server_id, &m.client_id, &m.request_id));
    }
});

fn check<T: Serialize + PartialEq + std::fmt::Debug>(
    item: &[u8],
    read: fn(&[u8]) -> Result<T, BadMessage>,
    ids: fn(&T) -> (&ServerId, &ClientId, &RequestId),
) {
    match read(item) {
        Ok(message) => {
            let written = serde_json::to_vec(&message).expect("it can be written");
            assert_eq!(read(&written).expect("what we write we read"), message);
            let (server_id, client_id, request_id) = ids(&message);
            let address = Address::server_id(item).expect("it has an address");
            assert_eq!(address.as_deref(), Some(server_id.as_str()));
            let origin = Origin { client_id: client_id.clone(), request_id: request_id.clone() };
            assert_eq!(Origin::find(item), Some(origin));
        }
        Err(bad) => {
            assert!(!bad.to_string().is_empty());
            if matches!(bad, BadMessage::Fields(_)) {
                assert!(bad.campos().iter().all(|wrong| !wrong.campo.is_empty()));
            }
        }
    }
}
