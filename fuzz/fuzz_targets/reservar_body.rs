//! The body of `POST /reservar`: what the gateway accepts, the servidor accepts too, the same.
#![no_main]

use domain::Placa;
use libfuzzer_sys::fuzz_target;
use protocol::{BadMessage, RequestId, ReservaRequest, ReservarBody, read_body, read_json};

fuzz_target!(|body: &[u8]| {
    match read_body::<ReservarBody>(body) {
        Ok(body) => {
            let carro = &body.carro;
            assert_eq!(Placa::parse(carro.placa.as_str()).as_ref(), Ok(&carro.placa));
            assert!((1..=120).contains(&carro.modelo.as_str().chars().count()));
            let capacity = carro.capacidade_bateria.get();
            assert!(capacity > 0.0 && capacity <= 2000.0);
            assert!((0.0..=capacity).contains(&carro.nivel_bateria_atual.get()));
            let consumption = carro.taxa_descarga.get();
            assert!(consumption > 0.0 && consumption <= 10.0);
            assert!(body.posto_id.get() > 0);
            let client = "cliente1".parse().expect("an id");
            let request_id = RequestId::new();
            let request = body.into_request(request_id, client);
            let written = serde_json::to_vec(&request).expect("it can be written");
            assert_eq!(read_json::<ReservaRequest>(&written).expect("it is accepted"), request);
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
