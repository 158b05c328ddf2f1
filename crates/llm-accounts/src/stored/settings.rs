//! Sections of the configuration that live in the database. Call these on the store's runtime.

mod addresses;
mod alerting;
mod coordination;
mod costs;
mod defaults;
mod fallbacks;
mod fields;
mod letters;
mod told;

use llm_store::{ConfigPatch, ConfigRow, Rows, StoreTx};
use llm_types::{Json, RawJson};

use super::cache::hidden_cache;
use super::{Stored, decides_who_gets_in};
use crate::audit::{Action, keep};
use crate::keys::{Actor, bad};
use crate::models::merged;
use crate::request::{Map, Outcome, body, required};
use crate::serving::Changed;
use crate::{Accounts, mask};
pub use defaults::Defaults;
use fields::FIELDS;
pub(crate) use letters::{is_on as writes_about, said as letters_said};

/// Sections that may live in the database.
pub(super) const SECTIONS: &[&str] = &["general_settings", "litellm_settings", "router_settings", ENVIRONMENT];

const GENERAL: &str = "general_settings";
pub(super) const ENVIRONMENT: &str = "environment_variables";

/// What the database may not say: where it is itself, who its master is, and whether it decides who gets in.
const NEVER: &[&str] =
    &["auth_settings_in_db", "master_key", "database_url", "LITELLM_MASTER_KEY", "LITELLM_SALT_KEY", "DATABASE_URL"];

/// Served from the row itself, without a reload.
const SERVED_ELSEWHERE: &[&str] = &["pass_through_endpoints"];

body! {
    /// `POST /config/update`.
    struct ConfigBody {
        general_settings: Map,
        litellm_settings: Map,
        router_settings: Map,
        environment_variables: Map,
    }
}

body! {
    /// `POST /config/field/update` and `/config/field/delete`.
    struct FieldBody {
        field_name: String,
        field_value: Json,
    }
}

/// The sections as they lie over the file: opened, without what the database may not say.
pub(super) fn sections(rows: &[ConfigRow], open: impl Fn(&RawJson) -> Json) -> Vec<(String, Json)> {
    let section = |row: &ConfigRow| {
        let value = row.param_value.as_ref().filter(|_| SECTIONS.contains(&row.param_name.as_str()))?;
        let content = if row.param_name == ENVIRONMENT { open(value) } else { value.read().unwrap_or_default() };
        let fields = content.as_object()?.iter();
        let allowed = |name: &str| !NEVER.contains(&name) && !SERVED_ELSEWHERE.contains(&name);
        let kept = fields.filter(|(name, _)| allowed(name)).cloned().collect();
        Some((row.param_name.clone(), Json::Object(kept)))
    };
    rows.iter().filter_map(section).collect()
}

/// Maps are merged, lists of callbacks joined, anything else replaced.
fn laid_over(there: &Json, given: &Json) -> Json {
    let mut out = Json::Object(there.as_object().unwrap_or_default().to_vec());
    for (name, value) in given.as_object().unwrap_or_default() {
        let joined = match (out.get(name), value) {
            (Some(old @ Json::Object(_)), Json::Object(_)) => laid_over(old, value),
            (Some(Json::Array(old)), Json::Array(new)) if name.ends_with("callback") || name.ends_with("callbacks") => {
                let added = new.iter().filter(|item| !old.contains(item));
                Json::Array(old.iter().chain(added).cloned().collect())
            }
            _ => value.clone(),
        };
        out.set(name, joined);
    }
    out
}

/// Fields that are given stand in the place of what is there, whatever they hold.
fn replaced(there: &Json, given: &Json) -> Json {
    let mut out = Json::Object(there.as_object().unwrap_or_default().to_vec());
    for (name, value) in given.as_object().unwrap_or_default() {
        out.set(name, value.clone());
    }
    out
}

impl Accounts {
    /// `POST /config/update`: lays sections over those of the database. All or none.
    ///
    /// # Errors
    /// 400 for settings that could not be served or may not live in the database.
    pub async fn update_config(&self, actor: Actor<'_>, body: &Json) -> Outcome<Json> {
        let asked = ConfigBody::read(body)?;
        self.stores_models()?;
        let mut draft = self.stored().await?;
        let mut changes = Vec::new();
        let sections = [
            (GENERAL, asked.general_settings),
            ("litellm_settings", asked.litellm_settings),
            ("router_settings", asked.router_settings),
            (ENVIRONMENT, asked.environment_variables),
        ];
        for (name, given) in sections {
            let Some(Map(given)) = given.flatten() else { continue };
            let there = self.section_row(self.store_or_refuse()?.table(), name).await?;
            changes.push((name, self.change(name, &there, &given, laid_over)?));
        }
        self.write_sections(actor, &mut draft, changes).await?;
        Ok(Json::object([("message", "Config updated successfully")]))
    }

    /// `POST /config/field/update`: sets one general setting.
    ///
    /// # Errors
    /// As [`Accounts::update_config`]; 400 for an unknown setting.
    pub async fn update_config_field(&self, actor: Actor<'_>, body: &Json) -> Outcome<Json> {
        let asked = FieldBody::read(body)?;
        let name = required(asked.field_name.clone(), "field_name", body)?;
        let value = asked.field_value.flatten().unwrap_or_default();
        known(&name)?;
        self.change_general(actor, &Json::object([(name, value)])).await
    }

    /// `POST /config/field/delete`: the file's value counts again.
    ///
    /// # Errors
    /// As [`Accounts::update_config`]; 400 for a setting that is not in the database.
    pub async fn delete_config_field(&self, actor: Actor<'_>, body: &Json) -> Outcome<Json> {
        let name = required(FieldBody::read(body)?.field_name, "field_name", body)?;
        let there = self.section_row(self.store_or_refuse()?.table(), GENERAL).await?;
        if there.get(&name).is_none() {
            return Err(bad(format!("Field name={name} not in config")).with_param("field_name").into());
        }
        self.change_general(actor, &Json::object([(name, Json::Null)])).await
    }

    async fn change_general(&self, actor: Actor<'_>, given: &Json) -> Outcome<Json> {
        self.stores_models()?;
        let mut draft = self.stored().await?;
        let there = self.section_row(self.store_or_refuse()?.table(), GENERAL).await?;
        let after = self.change(GENERAL, &there, given, merged)?;
        self.write_sections(actor, &mut draft, vec![(GENERAL, after.clone())]).await?;
        Ok(Json::object([("param_name", Json::from(GENERAL)), ("param_value", masked_section(&after))]))
    }

    /// `GET /config/field/info`.
    ///
    /// # Errors
    /// 400 for a setting that is not in the database.
    pub async fn config_field(&self, name: &str) -> Outcome<Json> {
        let there = self.section_row(self.store_or_refuse()?.table(), GENERAL).await?;
        let shown = masked_section(&there);
        let Some(value) = shown.get(name) else {
            return Err(bad(format!("Field name={name} not in DB")).with_param("field_name").into());
        };
        Ok(Json::object([("field_name", Json::from(name)), ("field_value", value.clone())]))
    }

    /// `GET /config/list`: the general settings, what they are and who sets them.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn list_config(&self) -> Outcome<Json> {
        let there = masked_section(&self.section_row(self.store_or_refuse()?.table(), GENERAL).await?);
        let file = masked_section(&self.serving()?.section(GENERAL));
        let entry = |(name, kind, what): &(&str, &str, &str)| {
            let (stored, given) = (there.get(name), file.get(name));
            let from = stored.map(|_| true).or_else(|| given.map(|_| false));
            Json::object([
                ("field_name", Json::from(*name)),
                ("field_type", Json::from(*kind)),
                ("field_description", Json::from(*what)),
                ("field_value", stored.or(given).cloned().unwrap_or_default()),
                ("stored_in_db", Json::from(from)),
                ("field_default_value", Json::Null),
                ("premium_field", Json::from(false)),
                ("nested_fields", Json::Null),
            ])
        };
        Ok(Json::Array(FIELDS.iter().map(entry).collect()))
    }

    /// What a section becomes.
    fn change(&self, section: &str, there: &Json, given: &Json, how: fn(&Json, &Json) -> Json) -> Outcome<Json> {
        let closed = !self.settings().auth_settings_in_db;
        for (name, value) in given.as_object().unwrap_or_default() {
            let why = if NEVER.contains(&name.as_str()) {
                "it belongs in the file or the environment"
            } else if closed && !value.is_null() && decides_who_gets_in(section, name) {
                "it decides who gets in, and belongs in the file or the environment unless the file says general_settings.auth_settings_in_db: true"
            } else {
                continue;
            };
            return Err(bad(format!("{name} cannot be set here: {why}")).with_param(name.as_str()).into());
        }
        Ok(how(there, given))
    }

    /// A section as stored; environment variables are opened. Empty when there is none.
    pub(super) async fn section_row(&self, mut table: Rows<'_, ConfigRow>, name: &str) -> Outcome<Json> {
        let row = table.get([name]).await?;
        let content: Json = row.and_then(|row| row.param_value?.read().ok()).unwrap_or_default();
        let content = if content.as_object().is_some() { content } else { Json::Object(Vec::new()) };
        Ok(match self.seal() {
            Some(seal) if name == ENVIRONMENT => seal.open_fields(&content),
            _ => content,
        })
    }

    /// Checks the sections together, writes them together, serves them.
    async fn write_sections(&self, actor: Actor<'_>, draft: &mut Stored, changes: Vec<(&str, Json)>) -> Outcome<()> {
        self.check_sections(draft, &changes)?;
        self.commit_sections(self.store_or_refuse()?.begin().await?, actor, changes).await
    }

    fn check_sections(&self, draft: &mut Stored, changes: &[(&str, Json)]) -> Outcome<()> {
        for (name, content) in changes {
            draft.sections.retain(|(known, _)| known != name);
            let fields = content.as_object().unwrap_or_default().iter();
            let kept = fields.filter(|(field, _)| !SERVED_ELSEWHERE.contains(&field.as_str())).cloned().collect();
            draft.sections.push(((*name).to_owned(), Json::Object(kept)));
        }
        self.check_draft(draft, Changed::Rest)
    }

    /// Writes sections that were checked, with what else stands in a transaction, and serves them.
    pub(crate) async fn commit_sections(
        &self,
        mut tx: StoreTx,
        actor: Actor<'_>,
        changes: Vec<(&str, Json)>,
    ) -> Outcome<()> {
        for (name, content) in changes {
            self.write_section(&mut tx, actor, name, content).await?;
        }
        self.commit_and_serve(tx).await
    }

    pub(super) async fn write_section(
        &self,
        tx: &mut StoreTx,
        actor: Actor<'_>,
        name: &str,
        content: Json,
    ) -> Outcome<()> {
        let sealed = if name == ENVIRONMENT { self.seal_or_refuse()?.seal_fields(&content)? } else { content };
        self.write_config(tx, actor, name, &sealed).await
    }

    /// Writes a row of `LiteLLM_Config` whose secrets are sealed, and writes that down.
    pub(crate) async fn write_config(
        &self,
        tx: &mut StoreTx,
        actor: Actor<'_>,
        name: &str,
        sealed: &Json,
    ) -> Outcome<()> {
        let param_value = Some(sealed.to_raw());
        let patch = ConfigPatch { param_value: Some(param_value.clone()), ..ConfigPatch::default() };
        let row = ConfigRow { param_name: name.to_owned(), param_value, ..ConfigRow::default() };
        let before = keep(tx, name, &row, &patch).await?;
        let after = ConfigRow { param_value: row.param_value.clone(), ..before.clone().unwrap_or(row) };
        let (before, after) = (before.as_ref().map(shown), shown(&after));
        self.audit(tx.table(), actor, Action::over(before.as_ref()), name, before.as_ref(), Some(&after)).await
    }
}

/// A section whose secrets are masked. The address of a Redis may have its password anywhere.
fn masked_section(section: &Json) -> Json {
    let mut shown = mask::tree(section);
    if let Some(redis) = section.get(coordination::SETTING).filter(|redis| redis.as_object().is_some()) {
        shown.set(coordination::SETTING, hidden_cache(redis));
    }
    shown
}

/// A row whose secrets are masked, for the trail.
pub(crate) fn shown(row: &ConfigRow) -> ConfigRow {
    let mut row = row.clone();
    let masked = |raw: &RawJson| masked_section(&raw.read().unwrap_or_default()).to_raw();
    if row.param_name != ENVIRONMENT {
        row.param_value = row.param_value.as_ref().map(masked);
    }
    row
}

fn known(name: &str) -> Outcome<()> {
    if FIELDS.iter().any(|(field, ..)| *field == name) {
        return Ok(());
    }
    Err(bad(format!("Invalid field={name} passed in.")).with_param("field_name").into())
}
