"""A key with which the API server signs the tokens of service accounts, made without openssl or a library."""

import base64
import secrets

ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551  # of the curve P-256
CURVE = bytes.fromhex("06082a8648ce3d030107")  # its object identifier in DER


def signing_key() -> str:
    """A new elliptic private key, in PEM. Who reads it computes the public half."""
    number = (secrets.randbelow(ORDER - 1) + 1).to_bytes(32, "big")
    content = _der(0x02, b"\x01") + _der(0x04, number) + _der(0xA0, CURVE)
    text = base64.encodebytes(_der(0x30, content)).decode("ascii")
    return f"-----BEGIN EC PRIVATE KEY-----\n{text}-----END EC PRIVATE KEY-----\n"


def _der(tag: int, content: bytes) -> bytes:
    return bytes([tag, len(content)]) + content
