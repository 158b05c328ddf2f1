//! One struct per table, with LiteLLM's column names; [`crate::Table`] says what each can do.

mod agents;
mod budgets;
mod files;
mod grants;
mod judged;
mod keys;
mod memories;
mod models;
mod organizations;
mod pace;
mod policies;
mod settings;
mod spend_log;
mod teams;
mod users;

pub use agents::{
    AgentPatch, AgentRow, McpServerPatch, McpServerRow, McpToolsetPatch, McpToolsetRow, McpUserCredentialPatch,
    McpUserCredentialRow, SearchToolPatch, SearchToolRow, SkillPatch, SkillRow, ToolPatch, ToolRow,
};
pub use budgets::{BudgetPatch, BudgetRow, BudgetWindowSpendPatch, BudgetWindowSpendRow, TagPatch, TagRow};
pub use files::{
    ManagedFileContentPatch, ManagedFileContentRow, ManagedFilePatch, ManagedFileRow, ManagedObjectPatch,
    ManagedObjectRow, ManagedVectorStorePatch, ManagedVectorStoreRow, RegisteredVectorStorePatch,
    RegisteredVectorStoreRow, VectorStoreIndexPatch, VectorStoreIndexRow,
};
pub use grants::{
    AccessGroupPatch, AccessGroupRow, ModelAccessGroupBudgetPatch, ModelAccessGroupBudgetRow, ObjectPermissionPatch,
    ObjectPermissionRow,
};
pub use judged::{
    DailyGuardrailPatch, DailyGuardrailRow, DailyGuardrailUnitsPatch, DailyGuardrailUnitsRow, DailyPolicyPatch,
    DailyPolicyRow, GuardrailCallPatch, GuardrailCallRow,
};
pub use keys::{
    DeletedTokenPatch, DeletedTokenRow, DeprecatedTokenPatch, DeprecatedTokenRow, JwtKeyMappingPatch, JwtKeyMappingRow,
    KeyPatch, VerificationToken,
};
pub use memories::{
    MemoryPatch, MemoryRow, PluginPatch, PluginRow, WorkflowEventPatch, WorkflowEventRow, WorkflowMessagePatch,
    WorkflowMessageRow, WorkflowRunPatch, WorkflowRunRow,
};
pub use models::{
    CredentialPatch, CredentialRow, HealthCheckPatch, HealthCheckRow, ModelAliasPatch, ModelAliasRow, ProxyModelPatch,
    ProxyModelRow,
};
pub use organizations::{OrganizationMembershipPatch, OrganizationMembershipRow, OrganizationPatch, OrganizationRow};
pub use pace::{DailyGatewayPatch, DailyGatewayRow, DailyPacePatch, DailyPaceRow};
pub use policies::{
    GuardrailPatch, GuardrailRow, PolicyAttachmentPatch, PolicyAttachmentRow, PolicyPatch, PolicyRow, PromptPatch,
    PromptRow,
};
pub use settings::{
    AuditLogPatch, AuditLogRow, CacheConfigPatch, CacheConfigRow, ConfigOverridePatch, ConfigOverrideRow, ConfigPatch,
    ConfigRow, SsoConfigPatch, SsoConfigRow, UiSettingsPatch, UiSettingsRow,
};
pub use spend_log::{SpendLogPatch, SpendLogRow};
pub use teams::{
    DeletedTeamPatch, DeletedTeamRow, ProjectPatch, ProjectRow, TeamMembershipPatch, TeamMembershipRow, TeamPatch,
    TeamRow,
};
pub use users::{
    EndUserPatch, EndUserRow, InvitationPatch, InvitationRow, UserNotificationPatch, UserNotificationRow, UserPatch,
    UserRow,
};
