//! Judging content: guardrail trait, built-ins.
