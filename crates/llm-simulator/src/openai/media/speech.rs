//! Sound of text: bytes fixed by text, voice and format, in pieces.

use base64::Engine;
use bytes::Bytes;

use crate::ids::{Sequence, hash, tokens};
use crate::prompt::text_field;
use crate::reply::{Frame, FrameKind, Framing, Payload, Reply};
use crate::service::Call;
use crate::template::fill;

use super::super::headers;
use super::frames;

/// Pieces without a wish, and the bytes of each.
const PIECES: usize = 8;
const PIECE: usize = 1024;

const TYPES: &[(&str, &str)] = &[
    ("aac", "audio/aac"),
    ("flac", "audio/flac"),
    ("mp3", "audio/mpeg"),
    ("opus", "audio/opus"),
    ("pcm", "audio/pcm"),
    ("wav", "audio/wav"),
];

pub(super) fn reply(call: &Call<'_>) -> Reply {
    let format = text_field(call.body, "response_format").unwrap_or("mp3");
    let voice = call.body.get("voice").map(ToString::to_string).unwrap_or_default();
    let mut bytes = Sequence::new(hash(format!("{} {voice} {format}", call.prompt.user_text).as_bytes()));
    let mut piece = || (0..PIECE / 8).flat_map(|_| bytes.next().to_le_bytes()).collect::<Vec<u8>>();
    let pieces: Vec<Vec<u8>> = (0..call.script.chunks.unwrap_or(PIECES)).map(|_| piece()).collect();
    if call.prompt.stream {
        return events(call, &pieces);
    }
    let kind = TYPES.iter().find(|(name, _)| *name == format).map_or("audio/mpeg", |(_, kind)| kind);
    let frames = pieces.into_iter().map(|piece| Frame::framed(Framing::Bytes, FrameKind::Content, Bytes::from(piece)));
    Reply { status: 200, headers: headers(call, kind), payload: Payload::Frames(frames.collect()) }
}

fn events(call: &Call<'_>, pieces: &[Vec<u8>]) -> Reply {
    let delta = |piece: &Vec<u8>| {
        let data = base64::engine::general_purpose::STANDARD.encode(piece);
        Frame::new(FrameKind::Content, fill(frames::AUDIO_DELTA, &[("data", &data)]))
    };
    let mut out: Vec<Frame> = pieces.iter().map(delta).collect();
    let input = call.script.prompt_tokens.unwrap_or_else(|| tokens(call.prompt.characters).max(1));
    let output = call.script.completion_tokens.unwrap_or(100);
    let values = [("input", input), ("output", output), ("total", input + output)];
    let values = values.map(|(key, value)| (key, value.to_string()));
    let done = fill(frames::AUDIO_DONE, &values.each_ref().map(|(key, value)| (*key, value.as_str())));
    out.push(Frame::new(FrameKind::End, done));
    Reply { status: 200, headers: headers(call, "text/event-stream; charset=utf-8"), payload: Payload::Frames(out) }
}
