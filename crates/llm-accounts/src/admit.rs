//! Admission: an ordered list of checks, then budgets and limits set aside together.

use std::sync::Arc;

use chrono::DateTime;
use llm_kv::{Claim, Reading, Window, reserve_counters};
use llm_types::{Error, Kind, Result};

use crate::accounts::Inner;
use crate::gate::{Counted, Gate};
use crate::purse::nanos;
use crate::refusal::{self, Excess};
use crate::reservation::{Estimate, Reservation};
use crate::{Accounts, Identity, Role};

/// What a call intends, as far as permissions, budgets and limits care.
#[derive(Debug, Clone, Copy)]
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
    /// Estimated prompt tokens.
    pub input_tokens: u64,
    /// Answer tokens wanted at the most, per alternative.
    pub max_output_tokens: Option<u64>,
    /// Alternatives wanted.
    pub choices: u64,
    /// US dollars per prompt and answer token, of the dearest deployment that may serve it. `None`: not known; zeros: free,
    /// so budgets do not count.
    pub price: Option<(f64, f64)>,
}

/// Answer tokens that are set aside when a call names no limit.
const DEFAULT_OUTPUT_TOKENS: u64 = 16_384;

/// The permission checks, in LiteLLM's order. Budgets and limits follow, because they take something.
const CHECKS: &[fn(&Inner, &Identity, &Wish<'_>) -> Result<()>] =
    &[model_access, fallback_access, key_routes, proxy_routes, team_blocked, role];

/// What is checked: the intent, and the path that was called where it says more than the route's name.
#[derive(Debug, Clone, Copy)]
struct Wish<'a> {
    intent: &'a Intent<'a>,
    path: &'a str,
}

impl Accounts {
    /// Checks whether a caller may make a call now, and sets aside what it may use at the most.
    ///
    /// # Errors
    /// 401 and 403 where something is not allowed, 422 (or as configured) without budget, 429 beyond a limit. Nothing is set
    /// aside then.
    pub fn admit(&self, who: &Arc<Identity>, intent: &Intent<'_>) -> Result<Reservation> {
        self.admit_at(who, intent.route, intent)
    }

    /// As [`Accounts::admit`], for routes that stand for many paths: lists of routes are asked for `path`, the one that
    /// was called.
    ///
    /// # Errors
    /// As [`Accounts::admit`].
    pub fn admit_at(&self, who: &Arc<Identity>, path: &str, intent: &Intent<'_>) -> Result<Reservation> {
        let inner = self.inner();
        let wish = Wish { intent, path };
        CHECKS.iter().try_for_each(|check| check(inner, who, &wish))?;
        let estimate = Estimate::of(intent);
        let amount = if inner.settings.disable_budget_reservation { 0 } else { estimate.cost(intent.price) };
        let free = intent.price.is_some_and(|(input, output)| input == 0.0 && output == 0.0);
        reserve_budgets(inner, who, amount, free)?;
        match reserve_limits(inner, who, intent, estimate) {
            Ok(taken) => Ok(Reservation::new(self.clone(), Arc::clone(who), intent, estimate, amount, free, taken)),
            Err(error) => {
                who.budgets.iter().for_each(|budget| budget.purse.release(amount));
                Err(error)
            }
        }
    }
}

fn model_access(inner: &Inner, who: &Identity, wish: &Wish<'_>) -> Result<()> {
    let intent = wish.intent;
    if intent.model.is_empty() {
        return Ok(()); // a call that names no model: files, pages of a list
    }
    let both = [intent.group, intent.model];
    // Behind an alias of the key only its target counts.
    let names = if who.is_alias(intent.model) { both.get(..1).unwrap_or(&both) } else { &both };
    allowed(inner, who, names, intent.model)
}

fn fallback_access(inner: &Inner, who: &Identity, wish: &Wish<'_>) -> Result<()> {
    wish.intent.fallback_models.iter().try_for_each(|model| allowed(inner, who, &[model.as_str()], model))
}

fn allowed(inner: &Inner, who: &Identity, names: &[&str], model: &str) -> Result<()> {
    match who.denial(names, &inner.directory.load()) {
        None => Ok(()),
        Some(reason) => {
            tracing::info!(key = &*who.shown, model, reason, "model access denied");
            Err(refusal::model_denied(model, reason))
        }
    }
}

fn key_routes(_: &Inner, who: &Identity, wish: &Wish<'_>) -> Result<()> {
    if who.may_call(wish.path) { Ok(()) } else { Err(refusal::route_denied(wish.path)) }
}

fn proxy_routes(inner: &Inner, who: &Identity, wish: &Wish<'_>) -> Result<()> {
    let settings = &inner.settings;
    let outside = !settings.allowed_routes.is_empty() && !crate::in_routes(&settings.allowed_routes, wish.path);
    let above = !who.is_admin() && crate::in_routes(&settings.admin_only_routes, wish.path);
    if outside || above { Err(refusal::route_denied(wish.path)) } else { Ok(()) }
}

fn team_blocked(_: &Inner, who: &Identity, _: &Wish<'_>) -> Result<()> {
    match who.team_id() {
        Some(team) if who.team_blocked => Err(refusal::blocked_team(team)),
        _ => Ok(()),
    }
}

fn role(_: &Inner, who: &Identity, wish: &Wish<'_>) -> Result<()> {
    if who.role == Some(Role::ProxyAdminViewer) {
        let why =
            format!("user not allowed to access this route, role= proxy_admin_viewer. Trying to access: {}", wish.path);
        return Err(Error::new(Kind::PermissionDenied, why).with_type("auth_error"));
    }
    Ok(())
}

/// From the narrowest budget to the widest: a caller whose own budget is gone takes nothing from those it shares.
fn reserve_budgets(inner: &Inner, who: &Identity, amount: i64, free: bool) -> Result<()> {
    for (at, budget) in who.budgets.iter().enumerate() {
        let cap = budget.cap.filter(|_| !free);
        if let Err(empty) = budget.purse.reserve(amount, cap) {
            who.budgets.iter().take(at).for_each(|before| before.purse.release(amount));
            let max = cap.map_or(0, |cap| cap.max);
            return Err(refusal::budget(&budget.what, empty.used, max, inner.settings.budget_exceeded_status_code));
        }
    }
    Ok(())
}

/// What admission took from the limits.
#[derive(Debug, Default)]
pub(crate) struct Taken {
    /// Tokens, of every token limit.
    pub(crate) tokens: i64,
    /// Positions in the identity's limits per model that hold for this call.
    pub(crate) models: [Option<usize>; 2],
    /// `x-ratelimit-*` headers.
    pub(crate) headers: Vec<(String, String)>,
    /// When.
    pub(crate) stamp: Option<llm_kv::Stamp>,
}

/// The limits that hold for a call.
pub(crate) fn gates(who: &Identity, models: [Option<usize>; 2]) -> impl Iterator<Item = &Gate> {
    let per_model =
        models.into_iter().flatten().filter_map(|at| who.model_gates.get(at)).flat_map(|(_, gates)| gates.iter());
    who.gates.iter().chain(per_model)
}

fn reserve_limits(inner: &Inner, who: &Identity, intent: &Intent<'_>, estimate: Estimate) -> Result<Taken> {
    let named = |name: &str| who.model_gates.iter().position(|(model, _)| &**model == name);
    let group = named(intent.group);
    let models = [group, named(intent.model).filter(|at| Some(*at) != group)];
    if who.gates.is_empty() && models == [None, None] {
        return Ok(Taken::default());
    }
    let smallest = gates(who, models).filter(|g| g.counted == Counted::Tokens).map(|g| g.limit).min();
    let tokens = match smallest {
        Some(smallest) if inner.settings.token_reservation => {
            estimate.tokens(inner.settings.token_rate_limit_type, smallest)
        }
        _ => 0,
    };
    let window = Window::FirstUse(crate::AccountsSettings::seconds(inner.settings.rate_limit_window));
    let mut claims: Vec<Claim<'_>> = gates(who, models)
        .enumerate()
        .map(|(mark, gate)| {
            let (by, window) = match gate.counted {
                Counted::Requests => (1, window),
                // Without a reservation one more token must fit: the window is not used up.
                Counted::Tokens => (tokens, window),
                Counted::Parallel => (1, Window::InFlight),
            };
            let exhausted = gate.counted == Counted::Tokens && tokens == 0;
            let limit = if exhausted { gate.limit.saturating_sub(1) } else { gate.limit };
            Claim { counter: &gate.counter, by, limit: Some(limit), window, mark, alone: false, reading: None }
        })
        .collect();
    let now = inner.kv.now();
    match reserve_counters(&mut claims, now) {
        Ok(stamp) => {
            claims.sort_unstable_by_key(|claim| claim.mark);
            let headers =
                gates(who, models).zip(&claims).flat_map(|(gate, claim)| headers(gate, claim.reading)).collect();
            Ok(Taken { tokens, models, headers, stamp: Some(stamp) })
        }
        Err(exceeded) => {
            let Some(gate) = gates(who, models).nth(exceeded.index) else {
                return Err(Error::internal("a limit that does not exist was exceeded"));
            };
            let resets_in = exceeded.resets_in.unwrap_or_default();
            let at = now.0.saturating_add(u64::try_from(resets_in.as_millis()).unwrap_or(0));
            let excess = Excess {
                descriptor: gate.descriptor,
                value: &gate.value,
                limit_type: gate.counted.word(),
                limit: gate.limit,
                remaining: gate.limit.saturating_sub(exceeded.used).max(0),
                resets_at: DateTime::from_timestamp_millis(i64::try_from(at).unwrap_or(0)).unwrap_or_default(),
            };
            let wait = crate::AccountsSettings::seconds(inner.settings.rate_limit_window);
            Err(refusal::rate_limit(&excess, wait))
        }
    }
}

fn headers(gate: &Gate, reading: Option<Reading>) -> [(String, String); 2] {
    let used = reading.map_or(0, |reading| reading.value);
    let name = |what: &str| format!("x-ratelimit-{}-{what}-{}", gate.descriptor, gate.counted.word());
    let remaining = gate.limit.saturating_sub(used).max(0);
    [(name("remaining"), remaining.to_string()), (name("limit"), gate.limit.to_string())]
}

impl Estimate {
    fn of(intent: &Intent<'_>) -> Self {
        // Embeddings have no answer tokens.
        let generates = !intent.route.ends_with("/embeddings");
        Self {
            input: intent.input_tokens,
            output: if generates { intent.max_output_tokens } else { Some(0) },
            choices: intent.choices.max(1),
        }
    }

    /// What the call may cost at the most, in nano-dollars; 0 when no price is known.
    pub(crate) fn cost(self, price: Option<(f64, f64)>) -> i64 {
        let Some((input, output)) = price else { return 0 };
        let answer = self.output.unwrap_or(DEFAULT_OUTPUT_TOKENS).saturating_mul(self.choices);
        nanos((self.input as f64 * input + answer as f64 * output).max(0.0))
    }

    /// The tokens to set aside where the smallest limit is `smallest`.
    fn tokens(self, kind: crate::TokenLimitType, smallest: i64) -> i64 {
        let whole = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
        let output =
            self.output.map_or_else(|| (smallest / 4).clamp(0, 1024), |n| whole(n.saturating_mul(self.choices)));
        match kind {
            crate::TokenLimitType::Total => whole(self.input).saturating_add(output),
            crate::TokenLimitType::Input => whole(self.input),
            crate::TokenLimitType::Output => output,
        }
    }
}
