//! ChatGPT subscriptions: Codex's backend, with the token of a person who logged in. It speaks Responses, always as a
//! stream, and keeps nothing.

use bytes::Bytes;
use llm_types::{AuthNeed, DeviceLogin, Format, OperationKind, Result};
use llm_wire::top::Top;

use crate::endpoint::{join, no_base};
use crate::generated;
use crate::provider::{Call, Endpoint, Protocols, Provider, Want, not_served};
use crate::row::ProviderRow;

/// The provider.
#[derive(Debug)]
pub struct Chatgpt;

/// The program that the backend knows.
const ORIGINATOR: &str = "codex_cli_rs";

/// Instructions are demanded: these, when a conversation has none.
const INSTRUCTIONS: &str = r#""You are a helpful assistant.""#;

impl Provider for Chatgpt {
    fn row(&self) -> &'static ProviderRow {
        &generated::CHATGPT
    }

    fn protocols(&self, want: &Want<'_>) -> Protocols {
        let mut out = Protocols::default();
        if want.operation == OperationKind::Generate {
            out.push(Format::StreamedResponses);
        }
        out
    }

    /// The account comes with the token; the session is the client's, where it names one.
    fn endpoint(&self, call: &Call<'_>, out: &mut Endpoint) -> Result<()> {
        let row = self.row();
        let want = Want { operation: call.operation, format: call.format, model: call.model };
        let path = row.paths.chat.filter(|_| call.format == Format::StreamedResponses);
        let path = path.ok_or_else(|| not_served(row, &want))?;
        let base = row.base(call.api_base, call.params).ok_or_else(|| no_base(row))?;
        out.url = join(&base, path, row);
        out.set("content-type", "application/json")?;
        out.set("accept", "text/event-stream")?;
        out.set("originator", ORIGINATOR)?;
        if let Some((name, id)) = call.client_headers.iter().find(|(name, _)| name == "session_id") {
            out.set(name, id)?;
        }
        out.per_request = true;
        out.auth = Some(AuthNeed::Device(DeviceLogin::ChatGpt));
        out.set_extra(call.params)
    }

    fn prepares(&self, _: &Call<'_>) -> bool {
        true
    }

    fn prepare(&self, _: &Call<'_>, body: Bytes) -> Result<Bytes> {
        let top = Top::parse(&body)?;
        let given = top.get("instructions").filter(|i| !matches!(*i, "null" | "\"\""));
        let edits =
            [("stream", Some("true")), ("store", Some("false")), ("instructions", Some(given.unwrap_or(INSTRUCTIONS)))];
        Ok(top.edited(&edits))
    }
}
