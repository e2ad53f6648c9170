//! Replies and events of a servidor: written exactly, and read back.

use std::fmt::Debug;

use domain::{Aviso, Motivo, ReservaState};
use protocol::{
    Codigo, Entrega, ErrorReply, Estimativa, EstimativaReply, FieldError, ListingReply,
    PontoStatus, Posto, PostosReply, ReplyCodigo, ReplyHead, Reserva, ReservaClientEvent,
    ReservaEvent, ReservaReply, ReservaStatus, ServerPresence, ServerState, StatusReply,
    UnchangedReply, WrittenPostosReply,
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
    let mut reply =
        PostosReply { request_id: id("r1"), versao: None, proxima: None, postos: vec![posto] };
    golden(&reply, json);
    reply.postos.clear();
    golden(&reply, r#"{"request_id":"r1","postos":[]}"#);
    (reply.versao, reply.proxima) = (Some("5f3a-7".to_owned()), Some(5));
    golden(&reply, r#"{"request_id":"r1","versao":"5f3a-7","proxima":5,"postos":[]}"#);
}

#[test]
fn a_listing_of_written_postos_is_a_listing() {
    let mut reply = WrittenPostosReply {
        request_id: "r\"\\1",
        versao: Some("5f3a-7"),
        proxima: Some(5),
        postos: &[r#"{"id":4},{"id":5}"#],
    };
    let written = |reply: &WrittenPostosReply<'_>| {
        let json = String::from_utf8(reply.to_json().expect("JSON")).expect("text");
        let postos: usize = reply.postos.iter().map(|part| part.len() + 1).sum();
        let versao = reply.versao.unwrap_or_default();
        assert!(json.len() <= postos + WrittenPostosReply::overhead(reply.request_id, versao));
        json
    };
    let head = r#"{"request_id":"r\"\\1","versao":"5f3a-7""#;
    assert_eq!(
        written(&reply),
        format!(r#"{head},"proxima":5,"postos":[{{"id":4}},{{"id":5}}]}}"#)
    );
    reply.proxima = None;
    reply.postos = &[r#"{"id":4}"#, "", r#"{"id":9}"#];
    assert_eq!(written(&reply), format!(r#"{head},"postos":[{{"id":4}},{{"id":9}}]}}"#));
    reply.postos = &[];
    assert_eq!(written(&reply), format!(r#"{head},"postos":[]}}"#));
    reply.versao = None;
    let json = written(&reply);
    assert_eq!(json, r#"{"request_id":"r\"\\1","postos":[]}"#);
    let page = ListingReply::read_head(json.as_bytes()).expect("a page");
    assert_eq!((page.postos, page.proxima), (Some(&b""[..]), None));
}

#[test]
fn unchanged_reply() {
    let reply = serde_json::to_string(&UnchangedReply::new("r\"1", "5f3a-7")).expect("JSON");
    assert_eq!(reply, r#"{"request_id":"r\"1","inalterada":true,"versao":"5f3a-7"}"#);
    let read = ListingReply::read_head(reply.as_bytes()).expect("a reply");
    assert_eq!((read.inalterada, read.versao.as_deref()), (true, Some("5f3a-7")));
    assert_eq!(&reply[read.request_id], r#""r\"1""#);
}

/// However a listing is written, a gateway finds the same in it: `request_id` as text, `versao`,
/// `proxima`, `inalterada` and the postos.
#[test]
fn a_listing_is_read_in_any_order() {
    let list = Some(r#"{"id":4},{"id":5}"#);
    for (json, versao, proxima, inalterada, postos) in [
        (r#"{"request_id":"r","versao":"v","postos":[{"id":4},{"id":5}]}"#, "v", None, false, list),
        (
            r#"{"request_id":"r","versao":"v","proxima":5,"postos":[{"id":4},{"id":5}]}"#,
            "v",
            Some(5),
            false,
            list,
        ),
        (
            r#" { "request_id" : "r" , "versao" : "v" , "postos" : [ {"id":4},{"id":5} ] } "#,
            "v",
            None,
            false,
            list,
        ),
        (
            r#"{"request_id":"r","versao":"v","postos":[{"id":4},{"id":5}],"proxima":5}"#,
            "v",
            Some(5),
            false,
            list,
        ),
        (
            r#"{"postos":[{"id":4},{"id":5}],"proxima":5,"versao":"v","request_id":"r"}"#,
            "v",
            Some(5),
            false,
            list,
        ),
        (r#"{"request_id":"r","postos":[{"id":4},{"id":5}],"versao":"v"}"#, "v", None, false, list),
        (r#"{"request_id":"r","postos":[{"id":4},{"id":5}],"x":[1]}"#, "", None, false, list),
        (
            r#"{"request_id":"r","vers\u0061o":"\u0076","p\u006fstos":[{"id":4},{"id":5}]}"#,
            "v",
            None,
            false,
            list,
        ),
        (
            r#"{"request_id":"r","versao":7,"proxima":"5","inalterada":1,"postos":[]}"#,
            "",
            None,
            false,
            Some(""),
        ),
        (r#"{"request_id":"r","versao":null,"proxima":null,"postos":null}"#, "", None, false, None),
        (r#"{"request_id":"r","versao":"v","postos":5}"#, "v", None, false, None),
        (
            r#"{"request_id":"r","versao":"v","inalterada":true,"x":{"postos":[1]}}"#,
            "v",
            None,
            true,
            None,
        ),
    ] {
        for read in
            [ListingReply::read_head(json.as_bytes()), ListingReply::read_whole(json.as_bytes())]
        {
            let read = read.unwrap_or_else(|| panic!("{json}"));
            assert_eq!(&json[read.request_id], r#""r""#, "{json}");
            assert_eq!(read.versao.as_deref().unwrap_or_default(), versao, "{json}");
            assert_eq!((read.proxima, read.inalterada), (proxima, inalterada), "{json}");
            let text = read.postos.map(|postos| std::str::from_utf8(postos).expect("text"));
            assert_eq!(text, postos, "{json}");
        }
    }
    for json in ["", "[]", "7", "{}", r#"{"versao":"v","postos":[]}"#, r#"{"request_id":"r""#] {
        assert!(ListingReply::read_head(json.as_bytes()).is_none(), "{json}");
    }
    // Only what is read wholly is known to be a list and nothing else.
    let unknown = br#"{"request_id":"r","versao":"v","postos":[1],"x":[2]}"#;
    let whole = ListingReply::read_whole(unknown).expect("a listing");
    assert_eq!(whole.postos, Some(&b"1"[..]));
    assert!(ListingReply::read_whole(br#"{"request_id":"r","versao":"v","postos":[}]}"#).is_none());
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
fn server_presence() {
    let mut presence = ServerPresence {
        server_id: id("server1"),
        status: ServerState::Online,
        desde: time("2026-11-23T12:00:00Z"),
        versao: "0.1.0".to_owned(),
        entrega: vec![Entrega::Difusao, Entrega::Direta, Entrega::ListasEmDifusao],
    };
    let json = r#"{
        "server_id":"server1","status":"online","desde":"2026-11-23T12:00:00.000Z",
        "versao":"0.1.0","entrega":["difusao","direta","listas_em_difusao"]
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
fn a_presence_is_short() {
    let presence = |versao: &str, entrega: &str| {
        let json = format!(
            r#"{{"server_id":"s1","status":"online","desde":"2026-11-23T12:00:00Z","versao":"{versao}",
            "entrega":[{entrega}"direta"]}}"#
        );
        serde_json::from_str::<ServerPresence>(&json)
    };
    let repeated = presence(&"é".repeat(120), &r#""direta","#.repeat(1000));
    assert_eq!(repeated.expect("a presence").entrega, [Entrega::Direta]);
    presence(&"é".repeat(121), "").expect_err("the version is too long");
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
        posto_id: 5,
        status: ReservaStatus::Encerrada,
        timestamp: time("2026-11-23T12:00:00Z"),
    };
    let json = r#"{
        "server_id":"server1","reserva_id":17,"posto_id":5,"status":"encerrada",
        "timestamp":"2026-11-23T12:00:00.000Z"
    }"#;
    golden(&event, json);
}

#[test]
fn reserva_client_event() {
    let mut event = ReservaClientEvent {
        server_id: id("server1"),
        request_id: id("r1"),
        reserva: Reserva {
            id: 17,
            posto_id: 5,
            placa: "ABC1234".to_owned(),
            inicio: time("2026-11-23T12:00:00Z"),
            fim: time("2026-11-24T12:00:00Z"),
            status: ReservaStatus::Cancelada,
            desde: time("2026-11-23T13:00:00Z"),
            motivo: None,
            livre_desde: Some(time("2026-11-23T12:30:00Z")),
            tolerancia_min: None,
            preco_kwh: 2.5,
            versao: 3,
            aviso: None,
        },
        timestamp: time("2026-11-23T13:00:00Z"),
    };
    for (motivo, aviso) in [
        (Motivo::Pedido, Aviso::PostoOcupado),
        (Motivo::Operador, Aviso::PostoLivre),
        (Motivo::Manutencao, Aviso::PostoLivre),
        (Motivo::PostoRemovido, Aviso::PostoLivre),
        (Motivo::Ausencia, Aviso::PostoLivre),
    ] {
        event.reserva.motivo = Some(motivo.into());
        event.reserva.aviso = Some(aviso.into());
        let json = r#"{
            "server_id":"server1","request_id":"r1","id":17,"posto_id":5,"placa":"ABC1234",
            "inicio":"2026-11-23T12:00:00.000Z","fim":"2026-11-24T12:00:00.000Z","status":"cancelada",
            "desde":"2026-11-23T13:00:00.000Z","motivo":"MOTIVO",
            "livre_desde":"2026-11-23T12:30:00.000Z","preco_kwh":2.5,"versao":3,"aviso":"AVISO",
            "timestamp":"2026-11-23T13:00:00.000Z"
        }"#;
        golden(&event, &json.replace("MOTIVO", motivo.as_str()).replace("AVISO", aviso.as_str()));
    }
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
