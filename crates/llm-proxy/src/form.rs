//! Bodies that come as forms: their text fields become the JSON body that the rest of the flow reads, their files stay
//! bytes beside it.

use bytes::Bytes;
use http::HeaderMap;
use http::header::CONTENT_TYPE;
use llm_types::{Error, Json, Result};
use llm_wire::task::FilePart;

/// Parts of a form at the most.
const MOST_PARTS: usize = 1000;

/// A form, read.
#[derive(Debug, Default)]
pub struct Form {
    /// Text fields as a JSON object.
    pub fields: Bytes,
    /// Files.
    pub files: Vec<FilePart>,
}

/// The boundary of a `multipart/form-data` body; nothing for other bodies.
#[must_use]
pub fn boundary(headers: &HeaderMap) -> Option<String> {
    multer::parse_boundary(headers.get(CONTENT_TYPE)?.to_str().ok()?).ok()
}

/// Reads a form. Texts that are numbers, truth values, arrays or objects become such; a field that comes several
/// times, or whose name ends in `[]`, becomes an array under the bare name.
///
/// # Errors
/// `BadRequest` for a body that is no form or has too many parts.
pub async fn read(body: Bytes, boundary: &str) -> Result<Form> {
    let bad = |e: multer::Error| Error::bad_request(format!("the form cannot be read: {e}"));
    let stream = futures_util::stream::once(std::future::ready(Ok::<_, std::convert::Infallible>(body)));
    let mut parts = multer::Multipart::new(stream, boundary);
    let mut fields: Vec<(String, Json)> = Vec::new();
    let mut files = Vec::new();
    let mut count = 0;
    while let Some(part) = parts.next_field().await.map_err(bad)? {
        count += 1;
        if count > MOST_PARTS {
            return Err(Error::bad_request(format!("the form has more than {MOST_PARTS} parts")));
        }
        let name = part.name().unwrap_or_default().to_owned();
        let filename = part.file_name().map(str::to_owned);
        let content_type = part.content_type().map(ToString::to_string);
        let data = part.bytes().await.map_err(bad)?;
        if filename.is_some() {
            files.push(FilePart { name, filename, content_type, data });
            continue;
        }
        let text = String::from_utf8_lossy(&data);
        add(&mut fields, &name, value(&name, &text));
    }
    Ok(Form { fields: Bytes::from(Json::Object(fields).to_string()), files })
}

/// Fields whose text is text, whatever it looks like.
const TEXTS: [&str; 6] = ["model", "prompt", "user", "input", "language", "purpose"];

fn value(name: &str, text: &str) -> Json {
    let json = !TEXTS.contains(&name)
        && (matches!(text, "true" | "false" | "null")
            || text.starts_with(['{', '[', '-']) | text.starts_with(|c: char| c.is_ascii_digit()));
    let read = json.then(|| serde_json::from_str::<Json>(text).ok()).flatten();
    read.unwrap_or_else(|| Json::from(text))
}

fn add(fields: &mut Vec<(String, Json)>, name: &str, value: Json) {
    let (bare, list) = name.strip_suffix("[]").map_or((name, false), |bare| (bare, true));
    match fields.iter_mut().find(|(known, _)| known == bare) {
        Some((_, Json::Array(items))) => items.push(value),
        Some((_, one)) => *one = Json::Array(vec![std::mem::take(one), value]),
        None if list => fields.push((bare.to_owned(), Json::Array(vec![value]))),
        None => fields.push((bare.to_owned(), value)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_form_is_fields_and_files() {
        let body = "--b\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\n7\r\n\
            --b\r\nContent-Disposition: form-data; name=\"temperature\"\r\n\r\n0.5\r\n\
            --b\r\nContent-Disposition: form-data; name=\"timestamp_granularities[]\"\r\n\r\nword\r\n\
            --b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.wav\"\r\n\
            Content-Type: audio/wav\r\n\r\nRIFF\r\n--b--\r\n";
        let form = read(Bytes::from(body), "b").await.unwrap();
        assert_eq!(form.fields, r#"{"model":"7","temperature":0.5,"timestamp_granularities":["word"]}"#);
        assert_eq!((form.files[0].name.as_str(), &form.files[0].data[..]), ("file", &b"RIFF"[..]));
        assert!(read(Bytes::from("--b\r\nnonsense"), "b").await.is_err());
    }
}
