//! Settings of pages: LiteLLM's one row of `LiteLLM_UISettings`. Some are for the pages alone, which ask for them; others hold
//! here, as general settings over those of the file. Call these on the store's runtime.
//!
//! | file | what |
//! |---|---|
//! | `banner` | a message to everybody who looks at the pages |
//! | `theme`, `logo` | logos; one that was uploaded |
//! | `later` | settings of what is not served: they are shown, switching it on is refused |

mod banner;
mod later;
mod logo;
mod theme;

use llm_store::{StoreTx, UiSettingsPatch, UiSettingsRow};
use llm_types::Json;

use super::form::{self, Field};
use crate::Accounts;
use crate::audit::{Action, keep};
use crate::keys::{Actor, bad};
use crate::request::{FieldProblem, Outcome, Problem};
use crate::serving::Changed;
pub use later::LaterSettings;
pub(crate) use logo::Known as KnownLogo;
pub use logo::Logo;

/// The row's id.
pub(super) const ROW: &str = "ui_settings";

/// Where a setting holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Holds {
    /// In the pages.
    Pages,
    /// Here, as the general setting of this name.
    Here,
    /// Always, whatever it says: administrators alone may do it.
    Always,
    /// Nowhere: it cannot be switched on.
    Never(&'static str),
}

const AUTH: &str = "headers of clients never take the place of a deployment's key here";
const ADMINS: &str = "only administrators manage them here";

/// Lists of texts; everything else is a truth value.
const LISTS: [&str; 2] = ["enabled_ui_pages_internal_users", EDITABLE];

const EDITABLE: &str = "team_admin_editable_team_fields";

/// What [`EDITABLE`] can hold.
const EDITABLE_FIELDS: [&str; 5] = ["max_budget", "member_key_budgets", "projects", "rpm_limit", "tpm_limit"];

const FIELDS: &[(Field, Holds)] = &[
    (("disable_model_add_for_internal_users", "boolean", "Only administrators add models"), Holds::Here),
    (
        ("disable_team_admin_delete_team_user", "boolean", "Who manages a team cannot take people out of it"),
        Holds::Here,
    ),
    (
        (
            "enabled_ui_pages_internal_users",
            "array",
            "The pages that people without rights see; none: all that they may",
        ),
        Holds::Pages,
    ),
    (("require_auth_for_public_ai_hub", "boolean", "The public list of models needs a key"), Holds::Here),
    (
        ("allow_public_health_readiness_details", "boolean", "GET /health/readiness tells everybody the details"),
        Holds::Here,
    ),
    (("forward_client_headers_to_llm_api", "boolean", "Headers x-* of clients go on to the provider"), Holds::Here),
    (
        ("forward_llm_provider_auth_headers", "boolean", "Clients bring their own provider's key in its header"),
        Holds::Never(AUTH),
    ),
    (("disable_agents_for_internal_users", "boolean", "Only administrators manage agents"), Holds::Always),
    (("allow_agents_for_team_admins", "boolean", "Who manages a team manages agents too"), Holds::Never(ADMINS)),
    (
        ("disable_vector_stores_for_internal_users", "boolean", "Only administrators manage vector stores"),
        Holds::Always,
    ),
    (
        ("allow_vector_stores_for_team_admins", "boolean", "Who manages a team manages vector stores too"),
        Holds::Never(ADMINS),
    ),
    (
        ("scope_user_search_to_org", "boolean", "People are found by those only who administer or manage them"),
        Holds::Always,
    ),
    (("disable_custom_api_keys", "boolean", "Keys are always generated"), Holds::Here),
    (("disable_key_generate_for_org_admin", "boolean", "Administrators of organizations make no keys"), Holds::Here),
    (("enable_chat_ui", "boolean", "The pages show the chat"), Holds::Pages),
    (
        (EDITABLE, "array", "What those who manage a team may change of it; not set: what is theirs to change"),
        Holds::Here,
    ),
];

/// Shown, and taken back unchanged: what the deployment says.
const DERIVED: [&str; 2] = ["enable_ptu_cost_attribution", "apply_user_budget_to_team_keys"];

/// Whatever stands in the row; an empty object without one.
pub(super) fn read(row: Option<&UiSettingsRow>) -> Json {
    form::object(row.map(|row| &row.ui_settings), |raw| raw.read().unwrap_or_default())
}

/// What of the row holds here: a section of a configuration, to be laid over the others.
#[must_use]
pub fn ui_section(ui: &Json) -> (&'static str, Json) {
    let holds =
        |(field, holds): &&(Field, Holds)| *holds == Holds::Here && ui.get(field.0).is_some_and(|v| !v.is_null());
    let fields = FIELDS.iter().filter(holds).filter_map(|(field, _)| Some((field.0, ui.get(field.0)?.clone())));
    ("general_settings", Json::object(fields))
}

impl Accounts {
    /// `GET /get/ui_settings`.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn ui_settings(&self) -> Outcome<Json> {
        let stored = self.stored_ui(ROW).await?;
        let general = self.serving().map(|serving| serving.in_force("general_settings")).unwrap_or_default();
        let (mut values, mut sources) = (Vec::new(), Vec::new());
        for ((name, ..), holds) in FIELDS {
            let usual = || match *name {
                "enabled_ui_pages_internal_users" => Json::Null,
                name if LISTS.contains(&name) => Json::Array(Vec::new()),
                _ => Json::from(*holds == Holds::Always),
            };
            let (value, source) = match (stored.get(name), general.get(name).filter(|_| *holds == Holds::Here)) {
                (Some(value), _) => (value.clone(), "db"),
                (None, Some(value)) => (value.clone(), "config"),
                (None, None) => (usual(), "default"),
            };
            values.push((*name, value));
            sources.push((*name, Json::from(source)));
        }
        for name in DERIVED {
            values.push((name, Json::from(self.derived(name))));
            sources.push((name, Json::from("default")));
        }
        Ok(Json::object([
            ("values", Json::object(values)),
            ("field_schema", form::schema("Settings of the pages", FIELDS.iter().map(|(field, _)| field))),
            ("source", Json::object(sources)),
        ]))
    }

    fn derived(&self, name: &str) -> bool {
        name == "apply_user_budget_to_team_keys" && self.settings().apply_user_budget_to_team_keys
    }

    /// `PATCH /update/ui_settings`: sets the fields that are given. What holds here is served at once, on other gateways within
    /// seconds.
    ///
    /// # Errors
    /// 400 for fields that are not known or cannot be switched on, 422 for wrong types.
    pub async fn set_ui_settings(&self, actor: Actor<'_>, body: &Json) -> Outcome<Json> {
        self.stores_models()?;
        let given = self.checked_ui(body)?;
        let mut settings = self.stored_ui(ROW).await?;
        given.into_iter().for_each(|(name, value)| settings.set(&name, value));
        let mut draft = self.stored().await?;
        draft.ui = settings.clone();
        self.check_draft(&draft, Changed::Rest)?;
        let mut tx = self.store_or_refuse()?.begin().await?;
        self.write_ui(&mut tx, actor, ROW, &settings).await?;
        self.commit_and_serve(tx).await?;
        Ok(Json::object([
            ("message", Json::from("UI settings updated successfully")),
            ("status", Json::from("success")),
            ("settings", settings),
        ]))
    }

    fn checked_ui(&self, body: &Json) -> Outcome<Vec<(String, Json)>> {
        let wrong = |field: &str, kind, message, input: &Json| {
            Problem::Fields(vec![FieldProblem { field: field.to_owned(), kind, message, input: input.clone() }])
        };
        let Some(given) = body.as_object() else {
            return Err(wrong("", "model_attributes_type", "Input should be a valid dictionary", body));
        };
        let mut out = Vec::new();
        for (name, value) in given {
            if DERIVED.contains(&name.as_str()) {
                if value.as_bool() != Some(self.derived(name)) {
                    let why = format!("{name} is said by the deployment's environment and cannot be changed here.");
                    return Err(bad(why).with_param(name.as_str()).into());
                }
                continue;
            }
            let Some((_, holds)) = FIELDS.iter().find(|((known, ..), _)| known == name) else {
                return Err(bad(format!("{name} is no setting of the pages.")).with_param(name.as_str()).into());
            };
            let texts = || value.as_array().is_some_and(|items| items.iter().all(|item| item.as_str().is_some()));
            if LISTS.contains(&name.as_str()) {
                if !(texts() || value.is_null()) {
                    return Err(wrong(name, "list_type", "Input should be a valid list", value));
                }
                let unknown = value.as_array().unwrap_or_default().iter().filter_map(Json::as_str);
                let unknown = unknown.filter(|_| name == EDITABLE).find(|field| !EDITABLE_FIELDS.contains(field));
                if let Some(unknown) = unknown {
                    let known = EDITABLE_FIELDS.join(", ");
                    let why = format!("{EDITABLE} does not know `{unknown}`. Allowed: {known}");
                    return Err(bad(why).with_param(EDITABLE).into());
                }
            } else if value.as_bool().is_none() {
                return Err(wrong(name, "bool_type", "Input should be a valid boolean", value));
            }
            if let (Holds::Never(why), Some(true)) = (holds, value.as_bool()) {
                return Err(bad(format!("{name} cannot be switched on: {why}.")).with_param(name.as_str()).into());
            }
            out.push((name.clone(), value.clone()));
        }
        Ok(out)
    }

    /// What a row of the table says.
    pub(super) async fn stored_ui(&self, id: &str) -> Outcome<Json> {
        Ok(read(self.store_or_refuse()?.table::<UiSettingsRow>().get([id]).await?.as_ref()))
    }

    async fn write_ui(&self, tx: &mut StoreTx, actor: Actor<'_>, id: &str, settings: &Json) -> Outcome<()> {
        // A text, as LiteLLM writes and reads it.
        let value = Json::from(settings.to_string()).to_raw();
        let patch = UiSettingsPatch { ui_settings: Some(value.clone()), ..UiSettingsPatch::default() };
        let row = UiSettingsRow { id: id.to_owned(), ui_settings: value, ..UiSettingsRow::default() };
        let before = keep(tx, id, &row, &patch).await?;
        let shown = |settings: &Json| UiSettingsRow {
            id: id.to_owned(),
            ui_settings: settings.to_raw(),
            ..UiSettingsRow::default()
        };
        let before = before.as_ref().map(|row| shown(&read(Some(row))));
        self.audit(tx.table(), actor, Action::over(before.as_ref()), id, before.as_ref(), Some(&shown(settings))).await
    }
}
