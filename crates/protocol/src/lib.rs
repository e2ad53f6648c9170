//! What travels: every topic, every message, every id and every error code of the suite.
//!
//! This crate knows the wire and nothing else: no runtime, no broker library, no database.
//! Both programs build and read their messages here, so a field is spelled in one place.
//! Names are those of the wire, in Portuguese; see the glossary in `ARCHITECTURE.md`.

mod carro;
mod check;
mod codigo;
mod envelope;
mod ids;
mod loose;
mod ponto;
mod posto;
mod presence;
mod reply;
mod reserva;
mod reservar;
mod timestamp;
pub mod topics;

pub use carro::{Carro, CarroBateria, CarroStatus, MAX_CAPACIDADE_BATERIA, MAX_TAXA_DESCARGA};
pub use check::{BadMessage, Checker, FieldError, normalize_placa, read_object};
pub use codigo::Codigo;
pub use envelope::{Address, MAX_ARRAY, Origin, split};
pub use ids::{ClientId, InvalidId, RequestId, ServerId};
pub use loose::Loose;
pub use ponto::{PontoDisponibilidade, PontoStatus};
pub use posto::{Posto, PostosFilter, PostosReply, PostosRequest, WrittenPostosReply};
pub use presence::{Entrega, ServerPresence, ServerState};
pub use reply::{ErrorReply, ReplyHead, StatusReply};
pub use reserva::{Reserva, ReservaEvent, ReservaRef, ReservaReply, ReservaStatus};
pub use reservar::{ReservaRequest, ReservarBody};
pub use timestamp::{InvalidTimestamp, Timestamp};
