//! Plugins that coding agents install (`/claude-code/*`): a list with the places where they are, which are elsewhere. Enabled ones
//! are everybody's to know; the others are for administrators and for those whose `object_permission.skills` name them. Call these
//! on the store's runtime.

mod open;
mod source;

use chrono::Utc;
use llm_store::{Filter, ListQuery, PluginPatch, PluginRow, StoreError};
use llm_types::{Error, Json, Kind};

use crate::Accounts;
use crate::audit::Action;
use crate::identity::Identity;
use crate::keys::{Actor, bad, forbidden, not_found};
use crate::request::{Map, Outcome, body, required};
pub(crate) use open::OpenPlugins;

body! {
    /// `POST /claude-code/plugins`, `PUT /claude-code/plugins/{plugin_name}`.
    #[allow(dead_code, reason = "some are only checked for their type: the body itself is kept")]
    struct PluginBody {
        name: String,
        source: Map,
        version: String,
        description: String,
        author: Map,
        homepage: String,
        keywords: Vec<String>,
        category: String,
        domain: String,
        namespace: String,
    }
}

/// Fields of a body that are kept as they are, beside the source.
const KEPT: [&str; 8] = ["version", "description", "author", "homepage", "keywords", "category", "domain", "namespace"];
/// Those of them that agents are told.
const TOLD: [&str; 4] = ["author", "homepage", "keywords", "category"];
/// Bytes of what is kept of one plugin.
const LARGEST: usize = 64 << 10;
/// Plugins that there may be: all of them are told at once.
const MOST: usize = 5000;

/// Whose keys see what is not for everybody.
struct Sight<'w> {
    all: bool,
    key: &'w [String],
    team: &'w [String],
}

impl<'w> Sight<'w> {
    fn of(who: &'w Identity) -> Self {
        let list = |of: &'w Option<std::sync::Arc<llm_store::ObjectPermissionRow>>| {
            of.as_ref().map_or(&[][..], |row| row.skills.as_slice())
        };
        Self { all: who.sees_all(), key: list(&who.grants.key), team: list(&who.grants.team) }
    }

    /// The names of those that are granted. Where key and team both say something, both have to name it; an empty list says
    /// nothing.
    fn granted(&self) -> Vec<String> {
        match (self.key, self.team) {
            (key, []) => key.to_vec(),
            ([], team) => team.to_vec(),
            (key, team) => key.iter().filter(|name| team.contains(name)).cloned().collect(),
        }
    }

    fn sees(&self, row: &PluginRow) -> bool {
        row.enabled || self.all || self.granted().contains(&row.name)
    }

    /// The rows that are seen.
    fn filter(&self) -> Filter {
        let enabled = Filter::new().is("enabled", true);
        match self.granted() {
            _ if self.all => Filter::new(),
            granted if granted.is_empty() => enabled,
            granted => Filter::new().one_of(vec![enabled, Filter::new().any_of("name", granted)]),
        }
    }
}

fn manifest(row: &PluginRow) -> Json {
    let text = row.manifest_json.as_deref().unwrap_or("{}");
    serde_json::from_str(text).unwrap_or_default()
}

fn missing(name: &str) -> Error {
    not_found(format!("Plugin '{name}' not found")).with_param("plugin_name")
}

fn taken(name: &str) -> Error {
    let why = format!("A skill named '{name}' already exists. Update the existing skill instead of adding it again.");
    Error::new(Kind::Conflict, why).with_param("name")
}

fn is_name(name: &str) -> bool {
    let fine = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    !name.is_empty() && name.len() <= 128 && name.chars().all(fine)
}

/// What is kept of a plugin.
///
/// # Errors
/// 400 for a source that is none and for more than fits, 422 without one.
fn kept(name: &str, asked: &PluginBody, body: &Json) -> Outcome<String> {
    let Map(place) = required(asked.source.clone(), "source", body)?;
    source::check(&place)?;
    if let Some(Some(Map(author))) = &asked.author {
        required(crate::request::field::<String>(author, "name", &mut Vec::new()), "author.name", body)?;
    }
    let mut out = Json::object([("name", Json::from(name)), ("source", place)]);
    for field in KEPT {
        if let Some(value) = body.get(field).filter(|value| !is_empty(value)) {
            out.set(field, value.clone());
        }
    }
    let text = out.to_string();
    if text.len() > LARGEST {
        return Err(bad(format!("A plugin must not say more than {} KB of itself", LARGEST >> 10)).into());
    }
    Ok(text)
}

fn is_empty(json: &Json) -> bool {
    match json {
        Json::Null => true,
        Json::String(text) => text.is_empty(),
        Json::Array(items) => items.is_empty(),
        Json::Object(fields) => fields.is_empty(),
        _ => false,
    }
}

/// A row for people.
fn shown(row: &PluginRow) -> Json {
    let manifest = manifest(row);
    let field = |name: &str| manifest.get(name).cloned().unwrap_or_default();
    let time = |at: Option<chrono::DateTime<Utc>>| Json::from(at.map(|at| at.to_rfc3339()));
    let source = manifest.get("source").cloned().unwrap_or_else(|| Json::Object(Vec::new()));
    let own = [
        ("id", Json::from(row.id.as_str())),
        ("name", Json::from(row.name.as_str())),
        ("version", Json::from(row.version.as_deref())),
        ("description", Json::from(row.description.as_deref())),
        ("source", source),
    ];
    let said = ["author", "homepage", "keywords", "category", "domain", "namespace"].map(|name| (name, field(name)));
    let rest = [
        ("enabled", Json::from(row.enabled)),
        ("created_at", time(row.created_at)),
        ("updated_at", time(row.updated_at)),
    ];
    Json::object(own.into_iter().chain(said).chain(rest))
}

/// What a write answers.
fn done(action: &str, row: &PluginRow) -> Json {
    let whole = shown(row);
    let names = ["id", "name", "version", "description", "source", "enabled"];
    let plugin = Json::object(names.map(|name| (name, whole.get(name).cloned().unwrap_or_default())));
    Json::object([("status", Json::from("success")), ("action", Json::from(action)), ("plugin", plugin)])
}

/// A list for people.
fn listed(rows: &[PluginRow]) -> Json {
    let plugins: Vec<Json> = rows.iter().map(shown).collect();
    let count = plugins.len() as u64;
    Json::object([("plugins", Json::Array(plugins)), ("count", Json::from(count))])
}

/// A list in the words of the agents that read it, the oldest first.
fn market(rows: &[PluginRow]) -> Json {
    let plugins = rows.iter().rev().filter_map(|row| {
        let manifest = manifest(row);
        // Agents cannot install what is nowhere.
        let mut out =
            Json::object([("name", Json::from(row.name.as_str())), ("source", manifest.get("source")?.clone())]);
        for (name, text) in [("version", &row.version), ("description", &row.description)] {
            if let Some(text) = text.as_deref().filter(|text| !text.is_empty()) {
                out.set(name, text);
            }
        }
        for name in TOLD {
            if let Some(value) = manifest.get(name) {
                out.set(name, value.clone());
            }
        }
        Some(out)
    });
    let owner = Json::object([("name", "LiteLLM"), ("email", "support@litellm.ai")]);
    Json::object([("name", Json::from("litellm")), ("owner", owner), ("plugins", Json::Array(plugins.collect()))])
}

impl Accounts {
    /// `GET /claude-code/marketplace.json?key=...`: what the key sees.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn marketplace(&self, who: &Identity) -> Outcome<Json> {
        Ok(market(&self.plugin_rows(Sight::of(who).filter()).await?))
    }

    /// `GET /claude-code/plugins`: the latest first.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn plugins(&self, who: &Identity, enabled_only: bool) -> Outcome<Json> {
        let filter = Sight::of(who).filter().maybe("enabled", enabled_only.then_some(true));
        Ok(listed(&self.plugin_rows(filter).await?))
    }

    /// `GET /claude-code/plugins/{plugin_name}`.
    ///
    /// # Errors
    /// 404 for a plugin that is not there, 403 for one that is not for the caller.
    pub async fn plugin(&self, who: &Identity, name: &str) -> Outcome<Json> {
        let row = self.plugin_row(name).await?;
        if !Sight::of(who).sees(&row) {
            return Err(forbidden(format!("Plugin '{name}' is not granted to this key")).into());
        }
        let mut out = shown(&row);
        out.set("created_by", Json::from(row.created_by.as_deref()));
        Ok(out)
    }

    /// `POST /claude-code/plugins`: a new one, enabled.
    ///
    /// # Errors
    /// 409 for a name that exists, 400 for a name or a source that is none, 422.
    pub async fn new_plugin(&self, actor: Actor<'_>, body: &Json) -> Outcome<Json> {
        let asked = PluginBody::read(body)?;
        let name = required(asked.name.clone(), "name", body)?;
        if !is_name(&name) {
            let why = "Plugin name must be kebab-case (lowercase letters, numbers, hyphens)";
            return Err(bad(why).with_param("name").into());
        }
        // LiteLLM's first version, unless the body says another one, or null.
        let mut body = body.clone();
        if asked.version.is_none() {
            body.set("version", "1.0.0");
        }
        let row = PluginRow {
            manifest_json: Some(kept(&name, &asked, &body)?),
            version: body.text("version").map(str::to_owned),
            description: asked.description.flatten(),
            created_by: actor.who.user_id().map(str::to_owned),
            name,
            ..PluginRow::default()
        };
        if self.store_or_refuse()?.table::<PluginRow>().count(&Filter::new()).await? >= MOST as u64 {
            return Err(bad(format!("There are {MOST} plugins, which is as many as there may be")).into());
        }
        let mut tx = self.store_or_refuse()?.begin().await?;
        match tx.table().insert(&row).await {
            Err(StoreError::Conflict(_)) => return Err(taken(&row.name).into()),
            inserted => inserted?,
        }
        self.audit(tx.table(), actor, Action::Created, &row.id, None, Some(&row)).await?;
        tx.commit().await?;
        self.inner().open_plugins.forget().await;
        Ok(done("created", &row))
    }

    /// `PUT /claude-code/plugins/{plugin_name}`: all of it anew; what is left out is taken away.
    ///
    /// # Errors
    /// As [`Accounts::new_plugin`]; 404 for a plugin that is not there.
    pub async fn replace_plugin(&self, actor: Actor<'_>, name: &str, body: &Json) -> Outcome<Json> {
        let asked = PluginBody::read(body)?;
        let patch = PluginPatch {
            manifest_json: Some(Some(kept(name, &asked, body)?)),
            version: Some(asked.version.flatten()),
            description: Some(asked.description.flatten()),
            ..PluginPatch::default()
        };
        Ok(done("updated", &self.write_plugin(actor, name, patch).await?))
    }

    /// `POST /claude-code/plugins/{plugin_name}/enable` and `/disable`.
    ///
    /// # Errors
    /// 404 for a plugin that is not there.
    pub async fn switch_plugin(&self, actor: Actor<'_>, name: &str, on: bool) -> Outcome<Json> {
        self.write_plugin(actor, name, PluginPatch { enabled: Some(on), ..PluginPatch::default() }).await?;
        let message = format!("Plugin '{name}' {}", if on { "enabled" } else { "disabled" });
        Ok(Json::object([("status", Json::from("success")), ("message", Json::from(message))]))
    }

    /// `DELETE /claude-code/plugins/{plugin_name}`.
    ///
    /// # Errors
    /// 404 for a plugin that is not there.
    pub async fn delete_plugin(&self, actor: Actor<'_>, name: &str) -> Outcome<Json> {
        let row = self.plugin_row(name).await?;
        let mut tx = self.store_or_refuse()?.begin().await?;
        self.erase(&mut tx, actor, &row.id, &row).await?;
        tx.commit().await?;
        self.inner().open_plugins.forget().await;
        let message = format!("Plugin '{name}' deleted");
        Ok(Json::object([("status", Json::from("success")), ("message", Json::from(message))]))
    }

    async fn write_plugin(&self, actor: Actor<'_>, name: &str, patch: PluginPatch) -> Outcome<PluginRow> {
        let before = self.plugin_row(name).await?;
        let patch = PluginPatch { updated_at: Some(Some(Utc::now())), ..patch };
        let mut tx = self.store_or_refuse()?.begin().await?;
        let row = self.write(&mut tx, actor, Action::Updated, &before.id, Some(&before), &patch).await?;
        tx.commit().await?;
        self.inner().open_plugins.forget().await;
        Ok(row)
    }

    async fn plugin_row(&self, name: &str) -> Outcome<PluginRow> {
        let named = Filter::new().is("name", name.to_owned());
        let row = self.store_or_refuse()?.table::<PluginRow>().find(named).await?.into_iter().next();
        Ok(row.ok_or_else(|| missing(name))?)
    }

    /// Rows, the latest first.
    async fn plugin_rows(&self, filter: Filter) -> Outcome<Vec<PluginRow>> {
        let query = ListQuery::page(filter, 1, MOST as u32).sorted("created_at", true);
        Ok(self.store_or_refuse()?.table::<PluginRow>().rows(&query).await?)
    }
}
