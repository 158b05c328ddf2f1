//! A `multipart/form-data` body on its way through: fields for the gateway are taken out, everything else stays as it
//! is, byte for byte, in whatever pieces it comes. <https://www.rfc-editor.org/rfc/rfc7578>

mod fields;
mod names;
mod pieces;

use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use llm_types::{Error, Result};
use memchr::memmem;

pub use fields::{add, bare, value};
pub use names::FileNames;
pub use pieces::Pieces;

/// Bytes of the head of a part at the most.
const HEAD: usize = 16 << 10;
/// Bytes of a text field that are remembered at the most.
const TEXT: usize = 64 << 10;
/// Bytes of a line break.
const BREAK: usize = 2;
/// Bytes of all text fields that are remembered at the most.
const TEXTS: usize = 1 << 20;
/// Parts at the most.
const PARTS: usize = 1000;

/// Takes fields out of a form: those with one of the names, and what stands in brackets behind it.
#[derive(Debug)]
pub struct FormFilter {
    /// `--` and the boundary.
    mark: Vec<u8>,
    drop: &'static [&'static str],
    state: State,
    tail: BytesMut,
    fields: Vec<(String, String)>,
    dropped: u64,
    file: bool,
    parts: usize,
    /// Bytes of text that are remembered.
    remembered: usize,
    names: Arc<FileNames>,
}

#[derive(Debug)]
enum State {
    /// Before the first boundary.
    Start,
    /// A boundary was there: behind it comes a head, or the end.
    Head,
    /// In a part. `lead`: bytes of the line break behind the head that are still to come.
    Part { keep: bool, lead: usize, text: Option<(String, BytesMut)> },
    /// Behind the last boundary.
    End,
}

impl FormFilter {
    /// A filter that takes the fields named in `drop` out.
    #[must_use]
    pub fn new(boundary: &str, drop: &'static [&'static str]) -> Self {
        Self {
            mark: format!("--{boundary}").into_bytes(),
            drop,
            state: State::Start,
            tail: BytesMut::new(),
            fields: Vec::new(),
            dropped: 0,
            file: false,
            parts: 0,
            remembered: 0,
            names: Arc::default(),
        }
    }

    /// Files whose names `names` does not allow stop the form.
    #[must_use]
    pub fn judging(mut self, names: Arc<FileNames>) -> Self {
        self.names = names;
        self
    }

    /// The text fields that were there until now, in order, with those that were taken out.
    #[must_use]
    pub fn fields(&self) -> &[(String, String)] {
        &self.fields
    }

    /// The last text of a field.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<&str> {
        self.fields.iter().rev().find(|(n, _)| n == name).map(|(_, text)| text.as_str()).filter(|t| !t.is_empty())
    }

    /// Bytes that were taken out until now.
    #[must_use]
    pub const fn dropped(&self) -> u64 {
        self.dropped
    }

    /// A file began.
    #[must_use]
    pub const fn in_file(&self) -> bool {
        self.file
    }

    /// From now on nothing is taken out any more: the length of the rest was promised.
    pub fn keep_the_rest(&mut self) {
        self.drop = &[];
    }

    /// Takes a piece in and gives what goes on.
    ///
    /// # Errors
    /// `BadRequest` for a head without end, too many parts, or a file that may not be uploaded.
    pub fn feed(&mut self, chunk: &[u8]) -> Result<Bytes> {
        let mut out = BytesMut::new();
        self.feed_into(chunk, &mut out)?;
        Ok(out.freeze())
    }

    /// The same, telling what of it is the content of files.
    ///
    /// # Errors
    /// As [`Self::feed`].
    pub fn feed_into(&mut self, chunk: &[u8], out: &mut dyn Pieces) -> Result<()> {
        self.tail.extend_from_slice(chunk);
        while self.step(out)? {}
        Ok(())
    }

    /// The last boundary was there.
    #[must_use]
    pub const fn is_over(&self) -> bool {
        matches!(self.state, State::End)
    }

    /// The body is over.
    #[must_use]
    pub fn finish(&mut self) -> Bytes {
        let keep = !matches!(self.state, State::Part { keep: false, .. });
        let rest = self.tail.split().freeze();
        if keep { rest } else { Bytes::new() }
    }

    /// One step; false when more bytes are needed.
    fn step(&mut self, out: &mut dyn Pieces) -> Result<bool> {
        match &mut self.state {
            State::Start => {
                let Some(at) = memmem::find(&self.tail, &self.mark) else {
                    if self.tail.len() > HEAD {
                        return Err(Error::bad_request("the form does not begin with its boundary"));
                    }
                    return Ok(false);
                };
                out.form(&self.tail.split_to(at));
                self.state = State::Head;
                Ok(true)
            }
            State::Head => self.head(out),
            State::Part { keep, lead, text } => {
                let mut end = Vec::with_capacity(self.mark.len() + 2);
                end.extend_from_slice(b"\r\n");
                end.extend_from_slice(&self.mark);
                let found = memmem::find(&self.tail, &end);
                let (len, over) = match found {
                    Some(at) => (at + 2, true),
                    None => (self.tail.len().saturating_sub(end.len()), false),
                };
                let piece = self.tail.split_to(len);
                if let Some((_, so_far)) = text
                    && so_far.len() + piece.len() <= TEXT
                    && self.remembered + piece.len() <= TEXTS
                {
                    self.remembered += piece.len();
                    so_far.extend_from_slice(&piece);
                }
                match (*keep, &text) {
                    (true, None) => pieces::of_file(&piece, lead, over, out),
                    (true, Some(_)) => out.form(&piece),
                    (false, _) => self.dropped += piece.len() as u64,
                }
                if over {
                    if let Some((name, text)) = text.take() {
                        // Between the line break that ended the head and the one before the boundary.
                        let text = text.strip_prefix(b"\r\n").unwrap_or(&text);
                        let text = text.strip_suffix(b"\r\n").unwrap_or(text);
                        self.fields.push((name, String::from_utf8_lossy(text).into_owned()));
                    }
                    self.state = State::Head;
                }
                Ok(over)
            }
            State::End => {
                out.form(&self.tail.split());
                Ok(false)
            }
        }
    }

    /// The boundary and the head of a part are at the front.
    fn head(&mut self, out: &mut dyn Pieces) -> Result<bool> {
        let behind = self.tail.get(self.mark.len()..).unwrap_or_default();
        if behind.starts_with(b"--") {
            self.state = State::End;
            return Ok(true);
        }
        let Some(at) = memmem::find(behind, b"\r\n\r\n") else {
            if behind.len() > HEAD {
                return Err(Error::bad_request("the form has a part whose head does not end"));
            }
            return Ok(false);
        };
        self.parts += 1;
        if self.parts > PARTS {
            return Err(Error::bad_request(format!("the form has more than {PARTS} parts")));
        }
        let head = String::from_utf8_lossy(behind.get(..at).unwrap_or_default()).into_owned();
        let name = parameter(&head, "name").unwrap_or_default();
        let filename = parameter(&head, "filename").or_else(|| parameter(&head, "filename*"));
        if let Some(name) = filename.as_deref().filter(|_| !self.names.allows_all()) {
            self.names.check(name)?;
        }
        let file = filename.is_some();
        let keep = file || !self.drop.contains(&bare(&name));
        // The line break that ends the head may be the one in front of the next boundary: it stays in the tail.
        let piece = self.tail.split_to(self.mark.len() + at + 2);
        if keep {
            out.form(&piece);
        } else {
            self.dropped += piece.len() as u64;
        }
        if let Some(name) = &filename {
            out.begins(name);
        }
        self.file |= file;
        let text = (!file).then(|| (name, BytesMut::new()));
        self.state = State::Part { keep, lead: BREAK, text };
        Ok(true)
    }
}

/// A parameter of `Content-Disposition`.
fn parameter(head: &str, name: &str) -> Option<String> {
    let line = head.lines().find(|l| l.to_ascii_lowercase().starts_with("content-disposition:"))?;
    let wanted = format!("{name}=");
    let mut rest = line;
    loop {
        let at = rest.find(&wanted)?;
        let before = rest.get(..at)?.chars().next_back();
        rest = rest.get(at + wanted.len()..)?;
        if before.is_some_and(|c| c == ';' || c == ' ') {
            break;
        }
    }
    match rest.strip_prefix('"') {
        Some(quoted) => {
            let mut out = String::new();
            let mut chars = quoted.chars();
            while let Some(c) = chars.next() {
                match c {
                    '"' => return Some(out),
                    '\\' => out.extend(chars.next()),
                    c => out.push(c),
                }
            }
            None
        }
        None => Some(rest.split(';').next().unwrap_or_default().trim().to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DROP: &[&str] = &["custom_llm_provider", "model"];

    fn part(name: &str, more: &str, body: &str) -> String {
        format!("--b0\r\nContent-Disposition: form-data; name=\"{name}\"{more}\r\n\r\n{body}\r\n")
    }

    /// Whatever the cutting, the outcome is the same.
    fn filtered(body: &str) -> (String, Vec<(String, String)>, u64) {
        let run = |size: usize| {
            let mut filter = FormFilter::new("b0", DROP);
            let mut out = Vec::new();
            for chunk in body.as_bytes().chunks(size) {
                out.extend_from_slice(&filter.feed(chunk).unwrap());
            }
            out.extend_from_slice(&filter.finish());
            (String::from_utf8(out).unwrap(), filter.fields().to_vec(), filter.dropped())
        };
        let all = run(body.len().max(1));
        for size in [1, 2, 3, 7, 50] {
            assert_eq!(run(size), all, "in pieces of {size}");
        }
        all
    }

    #[test]
    fn fields_for_the_gateway_are_taken_out_wherever_they_stand() {
        let file =
            part("file", "; filename=\"a \\\"b\\\".jsonl\"\r\nContent-Type: application/json", "{\"x\":1}\r\n--b1\r\n");
        let (purpose, empty) = (part("purpose", "", "batch"), part("note", "", ""));
        let (one, two) = (part("custom_llm_provider", "", "acme"), part("model", "", "m"));
        let end = "--b0--\r\n";
        let (out, fields, dropped) = filtered(&format!("{one}{purpose}{empty}{file}{two}{end}"));
        assert_eq!(out, format!("{purpose}{empty}{file}{end}"));
        assert_eq!(dropped, (one.len() + two.len()) as u64);
        let named = |n: &str| fields.iter().find(|(name, _)| name == n).map(|(_, text)| text.as_str());
        assert_eq!(
            (named("custom_llm_provider"), named("purpose"), named("note"), named("file")),
            (Some("acme"), Some("batch"), Some(""), None)
        );
    }

    #[test]
    fn the_content_of_files_is_told_apart_however_it_is_cut() {
        #[derive(Default)]
        struct Seen(Vec<String>, String);
        impl Pieces for Seen {
            fn begins(&mut self, filename: &str) {
                self.0.push(format!("{filename}="));
            }
            fn file(&mut self, bytes: &[u8]) {
                self.0.last_mut().unwrap().push_str(std::str::from_utf8(bytes).unwrap());
            }
            fn ends(&mut self) {
                self.0.last_mut().unwrap().push('$');
            }
            fn form(&mut self, bytes: &[u8]) {
                self.1.push_str(std::str::from_utf8(bytes).unwrap());
            }
        }
        let file = |name: &str, data: &str| part("file", &format!("; filename=\"{name}\""), data);
        let body = format!(
            "{}{}{}{}--b0--",
            part("model", "", "m"),
            file("a", "\r\n1\r\n2\r\n"),
            file("b", ""),
            file("c", "3")
        );
        for size in [1, 2, 3, 7, body.len()] {
            let (mut filter, mut seen) = (FormFilter::new("b0", DROP), Seen::default());
            body.as_bytes().chunks(size).for_each(|chunk| filter.feed_into(chunk, &mut seen).unwrap());
            assert_eq!(seen.0, ["a=\r\n1\r\n2\r\n$", "b=$", "c=3$"], "in pieces of {size}");
            assert_eq!(seen.1, format!("{}{}{}--b0--", file("a", ""), file("b", ""), file("c", "")));
            assert!(filter.is_over());
        }
    }

    #[test]
    fn a_file_may_have_the_name_of_a_field() {
        let body = format!("{}--b0--", part("model", "; filename=\"m\"", "weights"));
        assert_eq!(filtered(&body).0, body);
    }

    #[test]
    fn what_is_no_form_goes_on_or_is_refused() {
        assert_eq!(filtered("no form").0, "no form");
        let mut filter = FormFilter::new("b0", DROP);
        assert!(filter.feed(&vec![b'x'; HEAD + 1]).is_err());
        let mut filter = FormFilter::new("b0", DROP);
        assert!(filter.feed(&[b"--b0\r\n".as_slice(), &vec![b'x'; HEAD + 1]].concat()).is_err());
    }

    #[test]
    fn a_form_does_not_fill_the_memory() {
        let long = part("x", "", &"y".repeat(TEXT / 2));
        let mut filter = FormFilter::new("b0", DROP);
        let passed: usize = (0..PARTS).map(|_| filter.feed(long.as_bytes()).unwrap().len()).sum();
        assert!(passed + 64 > PARTS * long.len(), "all goes on");
        assert!(filter.fields().iter().map(|(_, text)| text.len()).sum::<usize>() <= TEXTS);
        assert!(filter.feed(long.as_bytes()).is_err());
    }

    #[test]
    fn a_promised_length_is_kept() {
        let mut filter = FormFilter::new("b0", DROP);
        let (one, file) = (part("model", "", "m"), part("file", "; filename=\"f\"", "data"));
        let mut out = filter.feed(format!("{one}{file}").as_bytes()).unwrap().to_vec();
        assert!(filter.in_file() && filter.field("model") == Some("m"));
        filter.keep_the_rest();
        out.extend_from_slice(&filter.feed(format!("{one}--b0--").as_bytes()).unwrap());
        out.extend_from_slice(&filter.finish());
        assert_eq!(String::from_utf8(out).unwrap(), format!("{file}{one}--b0--"));
    }
}
