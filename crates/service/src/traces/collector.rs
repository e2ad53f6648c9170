//! The HTTP client that spans are sent with.

use std::error::Error;
use std::fmt::Debug;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Request, Response};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::{Connect, HttpConnector};
use hyper_util::rt::TokioExecutor;
use opentelemetry_http::{Bytes, HttpClient, HttpError};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceResponse;
use parking_lot::Mutex;
use prost::Message as _;
use tokio::runtime::Handle;
use tokio::time::timeout;

/// For one request, the connection included.
const REQUEST_LIMIT: Duration = Duration::from_secs(10);
/// Of an answer, which says how many spans were refused.
const MAX_ANSWER: usize = 64 * 1024;
/// Of what a collector says, in characters.
const MAX_REASON: usize = 200;

type Answer = Result<Response<Bytes>, HttpError>;

/// What was wrong with the latest request, as far as the exporter does not say it.
pub(super) type LastProblem = Arc<Mutex<Option<Problem>>>;

#[derive(Debug)]
pub(super) enum Problem {
    /// Why there was no answer: the exporter only says that there was none.
    Unanswered(String),
    /// The collector has answered success, and has refused so many spans (OTLP's partial success); the
    /// exporter takes all of them for sent.
    Refused { spans: u64, reason: String },
}

/// Sends by the runtime in which it was made: the thread that exports has none.
#[derive(Debug)]
pub(super) struct Collector<C> {
    client: Client<C, Body>,
    runtime: Handle,
    headers: HeaderMap,
    problem: LastProblem,
}

impl Collector<HttpConnector> {
    pub(super) fn plain(headers: HeaderMap, problem: LastProblem) -> Self {
        Self::by(HttpConnector::new(), headers, problem)
    }
}

impl Collector<HttpsConnector<HttpConnector>> {
    /// Trusts the roots of the machine.
    pub(super) fn tls(headers: HeaderMap, problem: LastProblem) -> std::io::Result<Self> {
        let connector = HttpsConnectorBuilder::new().with_native_roots()?;
        Ok(Self::by(connector.https_only().enable_http1().build(), headers, problem))
    }
}

impl<C: Connect + Clone + Send + Sync + 'static> Collector<C> {
    fn by(connector: C, headers: HeaderMap, problem: LastProblem) -> Self {
        let client = Client::builder(TokioExecutor::new()).build(connector);
        Self { client, runtime: Handle::current(), headers, problem }
    }
}

impl<C> HttpClient for Collector<C>
where
    C: Connect + Clone + Debug + Send + Sync + 'static,
{
    fn send_bytes<'client, 'sending>(
        &'client self,
        mut request: Request<Bytes>,
    ) -> Pin<Box<dyn Future<Output = Answer> + Send + 'sending>>
    where
        'client: 'sending,
    {
        for (name, value) in &self.headers {
            request.headers_mut().insert(name, value.clone());
        }
        let client = self.client.clone();
        // Within the runtime, which the timeout needs too.
        let sending = async { timeout(REQUEST_LIMIT, send(client, request)).await };
        let sent = self.runtime.spawn(sending);
        let problem = Arc::clone(&self.problem);
        Box::pin(async move {
            let answer = match sent.await? {
                Ok(answer) => answer,
                Err(_) => Err(format!("no answer in {} s", REQUEST_LIMIT.as_secs()).into()),
            };
            *problem.lock() = match &answer {
                Ok(answer) => refusal(answer),
                Err(error) => Some(Problem::Unanswered(error.to_string())),
            };
            answer
        })
    }
}

async fn send<C>(client: Client<C, Body>, request: Request<Bytes>) -> Answer
where
    C: Connect + Clone + Send + Sync + 'static,
{
    let answer = client.request(request.map(Body::from)).await.map_err(|error| root(&error))?;
    let (head, body) = answer.into_parts();
    Ok(Response::from_parts(head, to_bytes(Body::new(body), MAX_ANSWER).await?))
}

/// How many spans the collector has refused in an answer of success, if any, and why.
fn refusal(answer: &Response<Bytes>) -> Option<Problem> {
    if !answer.status().is_success() {
        return None;
    }
    let answer = ExportTraceServiceResponse::decode(answer.body().as_ref()).ok()?;
    let refused = answer.partial_success?;
    let spans = u64::try_from(refused.rejected_spans).ok().filter(|spans| *spans > 0)?;
    let shown = |char: char| if char.is_control() { ' ' } else { char };
    let reason = refused.error_message.chars().map(shown).take(MAX_REASON).collect();
    Some(Problem::Refused { spans, reason })
}

/// The innermost cause, which names what an operator can look at.
fn root(error: &dyn Error) -> String {
    let mut innermost = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    innermost.to_string()
}
