//! What tools of MCP servers cost: `/v1/tool/spend`, from the daily rollup of everybody. Tools that clients run themselves cost
//! nothing here, and are not counted.

use chrono::{Days, Utc};
use llm_accounts::Outcome;
use llm_store::{DailyFilter, DailyGroup, DailyScope, DailySum};
use llm_types::Json;

use super::global::tokens;
use super::{between, day_of, fresh};
use crate::call::Call;
use crate::table::{Row, row};

pub(crate) static ROWS: &[Row] = &[row!("GET" "/v1/tool/spend" Admin spend)];

/// Tools of one answer: the dearest.
const MOST: usize = 100;

async fn spend(call: Call) -> Outcome<Json> {
    let today = Utc::now().date_naive();
    let until = day_of(&call, "end_date")?.unwrap_or(today);
    let from = day_of(&call, "start_date")?.or_else(|| until.checked_sub_days(Days::new(30))).unwrap_or(until);
    let filter = between((from, until), DailyFilter::default());
    let groups = [DailyGroup::Tool, DailyGroup::Date];
    let sums = fresh(&call).await?.daily_groups(DailyScope::Global, &filter, &groups, None).await?;
    // They come by tool, and by day within a tool.
    let mut tools: Vec<&[DailySum]> = sums
        .chunk_by(|a, b| a.part(0) == b.part(0))
        .filter(|run| run.first().is_some_and(|sum| !sum.part(0).is_empty()))
        .collect();
    let spent = |run: &[DailySum]| run.iter().map(|sum| sum.counters.spend).sum::<f64>();
    tools.sort_by(|a, b| spent(b).total_cmp(&spent(a)));
    tools.truncate(MOST);
    let all = |run: &&[DailySum]| {
        let count = |of: fn(&DailySum) -> i64| run.iter().map(of).sum::<i64>();
        Json::object([
            ("tool_name", Json::from(run.first().map_or("", |sum| sum.part(0)))),
            ("spend", Json::from(spent(run))),
            ("call_count", Json::from(count(|sum| sum.counters.api_requests))),
            ("total_tokens", Json::from(count(|sum| tokens(&sum.counters)))),
        ])
    };
    let by_tool = tools.iter().map(all).collect();
    let mut days: Vec<&DailySum> = tools.iter().flat_map(|run| run.iter()).collect();
    days.sort_by(|a, b| a.part(1).cmp(b.part(1)).then(b.counters.spend.total_cmp(&a.counters.spend)));
    let one = |sum: &&DailySum| {
        Json::object([
            ("date", Json::from(sum.part(1))),
            ("tool_name", Json::from(sum.part(0))),
            ("spend", Json::from(sum.counters.spend)),
            ("call_count", Json::from(sum.counters.api_requests)),
        ])
    };
    Ok(Json::object([
        ("by_tool", Json::Array(by_tool)),
        ("daily", Json::Array(days.iter().map(one).collect())),
        ("start_date", Json::from(from.to_string())),
        ("end_date", Json::from(until.to_string())),
    ]))
}
