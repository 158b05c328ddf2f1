//! Who keeps a resource: a deployment of a model group, or a provider with a credential of the configuration.

use std::sync::Arc;

use llm_accounts::Identity;
use llm_client::{Target, TargetConfig};
use llm_providers::passthrough::unescaped;
use llm_providers::resource;
use llm_router::Deployment;
use llm_types::{Error, Json, Result};
use llm_wire::ids;

use super::request::Told;
use super::table::Family;
use crate::flow::Context;
use crate::usable;

/// Who keeps it.
#[derive(Debug, Clone)]
pub(super) struct Home {
    /// Address and credential.
    pub(super) target: Arc<Target>,
    /// The deployment, when a model group was named.
    pub(super) deployment: Option<Arc<Deployment>>,
    /// The model as the provider knows it, when a model group was named.
    pub(super) model: Option<String>,
    /// The group by which ids of the answer are told apart.
    pub(super) group: Option<String>,
    /// The group any of whose deployments may answer: what comes of it is not looked for there again.
    pub(super) any_of: Option<Arc<str>>,
}

/// Chooses.
///
/// # Errors
/// 400 for a group or a provider that nobody knows.
pub(super) fn home(ctx: &Context, who: &Identity, family: Family, told: &Told, path: &str) -> Result<Home> {
    if let Some(group) = &told.group {
        return of_group(ctx, who, group, true);
    }
    // A model of the body is the provider's, unless a group has its name.
    let router = &ctx.snapshot.engine.router;
    let shared = matches!(family, Family::Interactions | Family::Sessions | Family::FineTuning | Family::Assistants);
    if let Some(model) = told.model.as_deref().filter(|_| shared && told.provider.is_none())
        && let name = crate::scope::group(router, who, model)
        && router.has_group(name)
    {
        let mut home = of_group(ctx, who, model, false)?;
        if matches!(family, Family::Interactions | Family::Sessions) {
            home.any_of = Some(Arc::from(name));
        }
        return Ok(home);
    }
    if let Some((provider, model)) = told.model.as_deref().filter(|_| told.provider.is_none()).and_then(prefixed)
        && family == Family::Interactions
    {
        let told = Told { provider: Some(provider.to_owned()), ..Told::default() };
        return Ok(Home { model: Some(model.to_owned()), ..home(ctx, who, family, &told, path)? });
    }
    let relays = &ctx.snapshot.relays.settings;
    if family == Family::VectorStores
        && let Some(store) = store_in(path)
        && let Some((_, target)) = relays.vector_stores.iter().find(|(id, _)| *id == store)
    {
        return Ok(kept(Arc::clone(target)));
    }
    if family == Family::Assistants
        && told.provider.is_none()
        && let Some(target) = &relays.assistants
    {
        return Ok(kept(Arc::clone(target)));
    }
    let provider = told.provider.as_deref().unwrap_or(match family {
        Family::Skills => resource::DEFAULT_OF_SKILLS,
        Family::Interactions => resource::DEFAULT_OF_INTERACTIONS,
        _ => resource::DEFAULT,
    });
    // a kind of store may stand behind the provider
    let (first, kind) = provider.split_once('/').map_or((provider, ""), |(first, kind)| (first, kind));
    let id = llm_providers::registry::by_prefix(first)
        .ok_or_else(|| {
            Error::bad_request(format!("there is no provider {provider:?}")).with_param("custom_llm_provider")
        })?
        .row()
        .id;
    if !kind.is_empty() {
        return of_environment(ctx, &format!("{id}/{kind}")).map(kept);
    }
    let provider = id;
    let first = if family == Family::FineTuning {
        [&relays.finetune, &relays.files]
    } else {
        [&relays.files, &relays.finetune]
    };
    let configured = first.iter().flat_map(|list| list.iter()).find(|t| t.provider_id() == provider);
    if let Some(target) = configured {
        return Ok(kept(Arc::clone(target)));
    }
    let environment = of_environment(ctx, provider)?;
    let has_key = environment.provider.row().key(environment.api_key.as_ref(), &environment.params).is_some();
    let by_model = !has_key || matches!(family, Family::Files | Family::Batches);
    Ok(kept(by_model.then(|| of_models(ctx, who, provider)).flatten().unwrap_or(environment)))
}

/// Who made the container whose id a path names, and the path with the provider's own id; nothing for plain ids.
///
/// # Errors
/// 403 for a deployment that the caller may not use; 400 for a provider that nobody knows.
pub(super) fn container(ctx: &Context, who: &Identity, family: Family, path: &str) -> Result<Option<(Home, String)>> {
    let rest = path.strip_prefix("/containers/").filter(|_| family == Family::Containers);
    let Some((given, behind)) = rest.map(|rest| rest.split_at(rest.find('/').unwrap_or(rest.len()))) else {
        return Ok(None);
    };
    let Some(id) = ids::decode_made(ids::Made::Container, &unescaped(given)) else { return Ok(None) };
    let path = format!("/containers/{}{behind}", id.id);
    let Some(deployment) = ctx.snapshot.engine.router.deployment(&id.deployment) else {
        let provider = Some(id.provider).filter(|provider| !provider.is_empty());
        return home(ctx, who, family, &Told { provider, ..Told::default() }, &path).map(|home| Some((home, path)));
    };
    if usable::name(&ctx.snapshot.engine.router, who, deployment).is_none() {
        return Err(usable::refused(deployment, "container_id"));
    }
    let target = deployment.payload.clone().and_then(|p| p.downcast::<Target>().ok());
    let target = target.ok_or_else(|| Error::internal("a deployment without a target"))?;
    let group = Some(deployment.group.to_string());
    Ok(Some((Home { deployment: Some(Arc::clone(deployment)), group, ..kept(target) }, path)))
}

/// The first deployment of a provider that a caller may use: its account is asked where nothing else is configured. The
/// caller's team's own come first.
fn of_models(ctx: &Context, who: &Identity, provider: &str) -> Option<Arc<Target>> {
    let usable = || {
        let all = ctx.snapshot.engine.router.deployments().iter();
        all.filter(|d| !d.blocked && usable::is_usable(who, d))
    };
    let (own, shared) = (usable().filter(|d| d.team_id.is_some()), usable().filter(|d| d.team_id.is_none()));
    let target = |d: &Arc<Deployment>| d.payload.clone()?.downcast::<Target>().ok();
    own.chain(shared).filter_map(target).find(|target| target.provider_id() == provider)
}

/// The provider that stands before a model.
fn prefixed(model: &str) -> Option<(&str, &str)> {
    model.split_once('/').filter(|(provider, _)| llm_providers::registry::by_prefix(provider).is_some())
}

/// The id of the vector store in a path. It may hold slashes.
pub(super) fn store_in(path: &str) -> Option<std::borrow::Cow<'_, str>> {
    let rest = path.strip_prefix("/vector_stores/")?;
    let batches = rest.rfind("/file_batches");
    let end = batches.or_else(|| ["/search", "/files"].iter().filter_map(|behind| rest.rfind(behind)).max());
    let end = end.unwrap_or(rest.len());
    rest.get(..end).map(llm_providers::passthrough::unescaped)
}

/// A provider of the configuration.
pub(super) fn kept(target: Arc<Target>) -> Home {
    Home { target, deployment: None, model: None, group: None, any_of: None }
}

/// The first deployment of a group's lowest order: a file that one keeps is not known to the others.
///
/// # Errors
/// 400 for a group that nobody knows.
pub(super) fn of_group(ctx: &Context, who: &Identity, group: &str, marked: bool) -> Result<Home> {
    let router = &ctx.snapshot.engine.router;
    let name = crate::scope::group(router, who, group);
    let scope = crate::scope::of(who);
    let resolved = router.resolve(name, &scope)?;
    let members = router.members(&resolved.group).filter(|d| usable::is_shared(who, d));
    let first = members.filter(|d| !d.blocked).min_by_key(|d| d.order.unwrap_or(i64::MAX));
    let deployment = first.cloned().ok_or_else(|| {
        Error::bad_request(format!("no deployment of the model {group:?} can be asked")).with_param("model")
    })?;
    let target = deployment.payload.clone().and_then(|p| p.downcast::<Target>().ok());
    let target = target.ok_or_else(|| Error::internal("a deployment without a target"))?;
    let model = resolved.provider_model(&deployment);
    Ok(Home { group: marked.then(|| group.to_owned()), ..Home::at(target, deployment, &model) })
}

impl Home {
    /// A deployment that was chosen. `model`: the deployment's name of the model.
    pub(super) fn at(target: Arc<Target>, deployment: Arc<Deployment>, model: &Arc<str>) -> Self {
        let model = target.model_of(model);
        let model = target.provider.wire_model(&model).into_owned();
        Self { target, deployment: Some(deployment), model: Some(model), group: None, any_of: None }
    }
}

/// A provider with the key of the environment.
fn of_environment(ctx: &Context, provider: &str) -> Result<Arc<Target>> {
    let params = vec![("model".to_owned(), Json::from(format!("{provider}/*")))];
    let config = TargetConfig { params, info: Vec::new() };
    Target::new(&config, &ctx.snapshot.engine.prices).map(Arc::new)
}
