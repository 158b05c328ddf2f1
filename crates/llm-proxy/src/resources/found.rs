//! A streamed answer that tells at its end what vector stores knew: in `provider_specific_fields.search_results` of the event
//! that says why it ends, as LiteLLM tells it.

use bytes::Bytes;
use llm_types::Json;
use memchr::memmem;

use crate::answer::tell_own;
use crate::edited::Edit;

/// What was found, a page for each store.
#[derive(Debug)]
pub(super) struct Found(pub(super) Json);

impl Edit for Found {
    fn events(&mut self, whole: &Bytes) -> Bytes {
        told(whole, &self.0)
    }
}

/// Whole events with what was found in those that end an answer.
fn told(whole: &Bytes, pages: &Json) -> Bytes {
    if memmem::find(whole, b"\"finish_reason\"").is_none() {
        return whole.clone();
    }
    let mut out = Vec::with_capacity(whole.len());
    for line in whole.split_inclusive(|byte| *byte == b'\n') {
        match ending(line, pages) {
            Some(new) => {
                let end = line.iter().rposition(|byte| !matches!(byte, b'\n' | b'\r')).map_or(0, |at| at + 1);
                out.extend_from_slice(new.as_bytes());
                out.extend_from_slice(line.get(end..).unwrap_or_default());
            }
            None => out.extend_from_slice(line),
        }
    }
    Bytes::from(out)
}

/// The line of an event that ends an answer, anew; nothing for other lines.
fn ending(line: &[u8], pages: &Json) -> Option<String> {
    let mut event: Json = serde_json::from_slice(line.strip_prefix(b"data:")?.trim_ascii()).ok()?;
    let Some(Json::Array(choices)) = event.get_mut("choices") else { return None };
    let mut ends = false;
    for choice in choices.iter_mut().filter(|choice| choice.text("finish_reason").is_some()) {
        let Some(delta) = choice.get_mut("delta") else { continue };
        if delta.as_object().is_none() {
            *delta = Json::Object(Vec::new());
        }
        tell_own(delta, [("search_results", pages.clone())]);
        ends = true;
    }
    ends.then(|| format!("data: {event}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_stand_where_the_answer_ends() {
        let pages: Json = serde_json::from_str("[1]").unwrap();
        let stream = "data: {\"choices\":[{\"delta\":{\"content\":\"\\\"finish_reason\\\"\"},\"finish_reason\":null}]}\r\n\r\n\
            data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}\r\n\r\n\
            data: {\"choices\":[],\"usage\":{}}\n\ndata: [DONE]\n\n";
        let new = told(&Bytes::from(stream), &pages);
        let wanted =
            stream.replace("\"delta\":{},", "\"delta\":{\"provider_specific_fields\":{\"search_results\":[1]}},");
        assert_eq!(std::str::from_utf8(&new).unwrap(), wanted);
        let plain = Bytes::from("data: {\"choices\":[{\"delta\":{\"content\":\"a\"}}]}\n\n");
        assert_eq!(told(&plain, &pages), plain);
    }
}
