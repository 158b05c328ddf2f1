//! Outbound HTTP: pool, TLS, proxies, egress guard, a timeout per phase.
