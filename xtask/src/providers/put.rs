//! The fields of a row, as Rust.

use std::fmt::Write as _;

use anyhow::{Context, Result, bail, ensure};
use indexmap::IndexMap;
use llm_types::Format;

use super::row::{Auth, Named, Row, TASKS, TaskPath, TaskSpec};
use super::words::{camel, field_set, list, members, shout, some, text};

pub(super) fn format_name(name: &str) -> Result<String> {
    let format = Format::from_name(name).with_context(|| format!("there is no format {name:?}"))?;
    Ok(format!("Format::{format:?}"))
}

/// What every host that speaks OpenAI's chat is asked for in OpenAI's way, as LiteLLM does, unless its row says where
/// and how.
pub(super) const OPENAI_TASKS: [(&str, &str); 4] = [
    ("images", "images/generations"),
    ("transcriptions", "audio/transcriptions"),
    ("translations", "audio/translations"),
    ("speech", "audio/speech"),
];

pub(super) fn put_tasks(row: &Row, put: &mut impl FnMut(&'static str, String)) -> Result<()> {
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

pub(super) fn task(name: &str, path: &TaskPath) -> Result<String> {
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

pub(super) fn task_more(spec: &TaskSpec) -> Result<String> {
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

pub(super) fn put_list(put: &mut impl FnMut(&'static str, String), key: &'static str, items: &[String]) {
    if !items.is_empty() {
        put(key, list(items.iter().map(|i| text(i))));
    }
}

pub(super) fn put_params(
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

pub(super) fn named_params(cap: &str, named: &Named) -> String {
    format!("(Cap::{cap}({}), {})", list(named.like.iter().map(|l| text(l))), field_set(&named.params))
}

pub(super) fn put_paths(row: &Row, put: &mut impl FnMut(&'static str, String)) -> Result<()> {
    let paths = [
        ("chat", &row.chat),
        ("completions", &row.completions),
        ("embeddings", &row.embeddings),
        ("responses", &row.responses),
        ("messages", &row.messages),
    ];
    let told: Vec<String> = paths.iter().filter_map(|(k, v)| v.as_ref().map(|v| format!("{k}: {}", some(v)))).collect();
    let any = paths.iter().any(|(_, v)| v.is_some());
    let serves = any || !row.tasks.is_empty() || row.stores;
    ensure!(serves != row.not_served.is_some(), "a row either has a path or says not_served");
    if any {
        put("paths", format!("Paths {{ {}, ..Paths::NONE }}", told.join(", ")));
    }
    Ok(())
}

pub(super) fn auth(auth: &Auth) -> Result<Option<String>> {
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

pub(super) fn write_tables(rows: &[Row], out: &mut String) -> Result<()> {
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
