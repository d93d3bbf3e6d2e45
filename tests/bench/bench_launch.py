"""Launching N Go plugins at once: ours, the bare thing (spawn, read a line, one health check), and Go's own host.

    PYTHONPATH=. python tests/bench/bench_launch.py PLUGIN [--gohost GOHOST] [--counts 1,100] [--rounds 20]

PLUGIN is go-plugin's grpc example, GOHOST the binary of tests/bench/gohost. The three take turns within one run; the
numbers are medians. Budgets: 100 plugins within 1.15 x Go's host; one within the bare start + 10 ms.
"""

import argparse
import asyncio
import json
import os
import statistics
import subprocess
import tempfile
import time

import grpc.aio

from controller.goplugin import Command, Handshake, become_subreaper, launch
from controller.goplugin.pb.goplugin_pb2 import HealthCheckRequest, HealthCheckResponse

COOKIE = ("BASIC_PLUGIN", "hello")


async def bare_one(program: str, directory: str) -> tuple[int, grpc.aio.Channel]:
    readable, writable = os.pipe()
    environ = {COOKIE[0]: COOKIE[1], "PLUGIN_PROTOCOL_VERSIONS": "1", "PLUGIN_UNIX_SOCKET_DIR": directory}
    null = (os.POSIX_SPAWN_OPEN, 2, os.devnull, os.O_WRONLY, 0)
    pid = os.posix_spawn(program, [program], environ, file_actions=[(os.POSIX_SPAWN_DUP2, writable, 1), null])
    os.close(writable)
    loop = asyncio.get_running_loop()
    ready = loop.create_future()
    loop.add_reader(readable, lambda: ready.done() or ready.set_result(os.read(readable, 4096)))
    line = await ready
    loop.remove_reader(readable)
    os.close(readable)
    channel = grpc.aio.insecure_channel("unix:" + line.decode().split("|")[3])
    check = channel.unary_unary(
        "/grpc.health.v1.Health/Check",
        request_serializer=HealthCheckRequest.SerializeToString,
        response_deserializer=HealthCheckResponse.FromString,
    )
    answer = await check(HealthCheckRequest(service="plugin"), wait_for_ready=True)
    assert answer.status == HealthCheckResponse.SERVING
    return pid, channel


async def bare(program: str, count: int, directory: str) -> float:
    began = time.perf_counter()
    running = await asyncio.gather(*(bare_one(program, directory) for _ in range(count)))
    took = time.perf_counter() - began
    for pid, channel in running:
        await channel.close()
        os.kill(pid, 9)
        os.waitpid(pid, 0)
    return took


async def ours(program: str, count: int, directory: str) -> tuple[float, float]:
    handshake = Handshake(*COOKIE)
    began = time.perf_counter()
    ready = 0
    all_ready = asyncio.get_running_loop().create_future()
    released = asyncio.Event()

    async def one(number: int) -> None:
        nonlocal ready
        command = Command(program, env={}, cwd=directory, socket_dir=directory)
        tag = f"BENCH_WORKER={os.getpid()}/{number}"
        async with launch(command, handshake, start_timeout=30, emit=lambda _: None, tag=tag) as session:
            ready += 1
            if ready == count:
                all_ready.set_result(time.perf_counter() - began)
            await released.wait()
            await session.stop(2, 1)

    async with asyncio.TaskGroup() as group:
        for number in range(count):
            group.create_task(one(number))
        took = await all_ready
        released.set()
        began = time.perf_counter()
    return took, time.perf_counter() - began


def go_host(host: str, program: str, count: int, directory: str) -> tuple[float, float]:
    environ = {**os.environ, "TMPDIR": directory}
    done = subprocess.run([host, "-count", str(count), program], env=environ, capture_output=True, check=True)
    result = json.loads(done.stdout)
    return result["ready_seconds"], result["stopped_seconds"]


async def compare(arguments: argparse.Namespace, count: int) -> None:
    times: dict[str, list[float]] = {}
    for number in range(arguments.rounds + 1):
        with tempfile.TemporaryDirectory() as directory:
            took = {"bare": await bare(arguments.plugin, count, directory)}
            took["ours"], took["ours, to stop"] = await ours(arguments.plugin, count, directory)
            if arguments.gohost:
                took["go host"], took["go host, to stop"] = go_host(
                    arguments.gohost, arguments.plugin, count, directory
                )
        if number:  # the first round warms up
            for name, seconds in took.items():
                times.setdefault(name, []).append(seconds)
    medians = {name: statistics.median(values) for name, values in times.items()}
    print(f"{count} plugins, {arguments.rounds} rounds")
    for name, seconds in medians.items():
        spread = f"{min(times[name]) * 1000:.1f} to {max(times[name]) * 1000:.1f}"
        print(f"  {name:18} {seconds * 1000:8.1f} ms   ({spread})")
    print(
        f"  ours - bare {(medians['ours'] - medians['bare']) * 1000:+.1f} ms, x {medians['ours'] / medians['bare']:.2f}"
    )
    if arguments.gohost:
        print(f"  ours / go host x {medians['ours'] / medians['go host']:.2f}")


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("plugin")
    parser.add_argument("--gohost")
    parser.add_argument("--counts", default="1,100")
    parser.add_argument("--rounds", type=int, default=20)
    arguments = parser.parse_args()
    become_subreaper()  # as the controller does
    for count in arguments.counts.split(","):
        await compare(arguments, int(count))


if __name__ == "__main__":
    asyncio.run(main())
