//! The health check of a container: a program asks its own instance on this machine whether it is
//! ready, so that an image needs no other program for that.

use std::net::SocketAddr;
use std::time::Duration;

use crate::own_instance::OwnInstance;

/// Less than Docker waits.
const LIMIT: Duration = Duration::from_secs(2);

/// Asks the instance that listens on `http_addr`.
///
/// # Errors
/// It does not answer, or is not ready; the text says so.
pub(crate) fn healthcheck(http_addr: SocketAddr) -> Result<(), String> {
    let own = OwnInstance::at(http_addr);
    let addr = own.addr();
    let answer = own.get("/readyz", LIMIT);
    let answer = answer.map_err(|error| format!("{addr} does not answer: {error}"))?;
    match answer.status() {
        "200" => Ok(()),
        _ => Err(format!("{addr} is not ready: {}", answer.status_line)),
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};
    use std::net::TcpListener;

    use super::*;

    #[test]
    fn an_answer_from_another_loopback_address_counts() {
        let listener = TcpListener::bind("127.0.0.7:0").expect("a port");
        let addr = listener.local_addr().expect("an address");
        let answering = std::thread::spawn(move || {
            for status in ["200 OK", "503 Service Unavailable"] {
                let (mut connection, _) = listener.accept().expect("a connection");
                let mut request = [0; 4096];
                let length = connection.read(&mut request).expect("a request");
                assert!(request[..length].starts_with(b"GET /readyz "));
                let response = format!("HTTP/1.1 {status}\r\nConnection: close\r\n\r\n");
                connection.write_all(response.as_bytes()).expect("it is sent");
            }
        });
        assert_eq!(healthcheck(addr), Ok(()));
        let text = format!("{addr} is not ready: HTTP/1.1 503 Service Unavailable");
        assert_eq!(healthcheck(addr), Err(text));
        answering.join().expect("two answers");
    }
}
