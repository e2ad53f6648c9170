//! Whether the head of a request has both `Content-Length` and `Transfer-Encoding`. hyper drops the
//! former, so only the bytes can show it; such a request may mean another length to a proxy.

use memchr::memchr;

const CONTENT_LENGTH: &[u8] = b"content-length";
const TRANSFER_ENCODING: &[u8] = b"transfer-encoding";

/// Follows the bytes of one head.
#[derive(Default)]
pub(super) struct HeadCheck {
    /// The beginning of the current line, and the length of the line.
    line: [u8; TRANSFER_ENCODING.len() + 1],
    length: usize,
    content_length: bool,
    transfer_encoding: bool,
    ended: bool,
}

impl HeadCheck {
    /// The next bytes. What follows the head is ignored.
    pub(super) fn read(&mut self, mut bytes: &[u8]) {
        while !self.ended && !bytes.is_empty() {
            let end = memchr(b'\n', bytes);
            let (line, rest) = bytes.split_at(end.unwrap_or(bytes.len()));
            let kept = self.line.len().min(self.length);
            for (to, from) in self.line[kept..].iter_mut().zip(line) {
                *to = *from;
            }
            self.length += line.len();
            bytes = rest.get(1..).unwrap_or_default();
            if end.is_some() {
                self.end_line();
            }
        }
    }

    fn end_line(&mut self) {
        let line = &self.line[..self.line.len().min(self.length)];
        let is = |name: &[u8]| {
            line.get(name.len()) == Some(&b':') && line[..name.len()].eq_ignore_ascii_case(name)
        };
        match line.first() {
            Some(b'c' | b'C') => self.content_length |= is(CONTENT_LENGTH),
            Some(b't' | b'T') => self.transfer_encoding |= is(TRANSFER_ENCODING),
            // Lines before the request line may be blank.
            None | Some(b'\r') => self.ended = self.seen_a_line(),
            Some(_) => {}
        }
        self.length = 0;
    }

    fn seen_a_line(&self) -> bool {
        !self.line.iter().all(|byte| matches!(byte, 0 | b'\r'))
    }

    pub(super) fn has_two_lengths(&self) -> bool {
        self.content_length && self.transfer_encoding
    }
}
