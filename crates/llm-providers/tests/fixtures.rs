//! Files are the cases: `fixtures/<provider>/<case>.json` holds a client's request, a deployment, and what must go to
//! the provider. `FIXTURES` names another folder; `UPDATE=1` rewrites what is expected.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "a test's own helpers"
)]

#[path = "fixtures/tasks.rs"]
mod tasks;

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use llm_catalog::Catalog;
use llm_providers::{Call, Endpoint, Params, Policy, Provider, Want, edit, provider::not_served, resolve, rules};
use llm_types::{Field, Format, Json, OperationKind, Secret};
use llm_wire::codec::{EncodeContext, Hints};
use llm_wire::top::Top;
use llm_wire::{ModelCaps, RequestView, registry};

fn folder() -> PathBuf {
    match std::env::var_os("FIXTURES") {
        Some(folder) => folder.into(),
        None => Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures"),
    }
}

fn cases() -> Vec<PathBuf> {
    let mut all = Vec::new();
    for provider in std::fs::read_dir(folder()).unwrap() {
        let files = std::fs::read_dir(provider.unwrap().path()).unwrap();
        all.extend(files.map(|f| f.unwrap().path()).filter(|file| file.extension().is_some_and(|e| e == "json")));
    }
    all.sort();
    all
}

/// What goes to the provider, or the error, as the fixture tells it.
fn outcome(case: &Json) -> Json {
    let sent = match case.text("operation") {
        Some(operation) => tasks::sent(case, operation),
        None => sent(case),
    };
    sent.unwrap_or_else(|error| told_error(&error))
}

fn told_error(error: &llm_types::Error) -> Json {
    let fields = [("kind", Json::from(error.kind.facts().class)), ("message", Json::from(error.message.as_str()))];
    Json::object([("error", Json::object(fields))])
}

fn sent(case: &Json) -> llm_types::Result<Json> {
    let params = tasks::params(case);
    let api_base = params.str("api_base");
    let resolved = resolve(params.str("model").unwrap(), params.str("custom_llm_provider"), api_base)?;
    let (provider, model) = (resolved.provider, resolved.model.as_ref());
    let format = match case.text("format") {
        Some("openai-completions") => Format::OpenAiCompletions,
        Some("openai-embeddings") => Format::OpenAiEmbeddings,
        Some("anthropic-messages") => Format::AnthropicMessages,
        Some("openai-responses") => Format::OpenAiResponses,
        _ => Format::OpenAiChat,
    };
    let embed = format == Format::OpenAiEmbeddings;
    let operation = if embed { OperationKind::Embed } else { OperationKind::Generate };
    let want = Want { operation, format, model };
    let upstream = provider.protocols(&want).best().ok_or_else(|| not_served(provider.row(), &want))?;
    let body = case.get("request").unwrap().to_string();
    let stream = case.get("request").and_then(|r| r.get("stream")).and_then(Json::as_bool) == Some(true);
    let top = Top::parse(body.as_bytes())?;
    let caps = rules::caps(Catalog::builtin(), provider.row().id, provider.rules_model(model, &params));
    let caps = provider.caps(model, caps);
    let policy = Policy {
        drop_params: params.bool("drop_params").unwrap_or_default(),
        allowed_openai_params: params.strings("allowed_openai_params").map(str::to_owned).collect(),
        additional_drop_params: params.strings("additional_drop_params").map(str::to_owned).collect(),
        client: Some(format),
        ..Policy::default()
    };
    let asked = Asked { provider, model, params: &params, caps: &caps, policy: &policy, format, upstream };
    let (mut body, extra) = match (embed, upstream == format) {
        (true, same) => asked.embeddings(&top, same)?,
        (false, true) => asked.same_format(&top)?,
        (false, false) => asked.translated(body.as_bytes())?,
    };
    if upstream.model_in_body() && (upstream == format || !embed) {
        body.set("model", provider.wire_model(model).as_ref());
    }
    let native = upstream == format && format == Format::AnthropicMessages;
    let betas = if native { edit::betas(&top) } else { Vec::new() };
    let told = case.get("client_headers").and_then(Json::as_object).unwrap_or_default();
    let told: Vec<(String, String)> =
        told.iter().map(|(name, value)| (name.clone(), value.as_str().unwrap().to_owned())).collect();
    let mut endpoint = Endpoint::default();
    let key = params.secret("api_key").unwrap_or(Secret::new(""));
    let call = Call {
        operation,
        format: upstream,
        client_format: format,
        model,
        stream,
        api_base,
        api_key: Some(&key),
        params: &params,
        betas: &betas,
        client_headers: &told,
    };
    provider.endpoint(&call, &mut endpoint)?;
    if provider.prepares(&call) {
        let prepared = provider.prepare(&call, body.to_string().into())?;
        body = serde_json::from_slice(&prepared).unwrap();
    }
    if provider.steers(&call) {
        let steered = provider.steer(&call, body.to_string().into(), &mut endpoint)?;
        body = serde_json::from_slice(&steered).unwrap();
    }
    for (name, value) in &extra {
        endpoint.set(name, value)?;
    }
    let mut headers: Vec<(String, Json)> =
        endpoint.headers.iter().map(|(k, v)| (k.to_string(), Json::from(v.to_str().unwrap()))).collect();
    headers.sort_by(|a, b| a.0.cmp(&b.0));
    Ok(Json::object([("url", Json::from(endpoint.url)), ("headers", Json::Object(headers)), ("body", body)]))
}

/// A request and what it is judged by.
struct Asked<'a> {
    provider: &'static dyn Provider,
    model: &'a str,
    params: &'a Params,
    caps: &'a ModelCaps,
    policy: &'a Policy,
    format: Format,
    upstream: Format,
}

type Sent = (Json, Vec<(String, String)>);

impl Asked<'_> {
    /// The body after the row's edits.
    fn edited(&self, body: &[u8]) -> llm_types::Result<Sent> {
        let (top, mut hints) = (Top::parse(body)?, Hints::default());
        let Self { provider, model, params, caps, policy, upstream, .. } = self;
        let edited = edit::generate(*provider, *upstream, model, params, caps, &top, policy, &mut hints)?;
        let (text, extra) = edited.map_or_else(|| (body.to_vec(), Vec::new()), |e| (e.body.to_vec(), e.headers));
        Ok((serde_json::from_slice(&text).unwrap(), extra))
    }

    fn same_format(&self, top: &Top<'_>) -> llm_types::Result<Sent> {
        self.edited(&top.edited(&[]))
    }

    fn context<'m>(&self, model: &'m str) -> EncodeContext<'m> {
        EncodeContext {
            caps: *self.caps,
            drop_params: self.policy.drop_params,
            allowed: self.policy.allowed_openai_params.iter().filter_map(|n| Field::from_name(n)).collect(),
            ..EncodeContext::for_model(model)
        }
    }

    /// What the engine does where client and provider speak different languages.
    fn translated(&self, body: &[u8]) -> llm_types::Result<Sent> {
        let view = RequestView { path: "", query: "", body };
        let mut request = registry::client_generate(self.format).unwrap().decode_request(&view)?;
        edit::clear(&mut request, self.policy);
        if self.format == Format::AnthropicMessages {
            let Self { provider, model, params, caps, upstream, .. } = *self;
            let _names = edit::Bridge { provider, model, params, caps, upstream }.cross(&mut request);
        }
        let present = rules::present(&request, self.model, self.upstream, self.policy);
        let dropped = rules::check(self.provider, self.model, self.params, self.caps, present, &request, self.policy)?;
        rules::drop_fields(&mut request, dropped);
        let model = self.provider.wire_model(self.model);
        let mut out = bytes::BytesMut::new();
        let codec = registry::upstream_generate(self.upstream).unwrap();
        codec.encode_request(&request, &mut self.context(&model), &mut out)?;
        self.edited(&out)
    }

    fn embeddings(&self, top: &Top<'_>, same: bool) -> llm_types::Result<Sent> {
        let edited = edit::embeddings(self.provider, self.model, self.params, self.caps, top, self.policy)?;
        let (text, extra) = edited.map_or_else(|| (top.edited(&[]), Vec::new()), |e| (e.body, e.headers));
        if same {
            return Ok((serde_json::from_slice(&text).unwrap(), extra));
        }
        let view = RequestView { path: "", query: "", body: &text };
        let request = registry::client_embed(self.format).unwrap().decode_request(&view)?;
        let model = self.provider.wire_model(self.model);
        let mut out = bytes::BytesMut::new();
        let codec = registry::upstream_embed(self.upstream).unwrap();
        codec.encode_request(&request, &mut self.context(&model), &mut out)?;
        Ok((serde_json::from_slice(&out).unwrap(), extra))
    }
}

/// One key per line, so that changes can be read.
fn lines_of(case: &Json) -> String {
    let fields = case.as_object().unwrap().iter().map(|(k, v)| format!("  \"{k}\": {v}"));
    format!("{{\n{}\n}}\n", fields.collect::<Vec<_>>().join(",\n"))
}

/// What differs, one line each; the order of keys does not count, nor what a message says after the expected words.
fn differences(expected: &Json, got: &Json, path: &str, out: &mut String) {
    match (expected, got) {
        (Json::Object(a), Json::Object(b)) => {
            for (key, value) in a {
                match got.get(key) {
                    Some(other) => differences(value, other, &format!("{path}.{key}"), out),
                    None => writeln!(out, "  {path}.{key}: expected {value}, got nothing").unwrap(),
                }
            }
            for (key, value) in b.iter().filter(|(k, _)| expected.get(k).is_none()) {
                writeln!(out, "  {path}.{key}: expected nothing, got {value}").unwrap();
            }
        }
        (Json::Array(a), Json::Array(b)) if a.len() == b.len() => {
            a.iter().zip(b).enumerate().for_each(|(at, (x, y))| differences(x, y, &format!("{path}[{at}]"), out));
        }
        (Json::Number(a), Json::Number(b)) if a.as_f64() == b.as_f64() => {}
        _ if expected == got => {}
        _ if path == "expect.error.message"
            && got.as_str().unwrap_or_default().starts_with(expected.as_str().unwrap()) => {}
        _ => writeln!(out, "  {path}: expected {expected}, got {got}").unwrap(),
    }
}

#[test]
fn every_case_goes_out_as_recorded() {
    let update = std::env::var_os("UPDATE").is_some();
    let (mut failed, mut total, mut report) = (0, 0, String::new());
    for path in cases() {
        let mut case: Json = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
        let got = outcome(&case);
        let mut lines = String::new();
        differences(case.get("expect").unwrap_or(&Json::Null), &got, "expect", &mut lines);
        total += 1;
        if lines.is_empty() {
            continue;
        }
        if update {
            case.set("expect", got);
            std::fs::write(&path, lines_of(&case)).unwrap();
            continue;
        }
        failed += 1;
        writeln!(report, "{}\n{lines}", path.display()).unwrap();
    }
    assert!(total > 0, "no fixtures in {}", folder().display());
    assert!(failed == 0, "{failed} of {total} cases differ\n{report}");
}
