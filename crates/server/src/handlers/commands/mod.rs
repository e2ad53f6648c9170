//! The commands of the clients, one file each.

mod alteracao;
mod cancelamento;
mod consulta;
mod estimativa;
mod postos;
mod reserva;

use protocol::topics::Command;
use tokio::time::{Instant, timeout_at};

use super::message::Reply;
use crate::app_state::AppState;
use crate::failure::Failure;

/// Carries out one command, unless its deadline has passed.
///
/// All but the reservation are boxed: their queries make futures of many kilobytes, and an array of
/// reservations would allocate and move as much for each of its items.
pub(super) async fn carry_out(
    app: &AppState,
    command: Command,
    payload: &[u8],
    deadline: Instant,
) -> Result<Reply, Failure> {
    match command {
        Command::Postos => in_time(deadline, Box::pin(postos::handle(app, payload))).await,
        Command::Reserva => reserva::handle(app, payload, deadline).await,
        Command::Cancelamento => Box::pin(cancelamento::handle(app, payload, deadline)).await,
        Command::Consulta => in_time(deadline, Box::pin(consulta::handle(app, payload))).await,
        Command::Alteracao => Box::pin(alteracao::handle(app, payload, deadline)).await,
        Command::Estimativa => in_time(deadline, Box::pin(estimativa::handle(app, payload))).await,
    }
}

/// For a query, which can be given up at any moment; a write checks its deadline itself, within its
/// transaction.
async fn in_time(
    deadline: Instant,
    query: impl Future<Output = Result<Reply, Failure>>,
) -> Result<Reply, Failure> {
    timeout_at(deadline, query).await.unwrap_or(Err(Failure::Expired))
}
