//! `callbacks`, `success_callback`, `failure_callback` → sinks.

use llm_accounts::{Export, ExportPlan};
use llm_callbacks::registry::{self, Builtin, Reason};
use llm_callbacks::remote::Endpoint;
use llm_callbacks::{MailSettings, Needs, PrometheusSettings, Redaction};

use super::cache::Bucket;
use super::env::Environment;
use super::mail;
use super::objects::ObjectPlace;
use super::section::Section;
use super::{Context, Source};

/// What is told to whom.
#[derive(Debug, Default)]
pub struct Callbacks {
    /// Sinks, each once, with the calls that they are told.
    pub sinks: Vec<(Builtin, Needs)>,
    /// Where those that are services are.
    pub endpoints: Vec<Endpoint>,
    /// Where those that are buckets are.
    pub objects: Vec<ObjectPlace>,
    /// What must not leave the gateway.
    pub redaction: Redaction,
    /// Settings of the metrics.
    pub prometheus: PrometheusSettings,
    /// Where FOCUS files go.
    pub focus: Option<Bucket>,
    /// How people get letters, where a callback sends them.
    pub mail: Option<MailSettings>,
    /// Whoever is on call is paged (`pagerduty`).
    pub paged: bool,
    /// The capacity of models is enforced, and shared by priority.
    pub priorities: bool,
}

/// The hooks of LiteLLM that share the capacity of models; the older one is served as the newer one.
const PRIORITIES: [&str; 2] = ["dynamic_rate_limiter_v3", "dynamic_rate_limiter"];

impl Callbacks {
    /// Adds a sink, or calls that it is told.
    ///
    /// # Errors
    /// What a service lacks, for people.
    fn add(&mut self, sink: Builtin, needs: Needs, s: &Section<'_>, env: &Environment) -> Result<(), String> {
        if let Some((_, known)) = self.sinks.iter_mut().find(|(known, _)| *known == sink) {
            *known = known.union(needs);
            return Ok(());
        }
        if let Builtin::Remote(service) = sink {
            self.endpoints.push(Endpoint::of_operator(service, &|name| env.filled(name))?);
        }
        if let Builtin::Objects(objects) = sink {
            self.objects.push(super::objects::read(objects, s, env)?);
        }
        self.sinks.push((sink, needs));
        Ok(())
    }
}

/// Pages whoever is on call; `general_settings.alerting_args` says when.
const PAGER: &str = "pagerduty";

/// Callback names that are not sinks but switch hooks of LiteLLM on; ours run without being named, or are to come.
const HOOKS: &[&str] = &[
    "max_budget_limiter",
    "max_parallel_requests_limiter",
    "parallel_request_limiter",
    "parallel_request_limiter_v3",
    "cache_control_check",
    "blocked_user_check", // the list alone switches it on
];

/// Reads them; exports among them are switched on in their plan.
pub(crate) fn read(s: &Section<'_>, ctx: &Context<'_>, out: &mut Callbacks, exports: &mut ExportPlan) {
    let source = ctx.source;
    for (key, needs) in
        [("callbacks", Needs::CALLS), ("success_callback", Needs::SUCCESS), ("failure_callback", Needs::FAILURE)]
    {
        let Some(node) = s.node(key) else { continue };
        let one = std::slice::from_ref(node);
        let items = if node.text().is_some() { one } else { node.items() };
        for (at, item) in items.iter().enumerate() {
            let path = format!("{}[{at}]", s.path(key));
            let Some(name) = item.text() else {
                s.problems().error(&item.mark, path, format!("expected a name, found {}", item.kind()));
                continue;
            };
            let shares = PRIORITIES.contains(&name);
            out.priorities |= shares;
            out.paged |= name == PAGER;
            if HOOKS.contains(&name) || shares || name == PAGER {
                continue;
            }
            if let Some(export) = Export::named(name) {
                match super::exports::switch_on(export, ctx.env, exports) {
                    Ok(bucket) => out.focus = out.focus.take().or(bucket),
                    Err(why) => s.problems().warn(&item.mark, path, format!("nothing is exported to `{name}`: {why}")),
                }
                continue;
            }
            if let Some(way) = mail::callback(name) {
                match mail::read(ctx.env, way) {
                    Ok(mail) => out.mail = Some(mail),
                    Err(why) => s.problems().warn(&item.mark, path, format!("`{name}` sends nothing: {why}")),
                }
                continue;
            }
            match registry::find(name) {
                Ok(sink) => {
                    if let Err(why) = out.add(sink, needs, s, ctx.env) {
                        s.problems().warn(&item.mark, path, format!("nothing is told to `{name}`: {why}"));
                    }
                }
                Err(none) if none.reason == Reason::PythonCode => {
                    let hint = "post the records to an address of yours with a generic_api callback; or start with --ignore-python-hooks";
                    refuse(s, &item.mark, path, format!("{none}"), hint, source.ignore_python_hooks);
                }
                Err(none) => {
                    let hint = super::problem::nearest(name, registry::names()).map(|n| format!("did you mean `{n}`?"));
                    let severity = super::problem::Severity::Warning;
                    s.problems().push(severity, &item.mark, path, none.to_string(), hint);
                }
            }
        }
        if items.is_empty() && !node.is_off() {
            s.error(key, format!("expected a list of names, found {}", node.kind()));
        }
    }
    // It says nothing where no callback of S3 is named.
    s.accept("s3_callback_params");
    redaction(s, &mut out.redaction);
    prometheus(s, &mut out.prometheus);
}

fn redaction(s: &Section<'_>, out: &mut Redaction) {
    out.messages = s.flag("turn_off_message_logging").unwrap_or_default();
    out.errors = s.flag("redact_messages_in_exceptions").unwrap_or_default();
    out.caller = s.flag("redact_user_api_key_info").unwrap_or_default();
    out.excluded = s.texts("standard_logging_payload_excluded_fields").unwrap_or_default();
}

fn prometheus(s: &Section<'_>, out: &mut PrometheusSettings) {
    if let Some(buckets) = s.read::<Vec<f64>>("prometheus_latency_buckets") {
        out.latency_buckets = buckets;
    }
    out.exclude_metrics = s.texts("prometheus_exclude_metrics").unwrap_or_default();
    out.exclude_labels = s.texts("prometheus_exclude_labels").unwrap_or_default();
    out.end_users = s.flag("enable_end_user_cost_tracking_prometheus_only").unwrap_or_default();
    out.stream_label = s.flag("prometheus_emit_stream_label").unwrap_or_default();
    out.no_end_users = s.flag("disable_end_user_cost_tracking_prometheus_only").unwrap_or_default();
    out.metadata_labels = s.texts("custom_prometheus_metadata_labels").unwrap_or_default();
    out.tags = s.texts("custom_prometheus_tags").unwrap_or_default();
    out.metrics_config = s.read("prometheus_metrics_config").unwrap_or_default();
    out.max_end_users = s.read("prometheus_end_user_metrics_max_series_per_metric");
    let faults = out.faults();
    for what in faults.unknown {
        s.error("prometheus_metrics_config", format!("{what} does not exist"));
    }
    for what in faults.not_here {
        s.warn("prometheus_metrics_config", format!("{what} of LiteLLM is not measured here"));
    }
}

/// A setting that names Python code: an error, or a warning when the operator chose to do without.
pub(crate) fn python(s: &Section<'_>, key: &str, what: &str, hint: &str, source: &Source) {
    let hint = format!("{hint}; or start with --ignore-python-hooks");
    let message = format!("{what}: Python code cannot run here");
    refuse(s, s.mark_of(key), s.path(key), message, &hint, source.ignore_python_hooks);
}

/// An error; a warning when it is to be ignored.
pub(crate) fn refuse(s: &Section<'_>, mark: &super::Mark, path: String, message: String, hint: &str, ignored: bool) {
    if ignored {
        s.problems().warn(mark, path, format!("{message}; the gateway runs without it"));
    } else {
        s.problems().error_hint(mark, path, message, hint);
    }
}
