"""A controller without a cluster pays for none."""

from pathlib import Path

from controller.testing.local_mode import LocalMode, in_local_mode
from tests.plugins import zoo

FOREIGN = ("kopf", "kubernetes", "aiohttp", "controller.kube")


def test_local_mode_imports_nothing_of_kubernetes(tmp_path: Path):
    with in_local_mode(tmp_path, LocalMode) as mode:
        zoo.install("good", mode.plugins / "rule")
        mode.env["PYTHONPROFILEIMPORTTIME"] = "1"  # each import is a line of the log
        handshake = {"cookieKey": zoo.COOKIE_KEY, "cookieValue": zoo.COOKIE_VALUE, "protocolVersions": [1]}
        mode.write_config({"kinds": [{"name": "rule", "handshake": handshake}]})
        mode.start()
        mode.until_state("good", "Serving")
        mode.terminate()
        lines = [line for line in mode.log.read_text().splitlines() if line.startswith("import time:")]
    imported = {line.rpartition("|")[2].strip() for line in lines}
    assert "controller.app.controller" in imported
    assert {each for each in imported if each.split(".")[0] in FOREIGN or each.startswith("controller.kube")} == set()
