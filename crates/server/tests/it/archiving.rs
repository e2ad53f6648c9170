//! The servidor archives by itself.

use std::time::{Duration, Instant};

use crate::running::Running;

/// Sessions of 1970; no release wrote what the second one gave or the placa of the fifth, nor archived what is
/// still there.
const SESSIONS: &str = "
    INSERT INTO carregamentos (id, posto_id, placa, inicio, preco_kwh, fim, energia_fornecida, custo)
    VALUES (1, 1, 'ABC1234', 0, 2.5, 1000, 1, 2.5), (2, 1, 'ABC1234', 2000, 2.5, 3000, -1, 2.5),
           (3, 1, 'ABC1234', 4000, 2.5, 5000, 1, 2.5), (4, 1, 'ABC1234', 6000, 2.5, 7000, 1, 2.5),
           (5, 1, CAST(x'FF31' AS TEXT), 8000, 2.5, 9000, 1, 2.5), (6, 1, 'ABC1234', 9500, 2.5, 9900, 1, 2.5);
    INSERT INTO archived_carregamentos
        (id, posto_id, placa, inicio, preco_kwh, fim, energia_fornecida, custo)
    VALUES (1, 1, 'ABC1234', 0, 2.5, 1000, 1, 2.5);";

#[tokio::test]
async fn what_cannot_be_archived_keeps_nothing_else_from_it() {
    let home = Running::fresh().await.stop().await;
    let database = rusqlite::Connection::open(home.database()).expect("a database");
    database.execute_batch(SESSIONS).expect("it is written");
    let server = home.start().await.expect("it starts");
    let left = || {
        let ids = "SELECT json_group_array(id) FROM (SELECT id FROM carregamentos ORDER BY id)";
        database.query_row(ids, [], |row| row.get::<_, String>(0)).expect("a read")
    };
    let deadline = Instant::now() + Duration::from_secs(30);
    while left() != "[1,2,5]" {
        assert!(Instant::now() < deadline, "{} are not archived", left());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    server.stop().await;
}
