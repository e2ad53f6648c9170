//! Whether a request gives the length of its body in two ways, `Content-Length` and
//! `Transfer-Encoding`. A proxy may then see another length, and so let a request pass inside it
//! that it never checked. hyper drops the `Content-Length`, so only the bytes show it. One read can
//! have many requests and parts of them, so the bytes are followed from head to head.

use memchr::memchr;

const CONTENT_LENGTH: &[u8] = b"content-length:";
const TRANSFER_ENCODING: &[u8] = b"transfer-encoding:";

/// How much of a line is kept: enough for these names and any number that is not padded.
const LINE: usize = 64;

/// What the next bytes are.
#[derive(Clone, Copy)]
enum Part {
    RequestLine,
    Header,
    /// So many bytes of a body that has a length.
    Body(u64),
    ChunkSize,
    /// So many bytes of a chunk.
    Chunk(u64),
    ChunkEnd,
    Trailer,
    /// Something that cannot be followed, or should not be.
    Unknown,
}

/// Follows all bytes of one connection. Where hyper reads them in another way, it refuses them
/// and closes the connection, or the part becomes `Unknown`.
pub(in crate::http) struct HeadCheck {
    part: Part,
    /// The beginning of the current line, its length, and its last byte.
    line: [u8; LINE],
    length: usize,
    last: u8,
    /// Of the current head.
    content_length: Option<u64>,
    transfer_encoding: bool,
    /// How many heads were read to their end.
    heads: u64,
}

impl HeadCheck {
    pub(in crate::http) fn new() -> Self {
        Self {
            part: Part::RequestLine,
            line: [0; LINE],
            length: 0,
            last: 0,
            content_length: None,
            transfer_encoding: false,
            heads: 0,
        }
    }

    /// The number of the first request, counted from 0, whose `Transfer-Encoding` cannot be trusted.
    pub(in crate::http) fn suspect_from(&self) -> Option<u64> {
        matches!(self.part, Part::Unknown).then_some(self.heads)
    }

    /// The next bytes.
    pub(in crate::http) fn read(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            bytes = match self.part {
                Part::Unknown => return,
                Part::Body(left) | Part::Chunk(left) => self.skip(left, bytes),
                _ => self.read_line(bytes),
            };
        }
    }

    /// Skips what is there of a body or a chunk, and returns what follows it.
    fn skip<'a>(&mut self, left: u64, bytes: &'a [u8]) -> &'a [u8] {
        let skipped = bytes.len().min(usize::try_from(left).unwrap_or(usize::MAX));
        let left = left - skipped as u64;
        self.part = match self.part {
            Part::Chunk(_) if left == 0 => Part::ChunkEnd,
            Part::Chunk(_) => Part::Chunk(left),
            _ if left == 0 => Part::RequestLine,
            _ => Part::Body(left),
        };
        &bytes[skipped..]
    }

    /// Reads at most to the end of a line, and returns what follows it.
    fn read_line<'a>(&mut self, bytes: &'a [u8]) -> &'a [u8] {
        let end = memchr(b'\n', bytes);
        let (line, rest) = bytes.split_at(end.unwrap_or(bytes.len()));
        let kept = self.length.min(LINE);
        for (to, from) in self.line[kept..].iter_mut().zip(line) {
            *to = *from;
        }
        self.length += line.len();
        self.last = line.last().copied().unwrap_or(self.last);
        if end.is_some() {
            self.part = self.end_line();
            (self.length, self.last) = (0, 0);
        }
        rest.get(1..).unwrap_or_default()
    }

    /// What follows the current line.
    fn end_line(&mut self) -> Part {
        let line = &self.line[..self.length.min(LINE)];
        let is_blank = matches!(line, b"" | b"\r");
        match self.part {
            Part::RequestLine if is_blank => Part::RequestLine,
            Part::RequestLine => Part::Header,
            Part::Header if is_blank => self.end_head(),
            Part::Header => self.end_header(),
            // In a body, hyper takes only both characters for the end of a line.
            _ if self.last != b'\r' => Part::Unknown,
            Part::ChunkSize => match chunk_size(line) {
                None => Part::Unknown,
                Some(0) => Part::Trailer,
                Some(size) => Part::Chunk(size),
            },
            Part::ChunkEnd if is_blank => Part::ChunkSize,
            Part::Trailer if is_blank => Part::RequestLine,
            Part::Trailer => Part::Trailer,
            _ => Part::Unknown,
        }
    }

    fn end_header(&mut self) -> Part {
        let line = &self.line[..self.length.min(LINE)];
        self.transfer_encoding |= value(line, TRANSFER_ENCODING).is_some();
        if let Some(length) = value(line, CONTENT_LENGTH) {
            let length = (self.length <= LINE).then(|| number(length.trim_ascii(), 10));
            // hyper refuses what is no number, and two that differ.
            let Some(Some(length)) = length else { return Part::Unknown };
            self.content_length = Some(length);
        }
        Part::Header
    }

    fn end_head(&mut self) -> Part {
        let framing = (self.content_length.take(), std::mem::take(&mut self.transfer_encoding));
        let body = match framing {
            (Some(_), true) => return Part::Unknown,
            (None, true) => Part::ChunkSize,
            (None | Some(0), false) => Part::RequestLine,
            (Some(length), false) => Part::Body(length),
        };
        self.heads += 1;
        body
    }
}

/// The value of a header line, if it has this name.
fn value<'a>(line: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    let (found, value) = line.split_at_checked(name.len())?;
    found.eq_ignore_ascii_case(name).then_some(value)
}

fn chunk_size(line: &[u8]) -> Option<u64> {
    let end = line.iter().position(|byte| !byte.is_ascii_hexdigit())?;
    let (digits, rest) = line.split_at(end);
    matches!(rest[0], b'\r' | b';' | b' ' | b'\t').then(|| number(digits, 16)).flatten()
}

fn number(digits: &[u8], radix: u32) -> Option<u64> {
    u64::from_str_radix(str::from_utf8(digits).ok()?, radix).ok()
}
