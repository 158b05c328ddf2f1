//! A streamed text through the gates of several guardrails, one behind the other.

use std::time::Instant;

use crate::guardrail::{Push, Stop, TextGate};
use crate::open::Open;
use crate::record::{GuardrailRecord, RunStatus};

/// One guardrail's work on the stream.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) open: Open,
    pub(crate) record: GuardrailRecord,
}

/// What goes on.
#[derive(Debug, Default)]
pub(crate) struct Out {
    pub(crate) text: String,
    pub(crate) masked: bool,
}

/// What a gate said, written into its record.
fn heard(run: &mut Run, said: Push, begun: Instant, masked: &mut bool) -> Result<Option<String>, Stop> {
    run.record.took += begun.elapsed();
    match said {
        Push::Hold => Ok(None),
        Push::Release(text) => Ok(Some(text)),
        Push::Replace { text, masked: what } => {
            *masked = true;
            run.record.status = RunStatus::GuardrailIntervened;
            run.record.add_masked(what);
            Ok(Some(text))
        }
        Push::Stop(stop) => {
            run.record.status = RunStatus::GuardrailIntervened;
            run.record.reason = Some(stop.message.clone());
            Err(stop)
        }
    }
}

/// Sends text through the gates from `first` on.
pub(crate) fn push(runs: &mut [Run], gates: &mut [Box<dyn TextGate>], first: usize, text: &str) -> Result<Out, Stop> {
    let mut out = Out { text: text.to_owned(), masked: false };
    for (run, gate) in runs.iter_mut().zip(gates).skip(first) {
        if out.text.is_empty() {
            break;
        }
        let begun = Instant::now();
        let said = gate.push(&out.text);
        out.text = heard(run, said, begun, &mut out.masked)?.unwrap_or_default();
    }
    Ok(out)
}

/// Lets the gates decide one after the other; what one gives up still passes those behind it.
pub(crate) fn finish(runs: &mut [Run], gates: &mut [Box<dyn TextGate>]) -> Result<Out, Stop> {
    let mut out = Out::default();
    for at in 0..gates.len() {
        let (Some(run), Some(gate)) = (runs.get_mut(at), gates.get_mut(at)) else { break };
        let begun = Instant::now();
        let said = gate.finish();
        let rest = heard(run, said, begun, &mut out.masked)?.unwrap_or_default();
        let rest = push(runs, gates, at + 1, &rest)?;
        out.text.push_str(&rest.text);
        out.masked |= rest.masked;
    }
    Ok(out)
}
