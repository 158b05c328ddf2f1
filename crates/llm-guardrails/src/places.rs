//! Where the texts of operations are that are no conversations: embeddings, pictures, speech, rerank ...
//!
//! Facts: LiteLLM's guardrail translations (`input` of embeddings and speech, `prompt` of pictures and videos, `query` of
//! rerank, `text` of transcripts, pages of OCR). What it passes over although a model reads it is here as well: documents of
//! rerank, what moderations, searches and edits of pictures are given, instructions.

use std::sync::LazyLock;

use llm_types::generate::Role;
use llm_types::{Json, OperationKind};

use crate::fields::FieldPath;
use crate::guardrail::Direction;
use crate::json;
use crate::texts::{Scope, Texts};

/// Operation; places of its request; places of its answer; fields of an answer that say its texts again in pieces. A place is
/// a string or a list of strings; one that ends in `.**` is everything below.
type Row = (&'static [OperationKind], &'static [&'static str], &'static [&'static str], &'static [&'static str]);

const TABLE: &[Row] = &[
    (
        &[OperationKind::Embed],
        &[
            "input",
            "input[*].text",
            "input[*].content",
            "inputs",
            "texts",
            "instruction",
            "messages[*].content",
            "messages[*].content[*].text",
        ],
        &[],
        &[],
    ),
    (
        &[OperationKind::Image, OperationKind::ImageEdit, OperationKind::ImageVariation],
        &["prompt", "negative_prompt"],
        &["data[*].revised_prompt"],
        &[],
    ),
    (&[OperationKind::Speech], &["input", "instructions"], &[], &[]),
    (
        &[OperationKind::Transcribe, OperationKind::Translate],
        &["prompt"],
        &["text", "segments[*].text"],
        &["segments", "words", "logprobs"],
    ),
    (&[OperationKind::Moderate], &["input", "input[*].text"], &[], &[]),
    (
        &[OperationKind::Rerank],
        &["query", "query.text", "instruction", "documents.**"],
        &["results[*].document.**"],
        &[],
    ),
    (
        &[OperationKind::Ocr],
        &["document.document_url", "document.image_url", "document_annotation_prompt"],
        &["pages[*].markdown", "document_annotation"],
        &[],
    ),
    (&[OperationKind::Search], &["query"], &["results[*].title", "results[*].snippet", "results[*].content"], &[]),
    (&[OperationKind::Video, OperationKind::VideoRemix], &["prompt"], &[], &[]),
];

#[derive(Debug)]
struct Place {
    path: FieldPath,
    deep: bool,
}

#[derive(Debug)]
struct Places {
    operations: &'static [OperationKind],
    request: Vec<Place>,
    response: Vec<Place>,
    repeats: &'static [&'static str],
}

static PLACES: LazyLock<Vec<Places>> = LazyLock::new(|| {
    let place = |text: &&str| {
        let (path, deep) = text.strip_suffix(".**").map_or((*text, false), |path| (path, true));
        FieldPath::read(path).map(|path| Place { path, deep })
    };
    // Settings of the gateway's own may stand one level deeper: what goes on from there is judged as well.
    let request = |all: &[&str]| {
        let more: Vec<String> = all.iter().map(|path| format!("extra_body.{path}")).collect();
        all.iter().filter_map(place).chain(more.iter().filter_map(|path| place(&path.as_str()))).collect()
    };
    let row = |(operations, asked, said, repeats): &Row| Places {
        operations,
        request: request(asked),
        response: said.iter().filter_map(place).collect(),
        repeats,
    };
    TABLE.iter().map(row).collect()
});

fn of(operation: OperationKind) -> Option<&'static Places> {
    PLACES.iter().find(|places| places.operations.contains(&operation))
}

/// True where requests (or answers) of an operation that is no conversation have texts.
#[must_use]
pub fn has_texts(operation: OperationKind, direction: Direction) -> bool {
    of(operation).is_some_and(|places| !places.way(direction).is_empty())
}

impl Places {
    fn way(&self, direction: Direction) -> &[Place] {
        match direction {
            Direction::Request => &self.request,
            Direction::Response => &self.response,
        }
    }
}

/// Takes what says the texts of an answer again out of it.
pub(crate) fn drop_repeats(operation: OperationKind, body: &mut Json) {
    for name in of(operation).map(|places| places.repeats).unwrap_or_default() {
        body.remove(name);
    }
}

/// What subtitles (SRT, WebVTT) say, as one text: a phrase may go from one to the next. Nothing where there are fewer than two.
pub(crate) fn said_in_cues(operation: OperationKind, body: &Json) -> Option<String> {
    if !matches!(operation, OperationKind::Transcribe | OperationKind::Translate) {
        return None;
    }
    let lines: Vec<&str> = body.as_str().or_else(|| body.text("text"))?.lines().map(str::trim).collect();
    let is_time = |line: &&str| line.contains("-->");
    if lines.iter().filter(|line| is_time(line)).count() < 2 {
        return None;
    }
    // What stands right before the time is the number or the name of a subtitle.
    let names = |at: usize| lines.get(at + 1).is_some_and(is_time);
    let said = lines.iter().enumerate().filter(|(at, line)| !line.is_empty() && !is_time(line) && !names(*at));
    Some(said.map(|(_, line)| *line).collect::<Vec<_>>().join(" "))
}

/// A body with the places of its texts.
#[derive(Debug)]
pub(crate) struct Placed<'b> {
    places: &'static [Place],
    role: Role,
    body: &'b mut Json,
}

impl<'b> Placed<'b> {
    /// Nothing for an operation without texts.
    pub(crate) fn new(operation: OperationKind, direction: Direction, body: &'b mut Json) -> Option<Self> {
        let places = of(operation)?.way(direction);
        let role = match direction {
            Direction::Request => Role::User,
            Direction::Response => Role::Assistant,
        };
        (!places.is_empty()).then_some(Self { places, role, body })
    }
}

impl Texts for Placed<'_> {
    fn visit(&mut self, _: Scope, each: &mut dyn FnMut(Option<Role>, &mut String)) {
        let role = self.role;
        let mut each = |text: &mut String| each(Some(role), text);
        if let Json::String(text) = self.body {
            return each(text);
        }
        for Place { path, deep } in self.places {
            path.visit(self.body, &mut |found| match deep {
                true => json::strings_mut(found, &mut each),
                false => strings(found, &mut each),
            });
        }
    }
}

/// A string, and those of lists; token ids and objects are passed over.
fn strings(json: &mut Json, each: &mut dyn FnMut(&mut String)) {
    match json {
        Json::String(text) => each(text),
        Json::Array(items) => items.iter_mut().for_each(|item| strings(item, each)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(operation: OperationKind, direction: Direction, body: &str) -> Vec<String> {
        let mut body: Json = serde_json::from_str(body).unwrap();
        let mut texts = Vec::new();
        if let Some(mut placed) = Placed::new(operation, direction, &mut body) {
            placed.visit(Scope::default(), &mut |_, text| texts.push(text.clone()));
        }
        texts
    }

    #[test]
    fn every_row_can_be_read() {
        for ((_, asked, said, _), read) in TABLE.iter().zip(&*PLACES) {
            assert_eq!((asked.len() * 2, said.len()), (read.request.len(), read.response.len()), "{read:?}");
        }
    }

    #[test]
    fn texts_are_found_where_they_are() {
        use OperationKind as Op;
        let asks = |operation, body: &str| seen(operation, Direction::Request, body);
        assert_eq!(asks(Op::Embed, r#"{"model":"m","input":["a","b"]}"#), ["a", "b"]);
        assert!(
            asks(Op::Embed, r#"{"input":[1,2]}"#).is_empty() && asks(Op::Embed, r#"{"input":[[1],[2]]}"#).is_empty()
        );
        assert_eq!(asks(Op::Embed, r#"{"input":[{"text":"a"},{"image_url":{"url":"data:x"}}]}"#), ["a"]);
        assert_eq!(asks(Op::Image, r#"{"prompt":"a","extra_body":{"negative_prompt":"b","seed":"no"}}"#), ["a", "b"]);
        assert_eq!(asks(Op::Speech, r#"{"input":"a","voice":"alloy","instructions":"b"}"#), ["a", "b"]);
        let both = r#"[{"type":"text","text":"a"},{"type":"image_url","image_url":{"url":"u"}}]"#;
        assert_eq!(asks(Op::Moderate, &format!(r#"{{"input":{both}}}"#)), ["a"]);
        assert_eq!(asks(Op::Rerank, r#"{"query":"q","documents":["a",{"text":"b"}]}"#), ["q", "a", "text", "b"]);
        assert_eq!(asks(Op::Video, r#"{"prompt":"a","seconds":"4"}"#), ["a"]);
        assert!(asks(Op::VideoStatus, r#"{"prompt":"a"}"#).is_empty());
        let says = |operation, body: &str| seen(operation, Direction::Response, body);
        assert_eq!(says(Op::Transcribe, r#"{"text":"a b","segments":[{"text":"a"}],"language":"en"}"#), ["a b", "a"]);
        assert_eq!(says(Op::Transcribe, r#""1\n00:00 --> 00:01\nhi""#), ["1\n00:00 --> 00:01\nhi"]);
        let cues = |text: &str| said_in_cues(Op::Transcribe, &Json::from(text));
        let srt = "1\n00:00:00,000 --> 00:00:01,000\na b\n\n2\n00:00:01,000 --> 00:00:02,000\n7\nc\n";
        assert_eq!(cues(srt).unwrap(), "a b 7 c");
        assert_eq!((cues("a --> b"), said_in_cues(Op::Ocr, &Json::from(srt))), (None, None));
        assert_eq!(says(Op::Ocr, r#"{"pages":[{"index":0,"markdown":"a"}]}"#), ["a"]);
        assert!(says(Op::Embed, r#"{"data":[{"embedding":[0.1]}]}"#).is_empty());
        assert!(has_texts(Op::Image, Direction::Response) && !has_texts(Op::Speech, Direction::Response));
    }
}
