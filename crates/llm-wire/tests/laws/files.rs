//! Fixtures, snapshots, and how JSON is compared.

use std::fs;
use std::path::{Path, PathBuf};

use bytes::BytesMut;
use llm_types::{FieldSet, Format, Json};
use llm_wire::codec::Hints;
use llm_wire::{EncodeContext, ModelCaps, ReplyContext};

/// Formats of conversations.
pub(crate) const GENERATE: [Format; 5] = [
    Format::OpenAiChat,
    Format::OpenAiResponses,
    Format::OpenAiCompletions,
    Format::AnthropicMessages,
    Format::GeminiGenerate,
];

/// One fixture.
#[derive(Debug)]
pub(crate) struct Fixture {
    pub(crate) format: Format,
    pub(crate) case: String,
    pub(crate) kind: &'static str,
    pub(crate) body: Vec<u8>,
}

impl Fixture {
    pub(crate) fn name(&self) -> String {
        format!("{}/{}.{}", self.format, self.case, self.kind)
    }

    /// Status in the name of the case, if there is one.
    pub(crate) fn status(&self) -> u16 {
        self.case.rsplit('.').next().and_then(|s| s.parse().ok()).unwrap_or(400)
    }

    fn snapshot_path(&self, what: &str) -> PathBuf {
        let kind = self.kind.split('.').next().unwrap();
        root().join(self.format.name()).join("snapshots").join(format!("{}.{kind}.{what}", self.case))
    }

    /// Compares with the snapshot, or rewrites it.
    pub(crate) fn snapshot(&self, what: &str, text: &str, wrong: &mut Vec<String>) {
        let path = self.snapshot_path(what);
        if std::env::var_os("UPDATE").is_some() {
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, text).unwrap();
            return;
        }
        match fs::read_to_string(&path) {
            Ok(old) if old == text => {}
            Ok(old) => wrong.push(format!(
                "{}: {}\n  was: {}\n  now: {}",
                self.name(),
                path.display(),
                first_change(&old, text),
                first_change(text, &old)
            )),
            Err(_) => {
                wrong.push(format!("{}: no snapshot {}; run with UPDATE=1 and review it", self.name(), path.display()))
            }
        }
    }

    /// The file that admits a rewriting, if there is one.
    pub(crate) fn again(&self) -> Option<PathBuf> {
        Some(self.snapshot_path("again.json")).filter(|p| p.exists())
    }
}

fn first_change(a: &str, b: &str) -> String {
    let changed = a.lines().zip(b.lines().chain(std::iter::repeat(""))).find(|(x, y)| x != y);
    changed.map_or_else(|| "(shorter)".to_owned(), |(line, _)| line.chars().take(300).collect())
}

pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures")
}

/// All fixtures of a kind, in the given formats, in order.
pub(crate) fn fixtures(formats: &[Format], kind: &'static str) -> Vec<Fixture> {
    let mut out = Vec::new();
    for &format in formats {
        let Ok(dir) = fs::read_dir(root().join(format.name())) else { continue };
        for entry in dir {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap();
            if let Some(case) = name.strip_suffix(kind).and_then(|n| n.strip_suffix('.')) {
                out.push(Fixture { format, case: case.to_owned(), kind, body: fs::read(&path).unwrap() });
            }
        }
    }
    out.sort_by_key(Fixture::name);
    out
}

/// Fails with all problems at once.
pub(crate) fn report(wrong: &[String]) {
    assert!(wrong.is_empty(), "{} problem(s):\n{}", wrong.len(), wrong.join("\n"));
}

/// A model that can do everything: what is bent then is bent by the format alone.
pub(crate) fn able() -> ModelCaps {
    ModelCaps {
        known: true,
        max_output_tokens: Some(8192),
        structured_output: true,
        reasoning: true,
        effort_none: true,
        effort_minimal: true,
        effort_xhigh: true,
        effort_max: true,
        forced_tool_use: true,
        sampling_params: true,
        vision: true,
        tools: true,
        mid_system: true,
        speed: true,
        prompt_cache: true,
        cache_hour: true,
        tool_choice: true,
        parallel_tool_config: true,
        ..ModelCaps::default()
    }
}

pub(crate) fn encode_context(model: &str) -> EncodeContext<'_> {
    EncodeContext {
        model,
        provider: "provider",
        caps: able(),
        drop_params: true,
        modify_params: false,
        allowed: FieldSet::EMPTY,
        lost: Vec::new(),
        hints: Hints::default(),
        betas: Vec::new(),
    }
}

pub(crate) fn reply_context(upstream: Format) -> ReplyContext {
    ReplyContext {
        fallback_id: "chatcmpl-fallback".to_owned(),
        created: 1_700_000_000,
        include_usage: true,
        upstream: Some(upstream),
        ..ReplyContext::default()
    }
}

pub(crate) fn tree(body: &[u8]) -> Json {
    serde_json::from_slice(body).unwrap_or_else(|e| panic!("not JSON: {e}: {}", String::from_utf8_lossy(body)))
}

/// JSON on many lines, for people.
pub(crate) fn pretty(json: &Json) -> String {
    serde_json::to_string_pretty(json).unwrap() + "\n"
}

pub(crate) fn written(write: impl FnOnce(&mut BytesMut)) -> BytesMut {
    let mut out = BytesMut::new();
    write(&mut out);
    out
}

/// Values that codecs only carry: the order of their keys must survive.
const CARRIED: [&str; 12] = [
    "parameters",
    "input_schema",
    "schema",
    "metadata",
    "logit_bias",
    "prediction",
    "cache_control",
    "input",
    "logprobs",
    "annotations",
    "web_search_options",
    "custom_field",
];

/// The `input` of a tool call is carried; the one of a Responses request is read.
fn is_carried(key: &str, value: &Json) -> bool {
    CARRIED.contains(&key) && (key != "input" || value.as_object().is_some())
}

/// Where two values differ, if they do. Null and absent are the same, and so is `stream: false`. The order of keys
/// counts inside of values that are only carried.
pub(crate) fn difference(a: &Json, b: &Json, path: &str, ordered: bool) -> Option<String> {
    match (a, b) {
        (Json::Object(x), Json::Object(y)) => {
            let said = |o: &[(String, Json)]| -> Vec<(String, Json)> {
                let silent = |k: &str, v: &Json| v.is_null() || (k == "stream" && v.as_bool() == Some(false));
                o.iter().filter(|(k, v)| !silent(k, v)).cloned().collect()
            };
            let (x, y) = (said(x), said(y));
            if ordered && x.iter().map(|f| &f.0).ne(y.iter().map(|f| &f.0)) {
                return Some(format!("{path}: the order of keys changed"));
            }
            if let Some((extra, _)) = y.iter().find(|(k, _)| !x.iter().any(|(o, _)| o == k)) {
                return Some(format!("{path}.{extra}: new"));
            }
            x.iter().find_map(|(key, value)| {
                let path = format!("{path}.{key}");
                match y.iter().find(|(k, _)| k == key) {
                    Some((_, other)) => difference(value, other, &path, ordered || is_carried(key, value)),
                    None => Some(format!("{path}: gone")),
                }
            })
        }
        (Json::Array(x), Json::Array(y)) if x.len() == y.len() => {
            x.iter().zip(y).enumerate().find_map(|(at, (x, y))| difference(x, y, &format!("{path}[{at}]"), ordered))
        }
        _ if a == b => None,
        _ => Some(format!("{path}: {a} became {b}")),
    }
}

/// Prefixes of a body: all of a short one, a sample of a long one.
pub(crate) fn prefixes(body: &[u8]) -> impl Iterator<Item = &[u8]> {
    let step = body.len() / 700 + 1;
    (0..=body.len()).step_by(step).map(|end| &body[..end])
}
