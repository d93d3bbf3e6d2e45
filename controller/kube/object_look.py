"""One question: what is the config object now. Answered, or an error that says why not; never retried here."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from controller.errors import PluginmgrError
from controller.kube.access import Access
from controller.kube.names import CONFIGS, GROUP, VERSION
from controller.kube.rest import NOT_FOUND, STRANGER, ApiError, Rest, is_object

ASK = 5.0  # seconds for an answer
MOST_AFTER = 10.0  # seconds; an API server that asks for more is asked once more all the same


class NoAnswerError(PluginmgrError):
    """The API server cannot be reached, or refuses. `retry_after`: seconds for which it wants to be left alone."""

    def __init__(self, why: str, retry_after: float = 0.0) -> None:
        super().__init__(why)
        self.retry_after = retry_after


class NotServedError(PluginmgrError):
    """The API server does not know the kind."""


@dataclass(frozen=True, slots=True)
class ObjectLook:
    """Asks by list, since a watch needs that right anyway, and with a client of its own: files may have changed."""

    access: Access
    namespace: str
    name: str

    async def ask(self, *, cached: bool = False) -> Mapping[str, Any] | None:
        """The object, None if there is none. `cached`: as some API server remembers it, which costs the store nothing.

        Raises:
            NoAnswerError: with the reason.
            NotServedError: the definition is not installed.
        """
        path = f"/apis/{GROUP}/{VERSION}/namespaces/{self.namespace}/{CONFIGS}"
        query = {"fieldSelector": f"metadata.name={self.name}"} | ({"resourceVersion": "0"} if cached else {})
        try:
            async with Rest(self.access) as rest:
                found = await rest.get(path, query, seconds=ASK)
        except ApiError as error:
            if error.code == NOT_FOUND:
                raise NotServedError from error
            why = str(error).removeprefix(f"{path}: ")
            raise NoAnswerError(why, min(error.retry_after or 0.0, MOST_AFTER)) from error
        items: list[Mapping[str, Any]] = found.get("items") or []
        if "items" not in found or not all(map(is_object, items)):
            raise NoAnswerError(STRANGER)
        return items[0] if items else None
