//! What a plan is made from, in whose words: which API of the house is asked, the client's body with the deployment's
//! defaults, the request that is translated.

use std::borrow::Cow;

use bytes::Bytes;
use llm_providers::Want;
use llm_types::generate::{GenerateRequest, PartKind};
use llm_types::{Error, Format, OperationKind, Result};
use llm_wire::top::Top;

use crate::marks::Points;
use crate::plan::Planner;

/// In the names of models that cache what is marked; others of these languages refuse marks, or pass them over.
const MARKED: &str = "claude";

impl Planner<'_> {
    /// A model that its house serves in its Responses API only.
    pub(crate) fn responses_only(&self) -> bool {
        let (target, call, format) = (self.target, self.call, Format::OpenAiResponses);
        target.responses_only
            && call.operation == OperationKind::Generate
            && call.format != format
            && target.protocols(&Want { operation: call.operation, format, model: self.model }).best() == Some(format)
    }

    /// The client's body with the deployment's default parameters and cache marks added.
    pub(crate) fn body(&self) -> Result<Cow<'_, Bytes>> {
        let body = self.with_defaults()?;
        let want = Want { operation: self.call.operation, format: self.call.format, model: self.model };
        let upstream = self.target.protocols(&want).best().unwrap_or(self.call.format);
        let usual = self.usual_marks(&body, upstream);
        let marked = usual.as_ref().unwrap_or(&self.target.marks).put_into(&body, self.call.format, upstream)?;
        Ok(marked.map_or(body, Cow::Owned))
    }

    /// Marks that the caller's prompts get where nobody else says any, for models that cache what is marked.
    fn usual_marks(&self, body: &[u8], upstream: Format) -> Option<Points> {
        let mark = self.call.controls.cache_mark.as_deref().filter(|_| self.target.marks.is_empty())?;
        let takes_marks = matches!(upstream, Format::AnthropicMessages | Format::BedrockConverse)
            && self.model.to_ascii_lowercase().contains(MARKED);
        let own = || crate::cached::is_marked(body);
        (takes_marks && !own()).then(|| Points::usual(mark))
    }

    fn with_defaults(&self) -> Result<Cow<'_, Bytes>> {
        if self.target.defaults.is_empty() {
            return Ok(Cow::Borrowed(&self.call.body));
        }
        let top = Top::parse(&self.call.body)?;
        let named = self.target.defaults.iter().map(|(name, value)| self.spelled(name, value));
        let missing: Vec<_> = named.filter(|(name, _)| top.get(name).is_none_or(|v| v == "null")).collect();
        let missing: Vec<(&str, Option<&str>)> = missing.iter().map(|(name, value)| (*name, Some(&**value))).collect();
        Ok(if missing.is_empty() { Cow::Borrowed(&self.call.body) } else { Cow::Owned(top.edited(&missing)) })
    }

    /// A default parameter, which a configuration spells as chat does, in the words of the client's language.
    fn spelled<'d>(&self, name: &'d str, value: &'d str) -> (&'d str, Cow<'d, str>) {
        match (self.call.format, name) {
            (Format::OpenAiResponses, "max_tokens" | "max_completion_tokens") => ("max_output_tokens", value.into()),
            (Format::OpenAiResponses, "reasoning_effort") if value.starts_with('"') => {
                ("reasoning", format!("{{\"effort\":{value}}}").into())
            }
            (Format::OpenAiResponses, "reasoning_effort") => ("reasoning", value.into()),
            _ => (name, value.into()),
        }
    }

    pub(crate) fn request(&self) -> Result<GenerateRequest> {
        let body = self.body()?;
        if let Cow::Borrowed(_) = body {
            return self.call.decoded().cloned();
        }
        let codec = llm_wire::registry::client_generate(self.call.format)
            .ok_or_else(|| Error::internal(format!("no codec for {}", self.call.format)))?;
        let mut request = codec.decode_request(&llm_wire::RequestView { path: "", query: "", body: &body })?;
        if !self.call.format.model_in_body() {
            request.stream = self.call.stream; // the path says so
        }
        Ok(request)
    }
}

/// Ids of calls without the signatures that Gemini put behind them: other houses limit the length of ids.
pub(crate) fn plain_ids(request: &mut GenerateRequest) {
    for part in request.turns.iter_mut().flat_map(|turn| &mut turn.parts) {
        let id = match &mut part.kind {
            PartKind::ToolCall(call) => &mut call.id,
            PartKind::ToolResult(result) => &mut result.call_id,
            _ => continue,
        };
        let plain = llm_wire::gemini::split_call_id(id).0.len();
        id.truncate(plain);
    }
}
