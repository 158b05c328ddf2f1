//! Rows of the configuration: the same keys as in `data/providers.toml`.

use llm_types::{Error, Field, FieldSet, Format, OperationKind, Result};
use serde::de::{MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

use crate::generated::OPENAI_PARAMS as USUAL;
use crate::provider::{Compatible, Provider};
use crate::quirk::{Quirk, Quirks};
use crate::row::{Auth, BLANK, Header, Paths, ProviderRow, RowFormat, Task};

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
    /// How the key is shown: `bearer`, `bearer_optional`, `none`, or a header and its value. A bearer, when it is missing.
    pub auth: Option<AuthSpec>,
    /// Short for `auth` with a header that holds nothing but the key.
    pub key_header: Option<String>,
    /// Headers that it wants besides; values may hold placeholders.
    #[serde(default, deserialize_with = "pairs")]
    pub headers: Vec<(String, String)>,
    /// The language of its `chat` path, by the name of the format; OpenAI's, when it is missing.
    pub format: Option<String>,
    /// The language of its `embeddings` path.
    pub embed_format: Option<String>,
    /// Other operations: where they are, and in which language when not in OpenAI's.
    #[serde(default, deserialize_with = "pairs")]
    pub tasks: Vec<(String, TaskSpec)>,
    /// Path of conversations, in its language.
    pub chat: Option<String>,
    /// Path of OpenAI's Responses.
    pub responses: Option<String>,
    /// Path of Anthropic's Messages.
    pub messages: Option<String>,
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
    #[serde(default, deserialize_with = "pairs")]
    pub renames: Vec<(String, String)>,
    /// Named deviations.
    #[serde(default)]
    pub quirks: Vec<String>,
    /// Its replies are true OpenAI wire.
    #[serde(default)]
    pub clean_reply: bool,
}

/// How a host wants to be shown the key.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
pub enum AuthSpec {
    /// `bearer`, `bearer_optional` or `none`.
    Word(String),
    /// A header.
    Header {
        /// Its name
        header: String,
        /// Its value, in which `{key}` stands for the key; the bare key when it is missing
        value: Option<String>,
    },
}

/// Where an operation is.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
pub enum TaskSpec {
    /// Its path, in OpenAI's or LiteLLM's own language.
    Path(String),
    /// Its path in another language.
    Said {
        /// The path
        path: String,
        /// The name of the format
        format: Option<String>,
    },
}

/// Operations by their keys in `tasks`, and the language that is meant when none is named.
const TASKS: [(&str, OperationKind, Format); 11] = [
    ("images", OperationKind::Image, Format::OpenAiImages),
    ("image_edits", OperationKind::ImageEdit, Format::OpenAiImages),
    ("image_variations", OperationKind::ImageVariation, Format::OpenAiImages),
    ("transcriptions", OperationKind::Transcribe, Format::OpenAiAudio),
    ("translations", OperationKind::Translate, Format::OpenAiAudio),
    ("speech", OperationKind::Speech, Format::OpenAiAudio),
    ("moderations", OperationKind::Moderate, Format::OpenAiModerations),
    ("rerank", OperationKind::Rerank, Format::CohereRerank),
    ("ocr", OperationKind::Ocr, Format::MistralOcr),
    ("search", OperationKind::Search, Format::Search),
    ("videos", OperationKind::Video, Format::OpenAiVideos),
];

/// How paths of conversations end in OpenAI's language; where they do, other operations are beside them.
const CHAT: &str = "chat/completions";
const USUAL_TASKS: [(&str, &str); 4] = [
    ("images", "images/generations"),
    ("transcriptions", "audio/transcriptions"),
    ("translations", "audio/translations"),
    ("speech", "audio/speech"),
];

impl RowSpec {
    /// Makes a provider of the row. It lives as long as the process.
    ///
    /// # Errors
    /// `BadRequest` that names an unknown parameter, quirk, format or operation.
    pub fn provider(self) -> Result<&'static dyn Provider> {
        let chat_format = self.format.as_deref().map_or(Ok(Format::OpenAiChat), format)?;
        let embed_format = self.embed_format.as_deref().map_or(Ok(Format::OpenAiEmbeddings), format)?;
        let (row_format, paths) = self.paths(chat_format)?;
        let mut tasks: Vec<Task> = self.tasks.iter().map(|(name, spec)| task(name, spec)).collect::<Result<_>>()?;
        if let Some(root) = paths.chat.filter(|_| row_format == RowFormat::OpenAi).and_then(|p| p.strip_suffix(CHAT)) {
            for (name, path) in USUAL_TASKS.iter().filter(|(name, _)| self.tasks.iter().all(|(told, _)| told != name)) {
                tasks.push(task(name, &TaskSpec::Path(format!("{root}{path}")))?);
            }
        }
        let supported = USUAL.minus(fields(&self.params_less)?).union(fields(&self.params_more)?);
        let renames: Result<Vec<_>> =
            self.renames.into_iter().map(|(from, to)| Ok((field(&from)?, leak(to)))).collect();
        let auth = match (self.auth, self.key_header) {
            (Some(auth), _) => auth.read()?,
            (None, Some(name)) => Auth::Header { name: leak(name.to_ascii_lowercase()), value: "{key}" },
            (None, None) if self.key_env.is_empty() => Auth::BearerOptional,
            (None, None) => Auth::Bearer,
        };
        let header =
            |(name, value): (String, String)| Header { name: leak(name.to_ascii_lowercase()), value: leak(value) };
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
            format: row_format,
            chat_format,
            embed_format,
            tasks: Box::leak(tasks.into_boxed_slice()),
            paths,
            clean_reply: self.clean_reply,
            stream_usage: supported.has(Field::StreamOptions),
            ..BLANK
        };
        Ok(Box::leak(Box::new(Compatible(Box::leak(Box::new(row))))))
    }

    /// The paths, and what they say of the row.
    fn paths(&self, chat: Format) -> Result<(RowFormat, Paths)> {
        if llm_wire::registry::upstream_generate(chat).is_none() {
            return Err(Error::bad_request(format!("no host is asked in {chat}")).with_param("format"));
        }
        let given = |path: &Option<String>| path.as_ref().map(|p| leak(p.clone()));
        let openai = chat == Format::OpenAiChat;
        let usual = |path: &Option<String>, usual| given(path).or(openai.then_some(usual));
        let mut paths = Paths {
            chat: usual(&self.chat, "/chat/completions"),
            embeddings: usual(&self.embeddings, "/embeddings").filter(|_| openai || self.embed_format.is_some()),
            completions: given(&self.completions),
            responses: given(&self.responses),
            messages: given(&self.messages),
        };
        match chat {
            Format::OpenAiChat => Ok((RowFormat::OpenAi, paths)),
            Format::AnthropicMessages => {
                paths.messages = paths.messages.or(paths.chat.take()).or(Some("/v1/messages"));
                Ok((RowFormat::Anthropic, paths))
            }
            _ if paths.chat.is_none() => {
                Err(Error::bad_request("a host of this format needs its path").with_param("chat"))
            }
            _ => Ok((RowFormat::Own, paths)),
        }
    }
}

impl AuthSpec {
    fn read(self) -> Result<Auth> {
        Ok(match self {
            Self::Word(word) => match word.as_str() {
                "bearer" => Auth::Bearer,
                "bearer_optional" => Auth::BearerOptional,
                "none" => Auth::None,
                other => return Err(Error::bad_request(format!("there is no auth {other:?}")).with_param("auth")),
            },
            Self::Header { header, value } => {
                Auth::Header { name: leak(header.to_ascii_lowercase()), value: value.map_or("{key}", leak) }
            }
        })
    }
}

fn task(name: &str, spec: &TaskSpec) -> Result<Task> {
    let (_, operation, usual) = *TASKS.iter().find(|(key, ..)| *key == name).ok_or_else(|| {
        let known: Vec<&str> = TASKS.iter().map(|(key, ..)| *key).collect();
        Error::bad_request(format!("there is no task {name:?}; known: {}", known.join(", "))).with_param("tasks")
    })?;
    let (path, own) = match spec {
        TaskSpec::Path(path) => (path, None),
        TaskSpec::Said { path, format } => (path, format.as_deref()),
    };
    let format = own.map_or(Ok(usual), format)?;
    if llm_wire::registry::task(format).is_none() {
        return Err(Error::bad_request(format!("no host is asked for {name} in {format}")).with_param("tasks"));
    }
    Ok(Task { operation, format, path: leak(path.clone()), ..Task::BLANK })
}

fn format(name: &str) -> Result<Format> {
    Format::from_name(name)
        .ok_or_else(|| Error::bad_request(format!("there is no format {name:?}")).with_param("format"))
}

/// Pairs, as a map or as a list of lists of two, in their order.
fn pairs<'de, D: Deserializer<'de>, T: Deserialize<'de>>(d: D) -> Result<Vec<(String, T)>, D::Error> {
    struct Both<T>(std::marker::PhantomData<T>);
    impl<'de, T: Deserialize<'de>> Visitor<'de> for Both<T> {
        type Value = Vec<(String, T)>;
        fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("a map")
        }
        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
            let mut all = Vec::new();
            while let Some(pair) = map.next_entry()? {
                all.push(pair);
            }
            Ok(all)
        }
        fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
            let mut all = Vec::new();
            while let Some(pair) = list.next_element()? {
                all.push(pair);
            }
            Ok(all)
        }
    }
    d.deserialize_any(Both(std::marker::PhantomData))
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

    #[test]
    fn rows_speak_other_languages() {
        let text = r#"{"id":"house-of-claude","base":"https://llm.test","format":"anthropic-messages",
            "auth":{"header":"X-Key","value":"Token {key}"},"headers":{"x-team":"a"},
            "tasks":{"rerank":"/rerank","speech":{"path":"/say","format":"openai-audio"}}}"#;
        let row = serde_json::from_str::<RowSpec>(text).unwrap().provider().unwrap().row();
        assert_eq!((row.paths.messages, row.paths.chat, row.paths.embeddings), (Some("/v1/messages"), None, None));
        assert_eq!(row.auth, Auth::Header { name: "x-key", value: "Token {key}" });
        assert_eq!(row.task(OperationKind::Rerank).unwrap().format, Format::CohereRerank);
        assert_eq!(row.task(OperationKind::Speech).unwrap().path, "/say");
        let text = r#"{"id":"house-of-cohere","format":"cohere-chat-v2","chat":"/v2/chat","embeddings":"/v2/embed","embed_format":"cohere-embed"}"#;
        let row = serde_json::from_str::<RowSpec>(text).unwrap().provider().unwrap().row();
        assert_eq!((row.chat_format, row.embed_format), (Format::CohereChatV2, Format::CohereEmbed));
        for (wrong, word) in [
            (r#""format":"klingon""#, "klingon"),
            (r#""format":"openai-embeddings""#, "openai-embeddings"),
            (r#""format":"cohere-chat-v2""#, "path"),
            (r#""auth":"magic""#, "magic"),
            (r#""tasks":{"dance":"/d"}"#, "dance"),
            (r#""tasks":{"rerank":{"path":"/r","format":"openai-chat"}}"#, "openai-chat"),
        ] {
            let spec: RowSpec = serde_json::from_str(&format!("{{\"id\":\"x\",{wrong}}}")).unwrap();
            assert!(spec.provider().unwrap_err().message.contains(word), "{wrong}");
        }
    }
}
