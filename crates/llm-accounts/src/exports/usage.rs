//! Days of the rollup, with the names that services show: of keys, teams, users, organizations.

use std::collections::{BTreeMap, BTreeSet};

use llm_store::{DailySpendRow, KnownKey, OrganizationRow, Result, Store, TeamRow, UserRow};
use llm_types::Json;

/// Rows that are held at once.
const PAGE: u32 = 2000;

/// A row of the rollup, told with names. Empty text where nothing is known.
#[derive(Debug, Clone, Default)]
pub(super) struct UsageRow {
    /// `YYYY-MM-DD`, UTC.
    pub(super) date: String,
    pub(super) user_id: String,
    pub(super) user_email: String,
    /// Hash.
    pub(super) api_key: String,
    pub(super) api_key_alias: String,
    pub(super) team_id: String,
    pub(super) team_alias: String,
    pub(super) organization_id: String,
    pub(super) organization_alias: String,
    pub(super) model: String,
    pub(super) model_group: String,
    pub(super) provider: String,
    /// `server/tool`.
    pub(super) tool: String,
    pub(super) prompt_tokens: i64,
    pub(super) completion_tokens: i64,
    pub(super) cache_creation_tokens: i64,
    pub(super) cache_read_tokens: i64,
    pub(super) requests: i64,
    pub(super) succeeded: i64,
    pub(super) failed: i64,
    /// US dollars.
    pub(super) spend: f64,
}

impl UsageRow {
    /// What was used: the model, else the tool.
    pub(super) fn resource(&self) -> &str {
        [&self.model, &self.tool].into_iter().find(|name| !name.is_empty()).map_or("unknown", String::as_str)
    }

    /// As previews show it, under the names of the columns.
    pub(super) fn shown(&self) -> Json {
        let text = |text: &str| if text.is_empty() { Json::Null } else { Json::from(text) };
        Json::object([
            ("date", Json::from(self.date.as_str())),
            ("user_id", text(&self.user_id)),
            ("api_key", text(&self.api_key)),
            ("model", text(&self.model)),
            ("model_group", text(&self.model_group)),
            ("custom_llm_provider", text(&self.provider)),
            ("mcp_namespaced_tool_name", text(&self.tool)),
            ("prompt_tokens", Json::from(self.prompt_tokens)),
            ("completion_tokens", Json::from(self.completion_tokens)),
            ("spend", Json::from(self.spend)),
            ("api_requests", Json::from(self.requests)),
            ("successful_requests", Json::from(self.succeeded)),
            ("failed_requests", Json::from(self.failed)),
            ("cache_creation_input_tokens", Json::from(self.cache_creation_tokens)),
            ("cache_read_input_tokens", Json::from(self.cache_read_tokens)),
            ("team_id", text(&self.team_id)),
            ("api_key_alias", text(&self.api_key_alias)),
            ("team_alias", text(&self.team_alias)),
            ("user_email", text(&self.user_email)),
            ("organization_id", text(&self.organization_id)),
            ("organization_alias", text(&self.organization_alias)),
        ])
    }
}

/// The rows of one day, page by page.
pub(super) struct Day<'s> {
    store: &'s Store,
    date: String,
    after: Option<String>,
    over: bool,
}

impl<'s> Day<'s> {
    pub(super) const fn new(store: &'s Store, date: String) -> Self {
        Self { store, date, after: None, over: false }
    }

    /// The next rows; nothing when there are no more.
    pub(super) async fn next(&mut self) -> Result<Option<Vec<UsageRow>>> {
        if self.over {
            return Ok(None);
        }
        let rows = self.store.daily_of_day(&self.date, self.after.as_deref(), PAGE).await?;
        self.over = rows.len() < PAGE as usize;
        self.after = rows.last().map(|(id, _)| id.clone());
        let rows: Vec<DailySpendRow> = rows.into_iter().map(|(_, row)| row).collect();
        named(self.store, rows).await.map(Some)
    }
}

/// Rows with what is known of those that they name.
pub(super) async fn named(store: &Store, rows: Vec<DailySpendRow>) -> Result<Vec<UsageRow>> {
    let list = |ids: BTreeSet<&str>| ids.into_iter().map(str::to_owned).collect::<Vec<_>>();
    let keys = store.known_keys(&list(rows.iter().map(|row| row.key.api_key.as_str()).collect())).await?;
    let teams = list(keys.values().filter_map(|key| key.team_id.as_deref()).collect());
    let teams: BTreeMap<String, TeamRow> =
        store.table::<TeamRow>().get_many(&teams).await?.into_iter().map(|t| (t.team_id.clone(), t)).collect();
    let users = list(rows.iter().map(|row| row.key.entity.as_str()).filter(|id| !id.is_empty()).collect());
    let emails: BTreeMap<String, Option<String>> =
        store.table::<UserRow>().get_many(&users).await?.into_iter().map(|u| (u.user_id, u.user_email)).collect();
    let of_team = |key: &KnownKey| teams.get(key.team_id.as_deref()?).and_then(|team| team.organization_id.clone());
    let organization = |key: &KnownKey| key.organization_id.clone().or_else(|| of_team(key));
    let ids: BTreeSet<String> = keys.values().filter_map(organization).collect();
    let aliases: BTreeMap<String, String> = store
        .table::<OrganizationRow>()
        .get_many(&ids.into_iter().collect::<Vec<_>>())
        .await?
        .into_iter()
        .map(|row| (row.organization_id, row.organization_alias))
        .collect();
    let told = |row: DailySpendRow| {
        let key = keys.get(&row.key.api_key);
        let team = key.and_then(|key| key.team_id.clone()).unwrap_or_default();
        let organization_id = key.and_then(organization).unwrap_or_default();
        UsageRow {
            user_email: emails.get(&row.key.entity).cloned().flatten().unwrap_or_default(),
            api_key_alias: key.and_then(|key| key.key_alias.clone()).unwrap_or_default(),
            team_alias: teams.get(&team).and_then(|team| team.team_alias.clone()).unwrap_or_default(),
            team_id: team,
            organization_alias: aliases.get(&organization_id).cloned().unwrap_or_default(),
            organization_id,
            date: row.key.date,
            user_id: row.key.entity,
            api_key: row.key.api_key,
            model: row.key.model,
            model_group: row.key.model_group,
            provider: row.key.custom_llm_provider,
            tool: row.key.mcp_namespaced_tool_name,
            prompt_tokens: row.counters.prompt_tokens,
            completion_tokens: row.counters.completion_tokens,
            cache_creation_tokens: row.counters.cache_creation_input_tokens,
            cache_read_tokens: row.counters.cache_read_input_tokens,
            requests: row.counters.api_requests,
            succeeded: row.counters.successful_requests,
            failed: row.counters.failed_requests,
            spend: row.counters.spend,
        }
    };
    Ok(rows.into_iter().map(told).collect())
}
