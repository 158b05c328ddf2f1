//! `policies` and `policy_attachments`, and those of the database → which guardrails run for whom. What the file says holds by
//! itself, and what is wrong with it is an error: a policy that does nothing must not go unseen. Rows of the database that lost
//! what they name are served as far as they go, with a warning, so that deleting a guardrail does not stop the gateway.

use llm_accounts::{Attachment, Policies, Policy, PolicyFault, Stored};
use llm_types::Json;

use super::Context;
use super::callbacks::refuse;
use super::problem::{Mark, Problems};
use super::section::Section;

/// Fields of a policy, and of an attachment.
const POLICY: &str = "inherit description guardrails condition pipeline";
const ATTACHMENT: &str = "policy scope teams keys models tags priority default";

const HINT: &str = "start with --ignore-unserved to run without it";

/// The policies of the file; `guardrails` are its guardrails that are served.
pub(super) fn read(top: &Section<'_>, ctx: &Context<'_>, guardrails: &[Json]) -> Policies {
    let mut out = Policies::default();
    let mut sections = Vec::new();
    for entry in top.section("policies").iter().flat_map(Section::entries) {
        let path = format!("policies.{}", entry.key);
        let Some(section) = Section::open(&entry.node, path, ctx.problems) else { continue };
        section.accept(POLICY);
        section.finish();
        match Policy::read(&entry.node.json()) {
            Ok(policy) => out.put(&entry.key, policy),
            Err((field, why)) => section.error(field, why),
        }
        sections.push((entry.key.as_str(), section));
    }
    for (name, section) in &sections {
        for fault in out.faults(name, |guardrail| is_among(guardrails, guardrail)) {
            tell(section, &fault, ctx);
        }
    }
    for (at, item) in top.list("policy_attachments").iter().enumerate() {
        let Some(section) = Section::open(item, format!("policy_attachments[{at}]"), ctx.problems) else { continue };
        section.accept(ATTACHMENT);
        section.finish();
        match Attachment::read(&item.json()) {
            Ok(attachment) if out.get(&attachment.policy).is_some() => out.attach(attachment),
            Ok(attachment) => section.error("policy", format!("there is no policy `{}`", attachment.policy)),
            Err((field, why)) => section.error(field, why),
        }
    }
    out
}

fn is_among(guardrails: &[Json], name: &str) -> bool {
    guardrails.iter().any(|guardrail| guardrail.text("guardrail_name") == Some(name))
}

/// Tells what is wrong with a policy of the file.
fn tell(section: &Section<'_>, fault: &PolicyFault, ctx: &Context<'_>) {
    let top = fault.field.split('.').next().unwrap_or(fault.field);
    let (mark, path, message) = (section.mark_of(top), section.path(fault.field), fault.message.clone());
    if fault.warning {
        return ctx.problems.warn(mark, path, message);
    }
    // A guardrail that was left out on purpose is one that a policy does not find.
    let ignored = ctx.source.ignore_unserved || ctx.source.ignore_python_hooks;
    refuse(section, mark, path, message, HINT, ignored);
}

/// Adds the policies of the database: one in production takes the place of the file's. `guardrails` are all that are served.
pub(super) fn stored(stored: &Stored, problems: &Problems, guardrails: &[Json], out: &mut Policies) {
    let mark = |what: &str, name: &str| Mark::whole(format!("database, {what} {name}"));
    for row in &stored.policies {
        match Policy::read(&row.spec) {
            Ok(policy) if row.in_production => out.put(&row.name, policy),
            Ok(policy) => out.put_version(&row.id, &row.name, policy),
            Err((field, why)) => problems.warn(&mark("policy", &row.name), field, format!("{why}; it is not served")),
        }
    }
    for row in stored.policies.iter().filter(|row| row.in_production) {
        for fault in out.faults(&row.name, |guardrail| is_among(guardrails, guardrail)) {
            problems.warn(&mark("policy", &row.name), fault.field, fault.message);
        }
    }
    for row in &stored.policy_attachments {
        let mark = mark("policy attachment", &row.id);
        match Attachment::read(&row.spec) {
            Ok(attachment) => {
                if out.get(&attachment.policy).is_none() {
                    problems.warn(&mark, "policy", format!("there is no policy `{}`", attachment.policy));
                }
                out.attach(attachment);
            }
            Err((field, why)) => problems.warn(&mark, field, format!("{why}; it is not served")),
        }
    }
}
