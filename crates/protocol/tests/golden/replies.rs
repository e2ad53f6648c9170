//! Replies and events of a servidor: written exactly, and read back.

use std::fmt::Debug;

use domain::ReservaState;
use protocol::{
    Codigo, Entrega, ErrorReply, FieldError, PontoStatus, Posto, PostosReply, ReplyHead, Reserva,
    ReservaEvent, ReservaReply, ServerPresence, ServerState, StatusReply,
};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::support::{compact, id, time};

/// `message` is written as `json`, to the byte, and `json` is read as `message`.
fn golden<T: Serialize + DeserializeOwned + PartialEq + Debug>(message: &T, json: &str) {
    let json = compact(json);
    assert_eq!(serde_json::to_string(message).expect("it can be written"), json);
    assert_eq!(&serde_json::from_str::<T>(&json).expect("it can be read"), message);
}

#[test]
fn postos_reply() {
    let posto = Posto {
        id: 5,
        nome: "Ponto 5".to_owned(),
        localizacao: "-23.5540,-46.6370".to_owned(),
        potencia_maxima: 22.0,
        tipo_conector: "CCS".to_owned(),
        preco_kwh: 2.5,
        disponivel: true,
        em_manutencao: false,
    };
    let json = r#"{"request_id":"r1","postos":[{
        "id":5,"nome":"Ponto 5","localizacao":"-23.5540,-46.6370","potencia_maxima":22.0,
        "tipo_conector":"CCS","preco_kwh":2.5,"disponivel":true,"em_manutencao":false
    }]}"#;
    golden(&PostosReply { request_id: id("r1"), postos: vec![posto] }, json);
    golden(
        &PostosReply { request_id: id("r1"), postos: Vec::new() },
        r#"{"request_id":"r1","postos":[]}"#,
    );
}

#[test]
fn reserva_reply() {
    let mut reply = ReservaReply {
        request_id: id("r1"),
        status: StatusReply::Sucesso,
        mensagem: "O posto Ponto 5 foi reservado.".to_owned(),
        reserva: Reserva {
            id: 17,
            posto_id: 5,
            placa: "ABC1234".to_owned(),
            inicio: time("2026-11-23T12:00:00Z"),
            fim: time("2026-11-24T12:00:00Z"),
            status: ReservaState::Ativa,
        },
    };
    for (status, word) in [
        (ReservaState::Ativa, "ativa"),
        (ReservaState::Cancelada, "cancelada"),
        (ReservaState::Encerrada, "encerrada"),
    ] {
        reply.reserva.status = status;
        let json = r#"{
            "request_id":"r1","status":"sucesso","mensagem":"O posto Ponto 5 foi reservado.",
            "reserva":{
                "id":17,"posto_id":5,"placa":"ABC1234","inicio":"2026-11-23T12:00:00.000Z",
                "fim":"2026-11-24T12:00:00.000Z","status":"ativa"
            }
        }"#;
        golden(&reply, &json.replace("ativa", word));
    }
}

#[test]
fn error_reply() {
    let mensagem = "O posto 99999 não existe no servidor server1".to_owned();
    let mut error = ErrorReply::new(Some(id("r1")), Codigo::PostoInexistente, mensagem);
    let json = r#"{
        "request_id":"r1","status":"erro","codigo":"posto_inexistente",
        "mensagem":"O posto 99999 não existe no servidor server1"
    }"#;
    golden(&error, json);
    error.request_id = None;
    error.codigo = Codigo::RequisicaoInvalida;
    let wrong =
        |campo: &str| FieldError { campo: campo.to_owned(), mensagem: "é obrigatório".into() };
    error.campos = vec![wrong("placa"), wrong("carro.modelo")];
    let json = r#"{
        "status":"erro","codigo":"requisicao_invalida",
        "mensagem":"O posto 99999 não existe no servidor server1",
        "campos":[
            {"campo":"placa","mensagem":"é obrigatório"},
            {"campo":"carro.modelo","mensagem":"é obrigatório"}
        ]
    }"#;
    golden(&error, json);
}

#[test]
fn the_gateway_reads_only_the_head_of_a_reply() {
    let json = br#"{"request_id":"r1","status":"erro","codigo":"posto_reservado","x":[{}]}"#;
    let head = ReplyHead::from_json(json).expect("a reply");
    assert_eq!((&*head.request_id, head.codigo), ("r1", Some(Codigo::PostoReservado)));
    let success = ReplyHead::from_json(br#"{"request_id":"r\u0031","postos":[]}"#);
    let success = success.expect("a reply");
    assert_eq!((&*success.request_id, success.codigo), ("r1", None));
    let last = ReplyHead::from_json(br#"{"postos":[{"id":1}],"request_id":"r1"}"#);
    assert_eq!(last.expect("a reply").request_id, "r1");
    // A long list is not read.
    let long = ReplyHead::from_json(br#"{"request_id":"r1","postos":[{"id":1},"#);
    assert_eq!(long.expect("a reply").request_id, "r1");
    for bad in [&b"{}"[..], br#"{"postos":[]}"#, br#"["r1"]"#, br#"{"request_id":"r1","x":[}"#] {
        ReplyHead::from_json(bad).expect_err("it answers no request");
    }
}

#[test]
fn server_presence() {
    let mut presence = ServerPresence {
        server_id: id("server1"),
        status: ServerState::Online,
        desde: time("2026-11-23T12:00:00Z"),
        versao: "0.1.0".to_owned(),
        entrega: vec![Entrega::Difusao, Entrega::Direta],
    };
    let json = r#"{
        "server_id":"server1","status":"online","desde":"2026-11-23T12:00:00.000Z",
        "versao":"0.1.0","entrega":["difusao","direta"]
    }"#;
    golden(&presence, json);
    presence.status = ServerState::Offline;
    golden(&presence, &json.replace("online", "offline"));
}

#[test]
fn a_presence_without_entrega_means_broadcasts_only() {
    let json = br#"{"server_id":"server1","status":"online","desde":"2026-11-23T12:00:00Z","versao":"0.1"}"#;
    let presence = serde_json::from_slice::<ServerPresence>(json).expect("a presence");
    assert_eq!(presence.entrega, [Entrega::Difusao]);
}

#[test]
fn ponto_status() {
    let status = PontoStatus {
        server_id: id("server1"),
        ponto_id: 5,
        disponivel: false,
        em_manutencao: true,
        timestamp: time("2026-11-23T12:00:00.5Z"),
    };
    let json = r#"{
        "server_id":"server1","ponto_id":5,"disponivel":false,"em_manutencao":true,
        "timestamp":"2026-11-23T12:00:00.500Z"
    }"#;
    golden(&status, json);
}

#[test]
fn reserva_event() {
    let event = ReservaEvent {
        server_id: id("server1"),
        reserva_id: 17,
        request_id: id("r1"),
        placa: "ABC1234".to_owned(),
        posto_id: 5,
        status: ReservaState::Encerrada,
        timestamp: time("2026-11-23T12:00:00Z"),
    };
    let json = r#"{
        "server_id":"server1","reserva_id":17,"request_id":"r1","placa":"ABC1234","posto_id":5,
        "status":"encerrada","timestamp":"2026-11-23T12:00:00.000Z"
    }"#;
    golden(&event, json);
}

#[test]
fn unknown_words_of_a_newer_servidor_are_tolerated() {
    let newer = br#"{"request_id":"r1","status":"erro","codigo":"posto_em_festa","mensagem":"x"}"#;
    let head = protocol::ReplyHead::from_json(newer).expect("a reply");
    assert_eq!(head.codigo, Some(protocol::Codigo::ErroInterno));
    let newer = br#"{"server_id":"s","status":"online","desde":"2026-01-01T00:00:00Z",
        "versao":"9","entrega":["pombo","direta"]}"#;
    let presence = serde_json::from_slice::<protocol::ServerPresence>(newer).expect("a presence");
    assert_eq!(presence.entrega, [protocol::Entrega::Direta]);
}
