//! What the running gateway knows of the servidores, and whether they answer it.

use std::io;
use std::time::{Duration, Instant};

use protocol::{ServerId, ServerPresence, ServerState};
use service::doctor::{Check, PresenceSource, presence_checks};
use service::{OwnAnswer, OwnInstance, RefusalText};

use crate::http::ServidoresList;

/// How long each answer is waited for.
const LIMIT: Duration = Duration::from_secs(4);
/// Servidores that are asked, all at the same time.
const MAX_ASKED: usize = 16;

pub(super) fn servidor_checks(http: &OwnInstance) -> Vec<Check> {
    let presences = match servidores(http.get("/servidores", LIMIT)) {
        Ok(servidores) => servidores,
        Err(check) => return vec![check],
    };
    let source = PresenceSource::Gateway;
    let mut checks = presence_checks(&presences, source, None, service::now());
    let online = presences.into_iter().filter(|one| one.status == ServerState::Online);
    let online: Vec<_> = online.map(|one| one.server_id).collect();
    let (asked, others) = online.split_at(online.len().min(MAX_ASKED));
    checks.extend(std::thread::scope(|scope| {
        let asking = asked.iter().map(|server_id| scope.spawn(|| ask(http, server_id)));
        let asking: Vec<_> = asking.collect();
        asking.into_iter().filter_map(|asking| asking.join().ok()).collect::<Vec<_>>()
    }));
    if !others.is_empty() {
        let found = format!("{} more servidores were not asked", others.len());
        let remedy = "ask those that matter: GET /postos?server_id=ID&limite=1";
        checks.push(Check::unchecked("answers", found, remedy));
    }
    checks
}

/// Of the answer to `GET /servidores`.
fn servidores(answer: io::Result<OwnAnswer>) -> Result<Vec<ServerPresence>, Check> {
    const NAME: &str = "servidores";
    let reason = match answer {
        Ok(answer) if answer.status() == "429" => {
            let found = "the gateway was not asked for them: LIMITE_POR_MINUTO is reached";
            return Err(Check::unchecked(NAME, found, "wait a minute"));
        }
        Ok(answer) => match serde_json::from_slice::<ServidoresList>(&answer.body) {
            Ok(list) => return Ok(list.servidores),
            Err(_) => answer.status_line,
        },
        Err(error) => error.to_string(),
    };
    let found = format!("GET /servidores is not answered: {reason}");
    Err(Check::failure(NAME, found, "the log of the gateway says why"))
}

/// Whether a servidor answers through the gateway, and how soon.
fn ask(http: &OwnInstance, server_id: &ServerId) -> Check {
    let begun = Instant::now();
    let answer = http.get(&format!("/postos?server_id={server_id}&limite=1"), LIMIT);
    judge(server_id, answer, begun.elapsed())
}

fn judge(server_id: &ServerId, answer: io::Result<OwnAnswer>, took: Duration) -> Check {
    const NAME: &str = "answers";
    let look = format!("look at the log of {server_id}, or run `server doctor` beside it");
    let answer = match answer {
        Ok(answer) => answer,
        Err(error) => {
            let found = format!("{server_id} does not answer GET /postos: {error}");
            return Check::failure(NAME, found, look);
        }
    };
    let millis = took.as_millis();
    match answer.status() {
        "200" => Check::ok(NAME, format!("{server_id} answers GET /postos in {millis} ms")),
        "429" => {
            let found = format!("{server_id} was not asked: LIMITE_POR_MINUTO is reached");
            Check::unchecked(NAME, found, "wait a minute")
        }
        status => {
            let mensagem = serde_json::from_slice::<RefusalText>(&answer.body);
            let mensagem = mensagem.map_or_else(|_| String::new(), |reply| reply.mensagem);
            let found = format!("GET /postos of {server_id} is answered {status}: {mensagem}");
            Check::failure(NAME, found, look)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use service::doctor::Verdict;

    #[test]
    fn a_list_that_is_not_had_is_named() {
        let answer = |status: &str, body: &str| {
            Ok(OwnAnswer {
                status_line: format!("HTTP/1.1 {status}"),
                body: body.as_bytes().to_vec(),
            })
        };
        assert_eq!(servidores(answer("200 OK", r#"{"servidores":[]}"#)), Ok(vec![]));
        for (answer, verdict, remedy) in [
            (answer("429 Too Many Requests", "{}"), Verdict::Unchecked, "wait a minute"),
            (answer("503 Service Unavailable", "{}"), Verdict::Failure, "the log of the gateway"),
            (Err(io::ErrorKind::TimedOut.into()), Verdict::Failure, "the log of the gateway"),
        ] {
            let check = servidores(answer).expect_err("there is no list");
            let shown = check.remedy.clone().unwrap_or_default();
            assert!(check.verdict == verdict && shown.contains(remedy), "{check:?}");
        }
    }

    #[test]
    fn an_answer_that_is_none_is_named_with_where_to_look() {
        let server_id: ServerId = "server1".parse().expect("an id");
        let answer = |status: &str, body: &str| {
            Ok(OwnAnswer {
                status_line: format!("HTTP/1.1 {status}"),
                body: body.as_bytes().to_vec(),
            })
        };
        let late = r#"{"codigo":"tempo_esgotado","mensagem":"O servidor server1 não respondeu."}"#;
        for (answer, verdict, found) in [
            (answer("200 OK", "{}"), Verdict::Ok, "server1 answers GET /postos in 7 ms"),
            (answer("429 Too Many Requests", "{}"), Verdict::Unchecked, "server1 was not asked"),
            (answer("504 Gateway Timeout", late), Verdict::Failure, "504: O servidor server1 não"),
            (Err(io::ErrorKind::TimedOut.into()), Verdict::Failure, "does not answer GET /postos"),
        ] {
            let check = judge(&server_id, answer, Duration::from_millis(7));
            assert!(check.verdict == verdict && check.found.contains(found), "{check:?}");
            let remedy = check.remedy.unwrap_or_default();
            assert!(verdict != Verdict::Failure || remedy.contains("`server doctor`"), "{remedy}");
        }
    }
}
