//! Names that LiteLLM knows, by section, separated by blanks. What the translation does not ask for has no effect yet.

/// Top level. The first line is served.
pub(crate) const TOP_LEVEL: &str = "
    model_list litellm_settings router_settings general_settings environment_variables include guardrails prompts
    policies policy_attachments callback_settings credential_list mcp_servers mcp_tools
    vector_store_registry search_tools sandbox_tools assistant_settings finetune_settings files_settings
    default_vertex_config worker_registry enable_jwt_auth litellm_jwtauth";

/// `litellm_settings` that change nothing here, whatever their value: switches of Python libraries, debug output.
pub(crate) const LITELLM_HARMLESS: &str = "
    telemetry suppress_debug_info safe_memory_mode use_client use_aiohttp_transport aiohttp_trust_env
    disable_aiohttp_transport disable_aiohttp_trust_env disable_hf_tokenizer_download azure_llms model_list
    return_response_headers disable_copilot_system_to_assistant datadog_use_v1 gcs_pub_sub_use_v1 generic_api_use_v1
    enable_preview_features http2 debugger";

/// `litellm_settings`.
pub(crate) const LITELLM: &str = "
    service_callback disable_streaming_logging audit_log_callbacks cold_storage_custom_logger logged_real_time_event_types langfuse_default_tags
    langfuse_enable_update_trace_keys langsmith_batch_size prometheus_initialize_budget_metrics argilla_batch_size
    argilla_transformation_object log_raw_request_response log_client_error_tracebacks request_correlation_in_logs
    filter_invalid_headers overwrite_user_with_key_hash
    bedrock_request_metadata_fields skip_system_message_in_guardrail skip_tool_message_in_guardrail
    max_tokens bedrock_neutralize_orphaned_tool_blocks use_chat_completions_url_for_anthropic_messages
    strip_anthropic_total_tokens anthropic_sse_ping_interval_seconds sse_keepalive_ping_interval_seconds
    route_all_chat_openai_to_responses gemini_live_defer_setup gdc_api_base vertex_project vertex_location
    predibase_tenant_id common_cloud_provider_auth_params use_litellm_proxy ssl_security_level user_url_validation
    user_url_allowed_hosts provider_url_destination_allowed_hosts otel_tenant_destination_mode ssl_ecdh_curve
    disable_token_counter disable_add_transform_inline_image_block
    disable_anthropic_gemini_context_caching_transform
    openai_system_messages_first disable_vertex_batch_output_transformation
    presidio_ad_hoc_recognizers google_moderation_confidence_threshold
    llamaguard_unsafe_content_categories llm_guard_mode include_cost_in_streaming_usage reasoning_auto_summary
    enable_json_schema_validation
    enable_gemini_default_thinking_level_low enable_loadbalancing_on_batch_endpoints require_managed_files
    default_in_memory_ttl default_redis_ttl default_redis_batch_cache_expiry
    forward_traceparent_to_llm_provider add_function_to_prompt
    anthropic_beta_headers_url autorouter_presets_url dynamodb_table_name s3_audit_callback_params
    datadog_llm_observability_params datadog_params newrelic_params pointfive_params aws_sqs_callback_params
    generic_logger_headers max_user_budget default_max_internal_user_budget
    validate_end_user_id_in_db
    prometheus_emit_input_sequence_length_label
    prometheus_deployment_and_latency_caller_identity prometheus_emit_rate_limit_labels
    prometheus_user_budget_label_include_email_alias
    prometheus_end_user_metrics_ttl_seconds prometheus_end_user_metrics_cleanup_interval_seconds
    disable_add_prefix_to_prompt public_mcp_hub_strict_whitelist
    public_skills_index mcp_tool_search force_ipv4 network_mock
    num_retries_per_request output_parse_pii vertex_ai_safety_settings
    vector_store_search_failure_mode global_disable_no_log_param enable_redis_auth_cache global_prompt_directory
    enable_post_custom_auth_checks responses
    global_bitbucket_config global_gitlab_config mcp_semantic_tool_filter websearch_interception_params";

/// `router_settings` that change nothing here.
pub(crate) const ROUTER_HARMLESS: &str = "redis_url redis_host redis_port redis_password redis_db cache_kwargs set_verbose debug_level client_ttl polling_interval";

/// `router_settings`.
pub(crate) const ROUTER: &str = "
    assistants_config search_tools guardrail_list ignore_invalid_deployments cache_responses caching_groups
    alerting_config plugins";

/// `general_settings` that change nothing here: switches of Prisma, of Python processes, licences.
pub(crate) const GENERAL_HARMLESS: &str = "
    database_connect_timeout database_socket_timeout database_max_idle_connection_lifetime
    disable_prisma_schema_update litellm_license disable_model_info_refresh scheduled_job_stagger
    custom_auth_run_common_checks";

/// `general_settings` that name Python code.
pub(crate) const GENERAL_PYTHON: &str = "custom_auth custom_key_generate custom_key_update custom_key_policy custom_sso
    custom_ui_sso_sign_in_handler custom_team_metadata_validate";

/// `general_settings`.
pub(crate) const GENERAL: &str = "
    database_extra_connection_params supported_db_objects
    proxy_budget_rescheduler_min_time proxy_budget_rescheduler_max_time infer_model_from_keys
    disable_adding_master_key_hash_to_db disable_master_key_return
    proxy_batch_polling_interval use_redis_transaction_buffer
    maximum_spend_logs_cleanup_cron
    maximum_spend_logs_cleanup_batch_timeout use_spend_logs_partitioning
    maximum_health_check_retention_period maximum_autorouter_session_retention_period
    maximum_daily_tag_spend_retention_period disable_reset_budget
    missing_session_id max_parallel_requests global_max_parallel_requests max_in_flight_requests_per_worker
    max_queued_requests_per_worker admission_queue_timeout_seconds forward_llm_provider_auth_headers forward_openai_org_id
    pass_through_endpoints
    pass_through_request_timeout passthrough_managed_object_ids enable_openai_websocket_passthrough
    disable_bedrock_agent_runtime_passthrough transcribe_media_buckets max_failed_login_attempts_per_source_overrides password_policy_check_breached_passwords plugins allow_cli_sso_verification_uri_complete
    disable_auto_add_proxy_admin_to_teams default_team_disabled
    enforce_fallback_model_access expose_fallback_errors_to_caller use_team_public_model_name
    disable_retry_on_max_parallel_request_limit_error
    include_call_id_in_error_body mcp_internal_ip_ranges mcp_trusted_proxy_ranges mcp_xff_num_trusted_hops
    mcp_required_fields mcp_allowed_clients mcp_client_id_header
    mcp_session_token_signing mcp_allow_all_keys_respects_mcp_scope enable_mcp_registry
    require_end_user_mcp_access_defined require_key_mcp_access_defined user_mcp_management_mode user_url_validation
    user_url_allowed_hosts provider_url_destination_allowed_hosts enable_claude_code_gateway
    claude_code_gateway_managed_settings spend_capture_rate_check track_unmanaged_batch_cost
    enable_public_model_hub otel search_tools";

/// `litellm_params` that steer LiteLLM and have no effect here.
pub(crate) const PARAMS: &str = "silent_model merge_reasoning_content_in_choices
    use_chat_completions_api keepalive_seconds allow_client_keepalive_override provider_affinity_header itpm otpm
    use_litellm_proxy max_file_size_mb";

/// `model_info` that means something to LiteLLM and has no effect here.
pub(crate) const INFO: &str = "tier discoverable ptu_count cost_per_ptu_per_hour ptu_effective_from ptu_effective_to
    internal_router_model access_via_team_ids direct_access";

/// `model_info` that says who may use a deployment, and is not served: to run without it would give away what is reserved.
pub(crate) const ACCESS: [&str; 1] = ["access_windows"];

/// `litellm_params` that say where and as whom to call: a near miss of one of them is worth a warning.
pub(crate) const CONNECTION: &str = "api_key api_base base_url api_version organization custom_llm_provider
    litellm_credential_name max_parallel_requests stream_timeout request_timeout num_retries cooldown_time drop_params
    additional_drop_params allowed_openai_params extra_headers extra_body mock_response aws_access_key_id
    aws_secret_access_key aws_region_name vertex_project vertex_location vertex_credentials tenant_id client_id
    client_secret input_cost_per_token output_cost_per_token";

/// Master keys that everybody knows: those of documentations and examples, and words.
pub(crate) const KNOWN_KEYS: &str =
    "sk-1234 sk-12345 sk-123456 sk-1234567 sk-12345678 sk-123456789 sk-1234567890 1234 12345
    123456 sk-master sk-master-key master-key master_key sk-litellm litellm sk-litellm-master-key litellm-master-key
    your-master-key your_master_key sk-your-master-key your-key sk-your-key my-master-key sk-my-master-key changeme
    change-me change_me sk-changeme sk-change-me password secret admin test sk-test sk-xxx sk-xxxx sk-xxxxx sk-... sk-
    sk-admin sk-secret sk-password sk-proxy sk-key sk-abc sk-abcd sk-abc123 sk-abcd1234 default sk-default
    sk-your-litellm-key sk-litellm-key <your-master-key> anything sk-anything";
