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
    /// What tokens of long prompts and their answers cost.
    pub long: LongPrompts,
    /// The share of a token's price that a dearer service tier or speed puts on it, for those who ask for one.
    pub tier: f64,
    /// The same of a place where the answer has to be computed.
    pub place: f64,
}

/// Prices that hold for prompts of more tokens than so many, shortest first.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct LongPrompts([Option<LongPrompt>; 4]);

/// Prices of tokens where a prompt is long.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LongPrompt {
    /// Prompts of more tokens than these.
    pub above: u64,
    /// A prompt token, in US dollars.
    pub input: f64,
    /// An answer token, in US dollars.
    pub output: f64,
}

/// What a call asks for beyond an ordinary answer, and pays for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Extras {
    /// A dearer service tier or speed.
    pub tier: bool,
    /// A place where the answer has to be computed.
    pub place: bool,
}

impl FromIterator<LongPrompt> for LongPrompts {
    /// Of more than four, the shortest ones that make least of a difference are priced as the next ones.
    fn from_iter<I: IntoIterator<Item = LongPrompt>>(prices: I) -> Self {
        let mut all: Vec<LongPrompt> = prices.into_iter().collect();
        all.sort_by_key(|price| price.above);
        let mut out = Self::default();
        let spare = all.len().saturating_sub(out.0.len());
        if let (Some(first), Some(last)) = (all.first().copied(), all.get(spare).copied()) {
            // Prompts as long as the first are never priced below what they cost.
            all.drain(..spare);
            if let Some(kept) = all.first_mut() {
                *kept = LongPrompt { above: first.above, ..last };
            }
        }
        out.0.iter_mut().zip(all).for_each(|(place, price)| *place = Some(price));
        out
    }
}

impl LongPrompts {
    fn iter(&self) -> impl Iterator<Item = LongPrompt> {
        self.0.into_iter().flatten()
    }
}

impl PriceBound {
    /// Nothing of it costs anything.
    #[must_use]
    pub fn is_free(&self) -> bool {
        let long = self.long.iter().all(|long| (long.input, long.output) == (0.0, 0.0));
        (self.input, self.output, self.each) == (0.0, 0.0, 0.0) && long
    }

    /// The dearer of both, price by price, and the longer answer.
    #[must_use]
    pub fn or_dearer(self, other: Self) -> Self {
        let dearer = |above| {
            let ((one, two), (three, four)) = (self.plain(above), other.plain(above));
            LongPrompt { above, input: one.max(three), output: two.max(four) }
        };
        let mut steps: Vec<u64> = self.long.iter().chain(other.long.iter()).map(|long| long.above).collect();
        steps.sort_unstable();
        steps.dedup();
        Self {
            input: self.input.max(other.input),
            output: self.output.max(other.output),
            each: self.each.max(other.each),
            longest: self.longest.zip(other.longest).map(|(one, other)| one.max(other)),
            long: steps.into_iter().map(dearer).collect(),
            tier: self.tier.max(other.tier),
            place: self.place.max(other.place),
        }
    }

    /// The same with every price of a token so many times as high.
    #[must_use]
    pub fn times(self, factor: f64) -> Self {
        let long = |long: LongPrompt| LongPrompt { input: long.input * factor, output: long.output * factor, ..long };
        let long = self.long.iter().map(long).collect();
        Self { input: self.input * factor, output: self.output * factor, long, ..self }
    }

    /// The same where every call asks for something: it is in the price of each token.
    #[must_use]
    pub fn with(self, extras: Extras) -> Self {
        let left = |asked: bool, share: f64| if asked { 0.0 } else { share };
        let (tier, place) = (left(extras.tier, self.tier), left(extras.place, self.place));
        Self { tier, place, ..self.times(self.factor(extras)) }
    }

    /// US dollars of a prompt token and an answer token of a call with a prompt of so many.
    #[must_use]
    pub fn tokens(&self, prompt: u64, extras: Extras) -> (f64, f64) {
        let (input, output) = self.plain(prompt.saturating_sub(1));
        let factor = self.factor(extras);
        (input * factor, output * factor)
    }

    /// The prices of prompts of more tokens than these.
    fn plain(&self, above: u64) -> (f64, f64) {
        let long = self.long.iter().filter(|long| long.above <= above).last();
        long.map_or((self.input, self.output), |long| (long.input, long.output))
    }

    fn factor(&self, extras: Extras) -> f64 {
        let share = |asked: bool, share: f64| if asked { 1.0 + share } else { 1.0 };
        share(extras.tier, self.tier) * share(extras.place, self.place)
    }
}

impl From<(f64, f64)> for PriceBound {
    /// Prices of a prompt and an answer token.
    fn from((input, output): (f64, f64)) -> Self {
        Self { input, output, ..Self::default() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stepped(price: f64, steps: &[(u64, f64)]) -> PriceBound {
        let long = steps.iter().map(|&(above, price)| LongPrompt { above, input: price, output: price });
        PriceBound { long: long.collect(), ..(price, price).into() }
    }

    #[test]
    fn a_long_prompt_costs_its_price() {
        let bound = stepped(1.0, &[(100, 2.0), (200, 3.0)]);
        let input = |bound: &PriceBound, prompt| bound.tokens(prompt, Extras::default()).0;
        assert_eq!([0, 100, 101, 200, 201].map(|prompt| input(&bound, prompt)), [1.0, 1.0, 2.0, 2.0, 3.0]);
        let both = bound.or_dearer(stepped(2.5, &[(150, 2.75)]));
        assert_eq!([1, 101, 151, 201].map(|prompt| input(&both, prompt)), [2.5, 2.5, 2.75, 3.0]);
        let many = stepped(1.0, &[(10, 2.0), (20, 3.0), (30, 4.0), (40, 5.0), (50, 6.0)]);
        assert_eq!([10, 11, 31, 51].map(|prompt| input(&many, prompt)), [1.0, 3.0, 4.0, 6.0], "never too little");
    }

    #[test]
    fn what_is_asked_for_is_paid_for() {
        let bound = PriceBound { tier: 1.0, place: 0.5, ..stepped(1.0, &[(100, 2.0)]) };
        let (tier, place) = (Extras { tier: true, place: false }, Extras { tier: true, place: true });
        assert_eq!((bound.tokens(1, tier).0, bound.tokens(200, place).1), (2.0, 6.0));
        let always = bound.with(tier);
        assert_eq!((always.tokens(1, Extras::default()).0, always.tokens(200, place).1), (2.0, 6.0), "once");
    }
}
