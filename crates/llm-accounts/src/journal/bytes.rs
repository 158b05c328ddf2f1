//! Numbers and texts as bytes: whole numbers in as few bytes as they need (LEB128), texts behind their length.

/// Writes values one after another.
pub(super) trait Put {
    /// A whole number.
    fn int(&mut self, number: u64);
    /// A whole number that may be negative.
    fn signed(&mut self, number: i64);
    /// A number, as its eight bytes.
    fn float(&mut self, number: f64);
    /// A text.
    fn text(&mut self, text: &str);
    /// A text, or none.
    fn maybe(&mut self, text: Option<&str>);
    /// A number, or none.
    fn maybe_int(&mut self, number: Option<u64>);
    /// Texts.
    fn texts<'t>(&mut self, texts: impl ExactSizeIterator<Item = &'t str>);
}

impl Put for Vec<u8> {
    #[inline]
    fn int(&mut self, mut number: u64) {
        while number >= 0x80 {
            self.push((number & 0x7f) as u8 | 0x80);
            number >>= 7;
        }
        self.push(number as u8);
    }

    fn signed(&mut self, number: i64) {
        // Small numbers of both signs get short.
        self.int(((number << 1) ^ (number >> 63)).cast_unsigned());
    }

    fn float(&mut self, number: f64) {
        self.extend_from_slice(&number.to_le_bytes());
    }

    fn text(&mut self, text: &str) {
        self.int(text.len() as u64);
        self.extend_from_slice(text.as_bytes());
    }

    fn maybe(&mut self, text: Option<&str>) {
        match text {
            None => self.push(0),
            Some(text) => {
                self.int(text.len() as u64 + 1);
                self.extend_from_slice(text.as_bytes());
            }
        }
    }

    fn maybe_int(&mut self, number: Option<u64>) {
        self.push(u8::from(number.is_some()));
        if let Some(number) = number {
            self.int(number);
        }
    }

    fn texts<'t>(&mut self, texts: impl ExactSizeIterator<Item = &'t str>) {
        self.int(texts.len() as u64);
        texts.for_each(|text| self.text(text));
    }
}

/// Reads what [`Put`] wrote. Every step is `None` where the bytes say something else.
#[derive(Debug, Clone, Copy)]
pub(super) struct Take<'a>(pub(super) &'a [u8]);

impl<'a> Take<'a> {
    #[inline]
    pub(super) fn byte(&mut self) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*first)
    }

    #[inline]
    pub(super) fn int(&mut self) -> Option<u64> {
        let mut number = 0_u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            number |= u64::from(byte & 0x7f).checked_shl(shift)?;
            if byte < 0x80 {
                return Some(number);
            }
        }
        None
    }

    pub(super) fn signed(&mut self) -> Option<i64> {
        let number = self.int()?;
        Some((number >> 1).cast_signed() ^ -(number & 1).cast_signed())
    }

    pub(super) fn float(&mut self) -> Option<f64> {
        let (bytes, rest) = self.0.split_first_chunk::<8>()?;
        self.0 = rest;
        Some(f64::from_le_bytes(*bytes))
    }

    pub(super) fn bytes(&mut self, length: u64) -> Option<&'a [u8]> {
        let (bytes, rest) = self.0.split_at_checked(usize::try_from(length).ok()?)?;
        self.0 = rest;
        Some(bytes)
    }

    pub(super) fn text(&mut self) -> Option<&'a str> {
        let length = self.int()?;
        std::str::from_utf8(self.bytes(length)?).ok()
    }

    pub(super) fn maybe(&mut self) -> Option<Option<&'a str>> {
        match self.int()?.checked_sub(1) {
            None => Some(None),
            Some(length) => std::str::from_utf8(self.bytes(length)?).ok().map(Some),
        }
    }

    pub(super) fn maybe_int(&mut self) -> Option<Option<u64>> {
        match self.byte()? {
            0 => Some(None),
            _ => self.int().map(Some),
        }
    }

    pub(super) fn texts(&mut self) -> Option<Vec<&'a str>> {
        let count = self.int()?;
        (0..count).map(|_| self.text()).collect()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_was_put_is_taken(
            int: u64, signed: i64, float in proptest::num::f64::ANY, text: String, maybe: Option<String>,
            maybe_int: Option<u64>, texts: Vec<String>, cut in 1_usize..20,
        ) {
            let mut out = Vec::new();
            out.int(int);
            out.signed(signed);
            out.float(float);
            out.text(&text);
            out.maybe(maybe.as_deref());
            out.maybe_int(maybe_int);
            out.texts(texts.iter().map(String::as_str));
            let all = |take: &mut Take<'_>| {
                assert_eq!(take.int()?, int);
                assert_eq!(take.signed()?, signed);
                assert_eq!(take.float()?.to_bits(), float.to_bits());
                assert_eq!(take.text()?, text);
                assert_eq!(take.maybe()?, maybe.as_deref());
                assert_eq!(take.maybe_int()?, maybe_int);
                assert_eq!(take.texts()?, texts);
                Some(())
            };
            let mut take = Take(&out);
            prop_assert!(all(&mut take).is_some() && take.0.is_empty());
            let short = out.get(..out.len() - cut.min(out.len())).unwrap_or_default();
            prop_assert!(all(&mut Take(short)).is_none(), "a cut is noticed");
        }

        #[test]
        fn any_bytes_are_read_or_refused(bytes: Vec<u8>) {
            let mut take = Take(&bytes);
            while take.texts().is_some() && !take.0.is_empty() {}
            let mut take = Take(&bytes);
            while take.int().is_some() && take.maybe().is_some() {}
        }
    }
}
