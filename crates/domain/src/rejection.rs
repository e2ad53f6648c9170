//! Why something asked for is not done. The texts are shown to drivers and operators.

use crate::{Placa, StretchError};

/// A refusal: the asker's fault or bad luck, never ours.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Rejection {
    /// No such posto here.
    #[error("O posto {posto_id} não existe no servidor {servidor}")]
    PostoInexistente {
        /// The posto asked for.
        posto_id: i64,
        /// The servidor asked.
        servidor: String,
    },
    /// The same carro holds it then.
    #[error("O posto {nome} já está reservado para este carro. Escolha outro posto.")]
    PostoJaReservadoParaEsteCarro {
        /// Name of the posto.
        nome: String,
    },
    /// Another carro holds it then.
    #[error(
        "O posto {nome} já está reservado para outro carro neste período. Escolha outro posto ou outro horário."
    )]
    PostoReservado {
        /// Name of the posto.
        nome: String,
    },
    /// Another carro is charging there now.
    #[error("O posto {nome} está em uso por outro carro. Escolha outro posto ou outro horário.")]
    PostoOcupado {
        /// Name of the posto.
        nome: String,
    },
    /// It is out of service.
    #[error("O posto {nome} está indisponível. Escolha outro posto.")]
    PostoIndisponivel {
        /// Name of the posto.
        nome: String,
    },
    /// It is in maintenance.
    #[error("O posto {nome} está em manutenção. Escolha outro posto.")]
    PostoEmManutencao {
        /// Name of the posto.
        nome: String,
    },
    /// It cannot be removed while somebody holds it.
    #[error(
        "O posto {nome} tem reserva ou carregamento em andamento e não pode ser removido. Cancele ou encerre antes."
    )]
    PostoEmUso {
        /// Name of the posto.
        nome: String,
    },
    /// The stretch cannot be reserved.
    #[error("A requisição tem campos inválidos: {campo} {0}.", campo = .0.campo())]
    Stretch(StretchError),
    /// No such reserva here.
    #[error("A reserva {reserva} não existe no servidor {servidor}")]
    ReservaInexistente {
        /// The reserva asked for: its number, or the request that should have made it.
        reserva: String,
        /// The servidor asked.
        servidor: String,
    },
    /// It has run its time.
    #[error("A reserva já terminou e não pode mais ser cancelada.")]
    ReservaEncerrada,
    /// The request came before, asking for something else.
    #[error(
        "A chave de idempotência (ou request_id) já foi usada com outro conteúdo. Use uma nova para um pedido diferente."
    )]
    ChaveReutilizada,
    /// No such carro here.
    #[error("O carro de placa {placa} não existe no servidor {servidor}")]
    CarroInexistente {
        /// The carro asked for.
        placa: Placa,
        /// The servidor asked.
        servidor: String,
    },
    /// No such charging session at that posto.
    #[error("O carregamento {id} não existe no posto {posto_id}")]
    CarregamentoInexistente {
        /// The session asked for.
        id: i64,
        /// The posto asked for.
        posto_id: i64,
    },
    /// The session has ended with another amount.
    #[error("O carregamento {id} já foi encerrado com outra energia_fornecida.")]
    CarregamentoEncerrado {
        /// The session.
        id: i64,
    },
}
