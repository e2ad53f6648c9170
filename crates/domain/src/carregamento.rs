//! Charging sessions.

use crate::{Holding, Kwh, Moment, Placa, PostoFacts, Price, Rejection};

/// A carro charging at a posto, from `inicio` until it is finished.
#[derive(Debug, Clone, PartialEq)]
pub struct Carregamento {
    /// Its number on this servidor.
    pub id: i64,
    /// The posto.
    pub posto_id: i64,
    /// The carro.
    pub placa: Placa,
    /// When it started.
    pub inicio: Moment,
    /// Price agreed when it started.
    pub preco_kwh: Price,
    /// There once it has ended.
    pub finished: Option<Finished>,
}

/// How a session ended.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Finished {
    /// When.
    pub fim: Moment,
    /// Energy delivered.
    pub energia_fornecida: Kwh,
    /// What it costs, in BRL.
    pub custo: f64,
}

/// What must be known to let a carro start charging.
#[derive(Debug)]
pub struct StartFacts<'a> {
    /// The posto.
    pub posto: &'a PostoFacts,
    /// Its active reservas that hold it now.
    pub holdings: &'a [Holding],
}

/// What starting a session comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Start {
    /// It starts now.
    Now,
    /// This carro charges there already: the same as once.
    Already,
}

/// Decides whether a carro may start charging at `now`.
///
/// # Errors
/// The posto is out of service, or another carro holds it or charges there.
pub fn decide_carregamento_start(
    placa: &Placa,
    facts: &StartFacts<'_>,
    now: Moment,
) -> Result<Start, Rejection> {
    let nome = || facts.posto.nome.clone();
    if facts.posto.charging.as_ref() == Some(placa) {
        return Ok(Start::Already);
    }
    if facts.posto.em_manutencao {
        return Err(Rejection::PostoEmManutencao { nome: nome() });
    }
    if !facts.posto.in_service {
        return Err(Rejection::PostoIndisponivel { nome: nome() });
    }
    if facts.posto.charging.is_some() {
        return Err(Rejection::PostoOcupado { nome: nome() });
    }
    let another = |holding: &Holding| holding.placa != *placa && holding.interval.contains(now);
    if facts.holdings.iter().any(another) {
        return Err(Rejection::PostoReservado { nome: nome() });
    }
    Ok(Start::Now)
}

/// What finishing a session comes to.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Finish {
    /// It ends now.
    Now(Finished),
    /// It had ended with this same amount: the same as once.
    Already(Finished),
}

/// Decides how a session ends at `now`.
///
/// # Errors
/// It has ended before, with another amount.
pub fn decide_carregamento_finish(
    session: &Carregamento,
    energia_fornecida: Kwh,
    now: Moment,
) -> Result<Finish, Rejection> {
    match session.finished {
        None => Ok(Finish::Now(Finished {
            fim: now.max(session.inicio),
            energia_fornecida,
            custo: session.preco_kwh.cost(energia_fornecida),
        })),
        Some(finished) if finished.energia_fornecida == energia_fornecida => {
            Ok(Finish::Already(finished))
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
        }
    }

    #[test]
    fn only_the_holder_may_charge_while_a_posto_is_held() {
        let held = [Holding {
            placa: placa("ABC1234"),
            interval: Interval::new(NOW, NOW.plus_millis(10)).expect("not empty"),
        }];
        let facts = StartFacts { posto: &posto(), holdings: &held };
        let start = |plate, now| decide_carregamento_start(&placa(plate), &facts, now);
        assert_eq!(start("ABC1234", NOW), Ok(Start::Now));
        assert_eq!(
            start("XYZ9876", NOW),
            Err(Rejection::PostoReservado { nome: "Ponto 5".to_owned() })
        );
        assert_eq!(start("XYZ9876", NOW.plus_millis(10)), Ok(Start::Now));
    }

    #[test]
    fn a_posto_charges_one_carro_and_only_in_service() {
        let start = |posto: PostoFacts| {
            let facts = StartFacts { posto: &posto, holdings: &[] };
            decide_carregamento_start(&placa("ABC1234"), &facts, NOW)
        };
        assert_eq!(start(posto()), Ok(Start::Now));
        let here_already = PostoFacts { charging: Some(placa("ABC1234")), ..posto() };
        assert_eq!(start(here_already), Ok(Start::Already));
        assert!(start(PostoFacts { charging: Some(placa("XYZ9876")), ..posto() }).is_err());
        assert!(start(PostoFacts { in_service: false, ..posto() }).is_err());
        assert!(start(PostoFacts { em_manutencao: true, ..posto() }).is_err());
    }

    #[test]
    fn finishing_twice_is_the_same_as_once_unless_the_amount_differs() {
        let energy = |kwh| Kwh::new(kwh).expect("energy");
        let mut session = Carregamento {
            id: 7,
            posto_id: 5,
            placa: placa("ABC1234"),
            inicio: NOW,
            preco_kwh: Price::new(2.5).expect("a price"),
            finished: None,
        };
        let end = NOW.plus_millis(5);
        let Ok(Finish::Now(finished)) = decide_carregamento_finish(&session, energy(10.0), end)
        else {
            panic!("an open session did not end")
        };
        assert_eq!((finished.fim, finished.custo), (end, 25.0));
        session.finished = Some(finished);
        let again = decide_carregamento_finish(&session, energy(10.0), end.plus_millis(9));
        assert_eq!(again, Ok(Finish::Already(finished)));
        let other = decide_carregamento_finish(&session, energy(11.0), end);
        assert_eq!(other, Err(Rejection::CarregamentoEncerrado { id: 7 }));
    }
}
