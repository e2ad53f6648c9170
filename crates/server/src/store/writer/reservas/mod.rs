//! Reservas: made, changed, cancelled, fulfilled, or ended without their carro.

pub(in crate::store::writer) mod absence;
pub(in crate::store::writer) mod cancel;
pub(in crate::store::writer) mod change;
pub(in crate::store::writer) mod clock_corrections;
pub(in crate::store::writer) mod fulfilment;
pub(in crate::store::writer) mod reserve;
pub(in crate::store::writer) mod rows;
