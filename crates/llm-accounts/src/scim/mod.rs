//! SCIM v2 (RFC 7643, 7644): identity providers make, change and remove people and groups. Users are users, groups are teams.
//! Call these on the store's runtime.
//!
//! | file | what |
//! |---|---|
//! | `path`, `matching` | attribute paths and filters; what fits them |
//! | `patch` | PATCH on a resource, in the dialects of Entra and Okta |
//! | `user`, `group` | rows as resources, and back |
//! | `users`, `groups` | the calls |
//! | `placeholders` | users that stand in the way of others |
//! | `list` | filters in the store, pages |
//! | `schema` | what the gateway says of itself |
//! | `fault` | refusals |

mod fault;
mod group;
mod groups;
mod list;
mod matching;
mod patch;
mod path;
mod placeholders;
mod schema;
mod user;
mod users;

use chrono::{DateTime, SecondsFormat, Utc};
use llm_types::Json;

pub use schema::{discovery, resource_type, schema_of, schemas, service_provider};

/// What a list, or a single resource, is asked for with.
#[derive(Debug, Clone)]
pub struct ScimQuery {
    /// `filter`.
    pub filter: Option<String>,
    /// `startIndex`, from 1.
    pub start: u32,
    /// `count`.
    pub count: u32,
    /// `attributes`: only these, besides `id` and `schemas`; empty: all.
    pub attributes: Vec<String>,
    /// `excludedAttributes`: without these.
    pub excluded: Vec<String>,
}

impl Default for ScimQuery {
    fn default() -> Self {
        Self { filter: None, start: 1, count: 100, attributes: Vec::new(), excluded: Vec::new() }
    }
}

/// Where SCIM's routes lie.
const BASE: &str = "/scim/v2";

/// `meta` of a resource.
fn stamp(kind: &str, id: &str, created: Option<DateTime<Utc>>, changed: Option<DateTime<Utc>>) -> Json {
    let at = |time: Option<DateTime<Utc>>| time.map(|time| time.to_rfc3339_opts(SecondsFormat::Millis, true));
    Json::object([
        ("resourceType", Json::from(kind)),
        ("created", Json::from(at(created))),
        ("lastModified", Json::from(at(changed))),
        ("location", Json::from(format!("{BASE}/{kind}s/{}", escaped(id)))),
    ])
}

/// An id as a segment of a path.
fn escaped(id: &str) -> String {
    let mut out = String::with_capacity(id.len());
    for byte in id.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'@' => out.push(char::from(byte)),
            other => out.push_str(&format!("%{other:02X}")),
        }
    }
    out
}

/// A resource with the attributes that were asked for. Attributes are left out by their first name.
fn shown(resource: Json, query: &ScimQuery) -> Json {
    if query.attributes.is_empty() && query.excluded.is_empty() {
        return resource;
    }
    let Json::Object(fields) = resource else { return resource };
    let first = |name: &String| {
        let steps = path::path(name).ok()?;
        steps.into_iter().next().map(|step| step.name)
    };
    let wanted: Vec<String> = query.attributes.iter().filter_map(first).collect();
    let unwanted: Vec<String> = query.excluded.iter().filter_map(first).collect();
    let listed = |list: &[String], name: &str| list.iter().any(|known| known.eq_ignore_ascii_case(name));
    let stays = |name: &str| {
        ["id", "schemas"].contains(&name) || (wanted.is_empty() || listed(&wanted, name)) && !listed(&unwanted, name)
    };
    Json::Object(fields.into_iter().filter(|(name, _)| stays(name)).collect())
}
