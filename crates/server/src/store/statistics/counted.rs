//! What statistics are asked for, and what they say.

use domain::{Figures, Moment, Rejection, Steps};

/// What to count.
#[derive(Debug, Clone)]
pub struct StatisticsQuery {
    pub steps: Steps,
    /// Of this posto alone.
    pub posto_id: Option<i64>,
    /// Also of each posto, in the whole period.
    pub by_posto: bool,
}

/// What was counted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statistics {
    /// Of each step.
    pub steps: Vec<Counted>,
    pub total: Counted,
    /// By id; without postos of which nothing was counted.
    pub postos: Vec<CountedPosto>,
    /// What has happened by then was counted.
    pub counted_at: Moment,
}

/// What was counted in a part of a period.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Counted {
    pub figures: Figures,
    pub refusals: Vec<CountedRefusals>,
}

/// Refusals of one kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CountedRefusals {
    /// One of them, without what it was about.
    pub rejection: Rejection,
    pub count: i64,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CountedPosto {
    pub id: i64,
    pub nome: String,
    pub is_removed: bool,
    pub counted: Counted,
}
