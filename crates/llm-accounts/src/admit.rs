//! Admission: an ordered list of checks, then budgets and limits set aside together.

mod checks;

use std::sync::Arc;

use llm_kv::Exceeded;
use llm_types::{Error, Result};

use crate::accounts::Inner;
use crate::bounds::Budget;
use crate::gate::{Room, Tokens};
use crate::limits::{self, Enforced, refused_there, reserve_limits};
use crate::party::Party;
use crate::purse::nanos;
use crate::refusal;
use crate::reservation::{Estimate, Reservation};
use crate::scope::Scope;
use crate::shared::{Claimed, Claims, Shared, Verdict};
use crate::{Accounts, Extras, Identity, PriceBound};
use checks::{CHECKS, Wish};

/// What a call intends, as far as permissions, budgets and limits care.
#[derive(Debug, Clone, Copy, Default)]
pub struct Intent<'a> {
    /// The route's canonical path.
    pub route: &'static str,
    /// The model as the client named it.
    pub model: &'a str,
    /// The group it stands for, after aliases.
    pub group: &'a str,
    /// Models that the client named as fallbacks.
    pub fallback_models: &'a [String],
    /// End user.
    pub end_user: Option<&'a str>,
    /// Tags.
    pub tags: &'a [String],
    /// The client's `User-Agent`, which makes tags too.
    pub user_agent: Option<&'a str>,
    /// The client put tags into `metadata`.
    pub metadata_tags: bool,
    /// Estimated prompt tokens.
    pub input_tokens: u64,
    /// Answer tokens wanted at the most, per alternative.
    pub max_output_tokens: Option<u64>,
    /// Alternatives wanted.
    pub choices: u64,
    /// What it may cost at the most. `None`: not known.
    pub price: Option<PriceBound>,
    /// What it asks for that costs more.
    pub extras: Extras,
    /// The session that the call belongs to.
    pub session: Option<&'a str>,
    /// The tool server that is called.
    pub tool_server: Option<&'a str>,
    /// The A2A agent that is called, by its id.
    pub agent: Option<&'a str>,
}

/// Answer tokens that are set aside when a call names no limit.
const DEFAULT_OUTPUT_TOKENS: u64 = 16_384;
/// Those of a picture: what OpenAI counts for a large one of high quality, the most of any host.
const PICTURE_TOKENS: u64 = 6_240;

impl Accounts {
    /// Checks whether a caller may make a call now, and sets aside what it may use at the most, in this process only, and as
    /// far as it is known here: see [`Accounts::admit_shared`].
    ///
    /// # Errors
    /// 401 and 403 where something is not allowed, 422 (or as configured) without budget, 429 beyond a limit. Nothing is set
    /// aside then.
    pub fn admit(&self, who: &Arc<Identity>, intent: &Intent<'_>) -> Result<Reservation> {
        self.permit(who, intent.route, intent)?;
        traced(who, intent)?;
        let parties = self.inner().parties_known(who, intent);
        let (held, tokens) = self.set_aside(who, intent, parties)?;
        held.taking(|scope| reserve_limits(self.inner(), scope, tokens, Enforced::Here))
    }

    /// As [`Accounts::admit`], with the end user and the tags that the call names, and where gateways share limits and
    /// budgets ([`Accounts::share`]) they are taken there, which takes a caller that has any one round trip. `path` is the
    /// one that was called: lists of routes are asked for it, and for routes that stand for many paths it says more than the
    /// route's name.
    ///
    /// # Errors
    /// As [`Accounts::admit`]; 503 when budgets cannot be checked and must be.
    pub async fn admit_shared(&self, who: &Arc<Identity>, path: &str, intent: &Intent<'_>) -> Result<Reservation> {
        let inner = self.inner();
        let who = who.acting(&[intent.model, intent.group]);
        self.permit(who, path, intent)?;
        traced(who, intent)?;
        let parties = inner.parties(who, intent).await?;
        let (held, tokens) = self.set_aside(who, intent, parties)?;
        let verdict = match inner.shared.get() {
            None => None,
            Some(shared) => ask(inner, shared, &held, tokens).await,
        };
        match verdict {
            None => held.taking(|scope| reserve_limits(inner, scope, tokens, Enforced::Here)),
            Some(Verdict::Granted(stamp, readings)) => {
                held.taking(|scope| reserve_limits(inner, scope, tokens, Enforced::There(stamp, &readings)))
            }
            Some(Verdict::Exceeded(what, exceeded)) => Err(refused(inner, held.scope(), what, &exceeded)),
            Some(Verdict::Alone) => {
                let bounded = !held.is_free() && held.scope().budgets().any(|budget| budget.cap.is_some());
                if bounded && inner.settings().fail_closed_budget_enforcement {
                    return Err(refusal::budgets_unknown());
                }
                held.taking(|scope| reserve_limits(inner, scope, tokens, Enforced::Here))
            }
        }
    }

    /// Sets aside what a call may cost that the gateway makes beside another one of the same caller: that one was admitted,
    /// so neither permissions nor limits are asked again. `bounded`: nothing where a budget has no room for it.
    #[must_use]
    pub fn beside(&self, who: &Arc<Identity>, intent: &Intent<'_>, bounded: bool) -> Option<Reservation> {
        let inner = self.inner();
        let scope = Scope::new(inner, who, inner.parties_known(who, intent), intent);
        let estimate = Estimate::of(intent);
        let amount = if inner.settings().disable_budget_reservation { 0 } else { estimate.cost(intent.price) };
        scope.set_aside(amount, |budget| budget.purse.raise(amount, budget.cap.filter(|_| bounded))).ok()?;
        let free = intent.price.is_some_and(|price| price.is_free());
        Some(Reservation::new(self.clone(), scope, intent, estimate, amount, free).beside_another())
    }

    /// Checks whether a caller may call a path that calls no model and takes nothing: its key's routes, its team and project,
    /// its role.
    ///
    /// # Errors
    /// 401 and 403, as [`Accounts::admit`].
    pub fn permitted(&self, who: &Identity, route: &'static str, path: &str) -> Result<()> {
        self.permit(who, path, &Intent { route, ..Intent::default() })
    }

    fn permit(&self, who: &Identity, path: &str, intent: &Intent<'_>) -> Result<()> {
        let wish = Wish { intent, path };
        CHECKS.iter().try_for_each(|check| check(self.inner(), who, &wish))
    }

    /// The money of this process, and the tokens that are to be taken. Dropped, the reservation gives the money back.
    fn set_aside(
        &self,
        who: &Arc<Identity>,
        intent: &Intent<'_>,
        parties: Box<[Arc<Party>]>,
    ) -> Result<(Reservation, Tokens)> {
        let inner = self.inner();
        let scope = Scope::new(inner, who, parties, intent);
        let estimate = Estimate::of(intent);
        let amount = if inner.settings().disable_budget_reservation { 0 } else { estimate.cost(intent.price) };
        let free = intent.price.is_some_and(|price| price.is_free());
        reserve_budgets(inner, &scope, amount, free)?;
        let expected = who.special.as_ref().and_then(|special| special.answer_tokens([intent.group, intent.model]));
        let tokens = limits::tokens(inner, &scope, estimate, expected);
        Ok((Reservation::new(self.clone(), scope, intent, estimate, amount, free), tokens))
    }
}

/// Asks the shared store; nothing when the call shares nothing.
async fn ask(inner: &Inner, shared: &Shared, held: &Reservation, tokens: Tokens) -> Option<Verdict> {
    let (scope, money, window) = (held.scope(), (held.amount(), held.is_free()), inner.settings().window());
    let mut room = scope.room(inner.kv.now());
    loop {
        let claims = Claims::of(scope, tokens, money, window, room);
        if claims.is_empty() {
            return None;
        }
        match shared.reserve(&claims).await {
            Verdict::Exceeded(Claimed::Gate(at), _) if room == Room::Spare && scope.is_capacity(at) => {
                room = Room::Tight;
            }
            verdict => return Some(verdict),
        }
    }
}

/// The refusal of the shared store; this process keeps what it heard.
pub(crate) fn refused(inner: &Inner, scope: &Scope, what: Claimed, exceeded: &Exceeded) -> Error {
    match what {
        Claimed::Gate(at) => refused_there(inner, scope, at, exceeded),
        Claimed::Spent(at) | Claimed::Reserved(at) => {
            let Some(budget) = scope.budgets().nth(at) else {
                return Error::internal("a budget that does not exist was exceeded");
            };
            let spent = if what == Claimed::Spent(at) { 0 } else { budget.purse.spent() };
            budget.purse.hear(if what == Claimed::Spent(at) { exceeded.used } else { 0 });
            let max = budget.cap.map_or(0, |cap| cap.max);
            let used = exceeded.used.saturating_add(spent);
            inner.watch(budget, scope.who(), budget.purse.spent());
            budget.refusal(used, max, inner.settings().budget_exceeded_status_code)
        }
    }
}

/// Calls of an agent whose operator wants to follow them name the session that they belong to.
fn traced(who: &Identity, intent: &Intent<'_>) -> Result<()> {
    let wanted = who.special.as_ref().is_some_and(|special| special.traced);
    if wanted && intent.session.is_none() { Err(refusal::untraced()) } else { Ok(()) }
}

/// From the narrowest budget to the widest: a caller whose own budget is gone takes nothing from those it shares.
fn reserve_budgets(inner: &Inner, scope: &Scope, amount: i64, free: bool) -> Result<()> {
    let cap = |budget: &Budget| budget.cap.filter(|_| !free);
    scope.set_aside(amount, |budget| budget.purse.reserve(amount, cap(budget))).map_err(|(budget, empty)| {
        let max = cap(budget).map_or(0, |cap| cap.max);
        inner.watch(budget, scope.who(), budget.purse.spent());
        budget.refusal(empty.used, max, inner.settings().budget_exceeded_status_code)
    })
}

impl Estimate {
    fn of(intent: &Intent<'_>) -> Self {
        // Embeddings have no answer tokens.
        let generates = !intent.route.ends_with("/embeddings");
        Self {
            input: intent.input_tokens,
            output: if generates { intent.max_output_tokens } else { Some(0) },
            choices: intent.choices.max(1),
            extras: intent.extras,
            unlimited: if intent.route.contains("/images/") { PICTURE_TOKENS } else { DEFAULT_OUTPUT_TOKENS },
        }
    }

    /// What the call may cost at the most, in nano-dollars; 0 when no price is known.
    pub(crate) fn cost(self, price: Option<PriceBound>) -> i64 {
        let Some(price) = price else { return 0 };
        let (input, output) = price.tokens(self.input, self.extras);
        // A limit that no answer reaches would keep the money of others.
        let answer = self.output.unwrap_or(self.unlimited).min(price.longest.unwrap_or(u64::MAX));
        let answer = answer.saturating_mul(self.choices);
        nanos((self.input as f64 * input + answer as f64 * output + self.choices as f64 * price.each).max(0.0))
    }

    /// The tokens to set aside where the smallest limit is `smallest`; `expected`: those of an answer without a limit, where
    /// somebody says so.
    pub(crate) fn tokens(self, kind: crate::TokenLimitType, smallest: i64, expected: Option<u64>) -> i64 {
        let whole = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
        let output = self.output.or(expected);
        let output = output.map_or_else(|| (smallest / 4).clamp(0, 1024), |n| whole(n.saturating_mul(self.choices)));
        match kind {
            crate::TokenLimitType::Total => whole(self.input).saturating_add(output),
            crate::TokenLimitType::Input => whole(self.input),
            crate::TokenLimitType::Output => output,
        }
    }
}
