//! Asking for a posto: over HTTP, and over MQTT.

use domain::{Carro, Interval, Moment, RequestedInterval, RowId};

use crate::{AppId, ClientId, Field, Object, RequestId, ServerId, Timestamp, fields};

/// Refuses an end that is not after the beginning.
pub(crate) fn check_interval(inicio: &Option<Field<Moment>>, fim: &mut Option<Field<Moment>>) {
    if let (Some(Field::Value(begin)), Some(Field::Value(end))) = (inicio, &*fim)
        && let Err(error) = Interval::new(*begin, *end)
    {
        *fim = Some(Field::Invalid(error.to_string()));
    }
}

fields! {
    impl RequestedInterval {
        /// Início do período desejado, em RFC 3339 com fuso; se não vier, agora.
        inicio: Option<Moment>,
        /// Fim do período desejado, em RFC 3339 com fuso; se não vier, 24 horas depois do início que
        /// foi pedido, ou o que o operador do servidor tiver definido.
        fim: Option<Moment>,
    }
    rules |raw| {
        check_interval(&raw.inicio, &mut raw.fim);
    }
}

fields! {
    /// Corpo de `POST /reservar`: o carro, o posto, o servidor e o período.
    #[example({
        "placa": "ABC1234", "modelo": "BYD Dolphin", "capacidade_bateria": 44.5,
        "nivel_bateria_atual": 22.3, "taxa_descarga": 0.19, "posto_id": 5, "server_id": "server1"
    })]
    pub struct ReservarBody {
        /// O carro.
        carro: Carro,
        /// O posto desejado.
        posto_id: RowId,
        /// O servidor a que o posto pertence.
        server_id: ServerId,
        /// O período.
        interval: RequestedInterval,
    }
}

impl ReservarBody {
    /// The MQTT command this body asks for, in the name of no app.
    pub fn into_request(self, request_id: RequestId, client_id: ClientId) -> ReservaRequest {
        ReservaRequest {
            request_id,
            client_id,
            app: None,
            server_id: self.server_id,
            listas: None,
            carro: Object(self.carro),
            posto_id: self.posto_id,
            interval: self.interval,
        }
    }
}

fields! {
    /// Pede a um servidor que reserve um posto.
    #[example({
        "request_id": "0198c0de-7a1b-7000-8000-000000000001", "client_id": "cliente1",
        "server_id": "server1",
        "carro": {
            "placa": "ABC1234", "modelo": "BYD Dolphin", "capacidade_bateria": 44.5,
            "nivel_bateria_atual": 22.3, "taxa_descarga": 0.19
        },
        "posto_id": 5
    })]
    pub struct ReservaRequest {
        /// Volta na resposta. Repetido, o pedido não tem segundo efeito.
        request_id: RequestId,
        /// Em que tópico a resposta é esperada.
        client_id: ClientId,
        /// O app que pede: só ele vê, altera e cancela a reserva. Sem app, quem sabe o `request_id`.
        app: Option<AppId>,
        /// O servidor a que o posto pertence.
        server_id: ServerId,
        /// Se sim, o cliente também lê listas: respostas e eventos que esperam juntos podem vir em uma.
        listas: Option<bool>,
        /// O carro.
        carro: Object<Carro>,
        /// O posto desejado.
        posto_id: RowId,
        /// O período.
        interval: RequestedInterval,
    }
}

impl ReservaRequest {
    /// What is asked, without the ids of the request and its gateway. Servidores store a fingerprint
    /// of this text, so it must never change. The app is part of it where there is one.
    pub fn content(&self) -> Result<Vec<u8>, serde_json::Error> {
        let RequestedInterval { inicio, fim } = self.interval;
        let time = |moment: Option<Moment>| moment.map(Timestamp::from);
        let content = (&self.carro, self.posto_id.get(), time(inicio), time(fim));
        match &self.app {
            None => serde_json::to_vec(&content),
            Some(app) => serde_json::to_vec(&(content, app)),
        }
    }
}
