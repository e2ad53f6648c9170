//! Files that are sent while they are read, so that their length costs no memory.

use std::io;
use std::sync::Arc;

use axum::body::Body;
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use futures_util::stream::{self, Stream, StreamExt as _};
use protocol::field_values;
use tracing::error;

use crate::app_state::AppState;
use crate::store::StoreError;
use crate::table::{Dialect, Table};

/// Rows that are read and sent at once.
pub(super) const PART: i64 = 1000;

type Part = io::Result<Vec<u8>>;

/// Rows that have all been read.
pub(super) fn parts<T: Send>(
    dialect: Dialect,
    rows: impl Iterator<Item = T> + Send,
    write: fn(&mut Table, &T),
) -> impl Stream<Item = Part> + Send {
    stream::unfold(rows, move |mut rows| async move {
        let part: Vec<T> = rows.by_ref().take(PART as usize).collect();
        (!part.is_empty()).then(|| (Ok(written(dialect, &part, write)), rows))
    })
}

/// Rows of which the `first` page has been read. Each other page is read when the one before it is
/// sent, by the id of its last row.
pub(super) fn pages<T, F>(
    dialect: Dialect,
    first: Vec<T>,
    read: impl Fn(Option<i64>) -> F + Send + Sync,
    id: fn(&T) -> i64,
    write: fn(&mut Table, &T),
) -> impl Stream<Item = Part> + Send
where
    T: Send + Sync,
    F: Future<Output = Result<Vec<T>, StoreError>> + Send,
{
    let read = Arc::new(read);
    stream::unfold(first, move |page| {
        let read = Arc::clone(&read);
        async move {
            let last = page.last().map(id)?;
            let part = written(dialect, &page, write);
            match read(Some(last)).await {
                Ok(next) => Some((Ok(part), next)),
                // The answer has begun: it can only break off.
                Err(error) => {
                    error!(%error, "the database cannot be read, and a file breaks off");
                    Some((Err(io::Error::other(error)), Vec::new()))
                }
            }
        }
    })
}

fn written<T>(dialect: Dialect, rows: &[T], write: fn(&mut Table, &T)) -> Vec<u8> {
    let mut table = Table::new(dialect);
    rows.iter().for_each(|row| write(&mut table, row));
    table.finish()
}

/// An answer that browsers save as a file.
pub(super) fn file(
    app: &AppState,
    name: &str,
    head: Vec<u8>,
    rows: impl Stream<Item = Part> + Send + 'static,
) -> Response {
    let disposition = format!("attachment; filename=\"{name}-{}.csv\"", app.server_id);
    let headers = [
        (CONTENT_TYPE, "text/csv; charset=utf-8; header=present".to_owned()),
        (CONTENT_DISPOSITION, disposition),
    ];
    let body = stream::once(async { Ok(head) }).chain(rows);
    (headers, Body::from_stream(body)).into_response()
}

field_values!(words Dialect);
