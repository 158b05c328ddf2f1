//! Rows in the FOCUS 1.2 format of the FinOps Foundation, as lines of CSV and as cells for Parquet. Columns and their values are those of LiteLLM's export.

use llm_types::Json;

use super::parquet::{Cell, Columns, Kind};
use super::usage::UsageRow;

/// What a column is filled with.
#[derive(Debug, Clone, Copy)]
enum Fill {
    /// The same in every row.
    Always(&'static str),
    /// A text of the row; empty where it has none.
    Text(fn(&UsageRow) -> &str),
    /// A number of the row.
    Number(fn(&UsageRow) -> f64),
    /// The day.
    Start,
    /// The day after.
    End,
    /// What else is known, as a JSON object.
    Tags,
    /// Nothing.
    Empty,
}

/// A column, and whether Vantage takes it; it refuses files with columns that it does not know.
type Column = (&'static str, Fill, bool);

const COLUMNS: &[Column] = &[
    ("BilledCost", Fill::Number(|row| row.spend), true),
    ("BillingAccountId", Fill::Text(|row| &row.api_key), true),
    ("BillingAccountName", Fill::Text(|row| &row.api_key_alias), true),
    ("BillingAccountType", Fill::Always("API Key"), false),
    ("BillingCurrency", Fill::Always("USD"), true),
    ("BillingPeriodEnd", Fill::End, false),
    ("BillingPeriodStart", Fill::Start, false),
    ("ChargeCategory", Fill::Always("Usage"), true),
    ("ChargeClass", Fill::Empty, false),
    ("ChargeDescription", Fill::Text(UsageRow::resource), true),
    ("ChargeFrequency", Fill::Always("Usage-Based"), true),
    ("ChargePeriodEnd", Fill::End, true),
    ("ChargePeriodStart", Fill::Start, true),
    ("ConsumedQuantity", Fill::Number(|row| row.requests as f64), true),
    ("ConsumedUnit", Fill::Always("Requests"), true),
    ("ContractedCost", Fill::Number(|row| row.spend), true),
    ("ContractedUnitPrice", Fill::Empty, false),
    ("EffectiveCost", Fill::Number(|row| row.spend), true),
    ("InvoiceIssuerName", Fill::Text(|row| &row.provider), false),
    ("InvoiceId", Fill::Empty, false),
    ("ListCost", Fill::Number(|row| row.spend), true),
    ("ListUnitPrice", Fill::Empty, false),
    ("AvailabilityZone", Fill::Empty, false),
    ("PricingCurrency", Fill::Always("USD"), false),
    ("PricingCategory", Fill::Empty, false),
    ("PricingQuantity", Fill::Number(|row| row.requests as f64), false),
    ("PricingCurrencyContractedUnitPrice", Fill::Empty, false),
    ("PricingCurrencyEffectiveCost", Fill::Number(|row| row.spend), false),
    ("PricingCurrencyListUnitPrice", Fill::Empty, false),
    ("PricingUnit", Fill::Always("Requests"), false),
    ("ProviderName", Fill::Text(|row| &row.provider), false),
    ("PublisherName", Fill::Text(|row| &row.provider), false),
    ("RegionId", Fill::Empty, true),
    ("RegionName", Fill::Empty, true),
    ("ResourceId", Fill::Text(UsageRow::resource), true),
    ("ResourceName", Fill::Text(UsageRow::resource), true),
    ("ResourceType", Fill::Text(UsageRow::resource), true),
    ("ServiceCategory", Fill::Always("AI and Machine Learning"), true),
    ("ServiceSubcategory", Fill::Always("Generative AI"), true),
    ("ServiceName", Fill::Text(service), true),
    ("SubAccountId", Fill::Text(|row| &row.team_id), true),
    ("SubAccountName", Fill::Text(|row| &row.team_alias), true),
    ("SubAccountType", Fill::Empty, false),
    ("Tags", Fill::Tags, true),
];

/// The model group; Vantage refuses a file with a row that has none.
fn service(row: &UsageRow) -> &str {
    if row.model_group.is_empty() { row.resource() } else { &row.model_group }
}

/// For whom a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reader {
    /// Anybody who knows FOCUS.
    Anybody,
    /// Vantage.
    Vantage,
}

impl Reader {
    fn columns(self) -> impl Iterator<Item = &'static Column> {
        COLUMNS.iter().filter(move |(_, _, vantage)| self == Self::Anybody || *vantage)
    }

    /// The first line of a file.
    pub(super) fn head(self) -> String {
        line(self.columns().map(|(name, _, _)| (*name).to_owned()))
    }

    /// The line of a row.
    pub(super) fn line(self, row: &UsageRow) -> String {
        line(self.columns().map(|(_, fill, _)| fill.text(row)))
    }
}

impl Fill {
    fn text(self, row: &UsageRow) -> String {
        match self {
            Self::Always(text) => text.to_owned(),
            Self::Text(of) => of(row).to_owned(),
            Self::Number(of) => number(of(row)),
            Self::Start => format!("{}T00:00:00Z", row.date),
            Self::End => next_day(&row.date),
            Self::Tags => tags(row).to_string(),
            Self::Empty => String::new(),
        }
    }
}

/// The columns of a Parquet file.
pub(super) fn table() -> Columns {
    Columns::new(COLUMNS.iter().map(|(name, fill, _)| {
        let kind = match fill {
            Fill::Number(_) => Kind::Decimal,
            Fill::Start | Fill::End => Kind::Time,
            // Prices of units that nobody tells.
            Fill::Empty if name.ends_with("UnitPrice") => Kind::Decimal,
            _ => Kind::Text,
        };
        (*name, kind)
    }))
}

/// A text; one that is not known is not there.
fn text(text: &str) -> Cell<'_> {
    if text.is_empty() { Cell::Nothing } else { Cell::Text(text) }
}

/// Adds a row to it.
pub(super) fn add(row: &UsageRow, table: &mut Columns) {
    let tags = tags(row).to_string();
    let micros = |date: &str| {
        let midnight = chrono::NaiveDate::parse_from_str(date, "%Y-%m-%d").ok().and_then(|d| d.and_hms_opt(0, 0, 0));
        midnight.map_or(Cell::Nothing, |midnight| Cell::Micros(midnight.and_utc().timestamp_micros()))
    };
    table.push(COLUMNS.iter().map(|(_, fill, _)| match fill {
        Fill::Always(always) => Cell::Text(always),
        Fill::Text(of) => text(of(row)),
        Fill::Number(of) => Cell::Number(of(row)),
        Fill::Start => micros(&row.date),
        Fill::End => micros(&day_after(&row.date)),
        Fill::Tags => Cell::Text(&tags),
        Fill::Empty => Cell::Nothing,
    }));
}

/// A row under the names of its columns, for previews.
pub(super) fn shown(row: &UsageRow) -> Json {
    Json::object(COLUMNS.iter().map(|(name, fill, _)| {
        let value = match fill {
            Fill::Number(of) => Json::from(of(row)),
            Fill::Empty => Json::Null,
            fill => Some(fill.text(row)).filter(|text| !text.is_empty()).map_or(Json::Null, Json::from),
        };
        (*name, value)
    }))
}

fn tags(row: &UsageRow) -> Json {
    let all = [
        ("team_id", &row.team_id),
        ("team_alias", &row.team_alias),
        ("organization_id", &row.organization_id),
        ("organization_alias", &row.organization_alias),
        ("user_id", &row.user_id),
        ("user_email", &row.user_email),
        ("api_key_alias", &row.api_key_alias),
        ("model", &row.model),
        ("model_group", &row.model_group),
        ("custom_llm_provider", &row.provider),
    ];
    Json::object(all.into_iter().filter(|(_, value)| !value.is_empty()).map(|(name, value)| (name, value.as_str())))
}

/// Midnight after a day.
fn next_day(date: &str) -> String {
    format!("{}T00:00:00Z", day_after(date))
}

/// The day after a day; the same one for a text that is none.
pub(super) fn day_after(date: &str) -> String {
    let next = chrono::NaiveDate::parse_from_str(date, "%Y-%m-%d").ok().and_then(|date| date.succ_opt());
    next.map_or_else(|| date.to_owned(), |next| next.to_string())
}

/// Twelve digits behind the point at the most, never with an exponent.
fn number(value: f64) -> String {
    let text = format!("{value:.12}");
    let text = text.trim_end_matches('0');
    if text.ends_with('.') { format!("{text}0") } else { text.to_owned() }
}

/// One line of RFC 4180. Texts that a spreadsheet would take for a formula are those of callers: they stay as they are, for
/// the readers of these files are programs.
fn line(cells: impl Iterator<Item = String>) -> String {
    let cell = |cell: String| match cell.contains(['"', ',', '\n', '\r']) {
        true => format!("\"{}\"", cell.replace('"', "\"\"")),
        false => cell,
    };
    let mut out = cells.map(cell).collect::<Vec<_>>().join(",");
    out.push('\n');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row() -> UsageRow {
        UsageRow {
            date: "2026-12-31".to_owned(),
            user_id: "u".to_owned(),
            api_key: "88dc".to_owned(),
            api_key_alias: "ci, nightly".to_owned(),
            team_id: "t".to_owned(),
            model: "gpt-4o".to_owned(),
            model_group: "smart".to_owned(),
            provider: "openai".to_owned(),
            requests: 3,
            spend: 1.5e-7,
            ..UsageRow::default()
        }
    }

    #[test]
    fn a_file_for_vantage() {
        assert_eq!(
            Reader::Vantage.head(),
            "BilledCost,BillingAccountId,BillingAccountName,BillingCurrency,ChargeCategory,ChargeDescription,\
             ChargeFrequency,ChargePeriodEnd,ChargePeriodStart,ConsumedQuantity,ConsumedUnit,ContractedCost,EffectiveCost,\
             ListCost,RegionId,RegionName,ResourceId,ResourceName,ResourceType,ServiceCategory,ServiceSubcategory,\
             ServiceName,SubAccountId,SubAccountName,Tags\n"
        );
        assert_eq!(
            Reader::Vantage.line(&row()),
            "0.00000015,88dc,\"ci, nightly\",USD,Usage,gpt-4o,Usage-Based,2027-01-01T00:00:00Z,2026-12-31T00:00:00Z,3.0,\
             Requests,0.00000015,0.00000015,0.00000015,,,gpt-4o,gpt-4o,gpt-4o,AI and Machine Learning,Generative AI,smart,t,,\
             \"{\"\"team_id\"\":\"\"t\"\",\"\"user_id\"\":\"\"u\"\",\"\"api_key_alias\"\":\"\"ci, nightly\"\",\"\"model\"\":\
             \"\"gpt-4o\"\",\"\"model_group\"\":\"\"smart\"\",\"\"custom_llm_provider\"\":\"\"openai\"\"}\"\n"
        );
    }

    #[test]
    fn every_line_has_every_column() {
        let cells = |line: &str| line.trim_end().split(',').count();
        let plain = UsageRow { date: "2026-11-30".to_owned(), ..UsageRow::default() };
        assert_eq!(cells(&Reader::Anybody.head()), 44);
        assert_eq!(cells(&Reader::Anybody.line(&plain)), 44);
        assert_eq!(shown(&row()).text("BilledCost"), None, "a number");
        assert_eq!(shown(&row()).text("ServiceName"), Some("smart"));
        for (value, wanted) in [(0.0, "0.0"), (2.0, "2.0"), (1e-13, "0.0"), (12.25, "12.25")] {
            assert_eq!(number(value), wanted);
        }
    }
}
