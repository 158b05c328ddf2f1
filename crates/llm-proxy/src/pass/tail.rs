//! The end of a relay: what it consumed becomes a row, a settled reservation, a record for callbacks.

use std::sync::Arc;

use llm_accounts::Reservation;
use llm_client::{RelayHead, Report};

use crate::app::App;
use crate::core::Core;
use crate::flow::Context;
use crate::resources::owed::Claim;
use crate::tail::{Draft, settle_as};

/// Settles a relay when its body is gone.
#[derive(Debug)]
pub struct RelayTail {
    app: Arc<App>,
    draft: Draft,
    from: RelayHead,
    facts: Facts,
    /// None for callers that nobody knows.
    reservation: Option<Reservation>,
    /// What is charged with it, once.
    claim: Option<Claim>,
}

/// What the record says of a relay.
#[derive(Debug, Clone)]
pub struct Facts {
    /// The provider.
    pub provider: Arc<str>,
    /// The model as the provider knows it; may be empty.
    pub model: Arc<str>,
    /// LiteLLM's name of the call.
    pub call_type: &'static str,
    /// The A2A agent that was called, by its id.
    pub agent: Option<Arc<str>>,
}

impl RelayTail {
    /// A tail for an answer that is about to be passed on.
    #[must_use]
    pub fn new(core: &Core, ctx: &Context, from: RelayHead, facts: Facts, reservation: Option<Reservation>) -> Self {
        if let Some(reservation) = &reservation {
            reservation.mark_sent();
        }
        Self { app: Arc::clone(&core.app), draft: Draft::bare(ctx), from, facts, reservation, claim: None }
    }

    /// The model of a session that said later what it is for.
    pub fn names(&mut self, model: Arc<str>) {
        self.facts.model = model;
    }
}

impl RelayTail {
    /// What it consumed is charged once, by whoever claimed it.
    pub(crate) fn charges(&mut self, claim: Option<Claim>) {
        self.claim = claim;
    }

    /// These guardrails ran.
    pub(crate) fn judged(&mut self, names: &[String]) {
        self.draft.judged(names);
    }
}

impl llm_client::Tail for RelayTail {
    fn done(self: Box<Self>, report: Box<Report>) {
        let Self { app, draft, from, facts, reservation, claim } = *self;
        let mut record = draft.relayed(&from, &report);
        record.provider = facts.provider;
        record.call_type = facts.call_type;
        record.model = facts.model;
        if let Some(agent) = facts.agent {
            record.caller.agent_id = Some(agent);
        }
        match reservation {
            Some(reservation) => {
                let charge = report.error.is_none() || report.cost.total > 0.0;
                settle_as(&app, record, &report, reservation, (charge, claim.as_ref().map(Claim::name)));
            }
            None => app.bus.push(Arc::new(record)),
        }
        // It is in the journal: from now on nobody else has to ask.
        if let Some(claim) = claim {
            claim.done();
        }
    }
}
