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
            Of::Passages => array(&list),
            Of::Mixtures => mixtures(&list),
        };
        let mut edits = vec![("input", None), ("inputs", Some(inputs.as_str()))];
        let told = |name: &str| top.get(name).is_some();
        let query = top.read::<String>("input_type").is_some_and(|kind| kind == "query");
        if of == Of::Passages && list.iter().all(|v| v.get().starts_with('"')) && !query {
            edits.extend(CUT.into_iter().filter(|(name, _)| !told(name)).map(|(name, value)| (name, Some(value))));
        }
        Ok(top.edited(&edits))
    }
}

/// Bare texts are documents, which Voyage cuts into passages. <https://docs.voyageai.com/docs/contextualized-chunk-embeddings>
const CUT: [(&str, &str); 3] =
    [("enable_auto_chunking", "true"), ("chunk_size", "32000"), ("input_type", "\"document\"")];

/// The inputs as they came: texts, or a list of passages for each document.
fn array(list: &[&RawValue]) -> String {
    let items: Vec<&str> = list.iter().map(|v| v.get()).collect();
    format!("[{}]", items.join(","))
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
    use llm_types::Format;

    use super::*;
    use crate::params::Params;

    fn list(json: &str) -> Vec<&RawValue> {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn texts_are_documents_and_lists_their_passages() {
        let params = Params::without_env::<String>([]);
        let call = Call::new(OperationKind::Embed, Format::OpenAiEmbeddings, "voyage-context-3", &params);
        let written = |body: &'static str| {
            let out = Voyage.prepare(&call, Bytes::from_static(body.as_bytes())).unwrap();
            String::from_utf8(out.to_vec()).unwrap()
        };
        let cut = r#""enable_auto_chunking":true,"chunk_size":32000,"input_type":"document"}"#;
        assert_eq!(written(r#"{"input":"a"}"#), format!(r#"{{"inputs":["a"],{cut}"#));
        assert_eq!(written(r#"{"input":["a","b"]}"#), format!(r#"{{"inputs":["a","b"],{cut}"#));
        assert_eq!(written(r#"{"input":[["a"],["b"]]}"#), r#"{"inputs":[["a"],["b"]]}"#);
        assert_eq!(written(r#"{"input":"a","input_type":"query"}"#), r#"{"input_type":"query","inputs":["a"]}"#);
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
