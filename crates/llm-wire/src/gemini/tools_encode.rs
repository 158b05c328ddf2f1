//! `tools` and `toolConfig`, as LiteLLM writes them: all functions in one entry, every tool of Google's own in another.

use bytes::{BufMut, BytesMut};
use llm_types::generate::{GenerateRequest, ToolChoice, ToolKind};
use llm_types::{Format, Json, RawJson};

use super::FORMAT;
use super::request_decode::is;
use super::schema;
use crate::codec::EncodeContext;
use crate::openai::object::{Arr, Obj};
use crate::top::Top;

/// Google's own tools, by their keys.
const OWN: [&str; 8] = [
    "googleSearch",
    "googleSearchRetrieval",
    "enterpriseWebSearch",
    "codeExecution",
    "urlContext",
    "googleMaps",
    "computerUse",
    "fileSearch",
];

/// Tools that look things up: they do not go with functions.
const SEARCHES: [&str; 4] = ["googleSearch", "googleSearchRetrieval", "enterpriseWebSearch", "googleMaps"];

/// What was found among the tools of a request.
#[derive(Debug, Default)]
pub(super) struct Tools {
    /// Tools of Google's own: key and value.
    own: Vec<(String, Json)>,
    /// Where to look, for maps.
    retrieval: Option<Json>,
    /// Calls of Google's own tools are told in the answer.
    pub invocations: bool,
    functions: bool,
}

impl Tools {
    /// Sorts the tools of a request.
    pub(super) fn of(req: &GenerateRequest, ctx: &mut EncodeContext<'_>) -> Self {
        let flag = req.extra.get("include_server_side_tool_invocations");
        let mut out = Self { invocations: flag.is_some_and(|f| f.get() == "true"), ..Self::default() };
        for tool in &req.tools {
            match &tool.kind {
                ToolKind::Function(_) => out.functions = true,
                ToolKind::Hosted { format, json } if !out.hosted(*format, json) => lose(ctx, "tools"),
                ToolKind::Hosted { .. } => {}
            }
        }
        if req.extra.get("web_search_options").is_some_and(|o| !o.is_null()) {
            out.add("googleSearch", Json::Object(Vec::new()));
        }
        if out.functions && !out.invocations {
            let before = out.own.len();
            out.own.retain(|(key, _)| !SEARCHES.contains(&key.as_str()));
            if out.own.len() < before {
                lose(ctx, "tools");
            }
        }
        out
    }

    /// True when the answer may quote a map.
    pub(super) fn maps(&self) -> bool {
        self.own.iter().any(|(key, _)| key == "googleMaps")
    }

    fn add(&mut self, key: &str, value: Json) {
        if !self.own.iter().any(|(k, _)| k == key) {
            self.own.push((key.to_owned(), value));
        }
    }

    /// Takes in a tool that is no function; false when there is no such thing here.
    fn hosted(&mut self, format: Format, json: &RawJson) -> bool {
        let Ok(Json::Object(fields)) = json.read::<Json>() else { return false };
        let mut found = false;
        for (key, value) in &fields {
            if let Some(own) = OWN.iter().find(|own| is(key, own)) {
                self.own_tool(own, value.clone());
                found = true;
            }
        }
        let kind = fields.iter().find(|(k, _)| k == "type").and_then(|(_, v)| v.as_str()).unwrap_or_default();
        match kind {
            _ if found => {}
            _ if kind.starts_with("web_search") => self.add("googleSearch", Json::Object(Vec::new())),
            _ if kind.starts_with("computer") => {
                let environment = fields.iter().find(|(k, _)| k == "environment").map(|(_, v)| v.clone());
                self.own_tool("computerUse", Json::object([("environment", environment.unwrap_or_default())]));
            }
            "code_interpreter" => self.add("codeExecution", Json::Object(Vec::new())),
            _ if format == FORMAT => fields.iter().for_each(|(k, v)| self.add(k, v.clone())),
            _ => return false,
        }
        true
    }

    fn own_tool(&mut self, key: &str, mut value: Json) {
        match key {
            "googleMaps" => {
                let mut config = Json::Object(Vec::new());
                let mut place = Json::Object(Vec::new());
                for name in ["latitude", "longitude"] {
                    if let Some(number) = value.remove(name) {
                        place.set(name, number);
                    }
                }
                if place.as_object().is_some_and(|p| !p.is_empty()) {
                    config.set("latLng", place);
                }
                if let Some(language) = value.remove("languageCode") {
                    config.set("languageCode", language);
                }
                if config.as_object().is_some_and(|c| !c.is_empty()) {
                    self.retrieval = Some(config);
                }
            }
            "computerUse" => {
                let word = match value.text("environment") {
                    Some("browser") | None => "ENVIRONMENT_BROWSER".to_owned(),
                    Some(other) => other.to_owned(),
                };
                value.set("environment", word);
            }
            _ => {}
        }
        self.add(key, if value.is_null() { Json::Object(Vec::new()) } else { value });
    }

    /// Writes `tools`, when there are any.
    pub(super) fn write(&self, req: &GenerateRequest, body: &mut Obj<'_>) {
        if !self.functions && self.own.is_empty() {
            return;
        }
        let mut list = body.arr("tools");
        if self.functions {
            let mut entry = list.obj();
            functions(req, &mut entry.arr("function_declarations"));
        }
        for (key, value) in &self.own {
            let mut entry = list.obj();
            crate::top::write_json(value, entry.any_key(key));
        }
    }

    /// Writes `toolConfig`, when there is anything to say.
    pub(super) fn write_config(&self, req: &GenerateRequest, ctx: &mut EncodeContext<'_>, body: &mut Obj<'_>) {
        let mut out = BytesMut::new();
        {
            let mut config = Obj::open(&mut out);
            if self.functions {
                choice(req.tool_choice.as_ref(), ctx, &mut config);
            }
            if let Some(retrieval) = &self.retrieval {
                crate::top::write_json(retrieval, config.key("retrievalConfig"));
            }
            if self.invocations && self.functions && !self.own.is_empty() {
                config.bool("includeServerSideToolInvocations", true);
            }
        }
        if out.len() > 2 {
            body.key("toolConfig").put_slice(&out);
        }
    }
}

fn functions(req: &GenerateRequest, list: &mut Arr<'_>) {
    for tool in &req.tools {
        let ToolKind::Function(function) = &tool.kind else { continue };
        let mut obj = list.obj();
        obj.str("name", &function.name);
        obj.opt_str("description", function.description.as_deref());
        if let Some(parameters) = function.parameters.as_ref().filter(|p| !p.is_null()) {
            crate::top::write_json(&schema::for_google(parameters, false), obj.key("parameters"));
        }
    }
}

fn choice(choice: Option<&ToolChoice>, ctx: &mut EncodeContext<'_>, config: &mut Obj<'_>) {
    let (mode, name) = match choice {
        None => return,
        Some(ToolChoice::Auto) => ("AUTO", None),
        Some(ToolChoice::None) => ("NONE", None),
        Some(ToolChoice::Required) => ("ANY", None),
        Some(ToolChoice::Function(name)) => ("ANY", Some(name)),
        Some(ToolChoice::Other { json, .. }) => match kind(json).as_str() {
            "auto" => ("AUTO", None),
            "none" => ("NONE", None),
            "any" | "required" => ("ANY", None),
            _ => return lose(ctx, "tool_choice"),
        },
    };
    let mut calling = config.obj("functionCallingConfig");
    calling.str("mode", mode);
    if let Some(name) = name {
        calling.arr("allowed_function_names").str(name);
    }
}

fn kind(json: &RawJson) -> String {
    json.read::<Top<'_>>().ok().and_then(|t| t.str("type").map(String::from)).unwrap_or_default()
}

/// Reports a field that was left out or bent.
pub(super) fn lose(ctx: &mut EncodeContext<'_>, name: &str) {
    if !ctx.lost.iter().any(|l| l == name) {
        ctx.lost.push(name.to_owned());
    }
}
