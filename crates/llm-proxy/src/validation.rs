//! Fields that LiteLLM's endpoints declare, and that are missing or of another type: 422 with the body that FastAPI gives,
//! `{"detail": [{"type", "loc", "msg", "input"}]}`. <https://fastapi.tiangolo.com/tutorial/handling-errors/>

use http::request::Parts;
use llm_types::{Error, Json, Kind, OperationKind, Result};
use llm_wire::task::FilePart;
use llm_wire::top::Top;

use crate::pass::who::query;

/// What is wrong with a field.
#[derive(Debug)]
pub(crate) struct Fault(Json);

impl Fault {
    fn new(kind: &str, place: &str, name: &str, message: &str, input: Json) -> Self {
        Self(Json::object([
            ("type", Json::from(kind)),
            ("loc", Json::Array(vec![Json::from(place), Json::from(name)])),
            ("msg", Json::from(message)),
            ("input", input),
        ]))
    }

    /// It is missing. `input` is the object that should have it, null for forms.
    pub(crate) fn missing(name: &str, input: Json) -> Self {
        Self::new("missing", "body", name, "Field required", input)
    }

    /// It should be a file.
    fn no_file(name: &str, input: Json) -> Self {
        let message = "Value error, Expected UploadFile, received: <class 'str'>";
        let mut fault = Self::new("value_error", "body", name, message, input);
        fault.0.set("ctx", Json::object([("error", Json::Object(Vec::new()))]));
        fault
    }
}

/// The error that tells of all of them.
pub(crate) fn refused(faults: impl IntoIterator<Item = Fault>) -> Error {
    let faults: Vec<Json> = faults.into_iter().map(|fault| fault.0).collect();
    let first = faults.first();
    let message = first.and_then(|fault| fault.text("msg")).unwrap_or_default().to_owned();
    let name = first.and_then(|fault| fault.get("loc")?.as_array()?.last()?.as_str().map(str::to_owned));
    let mut error = Error::new(Kind::InvalidFields, message);
    error.param = name;
    error.detail = Some(Box::new(Json::Array(faults)));
    error
}

/// What is said of all fields.
///
/// # Errors
/// 422 that tells of all faults, where there are some.
fn judged(faults: Vec<Fault>) -> Result<()> {
    if faults.is_empty() { Ok(()) } else { Err(refused(faults)) }
}

/// A whole number of the query; nothing where it is not asked for.
///
/// # Errors
/// 422 for anything else.
pub(crate) fn whole_number(parts: &Parts, name: &str) -> Result<Option<i64>> {
    let Some(text) = query(parts, name) else { return Ok(None) };
    text.trim().parse().map(Some).map_err(|_| {
        let message = "Input should be a valid integer, unable to parse string as an integer";
        refused([Fault::new("int_parsing", "query", name, message, Json::from(&*text))])
    })
}

/// The file of a form that has to have one: `fields` are its texts, `files` its files.
pub(crate) fn file(name: &str, fields: &Json, files: &[FilePart]) -> Option<Fault> {
    match fields.get(name) {
        _ if files.iter().any(|file| file.name == name) => None,
        Some(text) => Some(Fault::no_file(name, text.clone())),
        None => Some(Fault::missing(name, Json::Null)),
    }
}

/// The body of a call: sounds that are to be written down are files of a form, and so are pictures of one that are to be edited.
///
/// # Errors
/// 422 for texts in their place, and without the sound.
pub(crate) fn files(operation: OperationKind, is_form: bool, fields: &[u8], files: &[FilePart]) -> Result<()> {
    let fields = || serde_json::from_slice::<Json>(fields).unwrap_or_default();
    let faults: Vec<Fault> = match operation {
        OperationKind::Transcribe | OperationKind::Translate => file("file", &fields(), files).into_iter().collect(),
        OperationKind::ImageEdit if is_form => {
            let fields = fields();
            PICTURES.iter().flat_map(|name| texts_for_files(name, fields.get(name))).collect()
        }
        _ => return Ok(()),
    };
    judged(faults)
}

/// Lists of files in forms of pictures.
const PICTURES: [&str; 2] = ["image", "mask"];

/// The texts that stand in the place of a list of files.
fn texts_for_files(name: &str, given: Option<&Json>) -> Vec<Fault> {
    let texts = match given {
        None => return Vec::new(),
        Some(Json::Array(list)) => list.as_slice(),
        Some(one) => std::slice::from_ref(one),
    };
    let fault = |(at, text): (usize, &Json)| {
        let mut fault = Fault::no_file(name, text.clone());
        fault.0.set("loc", Json::Array(vec![Json::from("body"), Json::from(name), Json::from(at as u64)]));
        fault
    };
    texts.iter().enumerate().map(fault).collect()
}

/// The texts that a body has to have, and those that it may have.
///
/// # Errors
/// 422 for those that are missing, or are no texts.
pub(crate) fn texts(body: &Top<'_>, needed: &[&str], optional: &[&str]) -> Result<()> {
    let whole = || body.iter().map(|(name, raw)| (name, serde_json::from_str::<Json>(raw).unwrap_or_default()));
    let wrong = |name: &str, raw: &str| {
        let input = serde_json::from_str(raw).unwrap_or_default();
        Fault::new("string_type", "body", name, "Input should be a valid string", input)
    };
    let of_needed = needed.iter().filter_map(|name| match body.get(name) {
        None => Some(Fault::missing(name, Json::object(whole()))),
        Some(raw) => (!raw.starts_with('"')).then(|| wrong(name, raw)),
    });
    let of_optional = optional.iter().filter_map(|name| {
        let raw = body.get(name).filter(|raw| *raw != "null" && !raw.starts_with('"'))?;
        Some(wrong(name, raw))
    });
    let faults: Vec<Fault> = of_needed.chain(of_optional).collect();
    judged(faults)
}
