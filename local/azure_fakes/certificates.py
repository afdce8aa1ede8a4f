"""The certificate of the fake Key Vault, from an authority of its own."""

import ssl
from pathlib import Path

import trustme


class VaultCertificates:
    """A certificate authority, and the server certificate it issued for 127.0.0.1 and localhost.

    Args:
        folder: Where the authority is kept, so that clients go on trusting it after a restart.

    Attributes:
        authority_file: PEM file that a client must trust.
    """

    def __init__(self, folder: Path) -> None:
        self.authority_file = folder / "vault-ca.pem"
        self._key_file = folder / "vault-ca.key"
        self._authority = self._load() if self._key_file.exists() else self._make()

    def server_context(self) -> ssl.SSLContext:
        """Return the context of an https server."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._authority.issue_cert("127.0.0.1", "localhost").configure_cert(context)
        return context

    def _make(self) -> trustme.CA:
        authority = trustme.CA()
        authority.cert_pem.write_to_path(self.authority_file)
        authority.private_key_pem.write_to_path(self._key_file)
        return authority

    def _load(self) -> trustme.CA:
        return trustme.CA.from_pem(self.authority_file.read_bytes(), self._key_file.read_bytes())
