//! First inputs, made of the fixtures: each is handed to the codec of its own format.

use std::path::Path;
use std::{env, fs, io};

use llm_types::Format;

use crate::formats_of;

/// Kinds of tasks that the target chooses from.
const TASKS: u8 = 11;

/// Fields that tasks are asked with.
const ASKED: &str = r#"{"prompt":"p","input":"i","query":"q","documents":["d"],"n":1,"size":"1024x1024","voice":"v","image":"data:image/png;base64,AA==","document":{"type":"document_url","document_url":"https://a.test/b.pdf"},"response_format":"json"}"#;

/// A configuration and a form.
const CONFIG: &str = include_str!("../../examples/quickstart.yaml");
const FORM: &str = "--b\r\ncontent-disposition: form-data; name=\"model\"\r\n\r\nm\r\n--b\r\ncontent-disposition: form-data; name=\"file\"; filename=\"f.wav\"\r\ncontent-type: audio/wav\r\n\r\nRIFF\r\n--b--\r\n";

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
    if fs::read_dir(corpus)?.next().is_none() {
        for (name, seed) in of(target, fixtures)? {
            fs::write(corpus.join(name), seed)?;
        }
    }
    Ok(())
}

/// First inputs of a target, each with a name.
///
/// # Errors
/// The fixtures cannot be read.
pub fn of(target: &str, fixtures: &Path) -> io::Result<Vec<(String, Vec<u8>)>> {
    let formats = formats_of(target);
    let mut seeds = match target {
        "beside" => crate::beside::seeds(),
        "config" => vec![("quickstart".to_owned(), CONFIG.into())],
        "form" => vec![("upload".to_owned(), FORM.into())],
        "task" => tasks(&formats),
        _ => Vec::new(),
    };
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
                seeds.push((format!("{first}-{}-{name}", format.to_string_lossy()), seed));
            }
        }
    }
    Ok(seeds)
}

/// Every task of every format that has some, asked with [`ASKED`].
fn tasks(formats: &[Format]) -> Vec<(String, Vec<u8>)> {
    let asked = u8::try_from(ASKED.len()).unwrap_or(u8::MAX);
    let of = |(at, format): (usize, &Format)| {
        let at = u8::try_from(at).unwrap_or(0);
        let seed = |kind| [&[at, kind, asked], ASKED.as_bytes(), b"{}"].concat();
        (0..TASKS).map(|kind| (format!("{format}-{kind}"), seed(kind))).collect::<Vec<_>>()
    };
    formats.iter().enumerate().flat_map(of).collect()
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
