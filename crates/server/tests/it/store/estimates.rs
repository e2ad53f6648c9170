//! What a reservation would be answered.

use domain::{IntervalError, Rejection, Rules};

use crate::store::changes::{dump, sql};
use crate::support::{TestStore, now, reservation};

#[tokio::test]
async fn an_estimate_says_what_a_reservation_would_be_answered_and_writes_nothing() {
    let store = TestStore::new(3).await;
    sql(&store, "UPDATE postos SET preco_kwh = 3, potencia_maxima = 0 WHERE id = 2");
    store.reserve_at("r1", "ABC1234", (1, 3)).await.expect("free");
    sql(&store, "UPDATE postos SET operador_em_manutencao = 1 WHERE id = 3");
    let before = dump(&store);
    let rules = Rules { por_carro: 1, ..Rules::default() };
    let estimate = async |plate: &str, posto_id, hours| {
        let asked = reservation("e1", plate, posto_id, hours).command;
        store.store.estimate(&asked, &rules, now()).await.expect("a read")
    };
    for (plate, posto_id, hours, free) in [
        ("XYZ9876", 1, Some((0, 1)), true),
        ("XYZ9876", 1, Some((2, 4)), false),
        ("XYZ9876", 1, None, false),
        ("XYZ9876", 1, Some((3, 4)), true),
        // Its own reserva is in the way too, and its limit is not about the posto.
        ("ABC1234", 1, Some((2, 4)), false),
        ("ABC1234", 2, None, true),
        ("XYZ9876", 3, None, false),
    ] {
        let estimated = estimate(plate, posto_id, hours).await.expect("an estimate");
        assert_eq!(estimated.disponivel, free, "{plate} at {posto_id}, {hours:?}");
    }
    let estimated = estimate("ABC1234", 2, None).await.expect("an estimate");
    let estimativa = estimated.estimativa;
    assert_eq!((estimated.nome.as_str(), estimativa.minutos), ("Ponto 2", None));
    assert_eq!((estimativa.energia_kwh(), estimativa.custo.brl()), (22.2, 66.6));
    assert!(matches!(estimate("ABC1234", 9, None).await, Err(Rejection::PostoInexistente { .. })));
    let too_long = estimate("ABC1234", 1, Some((0, 32 * 24))).await;
    let maxima = Rules::default().maxima;
    assert_eq!(too_long, Err(Rejection::Interval(vec![IntervalError::TooLong { maxima }])));
    let past = estimate("ABC1234", 1, Some((-2, -1))).await;
    let both = vec![IntervalError::InicioInPast, IntervalError::FimInPast];
    assert_eq!(past, Err(Rejection::Interval(both)));
    assert_eq!(dump(&store), before);
}
