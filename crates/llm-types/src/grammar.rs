//! Checks the order of stream events. On in tests; cheap enough to be on while debugging.

use crate::stream::Event;

/// What has been seen of a stream.
#[derive(Debug, Default)]
pub struct Checker {
    started: bool,
    ended: bool,
    failed: bool,
    choices: Vec<ChoiceState>,
    problems: Vec<String>,
}

#[derive(Debug)]
struct ChoiceState {
    index: u32,
    next_part: u32,
    open: Vec<u32>,
    finished: bool,
}

impl Checker {
    /// Looks at one event.
    pub fn see(&mut self, event: &Event<'_>) {
        if self.ended {
            self.problems.push(format!("after End: {event:?}"));
        } else if self.failed && !matches!(event, Event::End) {
            self.problems.push(format!("after Error: {event:?}"));
        } else if !self.started && !matches!(event, Event::Start(_) | Event::Error(_) | Event::Ping | Event::End) {
            self.problems.push(format!("before Start: {event:?}"));
        }
        match event {
            Event::Start(_) if self.started => self.problems.push("a second Start".into()),
            Event::Start(_) => self.started = true,
            Event::PartStart { choice, part, .. } => self.part_start(*choice, *part),
            Event::Delta { choice, part, .. } => {
                if !self.choice(*choice).open.contains(part) {
                    self.problems.push(format!("Delta for part {part} of choice {choice}, which is not open"));
                }
            }
            Event::PartEnd { choice, part } => {
                let state = self.choice(*choice);
                match state.open.iter().position(|p| p == part) {
                    Some(at) => drop(state.open.remove(at)),
                    None => {
                        self.problems.push(format!("PartEnd for part {part} of choice {choice}, which is not open"))
                    }
                }
            }
            Event::Finish { choice, .. } => {
                let state = self.choice(*choice);
                let (open, twice) = (!state.open.is_empty(), state.finished);
                state.finished = true;
                if open {
                    self.problems.push(format!("Finish of choice {choice} with open parts"));
                }
                if twice {
                    self.problems.push(format!("a second Finish of choice {choice}"));
                }
            }
            Event::Error(_) => self.failed = true,
            Event::End => self.ended = true,
            Event::Usage(_) | Event::Ping | Event::Logprobs { .. } | Event::Opaque { .. } => {}
        }
    }

    /// The breaches found; at the end of the stream also what is missing.
    #[must_use]
    pub fn finish(mut self) -> Vec<String> {
        if !self.ended {
            self.problems.push("no End".into());
        }
        if !self.failed {
            let open = self.choices.iter().filter(|c| !c.finished || !c.open.is_empty());
            self.problems.extend(open.map(|c| format!("choice {} was not finished", c.index)));
        }
        self.problems
    }

    fn part_start(&mut self, choice: u32, part: u32) {
        let state = self.choice(choice);
        let (expected, finished) = (state.next_part, state.finished);
        state.next_part = part + 1;
        state.open.push(part);
        if part != expected {
            self.problems.push(format!("part {part} of choice {choice} begins where {expected} is next"));
        }
        if finished {
            self.problems.push(format!("part {part} of choice {choice} begins after its Finish"));
        }
    }

    fn choice(&mut self, index: u32) -> &mut ChoiceState {
        let at = self.choices.iter().position(|c| c.index == index).unwrap_or_else(|| {
            self.choices.push(ChoiceState { index, next_part: 0, open: Vec::new(), finished: false });
            self.choices.len() - 1
        });
        #[allow(clippy::indexing_slicing, reason = "`at` was just found or pushed")]
        &mut self.choices[at]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::generate::{Finish, FinishReason};
    use crate::stream::{Delta, PartStart, Start};

    fn check(events: &[Event<'_>]) -> Vec<String> {
        let mut c = Checker::default();
        events.iter().for_each(|e| c.see(e));
        c.finish()
    }

    #[test]
    fn a_proper_stream_has_no_problems() {
        let finish = Finish::new(FinishReason::Stop);
        let ok = [
            Event::Start(Box::<Start>::default()),
            Event::PartStart { choice: 0, part: 0, kind: PartStart::Text },
            Event::Delta { choice: 0, part: 0, delta: Delta::Text("hi".into()) },
            Event::PartEnd { choice: 0, part: 0 },
            Event::Finish { choice: 0, finish },
            Event::End,
        ];
        assert_eq!(check(&ok), Vec::<String>::new());
        let rest: Vec<_> = ok.iter().filter(|e| !matches!(e, Event::PartEnd { .. } | Event::End)).cloned().collect();
        assert_eq!(check(&rest).len(), 3, "open part at Finish, no End, choice left open");
    }
}
