//! Bodies of `multipart/form-data` as JSON: text fields are strings, files are objects.

use base64::Engine;
use serde_json::{Map, Value, json};

use crate::ids::hash;

/// The boundary of a form's content type.
pub(crate) fn boundary(content_type: &str) -> Option<&str> {
    let rest = content_type.strip_prefix("multipart/form-data")?;
    let boundary = rest.split(';').find_map(|part| part.trim().strip_prefix("boundary="))?;
    Some(boundary.trim_matches('"'))
}

/// The fields of a form. A field that comes several times, and one whose name ends in `[]`, is a list. `None` when the
/// form does not keep to RFC 7578.
pub(crate) fn parse(body: &[u8], boundary: &str) -> Option<Value> {
    let mut fields: Map<String, Value> = Map::new();
    for part in parts(body, boundary)? {
        let value = part.value();
        let (name, listed) = part.name.strip_suffix("[]").map_or((part.name.as_str(), false), |name| (name, true));
        match fields.get_mut(name) {
            Some(Value::Array(all)) => all.push(value),
            Some(one) => *one = json!([one.take(), value]),
            None => drop(fields.insert(name.to_owned(), if listed { json!([value]) } else { value })),
        }
    }
    Some(Value::Object(fields))
}

/// A part of a form.
#[derive(Debug)]
pub(crate) struct Part<'a> {
    pub(crate) name: String,
    pub(crate) filename: Option<String>,
    content_type: Option<String>,
    pub(crate) data: &'a [u8],
}

/// The parts of a form. `None` when it does not keep to RFC 7578.
pub(crate) fn parts<'a>(body: &'a [u8], boundary: &str) -> Option<Vec<Part<'a>>> {
    let mark = format!("--{boundary}");
    let mut out = Vec::new();
    // the mark of the first part has no line break before it
    let mut rest = body.get(find(body, mark.as_bytes())? + mark.len()..)?;
    let mark = format!("\r\n{mark}");
    loop {
        if rest.starts_with(b"--") {
            return Some(out);
        }
        let part = rest.strip_prefix(b"\r\n")?;
        let end = find(part, mark.as_bytes())?;
        out.push(read(part.get(..end)?)?);
        rest = part.get(end + mark.len()..)?;
    }
}

fn read(part: &[u8]) -> Option<Part<'_>> {
    let end = find(part, b"\r\n\r\n")?;
    let head = std::str::from_utf8(part.get(..end)?).ok()?;
    let header = |name: &str| {
        let lines = head.lines().filter_map(|line| line.split_once(':'));
        lines.into_iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim())
    };
    let disposition = header("content-disposition")?;
    let parameter = |name: &str| {
        let parts = disposition.split(';').filter_map(|part| part.trim().split_once('='));
        parts.into_iter().find(|(key, _)| *key == name).map(|(_, value)| value.trim_matches('"').to_owned())
    };
    Some(Part {
        name: parameter("name")?,
        filename: parameter("filename"),
        content_type: header("content-type").map(str::to_owned),
        data: part.get(end + 4..)?,
    })
}

impl Part<'_> {
    fn value(&self) -> Value {
        let data = self.data;
        match &self.filename {
            Some(filename) => json!({
                "filename": filename, "content_type": self.content_type, "size": data.len(), "hash": hash(data),
                "start": base64::engine::general_purpose::STANDARD.encode(data.get(..64).unwrap_or(data)),
            }),
            None => Value::String(String::from_utf8_lossy(data).into_owned()),
        }
    }
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack.windows(needle.len()).position(|window| window == needle)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_and_files() {
        let body = "--x\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\nwhisper-1\r\n--x\r\n\
                    content-disposition: form-data; name=\"file\"; filename=\"a.wav\"\r\nContent-Type: audio/wav\r\n\r\n\
                    RIFF\r\n--x\r\nContent-Disposition: form-data; name=\"kinds[]\"\r\n\r\nword\r\n--x--\r\n";
        let form = parse(body.as_bytes(), "x").unwrap();
        assert_eq!(form["model"], "whisper-1");
        assert_eq!((&form["file"]["size"], &form["file"]["content_type"]), (&json!(4), &json!("audio/wav")));
        assert_eq!(form["kinds"], json!(["word"]));
        assert_eq!(boundary("multipart/form-data; boundary=\"x\""), Some("x"));
        assert!(boundary("application/json").is_none());
        assert!(parse(b"--x\r\nbroken", "x").is_none());
    }
}
