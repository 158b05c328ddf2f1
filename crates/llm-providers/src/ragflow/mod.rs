//! RAGFlow: `chat/{id}/{model}` and `agent/{id}/{model}` name an assistant or an agent, each with an address.

use std::borrow::Cow;

use llm_types::{Error, Format, Result};

use crate::endpoint::{no_base, no_key};
use crate::generated;
use crate::provider::{Call, Endpoint, Provider, Want, not_served};
use crate::row::ProviderRow;

/// The provider.
#[derive(Debug)]
pub struct Ragflow;

impl Provider for Ragflow {
    fn row(&self) -> &'static ProviderRow {
        &generated::RAGFLOW
    }

    fn endpoint(&self, call: &Call<'_>, out: &mut Endpoint) -> Result<()> {
        let row = self.row();
        if call.format != Format::OpenAiChat {
            return Err(not_served(row, &Want { operation: call.operation, format: call.format, model: call.model }));
        }
        let named = Named::of(call.model).ok_or_else(|| {
            let text = format!(
                "'{}' names no assistant of RAGFlow: expected chat/<chat_id>/<model> or agent/<agent_id>/<model>",
                call.model
            );
            Error::bad_request(text).with_param("model")
        })?;
        let base = row.base(call.api_base, call.params).ok_or_else(|| no_base(row))?;
        let base = base.trim_end_matches('/');
        out.url = format!("{base}/api/v1/{}/{}/chat/completions", named.kind, named.id);
        let key = row.key(call.api_key, call.params).ok_or_else(|| no_key(row))?;
        out.set("authorization", &format!("Bearer {}", key.expose()))?;
        out.set("content-type", "application/json")?;
        out.set_extra(call.params)
    }

    fn wire_model<'a>(&self, model: &'a str) -> Cow<'a, str> {
        Cow::Borrowed(Named::of(model).map_or(model, |named| named.model))
    }
}

/// What a model string names.
struct Named<'a> {
    kind: &'static str,
    id: &'a str,
    model: &'a str,
}

impl<'a> Named<'a> {
    fn of(model: &'a str) -> Option<Self> {
        let (kind, rest) = model.split_once('/')?;
        let kind = match kind {
            "chat" => "chats_openai",
            "agent" => "agents_openai",
            _ => return None,
        };
        let (id, model) = rest.split_once('/')?;
        let whole = !id.is_empty() && !model.is_empty();
        whole.then_some(Self { kind, id, model })
    }
}
