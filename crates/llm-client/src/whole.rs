//! Whole answers: forwarded, or read and written anew.

use std::time::Instant;

use bytes::{Bytes, BytesMut};
use llm_http::ReplyBody;
use llm_types::generate::{FinishReason, GenerateResponse};
use llm_types::{Error, Format, OperationKind};
use llm_wire::codec::ReplyView;
use llm_wire::relay::Whole;
use llm_wire::top::{Top, splice};

use crate::answer::{Answer, Head, Report};
use crate::answered::{Answered, Followed, no_codec};
use crate::count::Counter;
use crate::plan::Plan;
use crate::send::header_pairs;
use crate::target::quoted;
impl Answered<'_> {
    /// The answer as one piece.
    pub(crate) async fn whole(mut self, body: ReplyBody) -> Result<Answer, Error> {
        let (call, counter) = (self.call, self.counter);
        let mut report = Box::new(Report { first_byte: Some(Instant::now()), ..Report::default() });
        let Followed::Whole(bytes) = self.followed(body).await? else {
            return Err(Error::internal("a stream came where none was asked for"));
        };
        report.upstream_done = Some(Instant::now());
        let plan = &self.plan;
        if call.operation == OperationKind::Embed {
            let more = self.further().await?;
            let body = embeddings(plan, &self.head, &bytes, &more, counter, &mut report)?;
            report.upstream_done = Some(Instant::now());
            return Ok(Answer::Whole { head: self.head, body, report });
        }
        if plan.relay
            && let Some(body) = relay_whole(plan, &bytes, counter, &mut report)
        {
            if call.want_content || self.filtered_elsewhere {
                let read = self.decode(&bytes).ok(); // the tap
                report.filtered = self.filtered_elsewhere && read.as_ref().is_some_and(filtered);
                report.content = read.filter(|_| call.want_content).map(Box::new);
            }
            return Ok(Answer::Whole { head: self.head, body, report });
        }
        let mut response = self.decode(&bytes)?;
        report.response_id = Some(response.id.clone());
        let written = match (&response.usage, counter.tells()) {
            (Some(_), _) => 0,
            (None, true) => counter.count(&response.text()),
            (None, false) => counter.written(&bytes),
        };
        counter.book(response.usage.clone(), written, &mut report);
        report.filtered = self.filtered_elsewhere && filtered(&response);
        counter.tell(&mut response.usage, &report);
        let codec = llm_wire::registry::client_generate(call.format).ok_or_else(|| no_codec(call))?;
        let mut out = BytesMut::with_capacity(bytes.len() + 256);
        codec.encode_response(&response, &plan.ctx, &mut out);
        report.content = call.want_content.then(|| Box::new(response));
        Ok(Answer::Whole { head: self.head, body: out.freeze(), report })
    }
}

/// A content filter cut the answer, or the model's own safeguard did: what LiteLLM looks at is the first choice.
fn filtered(response: &GenerateResponse) -> bool {
    let finish = response.choices.first().and_then(|choice| choice.finish.as_ref());
    finish.is_some_and(|finish| match finish.reason {
        FinishReason::ContentFilter => true,
        // A plain refusal is an answer; one of a safeguard says so.
        FinishReason::Refusal => {
            response.extra.get("stop_details").is_some_and(|d| d.get().starts_with('{'))
                || matches!(finish.raw, Some((Format::OpenAiChat, _)))
        }
        _ => false,
    })
}

/// A whole answer that goes on as it came, but for the model name; nothing when it has to be read and written anew.
fn relay_whole(plan: &Plan, bytes: &Bytes, counter: &Counter, report: &mut Report) -> Option<Bytes> {
    let whole = Whole::read(plan.upstream, bytes)?;
    report.response_id = whole.id.and_then(|id| llm_types::json::raw_str(id.get())).map(std::borrow::Cow::into_owned);
    let usage = whole.report(plan.upstream);
    let written = if usage.is_none() { counter.written(bytes) } else { 0 };
    counter.book(usage, written, report);
    Some(match (&plan.ctx.model, whole.model) {
        (Some(model), Some(old)) => glue(&splice(bytes, old.get(), quoted(model))),
        _ => bytes.clone(),
    })
}

fn glue(pieces: &[Bytes]) -> Bytes {
    let mut out = BytesMut::with_capacity(pieces.iter().map(Bytes::len).sum());
    pieces.iter().for_each(|p| out.extend_from_slice(p));
    out.freeze()
}

fn embeddings(
    plan: &Plan,
    head: &Head,
    bytes: &Bytes,
    more: &[Bytes],
    counter: &Counter,
    report: &mut Report,
) -> Result<Bytes, Error> {
    let row = counter.target.provider.row();
    if row.clean_reply
        && plan.upstream == llm_types::Format::OpenAiEmbeddings
        && let Ok(top) = Top::parse(bytes)
        && top.get("data").is_some()
    {
        let usage = top.get("usage").filter(|u| *u != "null").and_then(|u| llm_types::RawJson::parse(u).ok());
        let usage = usage.map(|raw| llm_wire::usage::report(plan.upstream, std::slice::from_ref(&raw)));
        counter.book(usage, 0, report);
        return Ok(match (&plan.ctx.model, top.get("model")) {
            (Some(model), Some(old)) => glue(&splice(bytes, old, quoted(model))),
            _ => bytes.clone(),
        });
    }
    let codec = llm_wire::registry::upstream_embed(plan.upstream)
        .ok_or_else(|| Error::internal(format!("no codec for {}", plan.upstream)))?;
    let pairs = header_pairs(&head.upstream_headers);
    let view = |body| ReplyView { status: 200, provider: counter.provider(), headers: &pairs, body };
    let mut response = codec.decode_response(&view(bytes), &plan.ctx)?;
    for bytes in more {
        let further = codec.decode_response(&view(bytes), &plan.ctx)?;
        response.join(further);
    }
    if response.usage.is_none() && plan.upstream != llm_types::Format::OpenAiEmbeddings {
        response.usage = Some(counter.embedded());
    }
    counter.book(response.usage.clone(), 0, report);
    let client = llm_wire::registry::client_embed(llm_types::Format::OpenAiEmbeddings)
        .ok_or_else(|| Error::internal("no codec for embeddings"))?;
    let mut out = BytesMut::with_capacity(bytes.len() + 64);
    client.encode_response(&response, &plan.ctx, &mut out);
    Ok(out.freeze())
}
