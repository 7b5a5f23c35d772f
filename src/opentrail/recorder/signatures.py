"""The optional check of signatures on calls that only pass by."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from opentrail.aws.call import SigningScope
from opentrail.aws.observed import ObservedRequest
from opentrail.aws.sigv4 import SignatureRefused, verify
from opentrail.clock import Clock
from opentrail.errors import InvalidInput
from opentrail.gateway.policy import SignatureCheck
from opentrail.ports.identities import Identities, signing_secret

ANY = "*"


_S3_CODES = {
    "InvalidSignatureException": "SignatureDoesNotMatch",
    "UnrecognizedClientException": "InvalidAccessKeyId",
    "IncompleteSignature": "AuthorizationHeaderMalformed",
    "ExpiredTokenException": "ExpiredToken",
}
"""S3 has its own words."""


@dataclass(frozen=True, slots=True)
class Signatures:
    """Checks the signatures of the services that settings name."""

    named: Mapping[str, SignatureCheck]
    identities: Identities
    clock: Clock

    def mode(self, service: str) -> SignatureCheck:
        """What is done for a service, by its signing name."""
        return self.named.get(service) or self.named.get(ANY) or SignatureCheck.OFF

    def problem(
        self, request: ObservedRequest, scope: SigningScope | None, payload_sha256: str
    ) -> SignatureRefused | None:
        """Why the signature is not surely its key's, None if it is.

        An unsigned call has no signature to be wrong. Of a body in signed chunks only the head's
        signature is checked.

        Args:
            payload_sha256: Of the body, in hex; "" if it is not there yet.
        """
        if scope is None and request.header("authorization") is None:
            return None
        credential = self.identities.find(scope.access_key_id) if scope is not None else None
        secret = signing_secret(credential)
        try:
            verify(
                request,
                scope,
                secret,
                self.clock.now(),
                service="",
                payload_sha256=payload_sha256,
            )
        except SignatureRefused as problem:
            if scope is not None and scope.service == "s3" and problem.code in _S3_CODES:
                return SignatureRefused(_S3_CODES[problem.code], str(problem), problem.status)
            return problem
        return None


def parse_signature_checks(texts: Sequence[str]) -> dict[str, SignatureCheck]:
    """`s3=refuse`, `*=note` and the like, by signing name.

    Raises:
        InvalidInput: no `=`, or no such word.
    """
    found: dict[str, SignatureCheck] = {}
    for text in texts:
        service, equals, word = text.partition("=")
        if not equals or not service.strip() or word.strip() not in tuple(SignatureCheck):
            raise InvalidInput(
                f"signature check {text!r}: expected SERVICE=WORD with WORD one of "
                f"{', '.join(SignatureCheck)}"
            )
        found[service.strip()] = SignatureCheck(word.strip())
    return found
