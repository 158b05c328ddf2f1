//! Text of sound: always the same sentence, unless the script has another.

use base64::Engine;
use serde_json::Value;

use crate::content::pieces;
use crate::ids::tokens;
use crate::prompt::text_field;
use crate::reply::{Frame, FrameKind, Payload, Reply};
use crate::route::Operation;
use crate::service::Call;
use crate::template::{fill, quote};

use super::super::{headers, json_reply};
use super::frames;

const HEARD: &str = "The quick brown fox jumps over the lazy dog.";

/// Bytes a second of sound whose head does not say: that of 128 kilobits.
const RATE: u64 = 16_000;

pub(super) fn reply(call: &Call<'_>) -> Reply {
    let text = call.script.text.as_deref().unwrap_or(HEARD);
    if call.prompt.stream {
        return stream(call, text);
    }
    let length = milliseconds(call.body.get("file").unwrap_or(&Value::Null));
    let plain = |body: String| {
        let headers = headers(call, "text/plain; charset=utf-8");
        Reply { status: 200, headers, payload: Payload::Whole(body.into()) }
    };
    match text_field(call.body, "response_format").unwrap_or("json") {
        "text" => plain(format!("{text}\n")),
        "srt" => plain(format!("1\n{} --> {}\n{text}\n\n\n", stamp(0, ','), stamp(length, ','))),
        "vtt" => plain(format!("WEBVTT\n\n{} --> {}\n{text}\n\n", stamp(0, '.'), stamp(length, '.'))),
        "verbose_json" => json_reply(call, verbose(call, text, length)),
        _ => json_reply(call, fill(frames::TRANSCRIPT, &[("text", &quote(text)), ("usage", &usage(call, text))])),
    }
}

fn stream(call: &Call<'_>, text: &str) -> Reply {
    let mut out: Vec<Frame> = pieces(text, call.script.chunks)
        .iter()
        .map(|piece| Frame::new(FrameKind::Content, fill(frames::TEXT_DELTA, &[("text", &quote(piece))])))
        .collect();
    let done = fill(frames::TEXT_DONE, &[("text", &quote(text)), ("usage", &usage(call, text))]);
    out.push(Frame::new(FrameKind::End, done));
    Reply { status: 200, headers: headers(call, "text/event-stream; charset=utf-8"), payload: Payload::Frames(out) }
}

fn verbose(call: &Call<'_>, text: &str, length: u64) -> String {
    let task = if call.route.operation == Operation::Translations { "translate" } else { "transcribe" };
    let wanted = call.body.get("timestamp_granularities").map_or_else(String::new, Value::to_string);
    let words: Vec<&str> = text.split_whitespace().collect();
    let count = u64::try_from(words.len()).unwrap_or(1).max(1);
    let at = |index: u64| seconds(length * index / count);
    let word = |(index, word): (u64, &str)| {
        let values = [("word", quote(word)), ("start", at(index)), ("end", at(index + 1))];
        fill(frames::WORD, &values.each_ref().map(|(key, value)| (*key, value.as_str())))
    };
    let rows: Vec<String> = (0..).zip(words.iter().copied()).map(word).collect();
    let words =
        if wanted.contains("word") { fill(frames::WORDS, &[("words", &rows.join(","))]) } else { String::new() };
    let values = [
        ("task", quote(task)),
        ("duration", seconds(length)),
        ("text", quote(text)),
        ("words", words),
        ("usage", usage(call, text)),
    ];
    fill(frames::VERBOSE, &values.each_ref().map(|(key, value)| (*key, value.as_str())))
}

/// The first model of its kind counts seconds, the newer ones tokens.
fn usage(call: &Call<'_>, text: &str) -> String {
    if call.script.no_usage {
        return String::new();
    }
    let length = milliseconds(call.body.get("file").unwrap_or(&Value::Null));
    if call.prompt.model.starts_with("whisper") {
        return fill(frames::SECONDS, &[("seconds", &length.div_ceil(1000).to_string())]);
    }
    let said = tokens(call.prompt.characters);
    // ten tokens a second
    let heard = call.script.prompt_tokens.unwrap_or_else(|| (length / 100).max(1));
    let output = call.script.completion_tokens.unwrap_or_else(|| tokens(text.chars().count()));
    let values = [
        ("input", said + heard),
        ("text", said),
        ("audio", heard),
        ("output", output),
        ("total", said + heard + output),
    ];
    let values = values.map(|(key, value)| (key, value.to_string()));
    fill(frames::AUDIO_USAGE, &values.each_ref().map(|(key, value)| (*key, value.as_str())))
}

/// How long a file plays: a WAV says how many bytes a second has.
fn milliseconds(file: &Value) -> u64 {
    let size = file.get("size").and_then(Value::as_u64).unwrap_or(0);
    let start = file.get("start").and_then(Value::as_str).unwrap_or_default();
    let start = base64::engine::general_purpose::STANDARD.decode(start).unwrap_or_default();
    let rate = start.get(28..32).filter(|_| start.starts_with(b"RIFF")).and_then(|rate| rate.try_into().ok());
    match rate.map(u32::from_le_bytes) {
        // the head has 44 bytes
        Some(rate) if rate > 0 => size.saturating_sub(44) * 1000 / u64::from(rate),
        _ => size * 1000 / RATE,
    }
}

fn seconds(milliseconds: u64) -> String {
    format!("{}.{:03}", milliseconds / 1000, milliseconds % 1000)
}

/// `00:00:01,500`.
fn stamp(milliseconds: u64, point: char) -> String {
    let seconds = milliseconds / 1000;
    format!("{:02}:{:02}:{:02}{point}{:03}", seconds / 3600, seconds / 60 % 60, seconds % 60, milliseconds % 1000)
}
