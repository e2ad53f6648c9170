//! The body of `PATCH /reservas/{request_id}`: what the gateway accepts, the servidor accepts too, the
//! same, and it changes something.
#![no_main]

use domain::ReservaChange;
use libfuzzer_sys::fuzz_target;
use protocol::{AlteracaoBody, AlteracaoRequest, RequestId, ReservaRef, read_body, read_json};

fuzz_target!(|body: &[u8]| {
    let Ok(change) = read_body::<AlteracaoBody>(body) else { return };
    assert_ne!(ReservaChange::from(&change), ReservaChange::default());
    let asked = ReservaRef {
        request_id: RequestId::new(),
        client_id: "cliente1".parse().expect("an id"),
        app: None,
        listas: None,
        server_id: "server1".parse().expect("an id"),
        reserva_request_id: "r1".parse().expect("an id"),
    };
    let request = AlteracaoRequest { asked, change };
    let written = serde_json::to_vec(&request).expect("it can be written");
    assert_eq!(read_json::<AlteracaoRequest>(&written).expect("it is accepted"), request);
});
