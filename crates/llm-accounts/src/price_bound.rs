//! What a call may cost at the most, before it is made.

/// US dollars of the dearest deployment that may serve a call. No price: free, so that budgets do not count.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct PriceBound {
    /// A prompt token.
    pub input: f64,
    /// An answer token.
    pub output: f64,
    /// Whatever is not priced by token (an image, a query, a minute), for each alternative.
    pub each: f64,
    /// Tokens of the longest answer that the model gives, whatever a call names; nothing where that is not known.
    pub longest: Option<u64>,
}

impl PriceBound {
    /// Nothing of it costs anything.
    #[must_use]
    pub fn is_free(&self) -> bool {
        (self.input, self.output, self.each) == (0.0, 0.0, 0.0)
    }

    /// The dearer of both, price by price, and the longer answer.
    #[must_use]
    pub fn or_dearer(self, other: Self) -> Self {
        Self {
            input: self.input.max(other.input),
            output: self.output.max(other.output),
            each: self.each.max(other.each),
            longest: self.longest.zip(other.longest).map(|(one, other)| one.max(other)),
        }
    }
}

impl From<(f64, f64)> for PriceBound {
    /// Prices of a prompt and an answer token.
    fn from((input, output): (f64, f64)) -> Self {
        Self { input, output, ..Self::default() }
    }
}
