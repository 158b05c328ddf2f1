//! What the gateway says of its SCIM interface: service provider, resource types, schemas (RFC 7643, 5 to 7).

use llm_types::Json;

use super::fault::Fault;
use super::list;
use super::path::{ENTERPRISE, GROUP, USER};
use super::{BASE, ScimQuery};
use crate::request::Outcome;

/// An attribute: its name, its type, what is special of it, its parts.
type Attribute = (&'static str, &'static str, Special, &'static [(&'static str, &'static str)]);

#[derive(Clone, Copy, PartialEq, Eq)]
enum Special {
    Plain,
    /// Unique, and must be there.
    Unique,
    /// Must be there.
    Needed,
    Several,
    /// Several, and nobody writes them.
    Told,
}

const VALUE: &[(&str, &str)] =
    &[("value", "string"), ("display", "string"), ("type", "string"), ("primary", "boolean")];

const OF_USER: &[Attribute] = &[
    ("userName", "string", Special::Unique, &[]),
    (
        "name",
        "complex",
        Special::Plain,
        &[
            ("formatted", "string"),
            ("familyName", "string"),
            ("givenName", "string"),
            ("middleName", "string"),
            ("honorificPrefix", "string"),
            ("honorificSuffix", "string"),
        ],
    ),
    ("displayName", "string", Special::Plain, &[]),
    ("active", "boolean", Special::Plain, &[]),
    ("emails", "complex", Special::Several, &[("value", "string"), ("type", "string"), ("primary", "boolean")]),
    ("groups", "complex", Special::Told, &[("value", "string"), ("display", "string"), ("type", "string")]),
    ("entitlements", "complex", Special::Several, VALUE),
    ("roles", "complex", Special::Several, VALUE),
];

const OF_GROUP: &[Attribute] = &[
    ("displayName", "string", Special::Needed, &[]),
    ("members", "complex", Special::Several, &[("value", "string"), ("display", "string"), ("type", "string")]),
];

const OF_ENTERPRISE: &[Attribute] = &[
    ("employeeNumber", "string", Special::Plain, &[]),
    ("costCenter", "string", Special::Plain, &[]),
    ("organization", "string", Special::Plain, &[]),
    ("division", "string", Special::Plain, &[]),
    ("department", "string", Special::Plain, &[]),
    ("manager", "complex", Special::Plain, &[("value", "string"), ("$ref", "reference"), ("displayName", "string")]),
];

const SCHEMAS: &[(&str, &str, &str, &[Attribute])] = &[
    (USER, "User", "User Account", OF_USER),
    (GROUP, "Group", "Group", OF_GROUP),
    (ENTERPRISE, "EnterpriseUser", "Enterprise User", OF_ENTERPRISE),
];

fn described((name, kind, special, parts): &Attribute) -> Json {
    let one = |name: &str, kind: &str, special: Special| {
        let several = matches!(special, Special::Several | Special::Told);
        Json::object([
            ("name", Json::from(name)),
            ("type", Json::from(kind)),
            ("multiValued", Json::Bool(several)),
            ("required", Json::Bool(matches!(special, Special::Unique | Special::Needed))),
            ("caseExact", Json::Bool(false)),
            ("mutability", Json::from(if special == Special::Told { "readOnly" } else { "readWrite" })),
            ("returned", Json::from("default")),
            ("uniqueness", Json::from(if special == Special::Unique { "server" } else { "none" })),
        ])
    };
    let mut out = one(name, kind, *special);
    if !parts.is_empty() {
        let parts = parts.iter().map(|(name, kind)| one(name, kind, Special::Plain));
        out.set("subAttributes", Json::Array(parts.collect()));
    }
    out
}

fn about(id: &str, kind: &str, place: &str) -> Json {
    Json::object([("resourceType", kind.to_owned()), ("location", format!("{BASE}/{place}/{id}"))])
}

fn all(resources: Vec<Json>) -> Json {
    let total = resources.len() as u64;
    list::answer(resources, total, &ScimQuery::default())
}

/// `GET /scim/v2/Schemas`.
#[must_use]
pub fn schemas() -> Json {
    let schema = |(id, name, what, attributes): &(&str, &str, &str, &[Attribute])| {
        Json::object([
            ("schemas", Json::Array(vec![Json::from("urn:ietf:params:scim:schemas:core:2.0:Schema")])),
            ("id", Json::from(*id)),
            ("name", Json::from(*name)),
            ("description", Json::from(*what)),
            ("attributes", Json::Array(attributes.iter().map(described).collect())),
            ("meta", about(id, "Schema", "Schemas")),
        ])
    };
    all(SCHEMAS.iter().map(schema).collect())
}

fn types() -> Vec<Json> {
    let kind = |(name, schema, extensions): (&str, &str, Vec<Json>)| {
        Json::object([
            ("schemas", Json::Array(vec![Json::from("urn:ietf:params:scim:schemas:core:2.0:ResourceType")])),
            ("id", Json::from(name)),
            ("name", Json::from(name)),
            ("description", Json::from(if name == "User" { "User Account" } else { "Group" })),
            ("endpoint", Json::from(format!("/{name}s"))),
            ("schema", Json::from(schema)),
            ("schemaExtensions", Json::Array(extensions)),
            ("meta", about(name, "ResourceType", "ResourceTypes")),
        ])
    };
    let extension = Json::object([("schema", Json::from(ENTERPRISE)), ("required", Json::Bool(false))]);
    [("User", USER, vec![extension]), ("Group", GROUP, Vec::new())].map(kind).to_vec()
}

/// `GET /scim/v2` and `GET /scim/v2/ResourceTypes`.
#[must_use]
pub fn discovery() -> Json {
    all(types())
}

fn one(resources: &[Json], what: &str, id: &str) -> Outcome<Json> {
    let found = resources.iter().find(|one| one.text("id").is_some_and(|i| i.eq_ignore_ascii_case(id)));
    found.cloned().ok_or_else(|| Fault::missing(what, id).into())
}

/// `GET /scim/v2/ResourceTypes/{id}`.
///
/// # Errors
/// 404 for an unknown one.
pub fn resource_type(id: &str) -> Outcome<Json> {
    one(&types(), "ResourceType", id)
}

/// `GET /scim/v2/Schemas/{id}`.
///
/// # Errors
/// 404 for an unknown one.
pub fn schema_of(id: &str) -> Outcome<Json> {
    let all = schemas();
    one(all.get("Resources").and_then(Json::as_array).unwrap_or_default(), "Schema", id)
}

/// `GET /scim/v2/ServiceProviderConfig`.
#[must_use]
pub fn service_provider() -> Json {
    let supported = |yes: bool| Json::object([("supported", Json::Bool(yes))]);
    let mut filter = supported(true);
    filter.set("maxResults", 100_u64);
    let bearer = Json::object([
        ("type", Json::from("oauthbearertoken")),
        ("name", Json::from("OAuth Bearer Token")),
        ("description", Json::from("A key of the gateway whose allowed_routes name /scim/*, or an administrator's")),
        ("primary", Json::Bool(true)),
    ]);
    Json::object([
        ("schemas", Json::Array(vec![Json::from("urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig")])),
        ("patch", supported(true)),
        ("bulk", supported(false)),
        ("filter", filter),
        ("changePassword", supported(false)),
        ("sort", supported(false)),
        ("etag", supported(false)),
        ("authenticationSchemes", Json::Array(vec![bearer])),
        (
            "meta",
            Json::object([
                ("resourceType", "ServiceProviderConfig".to_owned()),
                ("location", format!("{BASE}/ServiceProviderConfig")),
            ]),
        ),
    ])
}
