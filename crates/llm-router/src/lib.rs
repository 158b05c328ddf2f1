//! Choosing: deployments, model groups, strategies, cooldowns, retries, fallbacks.
