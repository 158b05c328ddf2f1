//! What was spent here beside what the provider billed: `/spend/capture_rate`. The bill is read from OpenAI's costs API
//! (`/v1/organization/costs`) with an administrator's key of the organization.

use std::collections::BTreeMap;

use axum::body::Bytes;
use chrono::{DateTime, Days, NaiveDate};
use http::Request;
use http::header::AUTHORIZATION;
use llm_accounts::Outcome;
use llm_store::{DailyFilter, DailyGroup, DailyScope};
use llm_types::{Error, Json, Kind};

use super::{between, days, fresh};
use crate::call::Call;
use crate::table::{Row, row};

pub(crate) static ROWS: &[Row] = &[row!("GET" "/spend/capture_rate" Admin rate)];

/// Whose bill can be read, as the query names it.
// tidy: provider-id: the API of that house's costs
const PROVIDER: &str = "openai";
/// Whose calls stand on it.
// tidy: provider-id: the same house
const BILLED: [&str; 2] = [PROVIDER, "text-completion-openai"];
const KEY: &str = "OPENAI_ADMIN_KEY";
const ADDRESS: &str = "https://api.openai.com";
/// Days of one report.
const MOST_DAYS: i64 = 180;
/// Pages of a bill of so many days: a page has up to 180.
const MOST_PAGES: usize = 20;

async fn rate(call: Call) -> Outcome<Json> {
    let (from, until) = days(&call)?;
    if until < from {
        return Err(Error::bad_request("end_date must not be before start_date").with_param("end_date").into());
    }
    if until.signed_duration_since(from).num_days() >= MOST_DAYS {
        let why = format!("Date range too large; maximum is {MOST_DAYS} days");
        return Err(Error::bad_request(why).with_param("end_date").into());
    }
    let provider = call.text("provider").unwrap_or(PROVIDER);
    if provider != PROVIDER {
        return Err(Error::bad_request("provider: the bill of openai alone can be read").with_param("provider").into());
    }
    let threshold = call.amount("threshold")?.unwrap_or(0.9);
    if !(threshold > 0.0 && threshold <= 1.0) {
        return Err(Error::bad_request("threshold must be above 0, and 1 at the most").with_param("threshold").into());
    }
    let billed = bill(&call, from, until).await?;
    let filter = between((from, until), DailyFilter::default());
    let groups = [DailyGroup::Date, DailyGroup::Provider];
    let mut captured = BTreeMap::<String, f64>::new();
    for sum in fresh(&call).await?.daily_groups(DailyScope::User, &filter, &groups, None).await? {
        if BILLED.contains(&sum.part(1)) {
            *captured.entry(sum.part(0).to_owned()).or_default() += sum.counters.spend;
        }
    }
    Ok(report((from, until), threshold, &captured, &billed))
}

/// The report: LiteLLM's `CaptureRateReport`.
fn report(
    (from, until): (NaiveDate, NaiveDate),
    threshold: f64,
    captured: &BTreeMap<String, f64>,
    billed: &BTreeMap<String, f64>,
) -> Json {
    let of = |sums: &BTreeMap<String, f64>, day: NaiveDate| sums.get(&day.to_string()).copied().unwrap_or_default();
    let ratio = |captured: f64, billed: f64| (billed > 0.0).then(|| captured / billed);
    let (mut list, mut sums) = (Vec::new(), (0.0, 0.0));
    for day in from.iter_days().take_while(|day| *day <= until) {
        let (captured, billed) = (of(captured, day), of(billed, day));
        sums = (sums.0 + captured, sums.1 + billed);
        list.push(Json::object([
            ("date", Json::from(day.to_string())),
            ("captured_spend", Json::from(captured)),
            ("provider_spend", Json::from(billed)),
            ("capture_rate", Json::from(ratio(captured, billed))),
        ]));
    }
    let rate = ratio(sums.0, sums.1);
    Json::object([
        ("provider", Json::from(PROVIDER)),
        ("start_date", Json::from(from.to_string())),
        ("end_date", Json::from(until.to_string())),
        ("captured_spend", Json::from(sums.0)),
        ("provider_spend", Json::from(sums.1)),
        ("capture_rate", Json::from(rate)),
        ("threshold", Json::from(threshold)),
        ("below_threshold", Json::from(rate.is_some_and(|rate| rate < threshold))),
        ("days", Json::Array(list)),
    ])
}

/// What OpenAI billed by day, in US dollars, page after page.
async fn bill(call: &Call, from: NaiveDate, until: NaiveDate) -> Outcome<BTreeMap<String, f64>> {
    let serving = call.accounts.serving()?;
    let key = serving.environment()(KEY).ok_or_else(|| {
        let why = format!("{KEY} is not set on the proxy, so the openai bill cannot be read");
        Error::new(Kind::Unavailable, why)
    })?;
    let base = serving.environment()("OPENAI_ADMIN_API_BASE").unwrap_or_else(|| ADDRESS.to_owned());
    let failed = |why: String| Error::internal(format!("Could not read the openai bill: {why}")).with_status(502);
    let (mut out, mut page) = (BTreeMap::new(), None::<String>);
    for _ in 0..MOST_PAGES {
        let query = query(call, (from, until), page.as_deref());
        let url = format!("{}/v1/organization/costs?{query}", base.trim_end_matches('/'));
        let request = Request::get(url).header(AUTHORIZATION, format!("Bearer {key}")).body(Bytes::new());
        let request = request.map_err(|_| failed(format!("{KEY} or the address cannot be sent")))?;
        let (status, body) = serving.send(request).await.map_err(failed)?;
        if status != 200 {
            let said: String = String::from_utf8_lossy(&body).chars().take(300).collect();
            return Err(failed(format!("HTTP {status}: {said}")).into());
        }
        let answer: Json = serde_json::from_slice(&body).map_err(|e| failed(format!("no JSON: {e}")))?;
        add(&mut out, &answer).map_err(failed)?;
        page = answer.text("next_page").map(str::to_owned);
        if answer.get("has_more") != Some(&Json::Bool(true)) || page.is_none() {
            return Ok(out);
        }
    }
    Err(failed("it has more pages than days".to_owned()).into())
}

/// What is asked for.
fn query(call: &Call, (from, until): (NaiveDate, NaiveDate), page: Option<&str>) -> String {
    let second = |day: NaiveDate| day.and_time(chrono::NaiveTime::MIN).and_utc().timestamp().to_string();
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    query.append_pair("start_time", &second(from));
    query.append_pair("end_time", &second(until.checked_add_days(Days::new(1)).unwrap_or(until)));
    query.append_pair("bucket_width", "1d").append_pair("limit", &MOST_DAYS.to_string());
    for (_, project) in call.query.iter().filter(|(name, _)| name == "project_ids") {
        query.append_pair("project_ids[]", project);
    }
    if let Some(page) = page {
        query.append_pair("page", page);
    }
    query.finish()
}

/// Adds a page of a bill.
fn add(out: &mut BTreeMap<String, f64>, page: &Json) -> Result<(), String> {
    let wrong = |what: &str| format!("unexpected response shape: {what}");
    for bucket in page.get("data").and_then(Json::as_array).ok_or_else(|| wrong("no data"))? {
        let start = bucket.get("start_time").and_then(Json::as_i64).and_then(|at| DateTime::from_timestamp(at, 0));
        let day = start.ok_or_else(|| wrong("start_time"))?.date_naive().to_string();
        for result in bucket.get("results").and_then(Json::as_array).unwrap_or_default() {
            let amount = result.get("amount").unwrap_or(&Json::Null);
            if amount.text("currency") != Some("usd") {
                return Err(wrong("a currency other than usd"));
            }
            // Newer answers write amounts as text.
            let value = amount.get("value").and_then(|value| match value {
                Json::String(text) => text.parse().ok(),
                value => value.as_f64(),
            });
            *out.entry(day.clone()).or_default() += value.ok_or_else(|| wrong("amount"))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(text: &str) -> Json {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn days_are_compared() {
        let mut billed = BTreeMap::new();
        let page = r#"{"data":[{"start_time":1764288000,"results":[{"amount":{"value":2.0,"currency":"usd"}},
            {"amount":{"value":"0.5","currency":"usd"}}]},{"start_time":1764374400,"results":[]}]}"#;
        add(&mut billed, &json(page)).unwrap();
        let captured = BTreeMap::from([("2025-11-28".to_owned(), 2.0), ("2025-11-29".to_owned(), 1.0)]);
        let days = ("2025-11-28".parse().unwrap(), "2025-11-29".parse().unwrap());
        let told = report(days, 0.9, &captured, &billed);
        let wanted = concat!(
            r#"{"provider":"openai","start_date":"2025-11-28","end_date":"2025-11-29","captured_spend":3.0,"#,
            r#""provider_spend":2.5,"capture_rate":1.2,"threshold":0.9,"below_threshold":false,"days":["#,
            r#"{"date":"2025-11-28","captured_spend":2.0,"provider_spend":2.5,"capture_rate":0.8},"#,
            r#"{"date":"2025-11-29","captured_spend":1.0,"provider_spend":0.0,"capture_rate":null}]}"#
        );
        assert_eq!(told.to_string(), wanted);
        assert_eq!(report(days, 0.9, &BTreeMap::new(), &billed).get("below_threshold"), Some(&Json::Bool(true)));
    }

    #[test]
    fn another_shape_is_no_bill() {
        for page in [
            "{}",
            r#"{"data":[{"results":[]}]}"#,
            r#"{"data":[{"start_time":1,"results":[{"amount":{"value":1,"currency":"eur"}}]}]}"#,
            r#"{"data":[{"start_time":1,"results":[{"amount":{"currency":"usd"}}]}]}"#,
        ] {
            assert!(add(&mut BTreeMap::new(), &json(page)).is_err(), "{page}");
        }
    }
}
