//! Requests of a command line to the instance of its program that runs on this machine, so that an
//! image needs no HTTP client.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream};
use std::time::{Duration, Instant};

/// The longest answer that is read.
const MAX_ANSWER: u64 = 1 << 20;

/// The instance that listens at an address.
pub struct OwnInstance {
    addr: SocketAddr,
    token: Option<String>,
}

/// What it answered.
#[derive(Debug)]
pub struct OwnAnswer {
    /// For example `HTTP/1.1 200 OK`.
    pub status_line: String,
    pub body: Vec<u8>,
}

impl OwnAnswer {
    /// For example `200`; empty if it is no answer of HTTP.
    pub fn status(&self) -> &str {
        self.status_line.split_whitespace().nth(1).unwrap_or_default()
    }
}

impl OwnInstance {
    /// The one with this `HTTP_ADDR`: every address includes the loopback address.
    pub fn at(mut http_addr: SocketAddr) -> Self {
        if http_addr.ip().is_unspecified() {
            http_addr.set_ip(match http_addr {
                SocketAddr::V4(_) => IpAddr::V4(Ipv4Addr::LOCALHOST),
                SocketAddr::V6(_) => IpAddr::V6(Ipv6Addr::LOCALHOST),
            });
        }
        Self { addr: http_addr, token: None }
    }

    /// It is asked with this token from now on.
    pub fn with_token(self, token: Option<String>) -> Self {
        Self { token, ..self }
    }

    /// Where it is asked.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// # Errors
    /// It does not answer, or not to the end within `limit`.
    pub fn get(&self, path: &str, limit: Duration) -> io::Result<OwnAnswer> {
        self.ask(&format!("GET {path} HTTP/1.1\r\n"), &[], limit)
    }

    /// # Errors
    /// It does not answer, or not to the end within `limit`.
    pub fn delete(&self, path: &str, limit: Duration) -> io::Result<OwnAnswer> {
        self.ask(&format!("DELETE {path} HTTP/1.1\r\n"), &[], limit)
    }

    /// # Errors
    /// It does not answer, or not to the end within `limit`.
    pub fn post(
        &self,
        path: &str,
        content_type: &str,
        body: &[u8],
        limit: Duration,
    ) -> io::Result<OwnAnswer> {
        let length = body.len();
        let head = format!(
            "POST {path} HTTP/1.1\r\nContent-Type: {content_type}\r\nContent-Length: {length}\r\n"
        );
        self.ask(&head, body, limit)
    }

    fn ask(&self, head: &str, body: &[u8], limit: Duration) -> io::Result<OwnAnswer> {
        let deadline = Instant::now() + limit;
        let connection = TcpStream::connect_timeout(&self.addr, limit)?;
        let mut connection = Timed { connection, deadline };
        let token = self.token.as_ref();
        let token = token.map(|token| format!("Authorization: Bearer {token}\r\n"));
        let token = token.unwrap_or_default();
        let head = format!("{head}{token}Host: localhost\r\nConnection: close\r\n\r\n");
        connection.write_all(&[head.as_bytes(), body].concat())?;
        let mut answer = Vec::new();
        connection.take(MAX_ANSWER).read_to_end(&mut answer)?;
        let end = answer.windows(4).position(|bytes| bytes == b"\r\n\r\n");
        let body = end.map_or_else(Vec::new, |end| answer.split_off(end + 4));
        let head = String::from_utf8_lossy(&answer);
        let status_line = head.lines().next().unwrap_or_default().trim_end().to_owned();
        Ok(OwnAnswer { status_line, body })
    }
}

/// A connection that is given up at its deadline, also where each step makes a little progress.
struct Timed {
    connection: TcpStream,
    deadline: Instant,
}

impl Timed {
    fn left(&self) -> io::Result<Duration> {
        let left = self.deadline.saturating_duration_since(Instant::now());
        if left.is_zero() { Err(ErrorKind::TimedOut.into()) } else { Ok(left) }
    }
}

/// Linux calls a time limit that is over an operation that would block.
fn timed_out(error: io::Error) -> io::Error {
    if error.kind() == ErrorKind::WouldBlock { ErrorKind::TimedOut.into() } else { error }
}

impl Read for Timed {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.connection.set_read_timeout(Some(self.left()?))?;
        self.connection.read(buffer).map_err(timed_out)
    }
}

impl Write for Timed {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.connection.set_write_timeout(Some(self.left()?))?;
        self.connection.write(bytes).map_err(timed_out)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.connection.flush()
    }
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    #[test]
    fn an_answer_that_goes_on_and_on_is_given_up() {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let own = OwnInstance::at(listener.local_addr().expect("an address"));
        std::thread::spawn(move || {
            let (mut connection, _) = listener.accept().expect("a connection");
            while connection.write_all(b"x").is_ok() {
                std::thread::sleep(Duration::from_millis(20));
            }
        });
        let begun = Instant::now();
        let error = own.get("/status", Duration::from_millis(300)).expect_err("it never ends");
        assert_eq!(error.kind(), ErrorKind::TimedOut);
        assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    }

    #[test]
    fn it_asks_where_the_program_listens() {
        for (listens, asked) in [
            ("0.0.0.0:8000", "127.0.0.1:8000"),
            ("[::]:8000", "[::1]:8000"),
            ("127.0.0.7:8000", "127.0.0.7:8000"),
            ("10.1.2.3:8000", "10.1.2.3:8000"),
            ("[fd00::7]:8000", "[fd00::7]:8000"),
        ] {
            let addr = OwnInstance::at(listens.parse().expect("an address")).addr();
            assert_eq!(addr.to_string(), asked, "{listens}");
        }
    }
}
