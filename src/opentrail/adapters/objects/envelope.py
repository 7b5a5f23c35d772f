"""Encryption by ourselves, for stores that know no KMS.

The format is version 2 of the Amazon S3 Encryption Client (AES-GCM, the data key wrapped by KMS
with an encryption context, everything needed in the object's metadata), so that its libraries read
the objects too. Source: AWS SDK developer guides, "Amazon S3 client-side encryption".
"""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Iterator
from dataclasses import replace

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from opentrail.errors import IntegrityError, InvalidArn
from opentrail.ports.destinations import EncryptionKeys
from opentrail.ports.objects import Encryption, ObjectContent, ObjectStore, ObjectSummary

_ALGORITHM = "AES/GCM/NoPadding"
_KEY, _IV, _CONTEXT = "x-amz-key-v2", "x-amz-iv", "x-amz-matdesc"
_KEY_ARN = "opentrail-kms-key"
_OWN = frozenset(
    {_KEY, _IV, _CONTEXT, _KEY_ARN, "x-amz-cek-alg", "x-amz-wrap-alg", "x-amz-tag-len"}
)
IV_BYTES = 12


class EnvelopeObjectStore:
    """A store whose objects with an `encryption` are encrypted before they leave.

    What it reads is decrypted, whichever store wrote it, as long as the metadata tells how.
    """

    def __init__(self, store: ObjectStore, keys: EncryptionKeys, *, encrypts: bool) -> None:
        self._store = store
        self._keys = keys
        self._encrypts = encrypts

    def put(self, bucket: str, key: str, content: ObjectContent) -> None:
        if content.encryption is not None and self._encrypts:
            content = self._sealed(content, content.encryption)
        self._store.put(bucket, key, content)

    def get(self, bucket: str, key: str) -> ObjectContent:
        found = self._store.get(bucket, key)
        return self._opened(f"{bucket}/{key}", found) if _KEY in found.metadata else found

    def list(self, bucket: str, prefix: str) -> Iterator[ObjectSummary]:
        return self._store.list(bucket, prefix)

    def bucket_exists(self, bucket: str) -> bool:
        return self._store.bucket_exists(bucket)

    def bucket_policy(self, bucket: str) -> str | None:
        return self._store.bucket_policy(bucket)

    def _sealed(self, content: ObjectContent, encryption: Encryption) -> ObjectContent:
        context = {**encryption.context, "aws:x-amz-cek-alg": _ALGORITHM}
        data_key = self._keys.data_key(encryption.key_arn, context)
        iv = os.urandom(IV_BYTES)
        return replace(
            content,
            body=AESGCM(data_key.plain).encrypt(iv, content.body, None),
            metadata={
                **content.metadata,
                _KEY: base64.b64encode(data_key.wrapped).decode(),
                _IV: base64.b64encode(iv).decode(),
                _CONTEXT: json.dumps(context),
                _KEY_ARN: encryption.key_arn,
                "x-amz-cek-alg": _ALGORITHM,
                "x-amz-wrap-alg": "kms+context",
                "x-amz-tag-len": "128",
            },
            encryption=None,
            encoding="",
        )

    def _opened(self, name: str, content: ObjectContent) -> ObjectContent:
        metadata = content.metadata
        try:
            context = json.loads(metadata[_CONTEXT])
            wrapped = base64.b64decode(metadata[_KEY], validate=True)
            iv = base64.b64decode(metadata[_IV], validate=True)
            plain = self._keys.unwrap(metadata[_KEY_ARN], wrapped, context)
            body = AESGCM(plain).decrypt(iv, content.body, None)
        except (
            KeyError,
            TypeError,
            ValueError,
            RecursionError,
            AttributeError,
            InvalidArn,
            InvalidTag,
        ) as cause:
            raise IntegrityError(f"{name} can't be decrypted: {cause!r}") from cause
        return ObjectContent(body, {key: text for key, text in metadata.items() if key not in _OWN})
