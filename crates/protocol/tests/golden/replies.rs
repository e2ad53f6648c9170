//! Replies of a servidor: written exactly, and read back.

use domain::ReservaState;
use protocol::{
    Codigo, Entrega, ErrorReply, Estimativa, EstimativaReply, FieldError, ReplyCodigo, ReplyHead,
    Reserva, ReservaReply, ReservaStatus, ServerPresence, ServerState, StatusReply,
};

use crate::support::{golden, id, time};

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
            status: ReservaStatus::Ativa,
            desde: time("2026-11-23T11:59:00Z"),
            motivo: None,
            livre_desde: None,
            tolerancia_min: Some(15),
            preco_kwh: 2.5,
            versao: 1,
            aviso: None,
        },
        estimativa: Some(Estimativa {
            energia_kwh: 22.2,
            minutos: Some(61),
            custo: 55.5,
            preco_kwh: 2.5,
            autonomia_km: 117.4,
        }),
    };
    for (status, word) in [
        (ReservaState::Ativa, "ativa"),
        (ReservaState::Cumprida, "cumprida"),
        (ReservaState::Encerrada, "encerrada"),
        (ReservaState::NaoCompareceu, "nao_compareceu"),
        (ReservaState::Cancelada, "cancelada"),
    ] {
        reply.reserva.status = status.into();
        let json = r#"{
            "request_id":"r1","status":"sucesso","mensagem":"O posto Ponto 5 foi reservado.",
            "reserva":{
                "id":17,"posto_id":5,"placa":"ABC1234","inicio":"2026-11-23T12:00:00.000Z",
                "fim":"2026-11-24T12:00:00.000Z","status":"STATUS","desde":"2026-11-23T11:59:00.000Z",
                "tolerancia_min":15,"preco_kwh":2.5,"versao":1
            },
            "estimativa":{
                "energia_kwh":22.2,"minutos":61,"custo":55.5,"preco_kwh":2.5,"autonomia_km":117.4
            }
        }"#;
        golden(&reply, &json.replace("STATUS", word));
    }
    let estimativa = reply.estimativa.take().expect("an estimate");
    let estimated = EstimativaReply {
        request_id: id("r2"),
        status: StatusReply::Sucesso,
        mensagem: "O posto Ponto 5 está livre.".to_owned(),
        estimativa: estimativa.clone(),
        disponivel_no_periodo: true,
    };
    let json = r#"{
        "request_id":"r2","status":"sucesso","mensagem":"O posto Ponto 5 está livre.",
        "estimativa":{
            "energia_kwh":22.2,"minutos":61,"custo":55.5,"preco_kwh":2.5,"autonomia_km":117.4
        },
        "disponivel_no_periodo":true
    }"#;
    golden(&estimated, json);
    golden(
        &Estimativa { minutos: None, ..estimativa },
        r#"{"energia_kwh":22.2,"minutos":null,"custo":55.5,"preco_kwh":2.5,"autonomia_km":117.4}"#,
    );
    let json = serde_json::to_value(&reply).expect("JSON");
    assert_eq!(json.get("estimativa"), None);
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
    let codigo = Some(ReplyCodigo::Known(Codigo::PostoReservado));
    assert_eq!((&*head.request_id, head.codigo), ("r1", codigo));
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
fn replies_are_passed_on_in_utf_8_only() {
    let latin = b"{\"request_id\":\"r1\",\"postos\":[{\"nome\":\"Esta\xe7\xe3o\"}]}";
    let array = [&b"["[..], latin, b"]"].concat();
    for (payload, byte) in [(&latin[..], 42), (&array, 43)] {
        let bad = protocol::split_replies(payload).expect_err("it is Latin-1").to_string();
        assert!(bad.contains(&format!("não é UTF-8 a partir do byte {byte}.")), "{bad}");
    }
    let array = "[{\"request_id\":\"é\"},{}]".as_bytes();
    assert_eq!(protocol::split_replies(array).expect("two").len(), 2);
}

#[test]
fn unknown_words_of_a_newer_servidor_are_tolerated() {
    for (json, codigo) in [
        (r#""status":"erro","codigo":"posto_em_festa","mensagem":"x""#, Some(ReplyCodigo::Unknown)),
        (r#""codigo":{"n":[5]},"status":"recusada""#, Some(ReplyCodigo::Unknown)),
        (r#""status":"erro","codigo":null"#, Some(ReplyCodigo::Unknown)),
        (r#""status":"erro""#, Some(ReplyCodigo::Unknown)),
        (r#""codigo":"posto_reservad\u006f""#, Some(ReplyCodigo::Known(Codigo::PostoReservado))),
        (r#""status":"sucesso","codigo":null"#, None),
        (r#""status":"em_fila","reserva":{"status":"na_fila"},"novo":[1e400]"#, None),
        (r#""status":{"novo":1}"#, None),
    ] {
        let json = format!(r#"{{"request_id":"r1",{json}}}"#);
        let head = ReplyHead::from_json(json.as_bytes()).expect("a reply");
        assert_eq!(head.codigo, codigo, "{json}");
    }
    assert_eq!(ReplyCodigo::Unknown.http_status(), 409);
    for (status, entrega, state, known) in [
        (
            r#""online""#,
            r#"["pombo",{"n":1},5,"direta"]"#,
            ServerState::Online,
            vec![Entrega::Direta],
        ),
        (r#""online""#, r#"null"#, ServerState::Online, vec![Entrega::Difusao]),
        (r#""encerrando""#, r#"[]"#, ServerState::Offline, vec![]),
    ] {
        let newer = format!(
            r#"{{"server_id":"s","status":{status},"desde":"2026-01-01T00:00:00Z","versao":"9",
                "entrega":{entrega},"listas":{{"max":5}}}}"#
        );
        let presence = serde_json::from_str::<ServerPresence>(&newer).expect("a presence");
        assert_eq!((presence.status, presence.entrega), (state, known), "{newer}");
    }
}
