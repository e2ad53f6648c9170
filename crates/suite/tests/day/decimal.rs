//! Decimal numbers as people write them, for money that is computed apart from the servidor.

use serde_json::Value;

/// `digits` divided by ten to the power of `places`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Decimal {
    digits: i128,
    places: u32,
}

fn power(places: u32) -> i128 {
    10_i128.pow(places)
}

impl Decimal {
    pub(crate) fn new(digits: i64, places: u32) -> Self {
        Self { digits: digits.into(), places }
    }

    /// A number without exponent; `None` for everything else.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (sign, unsigned) = match text.strip_prefix('-') {
            Some(unsigned) => (-1, unsigned),
            None => (1, text),
        };
        let (whole, fraction) = unsigned.split_once('.').unwrap_or((unsigned, ""));
        let digits = format!("{whole}{fraction}");
        let is_number = !whole.is_empty() && digits.bytes().all(|digit| digit.is_ascii_digit());
        let digits: i128 = digits.parse().ok().filter(|_| is_number)?;
        Some(Self { digits: sign * digits, places: u32::try_from(fraction.len()).ok()? })
    }

    /// The shortest decimal number that a binary one stands for: the one that was written.
    pub(crate) fn of(number: f64) -> Option<Self> {
        Self::parse(&number.to_string())
    }

    pub(crate) fn of_json(value: &Value) -> Option<Self> {
        value.is_number().then(|| Self::parse(&value.to_string()))?
    }

    /// Both with the same number of places.
    fn aligned(self, other: Self) -> (i128, i128, u32) {
        let places = self.places.max(other.places);
        let digits = |number: Self| number.digits * power(places - number.places);
        (digits(self), digits(other), places)
    }

    pub(crate) fn plus(self, other: Self) -> Self {
        let (left, right, places) = self.aligned(other);
        Self { digits: left + right, places }
    }

    pub(crate) fn minus(self, other: Self) -> Self {
        self.plus(Self { digits: -other.digits, ..other })
    }

    pub(crate) fn times(self, other: Self) -> Self {
        Self { digits: self.digits * other.digits, places: self.places + other.places }
    }

    /// To so many places, half up; of numbers that are not negative.
    pub(crate) fn rounded(self, places: u32) -> Self {
        if self.places <= places {
            return self;
        }
        let unit = power(self.places - places);
        Self { digits: (self.digits * 2 + unit).div_euclid(unit * 2), places }
    }

    /// The quotient, to so many places, half up.
    pub(crate) fn over(self, other: Self, places: u32) -> Self {
        let (left, right, _) = self.aligned(other);
        let left = left * power(places);
        Self { digits: (left * 2 + right).div_euclid(right * 2), places }
    }

    /// The quotient, as the next whole number.
    pub(crate) fn over_up(self, other: Self) -> Self {
        let (left, right, _) = self.aligned(other);
        Self { digits: -(-left).div_euclid(right), places: 0 }
    }
}

impl PartialEq for Decimal {
    fn eq(&self, other: &Self) -> bool {
        let (left, right, _) = self.aligned(*other);
        left == right
    }
}

impl std::fmt::Display for Decimal {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let unit = power(self.places);
        let (whole, rest) = (self.digits / unit, (self.digits % unit).abs());
        match self.places {
            0 => write!(formatter, "{whole}"),
            places => write!(formatter, "{whole}.{rest:0width$}", width = places as usize),
        }
    }
}

#[test]
fn decimal_numbers_are_computed_as_on_paper() {
    let number = |text: &str| Decimal::parse(text).expect("a number");
    assert_eq!(number("0.1").plus(number("0.2")), number("0.3"));
    assert_eq!(number("44.5").minus(number("22.3")), number("22.2"));
    assert_eq!(number("1.005").times(number("1")).rounded(2), number("1.01"));
    assert_eq!(number("2.675").rounded(2), number("2.68"));
    assert_eq!(number("22.3").over(number("0.19"), 1), number("117.4"));
    assert_eq!(number("0.25").over(number("1"), 1), number("0.3"));
    for (left, right, up) in [("22", "22", "1"), ("22.001", "22", "2"), ("0", "22", "0")] {
        assert_eq!(number(left).over_up(number(right)), number(up), "{left} / {right}");
    }
    assert_eq!(Decimal::of(127.8), Some(number("127.80")));
    assert_eq!(number("127.80").to_string(), "127.80");
    for wrong in ["", "1e5", ".5", "1,5", "NaN"] {
        assert_eq!(Decimal::parse(wrong), None, "{wrong}");
    }
}
