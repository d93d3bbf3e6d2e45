"""Why a request failed, in words for a condition: the same words for the same cause, so that nothing is written twice.

No addresses, no ports, no object ids: aiohttp's own texts have them.
"""

import errno
import json
import os
import socket
import ssl
from http.client import responses

from aiohttp import (
    ClientConnectorCertificateError,
    ClientConnectorError,
    ClientError,
    ClientResponse,
    ServerDisconnectedError,
)

_LONGEST = 300  # characters of what the server says


def of_error(error: ClientError | TimeoutError | OSError) -> str:
    """Return why no answer came."""
    match error:
        case ClientConnectorCertificateError():
            return f"the API server's certificate is not trusted ({_first_line(error.certificate_error)})"
        case TimeoutError():  # aiohttp's own, too, which are also OSErrors without a number
            return "the API server does not answer in time"
        case ClientConnectorError():
            return of_error(error.os_error)
        case _:
            return f"the API server cannot be reached ({_cause(error)})"


def _cause(error: Exception) -> str:
    match error:
        case ConnectionResetError() | ServerDisconnectedError():
            return os.strerror(errno.ECONNRESET)
        case socket.gaierror():
            return str(error.strerror)
        case ssl.SSLError():  # whose number is none of the system's
            return f"TLS: {(error.reason or 'failure').lower().replace('_', ' ')}"
        case OSError() if error.errno:
            return os.strerror(error.errno)
        case _:
            return type(error).__name__


def of_answer(code: int, body: bytes) -> str:
    """Return what the server says when it refuses."""
    try:
        message = json.loads(body)["message"]
    except (ValueError, KeyError, TypeError):
        message = body.decode(errors="replace")
    said = " ".join(str(message).split())[:_LONGEST]
    return f"{code} {said or responses.get(code, '')}".rstrip()


async def of_response(response: ClientResponse) -> str:
    """Return the same of a response; its body stays readable."""
    return of_answer(response.status, await response.read())


def _first_line(error: Exception) -> str:
    text = getattr(error, "verify_message", "") or type(error).__name__
    return str(text).partition("\n")[0]
