"""A host of its own plugins: embed.py DIRECTORY runs the rules in that directory, and asks one of them.

The README shows all of it but these lines.
"""

import asyncio
import sys

from controller import PluginManager, PluginManagerMetrics, ProcessPool
from controller.adapters.rule import RuleAdapter
from controller.kinds.pb.common_pb2 import Event
from controller.kinds.pb.rule_pb2 import EvaluateBatchRequest

LOGIN = EvaluateBatchRequest(events=[Event(json='{"action": "login", "outcome": "failure", "user": "root"}')])


async def main(directory: str) -> None:
    """Run the rules in the directory, ask one of them, and stop them all."""
    pool = ProcessPool()
    manager = PluginManager(pool.sync, directory, RuleAdapter(), PluginManagerMetrics("rules"))
    async with asyncio.TaskGroup() as group:
        running = group.create_task(manager.run())  # until it's cancelled: then it drains and stops all plugins
        async with asyncio.timeout(30):
            await pool.wait_for("rule/failed-login")
        print(await pool.call("rule/failed-login", lambda worker: worker.item.EvaluateBatch(LOGIN), timeout=5))
        running.cancel()


asyncio.run(main(sys.argv[1]))
