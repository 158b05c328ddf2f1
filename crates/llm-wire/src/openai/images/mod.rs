//! Images: `POST /v1/images/generations`, `edits` and `variations`.
//!
//! - [`answer`]: the answer as LiteLLM's clients know it; the codecs of other formats write theirs with it.
//!
//! Facts: the public OpenAI API reference, and recordings of what LiteLLM sends and answers.

pub(crate) mod answer;
mod events;
mod request_encode;
mod response_decode;
mod usage;

use llm_types::generate::UsageReport;
use llm_types::{Format, Result};

use crate::codec::{EncodeContext, ReplyContext, ReplyView};
use crate::task::{Sizing, TaskCodec, TaskOut, TaskReply, TaskRequest};

pub(crate) use request_encode::{JUDGED, media_type, named_file, prompt, sizing};

/// The codec of images.
#[derive(Debug, Clone, Copy)]
pub struct Images;

/// The codec of images as Azure serves them.
#[derive(Debug, Clone, Copy)]
pub struct AzureImages;

impl TaskCodec for Images {
    fn format(&self) -> Format {
        Format::OpenAiImages
    }

    fn encode(&self, request: &TaskRequest, ctx: &mut EncodeContext<'_>) -> Result<TaskOut> {
        request_encode::encode(request, ctx, false)
    }

    fn decode(&self, request: &TaskRequest, reply: &ReplyView<'_>, ctx: &ReplyContext) -> Result<TaskReply> {
        response_decode::decode(request, reply, ctx, false)
    }

    fn streams(&self, request: &TaskRequest) -> bool {
        request_encode::streams(request)
    }

    fn sizing(&self, request: &TaskRequest) -> Sizing {
        sizing(request)
    }

    fn is_last_event(&self, data: &[u8]) -> bool {
        events::is_completed(data)
    }

    fn usage_in_event(&self, data: &[u8]) -> Option<UsageReport> {
        events::usage(data)
    }
}

impl TaskCodec for AzureImages {
    fn format(&self) -> Format {
        Format::AzureImages
    }

    fn encode(&self, request: &TaskRequest, ctx: &mut EncodeContext<'_>) -> Result<TaskOut> {
        request_encode::encode(request, ctx, true)
    }

    fn decode(&self, request: &TaskRequest, reply: &ReplyView<'_>, ctx: &ReplyContext) -> Result<TaskReply> {
        let told = request.operation == llm_types::OperationKind::Image;
        response_decode::decode(request, reply, ctx, told)
    }

    fn streams(&self, request: &TaskRequest) -> bool {
        request_encode::streams(request)
    }

    fn sizing(&self, request: &TaskRequest) -> Sizing {
        sizing(request)
    }

    fn is_last_event(&self, data: &[u8]) -> bool {
        events::is_completed(data)
    }

    fn usage_in_event(&self, data: &[u8]) -> Option<UsageReport> {
        events::usage(data)
    }
}

#[cfg(test)]
mod tests;
