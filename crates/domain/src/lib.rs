//! What is true: when a carro may have a posto, and what things are worth.
//!
//! Pure and synchronous. Facts come in as values, decisions go out as values; nothing here
//! reads a clock, a file or a message. The texts of [`Rejection`] are shown to drivers.

mod carregamento;
mod interval;
mod localizacao;
mod posto;
mod rejection;
mod reserva;
mod values;

pub use carregamento::{
    Carregamento, Finish, Finished, Start, StartFacts, decide_carregamento_finish,
    decide_carregamento_start,
};
pub use interval::{Interval, Stretch, StretchError};
pub use localizacao::{InvalidLocalizacao, Localizacao};
pub use posto::{Posto, PostoChange, PostoUse, PostosFilter, decide_posto_removal};
pub use rejection::Rejection;
pub use reserva::{
    Cancel, Carro, Holding, PostoFacts, Reserva, ReservaCommand, ReservaState, decide_cancelamento,
    decide_reserva,
};
pub use values::{InvalidValue, Kw, Kwh, KwhPerKm, Moment, Placa, Price};
