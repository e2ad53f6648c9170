//! Who may enter the broker, and what each may do there: `mosquitto/start.sh` and
//! `mosquitto/usuario` with a real Mosquitto, beside the table of `docs/security.md`.
//!
//! `cargo test -p suite --test rights -- --include-ignored`

#[path = "../harness/mod.rs"]
mod harness;
mod logins;
mod matrix;
mod mutations;
mod names;
mod sessions;
mod starting;
mod table;
mod topics;
mod users;

use std::sync::Arc;

use harness::doors::{Doors, Shell, User};
use matrix::Matrix;
use tokio::task::JoinSet;

/// One user of each role. Topics with their ids, and with others, are in `topics.rs`.
const USERS: [&[&str]; 5] = [
    &["gateway", "cliente3"],
    &["app", "app1"],
    &["servidor", "server3"],
    &["carro", "ABC1234"],
    &["carregador", "server3", "7"],
];

fn one_of_each(doors: &Doors) -> Vec<User> {
    USERS.iter().map(|arguments| doors.new_user(arguments)).collect()
}

/// Each user at each way through the door has a broker of its own: a connection over WebSocket takes
/// Mosquitto a tenth of a second, most of it waiting.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs mosquitto"]
async fn every_role_has_exactly_its_rights() {
    let first = Doors::open().await;
    let users = Arc::new(one_of_each(&first));
    let mut runs = JoinSet::new();
    for (index, way) in every_pair(users.len(), first.every_outside().len()) {
        let mut doors = Doors::prepared(Shell::System, &[]);
        doors.copy_users(&first);
        let users = Arc::clone(&users);
        runs.spawn(async move {
            doors.start().await;
            let mut matrix = Matrix::new(&doors).await;
            matrix.try_all(&users[index], doors.every_outside()[way]).await;
            (matrix.cells, matrix.allowed_cells, matrix.wrong)
        });
    }
    let (mut cells, mut allowed, mut wrong) = (0, 0, Vec::new());
    for (tried, expected, found) in runs.join_all().await {
        cells += tried;
        allowed += expected;
        wrong.extend(found);
    }
    println!("the matrix: {cells} cells, {allowed} allowed, {} wrong", wrong.len());
    let wrong: Vec<String> = wrong.iter().map(ToString::to_string).collect();
    assert!(wrong.is_empty(), "{} of {cells} cells:\n{}", wrong.len(), wrong.join("\n"));
    assert!(cells > 10_000 && allowed > 1_000, "{cells} cells, {allowed} allowed");
}

fn every_pair(first: usize, second: usize) -> impl Iterator<Item = (usize, usize)> {
    (0..first).flat_map(move |a| (0..second).map(move |b| (a, b)))
}
