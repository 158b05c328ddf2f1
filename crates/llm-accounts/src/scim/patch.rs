//! PATCH (RFC 7644, 3.5.2), in the dialects of Entra and Okta: operations in any case, values without a path, names with
//! dots inside of values, values to be removed named in a list, `active` as a text.
//!
//! What is changed is the resource as JSON; what of it is kept is for those who store it.

use llm_types::Json;

use super::fault::Fault;
use super::matching::attribute;
use super::path::{Filter, Op, Step, path};

/// Operations of one call at the most.
const MOST: usize = 1000;

/// Attributes with several values.
const SEVERAL: &[&str] = &[
    "emails",
    "members",
    "groups",
    "roles",
    "entitlements",
    "phoneNumbers",
    "addresses",
    "ims",
    "photos",
    "x509Certificates",
];

/// Attributes that nobody changes. Inside of a value they are passed over: Okta sends the id along.
const READ_ONLY: &[&str] = &["id", "meta", "schemas"];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Act {
    Add,
    Replace,
    Remove,
}

/// Applies the operations of a body, in order.
///
/// # Errors
/// 400 with the `scimType` that says what is wrong; the resource is then to be thrown away.
pub(crate) fn apply(resource: &mut Json, body: &Json) -> Result<(), Fault> {
    let operations = attribute(body, "Operations").and_then(Json::as_array);
    let operations = operations.ok_or_else(|| Fault::syntax("`Operations` must be a list"))?;
    if operations.len() > MOST {
        return Err(Fault::syntax(format!("At most {MOST} operations in one call")));
    }
    operations.iter().try_for_each(|operation| apply_one(resource, operation))
}

fn apply_one(resource: &mut Json, operation: &Json) -> Result<(), Fault> {
    let name = attribute(operation, "op").and_then(Json::as_str).unwrap_or_default().to_ascii_lowercase();
    let act = match name.as_str() {
        "add" => Act::Add,
        "replace" => Act::Replace,
        "remove" => Act::Remove,
        _ => return Err(Fault::syntax("`op` must be add, replace or remove")),
    };
    let value = attribute(operation, "value").cloned().unwrap_or_default();
    match attribute(operation, "path").filter(|path| !path.is_null()) {
        Some(text) => {
            let text = text.as_str().ok_or_else(|| Fault::path("the path is no text"))?;
            let steps = path(text)?;
            if let Some(first) = steps.first().filter(|step| listed(READ_ONLY, &step.name)) {
                return Err(Fault::read_only(&first.name));
            }
            change(resource, &steps, act, &value)
        }
        None if act == Act::Remove => Err(Fault::no_target("remove needs a path")),
        None => {
            let fields = value.as_object().ok_or_else(|| Fault::value("Without a path the value must be an object"))?;
            for (name, value) in fields {
                let steps = path(name)?;
                if !steps.first().is_some_and(|step| listed(READ_ONLY, &step.name)) {
                    change(resource, &steps, act, value)?;
                }
            }
            Ok(())
        }
    }
}

fn listed(list: &[&str], name: &str) -> bool {
    list.iter().any(|known| known.eq_ignore_ascii_case(name))
}

/// Changes what lies below `node` at these steps.
fn change(node: &mut Json, steps: &[Step], act: Act, value: &Json) -> Result<(), Fault> {
    let Some((step, rest)) = steps.split_first() else { return Ok(()) };
    if let Json::Array(items) = node {
        // A path into all values, such as `emails.value`.
        if items.is_empty() && act != Act::Remove {
            items.push(Json::Object(Vec::new()));
        }
        return items.iter_mut().try_for_each(|item| change(item, steps, act, value));
    }
    if node.as_object().is_none() {
        // A value without parts, such as a manager that was told as an id.
        *node = if node.is_null() { Json::Object(Vec::new()) } else { Json::object([("value", node.clone())]) };
    }
    match (&step.filter, rest.is_empty()) {
        (None, true) => whole(node, &step.name, act, value),
        (None, false) => match (slot(node, &step.name), act) {
            (None, Act::Remove) => Ok(()),
            (Some(child), _) => change(child, rest, act, value),
            (None, _) => {
                let fresh =
                    if listed(SEVERAL, &step.name) { Json::Array(Vec::new()) } else { Json::Object(Vec::new()) };
                node.set(&step.name, fresh);
                slot(node, &step.name).map_or(Ok(()), |child| change(child, rest, act, value))
            }
        },
        (Some(filter), _) => some(node, &step.name, filter, rest, act, value),
    }
}

/// An attribute of an object, whatever the case of its name.
fn slot<'j>(node: &'j mut Json, name: &str) -> Option<&'j mut Json> {
    let Json::Object(fields) = node else { return None };
    fields.iter_mut().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value)
}

fn drop_attribute(node: &mut Json, name: &str) {
    if let Json::Object(fields) = node {
        fields.retain(|(known, _)| !known.eq_ignore_ascii_case(name));
    }
}

/// The whole attribute.
fn whole(node: &mut Json, name: &str, act: Act, value: &Json) -> Result<(), Fault> {
    let several = listed(SEVERAL, name);
    let there = slot(node, name);
    match (act, there) {
        (Act::Remove, None) => {}
        (Act::Remove, Some(Json::Array(items))) if !value.is_null() => {
            // Entra names the values in a list instead of a filter.
            let gone = list(value);
            items.retain(|item| !gone.iter().any(|one| same(item, one)));
        }
        (Act::Remove, Some(_)) => drop_attribute(node, name),
        (_, _) if value.is_null() && act == Act::Replace => drop_attribute(node, name),
        (Act::Add, Some(Json::Array(items))) => list(value).into_iter().for_each(|new| add(items, new)),
        (Act::Replace, Some(items @ Json::Array(_))) => *items = Json::Array(list(value)),
        (_, Some(Json::Object(_))) if value.as_object().is_some() => {
            for (part, value) in value.as_object().unwrap_or_default() {
                let inside = slot(node, name).ok_or_else(|| Fault::no_target(name.to_owned()))?;
                change(inside, &path(part)?, act, value)?;
            }
        }
        (_, Some(old)) => *old = if several { Json::Array(list(value)) } else { value.clone() },
        (_, None) => node.set(name, if several { Json::Array(list(value)) } else { value.clone() }),
    }
    Ok(())
}

/// Those values of an attribute that fit.
fn some(node: &mut Json, name: &str, filter: &Filter, rest: &[Step], act: Act, value: &Json) -> Result<(), Fault> {
    if slot(node, name).is_none() {
        if act == Act::Remove {
            return Ok(());
        }
        node.set(name, Json::Array(Vec::new()));
    }
    let Some(child) = slot(node, name) else { return Ok(()) };
    if !matches!(child, Json::Array(_)) {
        *child = Json::Array(list(child));
    }
    let Json::Array(items) = child else { return Ok(()) };
    if act == Act::Remove && rest.is_empty() {
        items.retain(|item| !filter.fits(item));
        return Ok(());
    }
    if act != Act::Remove && !items.iter().any(|item| filter.fits(item)) {
        // Entra sets the work address of somebody who has none with the path of one.
        items.push(described(filter).ok_or_else(|| Fault::no_target(format!("No value of {name} fits the filter")))?);
    }
    for item in items.iter_mut().filter(|item| filter.fits(item)) {
        match (rest.is_empty(), value) {
            (false, _) => change(item, rest, act, value)?,
            (true, Json::Object(fields)) => {
                for (part, value) in fields {
                    change(item, &path(part)?, act, value)?;
                }
            }
            (true, other) => item.set("value", other.clone()),
        }
    }
    Ok(())
}

/// A value that fits a filter made of equalities; none for other filters.
fn described(filter: &Filter) -> Option<Json> {
    let mut out = Json::Object(Vec::new());
    let parts = match filter {
        Filter::All(parts) => parts.as_slice(),
        one => std::slice::from_ref(one),
    };
    for part in parts {
        let Filter::Test(path, Op::Equal, wanted) = part else { return None };
        let [name] = path.as_slice() else { return None };
        out.set(name, wanted.clone());
    }
    Some(out)
}

fn list(value: &Json) -> Vec<Json> {
    match value {
        Json::Array(items) => items.clone(),
        Json::Null => Vec::new(),
        other => vec![other.clone()],
    }
}

/// True for the same value: of objects the `value` counts, if they have one.
fn same(a: &Json, b: &Json) -> bool {
    let key = |json: &Json| match json {
        Json::Object(_) => attribute(json, "value").cloned(),
        other => Some(other.clone()),
    };
    match (key(a), key(b)) {
        (Some(a), Some(b)) => a == b,
        _ => a == b,
    }
}

/// Adds a value unless it is there; one value at most is the primary one.
fn add(items: &mut Vec<Json>, new: Json) {
    if attribute(&new, "primary").and_then(Json::as_bool) == Some(true) {
        items.iter_mut().filter_map(|item| slot(item, "primary")).for_each(|primary| *primary = Json::Bool(false));
    }
    match items.iter_mut().find(|item| same(item, &new)) {
        Some(there) => *there = new,
        None => items.push(new),
    }
}

#[cfg(test)]
mod tests;
