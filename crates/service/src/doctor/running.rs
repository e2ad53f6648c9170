//! What the program that runs on this machine says of itself.

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use protocol::Timestamp;
use serde::Deserialize;
use serde_json::Value;

use super::report::Check;
use crate::VERSION;
use crate::own_instance::{OwnAnswer, OwnInstance};

/// How long it may take to say who it is, and then all else. The answers come from this machine.
const LIMIT: Duration = Duration::from_secs(2);

/// What is known of a program with these settings on this machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Instance {
    /// Nothing listens where it would.
    Absent,
    /// Something is there that is not known to be the program, nor not to be.
    Uncertain,
    Runs {
        /// It is connected to the broker and subscribed.
        is_connected: bool,
    },
}

impl Instance {
    /// Why nobody else logs in with the name of the program.
    pub fn keeps_others_out(self) -> Option<&'static str> {
        match self {
            Self::Absent => None,
            Self::Uncertain => Some("the program may run"),
            Self::Runs { .. } => Some("the program runs"),
        }
    }
}

/// The program that runs, and what it said.
pub struct Running {
    pub instance: Instance,
    /// Its clock, and this program's when that was read.
    pub clocks: Option<(Timestamp, Timestamp)>,
    pub checks: Vec<Check>,
    pub http: OwnInstance,
}

/// As both programs answer it; one of them has `servidor`, the other `cliente`.
#[derive(Deserialize)]
struct Status {
    #[serde(alias = "cliente")]
    servidor: String,
    mqtt_conectado: bool,
    timestamp: Timestamp,
}

#[derive(Deserialize)]
struct ErrorReply {
    codigo: String,
    mensagem: String,
}

/// Asks the program that listens on `http_addr` and has this id.
pub fn look_at_running(http_addr: SocketAddr, id: &str) -> Running {
    let http = OwnInstance::at(http_addr);
    let addr = http.addr();
    let not_found = |instance, check| (instance, None, vec![check]);
    let (instance, clocks, checks) = match http.get("/status", LIMIT) {
        Err(error) if is_nothing_there(error.kind()) => {
            let found = format!("nothing listens at {addr}");
            let remedy = "start the program; if it runs, give this command its HTTP_ADDR";
            not_found(Instance::Absent, Check::warning("running", found, remedy))
        }
        Err(error) => {
            let found = format!("{addr} does not answer GET /status: {error}");
            let remedy = "if its log says nothing, restart the program: it hangs, or has no connection \
                          free";
            not_found(Instance::Uncertain, Check::failure("running", found, remedy))
        }
        Ok(answer) => {
            match (serde_json::from_slice::<Status>(&answer.body), refusing(&answer, addr)) {
                (Ok(status), _) if status.servidor == id => {
                    let clocks = Some((status.timestamp, crate::now()));
                    let is_connected = status.mqtt_conectado;
                    let found = format!("{id} answers at {addr}");
                    let checks = answering(&http, Check::ok("running", found));
                    (Instance::Runs { is_connected }, clocks, checks)
                }
                (Err(_), Some(refusing)) => (Instance::Uncertain, None, answering(&http, refusing)),
                (found, _) => {
                    not_found(Instance::Uncertain, other_program(addr, id, &answer, found.ok()))
                }
            }
        }
    };
    Running { instance, clocks, checks, http }
}

/// The kernel says that no program listens there.
fn is_nothing_there(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::ConnectionRefused | ErrorKind::AddrNotAvailable)
}

fn other_program(addr: SocketAddr, id: &str, answer: &OwnAnswer, status: Option<Status>) -> Check {
    let who = status.map_or_else(|| answer.status_line.clone(), |status| status.servidor);
    let found = format!("{addr} is not {id}: it answers {who:?}");
    let remedy = format!(
        "another program has this address: give {id} another HTTP_ADDR, or this command the settings \
         of that one"
    );
    Check::failure("running", found, remedy)
}

/// As both programs refuse what is too much for them. It says not which of them it is.
fn refusing(answer: &OwnAnswer, addr: SocketAddr) -> Option<Check> {
    let reply = serde_json::from_slice::<ErrorReply>(&answer.body).ok()?;
    let status = status_of(answer);
    let found = format!("a program runs at {addr}, and refuses to say who it is: {status}");
    match (answer.status(), &*reply.codigo) {
        ("429", "requisicoes_demais") => {
            let remedy = "LIMITE_POR_MINUTO is reached for the address of this machine: wait a minute; \
                          if a reverse proxy runs here, name it in PROXIES_CONFIAVEIS";
            Some(Check::warning("running", found, remedy))
        }
        ("503", "sobrecarregado") => {
            let remedy = "it has as many requests as it takes (of a gateway, MAX_REQUISICOES): find out \
                          who sends them, or what keeps their answers; then run this again";
            Some(Check::failure("running", found, remedy))
        }
        _ => None,
    }
}

/// What a program of this suite says without knowing the caller.
fn answering(http: &OwnInstance, running: Check) -> Vec<Check> {
    let deadline = Instant::now() + LIMIT;
    let ready = readiness(http);
    let left = deadline.saturating_duration_since(Instant::now());
    vec![running, ready, version_check(http, left)]
}

fn readiness(http: &OwnInstance) -> Check {
    let answer = match http.get("/readyz", LIMIT) {
        Ok(answer) => answer,
        Err(error) => {
            let remedy = "its log says what it waits for; restart it if it says nothing";
            return Check::failure(
                "ready",
                format!("GET /readyz is not answered: {error}"),
                remedy,
            );
        }
    };
    if answer.status() == "200" {
        return Check::ok("ready", "GET /readyz answers 200");
    }
    let mensagem = serde_json::from_slice::<ErrorReply>(&answer.body).map(|reply| reply.mensagem);
    let remedy = mensagem.unwrap_or_else(|_| "its log says why".to_owned());
    Check::failure("ready", format!("GET /readyz answers {}", status_of(&answer)), remedy)
}

fn status_of(answer: &OwnAnswer) -> &str {
    answer.status_line.split_once(' ').map_or("nothing", |(_, status)| status)
}

/// Of a program that was replaced on disk, the old one runs until it is restarted.
fn version_check(http: &OwnInstance, limit: Duration) -> Check {
    let answer = http.get("/openapi.json", limit);
    let document =
        answer.ok().and_then(|answer| serde_json::from_slice::<Value>(&answer.body).ok());
    let found = document.as_ref().and_then(|document| document["info"]["version"].as_str());
    match found {
        Some(VERSION) => Check::ok("version", format!("it is {VERSION}")),
        Some(found) => Check::warning(
            "version",
            format!("{found} runs, and this command is {VERSION}"),
            "restart the program, so that what is installed runs; docs/upgrading.md says in which order",
        ),
        None => Check::unchecked(
            "version",
            "GET /openapi.json does not say it",
            "compare `--version` of the program with its log at the start",
        ),
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};
    use std::net::TcpListener;

    use super::*;
    use crate::doctor::Verdict;

    /// Answers requests with these bodies in order, then nothing listens there.
    fn answering_with(answers: Vec<(&'static str, String)>) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let addr = listener.local_addr().expect("an address");
        std::thread::spawn(move || {
            for (status, body) in answers {
                let (mut connection, _) = listener.accept().expect("a connection");
                let _ = connection.read(&mut [0; 4096]);
                let answer = format!("HTTP/1.1 {status}\r\nConnection: close\r\n\r\n{body}");
                connection.write_all(answer.as_bytes()).expect("it is sent");
            }
        });
        addr
    }

    fn status(id: &str) -> (&'static str, String) {
        let timestamp = crate::now();
        let body = format!(
            r#"{{"servidor":"{id}","status":"online","mqtt_conectado":true,"timestamp":"{timestamp}"}}"#
        );
        ("200 OK", body)
    }

    fn openapi(version: &str) -> (&'static str, String) {
        ("200 OK", format!(r#"{{"info":{{"version":"{version}"}}}}"#))
    }

    fn looked(answers: Vec<(&'static str, String)>) -> (Instance, Vec<(Verdict, String, String)>) {
        let running = look_at_running(answering_with(answers), "server1");
        let checks = running.checks.into_iter();
        let checks = checks.map(|one| (one.verdict, one.found, one.remedy.unwrap_or_default()));
        (running.instance, checks.collect())
    }

    #[test]
    fn a_program_that_is_well_and_one_that_is_not() {
        let ready = || ("200 OK", "{}".to_owned());
        let (instance, checks) = looked(vec![status("server1"), ready(), openapi(VERSION)]);
        assert_eq!(instance, Instance::Runs { is_connected: true });
        assert!(checks.iter().all(|(verdict, ..)| *verdict == Verdict::Ok), "{checks:?}");

        let reply = r#"{"codigo":"broker_indisponivel","mensagem":"O servidor caiu."}"#.to_owned();
        let not_ready = ("503 Service Unavailable", reply);
        let (_, checks) = looked(vec![status("server1"), not_ready, openapi("0.0.9")]);
        let (verdict, found, remedy) = &checks[1];
        assert_eq!((*verdict, remedy.as_str()), (Verdict::Failure, "O servidor caiu."));
        assert_eq!(found, "GET /readyz answers 503 Service Unavailable");
        let (verdict, found, remedy) = &checks[2];
        assert_eq!(
            (*verdict, found.as_str()),
            (Verdict::Warning, &*format!("0.0.9 runs, and this command is {VERSION}"))
        );
        assert!(remedy.starts_with("restart the program"), "{remedy}");
    }

    #[test]
    fn a_program_that_refuses_what_is_too_much_is_not_taken_for_another_one() {
        let ready = || ("200 OK", "{}".to_owned());
        for (status, codigo, verdict, remedy) in [
            ("429 Too Many Requests", "requisicoes_demais", Verdict::Warning, "PROXIES_CONFIAVEIS"),
            ("503 Service Unavailable", "sobrecarregado", Verdict::Failure, "MAX_REQUISICOES"),
        ] {
            let body = format!(r#"{{"codigo":"{codigo}","mensagem":"Demais."}}"#);
            let refused = || (status, body.clone());
            let (instance, checks) = looked(vec![refused(), ready(), refused()]);
            assert_eq!(instance, Instance::Uncertain, "it may be another one");
            let (found, shown) = (checks[0].0, &checks[0].2);
            assert!(found == verdict && shown.contains(remedy), "{checks:?}");
            assert!(checks[0].1.ends_with(status), "{checks:?}");
            assert_eq!((checks[1].0, checks[2].0), (Verdict::Ok, Verdict::Unchecked), "{checks:?}");
        }
        let (_, checks) = looked(vec![("503 Service Unavailable", String::new())]);
        assert!(checks[0].1.contains("is not server1"), "another program: {checks:?}");
    }

    #[test]
    fn a_program_that_is_absent_is_not_taken_for_one_that_hangs_or_is_another() {
        let nobody = TcpListener::bind("127.0.0.1:0").expect("a port");
        let addr = nobody.local_addr().expect("an address");
        let silent = look_at_running(addr, "server1");
        assert_eq!(silent.instance, Instance::Uncertain);
        assert!(silent.checks[0].found.contains("does not answer"), "{:?}", silent.checks);
        drop(nobody);
        let absent = look_at_running(addr, "server1");
        assert_eq!(absent.instance, Instance::Absent);
        assert_eq!(absent.checks[0].verdict, Verdict::Warning);
        let (instance, checks) = looked(vec![status("server2")]);
        assert_eq!((instance, checks[0].0), (Instance::Uncertain, Verdict::Failure));
        assert!(checks[0].1.ends_with("is not server1: it answers \"server2\""), "{checks:?}");
        let (_, checks) = looked(vec![("404 Not Found", String::new())]);
        assert!(checks[0].1.contains("HTTP/1.1 404 Not Found"), "{checks:?}");
    }
}
