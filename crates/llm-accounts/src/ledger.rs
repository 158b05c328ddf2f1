//! The ledger proves itself: rows of calls add up to the rollups, the rollups to what keys, users, teams ... have spent.

use llm_store::{DailyScope, LedgerPair, LedgerTotal, Result, Store};

/// One comparison.
#[derive(Debug, Clone)]
pub struct LedgerCheck {
    /// What was compared with what.
    pub name: String,
    /// How many sums.
    pub compared: usize,
    /// Those that differ.
    pub differences: Vec<LedgerPair>,
}

/// What [`verify_ledger`] found.
#[derive(Debug, Clone, Default)]
pub struct LedgerReport {
    /// The first day of which there are all rows; none without rows.
    pub from: Option<String>,
    /// The comparisons.
    pub checks: Vec<LedgerCheck>,
}

impl LedgerReport {
    /// True when every comparison came out even.
    #[must_use]
    pub fn even(&self) -> bool {
        self.checks.iter().all(|check| check.differences.is_empty())
    }
}

/// Sums of floats in another order differ in their last digits: by less than a millionth of a dollar, or of a billionth of
/// the sum.
fn differs(pair: &LedgerPair) -> bool {
    let slack = (pair.from.spend.abs() * 1e-9).max(1e-6);
    (pair.from.spend - pair.kept.spend).abs() > slack || pair.from.requests != pair.kept.requests
}

fn check(name: String, pairs: Vec<LedgerPair>) -> LedgerCheck {
    let compared = pairs.len();
    LedgerCheck { name, compared, differences: pairs.into_iter().filter(differs).collect() }
}

/// Compares every sum the store keeps with what it is made of. Days whose rows were deleted are left out of the first
/// comparison, and so are totals that start again with a budget or went to another key by rotation out of the second.
///
/// # Errors
/// When the store fails.
pub async fn verify_ledger(store: &Store) -> Result<LedgerReport> {
    let mut report = LedgerReport { from: first_whole_day(store).await?, checks: Vec::new() };
    if let Some(from) = &report.from {
        for scope in DailyScope::ALL {
            let pairs = store.ledger_days(scope, from).await?;
            report.checks.push(check(format!("rows of calls, daily sums by {scope:?}"), pairs));
        }
    }
    for of in LedgerTotal::ALL {
        report.checks.push(check(format!("daily sums, totals by {of:?}"), store.ledger_totals(of).await?));
    }
    Ok(report)
}

/// The first day of which no row was deleted: the oldest one, or the one after it when there are older sums.
async fn first_whole_day(store: &Store) -> Result<Option<String>> {
    let Some(oldest) = store.oldest_row_day().await? else { return Ok(None) };
    if store.oldest_daily().await?.is_none_or(|day| day >= oldest) {
        return Ok(Some(oldest));
    }
    let next = oldest.parse::<chrono::NaiveDate>().ok().and_then(|day| day.succ_opt());
    Ok(next.map(|day| day.to_string()))
}
