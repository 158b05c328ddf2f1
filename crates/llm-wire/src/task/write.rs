//! Bodies of tasks, written from their fields.

use bytes::Bytes;
use llm_types::{Error, Json, Kind, Result};

use super::{FilePart, TaskBody, TaskRequest};
use crate::codec::EncodeContext;

/// Fields in order.
pub(crate) type Fields = Vec<(String, Json)>;

/// The fields of a request that say something.
pub(crate) fn fields(request: &TaskRequest) -> Fields {
    let all = request.fields.as_object().unwrap_or_default();
    all.iter().filter(|(_, value)| !value.is_null()).cloned().collect()
}

/// The same without those of the `judged` ones that are not among `taken`. Fields that nobody judges are the
/// upstream's own and pass.
///
/// # Errors
/// `UnsupportedParams` for a field that is not taken, unless it may be dropped.
pub(crate) fn taken(
    request: &TaskRequest,
    ctx: &mut EncodeContext<'_>,
    judged: &[&str],
    taken: &[&str],
) -> Result<Fields> {
    let mut out = fields(request);
    let foreign = |name: &str| judged.contains(&name) && !taken.contains(&name);
    if let Some((name, _)) = out.iter().find(|(name, _)| foreign(name))
        && !ctx.drop_params
    {
        let why = format!(
            "Setting `{name}` is not supported by {}, {}. To drop it from the call, set `litellm.drop_params = True`.",
            ctx.provider, ctx.model
        );
        return Err(Error::new(Kind::UnsupportedParams, why));
    }
    out.retain(|(name, _)| {
        let keep = !foreign(name);
        if !keep {
            ctx.lost.push(name.clone());
        }
        keep
    });
    Ok(out)
}

/// The fields as JSON.
pub(crate) fn json(fields: Fields) -> TaskBody {
    TaskBody::Json(Bytes::from(Json::Object(fields).to_string()))
}

/// How lists are named in a form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lists {
    /// `name[]`, once for each item: OpenAI's library.
    Brackets,
    /// `name`, once for each item: plain HTTP libraries.
    Bare,
}

/// The fields as text fields of a form, and files behind them. Arrays come item by item, as `name[]`; objects as JSON.
pub(crate) fn form(fields: Fields, files: Vec<FilePart>) -> TaskBody {
    form_as(fields, files, Lists::Brackets)
}

/// The same, with lists named in some way.
pub(crate) fn form_as(fields: Fields, files: Vec<FilePart>, lists: Lists) -> TaskBody {
    let mut out = Vec::with_capacity(fields.len());
    for (name, value) in fields {
        match value {
            Json::Array(items) => {
                let name = if lists == Lists::Brackets { format!("{name}[]") } else { name };
                items.iter().for_each(|item| out.push((name.clone(), text(item))));
            }
            value => out.push((name, text(&value))),
        }
    }
    TaskBody::Form { fields: out, files }
}

/// A value as a form writes it.
pub(crate) fn text(value: &Json) -> String {
    match value.as_str() {
        Some(text) => text.to_owned(),
        None => value.to_string(),
    }
}

/// Takes a field out.
pub(crate) fn take(fields: &mut Fields, name: &str) -> Option<Json> {
    let at = fields.iter().position(|(n, _)| n == name)?;
    Some(fields.remove(at).1)
}

/// Sets a field, in place when it is there, else last.
pub(crate) fn set(fields: &mut Fields, name: &str, value: impl Into<Json>) {
    match fields.iter_mut().find(|(n, _)| n == name) {
        Some((_, old)) => *old = value.into(),
        None => fields.push((name.to_owned(), value.into())),
    }
}

/// Sets many fields, each as [`set`] does.
pub(crate) fn extend(fields: &mut Fields, more: impl IntoIterator<Item = (String, Json)>) {
    let mut all = Json::Object(std::mem::take(fields));
    all.extend(more);
    if let Json::Object(all) = all {
        *fields = all;
    }
}

/// Calls a field by another name.
pub(crate) fn rename(fields: &mut Fields, from: &str, to: &str) {
    if let Some(value) = take(fields, from) {
        set(fields, to, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use llm_types::OperationKind;

    fn request(fields: &str) -> TaskRequest {
        let fields = serde_json::from_str(fields).unwrap();
        TaskRequest { operation: OperationKind::Image, model: "m".into(), fields, files: Vec::new() }
    }

    #[test]
    fn what_is_not_taken_is_refused_or_dropped() {
        let request = request(r#"{"prompt":"p","style":"vivid","n":1,"seed":3,"user":null}"#);
        let mut ctx = EncodeContext { provider: "p", ..EncodeContext::for_model("m") };
        let error = taken(&request, &mut ctx, &["style", "n"], &["n"]).unwrap_err();
        assert!(error.message.starts_with("Setting `style` is not supported by p, m."), "{}", error.message);
        ctx.drop_params = true;
        let out = taken(&request, &mut ctx, &["style", "n"], &["n"]).unwrap();
        assert_eq!(Json::Object(out).to_string(), r#"{"prompt":"p","n":1,"seed":3}"#);
        assert_eq!(ctx.lost, ["style"]);
    }

    #[test]
    fn forms_tell_lists_item_by_item() {
        let body = form(fields(&request(r#"{"n":1,"g":["a","b"],"o":{"x":true}}"#)), Vec::new());
        let TaskBody::Form { fields, .. } = body else { panic!("no form") };
        let fields: Vec<_> = fields.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
        assert_eq!(fields, [("n", "1"), ("g[]", "a"), ("g[]", "b"), ("o", r#"{"x":true}"#)]);
    }
}
