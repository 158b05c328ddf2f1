//! Manus: an agent behind OpenAI's Responses. A call begins a task, whose state is asked by the answer's id.
//! <https://open.manus.im/docs/openai-compatibility>

use bytes::Bytes;
use llm_types::{Format, Result};
use llm_wire::top::{Top, write_json};

use crate::generated;
use crate::provider::{Call, Endpoint, Provider};
use crate::resource::{Resource, not_served, row_resource};
use crate::row::ProviderRow;

/// The provider.
#[derive(Debug)]
pub struct Manus;

impl Provider for Manus {
    fn row(&self) -> &'static ProviderRow {
        &generated::MANUS
    }

    /// Its files are uploaded in another way than OpenAI's.
    fn resource(&self, resource: &Resource<'_>, out: &mut Endpoint) -> Result<()> {
        match resource.kind() {
            "responses" => row_resource(self.row(), resource, out),
            _ => Err(not_served(self.row(), resource)),
        }
    }

    fn prepares(&self, call: &Call<'_>) -> bool {
        call.format == Format::OpenAiResponses
    }

    /// The model is the profile of an agent. It does not stream: the whole answer is told as events.
    fn prepare(&self, call: &Call<'_>, body: Bytes) -> Result<Bytes> {
        let mut profile = bytes::BytesMut::new();
        write_json(call.model, &mut profile);
        let profile = String::from_utf8_lossy(&profile).into_owned();
        let top = Top::parse(&body)?;
        let or = |name: &str, usual: &str| top.get(name).filter(|v| *v != "null").unwrap_or(usual).to_owned();
        let (mode, profile) = (or("task_mode", "\"agent\""), or("agent_profile", &profile));
        let mut edits = vec![("task_mode", Some(mode.as_str())), ("agent_profile", Some(profile.as_str()))];
        if top.get("stream").is_some() {
            edits.push(("stream", None));
        }
        Ok(top.edited(&edits))
    }
}
