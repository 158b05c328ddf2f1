//! A reply before it is sent, and the steps in which it is sent.

use std::collections::VecDeque;
use std::time::Duration;

use bytes::Bytes;

use crate::bedrock::eventstream;
use crate::connection::Ending;
use crate::faults::Fault;
use crate::script::{Gate, Script};

/// A complete reply of a provider.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) payload: Payload,
}

#[derive(Debug)]
pub(crate) enum Payload {
    Whole(Bytes),
    Frames(Vec<Frame>),
}

/// One event of a stream with what separates it from the next.
#[derive(Debug, Clone)]
pub(crate) struct Frame {
    pub(crate) bytes: Bytes,
    pub(crate) kind: FrameKind,
    pub(crate) framing: Framing,
}

/// How the events of a stream are told apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Framing {
    /// Server-sent events: a blank line.
    Events,
    /// JSON lines.
    Lines,
    /// The items of a JSON array.
    Array,
    /// AWS event stream: lengths and checksums.
    Messages,
    /// Nothing: pieces of a file.
    Bytes,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FrameKind {
    /// Carries a piece of the answer; counted and paced.
    Content,
    /// Everything around it.
    Frame,
    /// The end marker.
    End,
}

impl Frame {
    /// A server-sent event.
    pub(crate) fn new(kind: FrameKind, text: String) -> Self {
        Self::framed(Framing::Events, kind, text)
    }

    pub(crate) fn framed(framing: Framing, kind: FrameKind, bytes: impl Into<Bytes>) -> Self {
        Self { bytes: bytes.into(), kind, framing }
    }

    /// This event with half of its data, ended as if it were complete.
    fn halved(&self) -> Self {
        let half = || self.bytes.get(..self.bytes.len() / 2).unwrap_or_default();
        let ended = |end: &[u8]| Bytes::from([half().trim_ascii_end(), end].concat());
        let bytes = match self.framing {
            Framing::Events => ended(b"\n\n"),
            Framing::Lines => ended(b"\n"),
            Framing::Array => ended(b"\n"),
            Framing::Messages => Bytes::from(eventstream::halved(&self.bytes)),
            Framing::Bytes => Bytes::copy_from_slice(half()),
        };
        Self { bytes, kind: FrameKind::Frame, framing: self.framing }
    }
}

/// What is done next while a body is sent.
#[derive(Debug)]
pub(crate) enum Step {
    Send(Bytes),
    Sleep(Duration),
    Pass(Gate),
    /// Break the connection.
    Break(Ending),
    /// End the stream with an error, for HTTP/2 where a connection holds other streams.
    Fail,
    /// Nothing more, for ever.
    Stall,
}

/// The steps of a payload under a script. The second value is the announced length, for whole bodies.
pub(crate) fn steps(payload: Payload, script: &Script, http2: bool) -> (VecDeque<Step>, Option<usize>) {
    let mut out = VecDeque::new();
    if let Some(ms) = script.first_ms {
        out.push_back(Step::Sleep(Duration::from_millis(ms)));
    }
    match payload {
        Payload::Whole(bytes) => {
            let length = bytes.len();
            match mid_fault(script, None, http2) {
                Some(fault) => {
                    out.push_back(Step::Send(bytes.slice(..length / 2)));
                    out.push_back(fault);
                }
                None => out.push_back(Step::Send(bytes)),
            }
            (out, Some(length))
        }
        Payload::Frames(frames) => {
            frame_steps(frames, script, http2, &mut out);
            (out, None)
        }
    }
}

fn frame_steps(frames: Vec<Frame>, script: &Script, http2: bool, out: &mut VecDeque<Step>) {
    let mut sent = 0_usize;
    let limit = script.chunks_before_fault();
    for frame in edited(frames, script) {
        let breaks = match frame.kind {
            FrameKind::Content => sent >= limit,
            // a stream shorter than `after` breaks before its end marker
            FrameKind::End => true,
            FrameKind::Frame => sent > 0 && sent >= limit,
        };
        if breaks && let Some(fault) = mid_fault(script, Some(&frame.bytes), http2) {
            if sent > 0 {
                out.extend(gap(script));
            }
            out.push_back(fault);
            return;
        }
        if frame.kind == FrameKind::Content {
            if let Some(gate) = &script.gate {
                out.push_back(Step::Pass(gate.clone()));
            }
            if sent > 0 {
                out.extend(gap(script));
            }
            sent += 1;
        }
        out.push_back(Step::Send(frame.bytes));
    }
}

fn gap(script: &Script) -> Option<Step> {
    script.gap_ms.map(|ms| Step::Sleep(Duration::from_millis(ms)))
}

/// The breaking step of a fault that comes inside a body. `next` is the event that will not be sent whole.
fn mid_fault(script: &Script, next: Option<&[u8]>, http2: bool) -> Option<Step> {
    let fault = script.fault?;
    let half = || {
        let event = next.unwrap_or_default();
        let cut = event.len() / 2;
        // a chunk of HTTP/1.1 that announces the whole event and holds half of it
        let mut raw = if next.is_some() { format!("{:x}\r\n", event.len()).into_bytes() } else { Vec::new() };
        raw.extend(event.iter().take(cut));
        Bytes::from(raw)
    };
    match fault {
        Fault::Stall => Some(Step::Stall),
        Fault::Cut | Fault::HalfClose if http2 => Some(Step::Fail),
        Fault::Cut => Some(Step::Break(Ending::RawThenClose(half()))),
        Fault::HalfClose => Some(Step::Break(Ending::RawThenHalfClose(half()))),
        Fault::Reset if script.after.is_some() => Some(Step::Break(Ending::Reset)),
        _ => None,
    }
}

/// The frames of a stream after the faults that only change what is sent.
fn edited(frames: Vec<Frame>, script: &Script) -> Vec<Frame> {
    match script.fault {
        Some(Fault::NoEnd) => frames.into_iter().filter(|f| f.kind != FrameKind::End).collect(),
        Some(Fault::DoubleEnd) => {
            let ends: Vec<Frame> = frames.iter().filter(|f| f.kind == FrameKind::End).cloned().collect();
            frames.into_iter().chain(ends).collect()
        }
        Some(Fault::EndEarly) => upto(frames, script.chunks_before_fault()).0,
        Some(Fault::Malformed) => {
            let (mut head, tail) = upto(frames, script.chunks_before_fault());
            // the beginning of the next event
            let next = tail.iter().find(|f| f.kind == FrameKind::Content).or(tail.first());
            head.push(next.map_or_else(|| Frame::new(FrameKind::Frame, "data: {\n\n".to_owned()), Frame::halved));
            head.into_iter().chain(tail).collect()
        }
        _ => frames,
    }
}

/// Splits before the content frame number `count` (from 0), or before what ends a shorter stream.
pub(crate) fn upto(mut frames: Vec<Frame>, count: usize) -> (Vec<Frame>, Vec<Frame>) {
    let mut contents = 0_usize;
    let at = frames.iter().position(|frame| {
        if frame.kind == FrameKind::Content {
            contents += 1;
            return contents > count;
        }
        // nothing that belongs to the ending may follow the last content allowed
        contents > 0 && (contents >= count || frame.kind == FrameKind::End)
    });
    let tail = frames.split_off(at.unwrap_or(frames.len()));
    (frames, tail)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frames() -> Vec<Frame> {
        let f = |kind, text: &str| Frame::new(kind, text.to_owned());
        vec![
            f(FrameKind::Frame, "start"),
            f(FrameKind::Content, "a"),
            f(FrameKind::Content, "b"),
            f(FrameKind::Content, "cdef"),
            f(FrameKind::Frame, "finish"),
            f(FrameKind::End, "end"),
        ]
    }

    fn sent(script: &Script) -> Vec<String> {
        let (steps, _) = steps(Payload::Frames(frames()), script, false);
        steps
            .into_iter()
            .map(|step| match step {
                Step::Send(bytes) => String::from_utf8(bytes.to_vec()).unwrap(),
                Step::Break(Ending::RawThenClose(raw)) => format!("cut {:?}", String::from_utf8_lossy(&raw)),
                other => format!("{other:?}"),
            })
            .collect()
    }

    #[test]
    fn faults_come_after_the_asked_number_of_chunks() {
        assert_eq!(sent(&Script::default()), ["start", "a", "b", "cdef", "finish", "end"]);
        assert_eq!(sent(&Script::fault(Fault::Stall)), ["start", "a", "b", "Stall"]);
        assert_eq!(sent(&Script::fault(Fault::Cut)), ["start", "a", "b", "cut \"4\\r\\ncd\""]);
        assert_eq!(sent(&Script::fault(Fault::Stall).after(0)), ["start", "Stall"]);
        assert_eq!(sent(&Script::fault(Fault::Stall).after(3)), ["start", "a", "b", "cdef", "Stall"]);
        assert_eq!(sent(&Script::fault(Fault::Stall).after(9)), ["start", "a", "b", "cdef", "finish", "Stall"]);
        assert_eq!(sent(&Script::fault(Fault::EndEarly)), ["start", "a", "b"]);
        assert_eq!(sent(&Script::fault(Fault::EndEarly).after(3)), ["start", "a", "b", "cdef"]);
        assert_eq!(sent(&Script::fault(Fault::NoEnd)), ["start", "a", "b", "cdef", "finish"]);
        assert_eq!(sent(&Script::fault(Fault::DoubleEnd)), ["start", "a", "b", "cdef", "finish", "end", "end"]);
        assert_eq!(sent(&Script::fault(Fault::Malformed)), ["start", "a", "b", "cd\n\n", "cdef", "finish", "end"]);
    }

    #[test]
    fn whole_bodies_break_in_the_middle() {
        let (steps, length) =
            super::steps(Payload::Whole(Bytes::from_static(b"0123456789")), &Script::fault(Fault::Cut), false);
        assert_eq!(length, Some(10));
        assert!(matches!(steps.front(), Some(Step::Send(half)) if half.len() == 5));
        assert!(matches!(steps.get(1), Some(Step::Break(Ending::RawThenClose(raw))) if raw.is_empty()));
    }
}
