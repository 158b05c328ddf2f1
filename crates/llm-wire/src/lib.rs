//! Formats: bytes to canonical values and back, and stream framings.
