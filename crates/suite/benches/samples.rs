//! What the benchmarks put into a store.

use std::time::Duration;

use domain::{
    CapacidadeBateria, Carro, KwhPerKm, Modelo, Moment, NivelBateria, Placa, Posto,
    RequestedInterval, ReservaCommand,
};
use server::store::{ImportPostos, RequestKey, Reserve};

const POSTOS: i64 = 1_000;

/// The postos of a first start.
pub(crate) fn postos() -> ImportPostos {
    let new = (1..=POSTOS).map(|id| (Some(id), posto(id))).collect();
    ImportPostos { new, ..ImportPostos::default() }
}

fn posto(id: i64) -> Posto {
    Posto {
        nome: domain::Nome::new(&format!("Ponto {id}")).expect("a name"),
        localizacao: domain::Localizacao::new("-23.5540,-46.6370").expect("a place"),
        potencia_maxima: domain::Kw::new(22.0).expect("power"),
        tipo_conector: domain::TipoConector::default(),
        preco_kwh: domain::Price::new(2.5).expect("a price"),
        in_service: true,
        em_manutencao: false,
    }
}

/// A reservation after `begin` (milliseconds since 1970) that conflicts with that of no other
/// number.
pub(crate) fn reservation(number: i64, placa: &str, begin: i64) -> Reserve {
    let inicio = begin + number / POSTOS * 2_000;
    Reserve {
        key: RequestKey {
            request_id: format!("01a20938-8643-7097-b3fa-{number:012}"),
            fingerprint: u128::from(number.unsigned_abs()).to_be_bytes(),
            app: None,
        },
        command: ReservaCommand {
            carro: Carro {
                placa: Placa::new(placa).expect("a placa"),
                modelo: Modelo::new("BYD Dolphin").expect("a model"),
                capacidade_bateria: CapacidadeBateria::new(44.5).expect("a capacity"),
                nivel_bateria_atual: NivelBateria::new(22.3).expect("a level"),
                taxa_descarga: KwhPerKm::new(0.19).expect("consumption"),
            },
            posto_id: number % POSTOS + 1,
            interval: RequestedInterval {
                inicio: Some(Moment::from_millis(inicio)),
                fim: Some(Moment::from_millis(inicio + 1_000)),
            },
        },
        client_id: "cliente1".to_owned(),
        deadline: tokio::time::Instant::now() + Duration::from_secs(60),
    }
}
