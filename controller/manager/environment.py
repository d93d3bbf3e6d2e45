"""The part of our own environment that plugins get: an allow-list, since the rest may hold the controller's secrets."""

from collections.abc import Mapping

ALLOWED = ("PATH", "HOME", "LANG", "TZ", "SSL_CERT_FILE", "SSL_CERT_DIR")
ALLOWED_PREFIXES = ("LC_",)


def allowed(environ: Mapping[str, str]) -> dict[str, str]:
    """What is handed down; a plugin's own `env` wins over it."""
    return {name: value for name, value in environ.items() if name in ALLOWED or name.startswith(ALLOWED_PREFIXES)}
