//! TLS over a connection that is read by one part of the program and written by another. Both use
//! the same rustls session; neither ever waits while it holds that.

use std::io::{self, BufReader, ErrorKind, IoSlice, Read, Write};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Buf, BytesMut};
use parking_lot::Mutex;
use tokio::io::{AsyncRead, ReadBuf};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::rustls::{ClientConfig, ClientConnection};

use super::loss::Reason;
use super::tls_problem::TlsProblem;

/// For the handshake.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(5);
/// Two records: rustls itself would ask the kernel for 4 KiB at a time.
const READ_AHEAD: usize = 32 * 1024;
/// How much of a buffer is filled at once. It is zeroed first.
const MAX_FILL: usize = 16 * 1024;

type Session = Arc<Mutex<ClientConnection>>;

/// Does the TLS handshake with the broker, which checks its certificate.
pub(super) async fn connect(
    config: Arc<ClientConfig>,
    broker: &str,
    stream: TcpStream,
) -> Result<(TlsReader, TlsWriter), Reason> {
    let has_certificate = config.client_auth_cert_resolver.has_certs();
    let name = ServerName::try_from(broker.to_owned())
        .map_err(|_| TlsProblem::NoServerName(broker.to_owned()))?;
    let handshake = TlsConnector::from(config).connect(name, stream);
    let done = timeout(HANDSHAKE_TIMEOUT, handshake).await.map_err(|_| TlsProblem::Silent)?;
    let stream = done.map_err(|error| TlsProblem::of_handshake(&error, has_certificate))?;
    let (stream, session) = stream.into_inner();
    let session = Arc::new(Mutex::new(session));
    let (reader, writer) = stream.into_split();
    let reader = BufReader::with_capacity(READ_AHEAD, NonBlocking(reader));
    Ok((
        TlsReader { stream: reader, session: Arc::clone(&session), has_certificate },
        TlsWriter { stream: NonBlocking(writer), session },
    ))
}

/// Reads and writes what is possible without waiting.
struct NonBlocking<T>(T);

impl Read for NonBlocking<OwnedReadHalf> {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        self.0.try_read(bytes)
    }
}

impl Write for NonBlocking<OwnedWriteHalf> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.try_write(bytes)
    }

    fn write_vectored(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        self.0.try_write_vectored(slices)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

pub(super) struct TlsReader {
    stream: BufReader<NonBlocking<OwnedReadHalf>>,
    session: Session,
    /// Whether this program has a certificate of its own: an alert means something else then.
    has_certificate: bool,
}

impl AsyncRead for TlsReader {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let fill = buffer.remaining().min(MAX_FILL);
        loop {
            match this.read(buffer.initialize_unfilled_to(fill)) {
                Ok(read) => {
                    buffer.advance(read);
                    return Poll::Ready(Ok(()));
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    ready!(this.stream.get_ref().0.as_ref().poll_read_ready(context))?;
                }
                Err(error) => return Poll::Ready(Err(error)),
            }
        }
    }
}

impl TlsReader {
    /// The peer's own certificate, in DER.
    pub(super) fn certificate(&self) -> Option<Vec<u8>> {
        let session = self.session.lock();
        session.peer_certificates()?.first().map(|certificate| certificate.to_vec())
    }

    /// What has arrived, decrypted. 0 at the end of the connection: MQTT packets have lengths, so an
    /// end without TLS's own close_notify, as of a broker that was killed, hides nothing.
    fn read(&mut self, plain: &mut [u8]) -> io::Result<usize> {
        let mut session = self.session.lock();
        loop {
            match session.reader().read(plain) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Err(error) if error.kind() == ErrorKind::UnexpectedEof => return Ok(0),
                read => return read,
            }
            session.read_tls(&mut self.stream)?;
            let processed = session.process_new_packets();
            processed.map_err(|error| {
                let problem = TlsProblem::of_session(&error, self.has_certificate);
                io::Error::new(ErrorKind::InvalidData, problem)
            })?;
        }
    }
}

pub(super) struct TlsWriter {
    stream: NonBlocking<OwnedWriteHalf>,
    session: Session,
}

impl TlsWriter {
    /// Encrypts and writes what the socket takes; the number of bytes that it took. What is
    /// encrypted is removed from `outgoing`, and may wait in the session.
    pub(super) fn write(&mut self, outgoing: &mut BytesMut) -> io::Result<usize> {
        let mut session = self.session.lock();
        let mut taken = 0;
        loop {
            while session.wants_write() {
                match session.write_tls(&mut self.stream) {
                    Ok(0) => return Err(ErrorKind::WriteZero.into()),
                    Ok(written) => taken += written,
                    Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(taken),
                    Err(error) => return Err(error),
                }
            }
            if outgoing.is_empty() {
                return Ok(taken);
            }
            let encrypted = session.writer().write(outgoing)?;
            outgoing.advance(encrypted);
        }
    }

    /// Whether the socket has not taken everything that is encrypted.
    pub(super) fn is_waiting(&self) -> bool {
        self.session.lock().wants_write()
    }

    pub(super) async fn writable(&self) -> io::Result<()> {
        self.stream.0.writable().await
    }
}
