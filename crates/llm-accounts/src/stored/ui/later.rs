//! Settings of what is not served yet. Pages ask for them, so they are shown; switching one on is refused rather than kept
//! without effect.

use llm_types::Json;

use super::super::form::{self, Field};
use crate::keys::bad;
use crate::request::Outcome;

/// Whose settings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LaterSettings {
    /// Tools of MCP servers chosen by meaning.
    SemanticFilter,
    /// Tools of MCP servers found by a search.
    ToolSearch,
    /// Searches that the gateway makes for models.
    WebSearch,
}

impl LaterSettings {
    const fn fields(self) -> (&'static str, &'static [Field]) {
        match self {
            Self::SemanticFilter => (
                "Tools chosen by meaning; not served",
                &[
                    ("enabled", "boolean", "Whether tools are chosen by meaning"),
                    ("embedding_model", "string", "The model that makes vectors"),
                    ("top_k", "integer", "How many tools are chosen"),
                    ("similarity_threshold", "number", "How like a tool must be"),
                ],
            ),
            Self::ToolSearch => (
                "Tools found by a search; not served",
                &[
                    ("embedding_model", "string", "The model that makes vectors"),
                    ("top_k", "integer", "How many tools are found"),
                    ("similarity_threshold", "number", "How like a tool must be"),
                    ("core_tools", "array", "Tools that are always there"),
                ],
            ),
            Self::WebSearch => (
                "Searches made for models; not served",
                &[
                    ("enabled", "boolean", "Whether the gateway searches for models"),
                    ("enabled_providers", "array", "The providers that it does so for"),
                    ("search_tool_name", "string", "The search tool that is asked"),
                    ("max_agentic_loops", "integer", "Searches of one call at the most"),
                ],
            ),
        }
    }

    /// `GET /get/..._settings`: nothing is on.
    #[must_use]
    pub fn shown(self) -> Json {
        let (what, fields) = self.fields();
        let value = |(name, kind, _): &Field| (*name, if *kind == "boolean" { Json::from(false) } else { Json::Null });
        let mut out = Json::object([
            ("values", Json::object(fields.iter().map(value))),
            ("field_schema", form::schema(what, fields)),
        ]);
        if self == Self::WebSearch {
            out.set("active_on_this_pod", false);
        }
        out
    }

    /// `PATCH /update/..._settings`: switching it off changes nothing.
    ///
    /// # Errors
    /// 400 for anything else.
    pub fn change(self, body: &Json) -> Outcome<Json> {
        if body.get("enabled").and_then(Json::as_bool) == Some(false) {
            let off = [("message", "It is off."), ("status", "success")];
            return Ok(Json::object(off));
        }
        Err(bad(format!("{}: it cannot be switched on.", self.fields().0)).into())
    }
}
