//! What the database adds to a configuration: its settings lie over those of the file, its models and credentials come
//! behind the file's. A model of the database that cannot be served is left out with a warning, so that one bad row
//! does not take the others along.

use llm_accounts::{
    Stored, StoredGuardrail, StoredModel, cache_section, decides_who_gets_in, sso_sections, ui_section,
};
use llm_types::Json;

use super::Context;
use super::credentials::Credentials;
use super::models::{Placed, Reading};
use super::node::{Entry, Node, Value, set};
use super::problem::{Mark, Problems, Severity};
use super::section::Section;

/// Ends the problems of models that are left out.
pub(crate) const NOT_SERVED: &str = "the model is not served";

/// Where the problems of a model of the database are.
pub(crate) fn place(id: &str) -> String {
    format!("database, model {id}")
}

/// A tree of JSON. Everything in it counts as secret: it was stored, not written by whoever reads the problems.
fn node(json: &Json, mark: &Mark) -> Node {
    let value = match json {
        Json::Null => Value::Null,
        Json::Bool(b) => Value::Bool(*b),
        Json::Number(n) => n.as_i64().map_or_else(|| Value::Float(n.as_f64().unwrap_or_default()), Value::Int),
        Json::String(text) => Value::Text(text.clone()),
        Json::Array(items) => Value::List(items.iter().map(|item| node(item, mark)).collect()),
        Json::Object(fields) => {
            let entry = |(key, value): &(String, Json)| entry(key, node(value, mark), mark);
            Value::Map(fields.iter().map(entry).collect())
        }
    };
    Node { value, mark: mark.clone(), secret: true }
}

fn entry(key: &str, node: Node, mark: &Mark) -> Entry {
    Entry { key: key.to_owned(), mark: mark.clone(), node }
}

/// Lays the sections of the database over those of the file. Maps are merged, anything else is replaced; null says
/// nothing.
pub(crate) fn lay_over(root: &mut Node, stored: &Stored, problems: &Problems) {
    let told = root.get("general_settings").and_then(|general| general.get("auth_settings_in_db"));
    let open = told.is_some_and(|node| matches!(node.value, Value::Bool(true)));
    let Value::Map(entries) = &mut root.value else { return };
    for (name, content) in &stored.sections {
        let mark = Mark::whole(format!("database, {name}"));
        let mut content = node(content, &mark);
        if !open {
            keep_out(name, &mut content, problems);
        }
        over(entries, entry(name, content, &mark));
    }
    let lists = [
        ("search_tools", &stored.search_tools),
        ("vector_store_registry", &stored.vector_stores),
        ("vector_store_indexes", &stored.indexes),
    ];
    for (list, rows) in lists {
        let mark = Mark::whole(format!("database, {list}"));
        append(entries, list, rows.iter().map(|(_, row)| node(row, &mark)).collect(), &mark);
    }
    let (name, content) = ui_section(&stored.ui);
    let mark = Mark::whole("database, settings of pages");
    over(entries, entry(name, node(&content, &mark), &mark));
    if let Some((name, content)) = cache_section(&stored.cache) {
        let mark = Mark::whole("database, cache");
        if let Some(old) = entries.iter_mut().find(|e| e.key == name)
            && let Value::Map(fields) = &mut old.node.value
        {
            // The parameters of one cache make no sense below another.
            fields.retain(|field| field.key != "cache_params");
        }
        over(entries, entry(name, node(&content, &mark), &mark));
    }
    let mark = Mark::whole("database, single sign-on");
    for (name, content) in sso_sections(&stored.sso) {
        over(entries, entry(name, node(&content, &mark), &mark));
    }
}

/// Puts further items behind those of a list.
fn append(entries: &mut Vec<Entry>, list: &str, items: Vec<Node>, mark: &Mark) {
    if items.is_empty() {
        return;
    }
    if let Some(Entry { node: Node { value: Value::List(there), .. }, .. }) = entries.iter_mut().find(|e| e.key == list)
    {
        there.extend(items);
        return;
    }
    let node = Node { value: Value::List(items), mark: mark.clone(), secret: true };
    drop(set(entries, entry(list, node, mark)));
}

/// Leaves out what decides who gets in, and says so.
fn keep_out(section: &str, content: &mut Node, problems: &Problems) {
    let Value::Map(fields) = &mut content.value else { return };
    fields.retain(|field| {
        let kept = !decides_who_gets_in(section, &field.key) || field.node.is_null();
        if !kept {
            let message = "this setting of the database decides who gets in: it is left out";
            let hint =
                "move it into the file or the environment, or say general_settings.auth_settings_in_db: true there";
            problems.warn_hint(&field.mark, format!("{section}.{}", field.key), message, hint);
        }
        kept
    });
}

fn over(entries: &mut Vec<Entry>, new: Entry) {
    if new.node.is_null() {
        return;
    }
    match (entries.iter_mut().find(|e| e.key == new.key), new.node.value) {
        (Some(Entry { node: Node { value: Value::Map(old), .. }, .. }), Value::Map(fields)) => {
            fields.into_iter().for_each(|field| over(old, field));
        }
        (_, value) => {
            let node = Node { value, ..new.node };
            drop(set(entries, Entry { node, ..new }));
        }
    }
}

/// Adds the credentials of the database.
pub(crate) fn credentials(into: &mut Credentials, stored: &Stored, ctx: &Context<'_>) {
    for credential in &stored.credentials {
        let mark = Mark::whole(format!("database, credential {}", credential.name));
        let mut values = node(&credential.values, &mark);
        super::env::resolve(&mut values, ctx.env, ctx.problems);
        into.put(&credential.name, values.entries().to_vec());
    }
}

/// The guardrails of the database. One that cannot be served is an error, as in a file.
pub(crate) fn guardrails(stored: &Stored, ctx: &Context<'_>) -> Vec<Json> {
    let read = |guardrail: &StoredGuardrail| {
        let mark = Mark::whole(format!("database, guardrail {}", guardrail.name));
        let list = Node { value: Value::List(vec![node(&guardrail.entry, &mark)]), mark: mark.clone(), secret: true };
        let mut root = Node { value: Value::Map(vec![entry("guardrails", list, &mark)]), mark, secret: true };
        super::env::resolve(&mut root, ctx.env, ctx.problems);
        let top = Section::open(&root, "", ctx.problems);
        top.map(|top| super::guardrails::read(&top, ctx, false)).unwrap_or_default()
    };
    stored.guardrails.iter().flat_map(read).collect()
}

/// The models of the database.
pub(crate) fn models(stored: &Stored, reading: &Reading<'_>) -> Vec<Placed> {
    stored.models.iter().flat_map(|model| one(model, reading)).collect()
}

fn one(model: &StoredModel, reading: &Reading<'_>) -> Vec<Placed> {
    let mark = Mark::whole(place(&model.id));
    let own = Problems::default();
    let mut info = model.info.clone();
    if info.as_object().is_none() {
        info = Json::Object(Vec::new());
    }
    info.set("id", model.id.as_str());
    info.set("db_model", true);
    if model.blocked {
        info.set("blocked", true);
    }
    let text = Json::from(model.name.as_str());
    let json = Json::object([("model_name", text), ("litellm_params", model.params.clone()), ("model_info", info)]);
    let mut row = node(&json, &mark);
    super::env::resolve(&mut row, reading.env, &own);
    let placed = reading.with_problems(&own).one(&row, &model.name);
    let broken = own.fatal();
    for problem in own.into_list() {
        let message = match problem.severity {
            Severity::Error => format!("{}; {NOT_SERVED}", problem.message),
            Severity::Warning => problem.message,
        };
        reading.problems.push(Severity::Warning, &problem.mark, problem.key, message, problem.suggestion);
    }
    if broken { Vec::new() } else { placed }
}
