//! Jina AI: vectors of pictures beside those of texts.

use bytes::{BufMut, Bytes, BytesMut};
use llm_types::json::raw_str;
use llm_types::{OperationKind, Result};
use llm_wire::top::{Top, write_str};
use serde_json::value::RawValue;

use crate::generated;
use crate::provider::{Call, Provider};
use crate::row::ProviderRow;

/// The provider.
#[derive(Debug)]
pub struct JinaAi;

impl Provider for JinaAi {
    fn row(&self) -> &'static ProviderRow {
        &generated::JINA_AI
    }

    fn prepares(&self, call: &Call<'_>) -> bool {
        call.operation == OperationKind::Embed
    }

    /// Where an input is the URL of a picture's bytes, all are written as `{image}` and `{text}`.
    fn prepare(&self, _: &Call<'_>, body: Bytes) -> Result<Bytes> {
        let top = Top::parse(&body)?;
        let list: Vec<&RawValue> = top.read("input").unwrap_or_default();
        if !list.iter().any(|v| raw_str(v.get()).is_some_and(|t| picture(&t).is_some())) {
            return Ok(body);
        }
        Ok(top.edited(&[("input", Some(&named(&list)))]))
    }
}

/// The bytes of a picture, base64, of a `data:` URL.
fn picture(text: &str) -> Option<&str> {
    text.strip_prefix("data:image/")?.split_once(";base64,").map(|(_, bytes)| bytes)
}

fn named(list: &[&RawValue]) -> String {
    let mut out = BytesMut::new();
    for input in list {
        out.put_slice(if out.is_empty() { b"[" } else { b"," });
        let Some(text) = raw_str(input.get()) else {
            out.put_slice(input.get().as_bytes());
            continue;
        };
        let (name, value) = picture(&text).map_or(("text", text.as_ref()), |bytes| ("image", bytes));
        out.put_slice(format!(r#"{{"{name}":"#).as_bytes());
        write_str(value, &mut out);
        out.put_u8(b'}');
    }
    out.put_u8(b']');
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pictures_are_named() {
        let list: Vec<&RawValue> = serde_json::from_str(r#"["a","data:image/png;base64,AA==",{"text":"b"}]"#).unwrap();
        assert_eq!(named(&list), r#"[{"text":"a"},{"image":"AA=="},{"text":"b"}]"#);
        assert_eq!(picture("data:text/plain;base64,AA=="), None);
    }
}
