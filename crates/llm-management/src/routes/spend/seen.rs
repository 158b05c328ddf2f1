//! Who is seen in spend: `/management/v1/spend_logs/*`, lists of LiteLLM's newer kind. They come from the daily rollups, so
//! they count whole days.

use llm_accounts::Outcome;
use llm_store::{DailyFilter, DailyScope};
use llm_types::Json;

use super::{day_of, fresh, only};
use crate::call::Call;
use crate::lists::{self, ListPage, refused};
use crate::table::{Row, row};

pub(crate) static ROWS: &[Row] = &[
    row!("GET" "/management/v1/spend_logs/users" OwnScope users),
    row!("GET" "/management/v1/spend_logs/end_users" OwnScope end_users),
];

const FROM: &str = "filter[startTime][gte]";
const UNTIL: &str = "filter[startTime][lte]";
const FIELDS: [&str; 5] = [FROM, UNTIL, "page", "page_size", "q"];

/// Names of one page at the most.
const LARGEST_PAGE: u32 = 100;

async fn users(call: Call) -> Outcome<Json> {
    let entities = only(&call)?.into_iter().collect();
    let filter = DailyFilter { entities, ..within(&call)? };
    page(&call, "/management/v1/spend_logs/users", DailyScope::User, Some(filter)).await
}

/// Those of one's own keys.
async fn end_users(call: Call) -> Outcome<Json> {
    let filter = call.accounts.visible_keys(&call.who, within(&call)?).await?;
    page(&call, "/management/v1/spend_logs/end_users", DailyScope::EndUser, filter).await
}

/// The days asked for.
fn within(call: &Call) -> Outcome<DailyFilter> {
    if let Some((name, _)) = call.query.iter().find(|(name, _)| !FIELDS.contains(&name.as_str())) {
        return Err(lists::unknown(name, &FIELDS).into());
    }
    call.needed(FROM)?;
    call.needed(UNTIL)?;
    let day = |name| Ok::<_, llm_accounts::Problem>(day_of(call, name)?.map(|day| day.to_string()));
    Ok(DailyFilter { from: day(FROM)?, until: day(UNTIL)?, ..DailyFilter::default() })
}

async fn page(call: &Call, path: &str, scope: DailyScope, filter: Option<DailyFilter>) -> Outcome<Json> {
    let (page, size) = (call.number("page", 1, 1)?, call.number("page_size", 50, 1)?);
    if size > LARGEST_PAGE {
        return Err(refused("page_size", format!("Input should be less than or equal to {LARGEST_PAGE}")).into());
    }
    let mut names = match filter {
        Some(filter) => fresh(call).await?.daily_entities_named(scope, &filter, call.text("q"), (page, size)).await?,
        None => Vec::new(),
    };
    let more = names.len() > size as usize;
    names.truncate(size as usize);
    let shown = ListPage { path, query: &call.query, page: page.into(), size: size.into() };
    Ok(shown.uncounted(names.into_iter().map(Json::from).collect(), more))
}
