//! How streams are cut. AWS's messages carry checksums that a fuzzer cannot guess: they are made here around its bytes.

use llm_wire::framing::{Framing, Splitter};
use llm_wire::sse::Item;

const ALL: [Framing; 6] = [
    Framing::Sse,
    Framing::JsonLines,
    Framing::JsonArray,
    Framing::AwsEventStream,
    Framing::AwsChunks,
    Framing::AwsPayload,
];

/// A stream in some framing: the cutting changes nothing, and nothing is told behind an error.
pub fn run(data: &[u8]) {
    let [by, size, headers, body @ ..] = data else { return };
    let Some(framing) = ALL.get(usize::from(by % 8)).copied() else { return };
    let wrapped: Vec<u8>;
    let aws = matches!(framing, Framing::AwsEventStream | Framing::AwsChunks | Framing::AwsPayload);
    let body = if aws && *by < 128 {
        let pieces = body.chunks(usize::from(by >> 3) * 16 + 1);
        wrapped = pieces.flat_map(|piece| message(piece, usize::from(*headers))).collect();
        &wrapped
    } else {
        body
    };
    let whole = cut(framing, body, body.len().max(1));
    let pieces = cut(framing, body, usize::from(*size).max(1));
    // A chunk that is corrupt behind its first event tells that event only when it is cut there.
    match (&whole, &pieces) {
        (Ok(whole), Ok(pieces)) => assert_eq!(whole, pieces, "{framing:?}"),
        (Err(_), Err(_)) => {}
        // An event is bounded where it is kept, so a long one may pass in one piece.
        _ => assert!(body.len() > LIMIT, "{framing:?}: {whole:?} or {pieces:?}"),
    }
}

/// Bytes of an event at the most.
const LIMIT: usize = 1 << 12;

fn cut(framing: Framing, body: &[u8], size: usize) -> Result<Vec<String>, String> {
    let mut out = Vec::new();
    let mut splitter = Splitter::new(framing, LIMIT);
    let mut tell = |item: Item<'_>| out.push(format!("{item:?}"));
    for piece in body.chunks(size) {
        splitter.feed(piece, &mut tell).map_err(|e| e.to_string())?;
    }
    splitter.finish(&mut tell).map_err(|e| e.to_string())?;
    Ok(out)
}

/// A message as AWS writes it, around headers and payload of any kind. `headers`: bytes of the piece that are headers;
/// 255: those of an event.
fn message(piece: &[u8], headers: usize) -> Vec<u8> {
    const EVENT: &[u8] = b"\x0d:message-type\x07\0\x05event\x0b:event-type\x07\0\x05chunk";
    let (headers, payload) = match headers {
        255 => (EVENT, piece),
        n => piece.split_at(n.min(piece.len())),
    };
    let word = |n: usize| u32::try_from(n).expect("short").to_be_bytes();
    let mut out = word(16 + headers.len() + payload.len()).to_vec();
    out.extend_from_slice(&word(headers.len()));
    out.extend_from_slice(&crc32fast::hash(&out).to_be_bytes());
    out.extend_from_slice(headers);
    out.extend_from_slice(payload);
    out.extend_from_slice(&crc32fast::hash(&out).to_be_bytes());
    out
}
