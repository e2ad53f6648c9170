//! Properties of every payload.

use domain::{
    CapacidadeBateria, Carro, KwhPerKm, Modelo, NivelBateria, Placa, RequestedInterval,
    TipoConector,
};
use proptest::prelude::*;
use protocol::{
    Address, AlteracaoBody, AlteracaoRequest, CarroBateria, CarroStatus, ConsultaRequest,
    ListingReply, Object, Origin, Page, PageLimit, PageStart, PontoDisponibilidade, PostosFilter,
    PostosRequest, ReplyHead, ReservaRef, ReservaRequest, ReservarBody, ServerPresence, Timestamp,
    first_messages, read_body, read_json, split_array,
};
use serde::Serialize;

use crate::support::{id, row_id};

/// Reads the payload as every kind of message.
fn read_by_all(payload: &[u8], topic: &str) {
    let _ = read_body::<ReservarBody>(payload);
    let _ = read_json::<ReservaRequest>(payload);
    let _ = read_json::<ReservaRef>(payload);
    let _ = read_json::<ConsultaRequest>(payload);
    let _ = read_json::<PostosRequest>(payload);
    let _ = read_body::<AlteracaoBody>(payload);
    let _ = read_json::<AlteracaoRequest>(payload);
    let _ = CarroStatus::from_json(payload, topic);
    let _ = CarroBateria::from_json(payload, topic);
    let _ = PontoDisponibilidade::from_json(payload, topic, None);
    let _ = serde_json::from_slice::<ServerPresence>(payload);
    let _ = ReplyHead::from_json(payload);
    let _ = ListingReply::read_head(payload);
    let _ = ListingReply::read_whole(payload);
    let _ = Address::server_id(payload);
    let _ = Origin::find(payload);
    let _ = first_messages(payload);
    let _ = split_array(payload);
}

/// A name that some message has.
fn campo() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![
        "request_id",
        "client_id",
        "server_id",
        "carro",
        "placa",
        "modelo",
        "capacidade_bateria",
        "nivel_bateria_atual",
        "nivel_bateria",
        "taxa_descarga",
        "posto_id",
        "ponto_id",
        "disponivel",
        "inicio",
        "fim",
        "status",
        "entrega",
        "codigo",
    ])
}

/// A value that JSON can write, and a few that it cannot.
fn value() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        any::<f64>().prop_map(|number| number.to_string()),
        any::<i128>().prop_map(|number| number.to_string()),
        ".{0,12}".prop_map(|text| serde_json::json!(text).to_string()),
        r#""[\\ud8A-F0-9]{0,8}""#,
        prop::sample::select(vec!["null", "true", "1e400", "-0", "\"2026-11-23T12:00:60Z\"", ""])
            .prop_map(str::to_owned),
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4)
                .prop_map(|items| format!("[{}]", items.join(","))),
            object(inner),
        ]
    })
}

fn object(value: impl Strategy<Value = String>) -> impl Strategy<Value = String> {
    let entry = (campo(), value).prop_map(|(campo, value)| format!("{campo:?}:{value}"));
    prop::collection::vec(entry, 0..8).prop_map(|entries| format!("{{{}}}", entries.join(",")))
}

fn instant() -> impl Strategy<Value = Timestamp> {
    any::<i64>().prop_map(Timestamp::clamped)
}

fn carro() -> impl Strategy<Value = Carro> {
    let energy = (0.001..=2000.0_f64, 0.0..=1.0_f64);
    ("[A-Z0-9]{5,8}", "[!-~é]([ -~é]{0,100}[!-~])?", energy, 0.001..=10.0_f64).prop_map(
        |(placa, modelo, (capacity, part), taxa_descarga)| Carro {
            placa: Placa::new(&placa).expect("a placa"),
            modelo: Modelo::new(&modelo).expect("a model"),
            capacidade_bateria: CapacidadeBateria::new(capacity).expect("a capacity"),
            nivel_bateria_atual: NivelBateria::new(capacity * part).expect("a level"),
            taxa_descarga: KwhPerKm::new(taxa_descarga).expect("a consumption"),
        },
    )
}

fn json<T: Serialize>(message: &T) -> Vec<u8> {
    serde_json::to_vec(message).expect("it can be written")
}

proptest! {
    #[test]
    fn no_bytes_make_a_reader_panic(
        payload in prop::collection::vec(any::<u8>(), 0..200),
        topic in ".{0,20}",
    ) {
        read_by_all(&payload, &topic);
    }

    #[test]
    fn no_object_makes_a_reader_panic(payload in object(value()), topic in ".{0,20}") {
        read_by_all(payload.as_bytes(), &topic);
    }

    #[test]
    fn a_reservation_is_read_as_it_was_written(
        request_id in "[!-~]{1,128}",
        client_id in "[A-Za-z0-9_-]{1,64}",
        app in prop::option::of("[A-Za-z0-9_-]{1,64}"),
        carro in carro(),
        posto_id in 1..=i64::MAX,
        inicio in prop::option::of(instant()),
        listas in any::<Option<bool>>(),
    ) {
        let request = ReservaRequest {
            request_id: id(&request_id),
            client_id: id(&client_id),
            app: app.as_deref().map(id),
            server_id: id("server1"),
            listas,
            carro: Object(carro),
            posto_id: row_id(posto_id),
            interval: RequestedInterval { inicio: inicio.map(Into::into), fim: None },
        };
        prop_assert_eq!(read_json::<ReservaRequest>(&json(&request)), Ok(request));
    }

    #[test]
    fn a_listing_request_is_read_as_it_was_written(
        server_id in "[A-Za-z0-9_-]{1,64}",
        disponivel in any::<Option<bool>>(),
        em_manutencao in any::<Option<bool>>(),
        tipo_conector in prop::option::of("[!-~é]{1,40}"),
        limite in prop::option::of(1..=100_000_i64),
        apos in prop::option::of(0..=i64::MAX),
        versao in prop::option::of("[!-~]{1,128}"),
        listas in any::<Option<bool>>(),
    ) {
        let request = PostosRequest {
            request_id: id("r1"),
            client_id: id("c1"),
            server_id: id(&server_id),
            listas,
            filter: PostosFilter {
                disponivel,
                em_manutencao,
                tipo_conector: tipo_conector.map(|text| TipoConector::new(&text).expect("a connector")),
            },
            page: Page {
                limite: limite.map(|limit| PageLimit::new(limit).expect("a limit")),
                apos: apos.map(|id| PageStart::new(id).expect("an id")),
            },
            versao: versao.map(|text| id(&text)),
        };
        prop_assert_eq!(read_json::<PostosRequest>(&json(&request)), Ok(request));
    }

    #[test]
    fn a_time_is_read_as_it_was_written(instant in instant()) {
        prop_assert_eq!(instant.to_string().parse(), Ok(instant));
    }

    #[test]
    fn no_text_makes_the_reading_of_a_time_panic(text in "[0-9TtZz:.+ é\\[-]{0,40}") {
        let _ = text.parse::<Timestamp>();
    }

    #[test]
    fn the_normal_form_of_a_placa_is_its_own(raw in "[A-Za-z0-9 é-]{0,16}") {
        if let Ok(placa) = Placa::parse(&raw) {
            prop_assert_eq!(Placa::parse(placa.as_str()), Ok(placa));
        }
    }

    #[test]
    fn an_array_is_split_into_its_messages(messages in prop::collection::vec(object(Just("1".to_owned())), 1..10)) {
        let array = format!("[{}]", messages.join(" , "));
        let (split, was_array) = split_array(array.as_bytes()).expect("an array");
        prop_assert!(was_array);
        prop_assert_eq!(split, messages.iter().map(String::as_bytes).collect::<Vec<_>>());
    }
}
