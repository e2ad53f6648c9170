use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::{CapacidadeBateria, KwhPerKm, Modelo, NivelBateria};

const NOW: Moment = Moment::from_millis(1_000_000);

fn placa(text: &str) -> Placa {
    Placa::new(text).expect("a placa")
}

fn command(plate: &str, inicio: i64, fim: i64) -> ReservaCommand {
    ReservaCommand {
        carro: Carro {
            placa: placa(plate),
            modelo: Modelo::new("BYD Dolphin").expect("a model"),
            capacidade_bateria: CapacidadeBateria::new(44.5).expect("a capacity"),
            nivel_bateria_atual: NivelBateria::new(22.3).expect("a level"),
            taxa_descarga: KwhPerKm::new(0.19).expect("consumption"),
        },
        posto_id: 5,
        interval: RequestedInterval {
            inicio: Some(NOW.plus_millis(inicio)),
            fim: Some(NOW.plus_millis(fim)),
        },
    }
}

fn posto() -> PostoFacts {
    PostoFacts {
        nome: "Ponto 5".to_owned(),
        service: Service::InService,
        charging: None,
        potencia_maxima: 22.0,
        preco_kwh: Price::default(),
    }
}

fn holding(plate: &str, inicio: i64, fim: i64) -> Holding {
    let interval = Interval::new(NOW.plus_millis(inicio), NOW.plus_millis(fim));
    Holding { placa: Some(placa(plate)), interval: interval.expect("not empty") }
}

fn decide(
    asked: &ReservaCommand,
    posto: Option<&PostoFacts>,
    held: &[Holding],
) -> Result<Interval, Rejection> {
    let decided = decide_reserva(asked, "server1", posto, held, 0, &Rules::default(), NOW);
    decided.map(|(interval, _)| interval)
}

#[test]
fn a_free_posto_is_given() {
    let interval = decide(&command("ABC1234", 0, 100), Some(&posto()), &[]).expect("free");
    assert_eq!(interval.inicio(), NOW);
}

#[test]
fn refusals_name_the_posto_and_the_reason() {
    let nome = || "Ponto 5".to_owned();
    let asked = command("ABC1234", 0, 100);
    let service = PostoFacts { service: Service::OutOfService, ..posto() };
    let repair = PostoFacts { service: Service::Maintenance, ..posto() };
    let charging = PostoFacts { charging: Some(placa("XYZ9876")), ..posto() };
    let mine = [holding("XYZ9876", 90, 100), holding("ABC1234", 0, 10)];
    let other = [holding("XYZ9876", 99, 200)];
    // The same plate in its Mercosul form is another placa.
    let other_form = [holding("ABC1C34", 0, 10)];
    for (facts, held, expected) in [
        (None, &[][..], Rejection::PostoInexistente { posto_id: 5, server_id: "server1".into() }),
        (Some(&service), &[], Rejection::PostoIndisponivel { nome: nome() }),
        (Some(&repair), &[], Rejection::PostoEmManutencao { nome: nome() }),
        (Some(&posto()), &mine, Rejection::PostoJaReservadoParaEsteCarro { nome: nome() }),
        (Some(&posto()), &other, Rejection::PostoReservado { nome: nome() }),
        (Some(&posto()), &other_form, Rejection::PostoReservado { nome: nome() }),
        (Some(&charging), &[], Rejection::PostoOcupado { nome: nome() }),
    ] {
        assert_eq!(decide(&asked, facts, held), Err(expected));
    }
}

#[test]
fn intervals_that_touch_do_not_overlap() {
    let held = [holding("XYZ9876", 0, 100), holding("XYZ9876", 200, 300)];
    assert!(decide(&command("ABC1234", 100, 200), Some(&posto()), &held).is_ok());
    assert!(decide(&command("ABC1234", 99, 200), Some(&posto()), &held).is_err());
    assert!(decide(&command("ABC1234", 100, 201), Some(&posto()), &held).is_err());
}

#[test]
fn a_charging_carro_blocks_neither_itself_nor_later_intervals() {
    let charging = PostoFacts { charging: Some(placa("XYZ9876")), ..posto() };
    assert!(decide(&command("XYZ9876", 0, 100), Some(&charging), &[]).is_ok());
    assert!(decide(&command("ABC1234", 1, 100), Some(&charging), &[]).is_ok());
}

#[test]
fn refusals_come_in_order_and_say_the_rule_and_its_value() {
    let rules = Rules {
        maxima: Duration::from_secs(2 * 86_400),
        antecedencia: Duration::from_secs(7 * 86_400),
        por_carro: 2,
        ..Rules::default()
    };
    let repair = PostoFacts { service: Service::Maintenance, ..posto() };
    let mine = [holding("ABC1234", 0, 10)];
    let day = 86_400_000;
    // Each case has what is wrong in those that follow, too; of an interval, all is said at once.
    for (asked, posto, held, expected) in [
        ((9 * day, 19 * day), None, &mine[..], "O posto 5 não existe no servidor server1"),
        (
            (9 * day, 19 * day),
            Some(&repair),
            &mine,
            "A requisição tem campos inválidos: inicio deve ser no máximo 7 dias depois de agora; fim deve ser no máximo 2 dias depois de inicio.",
        ),
        (
            (0, 2 * day + 1),
            Some(&repair),
            &mine,
            "A requisição tem campos inválidos: fim deve ser no máximo 2 dias depois de inicio.",
        ),
        (
            (0, 100),
            Some(&repair),
            &mine,
            "O posto Ponto 5 está em manutenção. Escolha outro posto.",
        ),
        (
            (0, 100),
            Some(&posto()),
            &mine,
            "O posto Ponto 5 já está reservado para este carro. Escolha outro posto.",
        ),
        (
            (0, 100),
            Some(&posto()),
            &[],
            "Este carro já tem reservas demais: o servidor aceita no máximo 2 por carro. Cancele uma antes.",
        ),
    ] {
        let command = command("ABC1234", asked.0, asked.1);
        let decided = decide_reserva(&command, "server1", posto, held, 2, &rules, NOW);
        assert_eq!(decided.expect_err(expected).to_string(), expected);
    }
    let asked = command("ABC1234", 0, 100);
    let with = |rules, held| {
        decide_reserva(&asked, "server1", Some(&posto()), &[], held, &rules, NOW).is_ok()
    };
    assert!(with(rules, 1));
    assert!(with(Rules { por_carro: 0, ..rules }, 1000), "no limit");
}

#[test]
fn cancelling_twice_is_once_and_what_has_ended_is_not_cancelled() {
    let facts = |state| {
        let interval = holding("ABC1234", 0, 100).interval;
        ReservaFacts {
            state,
            ..ReservaFacts::new(interval, Price::default(), Duration::ZERO, None, NOW)
        }
    };
    let end = NOW.plus_millis(100);
    let absent = ReservaFacts { falta_em: Some(NOW.plus_millis(15)), ..facts(ReservaState::Ativa) };
    for (facts, now, expected) in [
        (facts(ReservaState::Ativa), NOW, Ok(Effect::Now(()))),
        (facts(ReservaState::Ativa), end, Err(Rejection::ReservaEncerrada)),
        (absent, NOW, Ok(Effect::Now(()))),
        (absent, NOW.plus_millis(15), Err(Rejection::ReservaEncerrada)),
        (facts(ReservaState::Cancelada), NOW, Ok(Effect::Already(()))),
        (facts(ReservaState::Cancelada), end, Ok(Effect::Already(()))),
        (facts(ReservaState::Cumprida), NOW, Err(Rejection::ReservaEmUso)),
        (facts(ReservaState::Cumprida), end, Err(Rejection::ReservaEmUso)),
        (facts(ReservaState::NaoCompareceu), NOW, Err(Rejection::ReservaEncerrada)),
    ] {
        assert_eq!(decide_cancelamento(&facts, now), expected, "{facts:?} {now:?}");
    }
}

proptest! {
    #[test]
    fn no_sequence_of_reservations_holds_a_moment_twice(
        asks in proptest::collection::vec((0usize..4, 0i64..60, 1i64..30), 1..40)
    ) {
        let plates = ["AAA1111", "BBB2222", "CCC3333", "DDD4444"];
        let mut held: Vec<Holding> = Vec::new();
        for (plate, inicio, length) in asks {
            let asked = command(plates[plate], inicio, inicio + length);
            if let Ok(interval) = decide(&asked, Some(&posto()), &held) {
                held.push(Holding { placa: Some(asked.carro.placa), interval });
            }
        }
        for moment in 0..100 {
            let holders = held.iter().filter(|h| h.interval.contains(NOW.plus_millis(moment)));
            prop_assert!(holders.count() <= 1);
        }
    }
}
