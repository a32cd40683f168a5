"""The keys under which protected facts are encrypted: from the environment, never in the database, and replaced one by one.

`TARTIP_SENSITIVE_KEYS` is "name:base64,name:base64". The first key encrypts, all decrypt. Its name stands beside what it encrypted, so
that `python -m registry reencrypt` can say which key nobody needs any more.
"""

import base64
import binascii
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from kernel.faults import WrongState

# AES-256.
KEY_BYTES = 32
# What GCM is made for. Drawn at random: one key is good for some 4 billion facts, more than a platform writes in its life.
NONCE_BYTES = 12
KEY_NAME = re.compile("[A-Za-z0-9-]{1,40}")


class WrongKeys(ValueError):
    """The text names no keys; it says what would be right and never what was given."""


class KeyAbsent(Exception):
    """What is to be decrypted was encrypted under a key that is not there."""


class NotWhatWasSealed(Exception):
    """What is to be decrypted was changed, or was encrypted for another place."""


@dataclass(frozen=True, slots=True)
class SensitiveKeys:
    """The keys by name; the first encrypts."""

    keys: Mapping[str, AESGCM] = field(default_factory=dict, repr=False)

    @classmethod
    def told(cls, text: str) -> "SensitiveKeys":
        """Reads the keys, none from ""; WrongKeys where one cannot be."""
        keys: dict[str, AESGCM] = {}
        for place, entry in enumerate(text.split(",") if text else (), start=1):
            name, _, key = entry.strip().partition(":")
            if not KEY_NAME.fullmatch(name):
                raise WrongKeys(f"key {place} has no name: name:base64, the name of letters, digits and -")
            if name in keys:
                raise WrongKeys(f"key {place} has the name of another")
            keys[name] = AESGCM(_bytes_of(key, place))
        return cls(keys)

    @property
    def current(self) -> str:
        """The name of the key that encrypts; SENSITIVE_KEYS_ABSENT where the platform was told none."""
        for name in self.keys:
            return name
        raise WrongState("SENSITIVE_KEYS_ABSENT")

    def encrypt(self, plain: bytes, place: bytes) -> bytes:
        """Encrypts under the current key, for this place alone, differently each time."""
        nonce = secrets.token_bytes(NONCE_BYTES)
        return nonce + self.keys[self.current].encrypt(nonce, plain, place)

    def decrypt(self, name: str, sealed: bytes, place: bytes) -> bytes:
        """Returns what was encrypted under the key of this name for this place; KeyAbsent, or NotWhatWasSealed."""
        key = self.keys.get(name)
        if key is None:
            raise KeyAbsent(name)
        try:
            return key.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], place)
        except (InvalidTag, ValueError):
            raise NotWhatWasSealed(name) from None


def _bytes_of(key: str, place: int) -> bytes:
    try:
        found = base64.b64decode(key, validate=True)
    except (binascii.Error, ValueError):
        found = b""
    if len(found) != KEY_BYTES:
        raise WrongKeys(f"key {place} is not {KEY_BYTES} bytes in base64")
    return found
