//! What cars and chargers say: the first line is the placa or number of the topic, the rest the
//! payload. Whoever speaks, speaks for itself.
#![no_main]

use libfuzzer_sys::fuzz_target;
use protocol::{CarroBateria, CarroStatus, PontoDisponibilidade, normalize_placa};

fuzz_target!(|data: &[u8]| {
    let (topic, payload) = data.split_at(data.iter().position(|byte| *byte == b'\n').unwrap_or(0));
    let Ok(topic) = std::str::from_utf8(topic) else { return };
    if let Ok(status) = CarroStatus::from_json(payload, topic) {
        assert_eq!(normalize_placa(topic).as_ref(), Some(&status.placa));
        assert!((0.0..=2000.0).contains(&status.nivel_bateria));
        let written = serde_json::to_vec(&status).expect("it can be written");
        assert_eq!(CarroStatus::from_json(&written, topic).expect("it is read"), status);
    }
    if let Ok(bateria) = CarroBateria::from_json(payload, topic) {
        assert_eq!(normalize_placa(topic).as_ref(), Some(&bateria.placa));
        let written = serde_json::to_vec(&bateria).expect("it can be written");
        assert_eq!(CarroBateria::from_json(&written, topic).expect("it is read"), bateria);
    }
    if let Ok(ponto) = PontoDisponibilidade::from_json(payload, topic) {
        assert_eq!(ponto.ponto_id.to_string(), topic);
        let written = serde_json::to_vec(&ponto).expect("it can be written");
        assert_eq!(PontoDisponibilidade::from_json(&written, topic).expect("it is read"), ponto);
    }
});
