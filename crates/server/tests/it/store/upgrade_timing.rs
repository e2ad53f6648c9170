//! How long the newest migrations take for a large file; docs/upgrading.md has the figures.

use std::time::Instant;

use domain::millis;
use server::store::{Archivable, ReservasQuery};

use crate::store::archive::MONTH;
use crate::store::upgrade::old_file;
use crate::support::{TestStore, now};

const RESERVAS: i64 = 1_000_000;

/// Past reservas of 50,000 carros at 1,000 postos, each with its session, and the postos' next ones.
const A_LONG_PAST: &str = "
    INSERT INTO owner VALUES (1, 'server1');
    WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000)
    INSERT INTO postos (id, nome, localizacao, potencia_maxima, tipo_conector, preco_kwh,
        operador_disponivel, operador_em_manutencao)
    SELECT i, 'Ponto ' || i, '-23.5,-46.6', 22, 'CCS', 2.5, 1, 0 FROM n;
    WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 49999)
    INSERT INTO carros SELECT printf('ABC%05d', i * 7919 % 50000), 'BYD Dolphin', 44.5, 22.3, 0.19, 0, 0
    FROM n;
    WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 999000)
    INSERT INTO reservas (id, request_id, posto_id, placa, inicio, fim, status, created_at, updated_at,
        fingerprint, nome, client_id)
    SELECT i, lower(hex(randomblob(16))), i % 1000 + 1,
           printf('ABC%05d', abs(random()) % 50000), i * 1000, i * 1000 + 900,
           CASE i % 10 WHEN 0 THEN 'cancelada' ELSE 'encerrada' END, i * 1000, i * 1000 + 900,
           zeroblob(16), 'Ponto ' || (i % 1000 + 1), 'cliente_1'
    FROM n;
    WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000)
    INSERT INTO reservas (request_id, posto_id, placa, inicio, fim, status, created_at, updated_at,
        fingerprint, nome, client_id)
    SELECT 'next-' || i, i, printf('ABC%05d', i), 1767225600000, 1767229200000, 'ativa', 0, 0,
           zeroblob(16), 'Ponto ' || i, 'cliente_1'
    FROM n;
    INSERT INTO carregamentos (posto_id, placa, inicio, preco_kwh, fim, energia_fornecida, custo)
    SELECT posto_id, placa, inicio, 2.5, fim, 10, 25 FROM reservas WHERE status = 'encerrada';";

#[tokio::test]
#[ignore = "half a minute; its figures count in a release build"]
async fn a_million_reservas_are_migrated() {
    let folder = old_file(8, A_LONG_PAST).await;
    let path = TestStore::file(folder.path());
    let wal = path.with_extension("db-wal");
    let mib = |path: &std::path::Path| {
        std::fs::metadata(path).map_or(0.0, |file| file.len() as f64 / f64::from(1 << 20))
    };
    let before = mib(&path);
    let begin = Instant::now();
    let store = TestStore::open(folder).await;
    let taken = begin.elapsed();
    println!(
        "{RESERVAS} reservas: {:.1} s; {before:.0} MiB before, {:.0} after, WAL {:.0}",
        taken.as_secs_f64(),
        mib(&path),
        mib(&wal),
    );
    let query = ReservasQuery { limit: 1, ..ReservasQuery::default() };
    let newest = store.store.reservas(&query, now()).await.expect("the newest");
    assert_eq!(newest.first().map(|reserva| reserva.id), Some(RESERVAS));
    let held = store.reserve("other", "XYZ9876", 1).await;
    assert!(held.is_err(), "what was reserved is held");

    let cutoff = now().plus_millis(-millis(MONTH));
    let left = store.store.archivable(cutoff, &Archivable::default()).await.expect("a read");
    assert!(left.reservas.is_empty() && left.carregamentos.is_empty(), "{left:?}");
}
