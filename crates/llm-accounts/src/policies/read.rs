//! What configuration and rows say of policies and attachments, in the configuration's words.

use std::sync::Arc;

use llm_types::Json;
use llm_types::pipeline::Pipeline;
use regex::Regex;

/// What a policy does.
#[derive(Debug, Clone, Default)]
pub struct Policy {
    /// The policy that it stands on.
    pub inherit: Option<String>,
    /// Guardrails that it adds.
    pub add: Vec<String>,
    /// Guardrails of those it stands on that it takes away.
    pub remove: Vec<String>,
    /// Its models; every model without them.
    pub(crate) models: Option<Vec<ModelTest>>,
    /// Its guardrails one after the other; what is wrong with them, where they cannot be read.
    pub(crate) pipeline: Option<Result<Arc<Pipeline>, String>>,
}

/// A model by its name, or by a pattern that matches the whole name.
#[derive(Debug, Clone)]
pub(crate) struct ModelTest {
    pub(crate) text: String,
    /// Nothing for what is no pattern: it is a name only.
    pub(crate) pattern: Option<Regex>,
}

impl ModelTest {
    fn new(text: &str) -> Self {
        Self { text: text.to_owned(), pattern: Regex::new(&format!("^(?:{text})$")).ok() }
    }

    pub(crate) fn holds(&self, model: &str) -> bool {
        self.text == model || self.pattern.as_ref().is_some_and(|pattern| pattern.is_match(model))
    }
}

/// A field that is wrong, and why.
pub(crate) type Wrong = (&'static str, String);

fn wrong(field: &'static str, why: &str) -> Wrong {
    (field, why.to_owned())
}

/// A text; null and nothing are none.
fn text(json: &Json, field: &'static str) -> Result<Option<String>, Wrong> {
    match json.get(field) {
        None | Some(Json::Null) => Ok(None),
        Some(value) => value.as_str().map(|text| Some(text.to_owned())).ok_or_else(|| wrong(field, "expected a text")),
    }
}

/// A list of texts; null and nothing are an empty one.
fn list(json: Option<&Json>, field: &'static str) -> Result<Vec<String>, Wrong> {
    let why = || wrong(field, "expected a list of texts");
    match json {
        None | Some(Json::Null) => Ok(Vec::new()),
        Some(value) => value
            .as_array()
            .ok_or_else(why)?
            .iter()
            .map(|item| item.as_str().map(str::to_owned).ok_or_else(why))
            .collect(),
    }
}

impl Policy {
    /// Reads a policy as a configuration writes it.
    ///
    /// # Errors
    /// The field that is wrong, and why.
    pub fn read(json: &Json) -> Result<Self, Wrong> {
        if json.as_object().is_none() {
            return Err(wrong("", "expected a map"));
        }
        let guardrails = json.get("guardrails");
        let (add, remove) = match guardrails {
            // An older form: those that are added.
            Some(Json::Array(_)) => (list(guardrails, "guardrails")?, Vec::new()),
            None | Some(Json::Null | Json::Object(_)) => {
                let of = |name| guardrails.and_then(|of| of.get(name));
                (list(of("add"), "guardrails.add")?, list(of("remove"), "guardrails.remove")?)
            }
            Some(_) => return Err(wrong("guardrails", "expected `add` and `remove`")),
        };
        text(json, "description")?;
        Ok(Self {
            inherit: text(json, "inherit")?.filter(|name| !name.is_empty()),
            add,
            remove,
            models: models(json.get("condition"))?,
            pipeline: json
                .get("pipeline")
                .filter(|pipeline| !pipeline.is_null() && **pipeline != Json::Object(Vec::new()))
                .map(|pipeline| Pipeline::read(pipeline).map(Arc::new)),
        })
    }
}

fn models(condition: Option<&Json>) -> Result<Option<Vec<ModelTest>>, Wrong> {
    let Some(condition) = condition.filter(|condition| !condition.is_null()) else { return Ok(None) };
    if condition.as_object().is_none() {
        return Err(wrong("condition", "expected `model`"));
    }
    Ok(match condition.get("model") {
        None | Some(Json::Null) => None,
        Some(Json::String(one)) => Some(vec![ModelTest::new(one)]),
        several => Some(list(several, "condition.model")?.iter().map(|model| ModelTest::new(model)).collect()),
    })
}

/// Whose calls a policy is for. All that is named has to fit.
#[derive(Debug, Clone, Default)]
pub struct Attachment {
    /// The policy's name.
    pub policy: String,
    /// For every call (`scope: "*"`).
    pub everywhere: bool,
    /// Aliases of teams; a `*` at the end stands for anything. None: every team, and calls without one.
    pub teams: Vec<String>,
    /// Aliases of keys, in the same way.
    pub keys: Vec<String>,
    /// Models, in the same way.
    pub models: Vec<String>,
    /// Tags of calls, one of which has to fit. None: calls are not asked for tags.
    pub tags: Vec<String>,
    /// Smaller ones come first, before those without.
    pub priority: Option<i64>,
    /// Counts only for calls that no other attachment fits.
    pub default: bool,
}

impl Attachment {
    /// Reads an attachment as a configuration writes it.
    ///
    /// # Errors
    /// The field that is wrong, and why.
    pub fn read(json: &Json) -> Result<Self, Wrong> {
        if json.as_object().is_none() {
            return Err(wrong("", "expected a map"));
        }
        let priority = match json.get("priority") {
            None | Some(Json::Null) => None,
            Some(value) => Some(value.as_i64().ok_or_else(|| wrong("priority", "expected a whole number"))?),
        };
        let default = match json.get("default") {
            None | Some(Json::Null) => false,
            Some(value) => value.as_bool().ok_or_else(|| wrong("default", "expected true or false"))?,
        };
        let everywhere = match text(json, "scope")?.as_deref() {
            None | Some("") => false,
            Some("*") => true,
            // LiteLLM reads any other word as none, which is every call.
            Some(_) => return Err(wrong("scope", "expected \"*\"")),
        };
        let policy = text(json, "policy")?.filter(|name| !name.is_empty());
        Ok(Self {
            policy: policy.ok_or_else(|| wrong("policy", "an attachment needs a policy"))?,
            everywhere,
            teams: list(json.get("teams"), "teams")?,
            keys: list(json.get("keys"), "keys")?,
            models: list(json.get("models"), "models")?,
            tags: list(json.get("tags"), "tags")?,
            priority,
            default,
        })
    }
}

/// A version of a policy of the database.
#[derive(Debug, Clone)]
pub struct StoredPolicy {
    /// `policy_id`, of this version.
    pub id: String,
    /// `policy_name`.
    pub name: String,
    /// It is the version in force.
    pub in_production: bool,
    /// What a configuration would say of it.
    pub spec: Json,
}

/// Whose calls a policy of the database is for.
#[derive(Debug, Clone)]
pub struct StoredAttachment {
    /// `attachment_id`.
    pub id: String,
    /// What a configuration would say of it.
    pub spec: Json,
}

/// A name as attachments write it: a `*` at the end stands for anything.
pub(crate) fn fits(pattern: &str, name: &str) -> bool {
    pattern.strip_suffix('*').map_or(pattern == name, |start| name.starts_with(start))
}
