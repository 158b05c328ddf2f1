//! Simulated upstreams with faults, from literal recorded frames.
