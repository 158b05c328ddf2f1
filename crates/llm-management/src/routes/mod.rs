//! The routes, by subject.

pub(crate) mod audit;
pub(crate) mod keys;
pub(crate) mod spend;
pub(crate) mod teams;
pub(crate) mod users;
