//! Which deployments a caller may have asked for what ids name (files, containers, videos, answers): an id is text that anybody
//! can write, and behind a deployment stands somebody's account.

use std::sync::Arc;

use llm_accounts::Identity;
use llm_router::{Deployment, Router};
use llm_types::{Error, Kind};

/// True for deployments of everybody and of the caller's team.
pub(crate) fn is_shared(who: &Identity, deployment: &Deployment) -> bool {
    who.is_admin() || deployment.team_id.as_deref().is_none_or(|team| who.team_id() == Some(team))
}

/// True for deployments that the caller may use under the name of their model.
pub(crate) fn is_usable(who: &Identity, deployment: &Deployment) -> bool {
    is_shared(who, deployment) && who.may_use(deployment.public_name())
}

/// The name under which a caller may have a deployment asked again: that of its model, else one that the caller may use and that
/// leads there (an alias, a name that its wildcard matches). What was made under such a name is found back under it.
pub(crate) fn name(router: &Router, who: &Identity, deployment: &Deployment) -> Option<Arc<str>> {
    if is_usable(who, deployment) {
        return Some(Arc::clone(deployment.public_name()));
    }
    if !is_shared(who, deployment) {
        return None;
    }
    let scope = crate::scope::of(who);
    let leads = |name: &str| {
        let meant = crate::scope::group(router, who, name);
        router.resolve(meant, &scope).is_ok_and(|found| router.members(&found.group).any(|d| d.id == deployment.id))
    };
    let names = who.listed_models().chain(router.aliases().filter(|name| !who.is_alias(name)));
    names.filter(|name| who.may_use(name)).find(|name| leads(name)).map(Arc::from)
}

/// The refusal of an id that names another one; `param` is what it stands in.
pub(crate) fn refused(deployment: &Deployment, param: &str) -> Error {
    let why = format!("the model {} may not be used", deployment.public_name());
    Error::new(Kind::PermissionDenied, why).with_param(param)
}
