//! Attachments of policies in the database. Call these on the store's runtime.

use llm_store::{Filter, ListQuery, PolicyAttachmentRow, TeamRow, VerificationToken};
use llm_types::{Json, RawJson};

use super::read::{Attachment, StoredAttachment, fits};
use crate::Accounts;
use crate::audit::Action;
use crate::keys::{Actor, bad, not_found, view};
use crate::load::texts;
use crate::request::{Outcome, body, list, required};

body! {
    /// `POST /policies/attachments`, `POST /policies/attachments/estimate-impact`.
    struct AttachmentBody {
        policy_name: String,
        scope: String,
        teams: Vec<String>,
        keys: Vec<String>,
        models: Vec<String>,
        tags: Vec<String>,
        priority: i64,
        default: bool,
    }
}

/// Keys and teams that an estimate looks at, the latest first, as in LiteLLM.
const LOOKED_AT: u32 = 1000;

/// Names that an estimate gives.
const SAMPLES: usize = 10;

/// What a configuration would say of a row.
fn spec(row: &PolicyAttachmentRow) -> Json {
    let list = |names: &[String]| Json::Array(names.iter().map(|name| Json::from(name.as_str())).collect());
    Json::object([
        ("policy", Json::from(row.policy_name.as_str())),
        ("scope", Json::from(row.scope.as_deref())),
        ("teams", list(&row.teams)),
        ("keys", list(&row.keys)),
        ("models", list(&row.models)),
        ("tags", list(&row.tags)),
        ("priority", row.priority.map(Json::from).unwrap_or_default()),
        ("default", Json::from(row.is_default)),
    ])
}

impl StoredAttachment {
    pub(crate) fn of(row: &PolicyAttachmentRow) -> Self {
        Self { id: row.attachment_id.clone(), spec: spec(row) }
    }
}

fn shown(row: &PolicyAttachmentRow) -> Json {
    let mut out = view::row(row);
    let default = out.remove("is_default").unwrap_or_default();
    out.set("default", default);
    out.set("definition_location", "db");
    out
}

/// An attachment of the file, as a row would be shown.
fn of_file(at: usize, attachment: &Json) -> Json {
    let read = Attachment::read(attachment).unwrap_or_default();
    let row = PolicyAttachmentRow {
        attachment_id: format!("config-{at}"),
        policy_name: read.policy,
        scope: read.everywhere.then(|| "*".to_owned()),
        teams: read.teams,
        keys: read.keys,
        models: read.models,
        tags: read.tags,
        priority: read.priority,
        is_default: read.default,
        ..PolicyAttachmentRow::default()
    };
    let mut out = shown(&row);
    for (name, value) in
        [("created_at", Json::Null), ("updated_at", Json::Null), ("definition_location", Json::from("config"))]
    {
        out.set(name, value);
    }
    out
}

/// The row that a body asks for.
fn asked(actor: Actor<'_>, body: &Json) -> Outcome<PolicyAttachmentRow> {
    let asked = AttachmentBody::read(body)?;
    let row = PolicyAttachmentRow {
        policy_name: required(asked.policy_name.clone(), "policy_name", body)?,
        scope: asked.scope.flatten(),
        teams: list(&asked.teams).unwrap_or_default(),
        keys: list(&asked.keys).unwrap_or_default(),
        models: list(&asked.models).unwrap_or_default(),
        tags: list(&asked.tags).unwrap_or_default(),
        priority: asked.priority.flatten(),
        is_default: asked.default.flatten().unwrap_or_default(),
        created_by: actor.name(),
        updated_by: actor.name(),
        ..PolicyAttachmentRow::default()
    };
    if row.priority.is_some_and(|priority| i32::try_from(priority).is_err()) {
        return Err(bad("priority must be a whole number of 32 bits").with_param("priority").into());
    }
    Attachment::read(&spec(&row)).map_err(|(field, why)| bad(format!("{field}: {why}")).with_param(field))?;
    Ok(row)
}

impl Accounts {
    /// `POST /policies/attachments`: a new attachment, in force when this returns.
    ///
    /// # Errors
    /// 404 for a policy that is not in force; 400 for teams, keys and models that there are not (patterns may fit later).
    pub async fn new_policy_attachment(&self, actor: Actor<'_>, body: &Json) -> Outcome<Json> {
        let row = asked(actor, body)?;
        self.stores_models()?;
        if self.serving()?.policies().get(&row.policy_name).is_none() {
            let why = format!("Policy '{}' not found. Create the policy first.", row.policy_name);
            return Err(not_found(why).with_param("policy_name").into());
        }
        self.named_are_there(&row).await?;
        let mut tx = self.store_or_refuse()?.begin().await?;
        tx.table().insert(&row).await?;
        self.audit(tx.table(), actor, Action::Created, &row.attachment_id, None, Some(&row)).await?;
        self.commit_and_serve(tx).await?;
        Ok(shown(&row))
    }

    /// `GET /policies/attachments/{attachment_id}`.
    ///
    /// # Errors
    /// 404 for an unknown id.
    pub async fn policy_attachment(&self, id: &str) -> Outcome<Json> {
        Ok(shown(&self.attachment_row(id).await?))
    }

    /// `DELETE /policies/attachments/{attachment_id}`.
    ///
    /// # Errors
    /// As [`Accounts::policy_attachment`].
    pub async fn delete_policy_attachment(&self, actor: Actor<'_>, id: &str) -> Outcome<Json> {
        self.stores_models()?;
        let row = self.attachment_row(id).await?;
        let mut tx = self.store_or_refuse()?.begin().await?;
        self.erase(&mut tx, actor, id, &row).await?;
        self.commit_and_serve(tx).await?;
        Ok(Json::object([("message", format!("Attachment {id} deleted successfully"))]))
    }

    /// `GET /policies/attachments/list`: those of the database, the latest first, then those of the file.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn policy_attachments(&self) -> Outcome<Json> {
        let query = ListQuery::default().sorted("created_at", true);
        let rows = self.store_or_refuse()?.table::<PolicyAttachmentRow>().rows(&query).await?;
        let file = self.serving()?.section("policy_attachments");
        let of_file = file.as_array().unwrap_or_default().iter().enumerate().map(|(at, entry)| of_file(at, entry));
        let all: Vec<Json> = rows.iter().map(shown).chain(of_file).collect();
        let count = all.len() as u64;
        Ok(Json::object([("attachments", Json::Array(all)), ("total_count", Json::from(count))]))
    }

    /// `POST /policies/attachments/estimate-impact`: which keys and teams an attachment would be for. Models are not looked at.
    ///
    /// # Errors
    /// 422 for wrong fields.
    pub async fn estimate_policy_impact(&self, actor: Actor<'_>, body: &Json) -> Outcome<Json> {
        let row = asked(actor, body)?;
        if row.scope.as_deref() == Some("*") {
            let all = |what: &str| Json::Array(vec![Json::from(format!("(global scope - affects all {what})"))]);
            return Ok(Json::object([
                ("affected_keys_count", Json::from(-1_i64)),
                ("affected_teams_count", Json::from(-1_i64)),
                ("unnamed_keys_count", Json::from(0_i64)),
                ("unnamed_teams_count", Json::from(0_i64)),
                ("sample_keys", all("keys")),
                ("sample_teams", all("teams")),
            ]));
        }
        let store = self.store_or_refuse()?;
        let latest = || ListQuery::page(Filter::new(), 1, LOOKED_AT).sorted("created_at", true);
        let any = |patterns: &[String], name: &str| patterns.iter().any(|pattern| fits(pattern, name));
        let tagged = |metadata: &RawJson| {
            let tags = texts(&metadata.read().unwrap_or_default(), "tags");
            tags.iter().any(|tag| any(&row.tags, tag))
        };
        let (mut teams, mut keys) = (Affected::default(), Affected::default());
        let mut of_teams = Vec::new();
        for team in store.table::<TeamRow>().rows(&latest()).await? {
            let named = team.team_alias.as_deref().is_some_and(|alias| any(&row.teams, alias));
            if named || tagged(&team.metadata) {
                teams.add(team.team_alias.as_deref());
            }
            if named {
                of_teams.push(team.team_id);
            }
        }
        for key in store.table::<VerificationToken>().rows(&latest()).await? {
            let of_team = key.team_id.as_ref().is_some_and(|team| of_teams.contains(team));
            let named = key.key_alias.as_deref().is_some_and(|alias| any(&row.keys, alias));
            if of_team || named || tagged(&key.metadata) {
                keys.add(key.key_alias.as_deref());
            }
        }
        Ok(Json::object([
            ("affected_keys_count", Json::from(keys.count())),
            ("affected_teams_count", Json::from(teams.count())),
            ("unnamed_keys_count", Json::from(keys.unnamed)),
            ("unnamed_teams_count", Json::from(teams.unnamed)),
            ("sample_keys", keys.samples()),
            ("sample_teams", teams.samples()),
        ]))
    }

    /// Refuses names without a `*` that nobody has: the policy would be for no call.
    async fn named_are_there(&self, row: &PolicyAttachmentRow) -> Outcome<()> {
        let store = self.store_or_refuse()?;
        let mut missing = Vec::new();
        let names = |list: &[String]| list.iter().filter(|name| !name.ends_with('*')).cloned().collect::<Vec<_>>();
        let of = |column: &str, name: &str| Filter::new().is(column, name.to_owned());
        for name in names(&row.teams) {
            if store.table::<TeamRow>().count(&of("team_alias", &name)).await? == 0 {
                missing.push(("Team", "team", name));
            }
        }
        for name in names(&row.keys) {
            if store.table::<VerificationToken>().count(&of("key_alias", &name)).await? == 0 {
                missing.push(("Key", "key", name));
            }
        }
        for name in names(&row.models) {
            if !self.serving()?.serves_group(&name) {
                missing.push(("Model", "model", name));
            }
        }
        if missing.is_empty() {
            return Ok(());
        }
        let told = missing.iter().map(|(what, word, name)| {
            format!("{what} '{name}' does not exist. Name a {word} that does, or a pattern: '{name}*'.")
        });
        Err(bad(told.collect::<Vec<_>>().join(" | ")).into())
    }

    async fn attachment_row(&self, id: &str) -> Outcome<PolicyAttachmentRow> {
        let row = self.store_or_refuse()?.table::<PolicyAttachmentRow>().get([id]).await?;
        row.ok_or_else(|| not_found(format!("Attachment with ID {id} not found")).with_param("attachment_id").into())
    }
}

/// Keys or teams that an attachment would be for.
#[derive(Debug, Default)]
struct Affected {
    named: Vec<String>,
    unnamed: u64,
}

impl Affected {
    fn add(&mut self, alias: Option<&str>) {
        match alias.filter(|alias| !alias.is_empty()) {
            Some(alias) => self.named.push(alias.to_owned()),
            None => self.unnamed += 1,
        }
    }

    fn count(&self) -> u64 {
        self.named.len() as u64 + self.unnamed
    }

    fn samples(&self) -> Json {
        Json::Array(self.named.iter().take(SAMPLES).map(|name| Json::from(name.as_str())).collect())
    }
}
