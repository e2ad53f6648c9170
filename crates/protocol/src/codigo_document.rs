//! What the documents say about each error code: when it is answered, and a true answer.

use crate::{Codigo, ErrorReply, FieldError};

/// The request of the examples.
const REQUEST_ID: &str = "0198c0de-7a1b-7000-8000-000000000001";

impl Codigo {
    /// As it is spelled on the wire.
    pub fn name(self) -> String {
        match serde_json::to_value(self) {
            Ok(serde_json::Value::String(name)) => name,
            _ => String::new(),
        }
    }

    /// The code that is spelled so.
    pub fn from_name(name: &str) -> Option<Self> {
        serde_json::from_value(name.into()).ok()
    }

    /// When it is answered.
    pub const fn meaning(self) -> &'static str {
        self.documentation().0
    }

    /// An answer as a program gives it.
    pub fn example(self) -> ErrorReply {
        let (_, mensagem) = self.documentation();
        let request_id = self.is_about_a_command().then(|| REQUEST_ID.parse().ok()).flatten();
        let mut reply = ErrorReply::new(request_id, self, mensagem.to_owned());
        reply.campos = match self {
            Self::RequisicaoInvalida => vec![wrong("posto_id", "é obrigatório")],
            Self::ChaveIdempotenciaReutilizada => vec![wrong("request_id", mensagem)],
            Self::EnergiaImplausivel => vec![wrong("energia_fornecida", mensagem)],
            _ => Vec::new(),
        };
        reply
    }

    /// Whether a gateway has made a command when it answers this.
    const fn is_about_a_command(self) -> bool {
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

    /// When it is answered, and with which sentence.
    const fn documentation(self) -> (&'static str, &'static str) {
        match self {
            Self::NaoAutenticado => (
                "falta um token, ou ele não vale",
                "É preciso um token válido, no cabeçalho Authorization: Bearer TOKEN.",
            ),
            Self::NaoAutorizado => {
                ("o token não dá direito a isto", "O token não dá direito a esta chamada.")
            }
            Self::RequisicoesDemais => (
                "quem chama fez requisições demais; `Retry-After` diz quando repetir",
                "Foram feitas requisições demais. Repita depois dos segundos do cabeçalho Retry-After.",
            ),
            Self::PostoInexistente => {
                ("o servidor não tem este posto", "O posto 5 não existe no servidor server1")
            }
            Self::ReservaInexistente => (
                "o servidor não tem esta reserva, nem recebeu esta requisição",
                "A reserva 0198c0de-7a1b-7000-8000-000000000001 não existe no servidor server1",
            ),
            Self::CarroInexistente => (
                "o servidor não conhece este carro",
                "O carro de placa ABC1234 não existe no servidor server1",
            ),
            Self::CarregamentoInexistente => {
                ("não há este carregamento", "O carregamento 1 não existe no posto 5")
            }
            Self::PostoJaReservadoParaEsteCarro => (
                "este mesmo carro já tem o posto em parte do período",
                "O posto Ponto 5 já está reservado para este carro. Escolha outro posto.",
            ),
            Self::PostoReservado => (
                "outro carro tem o posto em parte do período, ou carrega nele agora",
                "O posto Ponto 5 já está reservado para outro carro neste período. Escolha outro posto ou outro horário.",
            ),
            Self::PostoIndisponivel => (
                "o posto está fora de serviço",
                "O posto Ponto 5 está indisponível. Escolha outro posto.",
            ),
            Self::PostoEmManutencao => (
                "o posto está em manutenção",
                "O posto Ponto 5 está em manutenção. Escolha outro posto.",
            ),
            Self::PostoEmUso => (
                "o posto tem reservas, ou um carro carrega nele, e não pode ser removido agora",
                "O posto Ponto 5 tem reservas e não pode ser removido. Cancele-as antes, ou repita com reservas=mover ou reservas=cancelar.",
            ),
            Self::TokenInexistente => {
                ("não há token válido com este nome", "O token painel não existe neste servidor")
            }
            Self::CarroEmUso => (
                "o carro tem reserva ou carregamento, e não pode ser esquecido agora",
                "O carro de placa ABC1234 tem reserva ou carregamento em andamento e não pode ser esquecido. Cancele ou encerre antes.",
            ),
            Self::TokenExistente => (
                "um token válido já tem este nome",
                "Já existe um token painel. Escolha outro nome, ou revogue este antes.",
            ),
            Self::UltimoOperador => (
                "é o último token com o papel operador",
                "O token painel é o último com o papel operador e não pode ser revogado por aqui. Crie outro antes.",
            ),
            Self::ReservaEncerrada => (
                "a reserva já terminou",
                "A reserva já terminou e não pode mais ser alterada nem cancelada.",
            ),
            Self::LimiteDeReservas => (
                "o carro já tem tantas reservas quantas o servidor aceita",
                "Este carro já tem reservas demais: o servidor aceita no máximo 3 por carro. Cancele uma antes.",
            ),
            Self::ReservaEmUso => (
                "o carro da reserva está carregando ou já carregou",
                "O carro da reserva já carregou ou está carregando: só o fim dela ainda pode mudar, e ela não pode mais ser cancelada.",
            ),
            Self::CarregamentoSobreposto => (
                "o posto ou o carro teve outro carregamento nesse período",
                "O carregamento se sobrepõe ao carregamento 1. Corrija inicio ou fim.",
            ),
            Self::CarroEmCarregamento => (
                "o carro está carregando em outro posto, ou ainda no carregamento que se quer corrigir",
                "Este carro está carregando no posto Ponto 6. Encerre aquele carregamento antes.",
            ),
            Self::EnergiaImplausivel => (
                "é mais energia do que o posto poderia fornecer nesse tempo",
                "Em 30 minutos o posto Ponto 5 fornece no máximo 12,1 kWh. Se a energia_fornecida está certa, repita com confirmado.",
            ),
            Self::CarregamentoEncerrado => (
                "o carregamento já terminou, com outros valores",
                "O carregamento 1 já foi encerrado com outros valores. Para corrigi-los, use PATCH /carregamentos/1.",
            ),
            Self::RequisicaoInvalida => (
                "o corpo ou um parâmetro está errado; `campos` diz todos os que estão",
                "A requisição tem campos inválidos: posto_id é obrigatório.",
            ),
            Self::ChaveIdempotenciaReutilizada => (
                "a chave de idempotência já foi usada com outro corpo",
                "A chave de idempotência (ou request_id) já foi usada com outro conteúdo. Use uma nova para um pedido diferente.",
            ),
            Self::CorpoGrandeDemais => {
                ("o corpo é grande demais", "O corpo da requisição deve ter no máximo 64 KiB.")
            }
            Self::TipoNaoSuportado => (
                "o corpo não é JSON, ou não vem declarado assim",
                "O corpo deve ser JSON, com o cabeçalho Content-Type: application/json.",
            ),
            Self::RequisicaoMalformada => {
                ("o que chegou não é HTTP", "A requisição não está escrita como o HTTP/1.1 manda.")
            }
            Self::CabecalhoGrandeDemais => (
                "o cabeçalho é grande demais",
                "O cabeçalho da requisição deve ter no máximo 32 KiB e 100 linhas.",
            ),
            Self::RotaInexistente => {
                ("a rota não existe", "Esta rota não existe. Veja as rotas em /docs.")
            }
            Self::MetodoNaoPermitido => (
                "a rota não aceita este método",
                "Esta rota não aceita este método HTTP. Veja as rotas em /docs.",
            ),
            Self::ServidorIndisponivel => (
                "o servidor está desconectado, nunca foi visto ou não acessa seus dados",
                "O servidor server1 está indisponível: está desconectado ou nunca foi visto.",
            ),
            Self::BrokerIndisponivel => (
                "o programa está sem conexão com o broker MQTT",
                "O cliente está sem conexão com o broker MQTT. Tente novamente em instantes.",
            ),
            Self::Sobrecarregado => (
                "há requisições demais em andamento; `Retry-After` diz quando repetir",
                "Há requisições demais em andamento. Tente novamente em instantes.",
            ),
            Self::TempoEsgotado => (
                "o servidor não respondeu a tempo",
                "O servidor server1 não respondeu a tempo. Tente novamente.",
            ),
            Self::ErroInterno => (
                "uma falha do programa; a causa está no registro",
                "Erro interno. O registro do serviço tem a causa.",
            ),
        }
    }
}

fn wrong(campo: &str, mensagem: &str) -> FieldError {
    FieldError { campo: campo.to_owned(), mensagem: mensagem.to_owned() }
}
