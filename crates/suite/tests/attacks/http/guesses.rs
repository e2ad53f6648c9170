//! Guessing tokens, where an operator has chosen ones that can be guessed.

use std::fmt::Write as _;

use super::{bearer, exchange, gateway, request, servidor, status_of, tokens_file};
use crate::attack::{Guard, Tries};
use crate::harness::{Program, World, eventually};

const GUESSER: [u8; 4] = [127, 3, 0, 1];
const OTHER: [u8; 4] = [127, 3, 0, 2];
const BUG: &str = "EndlessGuesses";
/// Which of the guesses is right, and how many there are.
const RIGHT: u32 = 37;
const GUESSES: u32 = 50;
/// A limit for addresses that is used up by the first guesses.
const LIMIT: &str = "3";

fn guess(number: u32) -> String {
    format!("operador-2026-{number:06}")
}

async fn ask(program: &Program, from: [u8; 4], path: &str, token: &str) -> String {
    exchange(program, from, request("GET", path, &bearer(token))).await
}

/// Whether one of the guesses is answered as no wrong one is.
async fn finds(program: &Program, path: &str) -> bool {
    let mut right = false;
    for number in 0..GUESSES {
        let status = status_of(&ask(program, GUESSER, path, &guess(number)).await);
        right |= number == RIGHT && ![401, 429].contains(&status);
    }
    right
}

/// Tries one token after the other, and looks for an answer that is another.
pub(crate) async fn guessed_tokens(guard: Guard) -> Tries {
    let (world, mut tries) = (World::new().await, Tries::default());
    std::fs::write(world.folder().join("own"), guess(RIGHT)).expect("a file");
    let servidor = servidor(&world, guard, BUG, &[("ADMIN_TOKEN_FILE", "own")]).await;
    tries.record("at the admin API", finds(&servidor, "/reservas").await);
    let hash = sha256(&guess(RIGHT)).await;
    let file = tokens_file(&world, &[&format!("app1 sha256:{hash} 1000")]);
    let set = [file, ("LIMITE_POR_MINUTO", LIMIT)];
    let bounded = gateway(&world, guard, BUG, &set).await;
    bounded.sees("server1", "online").await;
    let found = finds(&bounded, "/status").await;
    tries.record("where no token is needed, by the token's own limit", found);
    drop(bounded);
    let gateway = gateway(&world, guard, BUG, &[file]).await;
    eventually("the gateway sees the servidor", async || {
        status_of(&ask(&gateway, OTHER, "/postos?server_id=server1", "").await) == 200
    })
    .await;
    tries.record("at a gateway", finds(&gateway, "/reservas/x?server_id=server1").await);
    let right = ask(&servidor, OTHER, "/reservas", &guess(RIGHT)).await;
    assert_eq!(status_of(&right), 200, "others notice nothing");
    near_misses_are_answered_alike(&servidor).await;
    tries
}

/// In milliseconds of a request nothing shows how many characters are right either: hashes are
/// compared, whose bytes nobody chooses.
async fn near_misses_are_answered_alike(servidor: &Program) {
    let right = guess(RIGHT);
    let misses = [
        "x".to_owned(),
        "x".repeat(right.len()),
        right[..right.len() - 1].to_owned(),
        format!("{right}0"),
        format!("{}x", &right[..right.len() - 1]),
        format!("x{}", &right[1..]),
        right.to_uppercase(),
    ];
    let mut first = None;
    for (miss, last) in misses.iter().zip(10..) {
        let answer = ask(servidor, [127, 3, 1, last], "/reservas", miss).await;
        let own = |line: &&str| {
            !["date:", "x-request-id:"].iter().any(|name| line.to_lowercase().starts_with(name))
        };
        let answer: Vec<&str> = answer.lines().filter(own).collect();
        let answer = answer.join("\n");
        assert_eq!(status_of(&answer), 401, "{miss}");
        assert_eq!(*first.get_or_insert_with(|| answer.clone()), answer, "{miss}");
    }
}

async fn sha256(text: &str) -> String {
    let hash = service::SecretHash::of(text);
    let mut digits = String::new();
    for byte in hash.as_bytes() {
        let _ = write!(digits, "{byte:02x}");
    }
    digits
}
