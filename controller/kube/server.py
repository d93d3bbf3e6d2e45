"""The API server's address, and whom we believe that it is the one."""

import ssl
from dataclasses import dataclass

from kubernetes.aio.client import Configuration


@dataclass(frozen=True, slots=True)
class Server:
    """`authority`, `certificate` and `key` are files. `name` is what its certificate must name, if not the host.

    Python checks certificates by the letter of RFC 5280 from 3.13 on, and older clusters' own authorities fail that;
    `is_strict` False leaves those checks out, on every version, and no other.
    """

    url: str
    authority: str | None = None
    certificate: str | None = None
    key: str | None = None
    is_verified: bool = True
    name: str | None = None
    proxy: str | None = None
    is_strict: bool = True

    @classmethod
    def of(cls, configuration: Configuration, *, is_strict: bool) -> "Server":
        """What kubernetes' loader has read."""
        return cls(
            url=configuration.host.rstrip("/"),
            authority=configuration.ssl_ca_cert,
            certificate=configuration.cert_file,
            key=configuration.key_file,
            is_verified=configuration.verify_ssl,
            name=configuration.tls_server_name,
            proxy=configuration.proxy,
            is_strict=is_strict,
        )

    def configure(self, configuration: Configuration) -> None:
        """Say the same to a client of the kubernetes package."""
        configuration.host = self.url
        configuration.ssl_ca_cert = self.authority
        configuration.cert_file, configuration.key_file = self.certificate, self.key
        configuration.verify_ssl = self.is_verified
        configuration.tls_server_name = self.name
        configuration.proxy = self.proxy
        configuration.disable_strict_ssl_verification = not self.is_strict

    def ssl_context(self) -> ssl.SSLContext:
        """A new context; raises OSError if a file cannot be read or used."""
        context = ssl.create_default_context(cafile=self.authority)
        if self.certificate:
            context.load_cert_chain(self.certificate, self.key)
        if not self.is_verified:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        if not self.is_strict:
            context.verify_flags &= ~ssl.VERIFY_X509_STRICT
        return context
