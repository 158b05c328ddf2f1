//! Every call of a resource: the SDK's function of it, the method, the path, what the function takes beside the provider
//! and the ids, and LiteLLM's name. The gateway's routes and the SDK's functions are made of this table.

use http::Method;

/// What kind of thing it is: who keeps it when nobody says, and what of a request is for the gateway.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Family {
    /// Files.
    Files,
    /// Batches.
    Batches,
    /// Fine-tuning jobs.
    FineTuning,
    /// Vector stores and their files.
    VectorStores,
    /// Assistants, threads, their messages and runs.
    Assistants,
    /// Containers of code interpreters and their files.
    Containers,
    /// Evaluations and their runs.
    Evals,
    /// Anthropic's skills.
    Skills,
    /// Google's interactions and agents.
    Interactions,
    /// What comes before a realtime session: secrets, offers.
    Sessions,
}

/// A call.
#[derive(Debug, Clone)]
pub struct Row {
    /// The method.
    pub method: Method,
    /// The path, with LiteLLM's version.
    pub path: &'static str,
    /// What kind of thing it is about.
    pub family: Family,
    /// LiteLLM's name of the call.
    pub call_type: &'static str,
}

/// Hands the table to a macro. A row: name of the function, method, version and path, the ids in the path, what is sent
/// (`bare` nothing, `query`, `body`, `form`), family, LiteLLM's name of the call.
macro_rules! rows {
    ($then:ident) => {
        $then! {
            /// A file is put there: `file`, and fields `purpose`, `expires_after[seconds]` ...
            create_file: POST "/v1" "/files" [] form, Files, "acreate_file";
            /// Files: `purpose`, `limit`, `after`, `order`.
            file_list: GET "/v1" "/files" [] query, Files, "afile_list";
            /// What a file is.
            file_retrieve: GET "/v1" "/files/{file_id}" [file_id] bare, Files, "afile_retrieve";
            /// A file is deleted.
            file_delete: DELETE "/v1" "/files/{file_id}" [file_id] bare, Files, "afile_delete";
            /// What is in a file; the answers of a batch, a line for each.
            file_content: GET "/v1" "/files/{file_id}/content" [file_id] bare, Files, "afile_content";
            /// A batch begins: `input_file_id`, `endpoint`, `completion_window`, `metadata`.
            create_batch: POST "/v1" "/batches" [] body, Batches, "acreate_batch";
            /// Batches: `limit`, `after`.
            list_batches: GET "/v1" "/batches" [] query, Batches, "alist_batches";
            /// What a batch is, and how far.
            retrieve_batch: GET "/v1" "/batches/{batch_id}" [batch_id] bare, Batches, "aretrieve_batch";
            /// A batch is stopped.
            cancel_batch: POST "/v1" "/batches/{batch_id}/cancel" [batch_id] bare, Batches, "acancel_batch";
            /// A fine-tuning job begins: `model`, `training_file`, `validation_file`, `hyperparameters`, `suffix` ...
            create_fine_tuning_job: POST "/v1" "/fine_tuning/jobs" [] body, FineTuning, "acreate_fine_tuning_job";
            /// Fine-tuning jobs: `limit`, `after`.
            list_fine_tuning_jobs: GET "/v1" "/fine_tuning/jobs" [] query, FineTuning, "alist_fine_tuning_jobs";
            /// What a fine-tuning job is, and how far.
            retrieve_fine_tuning_job: GET "/v1" "/fine_tuning/jobs/{fine_tuning_job_id}" [fine_tuning_job_id] bare,
                FineTuning, "aretrieve_fine_tuning_job";
            /// A fine-tuning job is stopped.
            cancel_fine_tuning_job: POST "/v1" "/fine_tuning/jobs/{fine_tuning_job_id}/cancel" [fine_tuning_job_id] bare,
                FineTuning, "acancel_fine_tuning_job";
            /// A fine-tuning job rests.
            pause_fine_tuning_job: POST "/v1" "/fine_tuning/jobs/{fine_tuning_job_id}/pause" [fine_tuning_job_id] bare,
                FineTuning, "apause_fine_tuning_job";
            /// A fine-tuning job that rests goes on.
            resume_fine_tuning_job: POST "/v1" "/fine_tuning/jobs/{fine_tuning_job_id}/resume" [fine_tuning_job_id] bare,
                FineTuning, "aresume_fine_tuning_job";
            /// What happened in a fine-tuning job: `limit`, `after`.
            list_fine_tuning_events: GET "/v1" "/fine_tuning/jobs/{fine_tuning_job_id}/events" [fine_tuning_job_id] query,
                FineTuning, "alist_fine_tuning_events";
            /// Checkpoints of a fine-tuning job: `limit`, `after`.
            list_fine_tuning_checkpoints: GET "/v1" "/fine_tuning/jobs/{fine_tuning_job_id}/checkpoints"
                [fine_tuning_job_id] query, FineTuning, "alist_fine_tuning_checkpoints";
            /// Vector stores: `limit`, `after`, `before`, `order`.
            vector_store_list: GET "/v1" "/vector_stores" [] query, VectorStores, "avector_store_list";
            /// A vector store is made: `name`, `file_ids`, `expires_after`, `chunking_strategy`, `metadata`.
            vector_store_create: POST "/v1" "/vector_stores" [] body, VectorStores, "avector_store_create";
            /// What a vector store is.
            vector_store_retrieve: GET "/v1" "/vector_stores/{vector_store_id}" [vector_store_id] bare,
                VectorStores, "avector_store_retrieve";
            /// A vector store is changed: `name`, `expires_after`, `metadata`.
            vector_store_update: POST "/v1" "/vector_stores/{vector_store_id}" [vector_store_id] body,
                VectorStores, "avector_store_update";
            /// A vector store is deleted.
            vector_store_delete: DELETE "/v1" "/vector_stores/{vector_store_id}" [vector_store_id] bare,
                VectorStores, "avector_store_delete";
            /// A vector store is searched: `query`, `max_num_results`, `filters`, `ranking_options`.
            vector_store_search: POST "/v1" "/vector_stores/{vector_store_id}/search" [vector_store_id] body,
                VectorStores, "avector_store_search";
            /// Files of a vector store: `filter`, `limit`, `after`, `before`, `order`.
            vector_store_file_list: GET "/v1" "/vector_stores/{vector_store_id}/files" [vector_store_id] query,
                VectorStores, "avector_store_file_list";
            /// A file goes into a vector store: `file_id`, `attributes`, `chunking_strategy`.
            vector_store_file_create: POST "/v1" "/vector_stores/{vector_store_id}/files" [vector_store_id] body,
                VectorStores, "avector_store_file_create";
            /// What a file of a vector store is.
            vector_store_file_retrieve: GET "/v1" "/vector_stores/{vector_store_id}/files/{file_id}"
                [vector_store_id, file_id] bare, VectorStores, "avector_store_file_retrieve";
            /// A file of a vector store is changed: `attributes`.
            vector_store_file_update: POST "/v1" "/vector_stores/{vector_store_id}/files/{file_id}"
                [vector_store_id, file_id] body, VectorStores, "avector_store_file_update";
            /// A file is taken out of a vector store.
            vector_store_file_delete: DELETE "/v1" "/vector_stores/{vector_store_id}/files/{file_id}"
                [vector_store_id, file_id] bare, VectorStores, "avector_store_file_delete";
            /// The texts of a file of a vector store.
            vector_store_file_content: GET "/v1" "/vector_stores/{vector_store_id}/files/{file_id}/content"
                [vector_store_id, file_id] bare, VectorStores, "avector_store_file_content";
            /// Files go into a vector store together: `file_ids`, `attributes`, `chunking_strategy`.
            vector_store_file_batch_create: POST "/v1" "/vector_stores/{vector_store_id}/file_batches" [vector_store_id] body,
                VectorStores, "avector_store_file_batch_create";
            /// How far files are that go into a vector store together.
            vector_store_file_batch_retrieve: GET "/v1" "/vector_stores/{vector_store_id}/file_batches/{batch_id}"
                [vector_store_id, batch_id] bare, VectorStores, "avector_store_file_batch_retrieve";
            /// Files that go into a vector store together are stopped.
            vector_store_file_batch_cancel: POST "/v1" "/vector_stores/{vector_store_id}/file_batches/{batch_id}/cancel"
                [vector_store_id, batch_id] bare, VectorStores, "avector_store_file_batch_cancel";
            /// Files that went into a vector store together: `filter`, `limit`, `after`, `before`, `order`.
            vector_store_file_batch_list_files: GET "/v1"
                "/vector_stores/{vector_store_id}/file_batches/{batch_id}/files"
                [vector_store_id, batch_id] query, VectorStores, "avector_store_file_batch_list_files";
            /// Assistants: `limit`, `after`, `before`, `order`.
            get_assistants: GET "/v1" "/assistants" [] query, Assistants, "aget_assistants";
            /// An assistant is made: `model`, `instructions`, `tools`, `name` ...
            create_assistants: POST "/v1" "/assistants" [] body, Assistants, "acreate_assistants";
            /// What an assistant is.
            get_assistant: GET "/v1" "/assistants/{assistant_id}" [assistant_id] bare, Assistants, "aget_assistants";
            /// An assistant is changed.
            modify_assistant: POST "/v1" "/assistants/{assistant_id}" [assistant_id] body, Assistants, "amodify_assistant";
            /// An assistant is deleted.
            delete_assistant: DELETE "/v1" "/assistants/{assistant_id}" [assistant_id] bare,
                Assistants, "adelete_assistant";
            /// A thread is made: `messages`, `metadata`, `tool_resources`.
            create_thread: POST "/v1" "/threads" [] body, Assistants, "acreate_thread";
            /// What a thread is.
            get_thread: GET "/v1" "/threads/{thread_id}" [thread_id] bare, Assistants, "aget_thread";
            /// A thread is changed: `metadata`, `tool_resources`.
            modify_thread: POST "/v1" "/threads/{thread_id}" [thread_id] body, Assistants, "amodify_thread";
            /// A thread is deleted.
            delete_thread: DELETE "/v1" "/threads/{thread_id}" [thread_id] bare, Assistants, "adelete_thread";
            /// A message goes into a thread: `role`, `content`, `attachments`, `metadata`.
            add_message: POST "/v1" "/threads/{thread_id}/messages" [thread_id] body, Assistants, "a_add_message";
            /// Messages of a thread: `limit`, `after`, `before`, `order`, `run_id`.
            get_messages: GET "/v1" "/threads/{thread_id}/messages" [thread_id] query, Assistants, "aget_messages";
            /// An assistant answers a thread: `assistant_id`, `model`, `instructions`, `tools` ... A stream is read to its end.
            run_thread: POST "/v1" "/threads/{thread_id}/runs" [thread_id] body, Assistants, "arun_thread";
            /// Runs of a thread: `limit`, `after`, `before`, `order`.
            list_thread_runs: GET "/v1" "/threads/{thread_id}/runs" [thread_id] query, Assistants, "alist_runs";
            /// What a run of a thread is, and how far.
            get_thread_run: GET "/v1" "/threads/{thread_id}/runs/{run_id}" [thread_id, run_id] bare, Assistants, "aget_run";
            /// A run of a thread is stopped.
            cancel_thread_run: POST "/v1" "/threads/{thread_id}/runs/{run_id}/cancel" [thread_id, run_id] bare,
                Assistants, "acancel_run";
            /// What tools answered a run of a thread: `tool_outputs`.
            submit_tool_outputs: POST "/v1" "/threads/{thread_id}/runs/{run_id}/submit_tool_outputs"
                [thread_id, run_id] body, Assistants, "asubmit_tool_outputs";
            /// Steps of a run of a thread: `limit`, `after`, `before`, `order`.
            list_run_steps: GET "/v1" "/threads/{thread_id}/runs/{run_id}/steps" [thread_id, run_id] query,
                Assistants, "alist_run_steps";
            /// A container is made: `name`, `expires_after`, `file_ids`.
            create_container: POST "/v1" "/containers" [] body, Containers, "acreate_container";
            /// Containers: `limit`, `after`, `order`.
            list_containers: GET "/v1" "/containers" [] query, Containers, "alist_containers";
            /// What a container is.
            retrieve_container: GET "/v1" "/containers/{container_id}" [container_id] bare,
                Containers, "aretrieve_container";
            /// A container is deleted.
            delete_container: DELETE "/v1" "/containers/{container_id}" [container_id] bare,
                Containers, "adelete_container";
            /// A file goes into a container: `file`, or a field `file_id`.
            upload_container_file: POST "/v1" "/containers/{container_id}/files" [container_id] form,
                Containers, "aupload_container_file";
            /// Files of a container: `limit`, `after`, `order`.
            list_container_files: GET "/v1" "/containers/{container_id}/files" [container_id] query,
                Containers, "alist_container_files";
            /// What a file of a container is.
            retrieve_container_file: GET "/v1" "/containers/{container_id}/files/{file_id}" [container_id, file_id] bare,
                Containers, "aretrieve_container_file";
            /// A file of a container is deleted.
            delete_container_file: DELETE "/v1" "/containers/{container_id}/files/{file_id}" [container_id, file_id] bare,
                Containers, "adelete_container_file";
            /// What is in a file of a container.
            retrieve_container_file_content: GET "/v1" "/containers/{container_id}/files/{file_id}/content"
                [container_id, file_id] bare, Containers, "aretrieve_container_file_content";
            /// An evaluation is made: `name`, `data_source_config`, `testing_criteria`, `metadata`.
            create_eval: POST "/v1" "/evals" [] body, Evals, "acreate_eval";
            /// Evaluations: `limit`, `after`, `order`, `order_by`.
            list_evals: GET "/v1" "/evals" [] query, Evals, "alist_evals";
            /// What an evaluation is.
            get_eval: GET "/v1" "/evals/{eval_id}" [eval_id] bare, Evals, "aget_eval";
            /// An evaluation is changed: `name`, `metadata`.
            update_eval: POST "/v1" "/evals/{eval_id}" [eval_id] body, Evals, "aupdate_eval";
            /// An evaluation is deleted.
            delete_eval: DELETE "/v1" "/evals/{eval_id}" [eval_id] bare, Evals, "adelete_eval";
            /// An evaluation is stopped.
            cancel_eval: POST "/v1" "/evals/{eval_id}/cancel" [eval_id] bare, Evals, "acancel_eval";
            /// An evaluation is run: `name`, `data_source`, `metadata`.
            create_run: POST "/v1" "/evals/{eval_id}/runs" [eval_id] body, Evals, "acreate_run";
            /// Runs of an evaluation: `limit`, `after`, `order`, `status`.
            list_runs: GET "/v1" "/evals/{eval_id}/runs" [eval_id] query, Evals, "alist_runs";
            /// What a run of an evaluation is, and how far.
            get_run: GET "/v1" "/evals/{eval_id}/runs/{run_id}" [eval_id, run_id] bare, Evals, "aget_run";
            /// A run of an evaluation is stopped.
            cancel_run: POST "/v1" "/evals/{eval_id}/runs/{run_id}" [eval_id, run_id] bare, Evals, "acancel_run";
            /// A run of an evaluation is deleted.
            delete_run: DELETE "/v1" "/evals/{eval_id}/runs/{run_id}" [eval_id, run_id] bare, Evals, "adelete_run";
            /// A skill is made: files `files[]`, a field `display_title`.
            create_skill: POST "/v1" "/skills" [] form, Skills, "acreate_skill";
            /// Skills: `limit`, `page`, `source`.
            list_skills: GET "/v1" "/skills" [] query, Skills, "alist_skills";
            /// What a skill is.
            get_skill: GET "/v1" "/skills/{skill_id}" [skill_id] bare, Skills, "aget_skill";
            /// A skill is deleted.
            delete_skill: DELETE "/v1" "/skills/{skill_id}" [skill_id] bare, Skills, "adelete_skill";
            /// An interaction begins: `model` or `agent`, `input`, `tools`, `background` ... A stream is read to its end.
            create_interaction: POST "/v1beta" "/interactions" [] body, Interactions, "acreate_interaction";
            /// What an interaction is, and how far.
            get_interaction: GET "/v1beta" "/interactions/{interaction_id}" [interaction_id] bare,
                Interactions, "aget_interaction";
            /// An interaction is deleted.
            delete_interaction: DELETE "/v1beta" "/interactions/{interaction_id}" [interaction_id] bare,
                Interactions, "adelete_interaction";
            /// An interaction in the background is stopped.
            cancel_interaction: POST "/v1beta" "/interactions/{interaction_id}/cancel" [interaction_id] bare,
                Interactions, "acancel_interaction";
            /// Google's agents: `pageSize`, `pageToken`.
            list_agents: GET "/v1beta" "/agents" [] query, Interactions, "alist_agents";
            /// An agent of Google's is made.
            create_agent: POST "/v1beta" "/agents" [] body, Interactions, "acreate_agent";
            /// What an agent of Google's is.
            get_agent: GET "/v1beta" "/agents/{name}" [name] bare, Interactions, "aget_agent";
            /// An agent of Google's is deleted.
            delete_agent: DELETE "/v1beta" "/agents/{name}" [name] bare, Interactions, "adelete_agent";
            /// Versions of an agent of Google's: `pageSize`, `pageToken`.
            list_agent_versions: GET "/v1beta" "/agents/{name}/versions" [name] query, Interactions, "alist_agent_versions";
            /// A secret with which a client of its own may begin a realtime session: `session`, `expires_after`.
            create_realtime_client_secret: POST "/v1" "/realtime/client_secrets" [] body,
                Sessions, "acreate_realtime_client_secret";
            /// The same for a session that only writes down what it hears.
            create_realtime_transcription_session: POST "/v1" "/realtime/transcription_sessions" [] body,
                Sessions, "acreate_realtime_client_secret";
            /// A realtime session over WebRTC is offered: fields `sdp` and `session`. The answer is an SDP.
            realtime_calls: POST "/v1" "/realtime/calls" [] form, Sessions, "arealtime_calls";
        }
    };
}
pub(crate) use rows;

macro_rules! listed {
    ($($(#[$doc:meta])* $name:ident: $method:ident $version:literal $path:literal [$($id:ident),*] $sends:ident,
        $family:ident, $call_type:literal;)*) => {
        /// Every call.
        pub static ROWS: &[Row] = &[$(
            Row {
                method: Method::$method,
                path: concat!($version, $path),
                family: Family::$family,
                call_type: $call_type,
            },
        )*];
    };
}

rows!(listed);
