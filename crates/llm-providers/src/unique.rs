//! What no other has: names of uploads and sessions, boundaries of forms, nonces of handshakes.

use std::hash::{BuildHasher, RandomState};

/// Bits that nobody else has. They are no secret.
#[must_use]
pub fn bits() -> u128 {
    let [high, low] = [1, 2].map(|n| u128::from(RandomState::new().hash_one(n)));
    high << 64 | low
}

/// The same as 32 hexadecimal digits.
#[must_use]
pub fn text() -> String {
    format!("{:032x}", bits())
}
