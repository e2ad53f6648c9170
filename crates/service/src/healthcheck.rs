//! The health check of a container: a program asks its own instance on this machine whether it is
//! ready, so that an image needs no other program for that.

use std::io::{self, Read as _, Write as _};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream};
use std::time::Duration;

/// Time limit of each step.
const STEP_LIMIT: Duration = Duration::from_secs(2);

/// Asks the instance that listens on `http_addr`.
///
/// # Errors
/// It does not answer, or is not ready; the text says so.
pub(crate) fn healthcheck(http_addr: SocketAddr) -> Result<(), String> {
    let addr = reachable(http_addr);
    let status = readyz(addr).map_err(|error| format!("{addr} does not answer: {error}"))?;
    match status.split_whitespace().nth(1) {
        Some("200") => Ok(()),
        _ => Err(format!("{addr} is not ready: {}", status.trim_end())),
    }
}

/// Where to connect to what listens on `addr`: every address includes the loopback address.
fn reachable(mut addr: SocketAddr) -> SocketAddr {
    if addr.ip().is_unspecified() {
        addr.set_ip(match addr {
            SocketAddr::V4(_) => IpAddr::V4(Ipv4Addr::LOCALHOST),
            SocketAddr::V6(_) => IpAddr::V6(Ipv6Addr::LOCALHOST),
        });
    }
    addr
}

/// The status line of `GET /readyz`.
fn readyz(addr: SocketAddr) -> io::Result<String> {
    let mut connection = TcpStream::connect_timeout(&addr, STEP_LIMIT)?;
    connection.set_read_timeout(Some(STEP_LIMIT))?;
    connection.set_write_timeout(Some(STEP_LIMIT))?;
    connection
        .write_all(b"GET /readyz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")?;
    let mut response = Vec::new();
    connection.take(4096).read_to_end(&mut response)?;
    let response = String::from_utf8_lossy(&response);
    Ok(response.lines().next().unwrap_or_default().to_owned())
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    #[test]
    fn it_asks_where_the_program_listens() {
        for (listens, asked) in [
            ("0.0.0.0:8000", "127.0.0.1:8000"),
            ("[::]:8000", "[::1]:8000"),
            ("127.0.0.7:8000", "127.0.0.7:8000"),
            ("10.1.2.3:8000", "10.1.2.3:8000"),
            ("[fd00::7]:8000", "[fd00::7]:8000"),
        ] {
            let addr = reachable(listens.parse().expect("an address"));
            assert_eq!(addr.to_string(), asked, "{listens}");
        }
    }

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
