"""The plugin's side of the handshake, pure: is a host there, which version does it speak, what is it answered.

Facts and words are those of go-plugin v1.8.0.
"""

from collections.abc import Iterable, Mapping

CORE_VERSION = 1
SOCKET_PATH_LIMIT = 107  # sun_path without its final NUL

NO_HOST = """\
This binary is a plugin. These are not meant to be executed directly.
Please execute the program that consumes these plugins, which will
load any plugins automatically
"""
NO_COOKIE = """\
Misconfigured ServeConfig given to serve this plugin: no magic cookie key
or value was set. Please notify the plugin author and report
this as a bug.
"""
NO_TLS = "This host asks for AutoMTLS (PLUGIN_CLIENT_CERT), which this plugin does not have: turn it off in the host.\n"


class GreetingError(Exception):
    """The plugin cannot serve; the text is what stderr gets."""


def check_host(cookie_key: str, cookie_value: str, environ: Mapping[str, str]) -> None:
    """Return if a host of this plugin's kind has started it.

    Raises:
        GreetingError: nobody has, or one that cannot be served.
    """
    if not cookie_key or not cookie_value:
        raise GreetingError(NO_COOKIE)
    if environ.get(cookie_key) != cookie_value:
        raise GreetingError(NO_HOST)
    if environ.get("PLUGIN_CLIENT_CERT"):
        raise GreetingError(NO_TLS)


def choose_version(ours: Iterable[int], environ: Mapping[str, str]) -> tuple[int, str]:
    """Return the highest version that the host has too, else our lowest, and a note about what cannot be read."""
    theirs, unread = set(), []
    for word in filter(None, environ.get("PLUGIN_PROTOCOL_VERSIONS", "").split(",")):
        if word.isascii() and word.isdigit():
            theirs.add(int(word))
        else:
            unread.append(word)
    note = f"PLUGIN_PROTOCOL_VERSIONS: no version numbers: {unread}\n" if unread else ""
    common = theirs.intersection(ours)
    return (max(common) if common else min(ours)), note


def line(version: int, path: str, environ: Mapping[str, str]) -> str:
    """Return the handshake line; hosts that ask for multiplexing are told that there is none."""
    rest = "|false" if environ.get("PLUGIN_MULTIPLEX_GRPC") else ""
    return f"{CORE_VERSION}|{version}|unix|{path}|grpc|{rest}\n"
