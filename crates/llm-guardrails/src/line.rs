//! Guardrails of a policy that run one after the other: what each says decides whether the next one is asked.

use std::sync::Arc;
use std::time::Instant;

use llm_types::pipeline::{Pipeline, Turn};
use llm_types::{Error, Kind, Result};

use crate::guardrail::{Mode, Verdict};
use crate::open::{Open, Sheet, failed};
use crate::record::{GuardLog, RunStatus};

/// A pipeline with the sessions of one call.
#[derive(Debug)]
pub(crate) struct Line {
    policy: String,
    pipeline: Arc<Pipeline>,
    /// One for each step; nothing for a guardrail that is not there.
    open: Vec<Option<Open>>,
    /// Its guardrails do not run by themselves as well.
    replaces: bool,
}

impl Line {
    pub(crate) const fn new(policy: String, pipeline: Arc<Pipeline>, open: Vec<Option<Open>>, replaces: bool) -> Self {
        Self { policy, pipeline, open, replaces }
    }

    pub(crate) fn mode(&self) -> Mode {
        if self.pipeline.answers { Mode::PostCall } else { Mode::PreCall }
    }

    pub(crate) const fn replaces(&self) -> bool {
        self.replaces
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.pipeline.steps.iter().map(|step| step.guardrail.as_str())
    }

    /// Those that are there.
    pub(crate) fn open(&self) -> impl Iterator<Item = &Open> {
        self.open.iter().flatten()
    }

    /// Those that may stop content by what they say of it.
    pub(crate) fn blocking(&self) -> impl Iterator<Item = &Open> {
        let steps = self.pipeline.steps.iter().zip(&self.open);
        steps.filter(|(step, _)| step.on_fail == Turn::Block).filter_map(|(_, open)| open.as_ref())
    }

    /// Runs the steps on whole texts.
    ///
    /// # Errors
    /// Kind `Guardrail`, when the content is stopped.
    pub(crate) async fn run(&self, sheet: &mut Sheet, log: &GuardLog, ran: &mut Vec<String>) -> Result<()> {
        for (step, open) in self.pipeline.steps.iter().zip(&self.open) {
            let Some(open) = open else {
                match step.on_error {
                    Turn::Next => continue,
                    Turn::Allow => return Ok(()),
                    Turn::Block => return Err(failed(&step.guardrail)),
                }
            };
            let mut record = open.record(self.mode());
            let begun = Instant::now();
            let verdict = open.session.check(sheet.content()).await;
            record.took = begun.elapsed();
            let (turn, error) = match verdict {
                Ok(Verdict::Pass) => (step.on_pass, None),
                Ok(Verdict::Replace { texts, masked }) => {
                    record.status = RunStatus::GuardrailIntervened;
                    record.add_masked(masked);
                    // What is edited of answers always goes on, as in LiteLLM.
                    if step.pass_data || self.pipeline.answers {
                        texts.into_iter().for_each(|(at, text)| sheet.set(at, text));
                    }
                    (step.on_pass, None)
                }
                Ok(Verdict::Stop(stop)) => {
                    record.status = RunStatus::GuardrailIntervened;
                    record.reason = Some(stop.message.clone());
                    (step.on_fail, Some(Error::from(open.told(stop, self.mode()))))
                }
                Err(error) => {
                    record.status = RunStatus::GuardrailFailedToRespond;
                    record.reason = Some(error.message);
                    (step.on_error, Some(failed(&step.guardrail)))
                }
            };
            log.add([record]);
            ran.push(step.guardrail.clone());
            match turn {
                Turn::Next => {}
                Turn::Allow => return Ok(()),
                Turn::Block => return Err(error.unwrap_or_else(|| stopped(&self.policy))),
            }
        }
        Ok(())
    }
}

/// A step that content passes may stop it, too.
fn stopped(policy: &str) -> Error {
    Error::new(Kind::Guardrail, format!("Content blocked by the pipeline of the policy {policy}"))
}
