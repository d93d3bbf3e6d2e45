"""One question: what is the config object now. Answered, or an error that says why not; never retried here."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import aiohttp
from kubernetes.aio.client import ApiException, CustomObjectsApi

from controller.errors import PluginmgrError
from controller.kube import problem
from controller.kube.access import Access
from controller.kube.names import CONFIGS, GROUP, VERSION

ASK = 5.0  # seconds for an answer
_NOT_FOUND = 404


class NoAnswerError(PluginmgrError):
    """The API server cannot be reached, or refuses."""


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
        try:
            async with self.access.api_client() as client:
                found = await CustomObjectsApi(client).list_namespaced_custom_object(
                    GROUP,
                    VERSION,
                    self.namespace,
                    CONFIGS,
                    field_selector=f"metadata.name={self.name}",
                    resource_version="0" if cached else None,
                    _request_timeout=ASK,
                )
            items: list[Mapping[str, Any]] = found["items"]  # type: ignore[index]
        except ApiException as error:
            if error.status == _NOT_FOUND:
                raise NotServedError from error
            raise NoAnswerError(problem.of_answer(error.status or 0, str(error.body or ""))) from error
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise NoAnswerError(problem.of_error(error)) from error
        except RecursionError as error:  # the API server takes what is nested thousands deep; no JSON reader here does
            raise NoAnswerError("the object cannot be read: it is nested too deep") from error
        except (ValueError, KeyError, TypeError) as error:
            raise NoAnswerError("what answers is not the API server") from error
        return items[0] if items else None
