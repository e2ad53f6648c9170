//! Lists that are answered page by page.

use domain::Moment;
use protocol::{Field, Invalid, field_values, integer_schema};

/// How many rows a page has.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct PageSize(i64);

impl PageSize {
    const MAX: i64 = 500;

    fn new(size: i64) -> Result<Self, Invalid> {
        if !(1..=Self::MAX).contains(&size) {
            return Err(Invalid(format!("deve estar entre 1 e {}", Self::MAX)));
        }
        Ok(Self(size))
    }

    /// A page and one row more: if that exists, another page follows.
    pub(super) fn with_next(self) -> i64 {
        self.0 + 1
    }
}

impl Default for PageSize {
    fn default() -> Self {
        Self(50)
    }
}

field_values!(@ PageSize, |scalar| Self::new(scalar.integer()?)?, |value| Integer(value.0),
    integer_schema().minimum(Some(1)).maximum(Some(Self::MAX)));

/// The rows of a page, from those read [with the next](PageSize::with_next), and the name of its
/// last one if another page follows.
pub(super) fn page<T, N>(
    mut found: Vec<T>,
    size: PageSize,
    name: impl Fn(&T) -> N,
) -> (Vec<T>, Option<N>) {
    let more = found.len() as i64 > size.0;
    if more {
        found.pop();
    }
    let next = found.last().filter(|_| more).map(name);
    (found, next)
}

/// Refuses a list that ends before it begins; `until` is the name of its end, and what was given.
pub(super) fn check_order(
    from: &mut Option<Field<Moment>>,
    (name, until): (&str, &Option<Field<Moment>>),
) {
    if let (Some(Field::Value(begin)), Some(Field::Value(end))) = (&*from, until)
        && begin > end
    {
        *from = Some(Field::Invalid(format!("não pode ser depois de {name}")));
    }
}
