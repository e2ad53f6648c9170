//! Every `codigo`: its word on the wire and its one HTTP status, as in the contract.

use protocol::Codigo;

const CODIGOS: [(u16, &str); 36] = [
    (401, "nao_autenticado"),
    (403, "nao_autorizado"),
    (429, "requisicoes_demais"),
    (404, "posto_inexistente"),
    (404, "reserva_inexistente"),
    (404, "carro_inexistente"),
    (404, "carregamento_inexistente"),
    (404, "token_inexistente"),
    (404, "rota_inexistente"),
    (405, "metodo_nao_permitido"),
    (409, "posto_ja_reservado_para_este_carro"),
    (409, "posto_reservado"),
    (409, "posto_indisponivel"),
    (409, "posto_em_manutencao"),
    (409, "posto_em_uso"),
    (409, "carro_em_uso"),
    (409, "token_existente"),
    (409, "ultimo_operador"),
    (409, "limite_de_reservas"),
    (409, "reserva_encerrada"),
    (409, "reserva_em_uso"),
    (409, "carregamento_encerrado"),
    (409, "carregamento_sobreposto"),
    (409, "carro_em_carregamento"),
    (413, "corpo_grande_demais"),
    (415, "tipo_nao_suportado"),
    (400, "requisicao_malformada"),
    (431, "cabecalho_grande_demais"),
    (422, "requisicao_invalida"),
    (422, "energia_implausivel"),
    (422, "chave_idempotencia_reutilizada"),
    (500, "erro_interno"),
    (503, "servidor_indisponivel"),
    (503, "broker_indisponivel"),
    (503, "sobrecarregado"),
    (504, "tempo_esgotado"),
];

#[test]
fn each_word_has_one_status() {
    for (status, word) in CODIGOS {
        let json = format!("{word:?}");
        let codigo: Codigo = serde_json::from_str(&json).expect(word);
        assert_eq!(codigo.http_status(), status, "{word}");
        assert_eq!(serde_json::to_string(&codigo).expect(word), json);
        assert_eq!(codigo.to_string(), word, "in logs");
    }
}

#[test]
fn the_list_is_whole() {
    let words = Codigo::ALL.iter().map(|codigo| serde_json::to_value(codigo).expect("a word"));
    let mut words: Vec<String> =
        words.map(|word| word.as_str().expect("a text").to_owned()).collect();
    let mut table: Vec<&str> = CODIGOS.iter().map(|(_, word)| *word).collect();
    words.sort_unstable();
    table.sort_unstable();
    assert_eq!(words, table);
}
