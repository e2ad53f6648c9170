//! What a servidor publishes without being asked: its presence, and events.

use domain::{Aviso, Motivo};
use protocol::{
    Entrega, PontoStatus, Reserva, ReservaClientEvent, ReservaEvent, ReservaStatus, ServerPresence,
    ServerState,
};

use crate::support::{golden, id, time};

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
