//! The closed list of error codes, each with the one HTTP status it is answered with, and what the
//! documents say about it.

use std::fmt;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

macro_rules! codigos {
    ($(
        $(#[$doc:meta])* $codigo:ident = $status:literal, $meaning:literal, $mensagem:literal;
    )+) => {
        /// O que deu errado, para um programa decidir o que fazer. Um cliente que não conhece o código
        /// de um servidor mais novo o responde com o status 409.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
        #[serde(rename_all = "snake_case")]
        pub enum Codigo {
            $($(#[$doc])* $codigo,)+
        }

        impl Codigo {
            pub const ALL: &[Self] = &[$(Self::$codigo),+];

            /// The HTTP status this code is answered with, the same one everywhere.
            pub const fn http_status(self) -> u16 {
                match self {
                    $(Self::$codigo => $status,)+
                }
            }

            /// When it is answered, as the documents say it.
            pub const fn meaning(self) -> &'static str {
                match self {
                    $(Self::$codigo => $meaning,)+
                }
            }

            /// The sentence of the example in the documents, as a program says it.
            pub(crate) const fn example_mensagem(self) -> &'static str {
                match self {
                    $(Self::$codigo => $mensagem,)+
                }
            }
        }
    };
}

impl Codigo {
    /// The code that is spelled so on the wire.
    pub fn from_name(name: &str) -> Option<Self> {
        serde_json::from_value(name.into()).ok()
    }

    /// Whether a gateway has made a command when it answers this.
    pub(crate) const fn is_about_a_command(self) -> bool {
        !matches!(
            self,
            Self::NaoAutenticado
                | Self::NaoAutorizado
                | Self::RequisicoesDemais
                | Self::RequisicaoInvalida
                | Self::RequisicaoMalformada
                | Self::CabecalhoGrandeDemais
                | Self::CorpoGrandeDemais
                | Self::TipoNaoSuportado
                | Self::RotaInexistente
                | Self::MetodoNaoPermitido
                | Self::ErroInterno
        )
    }
}

/// As on the wire.
impl fmt::Display for Codigo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.serialize(f)
    }
}

codigos! {
    RequisicaoMalformada = 400,
        "o que chegou não é HTTP",
        "A requisição não está escrita como o HTTP/1.1 manda.";
    CabecalhoGrandeDemais = 431,
        "o cabeçalho é grande demais",
        "O cabeçalho da requisição deve ter no máximo 32 KiB e 100 linhas.";
    NaoAutenticado = 401,
        "falta um token, ou ele não vale",
        "Esta chamada precisa de um token, e não veio o cabeçalho Authorization.";
    NaoAutorizado = 403,
        "o token não dá direito a isto",
        "Este token tem o papel leitura, e esta chamada precisa de um com o papel operador.";
    PostoInexistente = 404,
        "o servidor não tem este posto",
        "O posto 5 não existe no servidor server1";
    ReservaInexistente = 404,
        "o servidor não tem esta reserva, nem recebeu esta requisição",
        "A reserva 0198c0de-7a1b-7000-8000-000000000001 não existe no servidor server1";
    CarroInexistente = 404,
        "o servidor não conhece este carro",
        "O carro de placa ABC1234 não existe no servidor server1";
    CarregamentoInexistente = 404,
        "não há este carregamento",
        "O carregamento 1 não existe no posto 5";
    TokenInexistente = 404,
        "não há token válido com este nome",
        "O token painel não existe neste servidor";
    PostoJaReservadoParaEsteCarro = 409,
        "este mesmo carro já tem o posto em parte do período",
        "O posto Ponto 5 já está reservado para este carro. Escolha outro posto.";
    PostoReservado = 409,
        "outro carro tem o posto em parte do período, ou carrega nele agora",
        "O posto Ponto 5 já está reservado para outro carro neste período. Escolha outro posto ou outro horário.";
    PostoIndisponivel = 409,
        "o posto está fora de serviço",
        "O posto Ponto 5 está indisponível. Escolha outro posto.";
    PostoEmManutencao = 409,
        "o posto está em manutenção",
        "O posto Ponto 5 está em manutenção. Escolha outro posto.";
    PostoEmUso = 409,
        "o posto tem reservas, ou um carro carrega nele, e não pode ser removido agora",
        "O posto Ponto 5 tem reservas e não pode ser removido. Cancele-as antes, ou repita com reservas=mover ou reservas=cancelar.";
    CarroEmUso = 409,
        "o carro tem reserva ou carregamento, e não pode ser esquecido agora",
        "O carro de placa ABC1234 tem reserva ou carregamento em andamento e não pode ser esquecido. Cancele ou encerre antes.";
    TokenExistente = 409,
        "um token válido já tem este nome",
        "Já existe um token painel. Escolha outro nome, ou revogue este antes.";
    /// Not revoked: without this token nobody could make another.
    UltimoOperador = 409,
        "é o último token com o papel operador",
        "O token painel é o último com o papel operador e não pode ser revogado por aqui. Crie outro antes.";
    LimiteDeReservas = 409,
        "o carro já tem tantas reservas quantas o servidor aceita",
        "Este carro já tem reservas demais: o servidor aceita no máximo 3 por carro. Cancele uma antes.";
    ReservaEncerrada = 409,
        "a reserva já terminou",
        "A reserva já terminou e não pode mais ser alterada nem cancelada.";
    ReservaEmUso = 409,
        "o carro da reserva está carregando ou já carregou",
        "O carro da reserva já carregou ou está carregando: ela não pode mais ser cancelada, e, enquanto ele carrega, só o fim dela pode mudar.";
    CarregamentoEncerrado = 409,
        "o carregamento já terminou, com outros valores",
        "O carregamento 1 já foi encerrado com outros valores. Para corrigi-los, use PATCH /carregamentos/1.";
    CarregamentoSobreposto = 409,
        "o posto ou o carro teve outro carregamento nesse período",
        "O carregamento se sobrepõe ao carregamento 1. Corrija inicio ou fim.";
    CarroEmCarregamento = 409,
        "o carro está carregando em outro posto, ou ainda no carregamento que se quer corrigir",
        "Este carro está carregando no posto Ponto 6. Encerre aquele carregamento antes.";
    RequisicaoInvalida = 422,
        "o corpo ou um parâmetro está errado; `campos` diz todos os que estão",
        "A requisição tem campos inválidos: posto_id é obrigatório.";
    EnergiaImplausivel = 422,
        "é mais energia do que o posto poderia fornecer nesse tempo",
        "Em 30 minutos o posto Ponto 5 fornece no máximo 12,1 kWh. Se a energia_fornecida está certa, repita com confirmado.";
    ChaveIdempotenciaReutilizada = 422,
        "a chave de idempotência já foi usada com outro corpo",
        "A chave de idempotência (ou request_id) já foi usada com outro conteúdo. Use uma nova para um pedido diferente.";
    CorpoGrandeDemais = 413,
        "o corpo é grande demais",
        "O corpo da requisição deve ter no máximo 64 KiB.";
    TipoNaoSuportado = 415,
        "o corpo não é do tipo que a chamada recebe, ou não vem declarado assim",
        "O corpo deve ser JSON, com o cabeçalho Content-Type: application/json.";
    RotaInexistente = 404,
        "a rota não existe",
        "Esta rota não existe. Veja as rotas em /docs.";
    MetodoNaoPermitido = 405,
        "a rota não aceita este método",
        "Esta rota não aceita este método HTTP. Veja as rotas em /docs.";
    RequisicoesDemais = 429,
        "quem chama fez requisições demais; `Retry-After` diz quando repetir",
        "Foram feitas requisições demais. Repita depois dos segundos do cabeçalho Retry-After.";
    ServidorIndisponivel = 503,
        "o servidor está desconectado, nunca foi visto ou não acessa seus dados",
        "O servidor server1 está indisponível: está desconectado ou nunca foi visto.";
    BrokerIndisponivel = 503,
        "o programa está sem conexão com o broker MQTT",
        "O cliente está sem conexão com o broker MQTT. Tente novamente em instantes.";
    Sobrecarregado = 503,
        "há requisições demais em andamento; `Retry-After` diz quando repetir",
        "Há requisições demais em andamento. Tente novamente em instantes.";
    TempoEsgotado = 504,
        "não houve resposta a tempo; se a chamada altera algo, não se sabe se foi feito",
        "O servidor server1 não respondeu a tempo. Tente novamente.";
    ErroInterno = 500,
        "uma falha do programa; a causa está no registro",
        "Erro interno. O registro do serviço tem a causa.";
}
