//! A database file of an older release, opened by this one.

use domain::{Rejection, ReservaState};
use server::store::{
    CarregamentosQuery, CreatePosto, FinishCarregamento, ReservasQuery, StatesRow, WriteError,
};
use sqlx::migrate::{Migration, MigrationType, Migrator};
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{Connection as _, SqlSafeStr as _};

use crate::store::reserva_support::rejected;
use crate::support::{HOUR, START, TestStore, energy, now, posto, set_now};

const OLD_SCHEMA: [(i64, &str, &str); 9] = [
    (1, "initial", include_str!("../../../migrations/0001_initial.sql")),
    (2, "clocks", include_str!("../../../migrations/0002_clocks.sql")),
    (3, "postos_version", include_str!("../../../migrations/0003_postos_version.sql")),
    (4, "refusals", include_str!("../../../migrations/0004_refusals.sql")),
    (5, "owner", include_str!("../../../migrations/0005_owner.sql")),
    (
        6,
        "postos_version_random",
        include_str!("../../../migrations/0006_postos_version_random.sql"),
    ),
    (7, "two_states", include_str!("../../../migrations/0007_two_states.sql")),
    (8, "people", include_str!("../../../migrations/0008_people.sql")),
    (9, "reserva_states", include_str!("../../../migrations/0009_reserva_states.sql")),
];

/// With the fingerprint that `support::reservation` makes for ABC1234 at posto 1.
pub(crate) const OLD_DATA: &str = "
    INSERT INTO postos VALUES (1, 'Ponto 1', '-23.5,-46.6', 22, 'CCS', 2.5, 1, 0, NULL);
    INSERT INTO carros VALUES ('ABC1234', 'BYD Dolphin', 44.5, 22.3, 0.19, 0, 0);
    INSERT INTO reservas VALUES
        (7, 'pruned', 1, 'ABC1234', 0, 1000, 'encerrada', 0, 0),
        (8, 'made', 1, 'ABC1234', 1767225600000, 1767229200000, 'ativa', 0, 0);
    INSERT INTO requests VALUES
        (1, 'made', CAST('ABC12341' || x'0000000000000000' AS BLOB), 0, 1, 'Old name', NULL),
        (2, 'refused', CAST('ABC12341' || x'0000000000000000' AS BLOB), 0, 1, 'Old name',
         'posto_em_manutencao');";

/// A file with the first `version` migrations and this data.
pub(crate) async fn old_file(version: usize, data: &'static str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    let path = TestStore::file(folder.path());
    std::fs::create_dir_all(path.parent().expect("a folder")).expect("the folder is created");
    let options = SqliteConnectOptions::new().filename(path).create_if_missing(true);
    let mut database = SqliteConnection::connect_with(&options).await.expect("a database");
    let migrations = OLD_SCHEMA.into_iter().take(version).map(|(version, name, sql)| {
        Migration::new(version, name.into(), MigrationType::Simple, sql.into_sql_str(), false)
    });
    let migrator = Migrator::with_migrations(migrations.collect());
    migrator.run(&mut database).await.expect("the old schema");
    sqlx::raw_sql(data).execute(&mut database).await.expect("the old data");
    database.close().await.expect("it closes");
    folder
}

#[tokio::test]
async fn requests_of_an_older_release_get_their_first_answers() {
    let store = TestStore::open(old_file(3, OLD_DATA).await).await;
    let made = store.reserve("made", "ABC1234", 1).await.expect("the first answer again");
    assert_eq!((made.reserva.id, made.nome.as_str()), (8, "Old name"));
    let refused = store.reserve("refused", "ABC1234", 1).await;
    let maintenance = Rejection::PostoEmManutencao { nome: "Old name".to_owned() };
    assert_eq!(refused, Err(WriteError::Rejected(maintenance)));
    for request_id in ["made", "refused"] {
        let reused = store.reserve(request_id, "XYZ9876", 1).await;
        assert_eq!(reused, Err(WriteError::Rejected(Rejection::ChaveReutilizada)), "{request_id}");
    }
    let pruned = store.store.request_outcome("pruned", None, now()).await.expect("it reads");
    let reserved = pruned.expect("its reserva exists").decision.expect("a reserva was made");
    assert_eq!((reserved.reserva.id, reserved.nome.as_str()), (7, "Ponto 1"));
}

#[tokio::test]
async fn the_one_state_of_an_older_release_is_the_operators() {
    let data = "INSERT INTO owner VALUES (1, 'server1');
        INSERT INTO postos VALUES
            (1, 'Ponto 1', '-23.5,-46.6', 22, 'CCS', 2.5, 1, 0, NULL),
            (2, 'Ponto 2', '-23.5,-46.6', 22, 'CCS', 2.5, 1, 1, NULL),
            (3, 'Ponto 3', '-23.5,-46.6', 22, 'CCS', 2.5, 0, 0, NULL),
            (4, 'Ponto 4', '-23.5,-46.6', 22, 'CCS', 2.5, 0, 1, NULL),
            (5, 'Ponto 5', '-23.5,-46.6', 22, 'CCS', 2.5, 1, 0, 1000);";
    let store = TestStore::open(old_file(6, data).await).await;
    let listing = store.store.listing().await.expect("a listing");
    let shown: Vec<_> = listing
        .postos
        .iter()
        .map(|posto| (posto.id, posto.disponivel, posto.em_manutencao, posto.states.clone()))
        .collect();
    let states = |operador_disponivel, operador_em_manutencao| StatesRow {
        operador_disponivel,
        operador_em_manutencao,
        ..StatesRow::default()
    };
    assert_eq!(
        shown,
        [
            (1, true, false, states(true, false)),
            (2, false, true, states(true, true)),
            (3, false, false, states(false, false)),
            (4, false, true, states(false, true)),
        ]
    );
    store.reserve("r1", "ABC1234", 1).await.expect("it is free");
}

/// As the release before this one left it: at version 7 the postos have seven columns more.
const DATA_7: &str = "INSERT INTO owner VALUES (1, 'server1');
    INSERT INTO postos (id, nome, localizacao, potencia_maxima, tipo_conector, preco_kwh,
        operador_disponivel, operador_em_manutencao)
        VALUES (1, 'Ponto 1', '-23.5,-46.6', 22, 'CCS', 2.5, 1, 0);
    INSERT INTO carros VALUES ('ABC1234', 'BYD Dolphin', 44.5, 22.3, 0.19, 0, 0);
    INSERT INTO reservas VALUES
        (7, 'old', 1, 'ABC1234', 0, 1000, 'encerrada', 0, 0, NULL, NULL),
        (40, 'made', 1, 'ABC1234', 1767225600000, 1767229200000, 'ativa', 5, 6,
         CAST('ABC12341' || x'0000000000000000' AS BLOB), 'Old name');
    INSERT INTO refusals VALUES (1, 'refused', CAST('ABC12341' || x'0000000000000000' AS BLOB),
        0, 1, 'Old name', 'posto_em_manutencao');
    INSERT INTO carregamentos VALUES (30, 1, 'ABC1234', 0, 2.5, 1000, 10, 25);";

#[tokio::test]
async fn reservas_and_sessions_keep_what_they_hold_and_their_ids_never_come_back() {
    for (data, next) in [
        (DATA_7.to_owned(), (41, 31)),
        // As `server restaurar` leaves them when later ones were made since the backup.
        (
            format!(
                "{DATA_7} INSERT INTO sqlite_sequence VALUES ('reservas', 60), ('carregamentos', 50);"
            ),
            (61, 51),
        ),
    ] {
        let store = TestStore::open(old_file(7, Box::leak(data.into_boxed_str())).await).await;
        let made = store.reserve("made", "ABC1234", 1).await.expect("the first answer again");
        assert_eq!((made.reserva.id, made.nome.as_str()), (40, "Old name"));
        assert!(store.reserve("refused", "ABC1234", 1).await.is_err());
        let held = store.reserve("other", "XYZ9876", 1).await;
        assert_eq!(
            held,
            Err(WriteError::Rejected(Rejection::PostoReservado { nome: "Ponto 1".to_owned() }))
        );
        let later = store.reserve_at("later", "XYZ9876", (48, 50)).await.expect("it is free");
        assert_eq!(later.reserva.id, next.0);
        let database = rusqlite::Connection::open(store.path()).expect("the file");
        let overlap = "INSERT INTO reservas (request_id, posto_id, placa, inicio, fim, status, created_at, updated_at)
             VALUES ('x', 1, 'ABC1234', 1767225600001, 1767225600002, 'ativa', 0, 0)";
        let refused = database.execute(overlap, []).expect_err("the schema refuses it");
        assert!(refused.to_string().contains("overlapping"), "{refused}");
        database.execute("UPDATE reservas SET placa = NULL, request_id = NULL, fingerprint = NULL WHERE id = 40", []).expect("forgotten");
        let refused = database.execute(overlap, []).expect_err("the schema refuses it still");
        assert!(refused.to_string().contains("overlapping"), "{refused}");
        let session = "INSERT INTO carregamentos (posto_id, placa, inicio, preco_kwh) VALUES (1, 'ABC1234', 0, 2.5)";
        database.execute(session, []).expect("a session");
        assert_eq!(database.last_insert_rowid(), next.1);
        database.execute(session, []).expect_err("one session at a time");
        let (old, energy): (i64, f64) = database
            .query_row("SELECT r.created_at + r.updated_at, c.energia_fornecida FROM reservas AS r, archived_carregamentos AS c
                        WHERE r.id = 40 AND c.id = 30", [], |row| Ok((row.get(0)?, row.get(1)?)))
            .expect("what they held");
        assert_eq!((old, energy), (11, 10.0));
        let archived = "SELECT group_concat(id) FROM archived_reservas";
        let archived = database.query_row(archived, [], |row| row.get::<_, String>(0));
        assert_eq!(archived, Ok("7".to_owned()), "what ended long ago");
        let query = ReservasQuery { limit: 10, ..ReservasQuery::default() };
        let listed = store.store.reservas(&query, now()).await.expect("a read");
        assert_eq!(listed.last().map(|reserva| reserva.id), Some(7), "and it is still listed");
    }
}

/// As the release before this one left it. Two sessions of one carro are open.
const DATA_8: &str = "INSERT INTO owner VALUES (1, 'server1');
    INSERT INTO postos (id, nome, localizacao, potencia_maxima, tipo_conector, preco_kwh,
        operador_disponivel, operador_em_manutencao)
        VALUES (1, 'Ponto 1', '-23.5,-46.6', 22, 'CCS', 2.5, 1, 0),
               (2, 'Ponto 2', '-23.5,-46.6', 22, 'CCS', 3.25, 1, 0);
    INSERT INTO carros VALUES ('ABC1234', 'BYD Dolphin', 44.5, 22.3, 0.19, 1, 0);
    INSERT INTO reservas (id, request_id, posto_id, placa, inicio, fim, status, created_at, updated_at,
        fingerprint, nome, app, client_id)
        VALUES
        (1, 'ended', 1, 'ABC1234', 0, 1000, 'encerrada', 5, 1001, NULL, 'Ponto 1', NULL, NULL),
        (2, 'cancelled', 1, 'ABC1234', 500, 1000, 'cancelada', 6, 700, NULL, 'Ponto 1', NULL, 'c1'),
        (3, 'made', 2, 'ABC1234', 1767225600000, 1767229200000, 'ativa', 7, 7,
         CAST('ABC12342' || x'0000000000000000' AS BLOB), 'Old name', 'app1', 'c1'),
        (9, NULL, 1, NULL, 2000, 3000, 'encerrada', 8, 3001, NULL, 'Ponto 1', NULL, NULL);
    INSERT INTO refusals (request_id, fingerprint, decided_at, posto_id, nome, rejection, placa)
        VALUES ('long', CAST('ABC12341' || x'0000000000000000' AS BLOB), 0, 1, 'Old name', 'too_long',
                'ABC1234');
    INSERT INTO carregamentos (id, posto_id, placa, inicio, preco_kwh)
        VALUES (1, 1, 'ABC1234', 100, 2), (2, 2, 'ABC1234', 200, 3);";

#[tokio::test]
async fn reservas_of_the_release_before_are_as_they_were() {
    let store = TestStore::open(old_file(8, DATA_8).await).await;
    let query = ReservasQuery { limit: 10, ..ReservasQuery::default() };
    let listed = store.store.reservas(&query, now()).await.expect("the reservas");
    let shown: Vec<_> = listed
        .iter()
        .map(|reserva| {
            let facts = reserva.facts;
            let desde = facts.desde.as_millis();
            (reserva.id, facts.state, desde, facts.versao, facts.preco_kwh.get(), facts.motivo)
        })
        .collect();
    assert_eq!(
        shown,
        [
            (9, ReservaState::Encerrada, 3000, 2, 2.5, None),
            // Its carro charges there since before it began.
            (3, ReservaState::Cumprida, START, 2, 3.25, None),
            (2, ReservaState::Cancelada, 700, 2, 2.5, None),
            (1, ReservaState::Encerrada, 1000, 2, 2.5, None),
        ]
    );
    let outcome = store.store.request_outcome("made", Some("app1"), now()).await.expect("a read");
    let made = outcome.expect("it was decided").decision.expect("a reserva was made");
    assert_eq!((made.reserva.id, made.nome.as_str(), made.estimativa), (3, "Old name", None));
    let long = store.reserve("long", "ABC1234", 1).await.expect_err("its refusal again");
    assert!(long.to_string().contains("fim deve ser no máximo 31 dias depois de inicio"), "{long}");
    assert!(!store.disponivel(1).await, "a session is open");
    // No tolerance was agreed.
    set_now(START + HOUR - 1);
    let held = store.reserve("other", "XYZ9876", 2).await;
    let refusal = Rejection::PostoReservado { nome: "Ponto 2".to_owned() };
    assert_eq!(held, Err(WriteError::Rejected(refusal)), "until its end");
    let query =
        CarregamentosQuery { posto_id: Some(2), limit: 10, ..CarregamentosQuery::default() };
    let sessions = store.store.carregamentos(&query, now()).await.expect("the sessions");
    assert_eq!((sessions.len(), sessions[0].preco_kwh.get()), (1, 3.0));
}

#[tokio::test]
async fn a_file_of_every_earlier_version_opens() {
    for version in 0..=OLD_SCHEMA.len() {
        let store = TestStore::open(old_file(version, "").await).await;
        assert!(store.store.tokens().await.expect("the tokens").is_empty(), "version {version}");
        assert_eq!(store.store.listing().await.expect("a listing").postos.len(), 0);
    }
}

/// What nobody but a person with an SQLite shell leaves behind, where foreign keys are off.
const BY_HAND: &str = "PRAGMA foreign_keys = OFF;
    INSERT INTO carros VALUES ('ABC1234', 'BYD Dolphin', 44.5, 22.3, 0.19, 0, 0);
    INSERT INTO reservas (id, request_id, posto_id, placa, inicio, fim, status, created_at, updated_at)
        VALUES
        (7, 'no posto', 5, 'ABC1234', 0, 1000, 'encerrada', 0, 9),
        (8, 'no carro', 5, 'GGG0000', 1767225600000, 1767229200000, 'ativa', 0, 3),
        (9, 'overlap', 5, 'abc-1234', 1767225600001, 1767229200001, 'cancelada', 0, 4),
        (9007199254740993, 'late', 6, 'GGG0000', 0, 1, 'encerrada', 0, 5);
    INSERT INTO carregamentos (id, posto_id, placa, inicio, preco_kwh, fim, energia_fornecida, custo)
        VALUES
        (3, 7, 'GGG0000', 0, 2.5, 1000, 10, 25), (9007199254740993, 7, '', 0, 2.5, 1, 0, 0);";

#[tokio::test]
async fn a_file_from_which_rows_were_removed_by_hand_opens() {
    // Version 8 has made anew what is missing, and later ones copy no table.
    for version in 1..8 {
        let store = TestStore::open(old_file(version, BY_HAND).await).await;
        assert_eq!(store.store.listing().await.expect("a listing").postos.len(), 0, "{version}");
        let query = ReservasQuery { limit: 10, ..ReservasQuery::default() };
        let listed = store.store.reservas(&query, now()).await.expect("the reservas");
        let shown: Vec<_> =
            listed.iter().map(|row| (row.id, row.placa.as_deref().unwrap_or_default())).collect();
        let expected =
            [(9_007_199_254_740_993, "GGG0000"), (9, "abc-1234"), (8, "GGG0000"), (7, "ABC1234")];
        assert_eq!(shown, expected, "{version}");
        let file = rusqlite::Connection::open(store.path()).expect("the file");
        let violations = "SELECT count(*) FROM pragma_foreign_key_check";
        assert_eq!(file.query_row(violations, [], |row| row.get(0)), Ok(0), "{version}");
        let removed = store.reserve("new", "XYZ9876", 5).await;
        assert!(matches!(removed, Err(WriteError::Rejected(Rejection::PostoInexistente { .. }))));
        // None of their ids comes back, and what was removed can be forgotten.
        assert_eq!(store.store.execute(CreatePosto(posto("Novo"))).await, Ok(8), "{version}");
        let made = store.reserve("made", "XYZ9876", 8).await.expect("it is free");
        assert_eq!(made.reserva.id, 9_007_199_254_740_994, "{version}");
    }
}

/// Earlier releases let a carro charge at two postos, and no session did anything to a reserva.
#[tokio::test]
async fn open_sessions_of_an_older_release_end_and_free_what_they_fulfil() {
    let data = "INSERT INTO owner VALUES (1, 'server1');
        INSERT INTO postos (id, nome, localizacao, potencia_maxima, tipo_conector, preco_kwh,
            operador_disponivel, operador_em_manutencao)
            VALUES (1, 'Ponto 1', '-23.5,-46.6', 22, 'CCS', 2.5, 1, 0),
                   (2, 'Ponto 2', '-23.5,-46.6', 22, 'CCS', 2.5, 1, 0);
        INSERT INTO carros VALUES ('ABC1234', 'BYD Dolphin', 44.5, 22.3, 0.19, 1, 0);
        INSERT INTO reservas (id, request_id, posto_id, placa, inicio, fim, status, created_at, updated_at)
            VALUES (7, 'made', 1, 'ABC1234', 1767225600000, 1767232800000, 'ativa', 0, 0);
        INSERT INTO carregamentos (id, posto_id, placa, inicio, preco_kwh)
            VALUES (30, 1, 'ABC1234', 1767225660000, 1.5), (31, 2, 'ABC1234', 1767225660000, 1.5);";
    set_now(START + HOUR);
    let store = TestStore::open(old_file(8, data).await).await;
    let shown = async |store: &TestStore| {
        let found = store.store.reserva(7, now()).await.expect("a read").expect("the reserva");
        (found.facts.state, found.facts.livre_desde)
    };
    store.store.sweep().await.expect("a sweep");
    assert_eq!(shown(&store).await, (ReservaState::Cumprida, None), "its carro is there");
    assert_eq!(rejected(store.cancel("made").await), Rejection::ReservaEmUso);
    let agreed = store.store.reserva(7, now()).await.expect("a read").expect("the reserva");
    assert_eq!(agreed.facts.preco_kwh.get(), 1.5, "at the price of its session");
    let session = store.store.carregamento(1, 30).await.expect("a read").expect("the session");
    assert_eq!((session.reserva_id, session.preco_kwh.get()), (Some(7), 1.5));
    for (posto_id, id) in [(2, 31), (1, 30)] {
        let carro = store.store.carro("ABC1234").await.expect("a read").expect("it is known");
        assert!(carro.em_carregamento);
        let finish = FinishCarregamento { posto_id, id, energy: energy(10.0), fim: None };
        store.store.execute(finish).await.expect("it ends");
    }
    assert_eq!(shown(&store).await, (ReservaState::Cumprida, Some(now())));
    let carro = store.store.carro("ABC1234").await.expect("a read").expect("it is known");
    assert!(!carro.em_carregamento);
    store.reserve("other", "XYZ9876", 1).await.expect("the rest is free");
}
