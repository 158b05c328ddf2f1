//! Discounts and margins that an operator puts on computed prices.

/// What is done to the price of calls to one provider: first the discount, then the margin.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Adjustment {
    /// Share taken off, 0.05 for 5 %.
    pub discount: f64,
    /// Share put on, 0.1 for 10 %.
    pub margin: f64,
    /// Amount put on each call, in USD.
    pub margin_fixed: f64,
}

/// A price after an [`Adjustment`], all in USD.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Adjusted {
    /// Before.
    pub original: f64,
    /// Taken off.
    pub discount_amount: f64,
    /// Put on, share and fixed amount together.
    pub margin_amount: f64,
    /// After.
    pub total: f64,
}

impl Adjustment {
    /// Applies discount, then margin, to a price in USD.
    #[must_use]
    pub fn apply(&self, original: f64) -> Adjusted {
        let discount_amount = original * self.discount;
        let discounted = original - discount_amount;
        let margin_amount = discounted * self.margin + self.margin_fixed;
        Adjusted { original, discount_amount, margin_amount, total: discounted + margin_amount }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn discount_comes_before_margin() {
        let adjusted = Adjustment { discount: 0.5, margin: 0.1, margin_fixed: 0.01 }.apply(1.0);
        assert!((adjusted.total - 0.56).abs() < 1e-12, "{adjusted:?}");
        assert_eq!(Adjustment::default().apply(1.0).total, 1.0);
    }
}
