//! A user's row as a SCIM resource, and back.
//!
//! What the row has no column for lies in its metadata, under LiteLLM's names: `scim_metadata` (names), `scim_active`,
//! `scim_enterprise`, `scim_entitlements`, `scim_roles`. `scim_metadata` holds two more here: `userName`, `displayName`.

use llm_store::{TeamRow, UserPatch, UserRow};
use llm_types::Json;

use super::fault::Fault;
use super::matching::attribute;
use super::path::{ENTERPRISE, USER};
use super::stamp;

/// Parts of a name that are kept.
const NAME: [&str; 6] = ["formatted", "familyName", "givenName", "middleName", "honorificPrefix", "honorificSuffix"];

/// Attributes that are kept whole in the metadata.
const WHOLE: [(&str, &str); 3] =
    [(ENTERPRISE, "scim_enterprise"), ("entitlements", "scim_entitlements"), ("roles", "scim_roles")];

/// The resource of a user; `teams` has the rows of the user's teams.
pub(super) fn resource(row: &UserRow, teams: &[TeamRow]) -> Json {
    let metadata: Json = row.metadata.read().unwrap_or_default();
    let names = metadata.get("scim_metadata").cloned().unwrap_or_default();
    let own = |name: &str| names.text(name).filter(|text| !text.is_empty());
    let email = row.user_email.as_deref().filter(|email| email.contains('@'));
    let user_name = own("userName").or(row.user_email.as_deref()).unwrap_or(&row.user_id);
    let mut schemas = vec![Json::from(USER)];
    let extension = metadata.get("scim_enterprise").filter(|value| value.as_object().is_some());
    schemas.extend(extension.map(|_| Json::from(ENTERPRISE)));
    let mut out = Json::object([
        ("schemas", Json::Array(schemas)),
        ("id", Json::from(row.user_id.as_str())),
        ("externalId", Json::from(row.sso_user_id.as_deref())),
        ("meta", stamp("User", &row.user_id, row.created_at, row.updated_at)),
        ("userName", Json::from(user_name)),
    ]);
    let parts: Vec<(&str, &str)> = NAME.iter().filter_map(|part| Some((*part, own(part)?))).collect();
    if !parts.is_empty() {
        out.set("name", Json::object(parts));
    }
    out.set("displayName", own("displayName").unwrap_or(user_name));
    out.set("active", metadata.get("scim_active").and_then(Json::as_bool) != Some(false));
    let emails = email.map(|email| Json::object([("value", Json::from(email)), ("primary", Json::Bool(true))]));
    out.set("emails", Json::Array(emails.into_iter().collect()));
    let group = |team: &TeamRow| {
        let name = team.team_alias.as_deref().unwrap_or(&team.team_id);
        Json::object([("value", team.team_id.as_str()), ("display", name), ("type", "direct")])
    };
    let own_teams = teams.iter().filter(|team| row.teams.contains(&team.team_id));
    out.set("groups", Json::Array(own_teams.map(group).collect()));
    for (name, key) in WHOLE {
        if let Some(value) = metadata.get(key).filter(|value| !value.is_null()) {
            out.set(name, value.clone());
        }
    }
    out
}

/// The resource as it is told: LiteLLM tells a name for everybody.
pub(super) fn told(row: &UserRow, teams: &[TeamRow]) -> Json {
    let mut out = resource(row, teams);
    let mut name = out.get("name").cloned().unwrap_or_else(|| Json::Object(Vec::new()));
    for (part, unknown) in [("familyName", "Unknown Family Name"), ("givenName", "Unknown User")] {
        if name.get(part).is_none() {
            name.set(part, row.user_alias.as_deref().filter(|alias| !alias.is_empty()).unwrap_or(unknown));
        }
    }
    out.set("name", name);
    if row.sso_user_id.is_none() {
        out.remove("externalId");
    }
    out
}

/// The resource as filters see it: older users are found under their id and their address too.
pub(super) fn searched(row: &UserRow, teams: &[TeamRow]) -> Json {
    let mut out = told(row, teams);
    let mut names: Vec<Json> = out.get("userName").cloned().into_iter().collect();
    names.extend([Some(row.user_id.as_str()), row.user_email.as_deref()].into_iter().flatten().map(Json::from));
    out.set("userName", Json::Array(names));
    out
}

/// What a resource says of a user.
#[derive(Debug, Clone)]
pub(super) struct Asked {
    pub(super) user_name: String,
    pub(super) email: Option<String>,
    pub(super) external: Option<String>,
    pub(super) alias: Option<String>,
    /// None where it is not said.
    pub(super) active: Option<bool>,
    /// Ids of teams.
    pub(super) groups: Vec<String>,
    /// What goes into the metadata; null takes it away.
    kept: Vec<(&'static str, Json)>,
}

/// Reads a resource.
///
/// # Errors
/// `invalidValue` for what cannot be read, or no name.
pub(super) fn read(resource: &Json) -> Result<Asked, Fault> {
    if resource.as_object().is_none() {
        return Err(Fault::syntax("A user is an object"));
    }
    let email = email(resource)?;
    let external = text(resource, "externalId")?;
    let user_name = text(resource, "userName")?.or_else(|| email.clone());
    let user_name = user_name.ok_or_else(|| Fault::value("userName is required"))?;
    let name = attribute(resource, "name").cloned().unwrap_or_default();
    let mut names = Json::object([("givenName", Json::Null), ("familyName", Json::Null)]);
    for part in NAME {
        if let Some(said) = text(&name, part)? {
            names.set(part, said);
        }
    }
    names.set("userName", user_name.as_str());
    if let Some(display) = text(resource, "displayName")?.filter(|display| *display != user_name) {
        names.set("displayName", display);
    }
    let alias = text(&name, "givenName")?;
    let mut kept = vec![("scim_metadata", names)];
    for (attribute_name, key) in WHOLE {
        kept.push((key, attribute(resource, attribute_name).map(tidied).unwrap_or_default()));
    }
    let groups = attribute(resource, "groups").and_then(Json::as_array).unwrap_or_default();
    let groups = groups.iter().filter_map(|group| text(group, "value").ok().flatten()).collect();
    // Somebody whose name is an address has it.
    let email = email.or_else(|| user_name.contains('@').then(|| user_name.clone()));
    Ok(Asked { user_name, email, external, alias, active: active(resource)?, groups, kept })
}

impl Asked {
    /// The columns; `there` is the metadata that the user has.
    pub(super) fn patch(&self, mut there: Json) -> UserPatch {
        if there.as_object().is_none() {
            there = Json::Object(Vec::new());
        }
        for (key, value) in &self.kept {
            if value.is_null() {
                there.remove(key);
            } else {
                there.set(key, value.clone());
            }
        }
        if let Some(active) = self.active {
            there.set("scim_active", active);
        }
        UserPatch {
            user_email: Some(self.email.clone()),
            user_alias: self.alias.clone().map(Some),
            sso_user_id: self.external.clone().map(Some),
            metadata: Some(there.to_raw()),
            ..UserPatch::default()
        }
    }
}

/// A text attribute; an empty one counts as absent.
fn text(json: &Json, name: &str) -> Result<Option<String>, Fault> {
    match attribute(json, name) {
        None | Some(Json::Null) => Ok(None),
        Some(Json::String(text)) if text.len() <= 1024 => Ok(Some(text.clone()).filter(|text| !text.is_empty())),
        Some(_) => Err(Fault::value(format!("{name} must be a text"))),
    }
}

/// The primary address, else the first one.
fn email(resource: &Json) -> Result<Option<String>, Fault> {
    let emails = match attribute(resource, "emails") {
        None | Some(Json::Null) => return Ok(None),
        Some(Json::Array(emails)) => emails.as_slice(),
        Some(_) => return Err(Fault::value("emails must be a list")),
    };
    let primary = emails.iter().find(|email| truth(attribute(email, "primary")) == Some(true));
    let Some(email) = primary.or_else(|| emails.first()) else { return Ok(None) };
    let found = match email {
        Json::String(email) => Some(email.clone()),
        other => text(other, "value")?,
    };
    match found {
        Some(found) if !found.contains('@') => Err(Fault::value("An address of emails is none")),
        found => Ok(found),
    }
}

fn active(resource: &Json) -> Result<Option<bool>, Fault> {
    match attribute(resource, "active") {
        None | Some(Json::Null) => Ok(None),
        some => truth(some).map(Some).ok_or_else(|| Fault::value("active must be true or false")),
    }
}

/// A truth value, which Entra writes as `"True"`.
fn truth(json: Option<&Json>) -> Option<bool> {
    match json? {
        Json::Bool(truth) => Some(*truth),
        Json::String(text) if text.eq_ignore_ascii_case("true") => Some(true),
        Json::String(text) if text.eq_ignore_ascii_case("false") => Some(false),
        _ => None,
    }
}

/// Entra tells a manager as an id, and roles as texts: each becomes a value.
fn tidied(value: &Json) -> Json {
    let as_value = |json: &Json| match json {
        Json::String(text) => Json::object([("value", text.as_str())]),
        other => other.clone(),
    };
    match value {
        Json::Array(items) => Json::Array(items.iter().map(as_value).collect()),
        Json::Object(_) => {
            let mut out = value.clone();
            if let Some(manager) = out.get_mut("manager") {
                *manager = as_value(manager);
            }
            out
        }
        other => other.clone(),
    }
}
