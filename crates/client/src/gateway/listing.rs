//! Listing postos: pages of one version are gathered into one answer.

use protocol::topics::Command;
use protocol::{
    Codigo, ErrorReply, Page, PageLimit, PageStart, PostosFilter, PostosPage, PostosRequest,
    ReplyCodigo, ReplyHead, RequestId, ServerId, WrittenPostosReply,
};
use serde_json::{Value, from_slice};
use tokio::time::Instant;
use tracing::error;

use super::{Gateway, Reply};
use crate::error::GatewayError;

/// How many postos are asked for at once. As many as there can be: a list that fits in one message
/// needs no second one, during which it might change.
const PAGE_LIMIT: PageLimit = PageLimit::MAX;

/// How often a shorter page is asked for after one that the broker did not take. The servidor halves
/// its pages each time, from 16 MiB to less than the 10 KiB that every broker takes.
const MAX_SHORTER: u32 = 11;

/// How often a list that changes between two of its pages is read again from its first.
const MAX_RESTARTS: u32 = 3;

impl Gateway {
    /// One page, or the whole list where none is asked for.
    pub(crate) async fn list_postos(
        &self,
        request_id: RequestId,
        server_id: ServerId,
        filter: PostosFilter,
        page: Page,
    ) -> Result<Reply, GatewayError> {
        let deadline = self.query_deadline();
        let client_id = self.config.client_id.clone();
        let wants_page = page != Page::WHOLE;
        let page = Page { limite: page.limite.or(Some(PAGE_LIMIT)), ..page };
        let request = PostosRequest { request_id, client_id, server_id, filter, page };
        let first = self.list_page(&request, deadline).await?;
        let is_answer =
            if first.codigo.is_some() { !is_too_long(&first) } else { is_whole(&first) };
        if wants_page || is_answer {
            return Ok(first);
        }
        self.gather(request, first, deadline).await
    }

    async fn list_page(
        &self,
        request: &PostosRequest,
        deadline: Instant,
    ) -> Result<Reply, GatewayError> {
        let PostosRequest { request_id, server_id, .. } = request;
        self.send(deadline, Command::Postos, request_id, server_id, None, request).await
    }

    /// Reads the pages after the first one of `request`, each by a request of its own.
    async fn gather(
        &self,
        mut request: PostosRequest,
        first: Reply,
        deadline: Instant,
    ) -> Result<Reply, GatewayError> {
        let request_id = request.request_id.clone();
        let mut gathering = Gathering::default();
        let (mut restarts, mut shorter) = (0, 0);
        let mut reply = first;
        loop {
            let added = if is_too_long(&reply) && shorter < MAX_SHORTER {
                shorter += 1;
                Added::Next
            } else if reply.codigo.is_some() {
                return Ok(with_request_id(reply, &request_id));
            } else {
                gathering.add(&reply.body)
            };
            match added {
                Added::Last => return gathering.into_reply(&request_id),
                Added::Next => {}
                Added::Changed if restarts == MAX_RESTARTS => {
                    return Err(GatewayError::ListChanging(request.server_id));
                }
                Added::Changed => {
                    restarts += 1;
                    gathering = Gathering::default();
                }
            }
            request.page.apos = gathering.apos;
            request.request_id = RequestId::new();
            reply = self.list_page(&request, deadline).await?;
        }
    }
}

/// Whether the broker did not take the page that was asked for. It does not always say beforehand
/// how much it takes.
fn is_too_long(reply: &Reply) -> bool {
    reply.codigo == Some(ReplyCodigo::Known(Codigo::RequisicaoInvalida))
        && from_slice::<ErrorReply>(&reply.body)
            .is_ok_and(|error| error.campos.iter().any(|field| field.campo == "limite"))
}

/// Whether no page follows. Another program's servidor may write its fields in any order, and an
/// older one sends no version.
fn is_whole(reply: &Reply) -> bool {
    ReplyHead::from_json(&reply.body).is_ok_and(|head| head.is_whole_listing)
        || from_slice::<PostosPage<'_>>(&reply.body).map_or(true, |page| page.proxima.is_none())
}

/// How long the gathered pages may be: some 350,000 postos. Another program's servidor may send pages
/// without end.
const MAX_GATHERED: usize = 64 << 20;

/// The pages of one version so far.
#[derive(Default)]
struct Gathering {
    bytes: usize,
    versao: Option<String>,
    pages: Vec<String>,
    /// Where the next page begins; `None` before the first.
    apos: Option<PageStart>,
}

enum Added {
    Last,
    /// Another page follows.
    Next,
    /// It does not belong to the pages before.
    Changed,
}

impl Gathering {
    fn add(&mut self, body: &[u8]) -> Added {
        let page = from_slice::<PostosPage<'_>>(body).ok();
        let Some((page, postos)) = page.as_ref().and_then(|page| Some((page, page.postos()?)))
        else {
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

    fn into_reply(self, request_id: &RequestId) -> Result<Reply, GatewayError> {
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

/// The answer to a request for one page, as the answer to its caller's.
fn with_request_id(reply: Reply, request_id: &RequestId) -> Reply {
    let Ok(Value::Object(mut fields)) = from_slice(&reply.body) else { return reply };
    fields.insert("request_id".to_owned(), request_id.as_str().into());
    Reply { body: Value::Object(fields).to_string().into(), ..reply }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(versao: &str, proxima: &str, ids: &[i64]) -> String {
        let postos: Vec<_> = ids.iter().map(|id| format!(r#"{{"id":{id}}}"#)).collect();
        format!(r#"{{"request_id":"p",{versao}{proxima}"postos":[{}]}}"#, postos.join(","))
    }

    fn reply(body: &str) -> Reply {
        Reply { codigo: None, body: body.to_owned().into() }
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
        let refused = with_request_id(reply_of_page(), &"r1".parse().unwrap());
        let refused: Value = from_slice(&refused.body).unwrap();
        assert_eq!((&refused["request_id"], &refused["codigo"]), (&"r1".into(), &"novo".into()));
    }

    fn reply_of_page() -> Reply {
        reply(r#"{"request_id":"p","status":"erro","codigo":"novo","mensagem":"x"}"#)
    }

    #[test]
    fn a_page_is_followed_by_another_wherever_it_says_so() {
        for (body, whole) in [
            (page(r#""versao":"a-1","#, "", &[1]), true),
            (page("", "", &[1]), true),
            (page(r#""versao":"a-1","#, r#""proxima":1,"#, &[1]), false),
            (page("", r#""proxima":1,"#, &[1]), false),
            (
                r#"{"request_id":"p","postos":[{"id":1}],"versao":"a","proxima":1}"#.to_owned(),
                false,
            ),
            (r#"{"request_id":"p","postos":[{"id":1}],"versao":"a"}"#.to_owned(), true),
            (r#"{"request_id":"p","proxima":null,"versao":"a","postos":[]}"#.to_owned(), true),
            (r#"{"request_id":"p","inalterada":true}"#.to_owned(), true),
        ] {
            assert_eq!(is_whole(&reply(&body)), whole, "{body}");
        }
    }
}
