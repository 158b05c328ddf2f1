//! The events of a response as those of an interaction.

use bytes::{BufMut, Bytes, BytesMut};
use llm_types::Json;
use memchr::memmem;

use super::answer::{status, step, steps, text, usage};
use crate::relay::first_event_end;

/// Writes events anew. `model`: its name for the client.
#[derive(Debug)]
pub struct Stream {
    model: String,
    /// The kind of the step that is open.
    open: Option<Kind>,
    /// Steps until now.
    index: u64,
    /// The item whose contents were told piece by piece.
    told: Option<Json>,
    over: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Output,
    Thought,
}

impl Stream {
    /// A stream that has not begun.
    #[must_use]
    pub fn new(model: &str) -> Self {
        Self { model: model.to_owned(), open: None, index: 0, told: None, over: false }
    }

    /// What goes on in the place of some whole events.
    pub fn events(&mut self, whole: &[u8]) -> Bytes {
        let mut out = BytesMut::new();
        let mut rest = whole;
        while !rest.is_empty() && !self.over {
            let (event, more) = rest.split_at(first_event_end(rest).unwrap_or(rest.len()).max(1));
            rest = more;
            let Some(at) = memmem::find(event, b"data:") else { continue };
            let data = event.get(at + b"data:".len()..).unwrap_or_default();
            let line = data.get(..memchr::memchr(b'\n', data).unwrap_or(data.len())).unwrap_or_default();
            if let Ok(event) = serde_json::from_slice::<Json>(line.trim_ascii()) {
                self.event(&event, &mut out);
            }
        }
        out.freeze()
    }

    fn event(&mut self, event: &Json, out: &mut BytesMut) {
        let item = event.get("output_index").or_else(|| event.get("item_id"));
        let delta = event.text("delta").unwrap_or_default();
        match event.text("type").unwrap_or_default() {
            "response.created" => {
                let id = event.get("response").and_then(|response| response.get("id")).cloned();
                self.write(
                    out,
                    "interaction.created",
                    [
                        ("id", id.unwrap_or_default()),
                        ("object", "interaction".into()),
                        ("status", "in_progress".into()),
                    ],
                );
            }
            "response.output_text.delta" | "response.refusal.delta" => self.piece(Kind::Output, item, text(delta), out),
            "response.reasoning_summary_text.delta" | "response.reasoning_text.delta" => {
                let piece = Json::object([("type", Json::from("thought_summary")), ("content", text(delta))]);
                self.piece(Kind::Thought, item, piece, out);
            }
            "response.output_item.done" => {
                let told = item.is_some() && self.told.as_ref() == item;
                self.close(out);
                if let Some(step) = event.get("item").and_then(step).filter(|_| !told) {
                    self.write(out, "step.start", [("index", self.index.into()), ("step", step)]);
                    self.write(out, "step.stop", [("index", self.index.into())]);
                    self.index += 1;
                }
            }
            "response.completed" | "response.incomplete" | "response.failed" => {
                self.close(out);
                let response = event.get("response").cloned().unwrap_or_default();
                let steps = steps(&response);
                let mut fields = vec![
                    ("id", response.get("id").cloned().unwrap_or_default()),
                    ("object", Json::from("interaction")),
                    ("status", Json::from(status(&response, &steps))),
                    ("steps", Json::Array(steps)),
                    ("usage", usage(&response)),
                ];
                fields.extend(response.get("error").filter(|e| !e.is_null()).map(|error| ("error", error.clone())));
                self.write(out, "interaction.completed", fields);
                out.put_slice(b"data: [DONE]\n\n");
                self.over = true;
            }
            "error" => {
                self.close(out);
                let said = event.get("error").unwrap_or(event);
                let of = |name: &str| said.get(name).cloned().unwrap_or_default();
                let error = Json::object([("code", of("code")), ("message", of("message"))]);
                self.write(out, "error", [("error", error)]);
                self.over = true;
            }
            _ => {}
        }
    }

    /// A piece of a step, which begins with it where none of its kind is open.
    fn piece(&mut self, kind: Kind, item: Option<&Json>, delta: Json, out: &mut BytesMut) {
        if self.open != Some(kind) {
            self.close(out);
            let step = match kind {
                Kind::Output => {
                    Json::object([("type", Json::from("model_output")), ("content", Json::Array(Vec::new()))])
                }
                Kind::Thought => Json::object([("type", "thought")]),
            };
            self.write(out, "step.start", [("index", self.index.into()), ("step", step)]);
            self.open = Some(kind);
        }
        self.told = item.cloned();
        self.write(out, "step.delta", [("index", self.index.into()), ("delta", delta)]);
    }

    fn close(&mut self, out: &mut BytesMut) {
        if self.open.take().is_some() {
            self.write(out, "step.stop", [("index", self.index.into())]);
            self.index += 1;
        }
    }

    fn write(&self, out: &mut BytesMut, kind: &str, fields: impl IntoIterator<Item = (&'static str, Json)>) {
        let head = [("event_type", Json::from(kind)), ("model", Json::from(self.model.as_str()))];
        let event = Json::object(head.into_iter().chain(fields));
        out.put_slice(format!("data: {event}\n\n").as_bytes());
    }
}
