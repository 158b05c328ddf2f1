//! Which rows of requests.

use chrono::{DateTime, Utc};

use crate::filter::Filter;

/// Which requests; all that are set must hold.
#[derive(Debug, Clone, Default)]
pub struct SpendFilter {
    /// The row's id: the upstream's response id or our call id.
    pub request_id: Option<String>,
    /// Our own call id.
    pub call_id: Option<String>,
    /// Conversation.
    pub session_id: Option<String>,
    /// Key hash.
    pub api_key: Option<String>,
    /// Any of these key hashes.
    pub api_keys: Vec<String>,
    /// Internal user.
    pub user: Option<String>,
    /// Team.
    pub team_id: Option<String>,
    /// Any of these teams.
    pub team_ids: Vec<String>,
    /// Organization.
    pub organization_id: Option<String>,
    /// End user.
    pub end_user: Option<String>,
    /// Model that answered.
    pub model: Option<String>,
    /// Deployment.
    pub model_id: Option<String>,
    /// Public model name.
    pub model_group: Option<String>,
    /// `success` or `failure`.
    pub status: Option<String>,
    /// Answered from the cache, or not.
    pub cache_hit: Option<bool>,
    /// What kind of thing was called.
    pub span: Option<SpendSpan>,
    /// None of these keys.
    pub without_keys: Vec<String>,
    /// A row with this id; or, within the times, one whose key, team, user, end user, session or deployment this is.
    pub search: Option<String>,
    /// Part of the error's message, as logged.
    pub error_message: Option<String>,
    /// A tag the request had.
    pub tag: Option<String>,
    /// Part of the key's alias, as logged. No index has it: [`Rows::hashes_by_alias`] finds the keys first.
    pub key_alias: Option<String>,
    /// Code of the error, as logged.
    pub error_code: Option<String>,
    /// At least so many USD.
    pub min_spend: Option<f64>,
    /// At most so many USD.
    pub max_spend: Option<f64>,
    /// Started at or after.
    pub from: Option<DateTime<Utc>>,
    /// Started at or before.
    pub until: Option<DateTime<Utc>>,
}

impl From<SpendFilter> for Filter {
    fn from(f: SpendFilter) -> Self {
        let times = Self::new().between("startTime", f.from, f.until);
        let within = if let Some(text) = &f.search { found(text, times) } else { times };
        let mut out = within
            .maybe("request_id", f.request_id)
            .maybe("litellm_call_id", f.call_id)
            .in_session(f.session_id)
            .maybe("api_key", f.api_key)
            .maybe("user", f.user)
            .maybe("team_id", f.team_id)
            .maybe("organization_id", f.organization_id)
            .maybe("end_user", f.end_user)
            .maybe("model", f.model)
            .maybe("model_id", f.model_id)
            .maybe("model_group", f.model_group);
        out = match f.status {
            Some(status) if status == "failure" => out.failed(),
            // Older rows have none.
            Some(status) if status == "success" => {
                out.one_of(vec![Self::new().is("status", status), Self::new().null("status", true)])
            }
            status => out.maybe("status", status),
        };
        for (column, mut values) in [("api_key", f.api_keys), ("team_id", f.team_ids)] {
            match (values.pop(), values.is_empty()) {
                (None, _) => {}
                // By one value the index has the rows in their order.
                (Some(one), true) => out = out.is(column, one),
                (Some(last), false) => {
                    values.push(last);
                    out = out.any_of(column, values);
                }
            }
        }
        if let Some(tag) = f.tag {
            out = out.json_list_has("request_tags", tag);
        }
        if let Some(alias) = f.key_alias {
            out = out.json_contains("metadata", &["user_api_key_alias"], alias);
        }
        out = match f.cache_hit {
            Some(true) => out.any_of("cache_hit", CACHED.map(str::to_owned).to_vec()),
            Some(false) => CACHED.into_iter().fold(out, |out, word| out.is_not("cache_hit", word)),
            None => out,
        };
        if let Some(span) = f.span {
            out = span.filter(out);
        }
        for key in f.without_keys {
            out = out.is_not("api_key", key);
        }
        if f.error_message.is_some() || f.error_code.is_some() {
            // Only failures have errors, and an index has the failures: looking through all rows takes minutes.
            out = out.failed();
        }
        if let Some(part) = f.error_message {
            out = out.json_contains("metadata", &["error_information", "error_message"], part);
        }
        if let Some(code) = f.error_code {
            out = out.json_field("metadata", &["error_information", "error_code"], code);
        }
        if let Some(least) = f.min_spend {
            out = out.at_least("spend", least);
        }
        if let Some(most) = f.max_spend {
            out = out.at_most("spend", most);
        }
        out
    }
}

/// How an answer from the cache is written.
const CACHED: [&str; 2] = ["True", "true"];

/// The row with this id at any time, or those of these times that have it in another place.
fn found(text: &str, within: Filter) -> Filter {
    let places = ["api_key", "team_id", "user", "end_user", "session_id", "model_id"];
    let places = places.map(|column| Filter::new().is(column, text.to_owned())).to_vec();
    Filter::new().one_of(vec![Filter::new().is("request_id", text.to_owned()), within.one_of(places)])
}

/// What calls and lists of tools are called.
pub(crate) const TOOL_CALLS: [&str; 2] = ["call_mcp_tool", "list_mcp_tools"];

/// What kind of thing a request called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SpendSpan {
    /// A model.
    Llm,
    /// An agent.
    Agent,
    /// A tool of an MCP server, or its list.
    Mcp,
    /// A batch.
    Batch,
}

impl SpendSpan {
    /// The names of the calls; none for models, which are what the others are not.
    const fn names(self) -> &'static [&'static str] {
        match self {
            Self::Llm => &[],
            Self::Agent => &["asend_message"],
            Self::Mcp => &TOOL_CALLS,
            Self::Batch => &["acreate_batch", "create_batch", "aretrieve_batch", "retrieve_batch"],
        }
    }

    fn filter(self, out: Filter) -> Filter {
        if self != Self::Llm {
            // The index knows all of them, not which one is meant.
            return out.no_model().any_of("call_type", self.names().iter().map(|name| (*name).to_owned()).collect());
        }
        let others = [Self::Agent, Self::Mcp, Self::Batch].into_iter().flat_map(Self::names);
        others.fold(out, |out, name| out.is_not("call_type", *name))
    }
}
