//! Roles.

/// What a caller is, in LiteLLM's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Role {
    /// Everything.
    ProxyAdmin,
    /// Sees everything, changes nothing, calls no model.
    ProxyAdminViewer,
    /// Manages an organization.
    OrgAdmin,
    /// Calls models; manages what is its own.
    InternalUser,
    /// Calls models with a key; sees what is its own.
    InternalUserViewer,
    /// A team's token.
    Team,
    /// An end user.
    Customer,
}

impl Role {
    /// Every role.
    pub const ALL: [Self; 7] = [
        Self::ProxyAdmin,
        Self::ProxyAdminViewer,
        Self::OrgAdmin,
        Self::InternalUser,
        Self::InternalUserViewer,
        Self::Team,
        Self::Customer,
    ];

    /// The role's name in rows and settings.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::ProxyAdmin => "proxy_admin",
            Self::ProxyAdminViewer => "proxy_admin_viewer",
            Self::OrgAdmin => "org_admin",
            Self::InternalUser => "internal_user",
            Self::InternalUserViewer => "internal_user_viewer",
            Self::Team => "team",
            Self::Customer => "customer",
        }
    }

    /// The role of this name; nothing for words that are none.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        // Older databases say `proxy_admin_view_only`, `internal_user_view_only`.
        let name = name.strip_suffix("_view_only").map_or_else(|| name.to_owned(), |n| format!("{n}_viewer"));
        Self::ALL.into_iter().find(|role| role.name() == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_read_back() {
        assert!(Role::ALL.iter().all(|role| Role::parse(role.name()) == Some(*role)));
        assert_eq!(Role::parse("internal_user_view_only"), Some(Role::InternalUserViewer));
        assert_eq!(Role::parse("root"), None);
    }
}
