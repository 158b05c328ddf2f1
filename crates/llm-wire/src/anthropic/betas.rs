//! Which `anthropic-beta` values a body makes necessary. Providers filter and rename them.

use llm_types::generate::{GenerateRequest, ToolKind};
use llm_types::{Json, RawJson};

use crate::codec::EncodeContext;

/// What the writers of the body found.
#[derive(Debug, Default)]
pub(super) struct Facts<'a> {
    pub files: bool,
    pub uploads: bool,
    pub mcp_servers: bool,
    pub effort: bool,
    pub schema: bool,
    /// Types of hosted tools.
    pub tool_types: &'a [String],
}

/// Adds the values to the context, each once.
pub(super) fn collect(req: &GenerateRequest, facts: &Facts<'_>, ctx: &mut EncodeContext<'_>) {
    let extra = |key: &str| req.extra.get(key);
    let mut add = |beta: &'static str, needed: bool| {
        if needed && !ctx.betas.contains(&beta) {
            ctx.betas.push(beta);
        }
    };
    for kind in facts.tool_types {
        if let Some(beta) = of_tool(kind) {
            add(beta, true);
        }
    }
    add("files-api-2025-04-14", facts.files);
    add("code-execution-2025-05-22", facts.files || facts.uploads);
    add("mcp-client-2025-04-04", facts.mcp_servers);
    add("advanced-tool-use-2025-11-20", advanced_tools(req));
    add("effort-2025-11-24", facts.effort && !ctx.caps.adaptive_thinking);
    add("skills-2025-10-02", extra("container").is_some_and(has_skills));
    if let Some(management) = extra("context_management") {
        let (compact, other) = edits(management);
        add("compact-2026-01-12", compact);
        add("context-management-2025-06-27", other);
    }
    add("structured-outputs-2025-11-13", facts.schema);
    add("fast-mode-2026-02-01", extra("speed").is_some_and(|s| s.as_str().as_deref() == Some("fast")));
}

fn of_tool(kind: &str) -> Option<&'static str> {
    // The first computer tool has none: LiteLLM does not know its beta any more.
    const BETAS: [(&str, &str); 7] = [
        ("computer_20251124", "computer-use-2025-11-24"),
        ("computer_20250124", "computer-use-2025-01-24"),
        ("tool_search_tool_", "advanced-tool-use-2025-11-20"),
        ("code_execution_20250825", "code-execution-2025-08-25"),
        ("web_fetch_", "web-fetch-2025-09-10"),
        ("memory_", "context-management-2025-06-27"),
        ("advisor", "advisor-tool-2026-03-01"),
    ];
    BETAS.iter().find(|(head, _)| kind.starts_with(head)).map(|(_, beta)| *beta)
}

fn advanced_tools(req: &GenerateRequest) -> bool {
    let functions = req.tools.iter().filter(|t| matches!(t.kind, ToolKind::Function(_)));
    functions.into_iter().any(|t| {
        let of = |key: &str, inner: &str| t.extra.get(key).or_else(|| t.extra.get(inner)).map_or("null", RawJson::get);
        let callers = of("allowed_callers", "function.allowed_callers").contains("code_execution_20250825");
        callers || !matches!(of("input_examples", "function.input_examples"), "[]" | "null")
    })
}

fn has_skills(container: &RawJson) -> bool {
    let container: Json = container.read().unwrap_or_default();
    container.get("skills").and_then(Json::as_array).is_some_and(|s| !s.is_empty())
}

/// Whether there are edits that compact, and others.
fn edits(management: &RawJson) -> (bool, bool) {
    let tree: Json = management.read().unwrap_or_default();
    let list = tree.as_array().or_else(|| tree.get("edits").and_then(Json::as_array)).unwrap_or_default();
    let compacts = |e: &Json| e.text("type").is_some_and(|t| t.starts_with("compact"));
    (list.iter().any(compacts), list.iter().any(|e| !compacts(e)))
}
