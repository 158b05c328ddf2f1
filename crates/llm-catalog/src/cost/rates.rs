//! Choosing the rates of a call: tier table, threshold, price column, off-peak window.

use super::off_peak;
use crate::{Column, Field, ModelRef, Rules, key::Key, table::Kind};

/// The rates of one call, in USD per token, and the way to find the rarer ones.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rates<'a> {
    model: ModelRef<'a>,
    column: Column,
    prompt_tokens: u64,
    pub(super) input: f64,
    pub(super) output: f64,
    pub(super) cache_read: f64,
    pub(super) cache_write: f64,
    pub(super) cache_write_1h: f64,
    pub(super) reasoning: f64,
}

/// What a call costs in the batch column when the table has no batch price.
const BATCH_SHARE: f64 = 0.5;

impl<'a> Rates<'a> {
    pub(super) fn choose(
        model: ModelRef<'a>,
        rules: &Rules,
        prompt_tokens: u64,
        column: Column,
        at: Option<u64>,
    ) -> Self {
        let finder = Finder { model, column };
        let (mut rates, reasoning) = match tier_table(model, prompt_tokens) {
            Some(low) => finder.tier(low, prompt_tokens),
            None => finder.flat(rules, prompt_tokens),
        };
        let reasoning = match off_peak_open(model, at) {
            true => rates.off_peak().or(reasoning),
            false => reasoning,
        };
        rates.reasoning = reasoning.unwrap_or_else(|| finder.reasoning(rates.output));
        rates
    }

    /// Replaces what the off-peak block names. Returns its rate for reasoning.
    fn off_peak(&mut self) -> Option<f64> {
        let price = |field| self.model.num(field);
        self.input = price(Field::OffPeakInputCostPerToken).unwrap_or(self.input);
        self.output = price(Field::OffPeakOutputCostPerToken).unwrap_or(self.output);
        self.cache_read = price(Field::OffPeakCacheReadInputTokenCost).unwrap_or(self.cache_read);
        self.cache_write = price(Field::OffPeakCacheCreationInputTokenCost).unwrap_or(self.cache_write);
        price(Field::OffPeakOutputCostPerReasoningToken)
    }

    /// The standard price of a field, whatever the column; for batch work its batch price, or half.
    pub(super) fn standard(&self, field: Field) -> Option<f64> {
        let standard = self.model.num(field);
        match self.column {
            Column::Batches => {
                self.model.price(field, 0, Column::Batches).or(standard.map(|price| price * BATCH_SHARE))
            }
            _ => standard,
        }
    }

    /// The price of a field in the call's column, else its standard price.
    pub(super) fn column(&self, field: Field) -> Option<f64> {
        self.model.price(field, 0, self.column).or_else(|| self.standard(field))
    }

    /// The price of a field that may have thresholds of its own.
    pub(super) fn unit(&self, field: Field) -> Option<f64> {
        let above = exceeded(self.model, field, self.prompt_tokens, false);
        Finder { model: self.model, column: self.column }.price(field, above)
    }

    /// True when the model charges for tokens at all.
    pub(super) fn by_token(&self) -> bool {
        self.input > 0.0 || self.output > 0.0
    }
}

struct Finder<'a> {
    model: ModelRef<'a>,
    column: Column,
}

impl<'a> Finder<'a> {
    /// A price by falling back from threshold and column to the standard price.
    fn price(&self, field: Field, above: u64) -> Option<f64> {
        let own = |above| self.model.price(field, above, self.column);
        let standard = |above| {
            let price = || self.model.price(field, above, Column::Standard);
            match self.column {
                Column::Standard => None, // asked for already
                Column::Batches => price().map(|price| price * BATCH_SHARE),
                _ => price(),
            }
        };
        let with_threshold = (above > 0).then(|| own(above).or_else(|| standard(above))).flatten();
        with_threshold.or_else(|| own(0)).or_else(|| standard(0))
    }

    fn rates(&self, prompt_tokens: u64) -> Rates<'a> {
        Rates {
            model: self.model,
            column: self.column,
            prompt_tokens,
            input: 0.0,
            output: 0.0,
            cache_read: 0.0,
            cache_write: 0.0,
            cache_write_1h: 0.0,
            reasoning: 0.0,
        }
    }

    fn flat(&self, rules: &Rules, prompt_tokens: u64) -> (Rates<'a>, Option<f64>) {
        let above = exceeded(self.model, Field::InputCostPerToken, prompt_tokens, rules.inclusive_thresholds);
        let mut rates = self.rates(prompt_tokens);
        rates.input = self.price(Field::InputCostPerToken, above).unwrap_or(0.0);
        rates.output = match self.price(Field::OutputCostPerToken, above) {
            Some(price) if price != 0.0 => price,
            // Image models may price only image tokens; all they answer are image tokens.
            free => self.price(Field::OutputCostPerImageToken, 0).or(free).unwrap_or(0.0),
        };
        rates.cache_read =
            self.price(Field::CacheReadInputTokenCost, above).unwrap_or(rates.input * rules.cached_share);
        rates.cache_write = self.price(Field::CacheCreationInputTokenCost, above).unwrap_or(rates.input);
        rates.cache_write_1h =
            self.price(Field::CacheCreationInputTokenCostAbove1hr, above).unwrap_or(rates.cache_write);
        (rates, None)
    }

    /// The rates of one line of a tier table. What the line leaves out, or calls free, falls back within the line.
    fn tier(&self, low: u64, prompt_tokens: u64) -> (Rates<'a>, Option<f64>) {
        let scale = if self.column == Column::Batches { BATCH_SHARE } else { 1.0 };
        let line = |field| self.model.price(field, low, Column::Standard).map(|price| price * scale);
        let paid = |field| line(field).filter(|price| *price != 0.0);
        let mut rates = self.rates(prompt_tokens);
        rates.input = line(Field::TierInputCostPerToken).unwrap_or(0.0);
        rates.output =
            line(Field::TierOutputCostPerToken).or_else(|| self.price(Field::OutputCostPerToken, 0)).unwrap_or(0.0);
        rates.cache_read = paid(Field::TierCacheReadInputTokenCost).unwrap_or(rates.input);
        rates.cache_write = paid(Field::TierCacheCreationInputTokenCost).unwrap_or(rates.input);
        rates.cache_write_1h = paid(Field::TierCacheCreationInputTokenCostAbove1hr).unwrap_or(rates.cache_write);
        let reasoning = paid(Field::TierOutputCostPerReasoningToken).or_else(|| line(Field::TierOutputCostPerToken));
        (rates, reasoning)
    }

    /// Reasoning has the call's column; where only the answer has it, reasoning costs as the answer does.
    fn reasoning(&self, output: f64) -> f64 {
        let own = |field| self.model.price(field, 0, self.column);
        let alone = self.column != Column::Standard
            && own(Field::OutputCostPerReasoningToken).is_none()
            && own(Field::OutputCostPerToken).is_some();
        if alone { output } else { self.price(Field::OutputCostPerReasoningToken, 0).unwrap_or(output) }
    }
}

/// The highest threshold of a field that the prompt exceeds; 0 for none.
fn exceeded(model: ModelRef<'_>, field: Field, prompt_tokens: u64, inclusive: bool) -> u64 {
    let over = |above: u64| prompt_tokens > above || (inclusive && prompt_tokens == above);
    let cells = model.table.cells_of(model.place, field.id());
    cells
        .filter(|(key, value)| key.column() == Column::Standard && value.kind == Kind::Number && over(key.above()))
        .map(|(key, _)| key.above())
        .max()
        .unwrap_or(0)
}

/// The line of the tier table for a prompt, named by its lower end: the highest that the prompt exceeds, else the
/// first. `None` without a table, and for an empty prompt.
fn tier_table(model: ModelRef<'_>, prompt_tokens: u64) -> Option<u64> {
    let cells = model.table.cells_of(model.place, Field::TierInputCostPerToken.id());
    let lows = cells.map(|(key, _): (Key, _)| key.above());
    let mut found = None;
    for low in lows {
        if found.is_none() || prompt_tokens > low {
            found = Some(low);
        }
    }
    found.filter(|_| prompt_tokens > 0)
}

/// The prompt sizes from which on other prices may hold, smallest first; 0 is not among them.
pub(super) fn thresholds(model: ModelRef<'_>) -> Vec<u64> {
    let fields = [Field::InputCostPerToken, Field::TierInputCostPerToken];
    let cells = fields.into_iter().flat_map(|field| model.table.cells_of(model.place, field.id()));
    let mut all: Vec<u64> = cells.map(|(key, _)| key.above()).filter(|above| *above > 0).collect();
    all.sort_unstable();
    all.dedup();
    all
}

fn off_peak_open(model: ModelRef<'_>, at: Option<u64>) -> bool {
    let Some(windows) = model.text(Field::OffPeakWindows) else { return false };
    off_peak::open(windows, at.unwrap_or_else(off_peak::now))
}
