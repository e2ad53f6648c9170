//! Pages of one version, gathered into one list.

use protocol::{ListingReply, PageStart, RequestId, WrittenPostosReply};
use tracing::error;

use super::Reply;
use crate::error::GatewayError;

/// How long the gathered pages may be: some 350,000 postos. Another program's servidor may send pages
/// without end.
const MAX_GATHERED: usize = 64 << 20;

/// The pages of one version so far.
#[derive(Default)]
pub(super) struct Gathering {
    bytes: usize,
    versao: Option<String>,
    pages: Vec<String>,
    /// Where the next page begins; `None` before the first.
    pub(super) apos: Option<PageStart>,
}

pub(super) enum Added {
    Last,
    /// Another page follows.
    Next,
    /// It does not belong to the pages before.
    Changed,
}

impl Gathering {
    pub(super) fn add(&mut self, body: &[u8]) -> Added {
        let page = ListingReply::read_whole(body);
        let Some((page, postos)) = page.as_ref().and_then(|page| {
            let postos = std::str::from_utf8(page.postos?).ok()?;
            Some((page, postos))
        }) else {
            return Added::Changed;
        };
        if self.pages.is_empty() {
            self.versao = page.versao.as_deref().map(str::to_owned);
        } else if self.versao.as_deref() != page.versao.as_deref() {
            return Added::Changed;
        }
        self.bytes += postos.len();
        if self.bytes > MAX_GATHERED {
            return Added::Changed;
        }
        let Some(proxima) = page.proxima else {
            self.pages.push(postos.to_owned());
            return Added::Last;
        };
        let next = PageStart::new(proxima).ok();
        // Otherwise the pages would never end.
        if next.map(PageStart::get) <= self.apos.map(PageStart::get) {
            return Added::Changed;
        }
        self.pages.push(postos.to_owned());
        self.apos = next;
        Added::Next
    }

    pub(super) fn into_reply(self, request_id: &RequestId) -> Result<Reply, GatewayError> {
        let pages: Vec<&str> = self.pages.iter().map(String::as_str).collect();
        let reply = WrittenPostosReply {
            request_id: request_id.as_str(),
            versao: self.versao.as_deref(),
            proxima: None,
            postos: &pages,
        };
        let body = reply.to_json().map_err(|error| {
            error!(%request_id, %error, "a listing cannot be written as JSON");
            GatewayError::Internal
        })?;
        Ok(Reply { codigo: None, body: body.into() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(versao: &str, proxima: &str, ids: &[i64]) -> String {
        let postos: Vec<_> = ids.iter().map(|id| format!(r#"{{"id":{id}}}"#)).collect();
        format!(r#"{{"request_id":"p",{versao}{proxima}"postos":[{}]}}"#, postos.join(","))
    }

    #[test]
    fn only_pages_of_one_version_that_advance_are_gathered() {
        let v1 = r#""versao":"a-1","#;
        for (second, expected) in [
            (page(v1, "", &[3]), "last"),
            (page(v1, r#""proxima":3,"#, &[3]), "next"),
            (page(v1, "", &[]), "last"),
            (page(r#""versao":"a-2","#, "", &[3]), "changed"),
            (page("", "", &[3]), "changed"),
            (page(v1, r#""proxima":2,"#, &[3]), "changed"),
            (page(v1, r#""proxima":-1,"#, &[3]), "changed"),
            (r#"{"request_id":"p","versao":"a-1"}"#.to_owned(), "changed"),
            (r#"{"request_id":"p","versao":"a-1","postos":5}"#.to_owned(), "changed"),
        ] {
            let mut gathering = Gathering::default();
            let first = page(v1, r#""proxima":2,"#, &[1, 2]);
            assert!(matches!(gathering.add(first.as_bytes()), Added::Next));
            let added = match gathering.add(second.as_bytes()) {
                Added::Last => "last",
                Added::Next => "next",
                Added::Changed => "changed",
            };
            assert_eq!(added, expected, "{second}");
        }
    }

    #[test]
    fn pages_without_end_are_not_gathered() {
        let mut gathering = Gathering::default();
        let long = format!(r#"{{"id":1,"nome":"{}"}}"#, "x".repeat(MAX_GATHERED / 4));
        for (proxima, fits) in [(1, true), (2, true), (3, true), (4, false)] {
            let page = format!(r#"{{"request_id":"p","proxima":{proxima},"postos":[{long}]}}"#);
            assert_eq!(matches!(gathering.add(page.as_bytes()), Added::Next), fits, "{proxima}");
        }
    }

    #[test]
    fn gathered_pages_are_one_list_under_the_callers_id() {
        let mut gathering = Gathering::default();
        for (proxima, ids) in
            [(r#""proxima":2,"#, &[1, 2][..]), (r#""proxima":5,"#, &[]), ("", &[7])]
        {
            gathering.add(page(r#""versao":"a-1","#, proxima, ids).as_bytes());
        }
        let reply = gathering.into_reply(&"r1".parse().unwrap()).unwrap();
        let expected =
            r#"{"request_id":"r1","versao":"a-1","postos":[{"id":1},{"id":2},{"id":7}]}"#;
        assert_eq!(reply.body, expected);
    }
}
