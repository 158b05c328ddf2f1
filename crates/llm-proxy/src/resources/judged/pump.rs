//! A form on its way past those who judge the requests in it.

use bytes::{Bytes, BytesMut};
use futures_util::future::join_all;
use llm_client::resources::BATCH;
use llm_types::{Error, Result};
use llm_wire::form::{FormFilter, Pieces};

use super::line::{Judge, Line, Verdict};
use super::report::Report;

/// Requests that are judged side by side.
const WINDOW: usize = 32;
/// Bytes of them at the most, but for one.
const WINDOW_BYTES: usize = 1 << 20;
/// What their names end in.
const ENDING: &str = ".jsonl";

/// A piece of the form.
enum Part {
    Begins(String),
    File(Bytes),
    Ends,
    Form(Bytes),
}

#[derive(Default)]
struct Parts(Vec<Part>);

impl Pieces for Parts {
    fn begins(&mut self, filename: &str) {
        self.0.push(Part::Begins(filename.to_owned()));
    }

    fn file(&mut self, bytes: &[u8]) {
        self.0.push(Part::File(Bytes::copy_from_slice(bytes)));
    }

    fn ends(&mut self) {
        self.0.push(Part::Ends);
    }

    fn form(&mut self, bytes: &[u8]) {
        self.0.push(Part::Form(Bytes::copy_from_slice(bytes)));
    }
}

/// Takes a form in and gives it out as it may go on.
pub(super) struct Pump<'a> {
    filter: FormFilter,
    judge: Judge<'a>,
    report: &'a Report,
    /// The file that passes is one of requests.
    judging: bool,
    /// A file passed that is not.
    unjudged: bool,
    /// The line that is still to be continued.
    line: BytesMut,
    number: usize,
    window: Vec<Line>,
}

impl<'a> Pump<'a> {
    pub(super) fn new(boundary: &str, judge: Judge<'a>, report: &'a Report) -> Self {
        Self {
            filter: FormFilter::new(boundary, &[]),
            judge,
            report,
            judging: false,
            unjudged: false,
            line: BytesMut::new(),
            number: 0,
            window: Vec::new(),
        }
    }

    /// Takes a piece in and adds what goes on to `out`.
    ///
    /// # Errors
    /// 400 for what cannot be judged, and where no request is left; what a guardrail fails with.
    pub(super) async fn feed(&mut self, piece: &[u8], out: &mut BytesMut) -> Result<()> {
        let mut parts = Parts::default();
        self.filter.feed_into(piece, &mut parts)?;
        self.look()?;
        for part in parts.0 {
            match part {
                Part::Form(bytes) => out.extend_from_slice(&bytes),
                Part::Begins(name) => self.begin(&name)?,
                Part::File(bytes) if self.judging => self.content(&bytes, out).await?,
                Part::File(bytes) => out.extend_from_slice(&bytes),
                Part::Ends if self.judging => self.end(out).await?,
                Part::Ends => {}
            }
        }
        Ok(())
    }

    /// The form is over.
    ///
    /// # Errors
    /// 400 for one that is not.
    pub(super) fn finish(&self) -> Result<()> {
        if self.filter.is_over() { Ok(()) } else { Err(Error::bad_request("the form does not end with its boundary")) }
    }

    fn purposes(&self) -> impl Iterator<Item = &str> {
        let fields = self.filter.fields().iter().filter(|(name, _)| name == "purpose");
        fields.map(|(_, purpose)| purpose.as_str())
    }

    /// Is the file that begins one of requests?
    fn begin(&mut self, name: &str) -> Result<()> {
        let judging = self.purposes().any(|purpose| purpose == BATCH);
        let unknown = self.purposes().next().is_none();
        self.judging = judging;
        self.unjudged |= !judging;
        if unknown && name.to_ascii_lowercase().ends_with(ENDING) {
            let why = "'purpose' has to stand before a large file of requests: guardrails judge them while it passes";
            return Err(Error::bad_request(why).with_param("purpose"));
        }
        Ok(())
    }

    /// What stands behind a file must not make another of it.
    fn look(&self) -> Result<()> {
        if self.unjudged && self.purposes().any(|purpose| purpose == BATCH) {
            let why = "'purpose' has to stand before a file of requests, once";
            return Err(Error::bad_request(why).with_param("purpose"));
        }
        if self.filter.in_file() && self.filter.fields().iter().any(|(name, _)| name == "file") {
            return Err(Error::bad_request("'file' is a file, and stands once").with_param("file"));
        }
        Ok(())
    }

    async fn content(&mut self, mut bytes: &[u8], out: &mut BytesMut) -> Result<()> {
        while let Some(at) = memchr::memchr(b'\n', bytes) {
            let (line, rest) = bytes.split_at(at + 1);
            self.grow(line)?;
            self.cut(out).await?;
            bytes = rest;
        }
        self.grow(bytes)
    }

    fn grow(&mut self, bytes: &[u8]) -> Result<()> {
        let most = self.judge.longest();
        if self.line.len() + bytes.len() > most {
            let why = format!("line {} of the file is longer than {} MB", self.number + 1, most >> 20);
            return Err(Error::bad_request(why).with_param("file"));
        }
        self.line.extend_from_slice(bytes);
        Ok(())
    }

    /// A line is over.
    async fn cut(&mut self, out: &mut BytesMut) -> Result<()> {
        self.number += 1;
        self.window.push(Line { number: self.number, bytes: self.line.split().freeze() });
        let bytes: usize = self.window.iter().map(|line| line.bytes.len()).sum();
        if self.window.len() < WINDOW && bytes < WINDOW_BYTES { Ok(()) } else { self.flush(out).await }
    }

    async fn end(&mut self, out: &mut BytesMut) -> Result<()> {
        if !self.line.is_empty() {
            self.cut(out).await?;
        }
        self.flush(out).await?;
        self.judging = false;
        if self.report.nothing_is_left() {
            let why = "a guardrail stopped every request of the file: nothing is left to be passed on";
            return Err(Error::bad_request(why).with_param("file"));
        }
        Ok(())
    }

    async fn flush(&mut self, out: &mut BytesMut) -> Result<()> {
        let (window, judge) = (std::mem::take(&mut self.window), self.judge);
        let verdicts = join_all(window.iter().map(|line| judge.rule(line))).await;
        for (line, verdict) in window.iter().zip(verdicts) {
            match verdict? {
                Verdict::Blank => out.extend_from_slice(&line.bytes),
                Verdict::Pass => {
                    self.report.passed();
                    out.extend_from_slice(&line.bytes);
                }
                Verdict::Masked { custom_id, text } => {
                    self.report.masked(line.number, custom_id);
                    out.extend_from_slice(&text);
                    out.extend_from_slice(if line.bytes.ends_with(b"\n") { b"\n" } else { b"" });
                }
                Verdict::Dropped { custom_id, guardrail } => {
                    self.report.dropped(line.number, custom_id, guardrail.as_deref());
                }
            }
        }
        // Others have their turn.
        tokio::task::yield_now().await;
        Ok(())
    }
}
