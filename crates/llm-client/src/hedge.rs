//! A second call beside a late first one. Whoever answers first is heard, the other is hung up on.

use std::pin::pin;
use std::time::{Duration, Instant};

use futures_util::future::{Either, select};
use llm_http::Transport;
use llm_router::{Attempt, Attempts};

use crate::answer::Answer;
use crate::attempt::{Failed, attempt};
use crate::call::Call;
use crate::engine::{Engine, Gate};

/// What an attempt came to.
pub(crate) type Outcome = Result<Answer, Box<Failed>>;

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
        let mut first = pin!(attempt(self, http, call, at, gate));
        if let Either::Left((done, _)) = select(first.as_mut(), pin!(tokio::time::sleep(late))).await {
            return done;
        }
        let Some(second) = attempts.hedge(Instant::now()) else { return first.await };
        let second = pin!(attempt(self, http, call, second, gate));
        match select(first, second).await {
            Either::Left((Ok(answer), _)) => Ok(answer),
            Either::Right((Ok(answer), _)) => {
                attempts.hedge_won();
                Ok(answer)
            }
            Either::Left((Err(failed), second)) => {
                attempts.first_failed(&failed.error, Instant::now());
                second.await
            }
            Either::Right((Err(failed), first)) => {
                attempts.hedge_failed(&failed.error, Instant::now());
                first.await
            }
        }
    }
}
