//! The matrix notices a wrong right: each line of the ACL is left out, and made broader, in turn.

use std::collections::BTreeSet;
use std::fs;
use std::time::{Duration, Instant};

use crate::harness::doors::{Doors, User};
use crate::harness::raw_mqtt::{Transport, Version};
use crate::matrix::Matrix;
use crate::table;

/// The ACL of one user with one wrong line, and what is wrong with it.
struct Mutation {
    user: usize,
    acl: String,
    what: String,
}

#[tokio::test]
#[ignore = "needs mosquitto"]
async fn the_matrix_notices_every_wrong_line() {
    let doors = Doors::open().await;
    let users = crate::one_of_each(&doors);
    let acl = fs::read_to_string(doors.path("run/acl")).expect("an ACL");
    let mutations = mutations(&acl, &users);
    let mut matrix = Matrix::new(&doors).await;
    let mut unnoticed = Vec::new();
    for mutation in &mutations {
        let user = &users[mutation.user];
        // Else it could be the line before that is noticed.
        assert!(becomes(&doors, &mut matrix, user, &acl, false).await, "the true ACL is wrong");
        if !becomes(&doors, &mut matrix, user, &mutation.acl, true).await {
            unnoticed.push(mutation.what.as_str());
        }
    }
    println!("mutations of the ACL: {}, all noticed: {}", mutations.len(), unnoticed.is_empty());
    assert!(unnoticed.is_empty(), "the matrix does not notice:\n{}", unnoticed.join("\n"));
    assert!(mutations.len() > 150, "{} mutations", mutations.len());
}

/// Whether the matrix of this user soon is wrong, or right, with this ACL.
async fn becomes(
    doors: &Doors,
    matrix: &mut Matrix<'_>,
    user: &User,
    acl: &str,
    wrong: bool,
) -> bool {
    fs::write(doors.path("run/acl"), acl).expect("an ACL");
    doors.hangup();
    let deadline = Instant::now() + Duration::from_secs(2);
    while Instant::now() < deadline {
        matrix.wrong.clear();
        matrix.try_briefly(user, doors.outside(Transport::Tcp, Version::V5)).await;
        if matrix.wrong.is_empty() != wrong {
            return true;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    false
}

fn mutations(acl: &str, users: &[User]) -> Vec<Mutation> {
    let lines: Vec<&str> = acl.lines().collect();
    let mut mutations = Vec::new();
    let mut user = 0;
    // The lines before the first user are the inside door's.
    let first = lines.iter().position(|line| line.starts_with("user ")).expect("a user");
    for (index, line) in lines.iter().enumerate().skip(first) {
        if let Some(name) = line.strip_prefix("user ") {
            user = users.iter().position(|user| user.name == name).expect("a user");
            continue;
        }
        let with = |replacement: Option<&str>| {
            let replaced = lines
                .iter()
                .enumerate()
                .filter_map(|(at, line)| if at == index { replacement } else { Some(*line) });
            replaced.map(|line| format!("{line}\n")).collect::<String>()
        };
        let name = &users[user].name;
        mutations.push(Mutation { user, acl: with(None), what: format!("{name} without {line}") });
        for broader in broader(line) {
            let what = format!("{name}: {broader} in place of {line}");
            mutations.push(Mutation { user, acl: with(Some(&broader)), what });
        }
        // The other direction, too, unless another line gives it.
        let (_, filter) = line.rsplit_once(' ').expect("access and topic");
        let allowed = table::allowed(name);
        if !(allowed.publishes(filter) && allowed.receives(filter)) {
            let both = format!("topic readwrite {filter}");
            let what = format!("{name}: {both} in place of {line}");
            mutations.push(Mutation { user, acl: with(Some(&both)), what });
        }
    }
    mutations
}

/// A line with `+` in place of each level, and with `#` in place of each level and what follows.
fn broader(line: &str) -> BTreeSet<String> {
    let (access, filter) = line.rsplit_once(' ').expect("access and topic");
    let levels: Vec<&str> = filter.split('/').collect();
    let mut broader = BTreeSet::new();
    for index in 0..levels.len() {
        let mut plus = levels.clone();
        if plus[index] != "#" {
            plus[index] = "+";
        }
        let hash = [&levels[..index], &["#"]].concat();
        let deeper = [&levels[..=index], &["#"]].concat();
        let filters = [plus, hash, deeper].map(|levels| levels.join("/"));
        broader.extend(filters.into_iter().filter(|filter| !filter.contains("#/")));
    }
    broader.remove(filter);
    broader.into_iter().map(|filter| format!("{access} {filter}")).collect()
}
