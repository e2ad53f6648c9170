//! Why a request is refused. The texts are shown to drivers and operators.

use crate::{IntervalError, Placa};

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
    #[error(
        "O posto {nome} tem reserva ou carregamento em andamento e não pode ser removido. Cancele ou encerre antes."
    )]
    PostoEmUso { nome: String },
    #[error("A requisição tem campos inválidos: {campo} {0}.", campo = .0.campo())]
    Interval(IntervalError),
    #[error("A reserva {reserva} não existe no servidor {server_id}")]
    ReservaInexistente {
        /// Its id, or the request that should have made it.
        reserva: String,
        server_id: String,
    },
    #[error("A reserva já terminou e não pode mais ser cancelada.")]
    ReservaEncerrada,
    /// Its carro is charging or has charged.
    #[error(
        "O carro da reserva já carregou ou está carregando, e ela não pode mais ser cancelada."
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
    #[error("O carregamento {id} já foi encerrado com outra energia_fornecida.")]
    CarregamentoEncerrado { id: i64 },
    #[error("Este carro está carregando no posto {nome}. Encerre aquele carregamento antes.")]
    CarroEmCarregamento { nome: String },
}
