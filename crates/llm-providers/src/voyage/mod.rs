//! Voyage AI: vectors of texts, of passages in their documents, and of pictures beside texts.

use bytes::{BufMut, Bytes, BytesMut};
use llm_types::json::raw_str;
use llm_types::{OperationKind, Result};
use llm_wire::top::{Top, write_str};
use serde_json::value::RawValue;

use crate::endpoint::row_endpoint;
use crate::generated;
use crate::provider::{Call, Endpoint, Provider};
use crate::row::ProviderRow;

/// The provider.
#[derive(Debug)]
pub struct Voyage;

/// What a model's vectors are of, beside plain texts.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Of {
    /// Passages, seen in their documents.
    Passages,
    /// Texts and pictures together.
    Mixtures,
}

impl Of {
    fn model(call: &Call<'_>) -> Option<Self> {
        let of = |name: &str| call.operation == OperationKind::Embed && call.model.contains(name);
        of("multimodal").then_some(Self::Mixtures).or_else(|| of("context").then_some(Self::Passages))
    }

    const fn path(self) -> &'static str {
        match self {
            Self::Passages => "contextualizedembeddings",
            Self::Mixtures => "multimodalembeddings",
        }
    }
}

impl Provider for Voyage {
    fn row(&self) -> &'static ProviderRow {
        &generated::VOYAGE
    }

    fn endpoint(&self, call: &Call<'_>, out: &mut Endpoint) -> Result<()> {
        row_endpoint(self.row(), call, out)?;
        if let Some(of) = Of::model(call)
            && let Some(root) = out.url.strip_suffix("/embeddings")
        {
            let root = root.trim_end_matches(&format!("/{}", of.path())); // a base that is the whole address
            out.url = format!("{root}/{}", of.path());
        }
        Ok(())
    }

    fn prepares(&self, call: &Call<'_>) -> bool {
        Of::model(call).is_some()
    }

    /// Writes `input` as the `inputs` of the model. What already is written in the provider's way stays.
    fn prepare(&self, call: &Call<'_>, body: Bytes) -> Result<Bytes> {
        let Some(of) = Of::model(call) else { return Ok(body) };
        let top = Top::parse(&body)?;
        let Some(input) = top.get("input") else { return Ok(body) };
        let list: Vec<&RawValue> = match input.as_bytes().first() {
            Some(b'[') => top.read("input").unwrap_or_default(),
            _ => top.read::<&RawValue>("input").into_iter().collect(),
        };
        let inputs = match of {
            Of::Passages => passages(&list),
            Of::Mixtures => mixtures(&list),
        };
        Ok(top.edited(&[("input", None), ("inputs", Some(&inputs))]))
    }
}

/// Lists of passages, one a document. Bare texts are the passages of one.
fn passages(list: &[&RawValue]) -> String {
    let texts: Vec<&str> = list.iter().map(|v| v.get()).collect();
    let bare = texts.iter().any(|t| t.starts_with('"'));
    if bare { format!("[[{}]]", texts.join(",")) } else { format!("[{}]", texts.join(",")) }
}

/// One `content` for each input: a text, or a picture by address or by its bytes.
fn mixtures(list: &[&RawValue]) -> String {
    let mut out = BytesMut::new();
    out.put_u8(b'[');
    for (at, input) in list.iter().enumerate() {
        if at > 0 {
            out.put_u8(b',');
        }
        let Some(text) = raw_str(input.get()) else {
            out.put_slice(input.get().as_bytes());
            continue;
        };
        let kind = match &text {
            t if t.starts_with("data:image/") => "image_base64",
            t if t.starts_with("http://") || t.starts_with("https://") => "image_url",
            _ => "text",
        };
        out.put_slice(format!(r#"{{"content":[{{"type":"{kind}","{kind}":"#).as_bytes());
        write_str(&text, &mut out);
        out.put_slice(b"}]}");
    }
    out.put_u8(b']');
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(json: &str) -> Vec<&RawValue> {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn passages_stand_in_documents() {
        assert_eq!(passages(&list(r#"["a","b"]"#)), r#"[["a","b"]]"#);
        assert_eq!(passages(&list(r#"[["a"],["b"]]"#)), r#"[["a"],["b"]]"#);
    }

    #[test]
    fn texts_and_pictures_are_contents() {
        let got = mixtures(&list(r#"["a b","https://h/p.png","data:image/png;base64,AA==",{"content":[]}]"#));
        let expected = concat!(
            r#"[{"content":[{"type":"text","text":"a b"}]},"#,
            r#"{"content":[{"type":"image_url","image_url":"https://h/p.png"}]},"#,
            r#"{"content":[{"type":"image_base64","image_base64":"data:image/png;base64,AA=="}]},"#,
            r#"{"content":[]}]"#,
        );
        assert_eq!(got, expected);
    }
}
