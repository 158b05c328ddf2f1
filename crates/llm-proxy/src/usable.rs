//! Which deployments a caller may have asked for what ids name (files, containers, videos, answers): an id is text that anybody
//! can write, and behind a deployment stands somebody's account.

use llm_accounts::Identity;
use llm_router::Deployment;
use llm_types::{Error, Kind};

/// True for deployments of everybody and of the caller's team.
pub(crate) fn is_shared(who: &Identity, deployment: &Deployment) -> bool {
    who.is_admin() || deployment.team_id.as_deref().is_none_or(|team| who.team_id() == Some(team))
}

/// True for deployments that the caller may use under the name of their model.
pub(crate) fn is_usable(who: &Identity, deployment: &Deployment) -> bool {
    is_shared(who, deployment) && who.may_use(deployment.public_name())
}

/// The refusal of an id that names another one; `param` is what it stands in.
pub(crate) fn refused(deployment: &Deployment, param: &str) -> Error {
    let why = format!("the model {} may not be used", deployment.public_name());
    Error::new(Kind::PermissionDenied, why).with_param(param)
}
