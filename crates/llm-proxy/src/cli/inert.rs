//! Flags that are taken and change nothing.

use clap::Args;

macro_rules! inert {
    ($($(#[$meta:meta])* $field:ident: $flag:literal,)*) => {
        /// Flags that LiteLLM has for its Python servers and tools. They are taken and change nothing.
        #[derive(Debug, Clone, Default, Args)]
        #[allow(missing_docs, reason = "LiteLLM's names")]
        pub struct Inert {
            $(
                $(#[$meta])*
                #[arg(long = $flag, hide = true, num_args = 0..=1, default_missing_value = "true")]
                pub $field: Option<String>,
            )*
        }

        impl Inert {
            /// The flags that were given, with their values.
            pub(super) fn given(&self) -> Vec<(&'static str, &str)> {
                let all = [$(($flag, self.$field.as_deref()),)*];
                all.into_iter().filter_map(|(flag, value)| Some((flag, value?))).collect()
            }
        }
    };
}

inert! {
    granian_threads: "granian_threads",
    add_key: "add_key",
    save: "save",
    use_queue: "use_queue",
    add_function_to_prompt: "add_function_to_prompt",
    telemetry: "telemetry",
    log_config: "log_config",
    setup: "setup",
    test_async: "test_async",
    iam_token_db_auth: "iam_token_db_auth",
    azure_postgresql_auth: "azure_postgresql_auth",
    num_requests: "num_requests",
    run_gunicorn: "run_gunicorn",
    run_hypercorn: "run_hypercorn",
    run_granian: "run_granian",
    ciphers: "ciphers",
    use_prisma_db_push: "use_prisma_db_push",
    local: "local",
    timeout_worker_healthcheck: "timeout_worker_healthcheck",
    max_requests_before_restart: "max_requests_before_restart",
    max_requests_before_restart_jitter: "max_requests_before_restart_jitter",
    enforce_prisma_migration_check: "enforce_prisma_migration_check",
    no_enforce_prisma_migration_check: "no-enforce_prisma_migration_check",
    use_v2_migration_resolver: "use_v2_migration_resolver",
    use_legacy_migration_resolver: "use_legacy_migration_resolver",
    reload: "reload",
    prometheus_metrics_port: "prometheus_metrics_port",
}

/// Flags whose effect somebody may miss; the others concern Python alone.
pub(super) const MISSED: &[&str] = &[
    "add_key",
    "save",
    "log_config",
    "setup",
    "test_async",
    "iam_token_db_auth",
    "azure_postgresql_auth",
    "ciphers",
    "reload",
    "prometheus_metrics_port",
    "max_requests_before_restart",
];
