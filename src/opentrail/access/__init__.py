"""Who calls: principals and their credentials."""

from opentrail.access.principal import Credential, Principal, PrincipalType, Session

__all__ = ["Credential", "Principal", "PrincipalType", "Session"]
