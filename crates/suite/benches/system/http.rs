//! A minimal HTTP/1.1 client, so that the load generator costs little: one connection, one request
//! at a time.

use bytes::{Buf as _, BytesMut};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

pub(crate) struct Connection {
    stream: TcpStream,
    input: BytesMut,
    output: Vec<u8>,
}

impl Connection {
    pub(crate) async fn open(addr: &str) -> std::io::Result<Self> {
        let stream = TcpStream::connect(addr).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, input: BytesMut::with_capacity(1 << 14), output: Vec::new() })
    }

    pub(crate) async fn get(&mut self, path: &str) -> std::io::Result<(u16, BytesMut)> {
        self.output.clear();
        self.output.extend_from_slice(format!("GET {path} HTTP/1.1\r\nhost: b\r\n\r\n").as_bytes());
        self.exchange().await
    }

    pub(crate) async fn post(
        &mut self,
        path: &str,
        body: &str,
    ) -> std::io::Result<(u16, BytesMut)> {
        self.output.clear();
        let head = format!(
            "POST {path} HTTP/1.1\r\nhost: b\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
            body.len()
        );
        self.output.extend_from_slice(head.as_bytes());
        self.output.extend_from_slice(body.as_bytes());
        self.exchange().await
    }

    /// Status and body.
    async fn exchange(&mut self) -> std::io::Result<(u16, BytesMut)> {
        self.stream.write_all(&self.output).await?;
        let head = loop {
            if let Some(head) = Head::read(&self.input)? {
                break head;
            }
            self.fill().await?;
        };
        self.input.advance(head.size);
        while self.input.len() < head.length {
            self.fill().await?;
        }
        Ok((head.status, self.input.split_to(head.length)))
    }

    async fn fill(&mut self) -> std::io::Result<()> {
        match self.stream.read_buf(&mut self.input).await? {
            0 => Err(std::io::ErrorKind::UnexpectedEof.into()),
            _ => Ok(()),
        }
    }
}

/// The parts of a response head that are used.
struct Head {
    status: u16,
    size: usize,
    /// Length of the body.
    length: usize,
}

impl Head {
    /// `None` if the head is incomplete.
    fn read(input: &[u8]) -> std::io::Result<Option<Self>> {
        let mut headers = [httparse::EMPTY_HEADER; 32];
        let mut answer = httparse::Response::new(&mut headers);
        let parsed = answer.parse(input).map_err(std::io::Error::other)?;
        let httparse::Status::Complete(size) = parsed else {
            return Ok(None);
        };
        let mut headers = answer.headers.iter();
        let length = headers.find(|header| header.name.eq_ignore_ascii_case("content-length"));
        let length = length.and_then(|header| std::str::from_utf8(header.value).ok());
        let length = length.and_then(|length| length.parse().ok()).unwrap_or(0);
        Ok(Some(Self { status: answer.code.unwrap_or(0), size, length }))
    }
}
