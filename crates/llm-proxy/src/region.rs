//! Where the answers for an end user may come from: `allowed_model_region` binds whatever is called for him.

use std::sync::Arc;

use llm_accounts::{Identity, Reservation};
use llm_router::Deployment;
use llm_types::{Error, Kind, Result};

use crate::flow::Context;

/// Binds a call to the region of its end user; the client's own wish holds where he has none. A model that runs nowhere in
/// his region gives way to his `default_model`, if the caller may use that and there is money for it.
pub fn bind(ctx: &mut Context, who: &Identity, reservation: &Reservation) {
    let Some(region) = reservation.region() else { return };
    let Some(wish) = &mut ctx.wish else { return };
    wish.controls.region = Some(Arc::clone(region));
    let router = &ctx.snapshot.engine.router;
    let there = |model: &str| router.runs_in(model, who.team_id(), region);
    let Some(other) = reservation.default_model().filter(|other| !there(&wish.group) && there(other)) else { return };
    let price = ctx.snapshot.price_bound(other, &crate::scope::of(who));
    if who.may_use(other) && reservation.cover(price) {
        tracing::info!(call = %ctx.id, model = &*wish.group, instead = &**other, %region, "the model does not run there");
        (wish.group, wish.price) = (Arc::clone(other), price);
    }
}

/// As [`bind`], for a relay: its model stays, for another one may not know the path.
pub fn bind_relay(ctx: &mut Context, reservation: &Reservation) {
    if let (Some(region), Some(wish)) = (reservation.region(), &mut ctx.wish) {
        wish.controls.region = Some(Arc::clone(region));
    }
}

/// Whether the end user of a relay may be served by a deployment, or by a provider without one: nobody knows where that
/// answers.
///
/// # Errors
/// 403 outside of his region.
pub fn permits(ctx: &Context, deployment: Option<&Deployment>) -> Result<()> {
    let Some(region) = ctx.wish.as_ref().and_then(|wish| wish.controls.region.as_deref()) else { return Ok(()) };
    if deployment.is_some_and(|d| d.is_in(region)) {
        return Ok(());
    }
    let whom = deployment.map_or("this provider", |d| &*d.group);
    let why = format!("the end user is bound to the region {region:?} (allowed_model_region), and {whom} is not in it");
    Err(Error::new(Kind::PermissionDenied, why).with_type("auth_error"))
}
