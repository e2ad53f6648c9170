//! The bodies of requests about charging sessions.

use domain::{Kwh, Moment, Placa};
use protocol::{Field, fields};

fields! {
    /// Corpo de `POST /postos/{id}/carregamentos`.
    #[example({"placa": "ABC1234"})]
    pub(super) struct CarregamentoBody {
        /// O carro que carrega.
        placa: Placa,
        /// Quando começou, para um carregamento que só agora é informado; se não vier, começa agora.
        inicio: Option<Moment>,
        /// Quando terminou, se já terminou: com `inicio` e `energia_fornecida`.
        fim: Option<Moment>,
        /// Energia fornecida, em kWh, se já terminou.
        energia_fornecida: Option<Kwh>,
        /// `true`: a energia está certa, por maior que seja.
        confirmado: Option<bool>,
    }
    rules |raw| {
        let ended = [Field::is_missing(&raw.fim), Field::is_missing(&raw.energia_fornecida)];
        if ended == [true, false] {
            raw.fim = Some(Field::Invalid("é obrigatório com energia_fornecida".to_owned()));
        }
        if ended == [false, true] {
            let missing = "é obrigatório com fim".to_owned();
            raw.energia_fornecida = Some(Field::Invalid(missing));
        }
        if ended != [true, true] && Field::is_missing(&raw.inicio) {
            raw.inicio = Some(Field::Invalid("é obrigatório com fim".to_owned()));
        }
    }
}

fields! {
    /// Corpo de `PUT /postos/{id}/carregamentos/{carregamento_id}`.
    #[example({"energia_fornecida": 18.4})]
    pub(super) struct EnergiaBody {
        /// Energia fornecida, em kWh.
        energia_fornecida: Kwh,
        /// Quando terminou; se não vier, termina agora.
        fim: Option<Moment>,
        /// `true`: a energia está certa, por maior que seja.
        confirmado: Option<bool>,
    }
}

fields! {
    /// Corpo de `PATCH /carregamentos/{id}`: ao menos um de `inicio`, `fim` e `energia_fornecida`; o que
    /// não vem fica como está.
    #[example({"energia_fornecida": 17.9})]
    pub(super) struct CorrecaoBody {
        /// Quando começou.
        inicio: Option<Moment>,
        /// Quando terminou.
        fim: Option<Moment>,
        /// Energia fornecida, em kWh.
        energia_fornecida: Option<Kwh>,
        /// `true`: a energia está certa, por maior que seja.
        confirmado: Option<bool>,
    }
    rules |raw| {
        if Field::is_missing(&raw.inicio)
            && Field::is_missing(&raw.fim)
            && Field::is_missing(&raw.energia_fornecida)
        {
            let mensagem = "deve vir, ou inicio, ou fim: não há o que corrigir";
            raw.energia_fornecida = Some(Field::Invalid(mensagem.to_owned()));
        }
    }
}
