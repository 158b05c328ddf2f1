//! The registry of tools (`/v1/tool/*`): tools of MCP servers that were called, under the names that rows of calls have, and who
//! may not call them. A tool can be blocked for everybody, for a team or for a key; the last two are `blocked_tools` of their
//! object permissions. Call these on the store's runtime.

mod logs;
mod overrides;

use chrono::Utc;
use llm_store::{Filter, ListQuery, StoreError, ToolPatch, ToolRow};
use llm_types::{Error, Json};

use crate::Accounts;
use crate::audit::Action;
use crate::keys::{Actor, bad, not_found, view};
use crate::request::{FieldProblem, Outcome, Problem, body, required};
pub(crate) use logs::{said, snippet};

body! {
    /// `POST /v1/tool/policy`.
    struct PolicyBody {
        tool_name: String,
        input_policy: String,
        output_policy: String,
        team_id: String,
        key_hash: String,
    }
}

/// Nobody may call the tool.
pub(crate) const BLOCKED: &str = "blocked";
/// What tools are at first.
const UNTRUSTED: &str = "untrusted";
/// LiteLLM's third word: the tool wants a conversation without output of untrusted ones.
const TRUSTED: &str = "trusted";

/// A word of LiteLLM's for a tool, in a field of a body or (`?`) of a query.
///
/// # Errors
/// 422 for other words.
fn policy(field: &'static str, word: &str, words: &[&str]) -> Outcome<()> {
    if words.contains(&word) {
        return Ok(());
    }
    let message = "Input should be 'trusted', 'untrusted' or 'blocked'";
    let (field, input) = (field.to_owned(), Json::from(word));
    Err(Problem::Fields(vec![FieldProblem { field, kind: "literal_error", message, input }]))
}

/// A policy that a body gives; nothing where none is given.
///
/// # Errors
/// 422 for other words, 400 for `trusted`: nobody looks at where texts of a conversation come from.
fn served(field: &'static str, given: Option<String>, words: &[&str]) -> Outcome<Option<String>> {
    let Some(word) = given else { return Ok(None) };
    policy(field, &word, words)?;
    if word == TRUSTED {
        let why = "`trusted` is not served: it would change nothing. A tool can be blocked.";
        return Err(bad(why).with_param(field).into());
    }
    Ok(Some(word))
}

/// What a tool can be, for forms.
fn option(value: &str, label: &str, description: &str) -> Json {
    Json::object([("value", value), ("label", label), ("description", description)])
}

impl Accounts {
    /// `GET /v1/tool/policy/options`: what is served.
    #[must_use]
    pub fn tool_policy_options() -> Json {
        let untrusted = || option(UNTRUSTED, "Untrusted", "Whoever may use the tool's server may call it.");
        let blocked = option(BLOCKED, "Blocked", "Nobody sees the tool or calls it.");
        Json::object([
            ("input_policies", Json::Array(vec![untrusted(), blocked])),
            ("output_policies", Json::Array(vec![untrusted()])),
        ])
    }

    /// `GET /v1/tool/list`: the tools, the latest found first, in pages from 1.
    ///
    /// # Errors
    /// 422 for a policy that is none.
    pub async fn tools(&self, input_policy: Option<&str>, (page, size): (u32, u32)) -> Outcome<Json> {
        if let Some(word) = input_policy {
            policy("?input_policy", word, &[TRUSTED, UNTRUSTED, BLOCKED])?;
        }
        let filter = Filter::new().maybe("input_policy", input_policy.map(str::to_owned));
        let query = ListQuery::page(filter, page, size).sorted("created_at", true);
        let listing = self.store_or_refuse()?.table::<ToolRow>().list(&query).await?;
        let tools = listing.rows.iter().map(view::row).collect();
        Ok(Json::object([("tools", Json::Array(tools)), ("total", Json::from(listing.total))]))
    }

    /// `GET /v1/tool/{tool_name}`.
    ///
    /// # Errors
    /// 404 for a tool that nobody called yet.
    pub async fn tool(&self, name: &str) -> Outcome<Json> {
        let tool = self.known_tool(name).await?;
        tool.ok_or_else(|| not_found(format!("Tool '{name}' not found")).with_param("tool_name").into())
    }

    /// The same; nothing for a tool that nobody called yet.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn known_tool(&self, name: &str) -> Outcome<Option<Json>> {
        Ok(self.tool_of(name).await?.as_ref().map(view::row))
    }

    /// `POST /v1/tool/policy`: blocks a tool for everybody, or no longer; with `team_id` or `key_hash` for a team or a key. A tool
    /// may be blocked before anybody called it.
    ///
    /// # Errors
    /// 404 for an unknown team or key; 400 for both, for either without `input_policy`, for a body that says nothing and for
    /// what is not served; 422.
    pub async fn set_tool_policy(&self, actor: Actor<'_>, body: &Json) -> Outcome<Json> {
        let asked = PolicyBody::read(body)?;
        let name = required(asked.tool_name.clone(), "tool_name", body)?;
        if name.is_empty() {
            return Err(bad("A tool has a name").with_param("tool_name").into());
        }
        let (team, key) = (asked.team_id.flatten(), asked.key_hash.flatten());
        let input = served("input_policy", asked.input_policy.flatten(), &[TRUSTED, UNTRUSTED, BLOCKED])?;
        let output = served("output_policy", asked.output_policy.flatten(), &[TRUSTED, UNTRUSTED])?;
        let told = |input: Option<&str>, output: Option<&str>| {
            Json::object([
                ("tool_name", Json::from(name.as_str())),
                ("input_policy", Json::from(input)),
                ("output_policy", Json::from(output)),
                ("updated", Json::from(true)),
                ("team_id", Json::from(team.as_deref())),
                ("key_hash", Json::from(key.as_deref())),
            ])
        };
        if input.is_none() && output.is_none() {
            return Err(bad("At least one of input_policy or output_policy must be provided").into());
        }
        if team.is_some() || key.is_some() {
            let Some(word) = &input else {
                let why = "input_policy must be provided with team_id or key_hash";
                return Err(bad(why).with_param("input_policy").into());
            };
            let block = word == BLOCKED;
            self.override_tool(actor, &name, (team.as_deref(), key.as_deref()), block).await?;
            return Ok(told(input.as_deref(), output.as_deref()));
        }
        self.stores_models()?;
        let row = self.write_tool(actor, &name, input).await?;
        Ok(told(Some(&row.input_policy), Some(&row.output_policy)))
    }

    /// Gives a tool its policy; it has a row afterwards.
    async fn write_tool(&self, actor: Actor<'_>, name: &str, input: Option<String>) -> Outcome<ToolRow> {
        let there = match self.tool_of(name).await? {
            None => match self.new_tool(actor, name, input.clone()).await? {
                Some(made) => return Ok(made),
                // Whoever called it meanwhile made the row.
                None => self.tool_of(name).await?,
            },
            there => there,
        };
        let row = there.ok_or_else(|| Error::internal("a tool is there and is not"))?;
        let mut tx = self.store_or_refuse()?.begin().await?;
        let patch = ToolPatch {
            input_policy: input,
            updated_at: Some(Utc::now()),
            updated_by: Some(actor.name()),
            ..ToolPatch::default()
        };
        let row = self.write(&mut tx, actor, Action::Updated, &row.tool_id, Some(&row), &patch).await?;
        self.commit_and_serve(tx).await?;
        Ok(row)
    }

    /// The row of a tool that nobody called yet; nothing when there is one by now.
    async fn new_tool(&self, actor: Actor<'_>, name: &str, input: Option<String>) -> Outcome<Option<ToolRow>> {
        let row = ToolRow {
            tool_name: name.to_owned(),
            input_policy: input.unwrap_or_else(|| UNTRUSTED.to_owned()),
            created_by: actor.name(),
            updated_by: actor.name(),
            ..ToolRow::default()
        };
        let mut tx = self.store_or_refuse()?.begin().await?;
        match tx.table().insert(&row).await {
            Err(StoreError::Conflict(_)) => return Ok(None),
            inserted => inserted?,
        }
        self.audit(tx.table(), actor, Action::Created, &row.tool_id, None, Some(&row)).await?;
        self.commit_and_serve(tx).await?;
        Ok(Some(row))
    }

    async fn tool_of(&self, name: &str) -> Outcome<Option<ToolRow>> {
        let filter = Filter::new().is("tool_name", name.to_owned());
        Ok(self.store_or_refuse()?.table::<ToolRow>().find(filter).await?.into_iter().next())
    }
}
