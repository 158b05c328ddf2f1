//! The labels of metrics, by LiteLLM 1.104's published list, put together from what they have in common.

use super::labels::Label::{self, *};

const WHO: &[Label] = &[EndUser, KeyHash, KeyAlias, Team, TeamAlias, User];
pub(super) const KEY: &[Label] = &[KeyHash, KeyAlias];
pub(super) const TEAM: &[Label] = &[Team, TeamAlias];
pub(super) const ORG: &[Label] = &[OrgId, OrgAlias];
const CLIENT: &[Label] = &[ClientIp, UserAgent];
/// Who answered.
const CALLED: &[Label] = &[ModelId, Provider];
pub(super) const HOME: &[Label] = &[ModelName, ModelId, ApiBase, Provider];
/// The model as the client names it and as the provider does.
const MODELS: &[Label] = &[RequestedModel, Model];
const WHY: &[Label] = &[ExceptionStatus, ExceptionClass];

const fn length(parts: &[&[Label]]) -> usize {
    let (mut all, mut rest) = (0, parts);
    while let [first, more @ ..] = rest {
        all += first.len();
        rest = more;
    }
    all
}

#[allow(clippy::indexing_slicing, reason = "it runs in the compiler: a wrong place does not compile")]
const fn joined<const N: usize>(parts: &[&[Label]]) -> [Label; N] {
    let mut out = [EndUser; N];
    let (mut at, mut rest) = (0, parts);
    while let [first, more @ ..] = rest {
        let mut part = *first;
        while let [label, behind @ ..] = part {
            out[at] = *label;
            at += 1;
            part = behind;
        }
        rest = more;
    }
    out
}

macro_rules! sets {
    ($($name:ident: $($part:expr),+;)*) => { $(
        pub(super) const $name: &[Label] = {
            const PARTS: &[&[Label]] = &[$($part),+];
            const ALL: [Label; length(PARTS)] = joined(PARTS);
            &ALL
        };
    )* };
}

sets! {
    REQUESTS: WHO, &[RequestedModel, StatusCode, UserEmail, Route], CLIENT, CALLED, ORG, &[Stream];
    FAILED: WHO, &[RequestedModel, UserEmail, Route], WHY, CLIENT, CALLED, ORG;
    CALLS: TOKENS, CLIENT;
    SPEND: CALLS, &[Tier];
    TOKENS: TOKEN_DETAILS, ORG;
    TOKEN_DETAILS: WHO, MODELS, &[UserEmail], CALLED;
    LATENCY: QUEUE, &[Tier];
    QUEUE: WHO, MODELS, CALLED, ORG;
    OVERHEAD: &[ModelGroup], HOME, KEY;
    API_FAILED: WHO, &[Model, ModelId];
    DEPLOYMENT: &[ModelGroup, RequestedModel], HOME, KEY, TEAM, CLIENT;
    DEPLOYMENT_FAILED: DEPLOYMENT, WHY;
    PER_TOKEN: HOME, KEY, TEAM, ORG;
    FALLBACK: &[RequestedModel, FallbackModel, ModelId], KEY, TEAM, WHY;
    KEY_AND_MODEL: KEY, &[AskedModel, ModelId];
    KEY_LIMIT: KEY, &[RateLimitType];
    TEAM_LIMIT: TEAM, &[RateLimitType];
    UNPRICED: MODELS, CALLED, &[Reason];
    TOOL: &[ToolName, ServerName], WHO;
    CACHE: WHO, &[Model], CALLED;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_metric_has_a_label_twice() {
        for labels in [
            REQUESTS,
            FAILED,
            CALLS,
            SPEND,
            TOKENS,
            TOKEN_DETAILS,
            LATENCY,
            QUEUE,
            OVERHEAD,
            API_FAILED,
            DEPLOYMENT,
            DEPLOYMENT_FAILED,
            PER_TOKEN,
            FALLBACK,
            UNPRICED,
            TOOL,
            CACHE,
        ] {
            let mut names: Vec<_> = labels.iter().map(|label| label.name()).collect();
            names.sort_unstable();
            names.dedup();
            assert_eq!(names.len(), labels.len(), "{labels:?}");
        }
    }

    #[test]
    fn sets_are_those_of_litellm() {
        let mut spend: Vec<_> = SPEND.iter().map(|label| label.name()).collect();
        spend.sort_unstable();
        let known = "api_key_alias api_provider client_ip end_user hashed_api_key model model_id org_alias org_id \
            requested_model service_tier team team_alias user user_agent user_email";
        assert_eq!(spend, known.split_whitespace().collect::<Vec<_>>());
    }
}
