//! Forms as bytes: <https://www.rfc-editor.org/rfc/rfc7578>.

use bytes::{BufMut, Bytes, BytesMut};
use http::header::HeaderValue;
use llm_http::Body;
use llm_wire::task::FilePart;

/// A form, its files not copied, and its media type.
#[must_use]
pub fn written(fields: &[(String, String)], files: Vec<FilePart>) -> (Body, Option<HeaderValue>) {
    let boundary = boundary();
    let mut pieces: Vec<Bytes> = Vec::new();
    let mut text = BytesMut::new();
    for (name, value) in fields {
        field(&mut text, &boundary, name, value);
    }
    for part in files {
        file(&mut text, &boundary, &part);
        pieces.push(text.split().freeze());
        pieces.push(part.data);
        text.put_slice(b"\r\n");
    }
    end(&mut text, &boundary);
    pieces.push(text.freeze());
    (Body::pieces(pieces), content_type(&boundary))
}

/// A text field.
pub(crate) fn field(out: &mut BytesMut, boundary: &str, name: &str, value: &str) {
    head(out, boundary, name, None, None);
    out.put_slice(value.as_bytes());
    out.put_slice(b"\r\n");
}

/// What stands before the bytes of a file. A line break has to follow them.
pub(crate) fn file(out: &mut BytesMut, boundary: &str, file: &FilePart) {
    let kind = file.content_type.as_deref().unwrap_or("application/octet-stream");
    head(out, boundary, &file.name, Some(file.filename.as_deref().unwrap_or("file")), Some(kind));
}

/// The end of a form.
pub(crate) fn end(out: &mut BytesMut, boundary: &str) {
    out.put_slice(format!("--{boundary}--\r\n").as_bytes());
}

/// The media type that tells the boundary.
pub(crate) fn content_type(boundary: &str) -> Option<HeaderValue> {
    HeaderValue::try_from(format!("multipart/form-data; boundary={boundary}")).ok()
}

fn head(out: &mut BytesMut, boundary: &str, name: &str, filename: Option<&str>, kind: Option<&str>) {
    out.put_slice(format!("--{boundary}\r\nContent-Disposition: form-data; name=\"{}\"", quoted(name)).as_bytes());
    if let Some(filename) = filename {
        out.put_slice(format!("; filename=\"{}\"", quoted(filename)).as_bytes());
    }
    if let Some(kind) = kind {
        let kind: String = kind.chars().filter(|c| !c.is_control()).collect();
        out.put_slice(format!("\r\nContent-Type: {kind}").as_bytes());
    }
    out.put_slice(b"\r\n\r\n");
}

/// Quotes and line breaks as browsers write them in names of parts.
fn quoted(text: &str) -> String {
    text.replace('"', "%22").replace('\r', "%0D").replace('\n', "%0A")
}

/// A line that no file holds: random enough.
pub(crate) fn boundary() -> String {
    format!("llm-form-{}", llm_providers::unique::text())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_has_its_fields_then_its_files() {
        let file = FilePart {
            name: "file".into(),
            filename: Some("a\"b.wav".into()),
            content_type: Some("audio/wav".into()),
            data: Bytes::from_static(b"RIFF"),
            more: None,
        };
        let (body, kind) = written(&[("model".into(), "whisper-1".into())], vec![file]);
        let kind = kind.unwrap().to_str().unwrap().to_owned();
        let boundary = kind.strip_prefix("multipart/form-data; boundary=").unwrap();
        let text: Vec<u8> = body.slices().flat_map(|b| b.to_vec()).collect();
        let expected = format!(
            "--{boundary}\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\nwhisper-1\r\n--{boundary}\r\n\
             Content-Disposition: form-data; name=\"file\"; filename=\"a%22b.wav\"\r\nContent-Type: audio/wav\r\n\r\n\
             RIFF\r\n--{boundary}--\r\n"
        );
        assert_eq!(String::from_utf8(text).unwrap(), expected);
    }
}
