//! The cheapest HTTP/1.1 client there is: one connection, one request at a time.

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
            if let Some(end) = self.input.windows(4).position(|bytes| bytes == b"\r\n\r\n") {
                break end + 4;
            }
            self.fill().await?;
        };
        let text = String::from_utf8_lossy(&self.input[..head]).to_ascii_lowercase();
        let status = text.get(9..12).and_then(|text| text.parse().ok()).unwrap_or(0);
        let length = text.lines().find_map(|line| line.strip_prefix("content-length:"));
        let length: usize = length.and_then(|text| text.trim().parse().ok()).unwrap_or(0);
        self.input.advance(head);
        while self.input.len() < length {
            self.fill().await?;
        }
        Ok((status, self.input.split_to(length)))
    }

    async fn fill(&mut self) -> std::io::Result<()> {
        match self.stream.read_buf(&mut self.input).await? {
            0 => Err(std::io::ErrorKind::UnexpectedEof.into()),
            _ => Ok(()),
        }
    }
}
