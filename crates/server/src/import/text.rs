//! The text of a file of postos, whatever program wrote it.

use encoding_rs::{Encoding, UTF_8, WINDOWS_1252};

/// What the first bytes of other files say, and what such a file is.
const OTHER_FILES: [(&[u8], &str); 4] = [
    (b"PK\x03\x04", "uma planilha do Excel ou do LibreOffice (.xlsx, .ods)"),
    (b"\xD0\xCF\x11\xE0", "uma planilha antiga do Excel (.xls)"),
    (b"\x1F\x8B", "um arquivo comprimido (gzip)"),
    (b"%PDF", "um PDF"),
];

/// Decodes UTF-8 and UTF-16, as a byte order mark says, UTF-8 without one, and Windows-1252, which
/// is what Excel in Brazil writes as "CSV".
///
/// # Errors
/// The line of what cannot be read, and why it cannot.
pub(super) fn decode(bytes: &[u8]) -> Result<String, (u64, String)> {
    if let Some((_, kind)) = OTHER_FILES.iter().find(|(start, _)| bytes.starts_with(start)) {
        let advice = "abra-o em uma planilha e salve como CSV UTF-8";
        return Err((1, format!("o arquivo não é CSV, e sim {kind}: {advice}")));
    }
    if let Some((encoding, mark)) = Encoding::for_bom(bytes) {
        return decode_as(encoding, &bytes[mark..]);
    }
    if bytes.contains(&0) {
        let advice = "o arquivo não é texto, ou é UTF-16 sem marca: salve como CSV UTF-8";
        return Err((1, advice.to_owned()));
    }
    match str::from_utf8(bytes) {
        Ok(text) => Ok(text.to_owned()),
        Err(error) => {
            // Text in Windows-1252 has hardly ever two letters in a row that are one in UTF-8.
            let is_mixed = bytes.utf8_chunks().any(|chunk| !chunk.valid().is_ascii());
            if is_mixed {
                return Err(unreadable(&bytes[..error.valid_up_to()]));
            }
            decode_as(WINDOWS_1252, bytes)
        }
    }
}

fn decode_as(encoding: &'static Encoding, bytes: &[u8]) -> Result<String, (u64, String)> {
    if let Some(text) = encoding.decode_without_bom_handling_and_without_replacement(bytes) {
        return Ok(text.into_owned());
    }
    let (text, _) = encoding.decode_without_bom_handling(bytes);
    let readable = match str::from_utf8(bytes) {
        Err(error) if encoding == UTF_8 => &bytes[..error.valid_up_to()],
        _ => text.split('\u{FFFD}').next().unwrap_or_default().as_bytes(),
    };
    Err(unreadable(readable))
}

/// What is wrong after the part of a file that can be read.
fn unreadable(readable: &[u8]) -> (u64, String) {
    let line = 1 + readable.iter().filter(|byte| **byte == b'\n').count() as u64;
    (line, "há bytes que não são texto na codificação do resto: salve como CSV UTF-8".to_owned())
}
