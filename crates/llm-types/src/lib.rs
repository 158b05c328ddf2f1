//! The vocabulary: canonical requests, responses, stream events, usage, errors.
