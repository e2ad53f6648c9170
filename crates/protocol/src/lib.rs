//! The wire: every topic, message, id and error code of the suite.
//!
//! This crate knows no runtime, broker library or database. Both programs build and read their
//! messages here, so a field is spelled in one place; what a field may hold is in `domain`.
//! Names are those of the wire, in Portuguese; see the glossary in `ARCHITECTURE.md`.

mod alteracao;
mod asyncapi;
mod carro;
mod check;
mod codigo;
mod document;
mod envelope;
#[cfg(feature = "failpoints")]
pub mod failpoints;
mod field;
mod fields;
mod fields_macro;
mod ids;
mod listing;
mod names;
mod numbers;
mod open_enum;
mod page;
mod payload;
mod ponto;
mod posto;
mod presence;
mod reply;
mod reserva;
mod reservar;
mod single_field;
mod syntax;
mod timestamp;
pub mod topics;
mod values;

pub use alteracao::*;
pub use asyncapi::asyncapi;
pub use carro::*;
pub(crate) use check::read_object;
pub use check::{BadMessage, Checker, FieldError, UnknownFields};
pub use codigo::Codigo;
pub use document::{Component, FieldDocument};
pub use domain::{Localizacao, PostosFilter, TipoConector};
pub use envelope::{Address, MAX_ARRAY, Origin, first_messages, is_array, split_array};
pub use field::{Field, FieldValue, Invalid, Scalar, shortened};
pub use fields::{
    Fields, Object, field_documents, read_body, read_json, read_parameters, write_object,
};
pub use ids::{AppId, ClientId, InvalidId, KeyedCall, RequestId, ServerId, Versao};
pub use listing::{ListingReply, UnchangedReply, WrittenPostosReply};
pub use names::KnownField;
pub use open_enum::open_enum;
pub use page::{Page, PageLimit, PageStart};
pub use payload::to_payload;
pub use ponto::*;
pub use posto::*;
pub use presence::*;
pub use reply::*;
pub use reserva::*;
pub use reservar::*;
pub use single_field::{NotNull, OrDefault};
pub use timestamp::{InvalidTimestamp, Timestamp};
pub use values::{integer_schema, words_schema};
