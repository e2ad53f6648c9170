//! The rules: when a carro may have a posto, what the values of each field may be, what energy
//! costs.
//!
//! Pure and synchronous. Facts come in as values, decisions go out as values; nothing here
//! reads a clock, a file or a message. The texts of [`Rejection`] are shown to drivers.

mod carregamento;
mod carro;
mod interval;
mod localizacao;
mod posto;
mod rejection;
mod reserva;
mod values;

pub use carregamento::{
    Carregamento, Finish, Finished, Kwh, Start, StartFacts, decide_carregamento_finish,
    decide_carregamento_start,
};
pub use carro::{CapacidadeBateria, Carro, KwhPerKm, Modelo, NivelBateria};
pub use interval::{Interval, IntervalError, RequestedInterval};
pub use localizacao::Localizacao;
pub use posto::{
    Kw, Nome, Posto, PostoChange, PostoUse, PostosFilter, Price, TipoConector, decide_posto_removal,
};
pub use rejection::Rejection;
pub use reserva::{
    Cancel, Holding, PostoFacts, Reserva, ReservaCommand, ReservaState, decide_cancelamento,
    decide_reserva,
};
pub use values::{InvalidValue, Moment, Placa, RowId, TEXT_PATTERN};
