//! What a caller may do, before anything is set aside.

use llm_types::{Error, Kind, Result};

use super::Intent;
use crate::accounts::Inner;
use crate::{Directory, Identity, Role, refusal};

/// The permission checks, in LiteLLM's order. Budgets and limits follow, because they take something.
pub(super) const CHECKS: &[fn(&Inner, &Identity, &Wish<'_>) -> Result<()>] = &[
    key_models,
    agent_models,
    key_routes,
    proxy_routes,
    team_blocked,
    team_and_user_models,
    project_blocked,
    project_models,
    fallback_access,
    end_user_blocked,
    client_tags,
    end_user_named,
    role,
];

/// What is checked: the intent, and the path that was called where it says more than the route's name.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wish<'a> {
    pub(super) intent: &'a Intent<'a>,
    pub(super) path: &'a str,
}

/// Whose list, if any, denies a model known under some names.
type Denial = fn(&Identity, &[&str], &Directory) -> Option<&'static str>;

fn key_models(inner: &Inner, who: &Identity, wish: &Wish<'_>) -> Result<()> {
    model_access(inner, who, wish, Identity::key_denial)
}

fn agent_models(inner: &Inner, who: &Identity, wish: &Wish<'_>) -> Result<()> {
    model_access(inner, who, wish, Identity::agent_denial)
}

fn team_and_user_models(inner: &Inner, who: &Identity, wish: &Wish<'_>) -> Result<()> {
    model_access(inner, who, wish, Identity::owner_denial)
}

fn project_models(inner: &Inner, who: &Identity, wish: &Wish<'_>) -> Result<()> {
    model_access(inner, who, wish, Identity::project_denial)
}

fn model_access(inner: &Inner, who: &Identity, wish: &Wish<'_>, denial: Denial) -> Result<()> {
    let intent = wish.intent;
    if intent.model.is_empty() {
        return Ok(()); // a call that names no model: files, pages of a list
    }
    let both = [intent.group, intent.model];
    // Behind an alias of the key only its target counts.
    let names = if who.is_alias(intent.model) { both.get(..1).unwrap_or(&both) } else { &both };
    allowed(inner, who, names, intent.model, denial)
}

fn fallback_access(inner: &Inner, who: &Identity, wish: &Wish<'_>) -> Result<()> {
    wish.intent
        .fallback_models
        .iter()
        .try_for_each(|model| allowed(inner, who, &[model.as_str()], model, Identity::denial))
}

fn allowed(inner: &Inner, who: &Identity, names: &[&str], model: &str, denial: Denial) -> Result<()> {
    match denial(who, names, &inner.directory.load()) {
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
    let settings = inner.settings();
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

fn end_user_blocked(inner: &Inner, _: &Identity, wish: &Wish<'_>) -> Result<()> {
    match wish.intent.end_user {
        Some(id) if inner.blocked_customers.has(id) => Err(refusal::blocked_end_user(id)),
        _ => Ok(()),
    }
}

fn project_blocked(_: &Inner, who: &Identity, _: &Wish<'_>) -> Result<()> {
    match who.caller.project_id.as_deref() {
        Some(project) if who.project_blocked => Err(refusal::blocked_project(project)),
        _ => Ok(()),
    }
}

fn client_tags(inner: &Inner, _: &Identity, wish: &Wish<'_>) -> Result<()> {
    let rejected = inner.settings().reject_clientside_metadata_tags && wish.intent.metadata_tags;
    if rejected { Err(refusal::client_tags()) } else { Ok(()) }
}

fn end_user_named(inner: &Inner, _: &Identity, wish: &Wish<'_>) -> Result<()> {
    let missing = wish.intent.end_user.is_none_or(str::is_empty) && !wish.intent.model.is_empty();
    if missing && inner.settings().enforce_user_param { Err(refusal::no_end_user()) } else { Ok(()) }
}

fn role(_: &Inner, who: &Identity, wish: &Wish<'_>) -> Result<()> {
    if who.role == Some(Role::ProxyAdminViewer) {
        let why =
            format!("user not allowed to access this route, role= proxy_admin_viewer. Trying to access: {}", wish.path);
        return Err(Error::new(Kind::PermissionDenied, why).with_type("auth_error"));
    }
    Ok(())
}
