//! Arguments of a call → the request that the operation is.

use std::borrow::Cow;

use bytes::Bytes;
use http::HeaderMap;
use http::header::{CONTENT_TYPE, HeaderValue};
use llm_types::Json;
use llm_wire::top::Top;
use url::Url;
use url::form_urlencoded::byte_serialize;

use super::document::{Kind, Operation, Parameter, Payload, Place, Style};
use super::scalar;

/// A request, but for its method.
#[derive(Debug)]
pub(super) struct Made {
    pub(super) url: String,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

/// Makes the request. `headers` are the server's own: what they say no argument changes.
///
/// # Errors
/// Which argument is missing or cannot be sent, for whoever calls.
pub(super) fn made(
    operation: &Operation,
    base: &str,
    headers: &HeaderMap,
    arguments: &Top<'_>,
) -> Result<Made, String> {
    let (mut path, mut query, mut own) = (operation.path.clone(), String::new(), HeaderMap::new());
    for parameter in &operation.parameters {
        let name = &parameter.name;
        let Some(value) = given(arguments, name)? else {
            if parameter.required {
                return Err(format!("the argument {name} is missing"));
            }
            continue;
        };
        match &parameter.place {
            Place::Path => path = path.replace(&format!("{{{name}}}"), &segment(parameter, &value)?),
            Place::Query => {
                for (name, value) in pairs(parameter, &value)? {
                    query.push_str(if query.is_empty() { "" } else { "&" });
                    query.push_str(&format!("{}={}", encoded(&name), encoded(&value)));
                }
            }
            Place::Header(header) => {
                let text = joined(parameter, &value, ",").ok_or_else(|| unfit(name))?;
                own.insert(header.clone(), HeaderValue::try_from(text).map_err(|_| unfit(name))?);
            }
        }
    }
    let body = operation.body.as_ref().map(|payload| body(payload, arguments)).transpose()?.flatten();
    if let Some((_, media)) = &body {
        own.insert(CONTENT_TYPE, HeaderValue::try_from(*media).map_err(|_| unfit("body"))?);
    }
    own.extend(headers.clone());
    let body = body.map(|(bytes, _)| bytes).unwrap_or_default();
    Ok(Made { url: place(base, &path, &query)?, headers: own, body })
}

fn unfit(name: &str) -> String {
    format!("the argument {name} cannot be sent")
}

/// An argument; `null` is none.
fn given(arguments: &Top<'_>, name: &str) -> Result<Option<Json>, String> {
    let raw = arguments.get(name).filter(|raw| *raw != "null");
    raw.map(|raw| serde_json::from_str(raw).map_err(|_| unfit(name))).transpose()
}

/// The URL: below the base, whatever the arguments are.
fn place(base: &str, path: &str, query: &str) -> Result<String, String> {
    let wrong = || "the path cannot be requested".to_owned();
    if path.contains(['{', '}']) || path.split('/').any(|part| matches!(part, "." | "..")) {
        return Err(wrong());
    }
    let mut url = Url::parse(base).map_err(|_| wrong())?;
    let below = url.path().trim_end_matches('/').to_owned();
    url.set_path(&format!("{below}{path}"));
    if !url.path().strip_prefix(&below).is_some_and(|rest| rest.starts_with('/')) {
        return Err(wrong());
    }
    let both = [url.query().unwrap_or_default(), query].map(str::to_owned);
    let query = both.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("&");
    url.set_query(Some(query.as_str()).filter(|query| !query.is_empty()));
    url.set_fragment(None);
    Ok(url.to_string())
}

/// A value of a path. It stays within its part of it.
fn segment(parameter: &Parameter, value: &Json) -> Result<String, String> {
    let text = joined(parameter, value, ",").filter(|text| !text.is_empty()).ok_or_else(|| unfit(&parameter.name))?;
    if text.contains(['/', '\\']) || matches!(text.as_str(), "." | "..") {
        return Err(format!("the argument {} must be one part of a path", parameter.name));
    }
    Ok(encoded(&text).into_owned())
}

/// A list as one text; a map as names and values in turn.
fn joined(parameter: &Parameter, value: &Json, by: &str) -> Option<String> {
    let parts: Vec<String> = match value {
        Json::Array(items) => items.iter().map(scalar).collect::<Option<_>>()?,
        Json::Object(fields) if parameter.explode => {
            fields.iter().map(|(name, value)| Some(format!("{name}={}", scalar(value)?))).collect::<Option<_>>()?
        }
        Json::Object(fields) => {
            let both = fields.iter().map(|(name, value)| Some([name.clone(), scalar(value)?]));
            both.collect::<Option<Vec<_>>>()?.into_iter().flatten().collect()
        }
        other => vec![scalar(other)?],
    };
    Some(parts.join(by))
}

/// A value of a query, as the pairs that it is.
fn pairs(parameter: &Parameter, value: &Json) -> Result<Vec<(String, String)>, String> {
    let name = &parameter.name;
    let by = match parameter.style {
        Style::Spaces => " ",
        Style::Pipes => "|",
        Style::Plain | Style::Deep => ",",
    };
    let found = match value {
        Json::Object(fields) if parameter.style == Style::Deep => {
            fields.iter().map(|(field, value)| Some((format!("{name}[{field}]"), scalar(value)?))).collect()
        }
        Json::Object(fields) if parameter.explode => {
            fields.iter().map(|(field, value)| Some((field.clone(), scalar(value)?))).collect()
        }
        Json::Array(items) if parameter.explode => {
            items.iter().map(|item| Some((name.clone(), scalar(item)?))).collect()
        }
        other => joined(parameter, other, by).map(|text| vec![(name.clone(), text)]),
    };
    found.ok_or_else(|| unfit(name))
}

/// The body and its media type; nothing where none was given and none is needed.
fn body<'p>(payload: &'p Payload, arguments: &Top<'_>) -> Result<Option<(Bytes, &'p str)>, String> {
    let name = &payload.argument;
    let Some(raw) = arguments.get(name).filter(|raw| *raw != "null") else {
        return if payload.required { Err(format!("the argument {name} is missing")) } else { Ok(None) };
    };
    let bytes = match payload.kind {
        // Models like to write JSON as a text.
        Kind::Json => match llm_types::json::raw_str(raw).filter(|text| is_tree(text)) {
            Some(text) => Bytes::from(text.into_owned()),
            None => Bytes::from(raw.to_owned()),
        },
        Kind::Text => Bytes::from(llm_types::json::raw_str(raw).unwrap_or(Cow::Borrowed(raw)).into_owned()),
        Kind::Form => {
            let value: Json = serde_json::from_str(raw).map_err(|_| unfit(name))?;
            let fields = value.as_object().ok_or_else(|| format!("the argument {name} must be an object"))?;
            let mut form = Vec::new();
            for (field, value) in fields {
                let one = |value: &Json| scalar(value).map(|text| format!("{}={}", encoded(field), encoded(&text)));
                match value {
                    Json::Null => {}
                    Json::Array(items) => {
                        form.extend(items.iter().map(one).collect::<Option<Vec<_>>>().ok_or_else(|| unfit(field))?);
                    }
                    Json::Object(_) => form.push(format!("{}={}", encoded(field), encoded(&value.to_string()))),
                    value => form.push(one(value).ok_or_else(|| unfit(field))?),
                }
            }
            Bytes::from(form.join("&"))
        }
    };
    Ok(Some((bytes, &payload.media)))
}

/// True for a text that is a list or a map in JSON.
fn is_tree(text: &str) -> bool {
    let trimmed = text.trim_start();
    trimmed.starts_with(['{', '[']) && serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok()
}

/// Everything but letters, digits and `*-._` in percent escapes.
fn encoded(text: &str) -> Cow<'_, str> {
    let whole: Cow<'_, str> = byte_serialize(text.as_bytes()).collect::<String>().into();
    if whole.contains('+') { Cow::Owned(whole.replace('+', "%20")) } else { whole }
}

#[cfg(test)]
mod tests {
    use super::super::document::Document;
    use super::*;

    const API: &str = r#"{"openapi":"3.0.0","paths":{
        "/a/{id}/b":{"put":{"operationId":"put","parameters":[
            {"name":"id","in":"path","required":true},{"name":"many","in":"query"},
            {"name":"few","in":"query","explode":false},{"name":"piped","in":"query","style":"pipeDelimited"},
            {"name":"deep","in":"query","style":"deepObject"},{"name":"X-H","in":"header"},{"name":"X-Ours","in":"header"}],
            "requestBody":{"content":{"application/vnd.own+json":{}}}}},
        "/form":{"post":{"operationId":"form","requestBody":{"required":true,"content":{"application/x-www-form-urlencoded":{}}}}},
        "/v{v}.{w}":{"get":{"operationId":"dots","parameters":[{"name":"v","in":"path"},{"name":"w","in":"path"}]}}}}"#;

    fn ask(tool: &str, arguments: &str) -> Result<Made, String> {
        let document = Document::read(API.as_bytes(), None).unwrap();
        let mut headers = HeaderMap::new();
        headers.insert("x-ours", HeaderValue::from_static("fixed"));
        let top = Top::parse(arguments.as_bytes()).unwrap();
        made(document.find(tool).unwrap(), "https://h.test/base/?key=k", &headers, &top)
    }

    #[test]
    fn arguments_go_where_they_belong() {
        let made = ask(
            "put",
            r#"{"id":"a b?","many":[1,false],"few":["x","y,z"],"piped":["p","q"],"deep":{"k":"v"},"X-H":0,"X-Ours":"evil",
                "body":{"n":1.50},"unknown":1}"#,
        )
        .unwrap();
        assert_eq!(
            made.url,
            "https://h.test/base/a/a%20b%3F/b?key=k&many=1&many=false&few=x%2Cy%2Cz&piped=p%7Cq&deep%5Bk%5D=v"
        );
        assert_eq!((made.headers["x-h"].to_str().unwrap(), made.headers["x-ours"].to_str().unwrap()), ("0", "fixed"));
        assert_eq!(
            (made.headers["content-type"].to_str().unwrap(), &*made.body),
            ("application/vnd.own+json", &b"{\"n\":1.50}"[..])
        );
        let bare = ask("put", r#"{"id":7,"many":null}"#).unwrap();
        assert_eq!((bare.url.as_str(), bare.body.len()), ("https://h.test/base/a/7/b?key=k", 0));
        let text = ask("put", r#"{"id":7,"body":"{\"a\": 1}"}"#).unwrap();
        assert_eq!(&*text.body, b"{\"a\": 1}");
        let form = ask("form", r#"{"body":{"a":"x y","b":[1,2],"c":null,"d":{"e":1}}}"#).unwrap();
        assert_eq!(&*form.body, b"a=x%20y&b=1&b=2&d=%7B%22e%22%3A1%7D");
    }

    #[test]
    fn no_argument_leaves_its_part_of_the_path() {
        for id in ["\"..\"", "\".\"", "\"a/b\"", "\"..\\\\x\"", "\"\"", "{}", "[[1]]", "null"] {
            assert!(ask("put", &format!("{{\"id\":{id}}}")).is_err(), "{id}");
        }
        assert!(ask("put", "{}").unwrap_err().contains("id"));
        assert!(ask("form", "{}").unwrap_err().contains("body"));
        assert!(ask("put", r#"{"id":1,"X-H":"a\nb"}"#).is_err());
        let escaped = ask("put", r#"{"id":"%2e%2e"}"#).unwrap();
        assert!(escaped.url.starts_with("https://h.test/base/a/%252e%252e/b"), "{}", escaped.url);
        assert!(ask("dots", r#"{"v":"1","w":"2"}"#).unwrap().url.starts_with("https://h.test/base/v1.2?"));
    }
}
