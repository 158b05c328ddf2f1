//! Ties between requests and deployments: of callers, sessions, encrypted content and cached prompts.

use std::time::{Duration, Instant};

use crate::state::AffinityKey;
use crate::{Deployment, Resolved, RouteRequest, Router, RouterSettings};

/// How long a provider's prompt cache is counted on, as in LiteLLM.
const PROMPT_TTL: Duration = Duration::from_secs(300);
/// How long callers and sessions stay where they are.
const TTL: Duration = Duration::from_secs(3600);

/// Which ties hold.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Affinities {
    encrypted: bool,
    session: bool,
    key: bool,
    prompt: bool,
}

impl Affinities {
    pub(crate) fn of(settings: &RouterSettings) -> Self {
        Self::named(settings.optional_pre_call_checks.as_deref().unwrap_or_default())
    }

    pub(crate) fn named(checks: &[String]) -> Self {
        let on = |name: &str| checks.iter().any(|c| c == name);
        Self {
            encrypted: on("encrypted_content_affinity"),
            session: on("session_affinity"),
            key: on("deployment_affinity"),
            prompt: on("prompt_caching"),
        }
    }

    pub(crate) const fn prompt(self) -> bool {
        self.prompt
    }

    pub(crate) const fn encrypted(self) -> bool {
        self.encrypted
    }

    const fn any(self) -> bool {
        self.encrypted || self.session || self.key || self.prompt
    }
}

/// The key of content that only its maker can read: the owner ties it when an answer brings it.
#[must_use]
pub fn encrypted_key(content: &[u8]) -> AffinityKey {
    AffinityKey::of([b"encrypted".as_slice(), content])
}

impl Router {
    fn affinities(&self, resolved: &Resolved) -> Affinities {
        if self.group_affinities.is_empty() {
            return self.affinities;
        }
        self.group_affinities.get(&resolved.group.name).copied().unwrap_or(self.affinities)
    }

    /// The keys of a request that hold in a group, the strictest first, and how long a tie lasts.
    fn keys(&self, resolved: &Resolved, request: &RouteRequest) -> Vec<(AffinityKey, Duration)> {
        let on = self.affinities(resolved);
        let mut keys = Vec::new();
        if !on.any() {
            return keys;
        }
        let ttl = self.settings.deployment_affinity_ttl_seconds.map_or(TTL, |s| s.0);
        let group = resolved.group.name.as_bytes();
        if on.encrypted {
            keys.extend(request.encrypted.iter().map(|key| (*key, ttl)));
        }
        let caller = request.key_hash.as_deref().unwrap_or_default().as_bytes();
        if let Some(session) = request.session.as_deref().filter(|_| on.session) {
            keys.push((AffinityKey::of([b"session".as_slice(), group, session.as_bytes(), caller]), ttl));
        }
        if on.key && !caller.is_empty() {
            keys.push((AffinityKey::of([b"key".as_slice(), group, caller]), ttl));
        }
        let prompt = |p: &AffinityKey| AffinityKey::of([b"prompt".as_slice(), group, &p.0.to_le_bytes()]);
        if on.prompt {
            keys.extend(request.cached_prompts.iter().map(|p| (prompt(p), PROMPT_TTL)));
        }
        keys
    }

    /// The candidate that the request is tied to.
    pub(super) fn pinned(
        &self,
        resolved: &Resolved,
        request: &RouteRequest,
        candidates: &[usize],
        now: Instant,
    ) -> Option<usize> {
        self.keys(resolved, request).into_iter().find_map(|(key, _)| {
            let id = self.state.tied(key, now)?;
            self.ids.get(&id).copied().filter(|at| candidates.contains(at))
        })
    }

    /// Ties a request to the deployment that answered it.
    pub(crate) fn tie(&self, resolved: &Resolved, request: &RouteRequest, deployment: &Deployment, now: Instant) {
        for (key, ttl) in self.keys(resolved, request) {
            self.state.tie(key, &deployment.id, ttl, now);
        }
    }
}
