//! Durable rows: keys, teams, users, budgets, spend, audit; SQLite and PostgreSQL.
