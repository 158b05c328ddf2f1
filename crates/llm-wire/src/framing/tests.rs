use super::{Framing, Splitter};
use crate::sse::Item;

/// The data of all frames, the input cut into chunks of a length.
fn frames(framing: Framing, input: &[u8], chunk: usize) -> Result<Vec<String>, super::FrameError> {
    let mut out = Vec::new();
    let mut splitter = Splitter::new(framing, 64);
    let mut tell = |item: Item<'_>| {
        if let Item::Frame(frame) = item {
            out.push(String::from_utf8_lossy(&frame.data).into_owned());
        }
    };
    for piece in input.chunks(chunk) {
        splitter.feed(piece, &mut tell)?;
    }
    splitter.finish(&mut tell)?;
    Ok(out)
}

#[test]
fn lines_and_arrays_whatever_the_chunks() {
    let lines = b"{\"a\":1}\r\n\n data: {\"b\":2}\n{\"c\":3}";
    let array = b"[{\"a\": \"}],\\\"\"}\n,\r\n{\"b\": [{}]}]\n";
    for chunk in 1..20 {
        assert_eq!(frames(Framing::JsonLines, lines, chunk).unwrap(), ["{\"a\":1}", "{\"b\":2}", "{\"c\":3}"]);
        assert_eq!(frames(Framing::JsonArray, array, chunk).unwrap(), ["{\"a\": \"}],\\\"\"}", "{\"b\": [{}]}"]);
        assert_eq!(frames(Framing::JsonArray, b"{\"error\": {}}", chunk).unwrap(), ["{\"error\": {}}"]);
    }
    assert_eq!(frames(Framing::Text, b"abcd", 3).unwrap(), ["abc", "d"]);
}

#[test]
fn what_is_broken_or_too_long_is_an_error() {
    assert!(frames(Framing::JsonArray, b"[{\"a\": 1}", 4).is_err());
    assert!(frames(Framing::JsonArray, b"[{\"a\": 1}, 7]", 4).is_err());
    assert!(frames(Framing::JsonArray, format!("[{{\"a\":\"{}\"}}]", "x".repeat(99)).as_bytes(), 4).is_err());
    assert!(frames(Framing::JsonLines, "x".repeat(99).as_bytes(), 4).is_err());
}
