//! A second call beside a late first one. Whoever answers first is heard, the other is hung up on, and billed.

use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::future::{Either, select};
use llm_http::Transport;
use llm_router::{Attempt, Attempts};
use llm_types::OperationKind;

use crate::answer::Answer;
use crate::attempt::{Failed, attempt};
use crate::call::Call;
use crate::engine::{Engine, Gate};
use crate::errand::{Asked, Loser, Noting, Purpose};

/// What an attempt came to.
pub(crate) type Outcome = Result<Answer, Box<Failed>>;

/// May a call be made twice? An upload goes out once; pictures, sound and jobs cost too much, and what half of one costs
/// nobody knows. What a client brings along is asked once.
pub(crate) fn may_be_doubled(call: &Call) -> bool {
    call.upload.is_none()
        && call.controls.own.is_none()
        && matches!(call.operation, OperationKind::Generate | OperationKind::Embed)
}

impl Engine {
    /// Makes an attempt, and a second one when the first is not there after `late` and the router allows it.
    pub(crate) async fn hedged(
        &self,
        http: &dyn Transport,
        call: &Call,
        at: Attempt,
        gate: &dyn Gate,
        (attempts, late): (&mut Attempts, Duration),
    ) -> Outcome {
        let (group, one) = (Arc::clone(&at.group), Asked::of(&at));
        let (first_gate, second_gate) = (Noting::new(gate), Noting::new(gate));
        let mut first = pin!(attempt(self, http, call, at, &first_gate));
        if let Either::Left((done, _)) = select(first.as_mut(), pin!(tokio::time::sleep(late))).await {
            return done;
        }
        // Paid for before it is made: without money there is one call only.
        let Some(errand) = gate.errand(call, &group, Purpose::Hedge) else { return first.await };
        let Some(second) = attempts.hedge(Instant::now()) else {
            errand.void();
            return first.await;
        };
        let other = Asked::of(&second);
        errand.sent();
        let second = pin!(attempt(self, http, call, second, &second_gate));
        let outcome = select(first, second).await;
        match outcome {
            Either::Left((Ok(mut answer), _)) => {
                let loser = second_gate.was_sent().then_some(other);
                self.lost(call, &mut answer, loser, errand);
                Ok(answer)
            }
            Either::Right((Ok(mut answer), _)) => {
                attempts.hedge_won();
                let loser = first_gate.was_sent().then_some(one);
                self.lost(call, &mut answer, loser, errand);
                Ok(answer)
            }
            Either::Left((Err(failed), second)) => {
                errand.void();
                attempts.first_failed(&failed.error, Instant::now());
                second.await
            }
            Either::Right((Err(failed), first)) => {
                errand.void();
                attempts.hedge_failed(&failed.error, Instant::now());
                first.await
            }
        }
    }

    /// The answer is there: who lost is billed, once it is known how long the answer is.
    fn lost(&self, call: &Call, answer: &mut Answer, asked: Option<Asked>, errand: Box<dyn crate::Errand>) {
        let Some(asked) = asked else { return errand.void() };
        let loser = Loser::new(self, call, asked, errand);
        match answer {
            Answer::Whole { head, report, .. } => loser.settle(head, &report.usage),
            Answer::Stream { head, body } => body.owes(head.clone(), loser),
            // Not made of what may be doubled; dropped, the bill is what was set aside.
            Answer::Bytes { .. } => drop(loser),
        }
    }
}
