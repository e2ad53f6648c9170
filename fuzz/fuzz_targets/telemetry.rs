//! Messages of carros and chargers: the first line is the placa or number of the topic, the rest
//! the payload. The sender is the one that the topic names.
#![no_main]

use domain::Placa;
use libfuzzer_sys::fuzz_target;
use protocol::{CarroBateria, CarroStatus, PontoDisponibilidade};

fuzz_target!(|data: &[u8]| {
    let (topic, payload) = data.split_at(data.iter().position(|byte| *byte == b'\n').unwrap_or(0));
    let Ok(topic) = std::str::from_utf8(topic) else { return };
    if let Ok(status) = CarroStatus::from_json(payload, topic) {
        assert_eq!(Placa::parse(topic).as_ref(), Ok(&status.placa));
        assert!((0.0..=2000.0).contains(&status.nivel_bateria.get()));
        let written = serde_json::to_vec(&status).expect("it can be written");
        assert_eq!(CarroStatus::from_json(&written, topic).expect("it is read"), status);
    }
    if let Ok(bateria) = CarroBateria::from_json(payload, topic) {
        assert_eq!(Placa::parse(topic).as_ref(), Ok(&bateria.placa));
        let written = serde_json::to_vec(&bateria).expect("it can be written");
        assert_eq!(CarroBateria::from_json(&written, topic).expect("it is read"), bateria);
    }
    if let Ok(ponto) = PontoDisponibilidade::from_json(payload, topic, None) {
        assert_eq!(ponto.ponto_id.get().to_string(), topic);
        let written = serde_json::to_vec(&ponto).expect("it can be written");
        assert_eq!(
            PontoDisponibilidade::from_json(&written, topic, None).expect("it is read"),
            ponto
        );
    }
});
