//! What services of guardrails count and charge, added up.

use std::collections::BTreeMap;

use llm_store::DailyGuardrailUnitsRow;
use llm_types::Json;

/// Units by counter: how many, how many of them without a price; US dollars of the others.
#[derive(Debug, Clone, Default)]
pub(super) struct Units {
    counters: BTreeMap<String, (i64, i64)>,
    cost: Option<f64>,
}

impl Units {
    fn add(&mut self, row: &DailyGuardrailUnitsRow) {
        let untracked = if row.cost.is_none() { row.units } else { row.untracked_units };
        let counter = self.counters.entry(row.usage_unit.clone()).or_default();
        counter.0 += row.units;
        counter.1 += untracked;
        if let Some(cost) = row.cost.filter(|_| untracked < row.units) {
            *self.cost.get_or_insert(0.0) += cost;
        }
    }

    pub(super) fn units(&self) -> Json {
        Json::object(self.counters.iter().map(|(name, (units, _))| (name.as_str(), Json::from(*units))))
    }

    pub(super) fn untracked(&self) -> Json {
        let some = self.counters.iter().filter(|(_, (_, untracked))| *untracked != 0);
        Json::object(some.map(|(name, (_, untracked))| (name.as_str(), Json::from(*untracked))))
    }

    pub(super) const fn cost(&self) -> Option<f64> {
        self.cost
    }
}

/// All of them.
pub(super) fn all(rows: &[DailyGuardrailUnitsRow]) -> Units {
    let mut out = Units::default();
    rows.iter().for_each(|row| out.add(row));
    out
}

/// Sums by a name.
pub(super) fn by(
    rows: &[DailyGuardrailUnitsRow],
    name: impl Fn(&DailyGuardrailUnitsRow) -> &str,
) -> BTreeMap<String, Units> {
    let mut out: BTreeMap<String, Units> = BTreeMap::new();
    rows.iter().for_each(|row| out.entry(name(row).to_owned()).or_default().add(row));
    out
}

fn each(of: &BTreeMap<String, Units>, value: impl Fn(&Units) -> Json) -> Json {
    Json::object(of.iter().map(|(name, units)| (name.as_str(), value(units))))
}

/// The fields of a guardrail's report.
pub(super) fn detail(rows: &[DailyGuardrailUnitsRow]) -> [(&'static str, Json); 11] {
    let all = all(rows);
    let days = by(rows, |row| &row.date);
    let [units, teams, keys] =
        [by(rows, |row| &row.usage_unit), by(rows, |row| &row.team_id), by(rows, |row| &row.api_key)];
    let day = |(date, of): (&String, &Units)| {
        Json::object([("date", Json::from(date.as_str())), ("units", of.units()), ("cost", Json::from(of.cost()))])
    };
    let cost = |of: &Units| Json::from(of.cost());
    [
        ("usage_units", all.units()),
        ("usage_units_daily", Json::Array(days.iter().map(day).collect())),
        ("usage_units_by_team", each(&teams, Units::units)),
        ("usage_units_by_key", each(&keys, Units::units)),
        ("cost", Json::from(all.cost())),
        ("cost_by_unit", each(&units, cost)),
        ("cost_by_team", each(&teams, cost)),
        ("cost_by_key", each(&keys, cost)),
        ("untracked_usage_units", all.untracked()),
        ("untracked_usage_units_by_team", each(&teams, Units::untracked)),
        ("untracked_usage_units_by_key", each(&keys, Units::untracked)),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_no_price_is_told_apart() {
        let row = |unit: &str, units, cost, untracked_units| DailyGuardrailUnitsRow {
            usage_unit: unit.to_owned(),
            units,
            cost,
            untracked_units,
            ..DailyGuardrailUnitsRow::default()
        };
        let rows = [row("text", 10, Some(0.5), 4), row("text", 5, None, 0), row("image", 2, Some(0.0), 2)];
        let all = all(&rows);
        assert_eq!(all.units().to_string(), r#"{"image":2,"text":15}"#);
        assert_eq!(all.untracked().to_string(), r#"{"image":2,"text":9}"#);
        assert_eq!(all.cost(), Some(0.5));
    }
}
