//! Search tools of the database, beside those of the file: each is a group of the router under its name. Secrets of their
//! parameters are sealed one by one. Call these on the store's runtime.

use chrono::{DateTime, Utc};
use llm_store::defaults::new_id;
use llm_store::{Filter, SearchToolPatch, SearchToolRow};
use llm_types::{Error, Json, RawJson};

use crate::Accounts;
use crate::audit::Action;
use crate::keys::{Actor, bad, not_found};
use crate::mask;
use crate::request::{Map, Outcome, body, required, unless_taken, without_references};
use crate::seal::opened;
use crate::serving::Changed;

/// The file's tools.
const SECTION: &str = "search_tools";

body! {
    /// What a tool is.
    struct ToolBody {
        search_tool_name: String,
        litellm_params: Map,
        search_tool_info: Map,
    }
}

/// The tool of a body: `{"search_tool": {...}}`.
fn asked(body: &Json) -> Outcome<(String, Json, Option<RawJson>)> {
    let tool = body.get("search_tool").cloned().unwrap_or_default();
    let asked = ToolBody::read(&tool)?;
    let name = required(asked.search_tool_name.clone(), "search_tool_name", &tool)?;
    let params = required(asked.litellm_params, "litellm_params", &tool)?.0;
    if name.is_empty() {
        return Err(bad("A search tool needs a name").with_param("search_tool_name").into());
    }
    if params.text("search_provider").is_none_or(str::is_empty) {
        return Err(bad("litellm_params.search_provider is missing").with_param("litellm_params").into());
    }
    without_references(Some(&params))?;
    Ok((name, params, asked.search_tool_info.flatten().map(|info| info.0.to_raw())))
}

/// What a configuration would say of a tool.
pub(crate) fn entry(row: &SearchToolRow, params: Json) -> Json {
    Json::object([("search_tool_name", Json::from(row.search_tool_name.as_str())), ("litellm_params", params)])
}

fn shown(row: &SearchToolRow, params: &Json) -> Json {
    let time = |at: DateTime<Utc>| Json::from(at.to_rfc3339());
    Json::object([
        ("search_tool_id", Json::from(row.search_tool_id.as_str())),
        ("search_tool_name", Json::from(row.search_tool_name.as_str())),
        ("litellm_params", mask::tree(params)),
        ("search_tool_info", row.search_tool_info.as_ref().map(Json::from).unwrap_or_default()),
        ("created_at", time(row.created_at)),
        ("updated_at", time(row.updated_at)),
        ("is_from_config", Json::from(false)),
    ])
}

impl Accounts {
    /// `GET /search_tools/list`: those of the file and of the database; secrets are masked.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn search_tools(&self) -> Outcome<Json> {
        let rows = self.store_or_refuse()?.table::<SearchToolRow>().find(Filter::new()).await?;
        let file = self.serving().map(|serving| serving.section(SECTION)).unwrap_or_default();
        let of_file = file.as_array().unwrap_or_default().iter().map(|tool| {
            let field = |name: &str| tool.get(name).cloned().unwrap_or_default();
            Json::object([
                ("search_tool_id", Json::Null),
                ("search_tool_name", field("search_tool_name")),
                ("litellm_params", mask::tree(&field("litellm_params"))),
                ("search_tool_info", field("search_tool_info")),
                ("created_at", Json::Null),
                ("updated_at", Json::Null),
                ("is_from_config", Json::from(true)),
            ])
        });
        let seal = self.seal();
        let of_rows = rows.iter().map(|row| shown(row, &opened(seal.as_ref(), &row.litellm_params)));
        let tools = of_file.chain(of_rows).collect();
        Ok(Json::object([("search_tools", Json::Array(tools))]))
    }

    async fn tool_row(&self, id: &str) -> Outcome<SearchToolRow> {
        let row = self.store_or_refuse()?.table::<SearchToolRow>().get([id]).await?;
        row.ok_or_else(|| not_found(format!("Search tool with ID {id} not found")).with_param("search_tool_id").into())
    }

    /// `GET /search_tools/{search_tool_id}`.
    ///
    /// # Errors
    /// 404 for an unknown id.
    pub async fn search_tool(&self, id: &str) -> Outcome<Json> {
        let row = self.tool_row(id).await?;
        Ok(shown(&row, &opened(self.seal().as_ref(), &row.litellm_params)))
    }

    /// `POST /search_tools`. Served at once, on other gateways within seconds.
    ///
    /// # Errors
    /// 400 for a name that exists and for tools that could not be served, 422 for wrong types.
    pub async fn new_search_tool(&self, actor: Actor<'_>, body: &Json) -> Outcome<Json> {
        let (name, params, info) = asked(body)?;
        self.stores_models()?;
        let id = new_id();
        self.tool_fits(&id, &name, &params).await?;
        let sealed = self.seal_or_refuse()?.seal_fields(&params)?.to_raw();
        let row = SearchToolRow {
            search_tool_id: id.clone(),
            search_tool_name: name.clone(),
            litellm_params: sealed,
            search_tool_info: info,
            ..SearchToolRow::default()
        };
        let mut tx = self.store_or_refuse()?.begin().await?;
        let why = format!("A search tool with the name {name} exists already.");
        unless_taken(tx.table().insert(&row).await, why, "search_tool_name")?;
        let stored = tx.table::<SearchToolRow>().get([id.as_str()]).await?;
        let stored = stored.ok_or_else(|| Error::internal("the new search tool is gone"))?;
        self.audit(tx.table(), actor, Action::Created, &id, None, Some(&stored)).await?;
        self.commit_and_serve(tx).await?;
        Ok(shown(&stored, &params))
    }

    /// `PUT /search_tools/{search_tool_id}`: replaces it; secrets that come back masked stay.
    ///
    /// # Errors
    /// As [`Accounts::new_search_tool`]; 404 for an unknown id.
    pub async fn update_search_tool(&self, actor: Actor<'_>, id: &str, body: &Json) -> Outcome<Json> {
        let (name, mut params, info) = asked(body)?;
        self.stores_models()?;
        let before = self.tool_row(id).await?;
        let there = opened(self.seal().as_ref(), &before.litellm_params);
        let masked = mask::tree(&there);
        for (field, value) in there.as_object().unwrap_or_default() {
            if params.get(field).is_some_and(|given| Some(given) == masked.get(field)) {
                params.set(field, value.clone());
            }
        }
        self.tool_fits(id, &name, &params).await?;
        let patch = SearchToolPatch {
            search_tool_name: Some(name.clone()),
            litellm_params: Some(self.seal_or_refuse()?.seal_fields(&params)?.to_raw()),
            search_tool_info: Some(info),
            ..SearchToolPatch::default()
        };
        let mut tx = self.store_or_refuse()?.begin().await?;
        let row = self.write(&mut tx, actor, Action::Updated, id, Some(&before), &patch).await?;
        self.commit_and_serve(tx).await?;
        Ok(shown(&row, &params))
    }

    /// `DELETE /search_tools/{search_tool_id}`.
    ///
    /// # Errors
    /// 404 for an unknown id.
    pub async fn delete_search_tool(&self, actor: Actor<'_>, id: &str) -> Outcome<Json> {
        let row = self.tool_row(id).await?;
        let mut tx = self.store_or_refuse()?.begin().await?;
        self.erase(&mut tx, actor, id, &row).await?;
        self.commit_and_serve(tx).await?;
        let message = format!("Search tool {id} deleted successfully");
        Ok(Json::object([("message", message), ("search_tool_name", row.search_tool_name)]))
    }

    /// Refuses a name that another tool has, and what could not be served.
    async fn tool_fits(&self, id: &str, name: &str, params: &Json) -> Outcome<()> {
        let file = self.serving()?.section(SECTION);
        let in_file =
            file.as_array().unwrap_or_default().iter().any(|tool| tool.text("search_tool_name") == Some(name));
        let named = Filter::new().is("search_tool_name", name.to_owned());
        let rows = self.store_or_refuse()?.table::<SearchToolRow>().find(named).await?;
        if in_file || rows.iter().any(|row| row.search_tool_id != id) {
            let why = format!("A search tool with the name {name} exists already.");
            return Err(bad(why).with_param("search_tool_name").into());
        }
        let mut draft = self.stored().await?;
        let row = SearchToolRow { search_tool_name: name.to_owned(), ..SearchToolRow::default() };
        draft.search_tools.retain(|(known, _)| known != id);
        draft.search_tools.push((id.to_owned(), entry(&row, params.clone())));
        self.check_draft(&draft, Changed::Rest)
    }
}
