//! Where people log in, as the database says it: LiteLLM's one row of `LiteLLM_SSOConfig`, texts sealed one by one. What it
//! says takes the place of variables of the environment; what it does not say they still do. Call these on the store's
//! runtime.

use llm_store::{ConfigRow, SsoConfigPatch, SsoConfigRow, StoreTx};
use llm_types::{Json, RawJson};

use super::form;
use super::settings::ENVIRONMENT;
use crate::audit::{Action, keep};
use crate::keys::{Actor, bad};
use crate::request::{FieldProblem, Outcome, Problem};
use crate::serving::Changed;
use crate::{Accounts, Role, mask};

/// The row's id.
const ROW: &str = "sso_config";

/// Fields with the variable each stands for, and what they are.
const FIELDS: &[(&str, &str, &str)] = &[
    ("google_client_id", "GOOGLE_CLIENT_ID", "Client id at Google"),
    ("google_client_secret", "GOOGLE_CLIENT_SECRET", "Client secret at Google"),
    ("microsoft_client_id", "MICROSOFT_CLIENT_ID", "Client id at Microsoft"),
    ("microsoft_client_secret", "MICROSOFT_CLIENT_SECRET", "Client secret at Microsoft"),
    ("microsoft_tenant", "MICROSOFT_TENANT", "Tenant at Microsoft"),
    ("generic_client_id", "GENERIC_CLIENT_ID", "Client id at any other provider"),
    ("generic_client_secret", "GENERIC_CLIENT_SECRET", "Client secret at that provider"),
    ("generic_authorization_endpoint", "GENERIC_AUTHORIZATION_ENDPOINT", "Where people log in there"),
    ("generic_token_endpoint", "GENERIC_TOKEN_ENDPOINT", "Where codes become tokens there"),
    ("generic_userinfo_endpoint", "GENERIC_USERINFO_ENDPOINT", "What tells of a person there"),
    ("generic_scope", "GENERIC_SCOPE", "Scopes asked for, separated by spaces"),
    ("saml_idp_metadata_url", "SAML_IDP_METADATA_URL", "Where a SAML provider describes itself"),
    ("saml_idp_metadata_xml", "SAML_IDP_METADATA_XML", "That description itself"),
    (
        "saml_sp_entity_id",
        "SAML_SP_ENTITY_ID",
        "Who the gateway is there; the address of its own description without one",
    ),
    ("saml_allow_unsolicited", "SAML_ALLOW_UNSOLICITED", "Logins that the SAML provider begins: true or false"),
    ("proxy_base_url", "PROXY_BASE_URL", "Where people get in from outside"),
    ("user_email", "", "Address of the administrator; kept, without effect"),
    ("ui_access_mode", "", "Who may log in: all, admin_only, or members of a group"),
    ("role_mappings", "", "Which groups of a generic provider give which role"),
    ("team_mappings", "", "The claim that names teams"),
];

/// Fields that hold more than a text.
const STRUCTURED: &[&str] = &["ui_access_mode", "role_mappings", "team_mappings"];

/// Whatever stands in the row, opened; an empty object without one.
pub(super) fn opened(row: Option<&SsoConfigRow>, open: impl Fn(&RawJson) -> Json) -> Json {
    form::object(row.map(|row| &row.sso_settings), open)
}

/// The row's settings as sections of a configuration, to be laid over the others.
#[must_use]
pub fn sso_sections(sso: &Json) -> Vec<(&'static str, Json)> {
    let text = |name: &str| sso.text(name).filter(|text| sayable(text));
    let mut variables: Vec<(String, Json)> = FIELDS
        .iter()
        .filter(|(_, variable, _)| !variable.is_empty())
        .filter_map(|(name, variable, _)| Some(((*variable).to_owned(), Json::from(text(name)?))))
        .collect();
    if let Some(roles) = sso.get("role_mappings").filter(|map| map.as_object().is_some()) {
        let field = |name: &str| roles.text(name).map(Json::from);
        let roles = roles.get("roles").map(|roles| Json::from(roles.to_string()));
        let named = [
            ("GENERIC_ROLE_MAPPINGS_ROLES", roles),
            ("GENERIC_ROLE_MAPPINGS_GROUP_CLAIM", field("group_claim")),
            ("GENERIC_ROLE_MAPPINGS_DEFAULT_ROLE", field("default_role")),
        ];
        variables.extend(named.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))));
    }
    let mut out = vec![(ENVIRONMENT, Json::Object(variables))];
    if let Some(mode) = sso.get("ui_access_mode").filter(|mode| !mode.is_null()) {
        out.push(("general_settings", Json::object([("ui_access_mode", mode.clone())])));
    }
    out
}

/// The claim with the teams, if the row names one.
#[must_use]
pub fn sso_team_claim(sso: &Json) -> Option<&str> {
    sso.get("team_mappings")?.get("team_ids_jwt_field")?.as_str().filter(|claim| !claim.is_empty())
}

/// A reference would show secrets of the environment to whoever names the provider.
fn sayable(text: &str) -> bool {
    !text.is_empty() && !text.starts_with("os.environ/")
}

impl Accounts {
    /// `GET /get/sso_settings`: what holds and who says it; secrets masked.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn shown_sso(&self) -> Outcome<Json> {
        let there = self.stored_sso().await?;
        let (mut values, mut sources, mut fields) = (Vec::new(), Vec::new(), Vec::new());
        let serving = self.serving().ok();
        let environment = serving.as_ref().map(|serving| serving.environment());
        for (name, variable, what) in FIELDS {
            let stored = there.get(name).filter(|value| !value.is_null()).cloned();
            let told = environment.as_ref().filter(|_| !variable.is_empty()).and_then(|told| told(variable));
            let (value, source) = match (stored, told.filter(|text| !text.is_empty()).map(Json::from)) {
                (Some(value), _) => (value, "db"),
                (None, Some(value)) => (value, "env"),
                (None, None) => (Json::Null, "default"),
            };
            values.push(((*name).to_owned(), value));
            sources.push((*name, source));
            let kind = if STRUCTURED.contains(name) { "object" } else { "string" };
            fields.push((*name, kind, *what));
        }
        Ok(Json::object([
            ("values", mask::tree(&Json::Object(values))),
            ("provenance", Json::object(sources)),
            ("field_schema", form::schema("Where people log in", &fields)),
        ]))
    }

    /// `PATCH /update/sso_settings`: replaces all of the row; what is not given is taken away, a secret that comes back masked
    /// stays. Served at once, on other gateways within seconds.
    ///
    /// # Errors
    /// 400 and 422 for what could not be served.
    pub async fn set_sso(&self, actor: Actor<'_>, body: &Json) -> Outcome<Json> {
        self.stores_models()?;
        let there = self.stored_sso().await?;
        let settings = checked(body, &there)?;
        let mut draft = self.stored().await?;
        draft.sso = settings.clone();
        self.check_draft(&draft, Changed::Rest)?;
        let mut tx = self.store_or_refuse()?.begin().await?;
        self.write_sso(&mut tx, actor, &settings, &there).await?;
        self.forget_variables(&mut tx, actor).await?;
        tx.commit().await?;
        tracing::warn!(by = actor.who.user_id(), "the settings of single sign-on have changed");
        self.serve_anew().await?;
        Ok(Json::object([
            ("message", Json::from("SSO settings updated successfully")),
            ("status", Json::from("success")),
            ("settings", mask::tree(&settings)),
        ]))
    }

    async fn stored_sso(&self) -> Outcome<Json> {
        let row = self.store_or_refuse()?.table::<SsoConfigRow>().get([ROW]).await?;
        let seal = self.seal();
        Ok(opened(row.as_ref(), |raw| crate::seal::opened(seal.as_ref(), raw)))
    }

    async fn write_sso(&self, tx: &mut StoreTx, actor: Actor<'_>, settings: &Json, there: &Json) -> Outcome<()> {
        let sealed = self.seal_or_refuse()?.seal_fields(settings)?.to_raw();
        let patch = SsoConfigPatch { sso_settings: Some(sealed.clone()), ..SsoConfigPatch::default() };
        let row = SsoConfigRow { id: ROW.to_owned(), sso_settings: sealed, ..SsoConfigRow::default() };
        let before = keep(tx, ROW, &row, &patch).await?;
        let shown = |settings: &Json| SsoConfigRow {
            id: ROW.to_owned(),
            sso_settings: mask::tree(settings).to_raw(),
            ..SsoConfigRow::default()
        };
        let before = before.map(|_| shown(there));
        self.audit(tx.table(), actor, Action::over(before.as_ref()), ROW, before.as_ref(), Some(&shown(settings))).await
    }

    /// Takes the same variables out of the database's `environment_variables`, where older gateways kept them: they would
    /// come back when a field of the row is emptied.
    async fn forget_variables(&self, tx: &mut StoreTx, actor: Actor<'_>) -> Outcome<()> {
        let there = self.section_row(tx.table::<ConfigRow>(), ENVIRONMENT).await?;
        let ours = |name: &str| FIELDS.iter().any(|(_, variable, _)| *variable == name);
        let fields = there.as_object().unwrap_or_default();
        if !fields.iter().any(|(name, _)| ours(name)) {
            return Ok(());
        }
        let kept = fields.iter().filter(|(name, _)| !ours(name)).cloned().collect();
        self.write_section(tx, actor, ENVIRONMENT, Json::Object(kept)).await
    }
}

/// The settings of a body, every field of the row in it.
fn checked(body: &Json, there: &Json) -> Outcome<Json> {
    let wrong = |field: &str, kind, message, input: &Json| {
        Problem::Fields(vec![FieldProblem { field: field.to_owned(), kind, message, input: input.clone() }])
    };
    if body.as_object().is_none() {
        return Err(wrong("", "model_attributes_type", "Input should be a valid dictionary", body));
    }
    let mut out = Vec::new();
    for (name, variable, _) in FIELDS {
        let given = body.get(name).cloned().unwrap_or_default();
        let value = match &given {
            Json::Null => Json::Null,
            Json::String(text) if text.is_empty() => Json::Null,
            Json::String(text) if *name != "role_mappings" && *name != "team_mappings" => {
                text_of(name, variable, text, there)?
            }
            Json::Object(_) if STRUCTURED.contains(name) => structured(name, &given)?,
            _ if STRUCTURED.contains(name) => {
                return Err(wrong(name, "dict_type", "Input should be a valid dictionary", &given));
            }
            _ => return Err(wrong(name, "string_type", "Input should be a valid string", &given)),
        };
        out.push(((*name).to_owned(), value));
    }
    Ok(Json::Object(out))
}

fn text_of(name: &str, variable: &str, text: &str, there: &Json) -> Outcome<Json> {
    let refuse = |why: &str| Err(bad(format!("{name}: {why}")).with_param(name).into());
    if text.starts_with("os.environ/") {
        return refuse("references to the environment belong into the file");
    }
    if (name.ends_with("_endpoint") || name.ends_with("_metadata_url") || variable == "PROXY_BASE_URL") && !is_web(text)
    {
        return refuse("expected an http or https URL");
    }
    let shown = mask::tree(&Json::object([(name, there.get(name).cloned().unwrap_or_default())]));
    let masked = shown.text(name) == Some(text);
    Ok(if masked { there.get(name).cloned().unwrap_or_default() } else { Json::from(text) })
}

fn structured(name: &str, given: &Json) -> Outcome<Json> {
    let refuse = |why: String| Err(bad(format!("{name}: {why}")).with_param(name).into());
    if name == "role_mappings" {
        let provider = given.text("provider");
        if provider.is_some_and(|provider| provider != "generic") {
            return refuse("roles by groups are given for generic providers".to_owned());
        }
        if given.text("group_claim").is_none_or(str::is_empty) {
            return refuse("group_claim is missing".to_owned());
        }
        let roles = given.get("roles").and_then(Json::as_object).unwrap_or_default();
        let default = given.text("default_role");
        let unknown =
            roles.iter().map(|(role, _)| role.as_str()).chain(default).find(|role| Role::parse(role).is_none());
        if let Some(unknown) = unknown {
            return refuse(format!("`{unknown}` is no role"));
        }
        if roles
            .iter()
            .any(|(_, groups)| groups.as_array().is_none_or(|list| list.iter().any(|g| g.as_str().is_none())))
        {
            return refuse("a role has a list of groups".to_owned());
        }
    }
    if name == "team_mappings"
        && given.get("team_ids_jwt_field").is_some_and(|claim| !claim.is_null() && claim.as_str().is_none())
    {
        return refuse("team_ids_jwt_field is the name of a claim".to_owned());
    }
    Ok(given.clone())
}

pub(crate) fn is_web(text: &str) -> bool {
    url::Url::parse(text).is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.host().is_some())
}
