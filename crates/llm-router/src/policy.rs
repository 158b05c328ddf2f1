//! Numbers per class of error, under LiteLLM's names.

use llm_types::Kind;
use serde::{Deserialize, Serialize};

macro_rules! policy {
    ($(#[$meta:meta])* $name:ident { $($(#[$fmeta:meta])* $field:ident: $key:literal,)* }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(default)]
        pub struct $name {
            $($(#[$fmeta])* #[serde(rename = $key, skip_serializing_if = "Option::is_none")] pub $field: Option<u32>,)*
        }
    };
}

policy! {
    /// Retries per class of error. A class that is named decides both whether and how often.
    RetryPolicy {
        /// 400 and its kin
        bad_request: "BadRequestErrorRetries",
        /// 401
        authentication: "AuthenticationErrorRetries",
        /// 408
        timeout: "TimeoutErrorRetries",
        /// 429
        rate_limit: "RateLimitErrorRetries",
        /// The provider's policy forbids the content
        content_policy: "ContentPolicyViolationErrorRetries",
        /// 500
        internal: "InternalServerErrorRetries",
        /// 503
        unavailable: "ServiceUnavailableErrorRetries",
        /// 404
        not_found: "NotFoundErrorRetries",
        /// Every class that is not named
        default: "DefaultRetries",
    }
}

policy! {
    /// Failures per class of error that a deployment is forgiven within its cooldown time.
    AllowedFailsPolicy {
        /// 400 and its kin
        bad_request: "BadRequestErrorAllowedFails",
        /// 401
        authentication: "AuthenticationErrorAllowedFails",
        /// 408
        timeout: "TimeoutErrorAllowedFails",
        /// 429
        rate_limit: "RateLimitErrorAllowedFails",
        /// The provider's policy forbids the content
        content_policy: "ContentPolicyViolationErrorAllowedFails",
        /// 500
        internal: "InternalServerErrorAllowedFails",
        /// 503
        unavailable: "ServiceUnavailableErrorAllowedFails",
        /// 502
        bad_gateway: "BadGatewayErrorAllowedFails",
        /// 404
        not_found: "NotFoundErrorAllowedFails",
    }
}

/// True for the classes that LiteLLM derives from `BadRequestError`.
const fn is_bad_request(kind: Kind) -> bool {
    use Kind::{BadRequest, ContentPolicy, ContextWindow, ImageFetch, TooLarge, UnsupportedParams};
    matches!(kind, BadRequest | ContentPolicy | ContextWindow | ImageFetch | TooLarge | UnsupportedParams)
}

impl RetryPolicy {
    /// Retries for this kind of error: the most specific class that is named, then the default.
    #[must_use]
    pub fn retries(&self, kind: Kind) -> Option<u32> {
        let specific = match kind {
            Kind::ContentPolicy => self.content_policy,
            Kind::Authentication => self.authentication,
            Kind::Timeout => self.timeout,
            Kind::RateLimit => self.rate_limit,
            Kind::Internal => self.internal,
            Kind::Unavailable => self.unavailable,
            Kind::NotFound => self.not_found,
            _ => None,
        };
        specific.or(if is_bad_request(kind) { self.bad_request } else { None }).or(self.default)
    }
}

impl AllowedFailsPolicy {
    /// Forgiven failures of this kind.
    #[must_use]
    pub fn allowed(&self, kind: Kind) -> Option<u32> {
        let specific = match kind {
            Kind::ContentPolicy => self.content_policy,
            Kind::Authentication => self.authentication,
            Kind::Timeout => self.timeout,
            Kind::RateLimit => self.rate_limit,
            Kind::Internal => self.internal,
            Kind::Unavailable => self.unavailable,
            Kind::BadGateway => self.bad_gateway,
            Kind::NotFound => self.not_found,
            _ => None,
        };
        specific.or(if is_bad_request(kind) { self.bad_request } else { None })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_specific_class_wins() {
        let policy: RetryPolicy = serde_json::from_str(
            r#"{"BadRequestErrorRetries":1,"ContentPolicyViolationErrorRetries":2,"DefaultRetries":9}"#,
        )
        .unwrap();
        assert_eq!(policy.retries(Kind::ContentPolicy), Some(2));
        assert_eq!(policy.retries(Kind::ContextWindow), Some(1));
        assert_eq!(policy.retries(Kind::Timeout), Some(9));
        assert_eq!(RetryPolicy::default().retries(Kind::Timeout), None);
    }

    #[test]
    fn allowed_fails_have_no_default() {
        let policy: AllowedFailsPolicy = serde_json::from_str(r#"{"BadGatewayErrorAllowedFails":4}"#).unwrap();
        assert_eq!(policy.allowed(Kind::BadGateway), Some(4));
        assert_eq!(policy.allowed(Kind::Internal), None);
    }
}
