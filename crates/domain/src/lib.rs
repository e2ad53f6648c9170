//! The rules: when a carro may have a posto, what the values of each field may be, what energy
//! costs.
//!
//! Pure and synchronous. Facts come in as values, decisions go out as values; nothing here
//! reads a clock, a file or a message. The texts of [`Rejection`] are shown to drivers.

mod absence;
mod alteracao;
mod carregador;
mod carregamento;
mod carro;
mod energy;
mod estimate;
mod interval;
mod localizacao;
mod maintenance;
mod moment;
mod period;
mod posto;
mod rejection;
mod reserva;
mod reserva_state;
mod rules;
mod session_time;
mod statistics;
mod token;
mod values;
mod words;

pub use absence::*;
pub use alteracao::*;
pub use carregador::*;
pub use carregamento::*;
pub use carro::*;
pub use energy::*;
pub use estimate::*;
pub use interval::*;
pub use localizacao::*;
pub use maintenance::*;
pub use moment::*;
pub use period::*;
pub use posto::*;
pub use rejection::*;
pub use reserva::*;
pub use reserva_state::*;
pub use rules::*;
pub use session_time::*;
pub use statistics::*;
pub use token::*;
pub use values::*;
