//! MCP servers of the gateway as tools of a conversation: which entries of `tools` name them, and under which names a model
//! sees what they have.
//!
//! Facts: LiteLLM's documentation of `{"type": "mcp", "server_url": "litellm_proxy"}`; the fields are those of OpenAI's tool
//! of this type.

use std::sync::Arc;

use http::{HeaderName, HeaderValue};
use llm_accounts::Identity;
use llm_mcp::answer;
use llm_mcp::registry::View;
use llm_mcp::server::separator;
use llm_types::{Error, Json, Result};
use llm_wire::top::Top;

use super::view::Place;
use super::{call, held, view};
use crate::core::Core;
use crate::flow::Context;

/// How a `server_url` begins that means this gateway. `/mcp/{server}` may follow.
const OURS: &str = "litellm_proxy"; // tidy: provider-id, this gateway is meant
/// Characters of a function's name at the most (OpenAI).
const LONGEST: usize = 64;

/// What a request asks of the gateway's MCP servers.
#[derive(Debug)]
pub struct Offer {
    entries: Vec<Entry>,
    /// The other tools, which go to the model as they are.
    pub(super) rest: Vec<Json>,
}

/// An entry of `tools`.
#[derive(Debug, PartialEq, Eq)]
struct Entry {
    /// Server or access group; all that the caller may use where none is named.
    named: Option<String>,
    label: String,
    /// The only tools that are wanted, where there are any.
    only: Vec<String>,
    approval: Approval,
    /// Headers for the servers (`x-mcp-...`).
    headers: Vec<(HeaderName, HeaderValue)>,
}

/// Whether somebody has to be asked before a tool is called.
#[derive(Debug, PartialEq, Eq)]
enum Approval {
    Needed,
    Never,
    NeverFor(Vec<String>),
}

/// A tool as the model sees it.
#[derive(Debug)]
pub(super) struct Tool {
    pub(super) name: String,
    /// The name under which its view knows it.
    called: String,
    view: usize,
    pub(super) label: String,
    pub(super) description: Option<String>,
    pub(super) schema: Json,
    /// The gateway calls it, nobody has to be asked.
    pub(super) runs: bool,
}

#[cfg(test)]
impl Tool {
    pub(super) fn named(name: &str) -> Self {
        let (name, called, label) = (name.to_owned(), name.to_owned(), String::from("l"));
        Self { name, called, view: 0, label, description: None, schema: Json::Null, runs: true }
    }
}

/// All tools of the gateway's servers that a request may use.
#[derive(Debug)]
pub(super) struct Shelf {
    views: Vec<View>,
    pub(super) tools: Vec<Tool>,
}

impl Offer {
    /// Reads the tools of a request; nothing when none of them is the gateway's.
    ///
    /// # Errors
    /// 400 for an entry that cannot be followed.
    pub fn read(top: &Top<'_>) -> Result<Option<Self>> {
        let Some(raw) = top.get("tools").filter(|raw| raw.contains(OURS)) else { return Ok(None) };
        let Ok(tools) = serde_json::from_str::<Vec<Json>>(raw) else { return Ok(None) };
        let (ours, rest): (Vec<Json>, Vec<Json>) = tools.into_iter().partition(is_ours);
        if ours.is_empty() {
            return Ok(None);
        }
        let entries = ours.iter().map(Entry::read).collect::<Result<_>>()?;
        Ok(Some(Self { entries, rest }))
    }
}

fn texts(json: &Json) -> Vec<String> {
    json.as_array().unwrap_or_default().iter().filter_map(Json::as_str).map(str::to_owned).collect()
}

fn is_ours(tool: &Json) -> bool {
    let rest = tool.text("server_url").and_then(|url| url.strip_prefix(OURS));
    tool.text("type") == Some("mcp") && rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

impl Entry {
    fn read(tool: &Json) -> Result<Self> {
        let url = tool.text("server_url").unwrap_or_default();
        let rest = url.strip_prefix(OURS).unwrap_or_default().trim_end_matches('/');
        let named = match rest.strip_prefix("/mcp").unwrap_or(rest) {
            "" => None,
            name => match name.strip_prefix('/').filter(|_| rest.starts_with("/mcp/")) {
                Some(name) if !name.is_empty() && !name.contains('/') => Some(name.to_owned()),
                _ => {
                    let why = format!("server_url must be {OURS} or {OURS}/mcp/<server>, not {url:?}");
                    return Err(Error::bad_request(why).with_param("tools"));
                }
            },
        };
        let only = match tool.get("allowed_tools") {
            Some(Json::Object(_)) => tool.get("allowed_tools").and_then(|a| a.get("tool_names")).map(texts),
            list => list.map(texts),
        };
        let approval = match tool.get("require_approval") {
            Some(Json::String(how)) if how == "never" => Approval::Never,
            Some(by_name) => match by_name.get("never").and_then(|never| never.get("tool_names")) {
                Some(names) => Approval::NeverFor(texts(names)),
                None => Approval::Needed,
            },
            None => Approval::Needed,
        };
        Ok(Self {
            label: tool.text("server_label").or(named.as_deref()).unwrap_or(OURS).to_owned(),
            only: only.unwrap_or_default(),
            approval,
            headers: headers(tool)?,
            named,
        })
    }

    /// True when `names` are those of a tool that is wanted.
    fn wants(&self, names: [&str; 2]) -> bool {
        self.only.is_empty() || self.only.iter().any(|only| names.contains(&only.as_str()))
    }

    fn runs(&self, names: [&str; 2]) -> bool {
        match &self.approval {
            Approval::Needed => false,
            Approval::Never => true,
            Approval::NeverFor(list) => list.iter().any(|listed| names.contains(&listed.as_str())),
        }
    }
}

/// The headers of an entry that MCP servers may see; others would speak to the gateway in the caller's name.
fn headers(tool: &Json) -> Result<Vec<(HeaderName, HeaderValue)>> {
    let given = tool.get("headers").and_then(Json::as_object).unwrap_or_default();
    let ours = given.iter().filter(|(name, _)| name.to_ascii_lowercase().starts_with("x-mcp-"));
    let read = ours.map(|(name, value)| {
        let name = HeaderName::try_from(name.as_str()).ok();
        let value = value.as_str().and_then(|value| HeaderValue::try_from(value).ok());
        let both = name.zip(value);
        both.ok_or_else(|| Error::bad_request("headers of an MCP tool must be texts").with_param("tools"))
    });
    read.collect()
}

impl Shelf {
    /// Asks the servers for their tools.
    ///
    /// # Errors
    /// 403 for servers that the caller may not use, 400 for names that cannot be told apart, what servers are at fault for.
    pub(super) async fn filled(core: &Core, ctx: &Context, who: &Arc<Identity>, offer: &Offer) -> Result<Self> {
        let (mut shelf, mut known) = (Self { views: Vec::new(), tools: Vec::new() }, None);
        let taken: Vec<&str> = offer.rest.iter().filter_map(own_name).collect();
        for entry in &offer.entries {
            let mut asking = ctx.beside(false);
            asking.parts.headers.extend(entry.headers.iter().map(|(name, value)| (Some(name.clone()), value.clone())));
            let mut view = view::of(&asking, who, entry.named.as_deref().map_or(Place::All, Place::Named))?;
            held::show(core, who, &mut view, &mut known).await?;
            let listed = match view.servers.is_empty() {
                true => Vec::new(),
                false => answer::tools(&core.app.mcp, &core.http, &view).await.map_err(call::fault)?,
            };
            for listed in listed {
                let called = listed.tool.text("name").unwrap_or(&listed.own).to_owned();
                let names = [called.as_str(), listed.own.as_str()];
                if entry.wants(names) {
                    let long = format!("{}{}{}", listed.of.server.prefix(), separator(), listed.own);
                    let tool = Tool {
                        name: shelf.free(&long, &taken)?,
                        view: shelf.views.len(),
                        label: entry.label.clone(),
                        description: listed.tool.text("description").map(str::to_owned),
                        schema: schema(&listed.tool),
                        runs: entry.runs(names),
                        called,
                    };
                    shelf.tools.push(tool);
                }
            }
            shelf.views.push(view);
        }
        Ok(shelf)
    }

    /// A name as models are told it, unless another tool has it.
    fn free(&self, name: &str, taken: &[&str]) -> Result<String> {
        let told = speakable(name);
        if taken.contains(&told.as_str()) || self.find(&told).is_some() {
            return Err(Error::bad_request(format!("two tools are called {told}")).with_param("tools"));
        }
        Ok(told)
    }

    /// A shelf without tools.
    #[cfg(test)]
    pub(super) const fn empty() -> Self {
        Self { views: Vec::new(), tools: Vec::new() }
    }

    /// The tool that a model calls so.
    pub(super) fn find(&self, name: &str) -> Option<&Tool> {
        self.tools.iter().find(|tool| tool.name == name)
    }

    /// Where a tool is called, and under which name.
    pub(super) fn place<'t>(&self, tool: &'t Tool) -> Option<(&View, &'t str)> {
        self.views.get(tool.view).map(|view| (view, tool.called.as_str()))
    }

    /// True when the gateway calls at least one tool by itself.
    pub(super) fn runs(&self) -> bool {
        self.tools.iter().any(|tool| tool.runs)
    }
}

/// The name of a client's own function.
fn own_name(tool: &Json) -> Option<&str> {
    tool.text("name").or_else(|| tool.get("function").and_then(|f| f.text("name")))
}

fn schema(tool: &Json) -> Json {
    let schema = tool.get("inputSchema").filter(|schema| schema.get("type").is_some()).cloned();
    schema.unwrap_or_else(|| Json::object([("type", Json::from("object")), ("properties", Json::Object(Vec::new()))]))
}

/// A name that every provider takes.
fn speakable(name: &str) -> String {
    let may = |c: char| if c.is_ascii_alphanumeric() || c == '_' || c == '-' { c } else { '_' };
    name.chars().map(may).take(LONGEST).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(tools: &str) -> Result<Option<Offer>> {
        let body = format!("{{\"tools\":{tools}}}");
        Offer::read(&Top::parse(body.as_bytes()).unwrap())
    }

    #[test]
    fn entries_name_servers_of_the_gateway() {
        let tools = r#"[
            {"type":"function","function":{"name":"f"}},
            {"type":"mcp","server_url":"https://mcp.example.com/litellm_proxy"},
            {"type":"mcp","server_url":"litellm_proxy","require_approval":"never","headers":{"x-mcp-git-auth":"b","authorization":"a"}},
            {"type":"mcp","server_url":"litellm_proxy/mcp/git","server_label":"g","allowed_tools":["log"],
             "require_approval":{"never":{"tool_names":["log"]}}}
        ]"#;
        let offer = read(tools).unwrap().unwrap();
        assert_eq!(offer.rest.len(), 2);
        let [all, git] = offer.entries.as_slice() else { panic!("{offer:?}") };
        assert_eq!((all.named.as_deref(), all.label.as_str(), all.headers.len()), (None, "litellm_proxy", 1));
        assert!(all.wants(["a", "b"]) && all.runs(["a", "b"]));
        assert_eq!((git.named.as_deref(), git.label.as_str()), (Some("git"), "g"));
        assert!(git.wants(["git-log", "log"]) && !git.wants(["git-push", "push"]));
        assert!(git.runs(["git-log", "log"]) && !git.runs(["git-push", "push"]));
        assert!(read(r#"[{"type":"function","function":{"name":"litellm_proxy"}}]"#).unwrap().is_none());
        assert!(read(r#"[{"type":"mcp","server_url":"litellm_proxy/mcp/a/b"}]"#).is_err());
        assert!(read(r#"[{"type":"mcp","server_url":"litellm_proxy/git"}]"#).is_err());
    }

    #[test]
    fn approval_is_needed_unless_it_is_waived() {
        for (how, runs) in
            [("", false), (r#","require_approval":"always""#, false), (r#","require_approval":"never""#, true)]
        {
            let offer = read(&format!(r#"[{{"type":"mcp","server_url":"litellm_proxy/mcp"{how}}}]"#)).unwrap().unwrap();
            assert_eq!(offer.entries[0].runs(["a", "a"]), runs, "{how}");
        }
    }

    #[test]
    fn names_are_those_that_providers_take() {
        assert_eq!(speakable("git.log/now"), "git_log_now");
        assert_eq!(speakable(&"x".repeat(80)).len(), 64);
    }
}
