//! How many requests the gateway answered, whatever became of them: `/gateway/daily/activity`.

use std::collections::BTreeMap;

use llm_accounts::Outcome;
use llm_store::{DailyGatewayRow, Filter};
use llm_types::Json;

use super::day_of;
use crate::call::Call;
use crate::table::{Row, row};

pub(crate) static ROWS: &[Row] = &[row!("GET" "/gateway/daily/activity" Admin activity)];

/// Requests that went well, and the others.
type Counts = (i64, i64);

fn add(to: &mut Counts, row: &DailyGatewayRow) {
    *to = (to.0 + row.successful_requests, to.1 + row.failed_requests);
}

fn counted<'f>(fields: impl IntoIterator<Item = (&'f str, String)>, counts: Counts) -> Json {
    let mut out = Json::object(fields);
    out.set("successful_requests", counts.0);
    out.set("failed_requests", counts.1);
    out
}

async fn activity(call: Call) -> Outcome<Json> {
    let now = chrono::Utc::now().date_naive();
    let from = day_of(&call, "start_date")?.or_else(|| now.checked_sub_days(chrono::Days::new(30))).unwrap_or(now);
    let until = day_of(&call, "end_date")?.unwrap_or(now);
    let filter = Filter::new().at_least("date", from.to_string()).at_most("date", until.to_string());
    let rows = call.accounts.store_or_refuse()?.table::<DailyGatewayRow>().find(filter).await?;
    let (mut all, mut days, mut routes) = (Counts::default(), BTreeMap::new(), BTreeMap::new());
    for row in &rows {
        add(&mut all, row);
        add(days.entry(row.date.clone()).or_default(), row);
        add(routes.entry((row.category.clone(), row.route.clone())).or_default(), row);
    }
    let days = days.into_iter().map(|(date, counts)| counted([("date", date)], counts)).collect();
    let mut routes: Vec<((String, String), Counts)> = routes.into_iter().collect();
    routes.sort_by_key(|(_, counts)| std::cmp::Reverse(counts.0));
    let route = |((category, route), counts)| counted([("category", category), ("route", route)], counts);
    Ok(Json::object([
        ("total_successful_requests", Json::from(all.0)),
        ("total_failed_requests", Json::from(all.1)),
        ("by_date", Json::Array(days)),
        ("by_route", Json::Array(routes.into_iter().map(route).collect())),
    ]))
}
