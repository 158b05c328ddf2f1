//! The management API over accounts, spend, models, config.
