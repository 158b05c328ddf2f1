//! Bodies of management calls: typed, with "not given" and "given as null" kept apart, and every problem reported at once
//! in the words of the validator that LiteLLM's clients know.

use chrono::{DateTime, Utc};
use llm_store::defaults::empty_object;
use llm_types::{Error, Json, RawJson};

/// A field of a body that cannot be read.
#[derive(Debug, Clone, PartialEq)]
pub struct FieldProblem {
    /// The field.
    pub field: String,
    /// Kind of problem, such as `float_parsing`.
    pub kind: &'static str,
    /// For people.
    pub message: &'static str,
    /// What was given.
    pub input: Json,
}

/// Why a management call was refused.
#[derive(Debug, Clone)]
pub enum Problem {
    /// The body has the wrong shape: answered 422 with a list.
    Fields(Vec<FieldProblem>),
    /// Anything else.
    Refused(Box<Error>),
}

impl Problem {
    /// One sentence for people, where a problem is one of many.
    #[must_use]
    pub fn text(&self) -> String {
        match self {
            Self::Refused(error) => error.message.clone(),
            Self::Fields(problems) => {
                let each = problems.iter().map(|p| format!("{}: {}", p.field, p.message));
                each.collect::<Vec<_>>().join("; ")
            }
        }
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        Self::Refused(Box::new(error))
    }
}

impl From<llm_store::StoreError> for Problem {
    fn from(error: llm_store::StoreError) -> Self {
        crate::refusal::store(&error).into()
    }
}

/// The result of a management call.
pub type Outcome<T> = Result<T, Problem>;

/// `None`: not given. `Some(None)`: given as null.
pub(crate) type Given<T> = Option<Option<T>>;

/// A list that was given; null is an empty one.
pub(crate) fn list(given: &Given<Vec<String>>) -> Option<Vec<String>> {
    given.clone().map(Option::unwrap_or_default)
}

/// A map that was given, as it is stored; null is an empty one.
pub(crate) fn raw(map: &Given<Map>) -> Option<RawJson> {
    map.as_ref().map(|m| m.as_ref().map_or_else(empty_object, |m| m.0.to_raw()))
}

/// A map of a body, order kept.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Map(pub(crate) Json);

type Wrong = (&'static str, &'static str);

/// A type that a field can have.
pub(crate) trait FieldType: Sized {
    fn read(json: &Json) -> Result<Self, Wrong>;
}

impl FieldType for String {
    fn read(json: &Json) -> Result<Self, Wrong> {
        json.as_str().map(str::to_owned).ok_or(("string_type", "Input should be a valid string"))
    }
}

impl FieldType for f64 {
    fn read(json: &Json) -> Result<Self, Wrong> {
        let parsed = match json {
            Json::String(text) => text.trim().parse().ok(),
            other => other.as_f64(),
        };
        match (parsed, json) {
            (Some(number), _) => Ok(number),
            (None, Json::String(_)) => {
                Err(("float_parsing", "Input should be a valid number, unable to parse string as a number"))
            }
            _ => Err(("float_type", "Input should be a valid number")),
        }
    }
}

impl FieldType for i64 {
    fn read(json: &Json) -> Result<Self, Wrong> {
        let whole = |n: f64| (n.fract() == 0.0 && n.abs() < 9.0e15).then_some(n as Self);
        match json {
            Json::String(text) => text
                .trim()
                .parse()
                .map_err(|_| ("int_parsing", "Input should be a valid integer, unable to parse string as an integer")),
            Json::Number(_) => json
                .as_i64()
                .or_else(|| json.as_f64().and_then(whole))
                .ok_or(("int_from_float", "Input should be a valid integer, got a number with a fractional part")),
            _ => Err(("int_type", "Input should be a valid integer")),
        }
    }
}

impl FieldType for bool {
    fn read(json: &Json) -> Result<Self, Wrong> {
        match json {
            Json::Bool(b) => Ok(*b),
            Json::String(text) => match text.to_ascii_lowercase().as_str() {
                "true" | "1" | "yes" | "on" => Ok(true),
                "false" | "0" | "no" | "off" => Ok(false),
                _ => Err(("bool_parsing", "Input should be a valid boolean, unable to interpret input")),
            },
            _ => Err(("bool_type", "Input should be a valid boolean")),
        }
    }
}

impl FieldType for Vec<String> {
    fn read(json: &Json) -> Result<Self, Wrong> {
        let items = json.as_array().ok_or(("list_type", "Input should be a valid list"))?;
        items.iter().map(String::read).collect()
    }
}

impl FieldType for Map {
    fn read(json: &Json) -> Result<Self, Wrong> {
        match json {
            Json::Object(_) => Ok(Self(json.clone())),
            _ => Err(("dict_type", "Input should be a valid dictionary")),
        }
    }
}

impl FieldType for DateTime<Utc> {
    fn read(json: &Json) -> Result<Self, Wrong> {
        let read = json.as_str().and_then(crate::keys::instant);
        read.ok_or(("datetime_parsing", "Input should be a valid datetime"))
    }
}

impl FieldType for Json {
    fn read(json: &Json) -> Result<Self, Wrong> {
        Ok(json.clone())
    }
}

/// Reads one field; a problem goes to the list.
pub(crate) fn field<T: FieldType>(body: &Json, name: &str, problems: &mut Vec<FieldProblem>) -> Given<T> {
    let value = body.get(name)?;
    if value.is_null() {
        return Some(None);
    }
    match T::read(value) {
        Ok(value) => Some(Some(value)),
        Err((kind, message)) => {
            problems.push(FieldProblem { field: name.to_owned(), kind, message, input: value.clone() });
            None
        }
    }
}

/// A field that must be there.
///
/// # Errors
/// The problem that the validator reports.
pub(crate) fn required<T>(given: Given<T>, field: &'static str, body: &Json) -> Outcome<T> {
    given.flatten().ok_or_else(|| {
        let message = "Field required";
        Problem::Fields(vec![FieldProblem { field: field.to_owned(), kind: "missing", message, input: body.clone() }])
    })
}

/// The metadata that a body asks for, over what is there; nothing when it asks for none. A `metadata` object replaces all;
/// the fields of these `names` stand beside it and live in it.
pub(crate) fn metadata(body: &Json, names: &[&str], given: &Given<Map>, there: Json) -> Option<Json> {
    let mut fields = names.iter().filter_map(|name| Some((*name, body.get(name)?))).peekable();
    if given.is_none() && fields.peek().is_none() {
        return None;
    }
    let mut out = match given {
        Some(Some(Map(given))) => given.clone(),
        Some(None) => Json::Object(Vec::new()),
        None => there,
    };
    if out.as_object().is_none() {
        out = Json::Object(Vec::new());
    }
    for (name, value) in fields {
        if value.is_null() {
            out.remove(name);
        } else {
            out.set(name, value.clone());
        }
    }
    Some(out)
}

/// What an insert said: an error with `why` about `param` when the row exists already.
///
/// # Errors
/// 400 for a row that exists; what the store says otherwise.
pub(crate) fn unless_taken(
    done: Result<(), llm_store::StoreError>,
    why: impl Into<String>,
    param: &'static str,
) -> Outcome<()> {
    match done {
        Err(llm_store::StoreError::Conflict(_)) => {
            Err(Error::bad_request(why).with_type("bad_request_error").with_param(param).into())
        }
        done => Ok(done?),
    }
}

/// Writes a body's struct and how it is read.
macro_rules! body {
    ($(#[$meta:meta])* struct $name:ident { $($field:ident: $ty:ty,)+ }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Default)]
        pub(crate) struct $name { $(pub(crate) $field: crate::request::Given<$ty>,)+ }

        impl $name {
            /// The fields it knows.
            #[allow(dead_code, reason = "asked for where fields differ in who may write them")]
            pub(crate) const FIELDS: &'static [&'static str] = &[$(stringify!($field)),+];

            /// Reads a body. Unknown fields are ignored, as LiteLLM does.
            ///
            /// # Errors
            /// All fields of a wrong type.
            pub(crate) fn read(body: &llm_types::Json) -> crate::request::Outcome<Self> {
                let mut problems = Vec::new();
                if body.as_object().is_none() {
                    let message = "Input should be a valid dictionary or object to extract fields from";
                    let problem = crate::request::FieldProblem {
                        field: String::new(), kind: "model_attributes_type", message, input: body.clone(),
                    };
                    return Err(crate::request::Problem::Fields(vec![problem]));
                }
                let read = Self { $($field: crate::request::field(body, stringify!($field), &mut problems),)+ };
                if problems.is_empty() { Ok(read) } else { Err(crate::request::Problem::Fields(problems)) }
            }
        }
    };
}
pub(crate) use body;

/// Whether a text refers to the environment, however deep it stands: rows are resolved as deep.
pub(crate) fn refers(json: &Json) -> bool {
    match json {
        Json::String(text) => text.starts_with("os.environ/"),
        Json::Array(items) => items.iter().any(refers),
        Json::Object(fields) => fields.iter().any(|(_, value)| refers(value)),
        _ => false,
    }
}

/// Parameters that say where to call and as whom: references would show the operator's secrets.
///
/// # Errors
/// 400 for one that refers to the environment.
pub(crate) fn without_references(params: Option<&Json>) -> Outcome<()> {
    if params.is_some_and(refers) {
        return Err(crate::keys::bad("References to the environment belong into the file")
            .with_param("litellm_params")
            .into());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    body! {
        /// For the test.
        struct Sample {
            name: String,
            budget: f64,
            limit: i64,
            blocked: bool,
            models: Vec<String>,
            metadata: Map,
        }
    }

    fn json(text: &str) -> Json {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn absent_null_and_lenient_values() {
        let read =
            Sample::read(&json(r#"{"name":null,"budget":"1.5","limit":7.0,"blocked":"true","extra":1}"#)).unwrap();
        assert_eq!(
            (read.name, read.budget, read.limit, read.blocked),
            (Some(None), Some(Some(1.5)), Some(Some(7)), Some(Some(true)))
        );
        assert_eq!((read.models, read.metadata), (None, None));
    }

    #[test]
    fn references_are_found_however_deep() {
        for text in
            [r#""os.environ/A""#, r#"{"stop":["os.environ/A"]}"#, r#"{"extra_headers":{"x":[{"y":"os.environ/A"}]}}"#]
        {
            assert!(refers(&json(text)) && without_references(Some(&json(text))).is_err(), "{text}");
        }
        for text in [r#"{"os.environ/A":1}"#, r#"["Bearer os.environ/A"]"#, "null"] {
            assert!(!refers(&json(text)) && without_references(Some(&json(text))).is_ok(), "{text}");
        }
    }

    #[test]
    fn every_problem_is_told() {
        let body = r#"{"name":1,"budget":"x","limit":1.5,"blocked":7,"models":"m","metadata":[]}"#;
        let Err(Problem::Fields(problems)) = Sample::read(&json(body)) else { panic!("accepted") };
        let kinds: Vec<_> = problems.iter().map(|p| (p.field.as_str(), p.kind)).collect();
        assert_eq!(
            kinds,
            [
                ("name", "string_type"),
                ("budget", "float_parsing"),
                ("limit", "int_from_float"),
                ("blocked", "bool_type"),
                ("models", "list_type"),
                ("metadata", "dict_type"),
            ]
        );
        assert!(matches!(Sample::read(&json("[]")), Err(Problem::Fields(_))));
    }
}
