//! Ids in answers: `id` becomes ours, `previous_response_id` ours as the client gave it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::{BufMut, Bytes, BytesMut};
use llm_router::RouterState;
use llm_types::RawJson;
use llm_wire::relay::first_event_end;
use llm_wire::top::Top;
use memchr::memmem;

use super::id::{IdKey, ResponseId};

/// Writes the ids of one answer.
#[derive(Debug)]
pub struct Rewriter {
    key: IdKey,
    /// The id in which the upstream's is still missing.
    id: ResponseId,
    /// What stands as `previous_response_id`; nothing: what the upstream says.
    previous: Option<String>,
    /// The upstream does not know of it: it was sent the whole conversation.
    joined: bool,
    /// The upstream's id that was seen last, and ours for it.
    seen: Option<(String, String)>,
    /// Where is remembered who made encrypted content, when requests follow it.
    makers: Option<Arc<RouterState>>,
}

/// How long it is known who made a piece of encrypted content.
const MAKER_TTL: Duration = Duration::from_secs(24 * 3600);

impl Rewriter {
    /// A writer of ids: `id` has everything but the upstream's id.
    #[must_use]
    pub fn new(key: IdKey, id: ResponseId, previous: Option<String>) -> Self {
        Self { key, id, previous, joined: false, seen: None, makers: None }
    }

    /// The upstream was sent the whole conversation: what stands before its answer is for us to say.
    #[must_use]
    pub fn joining(mut self, joined: bool) -> Self {
        self.joined = joined;
        self
    }

    /// Remembers who made encrypted content.
    #[must_use]
    pub fn remembering(mut self, makers: Option<Arc<RouterState>>) -> Self {
        self.makers = makers;
        self
    }

    /// Our id for an upstream's.
    pub fn ours(&mut self, upstream: &str) -> String {
        if let Some((known, ours)) = &self.seen
            && known == upstream
        {
            return ours.clone();
        }
        upstream.clone_into(&mut self.id.upstream);
        let ours = self.id.encode(&self.key);
        self.seen = Some((upstream.to_owned(), ours.clone()));
        ours
    }

    /// An answer with its ids written anew, and our id; as it is when it has none.
    pub fn object(&mut self, raw: &[u8]) -> Option<(Bytes, String)> {
        let top = Top::parse(raw).ok()?;
        if let Some(makers) = &self.makers {
            let (maker, now) = (Arc::from(self.id.deployment.as_str()), Instant::now());
            for key in llm_client::encrypted_content(raw) {
                makers.tie(key, &maker, MAKER_TTL, now);
            }
        }
        let ours = self.ours(&top.str("id").filter(|id| !id.is_empty())?);
        let quoted = RawJson::string(&ours);
        let told = top.get("previous_response_id").is_some_and(|raw| raw != "null");
        let previous = self.previous.as_deref().filter(|_| told || self.joined).map(RawJson::string);
        let mut edits = vec![("id", Some(quoted.get()))];
        if let Some(previous) = &previous {
            edits.push(("previous_response_id", Some(previous.get())));
        }
        Some((top.edited(&edits), ours))
    }

    /// Whole events with their ids written anew. `ended` is told of the last answer of the stream, and its id.
    pub fn events(&mut self, bytes: &Bytes, ended: &mut impl FnMut(Bytes, String)) -> Bytes {
        if memmem::find(bytes, NEEDLE).is_none() {
            return bytes.clone();
        }
        let mut out = BytesMut::with_capacity(bytes.len() + 512);
        let mut rest: &[u8] = bytes;
        while !rest.is_empty() {
            let (event, more) = rest.split_at(first_event_end(rest).unwrap_or(rest.len()).max(1));
            rest = more;
            if self.event(event, &mut out, ended).is_none() {
                out.put_slice(event);
            }
        }
        out.freeze()
    }

    fn event(&mut self, event: &[u8], out: &mut BytesMut, ended: &mut impl FnMut(Bytes, String)) -> Option<()> {
        memmem::find(event, NEEDLE)?;
        let data = memmem::find(event, b"data:")? + b"data:".len();
        let (head, rest) = event.split_at_checked(data)?;
        let line = rest.get(..memchr::memchr(b'\n', rest).unwrap_or(rest.len()))?;
        let top = Top::parse(line.trim_ascii()).ok()?;
        let (response, id) = self.object(top.get("response")?.as_bytes())?;
        let text = std::str::from_utf8(&response).ok()?;
        out.put_slice(head);
        out.put_u8(b' ');
        out.put_slice(&top.edited(&[("response", Some(text))]));
        out.put_slice(rest.get(line.trim_ascii_end().len()..)?);
        let kind = top.str("type").unwrap_or_default();
        if matches!(kind.as_ref(), "response.completed" | "response.incomplete" | "response.failed") {
            ended(response, id);
        }
        Some(())
    }
}

/// Events that hold the answer.
const NEEDLE: &[u8] = b"\"response\":";

#[cfg(test)]
mod tests {
    use super::*;

    fn rewriter() -> Rewriter {
        let id = ResponseId { provider: "p".into(), deployment: "d".into(), ..ResponseId::default() };
        Rewriter::new(IdKey::new("k"), id, Some("resp_before".into())).joining(true)
    }

    #[test]
    fn ids_change_and_nothing_else() {
        let mut writer = rewriter();
        let (body, id) =
            writer.object(br#"{"a":1,"id":"resp_up","previous_response_id":null,"z":[{"id":"msg"}]}"#).unwrap();
        assert_eq!(
            std::str::from_utf8(&body).unwrap(),
            format!(r#"{{"a":1,"id":"{id}","previous_response_id":"resp_before","z":[{{"id":"msg"}}]}}"#)
        );
        assert_eq!(ResponseId::decode(&id, &IdKey::new("k")).unwrap().upstream, "resp_up");
        assert!(writer.object(b"{\"object\":\"response.compaction\"}").is_none());
        // Whoever knows the answer before this one says so itself.
        let mut writer = rewriter().joining(false);
        let mut told = |before: &str| {
            let body = format!("{{\"id\":\"r\",\"previous_response_id\":{before}}}");
            String::from_utf8(writer.object(body.as_bytes()).unwrap().0.to_vec()).unwrap()
        };
        assert!(told("null").ends_with("null}") && told("\"resp_0\"").ends_with("\"resp_before\"}"));
    }

    #[test]
    fn events_with_an_answer_change_others_go_on_as_they_are() {
        let text = "event: response.created\ndata: {\"type\":\"response.created\",\"response\":{\"id\":\"r\"}}\n\n\
            event: response.output_text.delta\ndata: {\"type\":\"response.output_text.delta\",\"delta\":\"\\\"response\\\":\"}\n\n\
            data: {\"response\":{\"id\":\"r\",\"status\":\"completed\"},\"type\":\"response.completed\"}\r\n\r\n: ping\n\ndata: [DONE]\n\n";
        let (mut writer, mut last) = (rewriter(), None);
        let id = writer.ours("r");
        let out = writer.events(&Bytes::from(text), &mut |body, id| last = Some((body, id)));
        // An answer names the one before it, also where the upstream was not told.
        let before = ",\"previous_response_id\":\"resp_before\"}";
        let expected = text.replace("\"id\":\"r\"}", &format!("\"id\":\"{id}\"{before}")).replace(
            "\"id\":\"r\",\"status\":\"completed\"}",
            &format!("\"id\":\"{id}\",\"status\":\"completed\"{before}"),
        );
        assert_eq!(std::str::from_utf8(&out).unwrap(), expected);
        let (body, last) = last.unwrap();
        assert_eq!(
            (last, body.ends_with(b"\"status\":\"completed\",\"previous_response_id\":\"resp_before\"}")),
            (id, true)
        );
        let plain = Bytes::from_static(b"data: {\"type\":\"x\"}\n\n");
        assert_eq!(writer.events(&plain, &mut |_, _| panic!("no end")).as_ptr(), plain.as_ptr(), "not copied");
    }
}
