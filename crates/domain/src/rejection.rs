//! Why a request is refused. The texts are shown to drivers and operators.

use std::fmt::Display;

use crate::{IntervalError, Placa, SessionTimeError};

/// A refusal: the request was wrong or came too late. Faults of the servidor are not here.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Rejection {
    #[error("O posto {posto_id} não existe no servidor {server_id}")]
    PostoInexistente { posto_id: i64, server_id: String },
    #[error("O posto {nome} já está reservado para este carro. Escolha outro posto.")]
    PostoJaReservadoParaEsteCarro { nome: String },
    #[error(
        "O posto {nome} já está reservado para outro carro neste período. Escolha outro posto ou outro horário."
    )]
    PostoReservado { nome: String },
    #[error("O posto {nome} está em uso por outro carro. Escolha outro posto ou outro horário.")]
    PostoOcupado { nome: String },
    #[error("O posto {nome} está indisponível. Escolha outro posto.")]
    PostoIndisponivel { nome: String },
    #[error("O posto {nome} está em manutenção. Escolha outro posto.")]
    PostoEmManutencao { nome: String },
    /// A carro is charging there.
    #[error(
        "Um carro está carregando no posto {nome}, que por isso não pode ser removido. Encerre o carregamento antes."
    )]
    PostoEmUso { nome: String },
    /// It cannot be removed unless something is done with its reservas.
    #[error(
        "O posto {nome} tem reservas e não pode ser removido. Cancele-as antes, ou repita com reservas=mover ou reservas=cancelar."
    )]
    PostoComReservas { nome: String },
    /// It cannot be removed: a reserva that can be neither moved nor cancelled still holds it.
    #[error(
        "O posto {nome} não pode ser removido: ainda é de um carro que já carregou nele. Espere o fim da reserva."
    )]
    PostoComReservaCumprida { nome: String },
    /// It cannot be removed: these reservas would have no posto.
    #[error(
        "O posto {nome} não foi removido: nenhum outro posto serve {reservas}. Cancele o que falta, ou repita com reservas=cancelar.",
        reservas = named(.reservas)
    )]
    ReservasSemPosto { nome: String, reservas: Vec<i64> },
    /// The interval that is asked for; each field is named once.
    #[error("A requisição tem campos inválidos: {}.", listed(.0, IntervalError::campo))]
    Interval(Vec<IntervalError>),
    #[error("A reserva {reserva} não existe no servidor {server_id}")]
    ReservaInexistente {
        /// Its id, or the request that should have made it.
        reserva: String,
        server_id: String,
    },
    /// However it ended.
    #[error("A reserva já terminou e não pode mais ser alterada nem cancelada.")]
    ReservaEncerrada,
    /// Its carro is charging or has charged.
    #[error(
        "O carro da reserva já carregou ou está carregando: ela não pode mais ser cancelada, e, enquanto ele carrega, só o fim dela pode mudar."
    )]
    ReservaEmUso,
    #[error(
        "Este carro já tem reservas demais: o servidor aceita no máximo {limite} por carro. Cancele uma antes."
    )]
    LimiteDeReservas { limite: u32 },
    /// The same `request_id` came before with another content.
    #[error(
        "A chave de idempotência (ou request_id) já foi usada com outro conteúdo. Use uma nova para um pedido diferente."
    )]
    ChaveReutilizada,
    #[error("O carro de placa {placa} não existe no servidor {server_id}")]
    CarroInexistente { placa: Placa, server_id: String },
    #[error(
        "O carro de placa {placa} tem reserva ou carregamento em andamento e não pode ser esquecido. Cancele ou encerre antes."
    )]
    CarroEmUso { placa: Placa },
    #[error("O token {nome} não existe neste servidor")]
    TokenInexistente { nome: String },
    #[error("Já existe um token {nome}. Escolha outro nome, ou revogue este antes.")]
    TokenExistente { nome: String },
    #[error(
        "O token {nome} é o último com o papel operador e não pode ser revogado por aqui. Crie outro antes."
    )]
    UltimoOperador { nome: String },
    #[error("O carregamento {id} não existe no posto {posto_id}")]
    CarregamentoInexistente { id: i64, posto_id: i64 },
    #[error("O carregamento {id} não existe no servidor {server_id}")]
    CarregamentoDesconhecido { id: i64, server_id: String },
    #[error(
        "O carregamento {id} já foi encerrado com outros valores. Para corrigi-los, use PATCH /carregamentos/{id}."
    )]
    CarregamentoEncerrado { id: i64 },
    #[error("O carro ainda está carregando no carregamento {id}. Encerre-o antes de corrigi-lo.")]
    CarregamentoAberto { id: i64 },
    #[error("O carregamento se sobrepõe ao carregamento {id}. Corrija inicio ou fim.")]
    CarregamentoSobreposto { id: i64 },
    /// When a session is said to have begun or ended; each field is named once.
    #[error("A requisição tem campos inválidos: {}.", listed(.0, SessionTimeError::campo))]
    SessionTimes(Vec<SessionTimeError>),
    /// More than the posto gives in this time.
    #[error(
        "Em {} o posto {nome} fornece no máximo {} kWh. Se a energia_fornecida está certa, repita com confirmado.",
        length_of(*.length_ms),
        in_kwh(*.limite_wh)
    )]
    EnergiaImplausivel { nome: String, length_ms: i64, limite_wh: i64 },
    #[error("Este carro está carregando no posto {nome}. Encerre aquele carregamento antes.")]
    CarroEmCarregamento { nome: String },
}

fn listed<E: Copy + Display>(errors: &[E], campo: fn(E) -> &'static str) -> String {
    let errors = errors.iter().map(|error| format!("{} {error}", campo(*error)));
    errors.collect::<Vec<_>>().join("; ")
}

/// A length of time, in whole minutes or seconds where it has some.
fn length_of(length_ms: i64) -> String {
    let seconds = length_ms / 1000;
    if seconds == 0 {
        return "menos de 1 segundo".to_owned();
    }
    let (number, unit) = if seconds < 60 { (seconds, "segundo") } else { (seconds / 60, "minuto") };
    format!("{number} {unit}{}", if number == 1 { "" } else { "s" })
}

/// An energy with a decimal comma.
fn in_kwh(wh: i64) -> String {
    (wh as f64 / 1000.0).to_string().replace('.', ",")
}

/// Reservas that a sentence names; more are counted.
const MAX_NAMED: usize = 10;

/// "à reserva 3"; "às reservas 3, 4 e 5"; "às reservas 1, 2, … e mais 7".
fn named(reservas: &[i64]) -> String {
    let (shown, more) = reservas.split_at(reservas.len().min(MAX_NAMED));
    let mut parts: Vec<String> = shown.iter().map(i64::to_string).collect();
    if !more.is_empty() {
        parts.push(format!("mais {}", more.len()));
    }
    match parts.as_slice() {
        [one] => format!("à reserva {one}"),
        [first @ .., last] => format!("às reservas {} e {last}", first.join(", ")),
        [] => "a elas".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reservas_without_a_posto_are_named() {
        for (count, named) in [
            (1, "à reserva 1"),
            (2, "às reservas 1 e 2"),
            (10, "às reservas 1, 2, 3, 4, 5, 6, 7, 8, 9 e 10"),
            (12, "às reservas 1, 2, 3, 4, 5, 6, 7, 8, 9, 10 e mais 2"),
        ] {
            let reservas = (1..=count).collect();
            let rejection = Rejection::ReservasSemPosto { nome: "Ponto 5".to_owned(), reservas };
            let sentence = format!(
                "O posto Ponto 5 não foi removido: nenhum outro posto serve {named}. Cancele o que falta, ou repita com reservas=cancelar."
            );
            assert_eq!(rejection.to_string(), sentence);
        }
    }
}
