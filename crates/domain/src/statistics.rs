//! What operators count: time, reservas, sessions, energy and money, by posto and by part of a period.
//!
//! The same functions count what is still stored in whole and what is kept as sums only.

use std::collections::BTreeMap;
use std::ops::{AddAssign, SubAssign};

use crate::values::millionths;
use crate::{
    DAY, Finished, HOUR_MS, Interval, Moment, Motivo, ReservaFacts, ReservaState, Service, Steps,
};

/// Declares a struct of sums, and the names of its fields.
macro_rules! figures {
    ($(#[$doc:meta])* $name:ident, $($(#[$field_doc:meta])* $field:ident,)+) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
        pub struct $name {
            $($(#[$field_doc])* pub $field: i64,)+
        }

        impl $name {
            /// The fields, in the order of [`Self::values`].
            pub const NAMES: &[&str] = &[$(stringify!($field)),+];

            pub fn values(&self) -> [i64; Self::NAMES.len()] {
                [$(self.$field),+]
            }

            pub fn from_values(values: [i64; Self::NAMES.len()]) -> Self {
                let [$($field),+] = values;
                Self { $($field),+ }
            }
        }

        impl AddAssign<&Self> for $name {
            fn add_assign(&mut self, other: &Self) {
                $(self.$field += other.$field;)+
            }
        }

        impl SubAssign<&Self> for $name {
            fn sub_assign(&mut self, other: &Self) {
                $(self.$field -= other.$field;)+
            }
        }
    };
}

figures! {
    /// Sums of what happened at postos.
    Figures,
    /// Milliseconds of postos in service.
    in_service,
    /// Milliseconds of postos in maintenance.
    maintenance,
    /// Milliseconds of postos that were out of service otherwise.
    out_of_service,
    /// Milliseconds in which reservas held postos.
    held,
    /// Milliseconds in which carros charged.
    charging,
    /// Reservas that were made.
    made,
    /// Reservas whose state became this.
    cumprida,
    encerrada,
    nao_compareceu,
    /// However they were cancelled.
    cancelada,
    /// Cancelled reservas with this motivo. Earlier releases stored none.
    pedido,
    operador,
    manutencao,
    posto_removido,
    /// Sessions that ended.
    sessions,
    /// What these gave, in millionths of a kWh.
    energy,
    /// What these cost, in centavos.
    cost,
}

/// How time is divided into parts.
pub trait Division {
    /// The part in which a moment is; `None` if it does not count.
    fn part(&self, moment: Moment) -> Option<i64>;
    /// The first moment after a part.
    fn end(&self, part: i64) -> Moment;
    /// The part of an interval that counts.
    fn counted(&self, interval: Interval) -> Option<Interval>;
}

/// The hours since 1970 UTC.
#[derive(Debug, Clone, Copy)]
pub struct Hours;

impl Hours {
    /// The hour in which a moment is.
    pub fn of(moment: Moment) -> i64 {
        moment.as_millis().div_euclid(HOUR_MS)
    }

    /// The first moment of an hour.
    pub fn begin(hour: i64) -> Moment {
        Moment::from_millis(hour.saturating_mul(HOUR_MS))
    }
}

impl Division for Hours {
    fn part(&self, moment: Moment) -> Option<i64> {
        Some(Self::of(moment))
    }

    fn end(&self, part: i64) -> Moment {
        Self::begin(part + 1)
    }

    fn counted(&self, interval: Interval) -> Option<Interval> {
        Some(interval)
    }
}

/// By the number of the step.
impl Division for &Steps {
    fn part(&self, moment: Moment) -> Option<i64> {
        self.find(moment).and_then(|step| i64::try_from(step).ok())
    }

    fn end(&self, part: i64) -> Moment {
        self.end_of(usize::try_from(part).unwrap_or(0))
    }

    fn counted(&self, interval: Interval) -> Option<Interval> {
        let inicio = interval.inicio().max(self.inicio());
        Interval::new(inicio, interval.fim().min(self.fim())).ok()
    }
}

/// In place of the id of a posto: all postos.
pub const ALL_POSTOS: i64 = 0;
/// Of a session that is said to have lasted longer, only so many days before its end count: it may have a
/// wrong year.
const MAX_SESSION_DAYS: u32 = 366;

/// The sums of parts of a period.
#[derive(Debug, Clone)]
pub struct Tally<D> {
    division: D,
    is_by_posto: bool,
    sums: BTreeMap<(i64, i64), Figures>,
}

impl<D: Division> Tally<D> {
    /// Makes an empty tally whose sums are those of all postos together.
    pub fn of_all(division: D) -> Self {
        Self { division, is_by_posto: false, sums: BTreeMap::new() }
    }

    /// Makes an empty tally with sums for each posto.
    pub fn by_posto(division: D) -> Self {
        Self { is_by_posto: true, ..Self::of_all(division) }
    }

    /// Counts a reserva as it is at `now`. What has ended for good counts the same at every later moment,
    /// [`Moment::MAX`] included.
    pub fn reserva(&mut self, posto_id: i64, made: Moment, facts: &ReservaFacts, now: Moment) {
        let facts = facts.at(now);
        if let Some(held) = facts.held_once() {
            self.hold(posto_id, held, now);
        }
        self.at(posto_id, made, |figures| figures.made += 1);
        self.at(posto_id, facts.desde, |figures| match (facts.state, facts.motivo) {
            (ReservaState::Ativa, _) => {}
            (ReservaState::Cumprida, _) => figures.cumprida += 1,
            (ReservaState::Encerrada, _) => figures.encerrada += 1,
            (ReservaState::NaoCompareceu, _) => figures.nao_compareceu += 1,
            (ReservaState::Cancelada, motivo) => {
                figures.cancelada += 1;
                match motivo {
                    Some(Motivo::Pedido) => figures.pedido += 1,
                    Some(Motivo::Operador) => figures.operador += 1,
                    Some(Motivo::Manutencao) => figures.manutencao += 1,
                    Some(Motivo::PostoRemovido) => figures.posto_removido += 1,
                    Some(Motivo::Ausencia) | None => {}
                }
            }
        });
    }

    /// Counts that a reserva held a posto, as far as that has happened by `now`.
    pub fn hold(&mut self, posto_id: i64, held: Interval, now: Moment) {
        self.time(posto_id, held, now, |figures| &mut figures.held);
    }

    /// Counts a session. What it gave and cost counts when it ended.
    pub fn session(
        &mut self,
        posto_id: i64,
        inicio: Moment,
        finished: Option<Finished>,
        now: Moment,
    ) {
        let fim = finished.map_or(now, |finished| finished.fim);
        let longest = fim - DAY.saturating_mul(MAX_SESSION_DAYS);
        if let Ok(interval) = Interval::new(inicio.max(longest), fim) {
            self.time(posto_id, interval, now, |figures| &mut figures.charging);
        }
        let Some(finished) = finished else { return };
        self.at(posto_id, fim, |figures| {
            figures.sessions += 1;
            figures.energy +=
                i64::try_from(millionths(finished.energia_fornecida.get())).unwrap_or(0);
            figures.cost += finished.custo.get();
        });
    }

    /// Counts the service of a posto, as far as that has happened by `now`.
    pub fn service(&mut self, posto_id: i64, service: Service, interval: Interval, now: Moment) {
        self.time(posto_id, interval, now, |figures| match service {
            Service::InService => &mut figures.in_service,
            Service::Maintenance => &mut figures.maintenance,
            Service::OutOfService => &mut figures.out_of_service,
        });
    }

    /// Adds sums of the part in which a moment is.
    pub fn add(&mut self, posto_id: i64, moment: Moment, more: &Figures) {
        self.at(posto_id, moment, |figures| *figures += more);
    }

    /// Takes away what another tally has.
    pub fn subtract(&mut self, other: &Self) {
        for (key, less) in &other.sums {
            *self.sums.entry(*key).or_default() -= less;
        }
    }

    /// How many sums there are, of a posto in a part each.
    pub fn size(&self) -> usize {
        self.sums.len()
    }

    /// The sums that are not zero, by posto and part.
    pub fn sums(&self) -> impl Iterator<Item = (i64, i64, &Figures)> {
        let sums = self.sums.iter().filter(|(_, figures)| **figures != Figures::default());
        sums.map(|((posto_id, part), figures)| (*posto_id, *part, figures))
    }

    /// The sums of a part; of a posto, or of all.
    pub fn part(&self, posto_id: i64, part: i64) -> Figures {
        self.sums.get(&(posto_id, part)).copied().unwrap_or_default()
    }

    fn at(&mut self, posto_id: i64, moment: Moment, count: impl FnOnce(&mut Figures)) {
        if let Some(part) = self.division.part(moment) {
            let posto_id = if self.is_by_posto { posto_id } else { ALL_POSTOS };
            count(self.sums.entry((posto_id, part)).or_default());
        }
    }

    /// Divides the time of an interval that has passed by `now`.
    fn time(
        &mut self,
        posto_id: i64,
        interval: Interval,
        now: Moment,
        field: impl Fn(&mut Figures) -> &mut i64,
    ) {
        let passed = Interval::new(interval.inicio(), interval.fim().min(now)).ok();
        let Some(counted) = passed.and_then(|passed| self.division.counted(passed)) else { return };
        let mut from = counted.inicio();
        while from < counted.fim()
            && let Some(part) = self.division.part(from)
        {
            let until = self.division.end(part).min(counted.fim());
            let length = until.as_millis() - from.as_millis();
            self.at(posto_id, from, |figures| *field(figures) += length);
            from = until;
        }
    }
}

#[cfg(test)]
mod tests;
