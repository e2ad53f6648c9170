//! Forgetting carros: in every table, and in every byte of the files.

use domain::{Moment, Rejection, Rules};
use server::store::{
    AuditQuery, Audited, Author, CarregamentosQuery, FinishCarregamento, ForgetCarro, ForgetEnded,
    ForgettableRows, ForgettingRun, Forgotten, ReservasQuery, StartCarregamento, VacuumIfDue,
    WriteError,
};

use crate::store::archive::archive;
use crate::support::{HOUR, START, TestStore, energy, now, placa, reservation, set_now};

pub(crate) const NO_LIMIT: fn() -> Rules = || Rules { por_carro: 0, ..Rules::default() };

impl TestStore {
    async fn forget(&self, plate: &str) -> Result<Forgotten, WriteError> {
        let placa = placa(plate);
        let refusals = self.store.refusals_of(&placa).await.expect("a read");
        let command = ForgetCarro { placa, refusals };
        let by = Author::Caller("ana".to_owned());
        self.store.execute(Audited { by, command }).await
    }

    pub(crate) async fn charge(&self, plate: &str, posto_id: i64) {
        let start = StartCarregamento { posto_id, placa: placa(plate) };
        let id = self.store.execute(start).await.expect("it is free");
        let finish = FinishCarregamento { posto_id, id, energy: energy(1.0), fim: None };
        self.store.execute(finish).await.expect("it ends");
    }

    /// Which files of the database hold these bytes.
    pub(crate) fn files_with(&self, text: &str) -> Vec<String> {
        let folder = self.path().parent().expect("a folder").to_owned();
        let files =
            std::fs::read_dir(folder).expect("the folder").map(|file| file.expect("a file"));
        let holding = files.filter(|file| {
            let bytes = std::fs::read(file.path()).expect("a file");
            bytes.windows(text.len()).any(|window| window == text.as_bytes())
        });
        holding.map(|file| file.file_name().display().to_string()).collect()
    }

    pub(crate) async fn vacuumed(&self) {
        // One more command: when it is answered, the writer has done what came before.
        for _ in 0..100 {
            self.store.execute(VacuumIfDue).await.expect("a write");
            if !self.store.vacuum_is_due().await.expect("a read") {
                return;
            }
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
        panic!("the file was not written anew");
    }
}

#[tokio::test]
async fn a_forgotten_carro_is_in_no_table_and_in_no_byte() {
    let store = TestStore::new(4).await;
    let many = (0..300).map(|n| (format!("other-{n}"), format!("OTH{n:04}")));
    for (request_id, plate) in many {
        let _ = store.reserve_at(&request_id, &plate, (100, 101)).await;
    }
    let made = store.reserve("r-ABC1234", "ABC1234", 2).await.expect("it is free");
    let refused = store.reserve("refused-ABC1234", "ABC1234", 2).await;
    assert!(refused.is_err(), "it holds it already");
    assert_eq!(
        store.forget("ABC1234").await,
        Err(Rejection::CarroEmUso { placa: placa("ABC1234") }.into())
    );
    store.cancel("r-ABC1234").await.expect("it is cancelled");
    // As a change of it leaves it.
    let file = rusqlite::Connection::open(store.path()).expect("the file");
    let changed = "UPDATE reservas SET fim = fim + 1 WHERE request_id = 'r-ABC1234';
        INSERT INTO alteracoes (request_id, fingerprint, app, reserva_id, decided_at, answer)
        SELECT 'change-ABC1234', zeroblob(16), 'app1', id, 0, '{\"placa\":\"ABC1234\"}'
        FROM reservas WHERE request_id = 'r-ABC1234'";
    file.execute_batch(changed).expect("a change");
    drop(file);
    let start = StartCarregamento { posto_id: 3, placa: placa("ABC1234") };
    let id = store.store.execute(start).await.expect("it is free");
    assert!(store.forget("ABC1234").await.is_err(), "it charges");
    let finish = FinishCarregamento { posto_id: 3, id, energy: energy(7.0), fim: None };
    store.store.execute(finish).await.expect("it ends");
    assert!(!store.files_with("ABC1234").is_empty(), "else this shows nothing");

    let forgotten = store.forget("ABC1234").await.expect("it holds nothing");
    assert_eq!(forgotten, Forgotten { reservas: 1, carregamentos: 1, refusals: 1, carros: 1 });
    store.vacuumed().await;
    assert_eq!(store.files_with("ABC1234"), Vec::<String>::new());
    assert!(!store.files_with("OTH0000").is_empty(), "others are not forgotten");

    let file = rusqlite::Connection::open(store.path()).expect("the file");
    let left =
        "SELECT (SELECT count(*) FROM alteracoes), (SELECT count(*) FROM forgotten_requests),
                       (SELECT count(*) FROM reservas WHERE placa IS NULL
                        AND COALESCE(estimativa, first_answer, chegou_em) IS NOT NULL)";
    let left = file.query_row(left, [], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)));
    assert_eq!(left, Ok((0, 3, 0)), "of the change only a digest is left");

    for request_id in ["r-ABC1234", "refused-ABC1234"] {
        let unknown: WriteError = Rejection::ReservaInexistente {
            reserva: request_id.to_owned(),
            server_id: "server1".to_owned(),
        }
        .into();
        let repeated = store.reserve(request_id, "ABC1234", 2).await;
        assert_eq!(repeated.expect_err("no new reserva"), unknown);
        let asked = store.store.request_outcome(request_id, None, now()).await.expect("a read");
        assert!(asked.expect("it is known as forgotten").decision.is_err());
        assert_eq!(store.cancel(request_id).await.expect_err("unknown"), unknown);
    }
    let query = ReservasQuery { posto_id: Some(2), limit: 10, ..ReservasQuery::default() };
    let listed = store.store.reservas(&query, now()).await.expect("a list");
    assert_eq!(listed.len(), 1);
    assert_eq!(
        (listed[0].id, &listed[0].placa, &listed[0].request_id),
        (made.reserva.id, &None, &None)
    );
    let query = CarregamentosQuery { limit: 10, ..CarregamentosQuery::default() };
    let sessions = store.store.carregamentos(&query, now()).await.expect("a list");
    assert_eq!((sessions.len(), &sessions[0].placa), (1, &None));
    let unknown = store.forget("ABC1234").await.expect_err("nothing is left");
    assert!(matches!(unknown, WriteError::Rejected(Rejection::CarroInexistente { .. })));
    let audit = store.store.audit(&AuditQuery { limit: 10, ..AuditQuery::default() }).await;
    let audit = audit.expect("the audit");
    assert_eq!(
        (audit.len(), audit[0].acao.as_str(), audit[0].alvo.as_str()),
        (1, "esquecer", "carros")
    );
    assert!(
        store.reserve("new", "ABC1234", 2).await.expect("it may come back").reserva.id
            > made.reserva.id
    );
}

#[tokio::test]
async fn a_reader_that_does_not_end_has_the_file_written_anew_only_once() {
    let store = TestStore::with_rules(1, NO_LIMIT()).await;
    for hour in 0..300 {
        store.reserve_at(&format!("r{hour}"), "OTH0000", (hour, hour + 1)).await.expect("free");
    }
    store.reserve_at("r-ABC1234", "ABC1234", (300, 301)).await.expect("free");
    store.cancel("r-ABC1234").await.expect("it is cancelled");
    let wal = || std::fs::metadata(format!("{}-wal", store.path().display())).expect("a WAL").len();
    let mut reader = rusqlite::Connection::open(store.path()).expect("another program");
    let reading = reader.transaction().expect("a transaction");
    let count = "SELECT count(*) FROM reservas";
    let count = |reading: &rusqlite::Connection| reading.query_row(count, [], |row| row.get(0));
    assert_eq!(count(&reading), Ok(301));
    store.forget("ABC1234").await.expect("it holds nothing");
    store.store.execute(VacuumIfDue).await.expect("a write");
    store.store.execute(VacuumIfDue).await.expect("a write");
    let after_one = wal();
    assert!(after_one > 100_000, "else this shows nothing: {after_one}");
    for _ in 0..6 {
        tokio::time::sleep(std::time::Duration::from_secs(1)).await;
        store.store.execute(VacuumIfDue).await.expect("a write");
        assert!(store.store.vacuum_is_due().await.expect("a read"), "the reader holds old pages");
    }
    assert!(wal() < after_one + 50_000, "it was written again: {after_one} {}", wal());
    assert_eq!(count(&reading), Ok(301), "the reader goes on");
    drop(reading);
    store.vacuumed().await;
    assert_eq!(store.files_with("ABC1234"), Vec::<String>::new());
}

#[tokio::test]
async fn what_is_archived_is_forgotten_in_every_byte() {
    let store = TestStore::with_rules(3, NO_LIMIT()).await;
    for (posto_id, plate, hours) in
        [(1, "ABC1234", (0, 2)), (2, "OLD0001", (0, 2)), (3, "KEP0001", (3, 4))]
    {
        let request_id = format!("r-{plate}");
        let reserve = reservation(&request_id, plate, posto_id, Some(hours));
        store.store.execute(reserve).await.expect("free");
        store.charge(plate, posto_id).await;
        let file = rusqlite::Connection::open(store.path()).expect("the file");
        let changed = "INSERT INTO alteracoes
                (request_id, fingerprint, app, reserva_id, decided_at, answer)
            SELECT 'change-' || placa, zeroblob(16), 'app1', id, 0, '{\"rejection\":\"' || placa || '\"}'
            FROM reservas WHERE placa = ?1";
        file.execute(changed, [plate]).expect("a change");
    }
    set_now(START + 5 * HOUR);
    store.store.sweep().await.expect("a sweep");
    assert_eq!(archive(&store, std::time::Duration::ZERO).await, 6);

    let forgotten = store.forget("ABC1234").await.expect("it holds nothing");
    assert_eq!(forgotten, Forgotten { reservas: 1, carregamentos: 1, refusals: 0, carros: 1 });
    let cutoff = Moment::from_millis(START + 5 * HOUR / 2);
    let (mut ended, mut run) = (ForgettableRows::default(), ForgettingRun::default());
    loop {
        ended = store.store.ended(cutoff, &ended).await.expect("a read");
        if ended.is_empty() {
            break;
        }
        let command = ForgetEnded { cutoff, ended: ended.clone(), run };
        run = store.store.execute(command).await.expect("a write");
    }
    // One that has a newer reserva is still known.
    let forgotten = Forgotten { reservas: 1, carregamentos: 2, refusals: 0, carros: 1 };
    assert_eq!(run.forgotten, forgotten);
    store.vacuumed().await;
    for plate in ["ABC1234", "OLD0001"] {
        assert_eq!(store.files_with(plate), Vec::<String>::new());
        for request_id in [format!("r-{plate}"), format!("change-{plate}")] {
            let repeated = store.reserve(&request_id, plate, 1).await;
            let unknown = Rejection::ReservaInexistente {
                reserva: request_id.clone(),
                server_id: "server1".to_owned(),
            };
            assert_eq!(repeated, Err(unknown.into()), "it makes no new reserva");
        }
    }
    assert!(!store.files_with("KEP0001").is_empty(), "others are not forgotten");
    let query = ReservasQuery { limit: 10, ..ReservasQuery::default() };
    let left = store.store.reservas(&query, now()).await.expect("a list");
    let left: Vec<_> = left.iter().map(|row| row.placa.as_deref()).collect();
    assert_eq!(left, [Some("KEP0001"), None, None], "when their postos were held is still known");
}

#[tokio::test]
async fn a_reserva_of_an_app_is_of_nobody_else() {
    let store = TestStore::new(1).await;
    let of = |app: Option<&str>| {
        let mut command = reservation("r1", "ABC1234", 1, None);
        command.key.app = app.map(str::to_owned);
        command
    };
    store.store.execute(of(Some("app1"))).await.expect("it is free");
    store.store.execute(of(Some("app1"))).await.expect("the first answer again");
    for other in [None, Some("app2")] {
        let repeated = store.store.execute(of(other)).await;
        assert_eq!(repeated, Err(Rejection::ChaveReutilizada.into()), "{other:?}");
        let found = store.store.request_outcome("r1", other, now()).await.expect("a read");
        assert!(found.is_none(), "{other:?}");
    }
    let unknown = store.cancel("r1").await.expect_err("of another app");
    let never = store.cancel("r0").await.expect_err("there is none");
    assert_eq!(unknown.to_string().replace("reserva r1", "reserva r0"), never.to_string());
    let found = store.store.request_outcome("r1", Some("app1"), now()).await.expect("a read");
    assert!(found.is_some());
}

/// A reserva and its session may be forgotten at different times; neither says whose the other was.
#[tokio::test]
async fn what_is_forgotten_is_not_told_by_what_is_left() {
    for whose in ["session", "reserva"] {
        set_now(START);
        let store = TestStore::new(2).await;
        store.reserve_at("r1", "ABC1234", (0, 2)).await.expect("free");
        store.charge("ABC1234", 1).await;
        let file = rusqlite::Connection::open(store.path()).expect("the file");
        let linked = || -> Option<i64> {
            let sql = "SELECT reserva_id FROM carregamentos WHERE id = 1";
            file.query_row(sql, [], |row| row.get(0)).expect("the session")
        };
        assert_eq!(linked(), Some(1));
        let later = match whose {
            "session" => "UPDATE reservas SET livre_desde = livre_desde + 3600000",
            _ => "UPDATE carregamentos SET fim = fim + 3600000",
        };
        file.execute_batch(later).expect("a later end");
        set_now(START + HOUR);
        let cutoff = Moment::from_millis(START + HOUR / 2);
        let ended = store.store.ended(cutoff, &ForgettableRows::default()).await.expect("a read");
        assert_eq!(ended.reservas.len() + ended.carregamentos.len(), 1, "the other one is left");
        let command = ForgetEnded { cutoff, ended, run: ForgettingRun::default() };
        store.store.execute(command).await.expect("a write");
        assert_eq!(linked(), None, "{whose}");
    }
}
