//! First inputs, made of the fixtures: each is handed to the codec of its own format.

use std::path::Path;
use std::{env, fs, io};

use crate::formats_of;

/// Fields that tasks are asked with.
const ASKED: &str = r#"{"prompt":"p","input":"i","query":"q","documents":["d"],"n":1,"size":"1024x1024","voice":"v","image":"data:image/png;base64,AA==","document":{"type":"document_url","document_url":"https://a.test/b.pdf"},"response_format":"json"}"#;

/// Fills an empty corpus of a target: its folder is in `FUZZ_CORPUS`, the fixtures are in `FUZZ_FIXTURES`. Nothing
/// happens without them.
///
/// # Panics
/// The folders cannot be read or written.
pub fn plant(target: &str) {
    let (Some(corpus), Some(fixtures)) = (env::var_os("FUZZ_CORPUS"), env::var_os("FUZZ_FIXTURES")) else { return };
    write(target, Path::new(&corpus), Path::new(&fixtures)).expect("the corpus can be planted");
}

fn write(target: &str, corpus: &Path, fixtures: &Path) -> io::Result<()> {
    if fs::read_dir(corpus)?.next().is_some() {
        return Ok(());
    }
    let formats = formats_of(target);
    for folder in fs::read_dir(fixtures)? {
        let folder = folder?;
        let format = folder.file_name();
        let own = formats.iter().position(|f| format.to_str() == Some(f.name()));
        for file in fs::read_dir(folder.path())? {
            let file = file?;
            let name = file.file_name().to_string_lossy().into_owned();
            if !file.file_type()?.is_file() || !wanted(target, &name) {
                continue;
            }
            let body = fs::read(file.path())?;
            for first in firsts(target, own) {
                let seed = [&[first, 7, 255], body.as_slice()].concat();
                fs::write(corpus.join(format!("{first}-{}-{name}", format.to_string_lossy())), seed)?;
            }
        }
    }
    if target == "beside" {
        for (name, seed) in crate::beside::seeds() {
            fs::write(corpus.join(name), seed)?;
        }
    }
    if target == "task" {
        for (at, format) in formats.iter().enumerate() {
            for operation in 0..11 {
                let head = [u8::try_from(at).unwrap_or(0), operation, u8::try_from(ASKED.len()).unwrap_or(255)];
                fs::write(corpus.join(format!("{format}-{operation}")), [&head, ASKED.as_bytes(), b"{}"].concat())?;
            }
        }
    }
    Ok(())
}

fn wanted(target: &str, name: &str) -> bool {
    let kinds: &[&str] = match target {
        "request" => &["request.json", "bad.json"],
        "reply" => &["response.json", "error.json"],
        "stream" | "relay" | "framing" => &["stream.sse", "stream.jsonl"],
        "passing" | "frame" => &["response.json", "stream.sse", "stream.jsonl"],
        _ => &[],
    };
    kinds.iter().any(|k| name.ends_with(k))
}

/// First bytes of the inputs that a fixture becomes.
fn firsts(target: &str, own: Option<usize>) -> Vec<u8> {
    let own = own.and_then(|at| u8::try_from(at).ok());
    match target {
        "passing" | "frame" => (0..4).collect(),
        // in messages of AWS of some length
        "framing" => (120..126).collect(),
        // streams are kept as server-sent events, whatever framing the format has
        "stream" => own.map(|n| vec![n, n + first_above(n)]).unwrap_or_default(),
        _ => own.into_iter().collect(),
    }
}

/// What chooses the same format with a byte above 127.
fn first_above(at: u8) -> u8 {
    let all = formats_of("stream").len();
    let rounds = 128_usize.saturating_sub(at.into()).div_ceil(all.max(1));
    u8::try_from(rounds * all).unwrap_or(0)
}
