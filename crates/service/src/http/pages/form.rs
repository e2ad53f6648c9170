//! Forms that a page sends without a script.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{FromRequestParts, Request, State};
use axum::http::header::{AUTHORIZATION, HOST, ORIGIN};
use axum::http::request::Parts;
use axum::http::uri::Authority;
use axum::http::{HeaderMap, HeaderValue, Method, Uri};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use percent_encoding::percent_decode;
use protocol::Codigo;

use crate::http::access_control::{FETCH_SITE, forget_found};
use crate::http::request::receive::{content_type, receive};
use crate::http::{CallerLimit, HttpError};

/// The longest form. The longest that a page sends is below 2 KiB.
const MAX_FORM: usize = 16 * 1024;
/// How long a form may take to arrive.
const FORM_LIMIT: Duration = Duration::from_secs(10);
const FORM_TYPE: &str = "application/x-www-form-urlencoded";
const TOKEN: &str = "token";

/// The fields of a form: of a `POST` an extension of its request, else what the query says.
#[derive(Debug, Clone, Default)]
pub struct PageForm(Arc<[(String, String)]>);

impl PageForm {
    /// What was typed into a field, without the blanks around it; empty if there is no such field.
    pub fn get(&self, name: &str) -> &str {
        let field = self.0.iter().find(|(field, _)| field == name);
        field.map_or("", |(_, value)| value.trim())
    }

    /// What was typed into these fields, so that two forms with the same in them have the same text.
    pub fn typed(&self, names: &[&str]) -> String {
        let typed = names.iter().map(|name| (name, self.get(name)));
        form_urlencoded::Serializer::new(String::new()).extend_pairs(typed).finish()
    }

    /// What a query says, whatever is in it: browsers and other sites add parameters of their own to a
    /// page.
    pub fn of_query(uri: &Uri) -> Self {
        let query = uri.query().unwrap_or_default();
        Self(form_urlencoded::parse(query.as_bytes()).into_owned().collect())
    }

    fn read(body: &[u8]) -> Result<Self, HttpError> {
        if percent_decode(body).decode_utf8().is_err() {
            return Err(HttpError::new(
                Codigo::RequisicaoInvalida,
                "O formulário não está em UTF-8.",
            ));
        }
        Ok(Self(form_urlencoded::parse(body).into_owned().collect()))
    }
}

impl<const N: usize> From<[(&str, &str); N]> for PageForm {
    fn from(fields: [(&str, &str); N]) -> Self {
        Self(fields.map(|(name, value)| (name.to_owned(), value.to_owned())).into())
    }
}

impl<S: Sync> FromRequestParts<S> for PageForm {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let sent = parts.extensions.get::<Self>().cloned();
        Ok(sent.unwrap_or_else(|| Self::of_query(&parts.uri)))
    }
}

/// Reads the form of a `POST` into an extension. Its field `token` becomes the `Authorization`
/// header, so that the guard behind this is the only one that looks at tokens. The request then counts
/// for the owner of the token too.
pub(in crate::http) async fn read_form(
    State(limit): State<Option<CallerLimit>>,
    request: Request,
    next: Next,
) -> Response {
    if request.method() != Method::POST {
        return next.run(request).await;
    }
    match with_form(request, limit.as_ref()).await {
        Ok(request) => next.run(request).await,
        Err(error) => error.into_response(),
    }
}

async fn with_form(request: Request, limit: Option<&CallerLimit>) -> Result<Request, HttpError> {
    if !is_own(request.headers()) {
        let mensagem = "Este formulário só pode ser enviado pela própria página.";
        return Err(HttpError::new(Codigo::NaoAutorizado, mensagem));
    }
    let (media_type, _) = content_type(request.headers());
    if !media_type.eq_ignore_ascii_case(FORM_TYPE) {
        let mensagem = format!("O formulário deve vir com o cabeçalho Content-Type: {FORM_TYPE}.");
        return Err(HttpError::new(Codigo::TipoNaoSuportado, mensagem));
    }
    let too_long = || {
        let mensagem = format!("O formulário deve ter no máximo {} KiB.", MAX_FORM / 1024);
        HttpError::new(Codigo::CorpoGrandeDemais, mensagem)
    };
    let (mut parts, body) = request.into_parts();
    let late =
        |how: &str| HttpError::new(Codigo::RequisicaoInvalida, format!("O formulário {how}."));
    let request = Request::from_parts(parts.clone(), body);
    let body = receive(request, MAX_FORM, FORM_LIMIT, too_long, late).await?;
    let form = PageForm::read(&body)?;
    let token = form.get(TOKEN);
    if !token.is_empty()
        && !parts.headers.contains_key(AUTHORIZATION)
        && let Ok(mut bearer) = HeaderValue::from_str(&format!("Bearer {token}"))
    {
        bearer.set_sensitive(true);
        parts.headers.insert(AUTHORIZATION, bearer);
        forget_found(&mut parts.extensions);
        if let Some(limit) = limit {
            limit(&mut parts.extensions, &parts.headers).map_err(HttpError::too_many)?;
        }
    }
    parts.extensions.insert(form);
    Ok(Request::from_parts(parts, Body::empty()))
}

/// Whether a form was sent by a page of this program. A page of another site could have a browser
/// send one from a network that only this browser is in.
fn is_own(headers: &HeaderMap) -> bool {
    if let Some(site) = headers.get(FETCH_SITE) {
        return site == "same-origin" || site == "none";
    }
    // A browser on an address without TLS, or an older one; a program sends no `Origin`.
    let Some(origin) = headers.get(ORIGIN) else { return true };
    let host = headers.get(HOST).and_then(|host| Authority::try_from(host.as_bytes()).ok());
    let origin = Uri::try_from(origin.as_bytes()).ok().and_then(|uri| uri.into_parts().authority);
    origin.is_some() && origin == host
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_is_read_as_browsers_write_it() {
        let form = PageForm::read(b"placa=+abc-1d23+&modelo=Dolphin+%22S%22&chave=a%26b&placa=2&x");
        let form = form.expect("a form");
        assert_eq!(form.get("placa"), "abc-1d23");
        assert_eq!(form.get("modelo"), "Dolphin \"S\"");
        assert_eq!((form.get("chave"), form.get("x"), form.get("y")), ("a&b", "", ""));
        assert!(PageForm::read(b"placa=%FF").is_err());
        assert!(PageForm::read(b"placa=\xE9").is_err());
    }

    #[test]
    fn a_form_of_another_site_is_known_by_its_headers() {
        for (headers, own) in [
            (&[][..], true),
            (&[("sec-fetch-site", "same-origin")], true),
            (&[("sec-fetch-site", "none")], true),
            (&[("sec-fetch-site", "same-site")], false),
            (&[("sec-fetch-site", "cross-site")], false),
            (&[("origin", "http://a:8001"), ("host", "a:8001")], true),
            (&[("origin", "https://a.example"), ("host", "a.example")], true),
            (&[("origin", "http://A:8001"), ("host", "a:8001")], true),
            (&[("origin", "http://b:8001"), ("host", "a:8001")], false),
            (&[("origin", "http://a:8002"), ("host", "a:8001")], false),
            (&[("origin", "null"), ("host", "a:8001")], false),
            (&[("origin", "http://a")], false),
            (&[("origin", "null"), ("sec-fetch-site", "same-origin")], true),
            (&[("origin", "http://a"), ("host", "a"), ("sec-fetch-site", "cross-site")], false),
        ] {
            let mut map = HeaderMap::new();
            for (name, value) in headers {
                map.insert(*name, HeaderValue::from_static(value));
            }
            assert_eq!(is_own(&map), own, "{headers:?}");
        }
    }
}
