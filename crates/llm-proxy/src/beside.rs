//! Calls that the gateway makes beside a caller's call: each has a row of its own, and is charged to the caller.

use std::sync::Arc;

use llm_accounts::{Bill, Extras, Intent, Reservation};
use llm_client::{Call, Errand, Gate, Head, Purpose, Report};
use llm_types::{OperationKind, Usage};

use crate::app::App;
use crate::core::Core;
use crate::flow::Context;
use crate::tail::{Draft, settle};

/// The route of calls for vectors.
const EMBEDDINGS: &str = "/v1/embeddings";

/// The bill of such a call. What it may cost is set aside before it is sent; dropped in between, that is charged.
#[derive(Debug)]
pub struct Side {
    app: Arc<App>,
    draft: Draft,
    reservation: Reservation,
}

impl Side {
    /// Opens the books for a call to a group beside the call of `ctx`. Nothing when the caller is not known, or a second call
    /// does not fit into its budgets.
    #[must_use]
    pub fn begin(core: &Core, ctx: &Context, call: &Call, group: &str, purpose: Purpose) -> Option<Self> {
        let who = ctx.who.as_ref()?;
        let mut side = ctx.beside(true);
        (side.operation, side.format) = (call.operation, call.format);
        let vectors = purpose == Purpose::Vectors;
        if vectors {
            side.route = EMBEDDINGS;
        }
        side.wish.clone_from(&ctx.wish);
        if let Some(wish) = side.wish.as_mut() {
            wish.model = Arc::from(group);
            wish.stream &= !vectors;
        }
        let wish = ctx.wish.as_ref();
        let intent = Intent {
            route: side.route,
            model: group,
            group,
            fallback_models: &[],
            end_user: wish.and_then(|w| w.end_user.as_deref()),
            tags: wish.map_or(&[], |w| &w.tags),
            user_agent: ctx.user_agent(),
            metadata_tags: false,
            input_tokens: (call.body.len() / 4) as u64,
            max_output_tokens: wish.and_then(|w| w.max_output_tokens).filter(|_| !vectors),
            choices: if call.operation == OperationKind::Generate { wish.map_or(1, |w| w.choices) } else { 1 },
            price: ctx.snapshot.price_bound(group, &crate::scope::of(who)),
            extras: Extras::default(),
            session: wish.and_then(|w| w.controls.session.as_deref()),
            tool_server: None,
            agent: None,
        };
        let reservation = core.app.accounts.beside(who, &intent, !vectors)?;
        let mut draft = Draft::of(&side, call);
        draft.belongs_to(&ctx.id);
        Some(Self { app: Arc::clone(&core.app), draft, reservation })
    }
}

impl Errand for Side {
    fn sent(&self) {
        self.reservation.mark_sent();
    }

    fn done(self: Box<Self>, head: &Head, report: &Report) {
        let Self { app, draft, reservation } = *self;
        settle(&app, draft.answered(head, report, report.error.as_ref()), report, reservation, true);
    }

    fn void(self: Box<Self>) {
        drop(self.reservation.settle(Bill { usage: Usage::default(), cost: 0.0, record: None, charge: false }));
    }
}

impl Gate for Side {
    fn sent(&self) {
        self.reservation.mark_sent();
    }
}
