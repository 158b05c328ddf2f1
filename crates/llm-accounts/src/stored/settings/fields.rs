//! The general settings that may be changed through the API: name, type, meaning.

/// Name, type as LiteLLM calls it, meaning.
pub(super) const FIELDS: &[(&str, &str, &str)] = &[
    ("completion_model", "String", "Model of requests that name none"),
    ("max_request_size_mb", "Float", "Largest request body, in MB"),
    ("max_response_size_mb", "Float", "Largest answer that is no stream, in MB"),
    ("max_file_size_mb", "Float", "Largest file, in MB"),
    ("user_header_name", "String", "Header that names the end user"),
    ("litellm_key_header_name", "String", "Header that carries the key, instead of the usual ones"),
    ("allow_client_side_credentials", "Boolean", "Clients may send credentials of providers"),
    ("always_include_stream_usage", "Boolean", "Usage events in every stream"),
    ("forward_client_headers_to_llm_api", "Boolean", "Headers x-* of clients go on to the provider"),
    ("store_prompts_in_spend_logs", "Boolean", "Messages and answers are kept in spend rows"),
    ("disable_responses_id_security", "Boolean", "Stored answers may be read by everybody who knows their id"),
    ("allow_unmanaged_response_ids", "Boolean", "Ids of stored answers that the gateway did not give out may be used"),
    ("public_routes", "List", "Paths that need no key"),
    ("allowed_routes", "List", "The only paths that may be called"),
    ("pass_through_request_timeout", "Float", "Seconds until the answer of a pass-through endpoint begins"),
    ("pass_through_endpoints", "List", "Endpoints of the operator's own"),
    ("store_model_in_db", "Boolean", "Models and settings may live in the database (at start)"),
    ("disable_spend_logs", "Boolean", "No rows of requests; sums are still kept (at start)"),
    ("disable_custom_api_keys", "Boolean", "Keys are always generated (at start)"),
    ("proxy_batch_write_at", "Float", "Seconds between writes of spend (at start)"),
    ("user_api_key_cache_ttl", "Float", "Seconds a key's row counts as fresh (at start)"),
    ("allow_requests_on_db_unavailable", "Boolean", "Callers are let in while the database is away (at start)"),
    ("encryption_algorithm", "String", "How secrets are encrypted: xsalsa20-poly1305 or aes-256-gcm (at start)"),
];
