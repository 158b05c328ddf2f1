//! Toolsets of MCP in the database: making, changing and deleting them, and who sees which. Call these on the store's runtime.

use llm_store::{Filter, McpToolsetRow};
use llm_types::{Error, Json, Kind};

use crate::Accounts;
use crate::audit::Action;
use crate::identity::Identity;
use crate::keys::{Actor, bad, forbidden, not_found, view};
use crate::request::{Outcome, body, required};
use crate::stored::StoredToolset;

body! {
    /// `POST` and `PUT /v1/mcp/toolset`. `tools` is read by itself: it is a list of objects.
    struct ToolsetBody {
        toolset_id: String,
        toolset_name: String,
        description: String,
    }
}

impl Accounts {
    /// `POST /v1/mcp/toolset`: a new toolset, in force when this returns.
    ///
    /// # Errors
    /// 409 for a name that is taken, 400 for what is no toolset.
    pub async fn new_mcp_toolset(&self, actor: Actor<'_>, body: &Json) -> Outcome<Json> {
        let asked = ToolsetBody::read(body)?;
        let name = required(asked.toolset_name.clone(), "toolset_name", body)?;
        self.stores_models()?;
        let row = McpToolsetRow {
            toolset_name: sensible(name)?,
            description: asked.description.flatten(),
            tools: tools(body)?.unwrap_or_else(|| Json::Array(Vec::new())).to_raw(),
            created_by: actor.name(),
            updated_by: actor.name(),
            ..McpToolsetRow::default()
        };
        let mut tx = self.store_or_refuse()?.begin().await?;
        unless_named(tx.table().insert(&row).await, &row.toolset_name)?;
        self.audit(tx.table(), actor, Action::Created, &row.toolset_id, None, Some(&row)).await?;
        self.commit_and_serve(tx).await?;
        Ok(view::row(&row))
    }

    /// `PUT /v1/mcp/toolset` (the id stands in the body): what is given is set, the rest stays. A name and tools are always
    /// there: null leaves them as they are.
    ///
    /// # Errors
    /// As [`Accounts::new_mcp_toolset`]; 404 for a toolset that is not there.
    pub async fn update_mcp_toolset(&self, actor: Actor<'_>, body: &Json) -> Outcome<Json> {
        let asked = ToolsetBody::read(body)?;
        let id = required(asked.toolset_id.clone(), "toolset_id", body)?;
        self.stores_models()?;
        let before = self.toolset_row(&id).await?;
        let mut after = before.clone();
        if let Some(name) = asked.toolset_name.flatten() {
            after.toolset_name = sensible(name)?;
        }
        if let Some(description) = asked.description {
            after.description = description;
        }
        if let Some(tools) = tools(body)? {
            after.tools = tools.to_raw();
        }
        (after.updated_at, after.updated_by) = (chrono::Utc::now(), actor.name());
        let mut tx = self.store_or_refuse()?.begin().await?;
        unless_named(tx.table().put(&after).await, &after.toolset_name)?;
        self.audit(tx.table(), actor, Action::Updated, &id, Some(&before), Some(&after)).await?;
        self.commit_and_serve(tx).await?;
        Ok(view::row(&after))
    }

    /// `DELETE /v1/mcp/toolset/{toolset_id}`. Permissions that name it grant nothing by it any more.
    ///
    /// # Errors
    /// 404 for a toolset that is not there.
    pub async fn delete_mcp_toolset(&self, actor: Actor<'_>, id: &str) -> Outcome<Json> {
        self.stores_models()?;
        let row = self.toolset_row(id).await?;
        let mut tx = self.store_or_refuse()?.begin().await?;
        self.erase(&mut tx, actor, id, &row).await?;
        self.commit_and_serve(tx).await?;
        Ok(Json::object([("message", format!("MCP toolset {id} deleted successfully"))]))
    }

    /// `GET /v1/mcp/toolset`: those that the caller's key is granted; administrators see all, unless their key names some.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn mcp_toolsets(&self, who: &Identity) -> Outcome<Json> {
        let named = named(who);
        if named.is_empty() && !who.sees_all() {
            return Ok(Json::Array(Vec::new()));
        }
        let rows = self.store_or_refuse()?.table::<McpToolsetRow>().find(Filter::new()).await?;
        let seen = rows.iter().filter(|row| named.is_empty() || named.contains(&row.toolset_id));
        Ok(Json::Array(seen.map(view::row).collect()))
    }

    /// `GET /v1/mcp/toolset/{toolset_id}`.
    ///
    /// # Errors
    /// 403 for one that the caller's key is not granted, whether it is there or not; 404.
    pub async fn mcp_toolset(&self, who: &Identity, id: &str) -> Outcome<Json> {
        if !who.sees_all() && !named(who).iter().any(|named| named == id) {
            return Err(forbidden("API key does not have access to this toolset.").into());
        }
        Ok(view::row(&self.toolset_row(id).await?))
    }

    async fn toolset_row(&self, id: &str) -> Outcome<McpToolsetRow> {
        let row = self.store_or_refuse()?.table::<McpToolsetRow>().get([id]).await?;
        Ok(row.ok_or_else(|| not_found(format!("Toolset '{id}' not found.")).with_param("toolset_id"))?)
    }
}

/// The toolsets of a caller: its key's, or its team's where the key is granted nothing.
fn named(who: &Identity) -> &[String] {
    let rows = who.grants();
    let own = rows.key.as_deref();
    let silent = own.is_none_or(|row| {
        row.mcp_servers.is_empty() && row.mcp_access_groups.is_empty() && row.mcp_toolsets.is_empty()
    });
    let row = if silent && rows.group_mcp_servers.is_empty() { rows.team.as_deref() } else { own };
    row.map_or(&[], |row| &row.mcp_toolsets)
}

fn sensible(name: String) -> Outcome<String> {
    if name.trim().is_empty() || name.contains('/') {
        return Err(bad("toolset_name must be a text without slashes: paths name it")
            .with_param("toolset_name")
            .into());
    }
    Ok(name)
}

fn unless_named(done: Result<(), llm_store::StoreError>, name: &str) -> Outcome<()> {
    match done {
        Err(llm_store::StoreError::Conflict(_)) => {
            let why = format!("A toolset named '{name}' already exists.");
            Err(Error::new(Kind::Conflict, why).with_param("toolset_name").into())
        }
        done => Ok(done?),
    }
}

/// `tools` of a body: a list of servers and names of tools; nothing when it is not given.
fn tools(body: &Json) -> Outcome<Option<Json>> {
    let wrong = || bad("tools must be a list of {\"server_id\": ..., \"tool_name\": ...}").with_param("tools");
    let list = match body.get("tools") {
        None | Some(Json::Null) => return Ok(None),
        Some(list) => list.as_array().ok_or_else(wrong)?,
    };
    let read = list.iter().map(|tool| {
        let both = tool.text("server_id").zip(tool.text("tool_name"));
        let both = both.filter(|(server, tool)| !server.is_empty() && !tool.is_empty());
        both.map(|(server, tool)| Json::object([("server_id", server), ("tool_name", tool)]))
    });
    Ok(Some(Json::Array(read.collect::<Option<_>>().ok_or_else(wrong)?)))
}

impl StoredToolset {
    pub(crate) fn of(row: &McpToolsetRow) -> Self {
        let tools: Json = row.tools.read().unwrap_or_default();
        // LiteLLM writes the list as a text into the JSON column on some databases.
        let tools = match &tools {
            Json::String(text) => serde_json::from_str(text).unwrap_or_default(),
            _ => tools,
        };
        let pair = |tool: &Json| Some((tool.text("server_id")?.to_owned(), tool.text("tool_name")?.to_owned()));
        Self {
            id: row.toolset_id.clone(),
            name: row.toolset_name.clone(),
            tools: tools.as_array().unwrap_or_default().iter().filter_map(pair).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tools_are_pairs() {
        let read =
            |text: &str| tools(&serde_json::from_str(text).unwrap()).map(|list| list.map(|list| list.to_string()));
        assert_eq!(read("{}").ok().flatten(), None);
        let pair = r#"[{"server_id":"s","tool_name":"t"}]"#;
        assert_eq!(read(&format!("{{\"tools\":{pair}}}")).ok().flatten().as_deref(), Some(pair));
        for wrong in ["{}", "[1]", r#"[{"server_id":"s"}]"#, r#"[{"server_id":"s","tool_name":""}]"#] {
            assert!(read(&format!("{{\"tools\":{wrong}}}")).is_err(), "{wrong}");
        }
    }

    #[test]
    fn rows_are_read_as_litellm_writes_them() {
        for tools in [r#"[{"server_id":"s","tool_name":"t"}]"#, r#""[{\"server_id\":\"s\",\"tool_name\":\"t\"}]""#] {
            let row = McpToolsetRow { tools: llm_types::RawJson::parse(tools).unwrap(), ..McpToolsetRow::default() };
            assert_eq!(StoredToolset::of(&row).tools, [("s".to_owned(), "t".to_owned())]);
        }
    }
}
