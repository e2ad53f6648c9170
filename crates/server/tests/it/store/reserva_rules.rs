//! The rules that an operator sets, and answers that keep what they said.

use std::time::Duration;

use domain::{Rejection, ReservaState, Rules};

use crate::store::reserva_support::rejected;
use crate::support::{HOUR, START, TestStore, jump_to, now, placa, reservation, set_now};

#[tokio::test]
async fn a_carro_has_as_many_reservas_as_the_rule_says() {
    let store = TestStore::new(4).await;
    let reserve =
        async |request_id: &str, posto_id| store.reserve(request_id, "ABC1234", posto_id).await;
    for posto_id in 1..=3 {
        reserve(&format!("r{posto_id}"), posto_id).await.expect("it may");
    }
    let limit = Rejection::LimiteDeReservas { limite: 3 };
    assert_eq!(rejected(reserve("r4", 4).await), limit);
    // Other refusals come first.
    let own = Rejection::PostoJaReservadoParaEsteCarro { nome: "Ponto 1".to_owned() };
    assert_eq!(rejected(reserve("r5", 1).await), own);
    store.reserve("other", "XYZ9876", 4).await.expect("another carro may");
    store.cancel("other").await.expect("it is active");
    store.cancel("r1").await.expect("it is active");
    reserve("r6", 4).await.expect("it has two");
    assert_eq!(rejected(reserve("r4", 4).await), limit, "a repeat gets its first answer");
    // Ends count by the clock.
    set_now(START + 24 * HOUR);
    reserve("r7", 1).await.expect("all others have ended");
    set_now(START + 23 * HOUR);
    let later = reservation("r8", "ABC1234", 2, Some((30, 31)));
    let refused = rejected(store.store.execute(later).await);
    assert_eq!(refused, limit, "the clock was set back");
    let rules = Rules { por_carro: 0, ..Rules::default() };
    let store = store.reopen_with(rules).await;
    assert_eq!(rejected(store.reserve("r4", "ABC1234", 4).await), limit, "after the rule changed");
    set_now(START + 48 * HOUR);
    for posto_id in 1..=4 {
        store.reserve(&format!("s{posto_id}"), "ABC1234", posto_id).await.expect("no limit");
    }
}

#[tokio::test]
async fn a_carro_that_overstays_still_has_its_reserva() {
    let rules = Rules { por_carro: 1, ..Rules::default() };
    let store = TestStore::with_rules(2, rules).await;
    store.reserve_at("r1", "ABC1234", (0, 1)).await.expect("free");
    let id = store.charges(placa("ABC1234")).await;
    let limit = Rejection::LimiteDeReservas { limite: 1 };
    assert_eq!(rejected(store.reserve("r2", "ABC1234", 2).await), limit);
    set_now(START + 2 * HOUR);
    assert_eq!(rejected(store.reserve("r3", "ABC1234", 2).await), limit, "it charges");
    assert_eq!(rejected(store.cancel("r1").await), Rejection::ReservaEmUso);
    store.leaves(id).await;
    store.reserve("r4", "ABC1234", 2).await.expect("it has left");
}

#[tokio::test]
async fn a_carro_that_charges_on_in_its_next_reserva_has_one() {
    for sweeps in [false, true] {
        set_now(START);
        let rules = Rules { por_carro: 2, ..Rules::default() };
        let store = TestStore::with_rules(3, rules).await;
        store.reserve_at("r1", "ABC1234", (0, 1)).await.expect("free");
        store.charges(placa("ABC1234")).await;
        store.reserve_at("r2", "ABC1234", (1, 3)).await.expect("free");
        jump_to(START + 2 * HOUR);
        if sweeps {
            store.store.sweep().await.expect("a sweep");
        }
        store.reserve("r3", "ABC1234", 2).await.expect("it has one");
        let limit = Rejection::LimiteDeReservas { limite: 2 };
        assert_eq!(rejected(store.reserve("r4", "ABC1234", 3).await), limit);
    }
}

#[tokio::test]
async fn a_refusal_by_a_rule_is_repeated_with_the_value_that_it_had() {
    let days = |days: u64| Duration::from_secs(days * 24 * 60 * 60);
    let rules = Rules { maxima: days(2), antecedencia: days(7), ..Rules::default() };
    let store = TestStore::with_rules(1, rules).await;
    let sentences = [
        ("r1", (0, 49), "fim deve ser no máximo 2 dias depois de inicio."),
        ("r2", (24 * 8, 24 * 8 + 1), "inicio deve ser no máximo 7 dias depois de agora."),
        (
            "r4",
            (24 * 8, 24 * 10 + 1),
            "inicio deve ser no máximo 7 dias depois de agora; fim deve ser no máximo 2 dias depois de inicio.",
        ),
        ("r5", (-2, -1), "inicio já passou há mais de 5 minutos; fim já passou."),
    ];
    let check = async |store: &TestStore| {
        for (request_id, hours, sentence) in sentences {
            let refused = rejected(store.reserve_at(request_id, "ABC1234", hours).await);
            let expected = format!("A requisição tem campos inválidos: {sentence}");
            assert_eq!(refused.to_string(), expected);
        }
    };
    check(&store).await;
    let store = store.reopen().await;
    check(&store).await;
    store.reserve_at("r3", "ABC1234", (0, 49)).await.expect("the default rule allows it");
}

#[tokio::test]
async fn a_first_answer_stays_what_was_said() {
    let store = TestStore::new(2).await;
    let first = store.reserve_at("r1", "ABC1234", (0, 4)).await.expect("free");
    let estimate = first.estimativa.expect("an estimate");
    assert_eq!((estimate.energia_kwh(), estimate.custo.brl()), (22.2, 55.5));
    // As those leave it that change, move and end a reserva.
    for change in [
        "UPDATE postos SET nome = 'Outro', preco_kwh = 9 WHERE id = 1",
        "UPDATE reservas SET fim = fim - 60000, versao = 2 WHERE id = 1",
        "UPDATE reservas SET posto_id = 2, preco_kwh = 3, versao = 3 WHERE id = 1",
        "UPDATE reservas SET status = 'cumprida', livre_desde = inicio + 1, versao = 4 WHERE id = 1",
    ] {
        store.execute_sql(change);
        let again = store.reserve_at("r1", "ABC1234", (0, 4)).await.expect("the first answer");
        assert_eq!(again, first, "{change}");
    }
    let outcome = store.store.request_outcome("r1", None, now()).await.expect("a read");
    let outcome = outcome.expect("it was decided");
    assert_eq!(outcome.decision, Ok(first));
    let current = outcome.current.expect("a reserva");
    assert_eq!((current.reserva.posto_id, current.nome.as_str()), (2, "Ponto 2"));
    let facts = current.reserva.facts;
    assert_eq!((facts.state, facts.versao), (ReservaState::Cumprida, 4));
    assert_eq!(facts.preco_kwh.get(), 3.0);
    assert_eq!(facts.interval.fim().as_millis(), START + 4 * HOUR - 60_000);
}
