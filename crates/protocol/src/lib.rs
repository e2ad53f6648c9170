//! The wire: every topic, message, id and error code of the suite.
//!
//! This crate knows no runtime, broker library or database. Both programs build and read their
//! messages here, so a field is spelled in one place; what a field may hold is in `domain`.
//! Names are those of the wire, in Portuguese; see the glossary in `ARCHITECTURE.md`.

mod carro;
mod check;
mod codigo;
mod document;
mod envelope;
mod field;
mod fields;
mod fields_macro;
mod ids;
mod ponto;
mod posto;
mod presence;
mod reply;
mod reserva;
mod reservar;
mod timestamp;
pub mod topics;
mod values;

pub use carro::{CarroBateria, CarroStatus};
pub use check::{BadMessage, Checker, FieldError, read_object};
pub use codigo::Codigo;
pub use document::FieldDocument;
pub use domain::PostosFilter;
pub use envelope::{Address, MAX_ARRAY, Origin, split};
pub use field::{Field, FieldValue, Invalid, Scalar};
pub use fields::{Fields, Object, OrDefault, field_documents, read_json, read_texts, write_object};
pub use ids::{ClientId, InvalidId, RequestId, ServerId};
pub use ponto::{PontoDisponibilidade, PontoStatus};
pub use posto::{Posto, PostoBody, PostoPatch, PostosReply, PostosRequest, WrittenPostosReply};
pub use presence::{Entrega, ServerPresence, ServerState};
pub use reply::{ErrorReply, ReplyHead, StatusReply};
pub use reserva::{Reserva, ReservaEvent, ReservaRef, ReservaReply};
pub use reservar::{ReservaRequest, ReservarBody};
pub use timestamp::{InvalidTimestamp, Timestamp};
