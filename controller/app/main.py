"""The process around the controller: directories held, predecessor's leftovers swept, signals turned into events."""

import asyncio
import logging
import os
import resource
import signal
import threading
from contextlib import ExitStack

from controller.app.controller import Controller, Listeners
from controller.goplugin import become_subreaper, set_not_dumpable, sweep
from controller.http import listen_tcp, listen_unix
from controller.manager.directories import held
from controller.manager.supervisor import TAG
from controller.settings import Settings

SIGNALS = (signal.SIGTERM, signal.SIGINT)
HOSTS_MODE = 0o660  # the group is the run dir's, by its setgid bit
KILL_SECONDS = 1.0  # from a second signal until what still hangs is cut off

log = logging.getLogger(__name__)


def main(settings: Settings) -> int:
    """Run the controller until SIGTERM or SIGINT; returns the exit code.

    Must be called on the main thread: workers die with the thread that spawned them. Signals that the caller blocked
    beforehand are let through once they can be obeyed in order.

    Raises:
        StateDirError: a directory is unusable or in use.
        ConfigError: the config is bad and there is no last good one.
        PluginmgrError: the HTTP address cannot be listened on.
    """
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))  # a worker costs four descriptors; 1024 are soon used up
    set_not_dumpable()
    become_subreaper()
    with held(settings.state_dir, settings.run_dir) as directories, ExitStack() as stack:
        killed = sweep(f"{TAG}={directories.instance}/")
        if killed:
            log.warning("killed what a predecessor's plugins left", extra={"processes": killed})
        probes = stack.enter_context(listen_tcp(settings.http))
        log.info("listening", extra={"http": "{}:{}".format(*probes.getsockname()[:2])})
        control = stack.enter_context(listen_unix(directories.control_socket))
        stack.callback(directories.control_socket.unlink, missing_ok=True)
        hosts = stack.enter_context(listen_unix(directories.registry_socket, HOSTS_MODE))
        stack.callback(directories.registry_socket.unlink, missing_ok=True)
        asyncio.run(_run(Controller(settings, directories, Listeners(probes, control, hosts)), settings.grace))
    log.info("stopped")
    return 0


async def _run(controller: Controller, grace: float) -> None:
    """Run until the shutdown that a signal asks for has ended; whatever hangs then is cut off."""
    loop = asyncio.get_running_loop()
    running = asyncio.create_task(controller.run(), name="controller")
    asked = 0

    def signalled() -> None:
        nonlocal asked
        asked += 1
        if asked == 1:
            log.info("stopping", extra={"grace": grace})
            controller.shut_down(grace)
            loop.call_later(grace, running.cancel)
            _exit_after(grace + KILL_SECONDS)
        else:
            controller.kill_all()
            loop.call_later(KILL_SECONDS, running.cancel)

    for number in SIGNALS:
        loop.add_signal_handler(number, signalled)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
    try:
        await running
    except asyncio.CancelledError:
        if not asked:
            raise
        log.warning("cut off at the end of the grace")


def _exit_after(seconds: float) -> None:
    """Leave whatever happens: a thread stuck in the kernel, on dead NFS say, would hold the process for ever."""
    timer = threading.Timer(seconds, os._exit, [1])
    timer.daemon = True
    timer.start()
