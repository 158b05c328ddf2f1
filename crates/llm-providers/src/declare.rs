//! Rows of the configuration: the same keys as in `data/providers.toml`, for hosts that speak OpenAI's language.

use llm_types::{Error, Field, FieldSet, Result};
use serde::Deserialize;

use crate::generated::OPENAI_PARAMS as USUAL;
use crate::provider::{Compatible, Provider};
use crate::quirk::{Quirk, Quirks};
use crate::row::{Auth, BLANK, Header, Paths, ProviderRow};

/// What hosts of OpenAI's language take for embeddings.
const EMBED_USUAL: FieldSet = FieldSet::of(&[Field::User, Field::Dimensions, Field::EncodingFormat, Field::InputType]);

/// A row as a configuration writes it. What is not said is as for most hosts: bearer keys, `/chat/completions` and
/// `/embeddings`, all of OpenAI's parameters.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RowSpec {
    /// Its id: the first segment of `id/model`.
    pub id: String,
    /// Its name for people; the id, when it is missing.
    pub name: Option<String>,
    /// Where it is.
    pub base: Option<String>,
    /// Environment variables that override `base`.
    #[serde(default)]
    pub base_env: Vec<String>,
    /// Environment variables that hold the key.
    #[serde(default)]
    pub key_env: Vec<String>,
    /// The header that takes the key, when it is not a bearer.
    pub key_header: Option<String>,
    /// Headers that it wants besides; values may hold placeholders.
    #[serde(default)]
    pub headers: Vec<(String, String)>,
    /// Path of chat completions.
    pub chat: Option<String>,
    /// Path of legacy completions.
    pub completions: Option<String>,
    /// Path of embeddings.
    pub embeddings: Option<String>,
    /// Parameters that it takes beside OpenAI's.
    #[serde(default)]
    pub params_more: Vec<String>,
    /// Parameters of OpenAI's that it does not take.
    #[serde(default)]
    pub params_less: Vec<String>,
    /// Parameters that it calls by another name.
    #[serde(default)]
    pub renames: Vec<(String, String)>,
    /// Named deviations.
    #[serde(default)]
    pub quirks: Vec<String>,
    /// Its replies are true OpenAI wire.
    #[serde(default)]
    pub clean_reply: bool,
}

impl RowSpec {
    /// Makes a provider of the row. It lives as long as the process.
    ///
    /// # Errors
    /// `BadRequest` that names an unknown parameter or quirk.
    pub fn provider(self) -> Result<&'static dyn Provider> {
        let supported = USUAL.minus(fields(&self.params_less)?).union(fields(&self.params_more)?);
        let renames: Result<Vec<_>> =
            self.renames.into_iter().map(|(from, to)| Ok((field(&from)?, leak(to)))).collect();
        let auth = match self.key_header {
            Some(name) => Auth::Header { name: leak(name.to_ascii_lowercase()), value: "{key}" },
            None if self.key_env.is_empty() => Auth::BearerOptional,
            None => Auth::Bearer,
        };
        let header =
            |(name, value): (String, String)| Header { name: leak(name.to_ascii_lowercase()), value: leak(value) };
        let path = |given: Option<String>, usual| Some(given.map_or(usual, leak));
        let row = ProviderRow {
            display_name: leak(self.name.unwrap_or_else(|| self.id.clone())),
            id: leak(self.id),
            api_base: self.base.map(leak),
            api_base_env: leak_all(self.base_env),
            api_key_env: leak_all(self.key_env),
            auth,
            headers: Box::leak(self.headers.into_iter().map(header).collect()),
            supported,
            embed_supported: EMBED_USUAL,
            renames: Box::leak(renames?.into_boxed_slice()),
            quirks: quirks(&self.quirks)?,
            paths: Paths {
                chat: path(self.chat, "/chat/completions"),
                embeddings: path(self.embeddings, "/embeddings"),
                completions: self.completions.map(leak),
                ..Paths::NONE
            },
            clean_reply: self.clean_reply,
            stream_usage: supported.has(Field::StreamOptions),
            ..BLANK
        };
        Ok(Box::leak(Box::new(Compatible(Box::leak(Box::new(row))))))
    }
}

fn leak(text: String) -> &'static str {
    Box::leak(text.into_boxed_str())
}

fn leak_all(texts: Vec<String>) -> &'static [&'static str] {
    Box::leak(texts.into_iter().map(leak).collect())
}

fn field(name: &str) -> Result<Field> {
    Field::from_name(name).ok_or_else(|| Error::bad_request(format!("there is no parameter {name:?}")).with_param(name))
}

fn fields(names: &[String]) -> Result<FieldSet> {
    names.iter().map(|n| field(n)).collect()
}

fn quirks(names: &[String]) -> Result<Quirks> {
    let mut set = Quirks::NONE;
    for name in names {
        let quirk = Quirk::from_name(name);
        set.insert(
            quirk.ok_or_else(|| Error::bad_request(format!("there is no quirk {name:?}")).with_param("quirks"))?,
        );
    }
    Ok(set)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_of_the_configuration_serves_like_one_of_the_table() {
        let text = r#"{"id":"house-of-test","base":"https://llm.test/v1","key_env":["TEST_KEY"],
            "params_less":["seed"],"renames":[["max_completion_tokens","max_tokens"]],"quirks":["flatten_content"]}"#;
        let spec: RowSpec = serde_json::from_str(text).unwrap();
        crate::declare(spec.provider().unwrap());
        let resolved = crate::resolve("house-of-test/m", None, None).unwrap();
        let row = resolved.provider.row();
        assert_eq!((resolved.model.as_ref(), row.api_base), ("m", Some("https://llm.test/v1")));
        assert!(!row.supported.has(Field::Seed) && row.quirks.has(Quirk::FlattenContent));
        let wrong: RowSpec = serde_json::from_str(r#"{"id":"x","quirks":["no_such"]}"#).unwrap();
        assert!(wrong.provider().unwrap_err().message.contains("no_such"));
    }
}
