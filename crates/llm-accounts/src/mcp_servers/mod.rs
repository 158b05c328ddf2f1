//! MCP servers in the database: making, changing and deleting them. Call these on the store's runtime.

mod body;

use llm_store::{Filter, McpServerRow, defaults::new_id};
use llm_types::Json;

use crate::audit::Action;
use crate::keys::{Actor, not_found, view};
use crate::mcp_credentials::forget_server;
use crate::request::{Outcome, required, unless_taken};
use crate::seal::Seal;
use crate::seal::opened;
use crate::serving::Changed;
use crate::stored::StoredServer;
use crate::{Accounts, mask};
use body::{CREDENTIALS, McpServerBody};

impl Accounts {
    /// `POST /v1/mcp/server`: a new server, served when this returns.
    ///
    /// # Errors
    /// 400 for what could not be served: programs, names that exist, ways of authentication that are not served.
    pub async fn new_mcp_server(&self, actor: Actor<'_>, body: &Json) -> Outcome<Json> {
        let asked = McpServerBody::read(body)?;
        body::served(body)?;
        self.stores_models()?;
        let id = asked.server_id.clone().flatten().filter(|id| !id.is_empty()).unwrap_or_else(new_id);
        let mut row = McpServerRow { server_id: id.clone(), created_by: actor.name(), ..McpServerRow::default() };
        self.write_over(&asked, &mut row, actor)?;
        self.check_server(&row).await?;
        let mut tx = self.store_or_refuse()?.begin().await?;
        unless_taken(
            tx.table().insert(&row).await,
            format!("An MCP server with the id {id} exists already"),
            "server_id",
        )?;
        self.audit(tx.table(), actor, Action::Created, &id, None, Some(&row)).await?;
        self.commit_and_serve(tx).await?;
        Ok(shown(&row))
    }

    /// `PUT /v1/mcp/server` (the id stands in the body): what is given is set, the rest stays.
    ///
    /// # Errors
    /// As [`Accounts::new_mcp_server`]; 404 for a server that is not in the database.
    pub async fn update_mcp_server(&self, actor: Actor<'_>, body: &Json) -> Outcome<Json> {
        let asked = McpServerBody::read(body)?;
        let id = required(asked.server_id.clone(), "server_id", body)?;
        body::served(body)?;
        self.stores_models()?;
        let before = self.mcp_server_row(&id).await?;
        let mut after = before.clone();
        self.write_over(&asked, &mut after, actor)?;
        after.updated_at = Some(chrono::Utc::now());
        self.check_server(&after).await?;
        let mut tx = self.store_or_refuse()?.begin().await?;
        tx.table().put(&after).await?;
        if is_another(&before, &after) {
            forget_server(&mut tx, &id).await?;
        }
        self.audit(tx.table(), actor, Action::Updated, &id, Some(&before), Some(&after)).await?;
        self.commit_and_serve(tx).await?;
        Ok(shown(&after))
    }

    /// `DELETE /v1/mcp/server/{server_id}`.
    ///
    /// # Errors
    /// 404 for a server that is not in the database.
    pub async fn delete_mcp_server(&self, actor: Actor<'_>, id: &str) -> Outcome<Json> {
        self.stores_models()?;
        let row = self.mcp_server_row(id).await?;
        let mut tx = self.store_or_refuse()?.begin().await?;
        tx.table::<McpServerRow>().delete([id]).await?;
        forget_server(&mut tx, id).await?;
        self.audit(tx.table(), actor, Action::Deleted, id, Some(&row), None).await?;
        self.commit_and_serve(tx).await?;
        Ok(Json::object([("message", format!("MCP server {id} deleted successfully"))]))
    }

    /// Sets which servers everybody may know of (`litellm_settings.public_mcp_servers`): these and no others. Whether there
    /// are such servers is for the caller to see.
    ///
    /// # Errors
    /// When settings cannot be stored.
    pub async fn publish_mcp_servers(&self, actor: Actor<'_>, ids: Vec<String>) -> Outcome<Json> {
        let list = Json::Array(ids.into_iter().map(Json::from).collect());
        self.change_litellm(actor, &Json::object([("public_mcp_servers", list.clone())])).await?;
        Ok(Json::object([
            ("message", Json::from("Successfully updated public mcp servers")),
            ("public_mcp_servers", list),
            ("updated_by", Json::from(actor.name().unwrap_or_default())),
        ]))
    }

    /// The servers of the database, as they are shown: without credentials, headers masked.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn mcp_servers(&self) -> Outcome<Vec<Json>> {
        let rows = self.store_or_refuse()?.table::<McpServerRow>().find(Filter::new()).await?;
        Ok(rows.iter().map(shown).collect())
    }

    async fn mcp_server_row(&self, id: &str) -> Outcome<McpServerRow> {
        let row = self.store_or_refuse()?.table::<McpServerRow>().get([id]).await?;
        let why = || not_found(format!("MCP Server not found, passed server_id={id}")).with_param("server_id");
        Ok(row.ok_or_else(why)?)
    }

    fn write_over(&self, asked: &McpServerBody, row: &mut McpServerRow, actor: Actor<'_>) -> Outcome<()> {
        asked.over(row);
        if let Some(given) = &asked.credentials {
            let sealed = match given {
                Some(map) if map.0.as_object().is_some_and(|fields| !fields.is_empty()) => {
                    self.seal_or_refuse()?.seal_fields(&map.0)?
                }
                _ => Json::Object(Vec::new()),
            };
            row.credentials = Some(sealed.to_raw());
        }
        row.updated_by = actor.name();
        Ok(())
    }

    /// Refuses a server that could not be served.
    async fn check_server(&self, row: &McpServerRow) -> Outcome<()> {
        let mut draft = self.stored().await?;
        draft.mcp_servers.retain(|known| known.id != row.server_id);
        draft.mcp_servers.extend(StoredServer::of(row, self.seal().as_ref()));
        self.check_draft(&draft, Changed::Rest)
    }
}

impl StoredServer {
    /// A row with its credentials opened; nothing for one that waits for approval, or was rejected.
    pub(crate) fn of(row: &McpServerRow, seal: Option<&Seal>) -> Option<Self> {
        if row.approval_status.as_deref().is_some_and(|status| status != "active") {
            return None;
        }
        let mut spec = view::row(row);
        let credentials = row.credentials.as_ref().map(|raw| opened(seal, raw)).unwrap_or_default();
        take_credentials(&mut spec, &credentials);
        // Rows of others may name programs; they are read as what they are, and refused.
        let name = [&row.server_name, &row.alias].into_iter().flatten().find(|name| !name.is_empty());
        Some(Self { id: row.server_id.clone(), name: name.unwrap_or(&row.server_id).clone(), spec })
    }
}

/// True when what people hold for a server was given to another one: it is somewhere else, or takes tokens of others.
fn is_another(before: &McpServerRow, after: &McpServerRow) -> bool {
    let facts = |row: &McpServerRow| {
        let place = [&row.url, &row.spec_path, &row.auth_type, &row.oauth2_flow, &row.token_url, &row.issuer];
        (place.map(Clone::clone), row.authorization_url.clone(), row.is_byok, row.credentials.clone())
    };
    facts(before) != facts(after)
}

/// Puts what `credentials` of a server says into the fields where servers have it.
pub fn take_credentials(server: &mut Json, credentials: &Json) {
    for (name, value) in credentials.as_object().unwrap_or_default() {
        if CREDENTIALS.contains(&name.as_str()) {
            server.set(name, value.clone());
        }
    }
}

/// A row for people.
fn shown(row: &McpServerRow) -> Json {
    let mut out = view::row(row);
    out.set("credentials", Json::Null);
    for field in ["static_headers", "env"] {
        let hidden = out.get(field).map(mask::all).unwrap_or_default();
        out.set(field, hidden);
    }
    out.set("is_config", false);
    out
}
