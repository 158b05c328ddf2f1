//! The labels of metrics, by LiteLLM 1.104's published list.

use super::labels::Label::{self, *};

pub(super) const REQUESTS: &[Label] = &[
    EndUser,
    KeyHash,
    KeyAlias,
    RequestedModel,
    Team,
    TeamAlias,
    User,
    StatusCode,
    UserEmail,
    Route,
    ClientIp,
    UserAgent,
    ModelId,
    Provider,
    OrgId,
    OrgAlias,
    Stream,
];
pub(super) const FAILED: &[Label] = &[
    EndUser,
    KeyHash,
    KeyAlias,
    RequestedModel,
    Team,
    TeamAlias,
    User,
    UserEmail,
    ExceptionStatus,
    ExceptionClass,
    Route,
    ClientIp,
    UserAgent,
    ModelId,
    Provider,
    OrgId,
    OrgAlias,
];
pub(super) const CALLS: &[Label] = &[
    EndUser,
    KeyHash,
    KeyAlias,
    Model,
    Team,
    TeamAlias,
    User,
    UserEmail,
    ClientIp,
    UserAgent,
    RequestedModel,
    ModelId,
    Provider,
    OrgId,
    OrgAlias,
];
pub(super) const SPEND: &[Label] = &[
    EndUser,
    KeyHash,
    KeyAlias,
    Model,
    Team,
    TeamAlias,
    User,
    UserEmail,
    ClientIp,
    UserAgent,
    RequestedModel,
    ModelId,
    Provider,
    OrgId,
    OrgAlias,
    Tier,
];
pub(super) const TOKENS: &[Label] = &[
    EndUser,
    KeyHash,
    KeyAlias,
    Model,
    Team,
    TeamAlias,
    User,
    UserEmail,
    RequestedModel,
    ModelId,
    Provider,
    OrgId,
    OrgAlias,
];
pub(super) const LATENCY: &[Label] = &[
    EndUser,
    KeyHash,
    KeyAlias,
    RequestedModel,
    Team,
    TeamAlias,
    User,
    Model,
    ModelId,
    Provider,
    Tier,
    OrgId,
    OrgAlias,
];
pub(super) const TOKEN_DETAILS: &[Label] =
    &[EndUser, KeyHash, KeyAlias, Model, Team, TeamAlias, User, UserEmail, RequestedModel, ModelId, Provider];
pub(super) const QUEUE: &[Label] =
    &[EndUser, KeyHash, KeyAlias, RequestedModel, Team, TeamAlias, User, Model, ModelId, Provider, OrgId, OrgAlias];
pub(super) const OVERHEAD: &[Label] = &[ModelGroup, Provider, ApiBase, ModelName, KeyHash, KeyAlias, ModelId];
pub(super) const API_FAILED: &[Label] = &[EndUser, KeyHash, KeyAlias, Model, Team, TeamAlias, User, ModelId];
pub(super) const DEPLOYMENT: &[Label] = &[
    ModelGroup,
    RequestedModel,
    ModelName,
    ModelId,
    ApiBase,
    Provider,
    KeyHash,
    KeyAlias,
    Team,
    TeamAlias,
    ClientIp,
    UserAgent,
];
pub(super) const DEPLOYMENT_FAILED: &[Label] = &[
    ModelGroup,
    RequestedModel,
    ModelName,
    ModelId,
    ApiBase,
    Provider,
    ExceptionStatus,
    ExceptionClass,
    KeyHash,
    KeyAlias,
    Team,
    TeamAlias,
    ClientIp,
    UserAgent,
];
pub(super) const PER_TOKEN: &[Label] =
    &[ModelName, ModelId, ApiBase, Provider, KeyHash, KeyAlias, Team, TeamAlias, OrgId, OrgAlias];
pub(super) const FALLBACK: &[Label] =
    &[RequestedModel, FallbackModel, KeyHash, KeyAlias, Team, TeamAlias, ExceptionStatus, ExceptionClass, ModelId];
pub(super) const KEY_AND_MODEL: &[Label] = &[KeyHash, KeyAlias, AskedModel, ModelId];
pub(super) const KEY_LIMIT: &[Label] = &[KeyHash, KeyAlias, RateLimitType];
pub(super) const TEAM_LIMIT: &[Label] = &[Team, TeamAlias, RateLimitType];
pub(super) const UNPRICED: &[Label] = &[RequestedModel, Model, ModelId, Provider, Reason];
pub(super) const TOOL: &[Label] = &[ToolName, ServerName, KeyHash, KeyAlias, Team, TeamAlias, User, EndUser];
pub(super) const CACHE: &[Label] = &[Model, KeyHash, KeyAlias, Team, TeamAlias, EndUser, User, ModelId, Provider];
