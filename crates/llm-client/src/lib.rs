//! One call done well: the SDK over plan, attempts, stream.
