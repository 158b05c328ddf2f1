//! Files, batches and vector stores behind our own ids.

use chrono::{DateTime, Utc};
use llm_types::RawJson;

use crate::defaults::{empty_list, empty_object, new_id, now};
use crate::table::table;

table! {
    /// Unified file id to provider file ids.
    pub struct ManagedFileRow / ManagedFilePatch in "LiteLLM_ManagedFileTable" by ["id"] {
        id: String = new_id(),
        /// Public id.
        unified_file_id: String,
        file_object: Option<RawJson>,
        /// Deployment → provider id.
        model_mappings: RawJson = empty_object(),
        /// Provider ids.
        flat_model_file_ids: Vec<String>,
        storage_backend: Option<String>,
        storage_url: Option<String>,
        created_at: DateTime<Utc> = now(),
        created_by: Option<String>,
        team_id: Option<String>,
        updated_at: DateTime<Utc> = now(),
        updated_by: Option<String>,
    }
}

table! {
    /// Stored file bytes.
    pub struct ManagedFileContentRow / ManagedFileContentPatch in "LiteLLM_ManagedFileContentTable" by ["id"] {
        id: String = new_id(),
        content: Vec<u8>,
        created_at: DateTime<Utc> = now(),
    }
}

table! {
    /// Batches, fine-tuning jobs, background responses.
    pub struct ManagedObjectRow / ManagedObjectPatch in "LiteLLM_ManagedObjectTable" by ["id"] {
        id: String = new_id(),
        unified_object_id: String,
        model_object_id: String,
        file_object: RawJson = empty_object(),
        file_purpose: String,
        status: Option<String>,
        /// Cost charged.
        batch_processed: bool,
        created_at: DateTime<Utc> = now(),
        created_by: Option<String>,
        team_id: Option<String>,
        org_id: Option<String>,
        /// Key hash.
        api_key: Option<String>,
        /// JSON list.
        request_tags: Option<RawJson> = Some(empty_list()),
        updated_at: DateTime<Utc> = now(),
        updated_by: Option<String>,
    }
}

table! {
    /// Registered vector stores.
    pub struct RegisteredVectorStoreRow / RegisteredVectorStorePatch in "LiteLLM_ManagedVectorStoresTable" by ["vector_store_id"] {
        vector_store_id: String,
        custom_llm_provider: String,
        vector_store_name: Option<String>,
        vector_store_description: Option<String>,
        vector_store_metadata: Option<RawJson>,
        created_at: DateTime<Utc> = now(),
        updated_at: DateTime<Utc> = now(),
        litellm_credential_name: Option<String>,
        /// Parameters; secret values inside are encrypted one by one.
        litellm_params: Option<RawJson>,
        team_id: Option<String>,
        user_id: Option<String>,
    }
}

table! {
    /// Unified vector store ids.
    pub struct ManagedVectorStoreRow / ManagedVectorStorePatch in "LiteLLM_ManagedVectorStoreTable" by ["id"] {
        id: String = new_id(),
        unified_resource_id: String,
        resource_object: Option<RawJson>,
        /// Deployment → provider id.
        model_mappings: RawJson = empty_object(),
        flat_model_resource_ids: Vec<String>,
        storage_backend: Option<String>,
        storage_url: Option<String>,
        created_at: DateTime<Utc> = now(),
        created_by: Option<String>,
        team_id: Option<String>,
        updated_at: DateTime<Utc> = now(),
        updated_by: Option<String>,
    }
}

table! {
    /// Vector indexes.
    pub struct VectorStoreIndexRow / VectorStoreIndexPatch in "LiteLLM_ManagedVectorStoreIndexTable" by ["id"] {
        id: String = new_id(),
        index_name: String,
        /// Parameters; secret values inside are encrypted one by one.
        litellm_params: RawJson = empty_object(),
        index_info: Option<RawJson>,
        created_at: DateTime<Utc> = now(),
        created_by: Option<String>,
        updated_at: DateTime<Utc> = now(),
        updated_by: Option<String>,
    }
}
