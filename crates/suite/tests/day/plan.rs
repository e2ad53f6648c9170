//! What is meant to happen on the day: a pure function of its seed.

use fastrand::Rng;

use super::trips::{Trip, trips};

pub(crate) const MINUTE: i64 = 60_000;
pub(crate) const HOUR: i64 = 60 * MINUTE;
const POSTOS: i64 = 40;
const DRIVERS: usize = 400;
const FAILURES: usize = 20;

/// All times are milliseconds from its begin.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Day {
    pub(crate) seed: u64,
    pub(crate) length: i64,
    pub(crate) grid: i64,
    pub(crate) postos: Vec<Posto>,
    pub(crate) trips: Vec<Trip>,
    pub(crate) failures: Vec<Failure>,
    pub(crate) prices: Vec<NewPrices>,
}

/// How long a day is, and what follows from that. The time limits of the programs stay.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Scale {
    pub(crate) length: i64,
    /// Intervals begin and end on this grid, and nobody does anything close to its lines: so the
    /// milliseconds that a call takes decide nothing.
    pub(crate) grid: i64,
    /// By which stays are divided.
    pub(crate) shorter: i64,
    /// Of a thousand drivers, how many come once at least, and how many of these once more.
    pub(crate) come: u32,
    pub(crate) come_again: u32,
}

impl Scale {
    /// A whole day, or another number of hours in which as much of a day happens as fits.
    pub(crate) fn of(hours: i64) -> Self {
        let length = hours * HOUR;
        if hours >= 12 {
            return Self { length, grid: 5 * MINUTE, shorter: 1, come: 1000, come_again: 500 };
        }
        Self { length, grid: 2 * MINUTE, shorter: 3, come: 300, come_again: 0 }
    }

    /// As long a part of this day as `time` is of a whole one.
    pub(crate) fn part(&self, time: i64) -> i64 {
        time * self.length / (24 * HOUR)
    }

    /// The tolerance that is compared with none, in minutes; it ends on the grid.
    pub(crate) fn tolerance(&self) -> i64 {
        3 * self.grid / MINUTE
    }

    pub(crate) fn on_grid(&self, time: i64) -> i64 {
        (time + self.grid / 2).div_euclid(self.grid) * self.grid
    }

    /// In the middle of the grid's cell.
    pub(crate) fn off_grid(&self, time: i64, random: &mut Rng) -> i64 {
        time.div_euclid(self.grid) * self.grid + self.grid / 5 + random.i64(0..=self.grid * 3 / 5)
    }
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Posto {
    pub(crate) id: i64,
    /// In watts.
    pub(crate) power: i64,
    pub(crate) conector: &'static str,
    /// In thousandths of BRL per kWh.
    pub(crate) price: i64,
    /// In ten-thousandths of a degree.
    pub(crate) place: (i64, i64),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum How {
    /// The operator takes the posto out of service, and its reservas are kept, moved, cancelled.
    Manter,
    Mover,
    Cancelar,
    /// Its charger says that it is out of service.
    Charger,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Failure {
    pub(crate) posto: i64,
    pub(crate) how: How,
    pub(crate) at: i64,
    pub(crate) repaired: i64,
}

/// All prices are raised by so many thousandths of BRL.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct NewPrices {
    pub(crate) at: i64,
    pub(crate) raise: i64,
}

impl Day {
    pub(crate) fn plan(seed: u64, scale: &Scale) -> Self {
        let mut random = Rng::with_seed(seed);
        let postos = site();
        let trips = trips(&postos, DRIVERS, scale, &mut random);
        let failures = failures(scale, &mut random);
        // Energy is dearer in the evening.
        let prices = [(17 * HOUR, 345), (21 * HOUR, 0)].map(|(at, raise)| {
            let at = scale.off_grid(scale.part(at), &mut random);
            NewPrices { at, raise }
        });
        Self {
            seed,
            length: scale.length,
            grid: scale.grid,
            postos,
            trips,
            failures,
            prices: prices.into(),
        }
    }
}

/// Three kinds of postos, with prices whose thousandths make rounding matter.
fn site() -> Vec<Posto> {
    let kind = |id| match id {
        1..=8 => (150_000, "CCS", 2_895),
        9..=28 => (60_000, "CCS", 2_455),
        _ => (22_000, "Tipo 2", 1_985),
    };
    let posto = |id| {
        let (power, conector, price) = kind(id);
        let place = (-235_540 - id / 8, -466_370 - id % 8);
        Posto { id, power, conector, price, place }
    };
    (1..=POSTOS).map(posto).collect()
}

fn failures(scale: &Scale, random: &mut Rng) -> Vec<Failure> {
    let mut postos: Vec<i64> = (1..=POSTOS).collect();
    random.shuffle(&mut postos);
    let hows = [How::Manter, How::Mover, How::Cancelar, How::Charger];
    let failing = postos.into_iter().take(FAILURES).enumerate().map(|(number, posto)| {
        let at = scale.off_grid(scale.part(random.i64(6 * HOUR..20 * HOUR)), random);
        let lasts = random.i64(30 * MINUTE..150 * MINUTE) / scale.shorter / scale.shorter;
        let repaired = scale.off_grid(at + lasts, random);
        Failure { posto, how: hows[number % hows.len()], at, repaired }
    });
    failing.collect()
}

#[test]
fn a_seed_makes_one_plan() {
    for hours in [1, 24] {
        let scale = Scale::of(hours);
        let day = Day::plan(7, &scale);
        assert_eq!(day, Day::plan(7, &scale));
        assert_ne!(day, Day::plan(8, &scale));
        assert_eq!((day.postos.len(), day.failures.len()), (40, 20));
        let arrivals = |from: i64, to: i64| {
            let hours = scale.part(from * HOUR)..scale.part(to * HOUR);
            day.trips.iter().filter(|trip| hours.contains(&trip.wants)).count()
        };
        let (morning, evening, night) = (arrivals(7, 10), arrivals(16, 19), arrivals(0, 5));
        assert!(morning > 3 * night && evening > 3 * night, "{morning} {evening} {night}");
    }
    assert!(Day::plan(7, &Scale::of(24)).trips.len() > 450);
}
