//! Charging sessions.

use crate::values::{millionths, number};
use crate::{Effect, Holding, InvalidValue, Moment, Placa, PostoFacts, Price, Rejection};

number! {
    /// Energy that a session delivers, in kWh.
    Kwh, from 0 to 10000
}

/// A carro charging at a posto, from `inicio` until it is finished.
#[derive(Debug, Clone, PartialEq)]
pub struct Carregamento {
    pub id: i64,
    pub posto_id: i64,
    /// `None` if its carro was forgotten.
    pub placa: Option<Placa>,
    pub inicio: Moment,
    /// That of its reserva, if it has one, else the posto's at its start.
    pub preco_kwh: Price,
    /// `None` while the carro charges.
    pub finished: Option<Finished>,
    /// The reserva that it fulfils, or the first one if there are several.
    pub reserva_id: Option<i64>,
    /// When its times or its energy were corrected last.
    pub corrigido_em: Option<Moment>,
}

/// How a session ended.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Finished {
    pub fim: Moment,
    pub energia_fornecida: Kwh,
    /// In BRL.
    pub custo: f64,
}

impl Price {
    /// What `energy` costs, in BRL, rounded to whole centavos, half a centavo up. Price and energy
    /// count as the decimal numbers they were written as, to six places: the product of two
    /// binary fractions is now just below a half, now just above.
    pub fn cost(self, energy: Kwh) -> f64 {
        self.centavos(millionths(energy.get())) as f64 / 100.0
    }

    /// The same in centavos, for energy in millionths of a kWh.
    pub(crate) fn centavos(self, energy: i128) -> i64 {
        let cost = millionths(self.get()) * energy;
        i64::try_from((cost + 5_000_000_000) / 10_000_000_000).unwrap_or(i64::MAX)
    }
}

/// Decides whether a carro may start charging at `now`: not at a posto that is out of service, or
/// that another carro holds or charges at, and not while it charges elsewhere. `holdings` are the
/// reservas that hold the posto now, `elsewhere` names a posto where the carro charges.
pub fn decide_carregamento_start(
    placa: &Placa,
    posto: &PostoFacts,
    holdings: &[Holding],
    elsewhere: Option<&str>,
    now: Moment,
) -> Result<Effect, Rejection> {
    let nome = || posto.nome.clone();
    if posto.charging.as_ref() == Some(placa) {
        return Ok(Effect::Already(()));
    }
    if let Some(nome) = elsewhere {
        return Err(Rejection::CarroEmCarregamento { nome: nome.to_owned() });
    }
    posto.check_service()?;
    if posto.charging.is_some() {
        return Err(Rejection::PostoOcupado { nome: nome() });
    }
    let another =
        |holding: &Holding| holding.placa.as_ref() != Some(placa) && holding.interval.contains(now);
    if holdings.iter().any(another) {
        return Err(Rejection::PostoReservado { nome: nome() });
    }
    Ok(Effect::Now(()))
}

/// Decides how a session ends at `now`. One that has ended with another amount is refused.
pub fn decide_carregamento_finish(
    session: &Carregamento,
    energia_fornecida: Kwh,
    now: Moment,
) -> Result<Effect<Finished>, Rejection> {
    match session.finished {
        None => Ok(Effect::Now(Finished {
            fim: now.max(session.inicio),
            energia_fornecida,
            custo: session.preco_kwh.cost(energia_fornecida),
        })),
        Some(finished) if finished.energia_fornecida == energia_fornecida => {
            Ok(Effect::Already(finished))
        }
        Some(_) => Err(Rejection::CarregamentoEncerrado { id: session.id }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Interval;

    const NOW: Moment = Moment::from_millis(1000);

    fn placa(text: &str) -> Placa {
        Placa::new(text).expect("a placa")
    }

    fn posto() -> PostoFacts {
        PostoFacts {
            nome: "Ponto 5".to_owned(),
            in_service: true,
            em_manutencao: false,
            charging: None,
            potencia_maxima: 22.0,
            preco_kwh: Price::default(),
        }
    }

    #[test]
    fn only_the_holder_may_charge_while_a_posto_is_held() {
        let held = [Holding {
            placa: Some(placa("ABC1234")),
            interval: Interval::new(NOW, NOW.plus_millis(10)).expect("not empty"),
        }];
        let start =
            |plate, now| decide_carregamento_start(&placa(plate), &posto(), &held, None, now);
        assert_eq!(start("ABC1234", NOW), Ok(Effect::Now(())));
        assert_eq!(
            start("XYZ9876", NOW),
            Err(Rejection::PostoReservado { nome: "Ponto 5".to_owned() })
        );
        assert_eq!(start("XYZ9876", NOW.plus_millis(10)), Ok(Effect::Now(())));
    }

    #[test]
    fn a_posto_charges_one_carro_and_only_in_service() {
        let start = |posto| decide_carregamento_start(&placa("ABC1234"), &posto, &[], None, NOW);
        assert_eq!(start(posto()), Ok(Effect::Now(())));
        let here_already = PostoFacts { charging: Some(placa("ABC1234")), ..posto() };
        assert_eq!(start(here_already), Ok(Effect::Already(())));
        assert!(start(PostoFacts { charging: Some(placa("XYZ9876")), ..posto() }).is_err());
        assert!(start(PostoFacts { in_service: false, ..posto() }).is_err());
        assert!(start(PostoFacts { em_manutencao: true, ..posto() }).is_err());
        let elsewhere =
            decide_carregamento_start(&placa("ABC1234"), &posto(), &[], Some("Ponto 6"), NOW);
        assert_eq!(elsewhere, Err(Rejection::CarroEmCarregamento { nome: "Ponto 6".to_owned() }));
    }

    #[test]
    fn cost_is_in_whole_centavos() {
        let price = Price::new(2.5).expect("a price");
        assert_eq!(price.cost(Kwh::new(10.123).expect("energy")), 25.31);
        assert_eq!(price.cost(Kwh::new(0.0).expect("energy")), 0.0);
        for (price, energy, cost) in [
            (3.05, 41.9, 127.80),
            (2.35, 18.3, 43.01),
            (1.005, 1.0, 1.01),
            (2.675, 1.0, 2.68),
            (2.5, 0.001, 0.0),
            (2.5, 0.002, 0.01),
            (Price::MAX, Kwh::MAX, 10_000_000.0),
        ] {
            let price = Price::new(price).expect("a price");
            assert_eq!(price.cost(Kwh::new(energy).expect("energy")), cost, "{price:?} {energy}");
        }
    }

    #[test]
    fn finishing_twice_is_the_same_as_once_unless_the_amount_differs() {
        let energy = |kwh| Kwh::new(kwh).expect("energy");
        let mut session = Carregamento {
            id: 7,
            posto_id: 5,
            placa: Some(placa("ABC1234")),
            inicio: NOW,
            preco_kwh: Price::new(2.5).expect("a price"),
            finished: None,
            reserva_id: None,
            corrigido_em: None,
        };
        let end = NOW.plus_millis(5);
        let Ok(Effect::Now(finished)) = decide_carregamento_finish(&session, energy(10.0), end)
        else {
            panic!("an open session did not end")
        };
        assert_eq!((finished.fim, finished.custo), (end, 25.0));
        session.finished = Some(finished);
        let again = decide_carregamento_finish(&session, energy(10.0), end.plus_millis(9));
        assert_eq!(again, Ok(Effect::Already(finished)));
        let other = decide_carregamento_finish(&session, energy(11.0), end);
        assert_eq!(other, Err(Rejection::CarregamentoEncerrado { id: 7 }));
    }
}
