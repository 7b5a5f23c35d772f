"""What a record must not hold.

Three classes: *secret* is always hidden (name rules, and payloads of operations in a table);
*sensitive* is what the models mark and no rule calls secret, hidden unless the owner wants it
shown; *plain* is the rest, and names that the models mark but AWS's own records show (descriptions
and names). botocore's trait alone misses 96 plainly secret members in 32 services, so names decide
first, and in doubt a value is hidden.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any
from urllib.parse import parse_qsl, urlencode

HIDDEN = "HIDDEN_DUE_TO_SECURITY_REASONS"

DIGEST_MARK = f"{HIDDEN}:hmac-sha256:"
"""Stands before the digest of a hidden value, where an installation keeps those."""


@dataclass(frozen=True, slots=True)
class Redaction:
    """How an installation hides.

    Attributes:
        digest_key: b"" hides values without a trace; else their HMAC-SHA256 stays, so that the
            owner can find where a secret that is known was used, and nobody else learns it.
        show_sensitive: Values that the models mark, and no rule calls secret, are shown.
    """

    digest_key: bytes = field(default=b"", repr=False)
    show_sensitive: bool = False

    def hide(self, value: Any) -> str:
        """What stands in the record instead of `value`."""
        return DIGEST_MARK + self.digest(value) if self.digest_key else HIDDEN

    def digest(self, value: Any) -> str:
        """HMAC-SHA256 of a text's UTF-8, of bytes, or of the text that Python shows, in hex."""
        content = value if isinstance(value, bytes) else str(value).encode("utf-8", "replace")
        return hmac.new(self.digest_key, content, hashlib.sha256).hexdigest()


UNTRACED = Redaction()
"""Hides everything that may be hidden, and keeps nothing of it."""

_SECRET_NAME = re.compile(
    r"(password|passwd|passphrase|secret(?!s?manager|id$|arn$|name$|list$|version|s$)|"
    r"privatekey|authtoken|authorizationtoken|refreshtoken|accesstoken|idtoken|sessiontoken|"
    r"bearertoken|oauthtoken|authorizationcode|webidentitytoken|samlassertion|"
    r"apikeyvalue|keymaterial|plaintext|pinblock|credentialvalue|tokencode|authenticationcode|"
    r"base32stringseed|qrcodepng|privatekeyplaintext|securityanswer|connectionstring|"
    r"encryptedpassword|authkey$|presharedkey|userdata$|policystorepassphrase)"
)
"""On the name in lower case without separators. `SecretId`, `SecretArn`, `SecretName` are names."""

_SHOWN_NAMES = frozenset(
    {
        "accesskeyid",
        "clientrequesttoken",
        "clienttoken",
        "description",
        "displayname",
        "idempotencytoken",
        "name",
        "nexttoken",
        "passwordlastchanged",
        "passwordlastused",
        "passwordpolicy",
        "passwordreuseprevention",
        "passwordresetrequired",
        "requirelowercasecharacters",
        "managemasteruserpassword",
        "minimumpasswordlength",
        "maxpasswordage",
        "allowuserstochangepassword",
        "nopasswordrequired",
        "username",
        "masterusername",
        "keyid",
        "kmskeyarn",
        "kmskeyid",
        "kmsmasterkeyid",
        "secretversionid",
        "ssekmskeyid",
        "secretversionsperstage",
    }
)
"""Marked or matching names whose values are no secrets."""

_HIDDEN_MEMBERS = {
    ("sqs", "SendMessage"): frozenset({"messageBody", "messageAttributes"}),
    ("sqs", "SendMessageBatch"): frozenset({"messageBody", "messageAttributes"}),
    ("sns", "Publish"): frozenset({"message", "subject", "messageAttributes"}),
    ("sns", "PublishBatch"): frozenset({"message", "subject", "messageAttributes"}),
    ("apigateway", "CreateApiKey"): frozenset({"value"}),
    ("apigateway", "UpdateApiKey"): frozenset({"value"}),
    ("ssm", "SendCommand"): frozenset({"parameters"}),
    ("ssm", "PutParameter"): frozenset({"value"}),
    ("lambda", "CreateFunction"): frozenset({"environment", "zipFile"}),
    ("lambda", "UpdateFunctionConfiguration"): frozenset({"environment"}),
    ("lambda", "UpdateFunctionCode"): frozenset({"zipFile"}),
    ("bedrock-runtime", "Converse"): frozenset({"messages", "system", "promptVariables"}),
    ("bedrock-runtime", "ConverseStream"): frozenset({"messages", "system", "promptVariables"}),
    ("bedrock-runtime", "ApplyGuardrail"): frozenset({"content"}),
    ("dynamodb", "PutItem"): frozenset({"item"}),
    ("logs", "PutLogEvents"): frozenset({"logEvents"}),
    ("ses", "SendEmail"): frozenset({"message"}),
    ("sesv2", "SendEmail"): frozenset({"content"}),
    ("events", "PutEvents"): frozenset({"detail"}),
}
"""Payload members that AWS's records hide or leave out, by operation, as the record spells them."""

_QUERY_SECRETS = frozenset(
    {"x-amz-signature", "x-amz-security-token", "signature", "x-amz-credential", "awsaccesskeyid"}
)


@lru_cache(maxsize=65536)
def is_secret_name(name: str) -> bool:
    """Whether a member of that name is a secret, whatever its model says."""
    plain = re.sub(r"[^a-z0-9]", "", name.lower())
    return plain not in _SHOWN_NAMES and _SECRET_NAME.search(plain) is not None


@lru_cache(maxsize=65536)
def may_be_shown(name: str) -> bool:
    """Whether a member that its model marks as sensitive is shown all the same."""
    return re.sub(r"[^a-z0-9]", "", name.lower()) in _SHOWN_NAMES


def hidden_members(service: str, operation: str) -> frozenset[str]:
    """Members of the operation that are hidden whatever they are called."""
    return _HIDDEN_MEMBERS.get((service, operation), frozenset())


def safe_target(target: str) -> str:
    """A request target without what signs it or signs in with it."""
    path, mark, query = target.partition("?")
    if not mark:
        return path
    kept = [
        (name, HIDDEN if name.lower() in _QUERY_SECRETS or is_secret_name(name) else value)
        for name, value in parse_qsl(query, keep_blank_values=True)
    ]
    return f"{path}?{urlencode(kept)}"
