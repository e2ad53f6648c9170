//! Addresses of pages, relative to each other.

use axum::http::StatusCode;
use axum::http::header::LOCATION;
use axum::response::{IntoResponse as _, Response};
use protocol::{RequestId, ServerId};

/// The address of the page of a reserva.
pub(super) fn reserva(server_id: &ServerId, request_id: &RequestId) -> String {
    // An id of another client may have any characters.
    with_query("reserva", [("server_id", server_id.as_str()), ("request_id", request_id.as_str())])
}

/// The address of the page of a posto, also of one that a form names wrongly.
pub(super) fn posto(server_id: &str, posto_id: &str) -> String {
    with_query("posto", [("server_id", server_id), ("posto_id", posto_id)])
}

fn with_query(path: &str, parameters: [(&str, &str); 2]) -> String {
    let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(parameters).finish();
    format!("{path}?{query}")
}

/// Leads to the page of a reserva.
pub(super) fn see_reserva(server_id: &ServerId, request_id: &RequestId) -> Response {
    see(reserva(server_id, request_id))
}

/// Leads to the page of a reserva that was just made. By the fragment its module knows that this device
/// has made it.
pub(super) fn see_new_reserva(server_id: &ServerId, request_id: &RequestId) -> Response {
    see(reserva(server_id, request_id) + "#nova")
}

fn see(address: String) -> Response {
    (StatusCode::SEE_OTHER, [(LOCATION, address)]).into_response()
}
