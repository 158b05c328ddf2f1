//! Cases that files cannot tell.
