//! The past of a servidor, written into its database.

use sqlx::sqlite::SqliteConnection;

use super::placas::placa;

pub(crate) const HISTORY: i64 = 1_000_000;
const HOUR: i64 = 60 * 60 * 1000;
/// Milliseconds from one to the next: they are of a year.
const PAST_STEP: i64 = 365 * 24 * 60 * 60 * 1000 / HISTORY;
/// Those of the last month are not archived yet.
const ARCHIVED: i64 = HISTORY - HISTORY / 12;
/// The carros of the past, with 20 reservas each.
const PAST_CARROS: u64 = 50_000;
/// Far above the numbers of a run, whose placas must differ.
const FIRST_PAST_CARRO: u64 = 400_000_000;

/// A year with a million reservas of random placas and random requests, each with its session: what
/// is older than a month is archived.
pub(crate) async fn add_year(database: &mut SqliteConnection) {
    let placas: Vec<_> = (0..PAST_CARROS).map(|n| placa(FIRST_PAST_CARRO + n)).collect();
    let placas = serde_json::to_string(&placas).expect("JSON");
    let first = service::now().as_millis() - HISTORY * PAST_STEP - HOUR;
    let tables = [("archived_", 1, ARCHIVED), ("", ARCHIVED + 1, HISTORY)];
    let mut statements = vec![
        "PRAGMA cache_size = -262144".to_owned(),
        "CREATE TEMP TABLE past_carros (number INTEGER PRIMARY KEY, placa TEXT)".to_owned(),
        "INSERT INTO past_carros SELECT key, value FROM json_each(?1)".to_owned(),
        "INSERT INTO carros SELECT placa, 'BYD Dolphin', 44.5, 22.3, 0.19, 0, 0 FROM past_carros"
            .to_owned(),
        "CREATE TEMP TABLE past AS
         WITH RECURSIVE past(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM past WHERE n < ?2)
         SELECT n, n % (SELECT count(*) FROM postos) + 1 AS posto_id, ?4 + n * ?5 AS inicio,
                abs(random()) % ?3 AS carro FROM past"
            .to_owned(),
    ];
    for (prefix, from, to) in tables {
        statements.push(format!(
            "INSERT INTO {prefix}reservas
                 (id, request_id, posto_id, placa, inicio, fim, status, created_at, updated_at,
                  fingerprint, nome, client_id, desde, livre_desde, preco_kwh, versao, tolerancia,
                  estimativa)
             SELECT n, lower(hex(randomblob(18))), posto_id, placa, inicio, inicio + {HOUR}, 'cumprida',
                    inicio, inicio, randomblob(16), 'Ponto ' || posto_id, 'cliente1', inicio, inicio + {HOUR},
                    2.5, 2, 0, '[22200,61,5550,1174]'
             FROM past JOIN past_carros ON number = carro WHERE n BETWEEN {from} AND {to} ORDER BY n"
        ));
        statements.push(format!(
            "INSERT INTO {prefix}carregamentos
                 (id, posto_id, placa, inicio, preco_kwh, fim, energia_fornecida, custo, reserva_id)
             SELECT n, posto_id, placa, inicio, 2.5, inicio + {HOUR}, 10, 25, n
             FROM past JOIN past_carros ON number = carro WHERE n BETWEEN {from} AND {to} ORDER BY n"
        ));
    }
    // As one that gave all these ids.
    for table in ["reservas", "carregamentos"] {
        statements
            .push(format!("UPDATE sqlite_sequence SET seq = {HISTORY} WHERE name = '{table}'"));
    }
    for sql in statements {
        let statement = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(&placas).bind(HISTORY);
        let statement = statement.bind(PAST_CARROS as i64).bind(first).bind(PAST_STEP);
        statement.execute(&mut *database).await.expect("a past");
    }
}
