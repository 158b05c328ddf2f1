//! Who may call which route: permissions of routes, route groups, lists of keys.

use crate::Role;

/// Who may call a route, as its table says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Permission {
    /// Anyone, without a key.
    Public,
    /// Any valid key: reading about oneself and about models.
    AnyKey,
    /// Any valid key of a role that calls models.
    Llm,
    /// Any role with a place in management; the handler narrows to what is the caller's own.
    OwnScope,
    /// Whoever manages the entity, which the handler checks; viewers may read.
    TeamAdmin,
    /// Administrators of an organization, which is checked before the handler narrows to theirs; viewers may read.
    OrgAdmin,
    /// Administrators; viewers may read.
    Admin,
    /// Administrators, and keys of nobody that were made for provisioning: their `allowed_routes` name SCIM's.
    Provision,
    /// The master key itself.
    MasterKey,
}

impl Permission {
    /// True when a role may call a route of this permission. `reads` is true for GET and HEAD. The master key is an
    /// administrator with `master`.
    #[must_use]
    pub fn allows(self, role: Option<Role>, master: bool, reads: bool) -> bool {
        use Role::{InternalUser, InternalUserViewer, OrgAdmin, ProxyAdmin, ProxyAdminViewer};
        match (self, role) {
            (Self::MasterKey, _) => master,
            (Self::Public | Self::AnyKey, _) | (_, Some(ProxyAdmin)) => true,
            (Self::Llm, Some(ProxyAdminViewer)) => false,
            (Self::Llm, _) => true,
            (_, Some(ProxyAdminViewer)) => reads,
            (Self::Admin | Self::Provision, _) => false,
            (Self::OwnScope | Self::TeamAdmin | Self::OrgAdmin, Some(InternalUser | OrgAdmin)) => true,
            (Self::OwnScope | Self::TeamAdmin | Self::OrgAdmin, Some(InternalUserViewer)) => reads,
            (Self::OwnScope | Self::TeamAdmin | Self::OrgAdmin, _) => false,
        }
    }
}

const OPENAI: &[&str] = &[
    "/chat/completions",
    "/completions",
    "/embeddings",
    "/models",
    "/responses",
    "/images",
    "/audio",
    "/moderations",
    "/rerank",
    "/files",
    "/batches",
    "/fine_tuning",
    "/assistants",
    "/threads",
    "/vector_stores",
    "/realtime",
    "/videos",
    "/engines/",
    "/openai/deployments/",
    "/openai/v1/realtime",
    "/openai/v1/responses",
    "/containers",
    "/evals",
    "/rag",
    "/ocr",
    "/search",
    "/{provider}/v1/files",
    "/{provider}/v1/files/{file_id}",
    "/{provider}/v1/files/{file_id}/content",
    "/{provider}/v1/batches",
    "/{provider}/v1/batches/{batch_id}",
    "/{provider}/v1/batches/{batch_id}/cancel",
    "/utils/token_counter",
];
const ANTHROPIC: &[&str] = &["/messages", "/anthropic/v1/messages", "/messages/count_tokens", "/skills"];
const GOOGLE: &[&str] = &["/v1beta/models", "/models/", "/interactions", "/v1beta/interactions", "/v1beta/agents"];
/// What stands below these goes to a provider as it is.
const PASS_THROUGH: &[&str] = &[
    "/openai",
    "/openai_passthrough",
    "/anthropic",
    "/gemini",
    "/vertex_ai",
    "/vertex-ai",
    "/bedrock",
    "/azure",
    "/azure_ai",
    "/azure_speech",
    "/cohere",
    "/mistral",
    "/vllm",
    "/openrouter",
    "/nvidia_nim",
    "/watsonx",
    "/gigachat",
    "/fal_ai",
    "/typesafe",
    "/tinyfish",
    "/cursor",
    "/milvus",
    "/assemblyai",
    "/eu.assemblyai",
    "/langfuse",
    "/transcribe",
    "/comprehendmedical",
];
const INFO: &[&str] = &[
    "/key/info",
    "/key/health",
    "/team/info",
    "/team/list",
    "/user/info",
    "/model/info",
    "/v1/model/info",
    "/v2/model/info",
    "/model_group/info",
    "/v2/key/info",
    "/organization/info",
    "/health",
    "/models",
    "/v1/models",
];
const MODEL_INFO: &[&str] =
    &["/models", "/v1/models", "/model/info", "/v1/model/info", "/v2/model/info", "/model_group/info"];
const KEYS: &[&str] = &[
    "/key/generate",
    "/key/service-account/generate",
    "/key/update",
    "/key/delete",
    "/key/info",
    "/key/list",
    "/key/regenerate",
    "/key/{}/regenerate",
    "/key/{}/reset_spend",
    "/key/block",
    "/key/unblock",
    "/key/aliases",
    "/key/bulk_update",
    "/v2/key/info",
];
const MANAGEMENT: &[&str] = &[
    "/key",
    "/v2/key",
    "/user",
    "/team",
    "/organization",
    "/model/new",
    "/model/update",
    "/model/delete",
    "/budget",
    "/customer",
    "/end_user",
    "/tag",
    "/credentials",
    "/project",
    "/access_group",
    "/invitation",
];
const SPEND: &[&str] = &["/spend"];
const GLOBAL_SPEND: &[&str] = &["/global/spend", "/global/activity"];
const PUBLIC: &[&str] = &["/health/liveliness", "/health/liveness", "/health/readiness", "/test", "/routes", "/public"];

/// The MCP gateway: what clients call, and its management. Nothing of these stands below `/v1` under another name.
const MCP: &[&str] = &["/mcp", "/mcp-rest", "/toolset", "/{server}/mcp"];
const MCP_MANAGEMENT: &[&str] = &["/v1/mcp", "/mcp-rest/test"];

/// True when the list names the route: a group, the route itself, a path above it, a prefix with `*`, or a pattern whose
/// `{}` segments stand for anything.
///
/// The version prefix `/v1` does not count on model routes: `/chat/completions` is `/v1/chat/completions`.
#[must_use]
pub fn in_routes<S: AsRef<str>>(list: &[S], route: &str) -> bool {
    list.iter().any(|entry| one(entry.as_ref(), route))
}

fn one(entry: &str, route: &str) -> bool {
    let any = |groups: &[&[&str]]| groups.iter().any(|g| g.iter().any(|e| literal(e, route)));
    let exactly = |groups: &[&[&str]]| groups.iter().any(|g| g.iter().any(|e| under(e, route)));
    match entry {
        "mcp_routes" => exactly(&[MCP, MCP_MANAGEMENT]),
        "mcp_inference_routes" => exactly(&[MCP]),
        "mcp_management_routes" => exactly(&[MCP_MANAGEMENT]),
        "openai_routes" => any(&[OPENAI]),
        "anthropic_routes" => any(&[ANTHROPIC]),
        "google_routes" => any(&[GOOGLE]),
        "mapped_pass_through_routes" | "passthrough_routes_wildcard" => any(&[PASS_THROUGH]),
        "llm_api_routes" => any(&[OPENAI, ANTHROPIC, GOOGLE, MODEL_INFO, PASS_THROUGH]) || exactly(&[MCP]),
        "info_routes" => any(&[INFO]),
        "model_info_routes" => any(&[MODEL_INFO]),
        "key_management_routes" => any(&[KEYS]),
        "management_routes" => any(&[MANAGEMENT]),
        "spend_tracking_routes" => any(&[SPEND]),
        "global_spend_tracking_routes" => any(&[GLOBAL_SPEND]),
        "public_routes" => any(&[PUBLIC]),
        entry => literal(entry, route),
    }
}

fn literal(entry: &str, route: &str) -> bool {
    if let Some(prefix) = entry.strip_suffix('*') {
        return route.starts_with(prefix);
    }
    let bare = |path: &str| path.strip_prefix("/v1/").map(|rest| format!("/{rest}"));
    under(entry, route)
        || bare(route).is_some_and(|route| under(entry, &route))
        || bare(entry).is_some_and(|e| under(&e, route))
}

/// True when the route is the entry or lies below it.
fn under(entry: &str, route: &str) -> bool {
    if let Some(rest) = route.strip_prefix(entry)
        && (rest.is_empty() || rest.starts_with('/') || entry.ends_with('/'))
    {
        return true;
    }
    entry.contains('{') && {
        let (mut want, mut have) = (entry.split('/'), route.split('/'));
        loop {
            match (want.next(), have.next()) {
                (None, None) => return true,
                (Some(w), Some(h)) if w == h || w.starts_with('{') && w.ends_with('}') && !h.is_empty() => {}
                _ => return false,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_name_routes_in_many_ways() {
        for (entry, route, wanted) in [
            ("/chat/completions", "/v1/chat/completions", true),
            ("/v1/chat/completions", "/chat/completions", true),
            ("/v1/chat/completions", "/v1/chat/completionsx", false),
            ("/key", "/key/info", true),
            ("/key", "/keys", false),
            ("/x/*", "/x/y/z", true),
            ("/key/{}/regenerate", "/key/abc/regenerate", true),
            ("/key/{}/regenerate", "/key//regenerate", false),
            ("openai_routes", "/v1/embeddings", true),
            ("openai_routes", "/v1/messages", false),
            ("llm_api_routes", "/v1/messages", true),
            ("llm_api_routes", "/key/generate", false),
            ("llm_api_routes", "/anthropic/v1/messages", true),
            ("mapped_pass_through_routes", "/eu.assemblyai/v2/transcript", true),
            ("mapped_pass_through_routes", "/v1/messages", false),
            ("openai_routes", "/azure/v1/files/file-1/content", true),
            ("management_routes", "/key/generate", true),
            ("management_routes", "/v1/chat/completions", false),
            ("mcp_routes", "/mcp/git", true),
            ("mcp_routes", "/v1/mcp/server", true),
            ("mcp_inference_routes", "/git/mcp", true),
            ("mcp_inference_routes", "/mcp-rest/tools/call", true),
            ("mcp_inference_routes", "/v1/mcp/server", false),
            ("llm_api_routes", "/mcp", true),
            ("llm_api_routes", "/v1/mcp/server", false),
            ("info_routes", "/key/info", true),
            ("info_routes", "/key/generate", false),
        ] {
            assert_eq!(in_routes(&[entry], route), wanted, "{entry} {route}");
        }
        assert!(!in_routes::<&str>(&[], "/x"));
    }

    #[test]
    fn the_table_of_roles() {
        use Permission::*;
        let row = |role: Option<Role>, reads: bool| {
            [Public, AnyKey, Llm, OwnScope, TeamAdmin, Admin, MasterKey].map(|p| u8::from(p.allows(role, false, reads)))
        };
        assert_eq!(row(Some(Role::ProxyAdmin), false), [1, 1, 1, 1, 1, 1, 0]);
        assert_eq!(row(Some(Role::ProxyAdminViewer), true), [1, 1, 0, 1, 1, 1, 0]);
        assert_eq!(row(Some(Role::ProxyAdminViewer), false), [1, 1, 0, 0, 0, 0, 0]);
        assert_eq!(row(Some(Role::InternalUser), false), [1, 1, 1, 1, 1, 0, 0]);
        assert_eq!(row(Some(Role::InternalUserViewer), true), [1, 1, 1, 1, 1, 0, 0]);
        assert_eq!(row(Some(Role::InternalUserViewer), false), [1, 1, 1, 0, 0, 0, 0]);
        assert_eq!(row(None, true), [1, 1, 1, 0, 0, 0, 0]);
        assert!(Role::ALL.iter().all(|role| [true, false].iter().all(|reads| {
            OrgAdmin.allows(Some(*role), false, *reads) == TeamAdmin.allows(Some(*role), false, *reads)
        })));
        assert!(MasterKey.allows(Some(Role::ProxyAdmin), true, false));
    }
}
