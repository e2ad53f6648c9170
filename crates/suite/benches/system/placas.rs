//! Placas in random order, as in life: sequential ones would keep the database's index of them in
//! cache.

/// Changes the order; the same seed gives the same placas.
const SEED: u64 = 20_261_126;
/// How many placas of the form `LLLNLNN` there are.
const COUNT: u64 = 26 * 26 * 26 * 10 * 26 * 10 * 10;
/// The smallest power of two above [`COUNT`].
const BITS: u32 = 29;

/// The placa of a number below [`COUNT`]: numbers that differ give placas that differ.
pub(crate) fn placa(number: u64) -> String {
    let mut rest = number % COUNT;
    loop {
        rest = permute(rest);
        if rest < COUNT {
            break;
        }
    }
    let mut take = |base: u64, first: u8| {
        let digit = (rest % base) as u8;
        rest /= base;
        char::from(first + digit)
    };
    let [letter, digit] = [(26, b'A'), (10, b'0')];
    [letter, letter, letter, digit, letter, digit, digit]
        .map(|(base, first)| take(base, first))
        .iter()
        .collect()
}

/// Maps the numbers of [`BITS`] bits onto themselves: each step can be undone.
fn permute(number: u64) -> u64 {
    let mask = (1 << BITS) - 1;
    let mut mixed = (number ^ SEED) & mask;
    for odd in [0x0d4f_1a35, 0x1b87_3593] {
        mixed = mixed.wrapping_mul(odd) & mask;
        mixed ^= mixed >> 15;
    }
    mixed
}
