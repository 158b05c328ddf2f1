//! A team's row as a SCIM group, and back. `scim_data` in its metadata holds what has no column, `scim_managed` says that an
//! identity provider writes the team; both are LiteLLM's.

use llm_store::{TeamPatch, TeamRow};
use llm_types::Json;

use super::fault::Fault;
use super::matching::attribute;
use super::path::GROUP;
use super::stamp;

/// The resource of a team.
pub(super) fn resource(row: &TeamRow) -> Json {
    let metadata: Json = row.metadata.read().unwrap_or_default();
    let external = metadata.get("scim_data").and_then(|data| data.get("externalId")).and_then(Json::as_str);
    let roster: Json = row.members_with_roles.read().unwrap_or_default();
    let member = |member: &Json| {
        let id = member.text("user_id")?;
        let display = member.text("user_email").unwrap_or(id);
        Some(Json::object([("value", id), ("display", display), ("type", "User")]))
    };
    let members = roster.as_array().unwrap_or_default().iter().filter_map(member);
    let mut out = Json::object([
        ("schemas", Json::Array(vec![Json::from(GROUP)])),
        ("id", Json::from(row.team_id.as_str())),
        ("meta", stamp("Group", &row.team_id, Some(row.created_at), Some(row.updated_at))),
        ("displayName", Json::from(row.team_alias.as_deref().unwrap_or(&row.team_id))),
        ("members", Json::Array(members.collect())),
    ]);
    if let Some(external) = external {
        out.set("externalId", external);
    }
    out
}

/// What a resource says of a group.
#[derive(Debug, Clone)]
pub(super) struct Asked {
    pub(super) id: Option<String>,
    pub(super) name: String,
    pub(super) external: Option<String>,
    /// The values of those members that are no groups.
    pub(super) members: Vec<String>,
}

/// Reads a resource.
///
/// # Errors
/// `invalidValue` for what cannot be read, or no name.
pub(super) fn read(resource: &Json) -> Result<Asked, Fault> {
    if resource.as_object().is_none() {
        return Err(Fault::syntax("A group is an object"));
    }
    let text = |name: &str| match attribute(resource, name) {
        None | Some(Json::Null) => Ok(None),
        Some(Json::String(text)) if text.len() <= 1024 => Ok(Some(text.clone()).filter(|text| !text.is_empty())),
        Some(_) => Err(Fault::value(format!("{name} must be a text"))),
    };
    let name = text("displayName")?.ok_or_else(|| Fault::value("displayName is required"))?;
    let members = match attribute(resource, "members") {
        None | Some(Json::Null) => &[],
        Some(Json::Array(members)) => members.as_slice(),
        Some(_) => return Err(Fault::value("members must be a list")),
    };
    let mut values = Vec::new();
    for member in members {
        // A team holds people: groups inside of groups are passed over.
        if attribute(member, "type").and_then(Json::as_str).is_some_and(|kind| kind.eq_ignore_ascii_case("group")) {
            continue;
        }
        let value = member.as_str().or_else(|| attribute(member, "value").and_then(Json::as_str));
        let value = value.map(str::trim).filter(|value| !value.is_empty());
        let value = value.ok_or_else(|| Fault::value("A member needs a value"))?.to_owned();
        if !values.contains(&value) {
            values.push(value);
        }
    }
    Ok(Asked { id: text("id")?, name, external: text("externalId")?, members: values })
}

impl Asked {
    /// The columns, without the members; `there` is the metadata that the team has.
    pub(super) fn patch(&self, mut there: Json) -> TeamPatch {
        if there.as_object().is_none() {
            there = Json::Object(Vec::new());
        }
        let mut data = there.get("scim_data").filter(|data| data.as_object().is_some()).cloned();
        let data = data.get_or_insert_with(|| Json::Object(Vec::new()));
        data.set("displayName", self.name.as_str());
        match &self.external {
            Some(external) => data.set("externalId", external.as_str()),
            None => drop(data.remove("externalId")),
        }
        there.set("scim_data", data.clone());
        there.set("scim_managed", true);
        TeamPatch { team_alias: Some(Some(self.name.clone())), metadata: Some(there.to_raw()), ..TeamPatch::default() }
    }
}
