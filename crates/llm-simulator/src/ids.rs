//! Deterministic pseudo-random values: ids and vectors.

/// FNV-1a, 64 bits.
pub(crate) fn hash(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |h, b| (h ^ u64::from(*b)).wrapping_mul(0x0000_0100_0000_01b3))
}

/// SplitMix64: a sequence of 64-bit values fixed by its seed.
#[derive(Debug)]
pub(crate) struct Sequence(u64);

impl Sequence {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// `length` letters and digits.
    pub(crate) fn word(&mut self, length: usize) -> String {
        const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
        (0..length)
            .map(|_| {
                let at = usize::try_from(self.next() % 62).unwrap_or(0);
                ALPHABET.get(at).map_or('0', |b| char::from(*b))
            })
            .collect()
    }

    /// A vector of length 1 with `dimensions` components.
    pub(crate) fn unit_vector(&mut self, dimensions: usize) -> Vec<f32> {
        // 24 random bits give every f32 in [-1, 1) an exact value
        let raw: Vec<f64> = (0..dimensions)
            .map(|_| f64::from(u32::try_from(self.next() >> 40).unwrap_or(0)) / f64::from(1_u32 << 23) - 1.0)
            .collect();
        let norm = raw.iter().map(|x| x * x).sum::<f64>().sqrt().max(f64::MIN_POSITIVE);
        #[expect(clippy::cast_possible_truncation, reason = "embeddings are 32-bit floats on the wire")]
        raw.iter().map(|x| (x / norm) as f32).collect()
    }
}

/// Tokens of a text: one for each four characters, rounded up. Stable, not true to any tokenizer.
pub(crate) fn tokens(characters: usize) -> u64 {
    u64::try_from(characters.div_ceil(4)).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vectors_are_stable_and_of_length_one() {
        let a = Sequence::new(hash(b"hello")).unit_vector(256);
        let b = Sequence::new(hash(b"hello")).unit_vector(256);
        let c = Sequence::new(hash(b"other")).unit_vector(256);
        assert_eq!(a, b);
        assert_ne!(a, c);
        let norm: f64 = a.iter().map(|x| f64::from(*x) * f64::from(*x)).sum();
        assert!((norm - 1.0).abs() < 1e-5, "norm {norm}");
    }

    #[test]
    fn words_have_the_length_asked_for() {
        assert_eq!(Sequence::new(1).word(24).len(), 24);
        assert_ne!(Sequence::new(1).word(24), Sequence::new(2).word(24));
    }
}
