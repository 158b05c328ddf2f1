//! The master key, and where the gateway may be reached without a good one.

use std::net::{IpAddr, Ipv4Addr};

use llm_types::Secret;

use super::known;
use super::problem::Mark;
use super::section::Section;
use super::{Context, Loaded};

const PERMIT: &str = "dangerously_permit_weak_or_unset_master_key";

/// Reads the key and decides on the address.
///
/// LiteLLM refuses to start without a master key and with one that everybody knows. Here such a gateway serves its own
/// machine only: asked to listen elsewhere it refuses to start, asked for nothing it listens on the loopback address.
pub(crate) fn read(section: Option<&Section<'_>>, ctx: &Context<'_>, out: &mut Loaded) {
    let env = ctx.env;
    let configured = section.and_then(|s| s.secret("master_key"));
    let own = configured.is_some();
    let key = configured.or_else(|| env.filled("LITELLM_MASTER_KEY").map(Secret::new));
    let permitted = section.and_then(|s| s.flag(PERMIT)).unwrap_or(false)
        || env.is_true("LITELLM_DANGEROUSLY_PERMIT_WEAK_OR_UNSET_MASTER_KEY");
    let weak = match &key {
        None => Some("there is no master key"),
        Some(key) if is_known(key.expose()) => Some("the master key is one that everybody knows"),
        Some(_) => None,
    };
    out.host = ctx.source.host.unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED));
    out.accounts.master_key = key;
    let Some(weak) = weak else { return };
    let mark = section.filter(|_| own).map_or_else(|| Mark::whole("environment"), |s| s.mark_of("master_key").clone());
    judge(weak, permitted, &mark, ctx, out);
}

fn judge(weak: &str, permitted: bool, mark: &Mark, ctx: &Context<'_>, out: &mut Loaded) {
    let problems = ctx.problems;
    let key = "general_settings.master_key";
    let hint = "set general_settings.master_key or LITELLM_MASTER_KEY to a long random key";
    match ctx.source.host {
        Some(host) if host.is_loopback() => {}
        _ if permitted => {
            problems.warn_hint(mark, key, format!("{weak}: anybody who reaches the gateway may use it"), hint);
        }
        Some(host) => {
            problems.error_hint(
                mark,
                key,
                format!("{weak}: the gateway does not listen on {host}, beyond its own machine"),
                hint,
            );
        }
        None => {
            out.host = IpAddr::V4(Ipv4Addr::LOCALHOST);
            problems.warn_hint(mark, key, format!("{weak}: the gateway listens on 127.0.0.1 only"), hint);
        }
    }
}

/// True for keys of examples.
fn is_known(key: &str) -> bool {
    let key = key.trim().to_ascii_lowercase();
    known::KNOWN_KEYS.split_ascii_whitespace().any(|k| k == key)
}
