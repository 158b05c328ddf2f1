-- Only SQLite has leaner indexes: here the table is LiteLLM's, and its own programs may read it.
SELECT 1;
