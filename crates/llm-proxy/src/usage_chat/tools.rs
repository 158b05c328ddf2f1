//! What the model may ask for: sums of the daily rollups, by who and what. The names and parameters are LiteLLM's.

use std::fmt::Write as _;

use chrono::{NaiveDate, Utc};
use llm_accounts::{Accounts, Identity};
use llm_store::{DailyCounters, DailyFilter, DailyGroup, DailyScope, DailySum, Store};
use llm_types::Json;

/// Lines of each list.
const MOST: u32 = 15;

/// One tool.
#[derive(Debug)]
pub(super) struct Tool {
    name: &'static str,
    /// For the page.
    pub(super) label: &'static str,
    /// For the model.
    what: &'static str,
    /// What narrows it, and for the model what that is.
    filter: (&'static str, &'static str),
    scope: DailyScope,
    /// Who does not see everything is not offered it.
    admins: bool,
}

static TOOLS: [Tool; 3] = [
    Tool {
        name: "get_usage_data",
        label: "global usage data",
        what: "Spend, requests and tokens of a range of days, with the dearest models, providers and keys. \
               For questions about overall spend, top models, top providers.",
        filter: ("user_id", "Only what this user spent. Leave it out for everybody."),
        scope: DailyScope::User,
        admins: false,
    },
    Tool {
        name: "get_team_usage_data",
        label: "team usage data",
        what: "The same by team. For questions like which team spends the most, or what a team used.",
        filter: ("team_ids", "Ids of teams, separated by commas. Leave it out for all."),
        scope: DailyScope::Team,
        admins: true,
    },
    Tool {
        name: "get_tag_usage_data",
        label: "tag usage data",
        what: "The same by tag. Tags are labels of requests: features, environments, clients.",
        filter: ("tags", "Tags, separated by commas. Leave it out for all."),
        scope: DailyScope::Tag,
        admins: true,
    },
];

fn of_role(all: bool) -> impl Iterator<Item = &'static Tool> {
    TOOLS.iter().filter(move |tool| all || !tool.admins)
}

/// The tool of a name.
pub(super) fn find(name: &str, all: bool) -> Option<&'static Tool> {
    of_role(all).find(|tool| tool.name == name)
}

/// What the model is told at first.
pub(super) fn told(all: bool) -> String {
    let names: Vec<&str> = of_role(all).map(|tool| tool.name).collect();
    let today = Utc::now().date_naive();
    format!(
        "You answer questions about what calls of language models cost, on the page of a gateway that counts them. \
         Fetch data with the tools ({}) before you answer, with as many calls as the question needs; days are UTC, today is \
         {today}. Say only what the tools returned, and say so when there is nothing. Be short, give exact figures, write \
         costs as dollars ($12.34), and rank lists by spend.",
        names.join(", ")
    )
}

/// The tools as a request lists them.
pub(super) fn offered(all: bool) -> Json {
    let text = |what: &str| Json::object([("type", "string"), ("description", what)]);
    let tool = |tool: &Tool| {
        let (filter, what) = tool.filter;
        let properties = Json::object([
            ("start_date", text("First day, YYYY-MM-DD")),
            ("end_date", text("Last day, YYYY-MM-DD")),
            (filter, text(what)),
        ]);
        let required = Json::Array(vec![Json::from("start_date"), Json::from("end_date")]);
        let parameters =
            Json::object([("type", Json::from("object")), ("properties", properties), ("required", required)]);
        let function = Json::object([
            ("name", Json::from(tool.name)),
            ("description", Json::from(tool.what)),
            ("parameters", parameters),
        ]);
        Json::object([("type", Json::from("function")), ("function", function)])
    };
    Json::Array(of_role(all).map(tool).collect())
}

impl Tool {
    /// What was found, for the model. Call it on the store's runtime.
    ///
    /// # Errors
    /// Why nothing could be found, for the model.
    pub(super) async fn run(&self, accounts: &Accounts, who: &Identity, arguments: &Json) -> Result<String, String> {
        let day = |name: &str| {
            let text = arguments.text(name).unwrap_or_default();
            NaiveDate::parse_from_str(text, "%Y-%m-%d").map_err(|_| format!("{name} must be a day, YYYY-MM-DD"))
        };
        let ids = arguments.text(self.filter.0).unwrap_or_default().split(',').map(str::trim);
        let filter = DailyFilter {
            entities: ids.filter(|id| !id.is_empty()).map(str::to_owned).collect(),
            from: Some(day("start_date")?.to_string()),
            until: Some(day("end_date")?.to_string()),
            ..DailyFilter::default()
        };
        if let Err(error) = accounts.flush().await {
            tracing::warn!(%error, "spend is read without the latest calls");
        }
        let failed = |problem: llm_accounts::Problem| problem.text();
        let store = accounts.store_or_refuse().map_err(failed)?;
        let Some(filter) = accounts.visible_usage(who, self.scope, filter).await.map_err(failed)? else {
            return Ok("There is no usage in this range of days.".to_owned());
        };
        self.sums(store, &filter).await.map_err(|error| error.to_string())
    }

    async fn sums(&self, store: &Store, filter: &DailyFilter) -> llm_store::Result<String> {
        let all = store.daily_groups(self.scope, filter, &[], None).await?;
        let all = all.first().map(|sum| sum.counters).unwrap_or_default();
        if all.api_requests == 0 {
            return Ok("There is no usage in this range of days.".to_owned());
        }
        let mut out = String::new();
        // Tags and teams may overlap: their sum is no total.
        if self.scope == DailyScope::User {
            write_line(&mut out, "Total", &all);
        }
        let lists: &[(&str, DailyGroup)] = match self.scope {
            DailyScope::User => &[
                ("Models", DailyGroup::Model),
                ("Providers", DailyGroup::Provider),
                ("Keys (by hash)", DailyGroup::ApiKey),
                ("Days", DailyGroup::Date),
            ],
            _ => &[("By spend", DailyGroup::Entity), ("Models", DailyGroup::Model)],
        };
        for (title, group) in lists {
            let most = (*group != DailyGroup::Date).then_some(MOST);
            let sums: Vec<DailySum> = store.daily_groups(self.scope, filter, &[*group], most).await?;
            out.push_str(&format!("\n{title}:\n"));
            for sum in &sums {
                write_line(&mut out, sum.part(0), &sum.counters);
            }
        }
        Ok(out)
    }
}

fn write_line(out: &mut String, name: &str, of: &DailyCounters) {
    let name = if name.is_empty() { "(none)" } else { name };
    let tokens = of.prompt_tokens + of.completion_tokens;
    // A text takes everything.
    let _ = writeln!(
        out,
        "- {name}: ${:.6}, {} requests ({} failed), {tokens} tokens",
        of.spend, of.api_requests, of.failed_requests
    );
}
