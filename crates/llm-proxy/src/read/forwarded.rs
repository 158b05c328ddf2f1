//! Headers that go on to the provider: the client's own, and who calls.

use llm_types::Format;

use crate::flow::Context;
use crate::wish::Wish;

/// Headers of the client that go on to the provider; where they do for everybody or for the group, and the operator wants
/// it, also who calls.
pub(super) fn headers(ctx: &Context, wish: &Wish) -> Vec<(String, String)> {
    let snapshot = &ctx.snapshot;
    let of_group = |groups: &llm_accounts::ModelList| {
        let none = llm_accounts::Directory::default();
        [&wish.group, &wish.model].into_iter().any(|name| groups.allows(name, &none))
    };
    let all = snapshot.settings.forward_client_headers || snapshot.header_groups.as_ref().is_some_and(of_group);
    let anthropic = ctx.format == Format::AnthropicMessages;
    if !all && !anthropic {
        return Vec::new();
    }
    let headers = &ctx.parts.headers;
    // The usual version alone says nothing that hosts would not assume.
    let version =
        headers.contains_key("anthropic-beta") || headers.get("anthropic-version").is_some_and(|v| v != "2023-06-01");
    let own = headers
        .iter()
        .filter(|(name, _)| {
            let name = name.as_str();
            name == "anthropic-beta"
                || anthropic && version && name == "anthropic-version"
                || all
                    && name.starts_with("x-")
                    && !name.starts_with("x-stainless")
                    && !name.starts_with("x-litellm")
                    && !name.starts_with("x-mcp-")
                    && name != "x-api-key"
                    && ![&snapshot.settings.key_header_name, &snapshot.settings.mcp_auth_header]
                        .iter()
                        .any(|own| own.as_deref() == Some(name))
        })
        .filter_map(|(name, value)| Some((name.as_str().to_owned(), value.to_str().ok()?.to_owned())));
    let mut out: Vec<(String, String)> = own.collect();
    if all && snapshot.settings.tell_user {
        caller(ctx, wish, &mut out);
    }
    out
}

/// Who calls, under LiteLLM's names (`add_user_information_to_llm_headers`). What no header can carry is left out.
fn caller(ctx: &Context, wish: &Wish, out: &mut Vec<(String, String)>) {
    let Some(who) = &ctx.who else { return };
    let caller = who.caller();
    let spend = who.spend().map(|spend| spend.to_string());
    for (name, value) in [
        ("hash", caller.key_hash.as_deref()),
        ("alias", caller.key_alias.as_deref()),
        ("spend", spend.as_deref()),
        ("team_id", caller.team_id.as_deref()),
        ("team_alias", caller.team_alias.as_deref()),
        ("project_id", caller.project_id.as_deref()),
        ("user_id", caller.user_id.as_deref()),
        ("user_email", caller.user_email.as_deref()),
        ("org_id", caller.organization_id.as_deref()),
        ("end_user_id", wish.end_user.as_deref()),
        ("request_route", Some(ctx.route)),
    ] {
        if let Some(value) = value.filter(|value| http::HeaderValue::from_str(value).is_ok()) {
            out.push((format!("x-litellm-user_api_key_{name}"), value.to_owned()));
        }
    }
}
