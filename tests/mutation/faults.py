"""Would the faults of our predecessor be noticed? Each is planted in a copy of the tree, and its tests must fail there.

    PYTHONPATH=. python tests/mutation/faults.py [number ...]

Which tests: the table of docs/reference/coming-from-blink.md. What is planted: `faults.txt`, as near to the predecessor
as a few lines can be. Without a fault they must pass first. An error instead of a failure, an import's say, proves
nothing.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree as ET

from controller.goplugin import sweep

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
PAGE = ROOT / "docs" / "reference" / "coming-from-blink.md"
NOT_COPIED = shutil.ignore_patterns(".*", "__pycache__", "build", "dist", "mutants")
SECONDS = 400  # for all cases of one test; pytest's own limit is for each of them


@dataclass(frozen=True, slots=True)
class Hunk:
    """Whole lines that are replaced in one file."""

    file: Path
    old: str
    new: str

    def in_text(self, text: str) -> str:
        """Return the text with it; raises LookupError where the old lines do not stand exactly once."""
        if text.count(self.old) != 1:
            raise LookupError(f"{text.count(self.old)} times in controller/{self.file}:{self.old.rstrip()}")
        return text.replace(self.old, self.new)

    def plant(self, tree: Path) -> None:
        """Change the file in that tree."""
        path = tree / "controller" / self.file
        path.write_text(self.in_text(path.read_text()))


def table() -> dict[int, list[str]]:
    """Return the tests of each fault, as pytest names them."""
    rows = re.findall(r"^\| (\d+) \| [^|]+ \| (.+) \|$", PAGE.read_text(), re.MULTILINE)
    return {int(number): [f"tests/{each}" for each in re.findall(r"`([^`]+::[^`]+)`", cell)] for number, cell in rows}


def defects() -> dict[str, list[Hunk]]:
    """Return what is planted, by number with its letter if there are several."""
    found: dict[str, list[Hunk]] = {}
    for block in re.split(r"^@ ", (HERE / "faults.txt").read_text(), flags=re.MULTILINE)[1:]:
        head, *lines = block.splitlines()
        name, file = head.split()
        old, new = ("\n" + "".join(line[1:] + "\n" for line in lines if line[:1] == sign) for sign in "-+")
        found.setdefault(name, []).append(Hunk(Path(file), old, new))
    return found


def number_of(name: str) -> int:
    """Return the fault's number without the letter."""
    return int(name.rstrip("abc"))


@contextmanager
def copied(hunks: Iterable[Hunk] = ()) -> Iterator[Path]:
    """Give a copy of the tree with the defect; whatever its tests leave running is killed."""
    with tempfile.TemporaryDirectory(prefix="fault") as scratch:
        tree = Path(scratch, "tree")
        tree.parent.chmod(0o755)  # some tests run hosts of other users
        shutil.copytree(ROOT, tree, ignore=NOT_COPIED)
        for hunk in hunks:
            hunk.plant(tree)
        try:
            where = run(tree, "-c", "import controller; print(controller.__file__)")
            if not where.startswith(f"{tree}/"):
                raise SystemExit(f"the copy in {tree} is not what is imported, but {where}")
            yield tree
        finally:
            sweep(f"PATH={tree}:")


def run(tree: Path, *words: str) -> str:
    """Run Python in the copy. The tree in PATH, which plugins inherit too, is what `sweep` knows them by."""
    env = {**os.environ, "PYTHONPATH": str(tree), "PATH": f"{tree}:{os.environ['PATH']}"}
    said = tree.parent / "said"  # no pipe, which something left running could hold
    with said.open("wb") as file:
        command = [sys.executable, *words]
        subprocess.run(command, cwd=tree, env=env, stdout=file, stderr=file, check=False, timeout=SECONDS)
    return said.read_text(errors="replace").strip()


def outcome(tree: Path, test: str) -> tuple[str, str]:
    """Run a test until its first failure; return passed, failure, error or skipped, and the first line of why."""
    report = tree.parent / "report.xml"
    report.unlink(missing_ok=True)
    try:
        said = run(tree, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", f"--junitxml={report}", test)
    except subprocess.TimeoutExpired as error:
        return "error", str(error)
    cases = list(ET.parse(report).iter("testcase")) if report.exists() else []
    for tag in ("failure", "error", "skipped"):  # a failure may well have an error of the teardown after it
        for end in (end for case in cases for end in case.iter(tag)):
            return tag, (end.get("message", "").splitlines() or [""])[0]
    return ("passed", "") if cases else ("error", said.rpartition("\n")[2])


def try_sound(tests: list[str]) -> dict[str, str]:
    """Return how each test ends as it is; a busy machine has a second chance."""
    ends = {}
    with copied() as tree:
        for test in tests:
            tag, why = outcome(tree, test)
            if tag == "failure":
                tag, why = outcome(tree, test)
            if tag != "passed":
                print(f"without any fault: {tag} of {test}: {why}", flush=True)
            ends[test] = tag
    return ends


def try_defect(name: str, hunks: list[Hunk], tests: list[str]) -> set[str]:
    """Print whether the defect is noticed; return the tests that failed by it."""
    with copied(hunks) as tree:
        ends = {test: outcome(tree, test) for test in tests}
    failed = {test: why for test, (tag, why) in ends.items() if tag == "failure"}
    for test, why in failed.items():
        print(f"{name:>4} caught      {test.rpartition('::')[2]}: {why[:100]}", flush=True)
    if not failed:
        print(f"{name:>4} NOT CAUGHT  {ends}", flush=True)
    return set(failed)


def misplaced(planted: dict[str, list[Hunk]]) -> list[str]:
    """Return what is wrong with the defects: no place for one, or none for a fault."""
    wrong = [f"{number:>4} has no defect" for number in table() if number not in map(number_of, planted)]
    for name, hunks in planted.items():
        for hunk in hunks:
            try:
                hunk.in_text((ROOT / "controller" / hunk.file).read_text())
            except LookupError as error:
                wrong.append(f"{name:>4} {error}")
    return wrong


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("numbers", nargs="*", type=int)
    rows, planted = table(), defects()
    wanted = parser.parse_args().numbers or sorted(rows)
    if wrong := misplaced(planted):
        print("\n".join(wrong))
        return 1
    sound = try_sound(sorted({test for number in wanted for test in rows[number]}))
    missed = 0
    for number in wanted:
        tests = [test for test in rows[number] if sound[test] != "skipped"]  # they cannot run on this machine
        names = [name for name in planted if number_of(name) == number]
        failed = [try_defect(name, planted[name], tests) for name in names]
        proofless = [test for test in tests if sound[test] != "passed" or not any(test in each for each in failed)]
        missed += not all(failed) or bool(proofless)
        for test in proofless:
            print(f"{number:>4} NOT CAUGHT  {test} passes with all of its defects, or fails without any", flush=True)
    print(f"{len(wanted)} faults, {len(wanted) - missed} caught")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
