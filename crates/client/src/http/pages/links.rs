//! Addresses of pages, relative to each other.

use axum::http::StatusCode;
use axum::http::header::LOCATION;
use axum::response::{IntoResponse as _, Response};
use protocol::{RequestId, ServerId};

/// The address of the page of a reserva.
pub(super) fn reserva(server_id: &ServerId, request_id: &RequestId) -> String {
    // An id of another client may have any characters.
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.append_pair("server_id", server_id.as_str());
    query.append_pair("request_id", request_id.as_str());
    format!("reserva?{}", query.finish())
}

/// Leads to the page of a reserva.
pub(super) fn see_reserva(server_id: &ServerId, request_id: &RequestId) -> Response {
    (StatusCode::SEE_OTHER, [(LOCATION, reserva(server_id, request_id))]).into_response()
}
