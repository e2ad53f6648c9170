//! The rules about reservas that an operator sets.

use std::time::Duration;

use crate::DAY;

/// They hold for what is asked from now on; what was agreed stays.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rules {
    /// How long a reserva lasts when its end is not given.
    pub duracao: Duration,
    /// How long one may last.
    pub maxima: Duration,
    /// How far ahead one may begin.
    pub antecedencia: Duration,
    /// How late its carro may come. Zero: at any time before its end.
    pub tolerancia: Duration,
    /// How many a carro may have at once. Zero: no limit.
    pub por_carro: u32,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            duracao: DAY,
            maxima: DAY.saturating_mul(31),
            antecedencia: DAY.saturating_mul(90),
            tolerancia: Duration::ZERO,
            por_carro: 3,
        }
    }
}
