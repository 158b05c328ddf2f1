//! What the gateway itself reads: its configuration, forms, and Responses over a WebSocket.

use std::path::Path;

use bytes::Bytes;
use futures_util::FutureExt as _;
use http::HeaderMap;
use llm_proxy::config::{Environment, Source, load_text};
use llm_proxy::responses::id::{IdKey, ResponseId};
use llm_proxy::responses::rewrite::Rewriter;
use llm_proxy::responses::socket::asked;
use llm_proxy::{form, recall};
use llm_types::Format;
use llm_wire::relay::Cutter;

/// A configuration: problems are a list, whatever the text is.
pub fn config(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let source = Source { thorough: true, ..Source::default() };
    let _ = load_text(text, "config.yaml", Path::new("/nonexistent"), &source, &Environment::default());
}

/// A form whose boundary is `b`: its fields are a JSON object.
pub fn form(data: &[u8]) {
    let read = form::whole(Bytes::copy_from_slice(data), "b").now_or_never().expect("all of the body is there");
    if let Ok(form) = read {
        crate::is_json(&form.fields);
    }
}

/// Responses: what a client says over a WebSocket, and what becomes of answers and streams whose ids are made ours. The
/// cutting changes nothing.
pub fn frame(data: &[u8]) {
    let [by, size, _, body @ ..] = data else { return };
    if let Ok(text) = std::str::from_utf8(body) {
        if let Ok(asked) = asked::read(text, (*by > 127).then_some("m")) {
            crate::is_json(&asked.body);
        }
        let _ = ResponseId::decode(text, &IdKey::new("secret"));
    }
    if let Some((object, _)) = rewriter().object(body) {
        crate::is_json(&object);
    }
    let rewritten = |size: usize| {
        let (mut out, mut ends) = (Vec::new(), Vec::new());
        let mut rewriter = rewriter();
        let mut cutter = Cutter::default();
        let mut take = |bytes: Bytes| {
            out.extend_from_slice(&rewriter.events(&bytes, &mut |object, id| ends.push((object, id))));
        };
        body.chunks(size).for_each(|chunk| take(cutter.chunk(Bytes::copy_from_slice(chunk))));
        take(cutter.finish());
        (out, ends)
    };
    assert_eq!(rewritten(usize::from(*size).max(1)), rewritten(body.len().max(1)));
    for format in [Format::OpenAiChat, Format::OpenAiResponses, Format::AnthropicMessages, Format::GeminiGenerate] {
        // Half of an answer that was kept is no stream.
        let _ = recall::streamed(format, None, *by % 2 == 0, &Bytes::copy_from_slice(body), HeaderMap::new());
    }
}

fn rewriter() -> Rewriter {
    Rewriter::new(IdKey::new("secret"), ResponseId::of(None, "p", "d", ""), Some("resp_before".to_owned()))
}
