//! The daily rollups: seven tables of one form, one per kind of caller.

use serde::{Deserialize, Serialize};

use crate::error::Result;
use crate::row::Row;
use crate::sql::Sql;
use crate::store::Store;

/// Whose rollup.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DailyScope {
    /// `LiteLLM_DailyUserSpend`.
    User,
    /// `LiteLLM_DailyTeamSpend`.
    Team,
    /// `LiteLLM_DailyTagSpend`, a row per tag.
    Tag,
    /// `LiteLLM_DailyOrganizationSpend`.
    Organization,
    /// `LiteLLM_DailyEndUserSpend`.
    EndUser,
    /// `LiteLLM_DailyAgentSpend`.
    Agent,
    /// `LiteLLM_DailyGlobalSpend`: no entity, no key; the model group tells rows apart.
    Global,
}

impl DailyScope {
    /// Every scope.
    pub const ALL: [Self; 7] =
        [Self::User, Self::Team, Self::Tag, Self::Organization, Self::EndUser, Self::Agent, Self::Global];

    pub(crate) const fn table(self) -> &'static str {
        match self {
            Self::User => "LiteLLM_DailyUserSpend",
            Self::Team => "LiteLLM_DailyTeamSpend",
            Self::Tag => "LiteLLM_DailyTagSpend",
            Self::Organization => "LiteLLM_DailyOrganizationSpend",
            Self::EndUser => "LiteLLM_DailyEndUserSpend",
            Self::Agent => "LiteLLM_DailyAgentSpend",
            Self::Global => "LiteLLM_DailyGlobalSpend",
        }
    }

    pub(crate) const fn entity(self) -> Option<&'static str> {
        match self {
            Self::User => Some("user_id"),
            Self::Team => Some("team_id"),
            Self::Tag => Some("tag"),
            Self::Organization => Some("organization_id"),
            Self::EndUser => Some("end_user_id"),
            Self::Agent => Some("agent_id"),
            Self::Global => None,
        }
    }

    /// The columns of the unique index, in the order of [`DailyKey`].
    pub(crate) fn key_columns(self) -> Vec<&'static str> {
        let last = ["custom_llm_provider", "mcp_namespaced_tool_name", "endpoint"];
        let first = match self.entity() {
            Some(entity) => vec![entity, "date", "api_key", "model"],
            None => vec!["date", "model", "model_group"],
        };
        [first, last.to_vec()].concat()
    }
}

/// What tells one row of a rollup from another. Empty text where there is nothing: a NULL would never meet its like in a
/// unique index.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(default)]
pub struct DailyKey {
    /// User, team, tag ... id; unused in the global rollup.
    pub entity: String,
    /// `YYYY-MM-DD` in UTC.
    pub date: String,
    /// Key hash; unused in the global rollup.
    pub api_key: String,
    /// Model that answered.
    pub model: String,
    /// Public model name. Only in the global rollup it tells rows apart.
    pub model_group: String,
    /// Provider.
    pub custom_llm_provider: String,
    /// `server/tool`.
    pub mcp_namespaced_tool_name: String,
    /// Route, such as `/v1/chat/completions`.
    pub endpoint: String,
}

macro_rules! counters {
    ($( $(#[$meta:meta])* $name:ident: $ty:ty, $get:ident; )+) => {
        /// What is summed.
        #[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
        #[serde(default)]
        pub struct DailyCounters { $( $(#[$meta])* pub $name: $ty, )+ }

        impl DailyCounters {
            pub(crate) const COLUMNS: &'static [&'static str] = &[$( stringify!($name) ),+];
            /// Adds another row's counts.
            pub fn add(&mut self, other: &Self) {
                $( self.$name += other.$name; )+
            }
            pub(crate) fn values(&self) -> Vec<crate::Value<'static>> {
                vec![$( self.$name.into() ),+]
            }
            pub(crate) fn read(row: &Row, first: usize) -> Result<Self> {
                let mut at = first..;
                let mut next = || at.next().unwrap_or_default();
                Ok(Self { $( $name: row.$get(next())?.unwrap_or_default(), )+ })
            }
            pub(crate) fn sums(dialect: crate::Dialect) -> Vec<String> {
                vec![$( counters!(@sum $get, dialect, concat!("\"", stringify!($name), "\"")) ),+]
            }
        }
    };
    (@sum int, $dialect:ident, $column:expr) => { $dialect.sum_int($column) };
    (@sum num, $dialect:ident, $column:expr) => { $dialect.sum_float($column) };
}

counters! {
    /// Prompt tokens.
    prompt_tokens: i64, int;
    /// Completion tokens.
    completion_tokens: i64, int;
    /// Tokens read from the upstream's prompt cache.
    cache_read_input_tokens: i64, int;
    /// Tokens written to it.
    cache_creation_input_tokens: i64, int;
    /// Tokens saved by compression.
    compression_saved_tokens: i64, int;
    /// USD saved by compression.
    compression_savings_spend: f64, num;
    /// USD saved by the upstream's prompt cache.
    prompt_caching_savings_spend: f64, num;
    /// The part of it that the gateway's own cache marks earned.
    gateway_injected_caching_savings_spend: f64, num;
    /// USD saved by automatic routing.
    autorouter_savings_spend: f64, num;
    /// USD.
    spend: f64, num;
    /// Requests.
    api_requests: i64, int;
    /// Requests that succeeded.
    successful_requests: i64, int;
    /// Requests that failed.
    failed_requests: i64, int;
    /// Milliseconds of all timed requests.
    total_response_time_ms: i64, int;
    /// How many were timed.
    timed_requests: i64, int;
}

/// A row of a rollup.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DailySpendRow {
    /// Which rollup.
    pub scope: DailyScope,
    /// Which row.
    #[serde(default)]
    pub key: DailyKey,
    /// The sums.
    #[serde(default)]
    pub counters: DailyCounters,
}

/// Which rows of a rollup; all that are set must hold.
#[derive(Debug, Clone, Default)]
pub struct DailyFilter {
    /// Any of these entities; empty: all.
    pub entities: Vec<String>,
    /// None of these entities.
    pub without: Vec<String>,
    /// First day, `YYYY-MM-DD`.
    pub from: Option<String>,
    /// Last day.
    pub until: Option<String>,
    /// Any of these key hashes; empty: all.
    pub api_keys: Vec<String>,
    /// Model that answered.
    pub model: Option<String>,
}

impl DailyFilter {
    /// True when it asks for nothing but days.
    #[must_use]
    pub const fn is_everybody(&self) -> bool {
        self.entities.is_empty() && self.without.is_empty() && self.api_keys.is_empty() && self.model.is_none()
    }

    pub(crate) fn write(&self, scope: DailyScope, sql: &mut Sql) {
        sql.push(" WHERE 1 = 1");
        if let (Some(entity), false) = (scope.entity(), self.without.is_empty()) {
            // LiteLLM's rows may have no entity at all.
            sql.push(" AND NOT (COALESCE(").name(entity).push(", '')").is_any_of(&self.without).push(")");
        }
        for (column, values) in
            [(scope.entity(), &self.entities), (scope.entity().and(Some("api_key")), &self.api_keys)]
        {
            if let (Some(column), false) = (column, values.is_empty()) {
                sql.push(" AND ").name(column).is_any_of(values);
            }
        }
        for (text, value) in
            [(" AND \"date\" >= ", &self.from), (" AND \"date\" <= ", &self.until), (" AND \"model\" = ", &self.model)]
        {
            if let Some(value) = value {
                sql.push(text).bind(value);
            }
        }
    }
}

/// Writes the columns that [`read_row`] reads: those of [`DailyKey`], then the counters. What a scope does not have reads as
/// empty.
pub(crate) fn write_columns(scope: DailyScope, sql: &mut Sql) {
    let key = [
        scope.entity(),
        Some("date"),
        scope.entity().and(Some("api_key")),
        Some("model"),
        Some("model_group"),
        Some("custom_llm_provider"),
        Some("mcp_namespaced_tool_name"),
        Some("endpoint"),
    ];
    for column in key {
        match column {
            Some(column) => sql.name(column).push(", "),
            None => sql.push("'', "),
        };
    }
    sql.names(DailyCounters::COLUMNS);
}

impl Store {
    /// Rows of a rollup, newest day first; one page, from 1. Together with how many there are.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn daily(
        &self,
        scope: DailyScope,
        filter: &DailyFilter,
        page: u32,
        size: u32,
    ) -> Result<crate::Listing<DailySpendRow>> {
        let mut sql = Sql::read(self.dialect(), "SELECT ");
        write_columns(scope, &mut sql);
        sql.push(" FROM ").name(scope.table());
        filter.write(scope, &mut sql);
        sql.push(" ORDER BY \"date\" DESC, \"id\" LIMIT ").bind(i64::from(size)).push(" OFFSET ");
        sql.bind(i64::from(page.saturating_sub(1)) * i64::from(size));
        let rows = self.fetch(sql).await?;
        let rows = rows.iter().map(|row| read_row(scope, row, 0)).collect::<Result<_>>()?;
        let mut sql = Sql::read(self.dialect(), "SELECT COUNT(*) FROM ");
        sql.name(scope.table());
        filter.write(scope, &mut sql);
        let total = crate::access::first_int(&self.fetch(sql).await?)?;
        Ok(crate::Listing { rows, total: u64::try_from(total).unwrap_or_default() })
    }
}

/// Reads the columns of [`write_columns`], the first of which is the column `first` of the row.
pub(crate) fn read_row(scope: DailyScope, row: &Row, first: usize) -> Result<DailySpendRow> {
    let text = |at: usize| row.text(first + at).map(Option::unwrap_or_default);
    let key = DailyKey {
        entity: text(0)?,
        date: text(1)?,
        api_key: text(2)?,
        model: text(3)?,
        model_group: text(4)?,
        custom_llm_provider: text(5)?,
        mcp_namespaced_tool_name: text(6)?,
        endpoint: text(7)?,
    };
    Ok(DailySpendRow { scope, key, counters: DailyCounters::read(row, first + 8)? })
}
