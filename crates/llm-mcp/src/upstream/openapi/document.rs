//! An OpenAPI document → its operations, and the list of tools that they are.

use std::collections::HashMap;

use http::{HeaderName, Method};
use llm_types::{Json, RawJson};
use url::Url;

use super::schema::{Writer, followed};
use crate::fault::Fault;
use crate::spec::is_url;

/// Operations of a document at the most.
const MOST: usize = 5_000;
/// Characters of a tool's name at the most (MCP).
const LONGEST: usize = 128;
/// Methods of LiteLLM's tools.
const METHODS: [(&str, Method); 5] = [
    ("get", Method::GET),
    ("post", Method::POST),
    ("put", Method::PUT),
    ("delete", Method::DELETE),
    ("patch", Method::PATCH),
];

/// A document.
#[derive(Debug)]
pub(super) struct Document {
    /// Where its operations are called, as far as it may say so itself.
    pub(super) base: Option<String>,
    /// The answer to `tools/list`.
    pub(super) list: RawJson,
    operations: Vec<Operation>,
    by_name: HashMap<String, usize>,
}

/// An operation.
#[derive(Debug, Clone)]
pub(super) struct Operation {
    pub(super) method: Method,
    /// Its path, with names in braces.
    pub(super) path: String,
    pub(super) parameters: Vec<Parameter>,
    pub(super) body: Option<Payload>,
}

/// A parameter that is no body.
#[derive(Debug, Clone)]
pub(super) struct Parameter {
    pub(super) name: String,
    pub(super) place: Place,
    pub(super) required: bool,
    /// How lists and maps are written.
    pub(super) style: Style,
    /// Each value of a list stands by itself.
    pub(super) explode: bool,
}

/// Where a parameter goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Place {
    Path,
    Query,
    Header(HeaderName),
}

/// `style`, as far as it makes a difference here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Style {
    /// `form`, `simple`: with commas where values do not stand by themselves.
    Plain,
    /// `spaceDelimited`
    Spaces,
    /// `pipeDelimited`
    Pipes,
    /// `deepObject`
    Deep,
}

/// A body.
#[derive(Debug, Clone)]
pub(super) struct Payload {
    /// The argument that it is made of.
    pub(super) argument: String,
    pub(super) required: bool,
    pub(super) kind: Kind,
    /// Its media type.
    pub(super) media: String,
}

/// What a body is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Json,
    Form,
    Text,
}

impl Document {
    /// Reads a document. `url`: where it was, when it was not a file of the operator's.
    ///
    /// # Errors
    /// What it is not.
    pub(super) fn read(bytes: &[u8], url: Option<&str>) -> Result<Self, Fault> {
        let root: Json = serde_json::from_slice(bytes).map_err(|_| Fault::Broken("its OpenAPI document is no JSON"))?;
        if root.text("openapi").or_else(|| root.text("swagger")).is_none() {
            return Err(Fault::Broken("its OpenAPI document is none"));
        }
        let mut writer = Writer::new(&root);
        let mut tools = Vec::new();
        let mut out =
            Self { base: base(&root, url), list: RawJson::default(), operations: Vec::new(), by_name: HashMap::new() };
        for (path, item) in root.get("paths").and_then(Json::as_object).unwrap_or_default() {
            let Some(item) = followed(&root, item).filter(|_| path.starts_with('/')) else { continue };
            for (word, method) in METHODS {
                let Some(told) = item.get(word).filter(|told| told.as_object().is_some()) else { continue };
                if out.operations.len() == MOST {
                    return Err(Fault::Broken("its OpenAPI document has too many operations"));
                }
                writer.begin();
                let Some((operation, schema)) = read(&root, (path, item), (&method, told), &mut writer) else {
                    tracing::debug!(%path, word, "an operation whose body cannot be made is no tool");
                    continue;
                };
                let name = out.free(&named(told.text("operationId"), word, path));
                let described =
                    told.text("summary").or_else(|| told.text("description")).filter(|text| !text.is_empty());
                let described = described.map_or_else(|| format!("{method} {path}"), str::to_owned);
                let tool = [
                    ("name", Json::from(name.as_str())),
                    ("description", Json::from(described)),
                    ("inputSchema", schema),
                ];
                tools.push(Json::object(tool));
                out.by_name.insert(name, out.operations.len());
                out.operations.push(operation);
            }
        }
        out.list = Json::object([("tools", Json::Array(tools))]).to_raw();
        Ok(out)
    }

    /// The operation that a tool is.
    pub(super) fn find(&self, tool: &str) -> Option<&Operation> {
        self.operations.get(*self.by_name.get(tool)?)
    }

    /// A name that no other tool has: `_2`, `_3` ... behind those that are there.
    fn free(&self, name: &str) -> String {
        let mut free = name.to_owned();
        let mut at = 1;
        while self.by_name.contains_key(&free) {
            at += 1;
            let suffix = format!("_{at}");
            free = name.chars().take(LONGEST - suffix.len()).chain(suffix.chars()).collect();
        }
        free
    }
}

/// A tool's name: `operationId` in small letters, else the method and the path. What cannot stand in one (MCP) becomes `_`.
fn named(id: Option<&str>, method: &str, path: &str) -> String {
    let made = || format!("{method}_{}", path.replace('/', "_"));
    let name = id.filter(|id| !id.is_empty()).map_or_else(made, str::to_owned);
    let may = |c: char| if c.is_ascii_alphanumeric() || "_-./".contains(c) { c.to_ascii_lowercase() } else { '_' };
    name.chars().map(may).take(LONGEST).collect()
}

/// Where a document may say that its operations are called: anywhere in a file of the operator's; on its own host when it
/// came from one, for the operator's credentials go there.
fn base(root: &Json, url: Option<&str>) -> Option<String> {
    let named = match root.get("servers").and_then(Json::as_array).and_then(<[Json]>::first) {
        Some(server) => Some(filled(server)),
        None => root.text("host").map(|host| {
            let scheme = root.get("schemes").and_then(Json::as_array).and_then(<[Json]>::first).and_then(Json::as_str);
            format!("{}://{host}{}", scheme.unwrap_or("https"), root.text("basePath").unwrap_or_default())
        }),
    };
    let Some(from) = url else { return named.filter(|base| is_url(base)) };
    let from = Url::parse(from).ok()?;
    // Without a server, and for one that is no whole URL, the document's own address counts (OpenAPI, `servers`).
    let joined = from.join(named.as_deref().unwrap_or("./")).ok()?;
    (joined.origin() == from.origin()).then(|| joined.to_string())
}

/// A server's URL with the defaults of its variables.
fn filled(server: &Json) -> String {
    let mut url = server.text("url").unwrap_or_default().to_owned();
    for (name, variable) in server.get("variables").and_then(Json::as_object).unwrap_or_default() {
        url = url.replace(&format!("{{{name}}}"), variable.text("default").unwrap_or_default());
    }
    url
}

/// An operation and the schema of its arguments; nothing for one whose body has to be there and cannot be made.
fn read<'d>(
    root: &'d Json,
    (path, item): (&str, &'d Json),
    (method, told): (&Method, &'d Json),
    writer: &mut Writer<'d>,
) -> Option<(Operation, Json)> {
    let list = |of: &'d Json| of.get("parameters").and_then(Json::as_array).unwrap_or_default().iter();
    let mut all: Vec<&'d Json> = Vec::new();
    for parameter in list(item).chain(list(told)).filter_map(|parameter| followed(root, parameter)) {
        // Those of the operation take the place of the path's.
        let same =
            |known: &&Json| known.text("name") == parameter.text("name") && known.text("in") == parameter.text("in");
        all.retain(|known| !same(known));
        all.push(parameter);
    }
    let (mut fields, mut required) = (Vec::<(String, Json)>::new(), Vec::<Json>::new());
    let mut field = |name: &str, schema: Json, needed: bool| {
        if !fields.iter().any(|(known, _)| known == name) {
            fields.push((name.to_owned(), schema));
            required.extend(needed.then(|| Json::from(name)));
        }
    };
    let mut operation = Operation { method: method.clone(), path: path.to_owned(), parameters: Vec::new(), body: None };
    for told in all {
        let Some(name) = told.text("name").filter(|name| !name.is_empty()) else { continue };
        let needed = told.get("required").and_then(Json::as_bool).unwrap_or_default();
        if told.text("in") == Some("body") {
            // OpenAPI 2.0
            let (argument, media) = (name.to_owned(), "application/json".to_owned());
            operation.body = Some(Payload { argument, required: needed, kind: Kind::Json, media });
        } else if let Some(parameter) = parameter(told, name, needed) {
            operation.parameters.push(parameter);
        } else {
            continue;
        }
        field(name, described(told, writer), needed);
    }
    if let Some(told) = told.get("requestBody").and_then(|body| followed(root, body)) {
        let needed = told.get("required").and_then(Json::as_bool).unwrap_or_default();
        match payload(told, needed) {
            Some((payload, schema)) => {
                let mut shown = schema.map_or_else(|| Json::Object(Vec::new()), |schema| writer.write(schema));
                if let Some(text) = told.text("description").filter(|_| shown.get("description").is_none()) {
                    shown.set("description", text);
                }
                field(&payload.argument, shown, needed);
                operation.body = Some(payload);
            }
            None if needed => return None,
            None => {}
        }
    }
    let schema =
        [("type", Json::from("object")), ("properties", Json::Object(fields)), ("required", Json::Array(required))];
    Some((operation, Json::object(schema)))
}

/// A parameter; nothing for those of cookies, and for headers that are not an operation's to name.
fn parameter(told: &Json, name: &str, required: bool) -> Option<Parameter> {
    let place = match told.text("in")? {
        "path" => Place::Path,
        "query" => Place::Query,
        "header" => Place::Header(HeaderName::try_from(name).ok().filter(|name| !RESERVED.contains(&name.as_str()))?),
        _ => return None,
    };
    let style = match told.text("style") {
        Some("spaceDelimited") => Style::Spaces,
        Some("pipeDelimited") => Style::Pipes,
        Some("deepObject") => Style::Deep,
        _ => Style::Plain,
    };
    let explode = told.get("explode").and_then(Json::as_bool);
    let explode = explode.unwrap_or(place == Place::Query && matches!(style, Style::Plain));
    Some(Parameter { name: name.to_owned(), required: required || place == Place::Path, place, style, explode })
}

/// Headers that say who calls, what is sent and how: OpenAPI leaves some of them to other fields, the rest is ours.
const RESERVED: [&str; 13] = [
    "accept",
    "accept-encoding",
    "authorization",
    "connection",
    "content-length",
    "content-type",
    "cookie",
    "expect",
    "host",
    "proxy-authorization",
    "te",
    "transfer-encoding",
    "upgrade",
];

/// The schema of a parameter, with its description. In OpenAPI 2.0 the parameter is the schema.
fn described<'d>(told: &'d Json, writer: &mut Writer<'d>) -> Json {
    const OF_SCHEMAS: [&str; 6] = ["type", "format", "enum", "items", "default", "pattern"];
    let content = || told.get("content").and_then(Json::as_object)?.first()?.1.get("schema");
    let mut out = match told.get("schema").or_else(content) {
        Some(schema) => writer.write(schema),
        None => {
            let fields = told.as_object().unwrap_or_default().iter();
            let own = fields.filter(|(name, _)| OF_SCHEMAS.contains(&name.as_str()));
            Json::Object(own.map(|(name, value)| (name.clone(), writer.write(value))).collect())
        }
    };
    if out.as_object().is_some_and(<[_]>::is_empty) {
        out.set("type", "string");
    }
    if let Some(text) = told.text("description") {
        out.set("description", text);
    }
    out
}

/// A body that can be made of an argument, and its schema. JSON is preferred.
fn payload(told: &Json, required: bool) -> Option<(Payload, Option<&Json>)> {
    let content = told.get("content").and_then(Json::as_object)?;
    let kind = |media: &str| {
        let plain = media.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        match plain.as_str() {
            "application/json" | "*/*" | "application/*" => Some((0, Kind::Json)),
            json if json.ends_with("+json") => Some((1, Kind::Json)),
            "application/x-www-form-urlencoded" => Some((2, Kind::Form)),
            text if text.starts_with("text/") => Some((3, Kind::Text)),
            _ => None,
        }
    };
    let known = content.iter().filter_map(|(media, told)| Some((kind(media)?, media, told)));
    let ((_, kind), media, told) = known.min_by_key(|((rank, _), ..)| *rank)?;
    let media = if media.contains('*') { "application/json".to_owned() } else { media.clone() };
    Some((Payload { argument: "body".to_owned(), required, kind, media }, told.get("schema")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str, url: Option<&str>) -> Document {
        Document::read(text.as_bytes(), url).unwrap()
    }

    #[test]
    fn operations_are_tools() {
        let text = r##"{"openapi":"3.1.0","servers":[{"url":"https://{h}.test/v1","variables":{"h":{"default":"api"}}}],
            "paths":{"/pets/{id}":{
                "parameters":[{"$ref":"#/components/parameters/Id"},{"name":"q","in":"query","description":"path's"}],
                "get":{"operationId":"Pets/Get One","summary":"One pet","parameters":[
                    {"name":"q","in":"query","schema":{"type":"array","items":{"$ref":"#/components/schemas/Kind"}}},
                    {"name":"X-Trace","in":"header"},{"name":"Authorization","in":"header","required":true},{"name":"c","in":"cookie"}]},
                "put":{"requestBody":{"required":true,"description":"The pet","content":{"text/plain":{},"application/json":{"schema":{"$ref":"#/components/schemas/Kind"}}}}},
                "post":{"requestBody":{"required":true,"content":{"multipart/form-data":{}}}}}},
            "components":{"parameters":{"Id":{"name":"id","in":"path","required":true,"schema":{"type":"integer"}}},
                "schemas":{"Kind":{"enum":["cat","dog"]}}}}"##;
        let document = read(text, None);
        assert_eq!(document.base.as_deref(), Some("https://api.test/v1"));
        assert_eq!(
            document.list.get(),
            r#"{"tools":[{"name":"pets/get_one","description":"One pet","inputSchema":{"type":"object","properties":{"id":{"type":"integer"},"q":{"type":"array","items":{"enum":["cat","dog"]}},"X-Trace":{"type":"string"}},"required":["id"]}},{"name":"put__pets__id_","description":"PUT /pets/{id}","inputSchema":{"type":"object","properties":{"id":{"type":"integer"},"q":{"type":"string","description":"path's"},"body":{"enum":["cat","dog"],"description":"The pet"}},"required":["id","body"]}}]}"#
        );
        let put = document.find("put__pets__id_").unwrap();
        assert_eq!((put.body.as_ref().unwrap().kind, put.method.as_str()), (Kind::Json, "PUT"));
    }

    #[test]
    fn names_differ() {
        let text = r#"{"openapi":"3.0.0","paths":{"/a":{"get":{"operationId":"x y"}},"/b":{"get":{"operationId":"x_y"},"put":{"operationId":"X?Y"}}}}"#;
        let document = read(text, None);
        for (name, path) in [("x_y", "/a"), ("x_y_2", "/b"), ("x_y_3", "/b")] {
            assert_eq!(document.find(name).unwrap().path, path);
        }
        assert_eq!(document.base, None);
    }

    #[test]
    fn a_document_names_its_own_host_only() {
        let base = |server: &str, url: Option<&str>| read(&format!("{{\"openapi\":\"3\"{server}}}"), url).base;
        let there = Some("https://h.test/api/openapi.json");
        assert_eq!(base("", there).as_deref(), Some("https://h.test/api/"));
        assert_eq!(base(r#","servers":[{"url":"/v2"}]"#, there).as_deref(), Some("https://h.test/v2"));
        assert_eq!(base(r#","servers":[{"url":"https://h.test/v3"}]"#, there).as_deref(), Some("https://h.test/v3"));
        for other in ["https://evil.test/v1", "http://h.test/v1", "//evil.test", "https://h.test:444/"] {
            assert_eq!(base(&format!(r#","servers":[{{"url":"{other}"}}]"#), there), None, "{other}");
        }
        assert_eq!(base(r#","servers":[{"url":"/v2"}]"#, None), None);
        assert_eq!(base(r#","servers":[{"url":"file:///etc"}]"#, None), None);
        assert_eq!(base(r#","host":"h.test","basePath":"/v2""#, None).as_deref(), Some("https://h.test/v2"));
    }

    #[test]
    fn what_is_no_document_is_told() {
        for text in ["", "[]", "openapi: 3.0.0", r#"{"paths":{}}"#] {
            assert!(matches!(Document::read(text.as_bytes(), None), Err(Fault::Broken(_))), "{text}");
        }
    }
}
