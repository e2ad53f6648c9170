//! Every amount of the day, computed apart from the servidor.

use serde_json::Value;

use super::checks::{Evidence, reported};
use super::database::{ReservaRow, SessionRow};
use super::decimal::Decimal;
use super::plan::Day;
use super::site::{Call, What};
use super::trips::Trip;

/// What energy costs at a price per kWh: to the centavo, half a centavo up.
pub(crate) fn cost(energy: Decimal, price: Decimal) -> Decimal {
    energy.times(price).rounded(2)
}

/// All amounts that differ.
pub(crate) fn wrong(day: &Day, evidence: &Evidence) -> Vec<String> {
    let prices = Prices::of(&evidence.history);
    let mut found = Vec::new();
    for call in evidence.history.iter().filter(|call| call.answer.is_success()) {
        let trip = call.trip.and_then(|number| day.trips.get(number));
        let problem = match (&call.what, trip) {
            (What::Estimate { posto }, Some(trip)) => estimate(day, trip, call, *posto)
                .or_else(|| price_of_then(&prices, call, *posto, "estimativa")),
            (What::Reserve { posto, .. }, Some(trip)) => estimate(day, trip, call, *posto)
                .or_else(|| price_of_then(&prices, call, *posto, "reserva"))
                .or_else(|| agreed(call, &evidence.database.reservas)),
            (What::Change { posto, .. }, Some(trip)) => estimate(day, trip, call, *posto)
                .or_else(|| changed(&prices, call, &evidence.history)),
            (What::Finish { energy } | What::Report { energy, .. }, _) => session(call, *energy),
            _ => None,
        };
        found.extend(problem.map(|problem| format!("{problem}: {call:?}")));
    }
    for row in &evidence.database.sessions {
        let problem = recorded(row, evidence, &prices);
        found.extend(problem.map(|problem| format!("{problem}: {row:?}")));
    }
    found
}

fn differs(what: &str, found: &Value, expected: Decimal) -> Option<String> {
    let is_equal = Decimal::of_json(found) == Some(expected);
    (!is_equal).then(|| format!("{what} is {found}, and should be {expected}"))
}

fn estimate(day: &Day, trip: &Trip, call: &Call, posto: i64) -> Option<String> {
    let said = &call.answer.json["estimativa"];
    let power = day.postos.iter().find(|known| known.id == posto)?.power;
    let (capacity, level) = (Decimal::new(trip.carro.capacity, 3), Decimal::new(trip.level, 3));
    let energy = capacity.minus(level).rounded(3);
    let minutes = energy.times(Decimal::new(60, 0)).over_up(Decimal::new(power, 3));
    let range = level.over(Decimal::new(trip.carro.consumption, 3), 1);
    let Some(price) = Decimal::of_json(&said["preco_kwh"]) else {
        return Some("there is no estimate".to_owned());
    };
    differs("energia_kwh", &said["energia_kwh"], energy)
        .or_else(|| differs("minutos", &said["minutos"], minutes))
        .or_else(|| differs("custo", &said["custo"], cost(energy, price)))
        .or_else(|| differs("autonomia_km", &said["autonomia_km"], range))
}

/// The price of an answer is one that the posto had during the call.
fn price_of_then(prices: &Prices, call: &Call, posto: i64, part: &str) -> Option<String> {
    let price = Decimal::of_json(&call.answer.json[part]["preco_kwh"]);
    let is_so =
        price.is_some_and(|price| prices.could_be(posto, price, (call.started, call.ended)));
    (!is_so).then(|| format!("{price:?} was not the price of posto {posto} then"))
}

/// What was agreed is what is recorded as agreed.
fn agreed(call: &Call, rows: &[ReservaRow]) -> Option<String> {
    let (answer, reserva) = (&call.answer.json, &call.answer.json["reserva"]);
    let Some(row) = rows.iter().find(|row| answer["request_id"] == row.request_id.as_str()) else {
        return Some("a sucesso is not recorded".to_owned());
    };
    let (posto, inicio, fim, price) =
        row.first.unwrap_or((row.posto, row.inicio, row.fim, row.price));
    let is_same = reserva["posto_id"] == posto
        && super::clock::read(&reserva["inicio"]) == Some(inicio)
        && super::clock::read(&reserva["fim"]) == Some(fim)
        && Decimal::of_json(&reserva["preco_kwh"]) == Decimal::of(price)
        && reserva["preco_kwh"] == answer["estimativa"]["preco_kwh"];
    (!is_same).then(|| format!("recorded as agreed: {row:?}"))
}

/// Longer or elsewhere, it has the price of the moment; else that of the reservation.
fn changed(prices: &Prices, call: &Call, calls: &[Call]) -> Option<String> {
    let What::Change { posto, inicio, fim, had, reserva } = &call.what else { return None };
    if *posto != had.0 || fim - inicio > had.2 - had.1 {
        return price_of_then(prices, call, *posto, "reserva");
    }
    let made = calls.iter().find(|made| {
        matches!(made.what, What::Reserve { .. })
            && made.answer.json["request_id"] == reserva.as_str()
            && made.answer.is_success()
    })?;
    let price = |call: &Call| call.answer.json["reserva"]["preco_kwh"].clone();
    (price(call) != price(made)).then(|| "the price was to stay".to_owned())
}

fn session(call: &Call, energy: i64) -> Option<String> {
    let answer = &call.answer.json;
    let (energy, price) = (Decimal::new(energy, 3), Decimal::of_json(&answer["preco_kwh"])?);
    differs("energia_fornecida", &answer["energia_fornecida"], energy)
        .or_else(|| differs("custo", &answer["custo"], cost(energy, price)))
}

fn recorded(row: &SessionRow, evidence: &Evidence, prices: &Prices) -> Option<String> {
    let (price, reservas) = (Decimal::of(row.price)?, &evidence.database.reservas);
    // Nobody agreed on a price for what is reported without a reserva: it is that of the report.
    let begun = reported(&evidence.history, row).unwrap_or((row.inicio, row.inicio));
    match row.reserva.and_then(|id| reservas.iter().find(|reserva| reserva.id == id)) {
        // A session that has begun keeps its price when the reserva is made longer.
        Some(reserva) => {
            let first = reserva.first.map_or(reserva.price, |(.., first)| first);
            if ![reserva.price, first].map(Decimal::of).contains(&Some(price)) {
                return Some(format!("{price} is not the price of {reserva:?}"));
            }
        }
        None if prices.could_be(row.posto, price, begun) => {}
        None => return Some(format!("{price} was not the price of its posto then")),
    }
    let (energy, said) = (Decimal::of(row.energy?)?, Decimal::of(row.cost?)?);
    let expected = cost(energy, price);
    (said != expected).then(|| format!("the cost should be {expected}"))
}

/// Every attempt to set a price.
struct Prices(Vec<(i64, Decimal, (i64, i64), bool)>);

impl Prices {
    fn of(calls: &[Call]) -> Self {
        let set = calls.iter().filter_map(|call| match call.what {
            What::Price { posto, price } => {
                let during = (call.started, call.ended);
                Some((posto, Decimal::new(price, 3), during, call.answer.is_success()))
            }
            _ => None,
        });
        Self(set.collect())
    }

    /// Whether it may have been the price at a moment of `during`.
    fn could_be(&self, posto: i64, price: Decimal, (from, to): (i64, i64)) -> bool {
        let here = || self.0.iter().filter(|(known, ..)| *known == posto);
        here().any(|(_, set, (begun, ended), _)| {
            let is_replaced = || {
                here()
                    .any(|(_, _, (next, done), success)| *success && ended <= next && *done <= from)
            };
            *set == price && *begun <= to && !is_replaced()
        })
    }
}
