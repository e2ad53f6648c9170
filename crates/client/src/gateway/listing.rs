//! Listing postos.
//!
//! The gateway keeps the listings that it was given, and asks with their `versao`. What it keeps it
//! gives to a caller only when the servidor has confirmed it after that caller asked.

use std::sync::Arc;

use bytes::Bytes;
use protocol::topics::Command;
use protocol::{
    Codigo, ErrorReply, ListingReply, Page, PageLimit, PostosFilter, PostosRequest, ReplyCodigo,
    ReplyHead, RequestId, ServerId,
};
use serde_json::{Value, from_slice};
use service::{Trace, in_trace};
use tokio::time::Instant;
use tracing::error;

use super::commands::Sending;
use super::gathering::{Added, Gathering};
use super::listing_cache::{CachedListing, ListingAnswer, ListingKey};
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
        self: &Arc<Self>,
        request_id: &RequestId,
        server_id: ServerId,
        filter: PostosFilter,
        page: Page,
    ) -> Result<ListingAnswer, GatewayError> {
        let Page { limite, apos } = page;
        let key = ListingKey { server_id, filter, limite, apos };
        // Of the first caller who shares the question, so no other one waits longer than it may.
        let deadline = self.query_deadline();
        let question = self.listing_requests.ask(&key, || {
            let (gateway, request_id, key) = (Arc::clone(self), request_id.clone(), key.clone());
            let asking = async move { gateway.ask_for_listing(request_id, key, deadline).await };
            in_trace(Trace::current().as_ref(), asking)
        });
        Ok(match question.await? {
            ListingAnswer::Other(reply) => ListingAnswer::Other(with_request_id(reply, request_id)),
            listing @ ListingAnswer::Listing(_) => listing,
        })
    }

    async fn ask_for_listing(
        &self,
        request_id: RequestId,
        key: ListingKey,
        deadline: Instant,
    ) -> Result<ListingAnswer, GatewayError> {
        let kept = self.listing_cache.get(&key);
        let page = key.page();
        let mut request = PostosRequest {
            request_id,
            client_id: self.config.client_id.clone(),
            server_id: key.server_id.clone(),
            listas: Some(true),
            filter: key.filter.clone(),
            page: Page { limite: page.limite.or(Some(PAGE_LIMIT)), ..page },
            versao: kept.as_ref().and_then(|kept| kept.versao.clone()),
        };
        let mut reply = self.list_page(&request, deadline).await?;
        if let Some(versao) = confirmed(&reply) {
            // A version is of one list, so a kept list of several pages is confirmed by the first.
            if let Some(kept) =
                kept.filter(|kept| kept.versao.as_ref().is_some_and(|of| of.as_str() == versao))
            {
                self.metrics.listed(true);
                return Ok(ListingAnswer::Listing(kept));
            }
            error!(server_id = %request.server_id, "it confirms a version that was not asked for");
            return Err(GatewayError::Internal);
        }
        request.versao = None;
        if page == Page::WHOLE && is_part(&reply) {
            reply = self.gather(request, reply, deadline).await?;
        }
        if reply.codigo.is_some() {
            return Ok(ListingAnswer::Other(reply));
        }
        // The answer as it arrived may share its memory with other messages.
        let body = Bytes::copy_from_slice(&reply.body);
        let Some(listing) = CachedListing::read(&body, page).map(Arc::new) else {
            return Ok(ListingAnswer::Other(reply));
        };
        self.metrics.listed(false);
        self.listing_cache.keep(key, &listing);
        Ok(ListingAnswer::Listing(listing))
    }

    async fn list_page(
        &self,
        request: &PostosRequest,
        deadline: Instant,
    ) -> Result<Reply, GatewayError> {
        let PostosRequest { request_id, server_id, .. } = request;
        let sending = Sending::new(self, Command::Postos, request_id, server_id);
        self.send(Sending { deadline, ..sending }, request).await
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
                return Ok(reply);
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

/// The version that the answer confirms in place of a list.
fn confirmed(reply: &Reply) -> Option<String> {
    let read = ListingReply::read_head(&reply.body).filter(|_| reply.codigo.is_none())?;
    let confirms = read.inalterada && read.postos.is_none();
    confirms.then(|| read.versao.unwrap_or_default().into_owned())
}

/// Whether more than this answer is needed for the whole list.
fn is_part(reply: &Reply) -> bool {
    if reply.codigo.is_some() {
        return is_too_long(reply);
    }
    ListingReply::read_head(&reply.body).is_some_and(|page| page.proxima.is_some())
}

/// Whether the broker did not take the page that was asked for. It does not always say beforehand
/// how much it takes.
fn is_too_long(reply: &Reply) -> bool {
    reply.codigo == Some(ReplyCodigo::Known(Codigo::RequisicaoInvalida))
        && from_slice::<ErrorReply>(&reply.body)
            .is_ok_and(|error| error.campos.iter().any(|field| field.campo == "limite"))
}

/// The answer to a question, as the answer to one of its callers.
pub(super) fn with_request_id(reply: Reply, request_id: &RequestId) -> Reply {
    let head = ReplyHead::from_json(&reply.body);
    if head.is_ok_and(|head| head.request_id == request_id.as_str()) {
        return reply;
    }
    let Ok(Value::Object(mut fields)) = from_slice(&reply.body) else { return reply };
    fields.insert("request_id".to_owned(), request_id.as_str().into());
    Reply { body: Value::Object(fields).to_string().into(), ..reply }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reply(body: &str) -> Reply {
        Reply { codigo: None, body: body.to_owned().into() }
    }

    #[test]
    fn an_answer_is_given_under_the_callers_id() {
        let of_page = r#"{"status":"erro","request_id":"p","codigo":"novo","mensagem":"x"}"#;
        for id in ["p", "r1"] {
            let refused = with_request_id(reply(of_page), &id.parse().unwrap());
            let expected: Value =
                from_slice(of_page.replace("\"p\"", &format!("{id:?}")).as_bytes()).unwrap();
            assert_eq!(from_slice::<Value>(&refused.body).unwrap(), expected);
        }
        let own = with_request_id(reply(of_page), &"p".parse().unwrap());
        assert_eq!(own.body, of_page, "as it came");
    }

    #[test]
    fn a_page_is_followed_by_another_wherever_it_says_so() {
        for (body, part) in [
            (r#"{"request_id":"p","versao":"a-1","postos":[{"id":1}]}"#, false),
            (r#"{"request_id":"p","postos":[{"id":1}]}"#, false),
            (r#"{"request_id":"p","versao":"a-1","proxima":1,"postos":[{"id":1}]}"#, true),
            (r#"{"request_id":"p","proxima":1,"postos":[{"id":1}]}"#, true),
            (r#"{"request_id":"p","postos":[{"id":1}],"versao":"a","proxima":1}"#, true),
            (r#"{"request_id":"p","postos":[{"id":1}],"versao":"a"}"#, false),
            (r#"{"request_id":"p","proxima":null,"versao":"a","postos":[]}"#, false),
            (r#"{"request_id":"p","inalterada":true}"#, false),
        ] {
            assert_eq!(is_part(&reply(body)), part, "{body}");
        }
    }

    #[test]
    fn a_confirmation_has_no_list() {
        for (body, versao) in [
            (r#"{"request_id":"p","inalterada":true,"versao":"a-1"}"#, Some("a-1")),
            (r#"{"inalterada":true,"request_id":"p"}"#, Some("")),
            (r#"{"request_id":"p","inalterada":false,"versao":"a-1"}"#, None),
            (r#"{"request_id":"p","inalterada":true,"versao":"a-1","postos":[]}"#, None),
            (r#"{"request_id":"p","versao":"a-1","postos":[]}"#, None),
        ] {
            assert_eq!(confirmed(&reply(body)).as_deref(), versao, "{body}");
        }
        let codigo = Some(ReplyCodigo::Unknown);
        let refused = Reply { codigo, ..reply(r#"{"request_id":"p","inalterada":true}"#) };
        assert_eq!(confirmed(&refused), None);
    }
}
