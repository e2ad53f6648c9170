//! What drivers mean to do.

use fastrand::Rng;

use super::plan::{HOUR, MINUTE, Posto, Scale};

/// Of a thousand sessions, how many began in each hour: 16,610 sessions on weekdays of the years 2018
/// to 2020 at 27 public charging stations of the city of Boulder, Colorado (its open data, "Electric
/// Vehicle Charging Station Energy Consumption"). There are peaks at 8, at 12 and at 17 h.
const ARRIVALS: [i64; 24] =
    [1, 1, 0, 0, 0, 16, 33, 48, 84, 69, 67, 76, 83, 81, 64, 60, 68, 88, 76, 48, 20, 8, 4, 3];

/// What somebody does at one visit of the site.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Trip {
    pub(crate) number: usize,
    pub(crate) placa: String,
    pub(crate) carro: Carro,
    /// In Wh, when the carro comes.
    pub(crate) level: i64,
    /// When the driver wants to be there.
    pub(crate) wants: i64,
    /// In the order in which they are tried.
    pub(crate) postos: Vec<i64>,
    /// `None`: comes without one.
    pub(crate) reservation: Option<Reservation>,
    /// `None`: stays away.
    pub(crate) comes: Option<i64>,
    /// From the begin of the session to its end.
    pub(crate) stays: i64,
    /// In Wh.
    pub(crate) energy: i64,
    /// The charger is offline, and reports the session when it is over.
    pub(crate) reported_later: bool,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Carro {
    pub(crate) modelo: &'static str,
    /// In Wh, and in Wh per km.
    pub(crate) capacity: i64,
    pub(crate) consumption: i64,
    /// In watts, by the charger's current.
    ac: i64,
    dc: i64,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Reservation {
    pub(crate) asks: i64,
    pub(crate) inicio: i64,
    pub(crate) fim: i64,
    pub(crate) estimates: bool,
    pub(crate) cancels: Option<i64>,
    pub(crate) change: Option<(i64, Change)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Change {
    Longer,
    Shorter,
    Later,
    OtherPosto,
}

/// Sizes that are sold, from small to large.
const CARROS: [Carro; 4] = [
    Carro { modelo: "Compacto", capacity: 38_000, consumption: 142, ac: 6_600, dc: 40_000 },
    Carro { modelo: "BYD Dolphin", capacity: 44_500, consumption: 190, ac: 7_000, dc: 60_000 },
    Carro { modelo: "Sedan", capacity: 62_300, consumption: 165, ac: 11_000, dc: 90_000 },
    Carro { modelo: "SUV", capacity: 82_600, consumption: 217, ac: 11_000, dc: 120_000 },
];

/// Some drivers come twice, the second time hours later.
pub(crate) fn trips(
    postos: &[Posto],
    drivers: usize,
    scale: &Scale,
    random: &mut Rng,
) -> Vec<Trip> {
    let mut trips = Vec::new();
    for driver in 0..drivers {
        let carro = CARROS[driver % CARROS.len()];
        let mut planner = Planner { postos, scale, random };
        let first = planner.arrival();
        let again = planner.is_one_of(scale.come_again).then(|| planner.arrival());
        if !planner.is_one_of(scale.come) {
            continue;
        }
        let again = again.filter(|again| (again - first).abs() > scale.part(5 * HOUR));
        for wants in [Some(first), again].into_iter().flatten() {
            trips.push(planner.trip(trips.len(), format!("DAY{driver:04}"), carro, wants));
        }
    }
    trips
}

struct Planner<'a> {
    postos: &'a [Posto],
    scale: &'a Scale,
    random: &'a mut Rng,
}

impl Planner<'_> {
    fn is_one_of(&mut self, of_a_thousand: u32) -> bool {
        self.random.u32(0..1000) < of_a_thousand
    }

    /// A moment of the day, as likely as [`ARRIVALS`] says.
    fn arrival(&mut self) -> i64 {
        let mut chosen = self.random.i64(0..ARRIVALS.iter().sum());
        let hour = ARRIVALS.iter().position(|share| {
            chosen -= share;
            chosen < 0
        });
        let hour = i64::try_from(hour.expect("the shares have a sum")).expect("an hour");
        self.scale.part(hour * HOUR + self.random.i64(0..HOUR))
    }

    /// Three postos of one kind, for one that is common.
    fn choice(&mut self) -> (Vec<i64>, i64, bool) {
        let wanted = self.postos[self.random.usize(0..self.postos.len())].power;
        let of_kind = self.postos.iter().filter(|posto| posto.power == wanted);
        let mut ids: Vec<i64> = of_kind.map(|posto| posto.id).collect();
        self.random.shuffle(&mut ids);
        ids.truncate(3);
        (ids, wanted, wanted < 50_000)
    }

    fn trip(&mut self, number: usize, placa: String, carro: Carro, wants: i64) -> Trip {
        let (postos, posto_power, is_ac) = self.choice();
        let power = if is_ac { carro.ac } else { carro.dc.min(posto_power * 4 / 5) };
        let level = carro.capacity * self.random.i64(80..450) / 1000 + self.random.i64(0..10);
        let missing = carro.capacity * 85 / 100 - level;
        let longest = if is_ac { 150 * MINUTE } else { HOUR };
        let needs = (missing * HOUR / power).clamp(15 * MINUTE, longest) / self.scale.shorter;
        let inicio = self.scale.on_grid(wants).max(self.scale.grid);
        let fim = self.scale.on_grid(inicio + needs + 10 * MINUTE / self.scale.shorter);
        let fim = fim.max(inicio + self.scale.grid);
        let reservation = (!self.is_one_of(120)).then(|| self.reservation(inicio, fim));
        let stays = self.stay(needs, inicio, fim);
        let charges = stays.min(needs);
        let comes = self.comes(inicio, reservation.is_some());
        Trip {
            number,
            placa,
            carro,
            level,
            wants,
            postos,
            comes,
            stays,
            // A tenth less than the battery could take, so that no clock makes it too much.
            energy: missing.min(power * charges / HOUR * 9 / 10),
            reported_later: reservation.is_some() && self.is_one_of(40),
            reservation,
        }
    }

    /// Some leave early, some stay when the reserva is over.
    fn stay(&mut self, needs: i64, inicio: i64, fim: i64) -> i64 {
        let stays = match self.random.u32(0..100) {
            0..20 => needs * self.random.i64(40..90) / 100,
            20..32 => fim - inicio + self.random.i64(5..40) * MINUTE / self.scale.shorter,
            _ => needs,
        };
        self.scale.on_grid(stays).max(self.scale.grid)
    }

    /// Some stay away, some come early, some late.
    fn comes(&mut self, inicio: i64, has_reservation: bool) -> Option<i64> {
        let minutes = match self.random.u32(0..100) {
            0..9 if has_reservation => return None,
            9..22 => self.random.i64(6..40),
            22..32 => -self.random.i64(1..12),
            _ => self.random.i64(0..5),
        };
        let at = (inicio + minutes * MINUTE / self.scale.shorter).max(0);
        Some(self.scale.off_grid(at, self.random))
    }

    fn reservation(&mut self, inicio: i64, fim: i64) -> Reservation {
        // From ten minutes to six hours ahead, each doubling as likely as the next.
        let ahead = 10.0 * 36_f64.powf(self.random.f64());
        let ahead = self.scale.part(ahead as i64 * MINUTE).max(self.scale.grid);
        let asks = self.scale.off_grid((inicio - ahead).max(0), self.random);
        let between = |planner: &mut Self| {
            let at = asks + (inicio - asks).max(0) * planner.random.i64(20..80) / 100;
            planner.scale.off_grid(at, planner.random)
        };
        let cancels = self.is_one_of(60).then(|| between(self));
        let change = self.is_one_of(150).then(|| {
            let all = [Change::Longer, Change::Shorter, Change::Later, Change::OtherPosto];
            let change = all[self.random.usize(0..all.len())];
            (between(self), change)
        });
        let estimates = self.is_one_of(300);
        Reservation { asks, inicio, fim, estimates, cancels, change }
    }
}
