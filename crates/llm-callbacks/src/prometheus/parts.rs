//! What is told of a call beside itself: attempts that failed, fallbacks, limits.

use llm_types::LogRecord;
use llm_types::record::Status;

use super::labels::Dims;
use super::table::Part;

/// The parts of a record, each with its labels.
pub(super) fn of<'a>(r: &'a LogRecord, dims: &Dims<'a>) -> Vec<(Part, Dims<'a>)> {
    let trail = &r.trail;
    let mut out: Vec<_> = trail.failed.iter().map(|attempt| (Part::Failed, dims.attempt(attempt))).collect();
    hops(r, dims, &mut out);
    if !trail.limits.is_empty() {
        for kind in ["requests", "tokens"] {
            out.push((Part::Limit(kind), dims.limit(kind)));
        }
    }
    out
}

/// From the group that was asked for to each that was tried after it: all but the last one failed. LiteLLM tells every
/// fallback with the failure of the group that was asked for.
fn hops<'a>(r: &'a LogRecord, dims: &Dims<'a>, out: &mut Vec<(Part, Dims<'a>)>) {
    let trail = &r.trail;
    let first = trail.failed.first().map(|attempt| &*attempt.group);
    let Some(asked) = trail.asked.as_deref().or(first) else { return };
    let why = trail.failed.iter().rev().find(|attempt| *attempt.group == *asked);
    let answered = trail.fallback.as_deref().filter(|_| r.status == Status::Success);
    let mut tried: Vec<&str> = Vec::new();
    for attempt in trail.failed.iter().filter(|attempt| *attempt.group != *asked) {
        if !tried.contains(&&*attempt.group) && answered != Some(&*attempt.group) {
            tried.push(&attempt.group);
            out.push((Part::Hop { answered: false }, dims.hop(asked, &attempt.group, why)));
        }
    }
    if let Some(to) = answered.filter(|to| *to != asked) {
        out.push((Part::Hop { answered: true }, dims.hop(asked, to, why)));
    }
}
