//! The audit: what is recorded of each change, and how it is read.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use domain::{
    ChargerMessage, Correction, Disposition, Kwh, Moment, PostoChange, Price, ReportedSession,
};
use server::store::{
    AuditQuery, AuditRow, Audited, Author, CancelReserva, CancelTarget, ChangePosto,
    CorrectCarregamento, CreatePosto, FinishCarregamento, ForgetCharger, ImportPostos,
    RecordChargerMessage, RemovePosto, ReportCarregamento, SetService, StartCarregamento,
    WriteCommand, WriteError,
};

use crate::support::{START, TestStore, charger, energy, placa, posto, removal, set_now, soon};

/// Commands that are part of the commands of drivers and carros, or change nothing that anybody
/// decides: they are written into no audit.
const UNAUDITED: [&str; 6] =
    ["Reserve", "ChangeReserva", "RecordTelemetry", "Sweep", "ArchiveEnded", "VacuumIfDue"];

const MESSAGE: ChargerMessage =
    ChargerMessage { disponivel: false, em_manutencao: None, retained: None, replayed: false };

fn ana() -> Author {
    Author::Caller("ana".to_owned())
}

impl TestStore {
    /// Carries a command out for Ana; what the audit then has more, oldest first.
    pub(super) async fn audited<C: WriteCommand>(
        &self,
        command: C,
    ) -> (Result<C::Output, WriteError>, Vec<String>) {
        let before = self.audit(AuditQuery::default()).await.len();
        let outcome = self.store.execute(Audited { by: ana(), command }).await;
        let mut rows = self.audit(AuditQuery::default()).await;
        rows.truncate(rows.len() - before);
        rows.reverse();
        assert!(rows.iter().all(|row| row.quem == "ana" && row.quando == START));
        (outcome, rows.iter().map(shown).collect())
    }

    async fn audit(&self, query: AuditQuery) -> Vec<AuditRow> {
        let query = AuditQuery { limit: 1000, ..query };
        self.store.audit(&query).await.expect("the audit")
    }
}

fn shown(row: &AuditRow) -> String {
    let json = |json: &Option<String>| json.clone().unwrap_or("-".to_owned());
    format!("{} {} {} {}", row.acao, row.alvo, json(&row.antes), json(&row.depois))
}

fn price(price: f64) -> PostoChange {
    PostoChange { preco_kwh: Some(Price::new(price).expect("a price")), ..PostoChange::default() }
}

#[tokio::test]
async fn every_change_is_recorded_with_what_it_was_and_became() {
    let store = TestStore::new(3).await;
    assert!(store.audit(AuditQuery::default()).await.is_empty(), "nobody was named");
    let ponto = |nome: &str| {
        format!(
            r#"{{"nome":"{nome}","localizacao":"-23.5540,-46.6370","potencia_maxima":22.0,"tipo_conector":"CCS","preco_kwh":2.5,"disponivel":true,"em_manutencao":false}}"#
        )
    };
    let (_, rows) = store.audited(CreatePosto(posto("Ponto 4"))).await;
    assert_eq!(rows, [format!("criar posto/4 - {}", ponto("Ponto 4"))]);
    let (_, rows) = store.audited(ChangePosto { posto_id: 4, change: price(3.0) }).await;
    assert_eq!(rows, [r#"alterar posto/4 {"preco_kwh":2.5} {"preco_kwh":3.0}"#]);
    let (_, rows) = store.audited(ChangePosto { posto_id: 4, change: price(3.0) }).await;
    assert!(rows.is_empty(), "nothing changed");
    let import = ImportPostos {
        new: vec![(Some(9), posto("Ponto 9"))],
        changed: vec![(1, price(4.0)), (2, price(2.5))],
        silent: false,
    };
    let (_, rows) = store.audited(import).await;
    let changed = r#"importar posto/1 {"preco_kwh":2.5} {"preco_kwh":4.0}"#.to_owned();
    assert_eq!(rows, [format!("importar posto/9 - {}", ponto("Ponto 9")), changed]);
    let undone = ImportPostos {
        changed: vec![(1, price(5.0)), (77, price(5.0))],
        ..ImportPostos::default()
    };
    let (outcome, rows) = store.audited(undone).await;
    assert_eq!((outcome, rows.len()), (Ok(false), 0), "what is undone is not recorded");
    let (_, rows) = store.audited(removal(9)).await;
    assert_eq!(rows, [format!("remover posto/9 {} -", ponto("Ponto 9"))]);

    let report = RecordChargerMessage { source: charger(3), message: MESSAGE };
    let (_, rows) = store.audited(report).await;
    assert_eq!(
        rows,
        [r#"informar posto/3/carregador {} {"disponivel":false,"em_manutencao":false}"#]
    );
    let (_, rows) = store.audited(report).await;
    assert!(rows.is_empty(), "it said the same again");
    let (_, rows) = store.audited(ForgetCharger { posto_id: 3 }).await;
    assert_eq!(
        rows,
        [r#"esquecer posto/3/carregador {"disponivel":false,"em_manutencao":false} -"#]
    );
    let (_, rows) = store.audited(ForgetCharger { posto_id: 3 }).await;
    assert!(rows.is_empty(), "there was nothing to forget");

    let reserved = store.reserve("r1", "ABC1234", 1).await.expect("it is free");
    let cancel = CancelReserva { target: CancelTarget::Id(reserved.reserva.id), deadline: soon() };
    let (_, rows) = store.audited(cancel.clone()).await;
    assert_eq!(rows, [r#"cancelar reserva/1 {"status":"ativa"} {"status":"cancelada"}"#]);
    let (_, rows) = store.audited(cancel).await;
    assert!(rows.is_empty(), "it was cancelled before");
    let start = StartCarregamento { posto_id: 2, placa: placa("ABC1234") };
    let (_, rows) = store.audited(start.clone()).await;
    assert_eq!(rows, [r#"iniciar carregamento/1 - {"posto_id":2}"#]);
    assert!(store.audited(start).await.1.is_empty(), "it charges already");
    let finish = FinishCarregamento { posto_id: 2, id: 1, energy: energy(10.0), fim: None };
    let (_, rows) = store.audited(finish.clone()).await;
    assert_eq!(
        rows,
        [
            r#"encerrar carregamento/1 {"energia_fornecida":null,"custo":null} {"energia_fornecida":10.0,"custo":25.0}"#
        ]
    );
    assert!(store.audited(finish).await.1.is_empty(), "it has ended");
    let (outcome, rows) = store.audited(removal(77)).await;
    assert!(outcome.is_err() && rows.is_empty(), "what is refused changes nothing");
    let all = store.audit(AuditQuery::default()).await;
    assert!(!all.iter().any(|row| shown(row).contains("ABC1234")), "the audit names no placa");
}

#[tokio::test]
async fn what_maintenance_does_with_reservas_is_recorded() {
    let store = TestStore::new(2).await;
    store.reserve("r1", "ABC1234", 1).await.expect("it is free");
    let service = |in_service, disposition| SetService {
        posto_id: 1,
        in_service,
        em_manutencao: None,
        disposition,
        until: None,
        simulate: false,
    };
    let simulated = SetService { simulate: true, ..service(false, Disposition::Move) };
    assert!(store.audited(simulated).await.1.is_empty(), "nothing changed");
    let off = r#"alterar posto/1 {"disponivel":true} {"disponivel":false}"#.to_owned();
    let (_, rows) = store.audited(service(false, Disposition::Keep)).await;
    assert_eq!(rows, [off], "what is kept does not change");
    let (_, rows) = store.audited(service(false, Disposition::Move)).await;
    assert_eq!(rows, [r#"mover reserva/1 {"posto_id":1} {"posto_id":2}"#]);
    let on = r#"alterar posto/1 {"disponivel":false} {"disponivel":true}"#.to_owned();
    assert_eq!(store.audited(service(true, Disposition::Keep)).await.1, [on]);
    let removal = RemovePosto { disposition: Disposition::Move, ..removal(2) };
    let (_, rows) = store.audited(removal).await;
    assert_eq!(rows[0], r#"mover reserva/1 {"posto_id":2} {"posto_id":1}"#);
    assert!(rows[1].starts_with("remover posto/2 "), "{rows:?}");
    let (_, rows) = store.audited(service(false, Disposition::Cancel)).await;
    let cancelled =
        r#"cancelar reserva/1 {"status":"ativa"} {"status":"cancelada","motivo":"manutencao"}"#;
    assert_eq!(rows[1], cancelled);
}

#[tokio::test]
async fn sessions_are_recorded_with_what_they_do_to_reservas() {
    let at = |millis| Moment::from_millis(START + millis);
    set_now(START - 1000);
    let store = TestStore::new(3).await;
    store.reserve("r1", "XYZ9876", 3).await.expect("it is free");
    set_now(START);
    let start = StartCarregamento { posto_id: 3, placa: placa("XYZ9876") };
    let (_, rows) = store.audited(start).await;
    assert_eq!(
        rows,
        [
            r#"iniciar carregamento/1 - {"posto_id":3,"reserva_id":1}"#,
            r#"alterar reserva/1 {"status":"ativa"} {"status":"cumprida"}"#
        ]
    );
    let finish = |fim| FinishCarregamento { posto_id: 3, id: 1, energy: energy(1.0), fim };
    let (_, rows) = store.audited(finish(Some(at(0)))).await;
    assert_eq!(
        rows,
        [
            r#"encerrar carregamento/1 {"energia_fornecida":null,"custo":null} {"energia_fornecida":1.0,"custo":2.5,"fim":"2026-01-01T00:00:00.000Z"}"#,
            r#"alterar reserva/1 {"livre_desde":null} {"livre_desde":"2026-01-01T00:00:00.000Z"}"#
        ]
    );
    let report = |posto_id, inicio, ended: Option<i64>| {
        let ended = ended.map(|fim| (at(fim), energy(0.5)));
        let session = ReportedSession { inicio: at(inicio), ended };
        ReportCarregamento { posto_id, placa: placa("QQQ0A00"), session }
    };
    let (_, rows) = store.audited(report(1, -700, Some(-600))).await;
    assert_eq!(
        rows,
        [
            r#"iniciar carregamento/2 - {"posto_id":1,"inicio":"2025-12-31T23:59:59.300Z","fim":"2025-12-31T23:59:59.400Z","energia_fornecida":0.5,"custo":1.25}"#
        ]
    );
    assert!(
        store.audited(report(1, -700, Some(-600))).await.1.is_empty(),
        "it was reported before"
    );
    let (_, rows) = store.audited(report(3, -500, None)).await;
    assert!(rows.is_empty(), "it is refused: another session began then: {rows:?}");
    let (_, rows) = store.audited(report(3, -500, Some(-400))).await;
    assert_eq!(
        rows,
        [
            r#"iniciar carregamento/3 - {"posto_id":3,"inicio":"2025-12-31T23:59:59.500Z","fim":"2025-12-31T23:59:59.600Z","energia_fornecida":0.5,"custo":1.25,"conflitos":[1]}"#
        ]
    );
    let correction = Correction {
        fim: Some(at(-450)),
        energia_fornecida: Kwh::new(2.0).ok(),
        confirmado: true,
        inicio: None,
    };
    let correct = CorrectCarregamento { id: 3, correction };
    let (_, rows) = store.audited(correct.clone()).await;
    assert_eq!(
        rows,
        [
            r#"alterar carregamento/3 {"fim":"2025-12-31T23:59:59.600Z","energia_fornecida":0.5,"custo":1.25} {"fim":"2025-12-31T23:59:59.550Z","energia_fornecida":2.0,"custo":5.0}"#
        ]
    );
    assert!(store.audited(correct).await.1.is_empty(), "it is so already");
    let all = store.audit(AuditQuery::default()).await;
    assert!(!all.iter().any(|row| shown(row).contains("XYZ9876")), "the audit names no placa");
}

#[tokio::test]
async fn the_audit_is_filtered_and_paged() {
    let store = TestStore::new(4).await;
    for (hour, (quem, posto_id)) in (0..).zip([("ana", 1), ("bia", 2), ("ana", 2), ("bia", 3)]) {
        set_now(START + hour * 1000);
        let command = ChangePosto { posto_id, change: price(10.0 + hour as f64) };
        let by = Author::Caller(quem.to_owned());
        store.store.execute(Audited { by, command }).await.expect("a change");
    }
    let ids = async |query: AuditQuery| {
        store.audit(query).await.iter().map(|row| row.id).collect::<Vec<_>>()
    };
    let at = |millis| Some(domain::Moment::from_millis(START + millis));
    let all = AuditQuery::default;
    assert_eq!(ids(all()).await, [4, 3, 2, 1]);
    assert_eq!(ids(AuditQuery { quem: Some("ana".to_owned()), ..all() }).await, [3, 1]);
    assert_eq!(ids(AuditQuery { alvo: Some("posto/2".to_owned()), ..all() }).await, [3, 2]);
    assert_eq!(ids(AuditQuery { acao: Some("remover".to_owned()), ..all() }).await, [0; 0]);
    assert_eq!(ids(AuditQuery { from: at(1000), until: at(3000), ..all() }).await, [3, 2]);
    assert_eq!(ids(AuditQuery { before: Some(3), ..all() }).await, [2, 1]);
}

/// The sources in a folder and in its folders, without tests.
fn sources(folder: &Path) -> Vec<PathBuf> {
    let paths =
        fs::read_dir(folder).expect("the sources").map(|entry| entry.expect("a file").path());
    let (folders, files): (Vec<_>, Vec<_>) = paths
        .filter(|path| path.file_stem().is_some_and(|name| name != "tests"))
        .partition(|path| path.is_dir());
    folders.iter().flat_map(|folder| sources(folder)).chain(files).collect()
}

/// A new command is tested above, or listed as one that needs no audit.
#[test]
fn every_write_command_is_audited_or_needs_none() {
    let mut commands = BTreeSet::new();
    for file in sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src/store/writer")) {
        let text = fs::read_to_string(file).expect("a source");
        let names = text.split("impl WriteCommand for ").skip(1);
        commands.extend(
            names
                .filter_map(|rest| rest.split(|c: char| !c.is_alphanumeric()).next())
                .map(str::to_owned),
        );
    }
    assert!(commands.len() > 15, "{commands:?}");
    let tests = ["audit.rs", "forgetting.rs", "tokens.rs"].map(|name| {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/store").join(name);
        fs::read_to_string(path).unwrap_or_default()
    });
    for command in commands {
        // Besides its import.
        let uses = tests.iter().flat_map(|test| test.split(|c: char| !c.is_alphanumeric()));
        let is_tested = uses.filter(|word| *word == command).count() > 1;
        assert!(
            UNAUDITED.contains(&command.as_str()) || is_tested,
            "{command} is neither audited nor listed as needing no audit"
        );
    }
}
