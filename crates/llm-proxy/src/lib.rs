//! The gateway server: listeners, data plane, config, background jobs, assembly.
