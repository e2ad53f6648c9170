//! The health check of a container, so that an image needs no other program for it.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::time::Duration;

const TIME_LIMIT: Duration = Duration::from_secs(2);

/// Asks the program that listens on `port` of this machine whether it is ready.
///
/// # Errors
/// Why it is not, in one line.
pub fn healthcheck(port: u16) -> Result<(), String> {
    let addr = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let status = ask(addr).map_err(|error| format!("{addr} does not answer: {error}"))?;
    match status.split_whitespace().nth(1) {
        Some("200") => Ok(()),
        _ => Err(format!("{addr} is not ready: {}", status.trim_end())),
    }
}

/// The status line of `GET /readyz`.
fn ask(addr: SocketAddr) -> std::io::Result<String> {
    let mut connection = TcpStream::connect_timeout(&addr, TIME_LIMIT)?;
    connection.set_read_timeout(Some(TIME_LIMIT))?;
    connection.set_write_timeout(Some(TIME_LIMIT))?;
    connection
        .write_all(b"GET /readyz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")?;
    let mut answer = Vec::new();
    connection.take(4096).read_to_end(&mut answer)?;
    let answer = String::from_utf8_lossy(&answer);
    Ok(answer.lines().next().unwrap_or_default().to_owned())
}
