//! What forms are told of settings.

use llm_types::{Json, RawJson};

/// A field of a form: its name, its JSON type, what it says.
pub(super) type Field = (&'static str, &'static str, &'static str);

/// `{"description": ..., "properties": {name: {"type": ..., "description": ...}}}`.
pub(super) fn schema<'f>(what: &str, fields: impl IntoIterator<Item = &'f Field>) -> Json {
    let property = |(name, kind, what): &Field| {
        (*name, Json::object([("type", Json::from(*kind)), ("description", Json::from(*what))]))
    };
    Json::object([("description", Json::from(what)), ("properties", Json::object(fields.into_iter().map(property)))])
}

/// The JSON of a text of JSON: some of LiteLLM's columns hold the one, some the other.
pub(super) fn inner(column: &RawJson) -> Option<RawJson> {
    column.read::<String>().ok().and_then(|text| RawJson::parse(&text).ok())
}

/// What a column holds that LiteLLM gives JSON, or a text of JSON; an empty object for anything else.
pub(crate) fn object(column: Option<&RawJson>, open: impl Fn(&RawJson) -> Json) -> Json {
    let Some(column) = column else { return Json::Object(Vec::new()) };
    let settings = open(inner(column).as_ref().unwrap_or(column));
    if settings.as_object().is_some() { settings } else { Json::Object(Vec::new()) }
}
