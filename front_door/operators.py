"""Who runs this service: whoever holds the admin key, or an Entra app role."""

from collections.abc import Mapping

from clients.admin_key import AdminKey
from domain.client_principal import read_principal

PRINCIPAL_HEADER = "x-ms-client-principal"
_FROM_ELSEWHERE = {"cross-site", "same-site"}


class Operators:
    """Knows an operator.

    Args:
        admin_key: The key.
        role: The app role that makes one, where the platform says who has it; None where it does not.
    """

    def __init__(self, admin_key: AdminKey, role: str | None) -> None:
        self._admin_key = admin_key
        self._role = role

    @property
    def exist(self) -> bool:
        """Whether anybody can be one."""
        return self._admin_key.exists or self._role is not None

    def by_role(self, headers: Mapping[str, str]) -> str | None:
        """Who the platform says has the role, as the audit names them.

        A browser sends its session along with whatever another site asks for: that is not the operator's wish.

        Args:
            headers: Of the request.
        """
        if self._role is None or headers.get("sec-fetch-site") in _FROM_ELSEWHERE:
            return None
        principal = read_principal(headers.get(PRINCIPAL_HEADER, ""))
        return principal.name if principal and self._role in principal.roles else None

    async def by_key(self, presented: str) -> str | None:
        """Who holds the admin key, as the audit names them."""
        return "the admin key" if await self._admin_key.is_it(presented) else None
