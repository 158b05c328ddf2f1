//! Deciding what to say: one answer, before it is written in a provider's format.

use crate::faults::Fault;
use crate::ids::tokens;
use crate::prompt::{Forced, Output, Prompt};
use crate::schema;
use crate::script::Script;

/// Default size of the line of [`Fault::OversizedLine`].
const OVERSIZED: usize = 2 * 1024 * 1024;

/// A red pixel: a PNG in base64.
pub(crate) const PICTURE: &str =
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR42mP4z8AAAAMBAQD3A0FDAAAAAElFTkSuQmCC";

/// An answer without format.
#[derive(Debug, Default)]
pub(crate) struct Answer {
    pub(crate) reasoning: Option<String>,
    pub(crate) redacted: bool,
    pub(crate) refusal: Option<String>,
    /// The text in the pieces in which it is streamed; no pieces, no text.
    pub(crate) pieces: Vec<String>,
    pub(crate) tools: Vec<Call>,
    pub(crate) finish: Finish,
}

#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) name: String,
    /// JSON text.
    pub(crate) args: String,
}

/// Why the answer ends.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) enum Finish {
    #[default]
    Stop,
    Length,
    Tools,
    /// A stop sequence was reached.
    Sequence(String),
}

/// Token counts as reported.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Usage {
    /// All prompt tokens, cached and written ones included.
    pub(crate) prompt: u64,
    /// All completion tokens, reasoning included.
    pub(crate) completion: u64,
    pub(crate) cached: u64,
    pub(crate) written: u64,
    pub(crate) written_1h: u64,
    pub(crate) reasoning: u64,
}

impl Answer {
    pub(crate) fn text(&self) -> Option<String> {
        (!self.pieces.is_empty()).then(|| self.pieces.concat())
    }

    /// Completion tokens, reasoning included, by the estimate.
    fn tokens(&self) -> u64 {
        let text: usize = self.pieces.iter().map(|p| p.chars().count()).sum();
        let tools: usize = self.tools.iter().map(|t| t.name.chars().count() + t.args.chars().count()).sum();
        let refusal = self.refusal.as_deref().map_or(0, |t| t.chars().count());
        tokens(text + tools + refusal).max(1) + self.reasoning_tokens()
    }

    fn reasoning_tokens(&self) -> u64 {
        self.reasoning.as_deref().map_or(0, |t| tokens(t.chars().count()))
    }
}

/// What the model says to this prompt under this script. `choice` counts from 0 for n > 1.
pub(crate) fn compose(prompt: &Prompt, script: &Script, choice: u64) -> Answer {
    let mut answer = Answer {
        reasoning: script
            .reasoning
            .clone()
            .or_else(|| prompt.thinking.then(|| "The user wrote to me. I repeat it.".to_owned())),
        redacted: script.redacted,
        refusal: script.refusal.clone(),
        ..Answer::default()
    };
    answer.tools = calls(prompt, script);
    if !answer.tools.is_empty() {
        answer.finish = Finish::Tools;
    }
    let said = match &script.text {
        Some(text) => Some(text.clone()),
        None if answer.refusal.is_some() || !answer.tools.is_empty() => None,
        None => Some(default_text(prompt, script, choice)),
    };
    if let Some(text) = said {
        let text = shorten(text, prompt, &mut answer.finish);
        answer.pieces = pieces(&text, script.chunks);
        if script.fault == Some(Fault::OversizedLine) {
            let at = script.chunks_before_fault().min(answer.pieces.len());
            answer.pieces.insert(at, "a".repeat(script.size.unwrap_or(OVERSIZED)));
        }
    }
    answer
}

/// Counts for answers to one prompt; a script's numbers win.
pub(crate) fn usage(prompt: &Prompt, script: &Script, answers: &[Answer]) -> Usage {
    let reasoning: u64 = answers.iter().map(Answer::reasoning_tokens).sum();
    Usage {
        prompt: script.prompt_tokens.unwrap_or_else(|| tokens(prompt.characters).max(1)),
        completion: script.completion_tokens.unwrap_or_else(|| answers.iter().map(Answer::tokens).sum()),
        cached: script.cached_tokens.unwrap_or(0),
        written: script.cache_write_tokens.unwrap_or(0),
        written_1h: script.cache_write_1h_tokens.unwrap_or(0),
        reasoning: script.reasoning_tokens.unwrap_or(reasoning),
    }
}

fn calls(prompt: &Prompt, script: &Script) -> Vec<Call> {
    let made_up = |name: &str| {
        let schema = prompt.tools.iter().find(|tool| tool.name == name).map(|tool| &tool.schema);
        schema.map_or_else(|| "{}".to_owned(), |schema| schema::instance(schema).to_string())
    };
    if !script.tools.is_empty() {
        let asked = script.tools.iter();
        return asked
            .map(|t| Call { name: t.name.clone(), args: t.args.clone().unwrap_or_else(|| made_up(&t.name)) })
            .collect();
    }
    let forced = match &prompt.forced {
        Forced::No => None,
        Forced::Any => prompt.tools.first().map(|tool| tool.name.clone()),
        Forced::Named(name) => Some(name.clone()),
    };
    forced.into_iter().map(|name| Call { args: made_up(&name), name }).collect()
}

fn default_text(prompt: &Prompt, script: &Script, choice: u64) -> String {
    match &prompt.output {
        Output::Schema(schema) => return schema::instance(schema).to_string(),
        Output::Json => return serde_json::json!({ "answer": prompt.user_text }).to_string(),
        Output::Text => {}
    }
    let mut text = match &prompt.tool_result {
        Some(result) => format!("The tool said: {result}"),
        None => format!("You said: {}", prompt.user_text),
    };
    if choice > 0 {
        text = format!("Choice {}. {text}", choice + 1);
    }
    let missing = script.chunks.unwrap_or(0).saturating_sub(text.split_inclusive(' ').count());
    for number in 1..=missing {
        text.push_str(&format!(" word{number}"));
    }
    text
}

/// Applies stop sequences and the token limit.
fn shorten(mut text: String, prompt: &Prompt, finish: &mut Finish) -> String {
    let stop = prompt.stops.iter().filter(|s| !s.is_empty()).filter_map(|s| Some((text.find(s.as_str())?, s))).min();
    if let Some((at, sequence)) = stop {
        *finish = Finish::Sequence(sequence.clone());
        text.truncate(at);
    }
    let limit =
        prompt.max_tokens.map_or(usize::MAX, |max| usize::try_from(max).unwrap_or(usize::MAX).saturating_mul(4));
    if let Some((at, _)) = text.char_indices().nth(limit) {
        *finish = Finish::Length;
        text.truncate(at);
    }
    text
}

/// Words with their trailing blank, or the text in at most `count` pieces.
pub(crate) fn pieces(text: &str, count: Option<usize>) -> Vec<String> {
    let words: Vec<&str> = text.split_inclusive(' ').collect();
    match count {
        None => words.into_iter().map(str::to_owned).collect(),
        Some(count) => {
            let each = words.len().div_ceil(count.max(1)).max(1);
            words.chunks(each).map(<[&str]>::concat).collect()
        }
    }
}

/// Pieces of a JSON argument text: a few, cut without regard to its grammar.
pub(crate) fn argument_pieces(args: &str) -> Vec<String> {
    let chars: Vec<char> = args.chars().collect();
    let each = chars.len().div_ceil(4).max(1);
    chars.chunks(each).map(|piece| piece.iter().collect()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::prompt::Tool;
    use crate::script::ToolCall;

    fn prompt(text: &str) -> Prompt {
        let mut prompt = Prompt { characters: 40, ..Prompt::default() };
        prompt.set_user_text(text);
        prompt
    }

    #[test]
    fn the_echo_comes_in_words() {
        let answer = compose(&prompt("hello there"), &Script::default(), 0);
        assert_eq!(answer.pieces, ["You ", "said: ", "hello ", "there"]);
        assert_eq!(answer.finish, Finish::Stop);
        let usage = usage(&prompt("hello there"), &Script::default(), &[answer]);
        assert_eq!((usage.prompt, usage.completion), (10, 6));
    }

    #[test]
    fn chunks_lengthen_the_echo() {
        let answer = compose(&prompt("hi"), &Script { chunks: Some(20), ..Script::default() }, 0);
        assert_eq!(answer.pieces.len(), 20);
        let answer = compose(&prompt("hi"), &Script { chunks: Some(2), ..Script::text("a b c d") }, 0);
        assert_eq!(answer.pieces, ["a b ", "c d"]);
    }

    #[test]
    fn limits_and_stop_sequences_end_the_text() {
        let mut p = prompt("one two three four");
        p.max_tokens = Some(3);
        let answer = compose(&p, &Script::default(), 0);
        assert_eq!((answer.text().unwrap().len(), answer.finish), (12, Finish::Length));
        p.max_tokens = None;
        p.stops = vec!["three".into(), "two".into()];
        let answer = compose(&p, &Script::default(), 0);
        assert_eq!(answer.text().unwrap(), "You said: one ");
        assert_eq!(answer.finish, Finish::Sequence("two".into()));
    }

    #[test]
    fn forced_and_scripted_tools() {
        let mut p = prompt("weather?");
        let schema = serde_json::json!({"type": "object", "properties": {"city": {"enum": ["Paris"]}}});
        p.tools = vec![Tool { name: "get_weather".into(), schema }];
        assert!(compose(&p, &Script::default(), 0).tools.is_empty());
        p.forced = Forced::Any;
        let answer = compose(&p, &Script::default(), 0);
        assert_eq!(answer.tools[0].args, r#"{"city":"Paris"}"#);
        assert_eq!((answer.text(), answer.finish), (None, Finish::Tools));
        let script = Script {
            tools: vec![ToolCall { name: "a".into(), args: Some("{ }".into()) }, ToolCall::default()],
            ..Script::text("Let me look.")
        };
        let answer = compose(&p, &script, 0);
        assert_eq!((answer.tools.len(), answer.text().as_deref()), (2, Some("Let me look.")));
    }

    #[test]
    fn argument_pieces_join_to_the_arguments() {
        let args = r#"{"city": "Zürich", "days": 3}"#;
        let pieces = argument_pieces(args);
        assert_eq!(pieces.len(), 4);
        assert_eq!(pieces.concat(), args);
        assert!(argument_pieces("").is_empty());
    }
}
