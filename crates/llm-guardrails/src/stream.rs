//! Guardrails between a streamed answer and the client.
//!
//! Text, thinking and refusals go through one gate per guardrail and part, which hold back what may still become an
//! objection. Arguments of tools are held until they are complete, because JSON can hide a word behind escapes.
//! Log probabilities repeat the text, so they wait for the end of their part and are dropped when it was masked;
//! so is the signature of masked thinking, which would not fit any more.

use std::borrow::Cow;

use llm_types::stream::{Delta, Event, EventFilter, EventSink, PartStart};
use llm_types::{Error, RawJson};

use crate::chain::{Out, Run, finish, push};
use crate::guardrail::{Mode, Stop, TextGate};
use crate::json;
use crate::open::Open;
use crate::record::{GuardLog, RunStatus};

/// Bytes of a tool call's arguments that are held at the most. A longer call ends the stream: what cannot be judged
/// is not sent.
const ARGUMENTS_LIMIT: usize = 4 << 20;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Text,
    Thinking,
    Refusal,
    Arguments,
}

impl Kind {
    const fn delta(self, text: String) -> Delta<'static> {
        let text = Cow::Owned(text);
        match self {
            Self::Text => Delta::Text(text),
            Self::Thinking => Delta::Thinking(text),
            Self::Refusal => Delta::Refusal(text),
            Self::Arguments => Delta::Arguments(text),
        }
    }
}

/// A text that is growing.
#[derive(Debug)]
struct Growing {
    choice: u32,
    part: u32,
    kind: Kind,
    gates: Vec<Box<dyn TextGate>>,
    arguments: String,
}

/// See the module's text.
#[derive(Debug)]
pub(crate) struct StreamFilter {
    runs: Vec<Run>,
    records: GuardLog,
    growing: Vec<Growing>,
    /// Parts of which something was masked.
    masked: Vec<(u32, u32)>,
    /// Log probabilities that wait: choice, JSON.
    logprobs: Vec<(u32, String)>,
    state: State,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Running,
    /// Only the end may follow.
    Failed,
    Over,
}

impl StreamFilter {
    pub(crate) fn new(open: Vec<Open>, records: GuardLog) -> Self {
        let runs = open.into_iter().map(|open| Run { record: open.record(Mode::PostCall), open }).collect();
        Self { runs, records, growing: Vec::new(), masked: Vec::new(), logprobs: Vec::new(), state: State::Running }
    }

    fn take(&mut self, event: Event<'_>, next: &mut dyn EventSink) -> Result<(), Stop> {
        match event {
            Event::Delta { choice, part, delta } => return self.delta(choice, part, delta, next),
            Event::Logprobs { choice, json } => {
                self.logprobs.push((choice, json.into_owned()));
                return Ok(());
            }
            Event::PartEnd { choice, part } => {
                self.complete(|g| (g.choice, g.part) == (choice, part), next)?;
                self.tell_logprobs(choice, next);
                next.event(event);
            }
            Event::Finish { choice, .. } => {
                self.complete(|g| g.choice == choice, next)?;
                self.tell_logprobs(choice, next);
                next.event(event);
            }
            Event::Error(_) | Event::End => {
                self.complete(|_| true, next)?;
                self.publish();
                self.state = if matches!(event, Event::End) { State::Over } else { State::Failed };
                next.event(event);
            }
            Event::Opaque { choice, format, key, json } => {
                let json = self.whole(json)?;
                next.event(Event::Opaque { choice, format, key, json });
            }
            Event::PartStart { choice, part, kind } => {
                let kind = match kind {
                    PartStart::HostedCall { format, json } => PartStart::HostedCall { format, json: self.whole(json)? },
                    PartStart::Opaque { format, json } => PartStart::Opaque { format, json: self.whole(json)? },
                    other => other,
                };
                next.event(Event::PartStart { choice, part, kind });
            }
            Event::Start(_) | Event::Usage(_) | Event::Ping => next.event(event),
        }
        Ok(())
    }

    fn delta(&mut self, choice: u32, part: u32, delta: Delta<'_>, next: &mut dyn EventSink) -> Result<(), Stop> {
        let (kind, text) = match delta {
            Delta::Text(text) => (Kind::Text, text),
            Delta::Thinking(text) => (Kind::Thinking, text),
            Delta::Refusal(text) => (Kind::Refusal, text),
            Delta::Arguments(text) => (Kind::Arguments, text),
            Delta::Signature(signature) => {
                self.complete(|g| (g.choice, g.part) == (choice, part), next)?;
                if !self.masked.contains(&(choice, part)) {
                    next.event(Event::Delta { choice, part, delta: Delta::Signature(signature) });
                }
                return Ok(());
            }
            Delta::Citation { format, json } => {
                let delta = Delta::Citation { format, json: self.whole(json)? };
                next.event(Event::Delta { choice, part, delta });
                return Ok(());
            }
            Delta::Opaque { format, json } => {
                let delta = Delta::Opaque { format, json: self.whole(json)? };
                next.event(Event::Delta { choice, part, delta });
                return Ok(());
            }
        };
        let same = |g: &Growing| (g.choice, g.part, g.kind) == (choice, part, kind);
        let at = match self.growing.iter().position(same) {
            Some(at) => at,
            None => {
                let gates = if kind == Kind::Arguments { Vec::new() } else { self.gates()? };
                self.growing.push(Growing { choice, part, kind, gates, arguments: String::new() });
                self.growing.len() - 1
            }
        };
        let Self { runs, growing, masked, .. } = self;
        let Some(g) = growing.get_mut(at) else { return Ok(()) };
        if kind == Kind::Arguments {
            if g.arguments.len() + text.len() > ARGUMENTS_LIMIT {
                return Err(Stop::new("the arguments of a tool call are too long to be judged"));
            }
            g.arguments.push_str(&text);
            return Ok(());
        }
        let out = push(runs, &mut g.gates, 0, &text)?;
        tell(g, out, masked, next);
        Ok(())
    }

    /// A fresh gate of every guardrail.
    fn gates(&mut self) -> Result<Vec<Box<dyn TextGate>>, Stop> {
        let mut gates = Vec::with_capacity(self.runs.len());
        for run in &mut self.runs {
            match run.open.session.gate() {
                Some(gate) => gates.push(gate),
                None => {
                    let name = run.open.guardrail.name();
                    let message = format!("the guardrail {name} cannot judge streams");
                    let stop = Stop { status: 500, ..Stop::new(message) };
                    run.record.status = RunStatus::GuardrailFailedToRespond;
                    run.record.reason = Some(stop.message.clone());
                    return Err(stop);
                }
            }
        }
        Ok(gates)
    }

    /// Decides on what is held of some texts, and forgets them.
    fn complete(&mut self, which: impl Fn(&Growing) -> bool, next: &mut dyn EventSink) -> Result<(), Stop> {
        let mut at = 0;
        while let Some(g) = self.growing.get(at) {
            if !which(g) {
                at += 1;
                continue;
            }
            let mut g = self.growing.remove(at);
            let out = if g.kind == Kind::Arguments {
                self.arguments(std::mem::take(&mut g.arguments))?
            } else {
                finish(&mut self.runs, &mut g.gates)?
            };
            tell(&g, out, &mut self.masked, next);
        }
        Ok(())
    }

    fn arguments(&mut self, text: String) -> Result<Out, Stop> {
        let new = self.whole(Cow::Borrowed(&text))?;
        let masked = matches!(new, Cow::Owned(_));
        Ok(Out { text: if masked { new.into_owned() } else { text }, masked })
    }

    /// Judges the strings of a whole JSON text. Borrowed: nothing was masked.
    fn whole<'a>(&mut self, text: Cow<'a, str>) -> Result<Cow<'a, str>, Stop> {
        let mut stopped = None;
        let new = json::edit(&text, &mut |string| {
            if stopped.is_none() {
                match self.one(string) {
                    Ok(out) if out.masked => *string = out.text,
                    Ok(_) => {}
                    Err(stop) => stopped = Some(stop),
                }
            }
        });
        match (stopped, new) {
            (Some(stop), _) => Err(stop),
            (None, None) => Ok(text),
            (None, Some(new)) if RawJson::parse(text.as_ref()).is_ok() && RawJson::parse(new.as_str()).is_err() => {
                Err(Stop::new("masking would break the JSON of the answer"))
            }
            (None, Some(new)) => Ok(Cow::Owned(new)),
        }
    }

    fn one(&mut self, text: &str) -> Result<Out, Stop> {
        let mut gates = self.gates()?;
        let mut out = push(&mut self.runs, &mut gates, 0, text)?;
        let rest = finish(&mut self.runs, &mut gates)?;
        out.text.push_str(&rest.text);
        out.masked |= rest.masked;
        Ok(out)
    }

    fn tell_logprobs(&mut self, choice: u32, next: &mut dyn EventSink) {
        let hide = self.masked.iter().any(|(c, _)| *c == choice);
        self.logprobs.retain_mut(|(c, json)| {
            if *c == choice && !hide {
                next.event(Event::Logprobs { choice, json: Cow::Owned(std::mem::take(json)) });
            }
            *c != choice
        });
    }

    /// Writes the runs down, once.
    fn publish(&mut self) {
        self.records.add(self.runs.drain(..).map(|r| r.record));
    }
}

impl EventFilter for StreamFilter {
    fn event(&mut self, event: Event<'_>, next: &mut dyn EventSink) {
        match (self.state, &event) {
            (State::Running, _) => {}
            (State::Failed, Event::End) => {
                self.state = State::Over;
                return next.event(event);
            }
            _ => return,
        }
        let ends = matches!(event, Event::End);
        let taken = self.take(event, next);
        if ends {
            // Whoever keeps the answer has to know what became of it.
            self.publish();
        }
        if let Err(stop) = taken {
            self.state = State::Over;
            self.publish();
            next.event(Event::Error(Box::new(Error::from(stop))));
            next.event(Event::End);
        }
    }
}

impl Drop for StreamFilter {
    fn drop(&mut self) {
        self.publish();
    }
}

fn tell(g: &Growing, out: Out, masked: &mut Vec<(u32, u32)>, next: &mut dyn EventSink) {
    let (choice, part) = (g.choice, g.part);
    if out.masked && !masked.contains(&(choice, part)) {
        masked.push((choice, part));
    }
    if !out.text.is_empty() {
        next.event(Event::Delta { choice, part, delta: g.kind.delta(out.text) });
    }
}
