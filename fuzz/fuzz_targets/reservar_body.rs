//! The body of `POST /reservar`: what the gateway accepts, the servidor accepts too, the same.
#![no_main]

use libfuzzer_sys::fuzz_target;
use protocol::{BadMessage, RequestId, ReservaRequest, ReservarBody, normalize_placa};

fuzz_target!(|body: &[u8]| {
    match ReservarBody::from_json(body) {
        Ok(body) => {
            assert_eq!(normalize_placa(&body.placa).as_ref(), Some(&body.placa));
            assert!((1..=120).contains(&body.modelo.chars().count()));
            assert!(body.capacidade_bateria > 0.0 && body.capacidade_bateria <= 2000.0);
            assert!((0.0..=body.capacidade_bateria).contains(&body.nivel_bateria_atual));
            assert!(body.taxa_descarga > 0.0 && body.taxa_descarga <= 10.0);
            assert!(body.posto_id > 0);
            let client = "cliente1".parse().expect("an id");
            let request_id = RequestId::from_idempotency_key(&body.server_id, "k");
            let request = body.into_request(request_id, client);
            let written = serde_json::to_vec(&request).expect("it can be written");
            assert_eq!(ReservaRequest::from_json(&written).expect("it is accepted"), request);
        }
        Err(BadMessage::Fields(wrong)) => {
            assert!(!wrong.is_empty());
            assert!(
                wrong.iter().all(|field| !field.campo.is_empty() && !field.mensagem.is_empty())
            );
        }
        Err(BadMessage::NotJson(reason)) => assert!(!reason.is_empty()),
    }
});
