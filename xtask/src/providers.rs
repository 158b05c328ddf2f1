//! `data/providers.toml` becomes `crates/llm-providers/src/generated/rows.rs`.

use std::fmt::Write as _;

use anyhow::{Context, Result, bail, ensure};
use indexmap::IndexMap;
use serde::Deserialize;

use crate::generated::{Generated, root};
use llm_types::Format;

/// Where the table is.
const SOURCE: &str = "data/providers.toml";
/// What is made of it.
const TARGET: &str = "crates/llm-providers/src/generated/rows.rs";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    params: IndexMap<String, Vec<String>>,
    provider: Vec<Row>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    id: String,
    name: String,
    /// Other first segments of model strings.
    #[serde(default)]
    prefixes: Vec<String>,
    /// The folder with its control flow.
    folder: Option<String>,
    base: Option<String>,
    #[serde(default)]
    base_env: Vec<String>,
    #[serde(default)]
    key_env: Vec<String>,
    #[serde(default)]
    auth: Auth,
    #[serde(default)]
    headers: IndexMap<String, String>,
    format: Option<String>,
    /// The language of the `embeddings` path.
    embed_format: Option<String>,
    /// Other operations.
    #[serde(default)]
    tasks: IndexMap<String, TaskPath>,
    not_served: Option<String>,
    chat: Option<String>,
    completions: Option<String>,
    embeddings: Option<String>,
    responses: Option<String>,
    messages: Option<String>,
    #[serde(default)]
    params: Vec<String>,
    #[serde(default)]
    params_more: Vec<String>,
    #[serde(default)]
    params_less: Vec<String>,
    #[serde(default)]
    params_if: IndexMap<String, Vec<String>>,
    #[serde(default)]
    params_for_model: Vec<Named>,
    #[serde(default)]
    params_unless_model: Vec<Named>,
    #[serde(default)]
    embed_params: Vec<String>,
    #[serde(default)]
    renames: IndexMap<String, String>,
    #[serde(default)]
    quirks: Vec<String>,
    /// Quirks of some models only.
    #[serde(default)]
    quirks_for_model: Vec<NamedQuirks>,
    /// `anthropic-beta` values that it understands, with its names for them.
    #[serde(default)]
    betas: IndexMap<String, String>,
    /// What short model names are short for.
    model_short: Option<String>,
    /// What dotted model names are written into.
    model_dotted: Option<String>,
    /// Streams report usage only when the client asks.
    #[serde(default)]
    usage_on_request: bool,
    #[serde(default)]
    clean_reply: bool,
    /// The proof in the blocks that repeat the thoughts of its streams.
    block_proof: Option<String>,
    #[serde(default)]
    hosts: Vec<String>,
    #[serde(default)]
    bare_models: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Named {
    like: Vec<String>,
    params: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NamedQuirks {
    like: Vec<String>,
    quirks: Vec<String>,
}

/// Where a task is, and in which language when not in the client's.
#[derive(Deserialize)]
#[serde(untagged)]
enum TaskPath {
    Path(String),
    Said(TaskSpec),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TaskSpec {
    path: String,
    format: Option<String>,
    base: Option<String>,
    model: Option<String>,
    takes: Option<Vec<String>>,
    #[serde(default)]
    leaves: Vec<String>,
    auth: Option<Auth>,
}

/// Names of tasks in the table: the operation, and the language that LiteLLM's clients speak.
const TASKS: [(&str, &str, Format); 11] = [
    ("images", "Image", Format::OpenAiImages),
    ("image_edits", "ImageEdit", Format::OpenAiImages),
    ("image_variations", "ImageVariation", Format::OpenAiImages),
    ("transcriptions", "Transcribe", Format::OpenAiAudio),
    ("translations", "Translate", Format::OpenAiAudio),
    ("speech", "Speech", Format::OpenAiAudio),
    ("moderations", "Moderate", Format::OpenAiModerations),
    ("rerank", "Rerank", Format::CohereRerank),
    ("ocr", "Ocr", Format::MistralOcr),
    ("search", "Search", Format::Search),
    ("videos", "Video", Format::OpenAiVideos),
];

#[derive(Deserialize)]
#[serde(untagged)]
enum Auth {
    Word(String),
    Header { header: String, value: Option<String> },
    Query { query: String },
    Computed { computed: String },
}

impl Default for Auth {
    fn default() -> Self {
        Self::Word("bearer".into())
    }
}

/// The generated files.
///
/// # Errors
/// When the table cannot be read or contradicts itself.
pub(crate) fn generate() -> Result<Vec<Generated>> {
    let source = std::fs::read_to_string(root().join(SOURCE)).context(SOURCE)?;
    Ok(vec![Generated::rust(TARGET, &rows(&source)?)?])
}

/// The generated file, not formatted yet.
///
/// # Errors
/// When the table cannot be read or contradicts itself; the row is named.
fn rows(toml: &str) -> Result<String> {
    let mut table: Table = toml::from_str(toml).context(SOURCE)?;
    table.provider.sort_by(|a, b| a.id.cmp(&b.id));
    let mut out = String::from(
        "// Generated from data/providers.toml by `cargo xtask codegen`. Do not edit.\n\n\
         use llm_types::{Field as F, FieldSet, Format, OperationKind};\n\n\
         use crate::provider::{Compatible, Provider};\n\
         use crate::quirk::{Quirk as Q, Quirks};\n\
         use crate::row::{Auth, BLANK, Cap, Header, ModelName, Paths, ProviderRow, RowFormat, Task};\n\n",
    );
    for (name, fields) in &table.params {
        writeln!(out, "/// The parameter set `{name}`.")?;
        writeln!(out, "pub(crate) const {}: FieldSet = {};\n", set_name(name), field_set(fields))?;
    }
    for row in &table.provider {
        write_row(row, &table.params, &mut out).with_context(|| format!("row {:?}", row.id))?;
    }
    write_tables(&table.provider, &mut out)?;
    Ok(out)
}

fn write_row(row: &Row, sets: &IndexMap<String, Vec<String>>, out: &mut String) -> Result<()> {
    let mut fields = Vec::new();
    let mut put = |key: &'static str, value: String| fields.push((key, value));
    put("id", text(&row.id));
    put("display_name", text(&row.name));
    put_list(&mut put, "prefixes", &row.prefixes);
    if let Some(base) = &row.base {
        put("api_base", some(base));
    }
    put_list(&mut put, "api_base_env", &row.base_env);
    put_list(&mut put, "api_key_env", &row.key_env);
    if let Some(auth) = auth(&row.auth)? {
        put("auth", auth);
    }
    if !row.headers.is_empty() {
        let all = row.headers.iter().map(|(k, v)| format!("Header {{ name: {}, value: {} }}", text(k), text(v)));
        put("headers", list(all));
    }
    match (&row.not_served, row.format.as_deref()) {
        (Some(format), None) => put("format", format!("RowFormat::NotServed({})", text(format))),
        (None, Some("anthropic")) => put("format", "RowFormat::Anthropic".into()),
        (None, None) => {}
        (None, Some(own)) => {
            put("format", "RowFormat::Own".into());
            put("chat_format", format_name(own)?);
        }
        (_, format) => bail!("a format {format:?} cannot stand here"),
    }
    if let Some(own) = &row.embed_format {
        put("embed_format", format_name(own)?);
    }
    put_tasks(row, &mut put)?;
    put_params(row, sets, &mut put)?;
    if !row.embed_params.is_empty() {
        put("embed_supported", field_set(&row.embed_params));
    }
    if !row.renames.is_empty() {
        put("renames", list(row.renames.iter().map(|(from, to)| format!("(F::{}, {})", camel(from), text(to)))));
    }
    if !row.quirks.is_empty() {
        put("quirks", quirk_set(&row.quirks));
    }
    if !row.quirks_for_model.is_empty() {
        let one = |n: &NamedQuirks| format!("({}, {})", list(n.like.iter().map(|l| text(l))), quirk_set(&n.quirks));
        put("quirks_like", list(row.quirks_for_model.iter().map(one)));
    }
    if !row.betas.is_empty() {
        put("betas", list(row.betas.iter().map(|(from, to)| format!("({}, {})", text(from), text(to)))));
    }
    match (&row.model_short, &row.model_dotted) {
        (Some(short), None) => put("model_name", format!("ModelName::Short({})", text(short))),
        (None, Some(dotted)) => put("model_name", format!("ModelName::Dotted({})", text(dotted))),
        (None, None) => {}
        _ => bail!("model_short and model_dotted exclude each other"),
    }
    put_paths(row, &mut put)?;
    if row.clean_reply {
        put("clean_reply", "true".into());
    }
    if let Some(proof) = &row.block_proof {
        put("block_proof", format!("Some({})", text(proof)));
    }
    put_list(&mut put, "hosts", &row.hosts);
    put_list(&mut put, "bare_models", &row.bare_models);
    writeln!(out, "pub(crate) static {}: ProviderRow = ProviderRow {{", shout(&row.id))?;
    for (key, value) in fields {
        writeln!(out, "    {key}: {value},")?;
    }
    out.push_str("    ..BLANK\n};\n\n");
    Ok(())
}

fn format_name(name: &str) -> Result<String> {
    let format = Format::from_name(name).with_context(|| format!("there is no format {name:?}"))?;
    Ok(format!("Format::{format:?}"))
}

/// What every host that speaks OpenAI's chat is asked for in OpenAI's way, as LiteLLM does, unless its row says where
/// and how.
const OPENAI_TASKS: [(&str, &str); 4] = [
    ("images", "images/generations"),
    ("transcriptions", "audio/transcriptions"),
    ("translations", "audio/translations"),
    ("speech", "audio/speech"),
];

fn put_tasks(row: &Row, put: &mut impl FnMut(&'static str, String)) -> Result<()> {
    let told = row.tasks.iter().map(|(name, path)| task(name, path));
    let chat = row.chat.as_deref().filter(|_| row.format.is_none() && row.folder.is_none());
    let root = chat.and_then(|path| path.strip_suffix("chat/completions"));
    let usual = OPENAI_TASKS.iter().filter(|(name, _)| !row.tasks.contains_key(*name));
    let usual = root
        .into_iter()
        .flat_map(|root| usual.clone().map(move |(name, path)| task(name, &TaskPath::Path(format!("{root}{path}")))));
    let all: Vec<String> = told.chain(usual).collect::<Result<_>>()?;
    if !all.is_empty() {
        put("tasks", list(all.into_iter()));
    }
    Ok(())
}

fn task(name: &str, path: &TaskPath) -> Result<String> {
    let known = TASKS.iter().find(|(key, ..)| *key == name).with_context(|| format!("there is no task {name:?}"))?;
    let usual = format!("Format::{:?}", known.2);
    let (path, format, more) = match path {
        TaskPath::Path(path) => (path, usual, String::new()),
        TaskPath::Said(spec) => {
            let format = spec.format.as_deref().map_or(Ok(usual), format_name)?;
            (&spec.path, format, task_more(spec)?)
        }
    };
    let operation = known.1;
    let path = text(path);
    Ok(format!("Task {{ operation: OperationKind::{operation}, format: {format}, path: {path}, {more}..Task::BLANK }}"))
}

fn task_more(spec: &TaskSpec) -> Result<String> {
    let all = |items: &[String]| list(items.iter().map(|i| text(i)));
    let mut out = String::new();
    if let Some(base) = &spec.base {
        out.push_str(&format!("base: {}, ", some(base)));
    }
    if let Some(model) = &spec.model {
        out.push_str(&format!("model: {}, ", some(model)));
    }
    if let Some(takes) = &spec.takes {
        out.push_str(&format!("takes: Some({}), ", all(takes)));
    }
    if !spec.leaves.is_empty() {
        out.push_str(&format!("leaves: {}, ", all(&spec.leaves)));
    }
    if let Some(own) = spec.auth.as_ref().map(auth).transpose()?.flatten() {
        out.push_str(&format!("auth: Some({own}), "));
    }
    Ok(out)
}

fn put_list(put: &mut impl FnMut(&'static str, String), key: &'static str, items: &[String]) {
    if !items.is_empty() {
        put(key, list(items.iter().map(|i| text(i))));
    }
}

fn put_params(
    row: &Row,
    sets: &IndexMap<String, Vec<String>>,
    put: &mut impl FnMut(&'static str, String),
) -> Result<()> {
    let mut all = members(&row.params, sets)?;
    let named = field_set(&row.params);
    let less = members(&row.params_less, sets)?;
    for field in &less {
        ensure!(all.contains(field), "params_less names {field:?}, which is not there");
    }
    all.retain(|f| !less.contains(f));
    all.extend(members(&row.params_more, sets)?);
    let mut value = named;
    if !row.params_less.is_empty() {
        value = format!("{value}.minus({})", field_set(&row.params_less));
    }
    if !row.params_more.is_empty() {
        value = format!("{value}.union({})", field_set(&row.params_more));
    }
    if !all.is_empty() {
        put("supported", value);
    }
    let stream_usage = all.contains(&"stream_options");
    let caps = row.params_if.iter().map(|(cap, fields)| format!("(Cap::{}, {})", camel(cap), field_set(fields)));
    let like = row.params_for_model.iter().map(|n| named_params("Like", n));
    let unlike = row.params_unless_model.iter().map(|n| named_params("Unlike", n));
    let conditional: Vec<String> = caps.chain(like).chain(unlike).collect();
    if !conditional.is_empty() {
        put("supported_if", list(conditional.into_iter()));
    }
    if stream_usage && !row.usage_on_request {
        put("stream_usage", "true".into());
    }
    Ok(())
}

fn named_params(cap: &str, named: &Named) -> String {
    format!("(Cap::{cap}({}), {})", list(named.like.iter().map(|l| text(l))), field_set(&named.params))
}

fn put_paths(row: &Row, put: &mut impl FnMut(&'static str, String)) -> Result<()> {
    let paths = [
        ("chat", &row.chat),
        ("completions", &row.completions),
        ("embeddings", &row.embeddings),
        ("responses", &row.responses),
        ("messages", &row.messages),
    ];
    let told: Vec<String> = paths.iter().filter_map(|(k, v)| v.as_ref().map(|v| format!("{k}: {}", some(v)))).collect();
    let any = paths.iter().any(|(_, v)| v.is_some());
    let serves = any || !row.tasks.is_empty();
    ensure!(serves != row.not_served.is_some(), "a row either has a path or says not_served");
    if any {
        put("paths", format!("Paths {{ {}, ..Paths::NONE }}", told.join(", ")));
    }
    Ok(())
}

fn auth(auth: &Auth) -> Result<Option<String>> {
    Ok(Some(match auth {
        Auth::Word(w) if w == "bearer" => return Ok(None),
        Auth::Word(w) if w == "bearer_optional" => "Auth::BearerOptional".into(),
        Auth::Word(w) if w == "none" => "Auth::None".into(),
        Auth::Word(w) => bail!("there is no auth {w:?}"),
        Auth::Header { header, value } => {
            format!("Auth::Header {{ name: {}, value: {} }}", text(header), text(value.as_deref().unwrap_or("{key}")))
        }
        Auth::Query { query } => format!("Auth::Query({})", text(query)),
        Auth::Computed { computed } => format!("Auth::Computed({})", text(computed)),
    }))
}

fn write_tables(rows: &[Row], out: &mut String) -> Result<()> {
    out.push_str("/// The providers, sorted by id.\npub(crate) static TABLE: &[(&str, &dyn Provider)] = &[\n");
    for row in rows {
        let provider = match &row.folder {
            Some(folder) => format!("&crate::{folder}::{}", camel(&row.id.replace('-', "_"))),
            None => format!("&Compatible(&{})", shout(&row.id)),
        };
        writeln!(out, "    ({}, {provider}),", text(&row.id))?;
    }
    out.push_str("];\n\n/// Other prefixes, sorted, with the ids that they mean.\npub(crate) static PREFIXES: &[(&str, &str)] = &[\n");
    let mut prefixes: Vec<_> = rows.iter().flat_map(|r| r.prefixes.iter().map(|p| (p, &r.id))).collect();
    prefixes.sort();
    for (prefix, id) in prefixes {
        writeln!(out, "    ({}, {}),", text(prefix), text(id))?;
    }
    out.push_str("];\n");
    Ok(())
}

fn quirk_set(quirks: &[String]) -> String {
    format!("Quirks::of({})", list(quirks.iter().map(|q| format!("Q::{}", camel(q)))))
}

/// The set of the named fields; a name with `@` is a parameter set.
fn field_set(fields: &[String]) -> String {
    let plain: Vec<_> = fields.iter().filter(|f| !f.starts_with('@')).collect();
    let mut sets: Vec<String> = fields.iter().filter_map(|f| f.strip_prefix('@')).map(set_name).collect();
    if !plain.is_empty() {
        sets.push(format!("FieldSet::of({})", list(plain.iter().map(|f| format!("F::{}", camel(f))))));
    }
    let first = if sets.is_empty() { "FieldSet::EMPTY".to_owned() } else { sets.remove(0) };
    sets.into_iter().fold(first, |all, more| format!("{all}.union({more})"))
}

/// The fields that a list of names and sets means.
fn members<'a>(fields: &'a [String], sets: &'a IndexMap<String, Vec<String>>) -> Result<Vec<&'a str>> {
    let mut all = Vec::new();
    for field in fields {
        match field.strip_prefix('@') {
            Some(name) => {
                let set = sets.get(name).with_context(|| format!("there is no parameter set {name:?}"))?;
                all.extend(set.iter().map(String::as_str));
            }
            None => all.push(field),
        }
    }
    Ok(all)
}

fn list(items: impl Iterator<Item = String>) -> String {
    format!("&[{}]", items.collect::<Vec<_>>().join(", "))
}

fn text(value: &str) -> String {
    format!("{value:?}")
}

fn some(value: &str) -> String {
    format!("Some({value:?})")
}

fn camel(name: &str) -> String {
    let words = name.split(['_', '-']);
    words.filter_map(|w| w.split_at_checked(1)).map(|(first, rest)| first.to_uppercase() + rest).collect()
}

fn set_name(name: &str) -> String {
    format!("{}_PARAMS", shout(name))
}

fn shout(name: &str) -> String {
    let upper = name.to_uppercase().replace('-', "_");
    if upper.starts_with(|c: char| c.is_ascii_digit()) { format!("N{upper}") } else { upper }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_committed_rows_are_fresh() {
        let files = generate().unwrap();
        assert!(crate::generated::stale(&files).is_empty(), "run `cargo xtask codegen`");
    }

    #[test]
    fn contradictions_are_named() {
        let row =
            |extra: &str| rows(&format!("[params]\nall = [\"seed\"]\n[[provider]]\nid = \"x\"\nname = \"X\"\n{extra}"));
        assert!(row("chat = \"/c\"\nparams = [\"@all\"]").is_ok());
        assert!(row("").is_err(), "neither a path nor not_served");
        assert!(row("chat = \"/c\"\nparams = [\"@all\"]\nparams_less = [\"tools\"]").is_err());
        assert!(row("chat = \"/c\"\nauth = \"magic\"").is_err());
    }
}
