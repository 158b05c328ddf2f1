//! What `general_settings` and `router_settings` say of health checks.

use llm_router::RouterSettings;

use super::section::Section;
use super::settings::HealthSettings;

/// What stands in `general_settings` only.
pub(crate) fn general(s: &Section<'_>, out: &mut HealthSettings, router: &mut RouterSettings) {
    out.background = s.flag("background_health_checks").unwrap_or(out.background);
    out.details = s.flag("health_check_details").unwrap_or(out.details);
    out.shared = s.flag("use_shared_health_check").unwrap_or(out.shared);
    if let Some(interval) = s.seconds("health_check_interval") {
        if interval.is_zero() {
            s.error("health_check_interval", "expected a time above 0");
        } else {
            out.interval = interval;
        }
    }
    if let Some(most) = s.whole("health_check_concurrency") {
        out.concurrency = usize::try_from(most).unwrap_or(usize::MAX).max(1);
    }
    // deployments with `disable_background_health_check` are not checked in the background, whatever this says
    s.flag("health_check_skip_disabled_background_models");
    routing(s, out, router);
}

/// What may stand in both: the first that says something wins.
pub(crate) fn routing(s: &Section<'_>, out: &mut HealthSettings, router: &mut RouterSettings) {
    let routes = s.flag("enable_health_check_routing");
    router.enable_health_check_routing = router.enable_health_check_routing.or(routes);
    out.ignore_transient |= s.flag("health_check_ignore_transient_errors").unwrap_or(false);
    let staleness = s.seconds("health_check_staleness_threshold").filter(|t| !t.is_zero());
    out.staleness = out.staleness.or(staleness);
    let groups = s.texts("background_health_check_model_groups");
    out.groups = out.groups.take().or(groups);
}
