//! The routes, by subject.

pub(crate) mod audit;
pub(crate) mod budgets;
pub(crate) mod credentials;
pub(crate) mod customers;
pub(crate) mod groups;
pub(crate) mod guardrails;
pub(crate) mod health;
pub(crate) mod keys;
pub(crate) mod listing;
pub(crate) mod login;
pub(crate) mod mappings;
pub(crate) mod mcp;
pub(crate) mod models;
pub(crate) mod organizations;
pub(crate) mod pages;
pub(crate) mod prices;
pub(crate) mod projects;
pub(crate) mod prompts;
pub(crate) mod scim;
pub(crate) mod searching;
pub(crate) mod settings;
pub(crate) mod spend;
pub(crate) mod tags;
pub(crate) mod teams;
pub(crate) mod tuning;
pub(crate) mod users;
