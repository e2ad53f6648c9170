//! The file with the tokens of apps: a line each, `app sha256:HEX [limite_por_minuto]`.

use std::collections::HashMap;
use std::fmt;
use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

use encoding_rs::UTF_8;
use protocol::AppId;
use service::SecretHash;

/// Of more tokens than anybody has apps.
const MAX_FILE: u64 = 1 << 20;
const HASH_PREFIX: &str = "sha256:";

/// A token as its line says it.
#[derive(Debug)]
pub(super) struct Line {
    number: usize,
    pub(super) app: AppId,
    pub(super) hash: SecretHash,
    /// Requests a minute, 0 for no limit. `None`: what holds for all.
    pub(super) limit: Option<u32>,
}

/// A line that is wrong. Nothing of it is shown but where it is: it may be a token by mistake.
#[derive(Debug, PartialEq, Eq)]
pub struct WrongLine {
    number: usize,
    reason: Reason,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
enum Reason {
    #[error("it should be: app sha256:HEX [limite_por_minuto]")]
    Words,
    #[error("the app should be 1 to 64 of A-Z a-z 0-9 _ -")]
    App,
    #[error(
        "the second word should be sha256: and 64 hexadecimal digits, as `client token` prints"
    )]
    Hash,
    #[error("the limit should be a number of requests in a minute, 0 for no limit")]
    Limit,
    #[error("line {0} has the same token for another app")]
    OtherApp(usize),
    #[error("line {0} has the same token with another limit")]
    OtherLimit(usize),
}

impl fmt::Display for WrongLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.number, self.reason)
    }
}

/// The content of the file, if it is one and not too long.
pub(super) fn read(path: &Path) -> io::Result<Vec<u8>> {
    // Of anything else, reading might never end.
    if !std::fs::metadata(path)?.is_file() {
        return Err(io::Error::other("it is no file"));
    }
    let mut content = Vec::new();
    File::open(path)?.take(MAX_FILE + 1).read_to_end(&mut content)?;
    if content.len() as u64 > MAX_FILE {
        return Err(io::Error::other("it has more than 1 MiB"));
    }
    Ok(content)
}

/// All tokens of the file. Texts are UTF-8, or what a byte order mark says; blank lines, and what
/// follows `#`, say nothing.
///
/// # Errors
/// Every line that is wrong.
pub(super) fn parse(content: &[u8]) -> Result<Vec<Line>, Vec<WrongLine>> {
    let (text, _, _) = UTF_8.decode(content);
    let (mut lines, mut wrong) = (Vec::<Line>::new(), Vec::new());
    let mut first: HashMap<[u8; 32], usize> = HashMap::new();
    for (number, text) in (1..).zip(text.lines()) {
        let text = text.split('#').next().unwrap_or_default();
        if text.trim().is_empty() {
            continue;
        }
        let checked = parse_line(number, text).and_then(|line| {
            let index = *first.entry(*line.hash.as_bytes()).or_insert(lines.len());
            check_repeat(lines.get(index), &line)?;
            Ok(line)
        });
        match checked {
            Ok(line) => lines.push(line),
            Err(reason) => wrong.push(WrongLine { number, reason }),
        }
    }
    if wrong.is_empty() { Ok(lines) } else { Err(wrong) }
}

fn parse_line(number: usize, text: &str) -> Result<Line, Reason> {
    let words: Vec<&str> = text.split_whitespace().collect();
    let (app, hash, limit) = match words[..] {
        [app, hash] => (app, hash, None),
        [app, hash, limit] => (app, hash, Some(limit)),
        _ => return Err(Reason::Words),
    };
    let app = app.parse().map_err(|_| Reason::App)?;
    let digits = hash.strip_prefix(HASH_PREFIX).ok_or(Reason::Hash)?;
    let hash = digits.parse().map_err(|_| Reason::Hash)?;
    let limit = limit.map(str::parse).transpose().map_err(|_| Reason::Limit)?;
    Ok(Line { number, app, hash, limit })
}

/// The same token twice is one token, if both lines say the same.
fn check_repeat(earlier: Option<&Line>, line: &Line) -> Result<(), Reason> {
    match earlier {
        Some(earlier) if earlier.app != line.app => Err(Reason::OtherApp(earlier.number)),
        Some(earlier) if earlier.limit != line.limit => Err(Reason::OtherLimit(earlier.number)),
        _ => Ok(()),
    }
}

/// The line of a token, as it is read.
pub(crate) fn line(app: &AppId, hash: &SecretHash) -> String {
    format!("{app} {HASH_PREFIX}{hash}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hash(text: &str) -> String {
        SecretHash::of(text).to_string()
    }

    /// App, hash and limit of each line, or what is wrong.
    type Read = Result<Vec<(String, String, Option<u32>)>, Vec<String>>;

    fn read_text(content: &[u8]) -> Read {
        match parse(content) {
            Ok(lines) => Ok(lines
                .into_iter()
                .map(|line| (line.app.to_string(), line.hash.to_string(), line.limit))
                .collect()),
            Err(wrong) => Err(wrong.iter().map(ToString::to_string).collect()),
        }
    }

    #[test]
    fn every_dialect_of_a_text_file_is_read() {
        let (a, b) = (hash("a"), hash("b"));
        let text = format!("app1 sha256:{a}\napp-2 sha256:{b} 60\n");
        let expected = Ok(vec![
            ("app1".to_owned(), a.clone(), None),
            ("app-2".to_owned(), b.clone(), Some(60)),
        ]);
        let utf16 = |bytes: fn(u16) -> [u8; 2]| {
            ("\u{FEFF}".to_owned() + &text).encode_utf16().flat_map(bytes).collect::<Vec<u8>>()
        };
        for (name, content) in [
            ("as it is documented", text.clone().into_bytes()),
            ("Windows", text.replace('\n', "\r\n").into_bytes()),
            ("a byte order mark", format!("\u{FEFF}{text}").into_bytes()),
            ("UTF-16, as PowerShell writes it", utf16(u16::to_le_bytes)),
            ("UTF-16, the other way round", utf16(u16::to_be_bytes)),
            ("no end of the last line", text.trim_end().as_bytes().to_vec()),
            ("comments and blank lines", format!("# apps\n\n  \t\n{text}#end").into_bytes()),
            ("comments behind", text.replace('\n', " # São Paulo\n").into_bytes()),
            ("tabs and blanks", text.replace(' ', " \t  ").replace('\n', "  \n").into_bytes()),
            ("upper case", text.replace(&a, &a.to_uppercase()).into_bytes()),
            (
                "a line twice",
                text.replace("app-2", &format!("app1 sha256:{a}\napp-2")).into_bytes(),
            ),
        ] {
            let mut read = read_text(&content);
            if let Ok(lines) = &mut read {
                lines.dedup();
            }
            assert_eq!(read, expected, "{name}");
        }
        assert_eq!(read_text(b""), Ok(vec![]));
        let rotation = format!("app1 sha256:{a}\napp1 sha256:{b}\n");
        assert_eq!(read_text(rotation.as_bytes()).expect("two tokens of one app").len(), 2);
    }

    #[test]
    fn every_wrong_line_is_named_and_no_word_of_it_is_shown() {
        let (a, b) = (hash("a"), hash("b"));
        let (words, hash) = ("it should be: app ", "the second word should be sha256: and 64 ");
        for (line, reason) in [
            ("app1".to_owned(), words),
            (format!("app1 sha256:{b} 60 61"), words),
            (format!("sha256:{b}"), words),
            (format!("app.1 sha256:{b}"), "the app should be 1 to 64 of "),
            (format!("{} sha256:{b}", "x".repeat(65)), "the app should be 1 to 64 of "),
            (format!("aplicação sha256:{b}"), "the app should be 1 to 64 of "),
            (format!("app1 {b}"), hash),
            (format!("app1 sha512:{b}"), hash),
            (format!("app1 sha256:{}", &b[1..]), hash),
            (format!("app1 sha256:{b}0"), hash),
            (format!("app1 sha256:{}g", &b[1..]), hash),
            (format!("app1 sha256:+{}", &b[1..]), hash),
            ("app1 apt_SECRET_TOKEN".to_owned(), hash),
            (format!("app1 sha256:{b} -1"), "the limit should be "),
            (format!("app1 sha256:{b} 1.5"), "the limit should be "),
            (format!("app1 sha256:{b} 4294967296"), "the limit should be "),
            (format!("app1 sha256:{b} muito"), "the limit should be "),
            (format!("app1 sha256:{a}"), "line 2 has the same token for another app"),
            (format!("app0 sha256:{a} 7"), "line 2 has the same token with another limit"),
        ] {
            let content = format!("# first\napp0 sha256:{a}\n{line}\nbad\n");
            let wrong = read_text(content.as_bytes()).expect_err(&line);
            assert_eq!(wrong.len(), 2, "{wrong:?}");
            assert!(wrong[0].starts_with(&format!("line 3: {reason}")), "{line}: {wrong:?}");
            assert!(wrong[1].starts_with("line 4: "), "{wrong:?}");
            for word in line.split_whitespace().filter(|word| word.len() > 8) {
                assert!(!wrong[0].contains(word), "{word} is shown in {wrong:?}");
            }
        }
    }
}
