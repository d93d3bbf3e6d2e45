import ast
import re
from pathlib import Path

import controller
from tests.mutation import faults

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/reference/coming-from-blink.md").read_text(encoding="utf-8")


def _tests_in(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)} | {
        target.id
        for node in tree.body
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }


def test_each_of_the_46_faults_has_its_row_and_a_test_that_is_there():
    rows = faults.table()
    assert list(rows) == list(range(1, 47))
    missing = []
    for number, named in rows.items():
        assert named, f"fault {number} names no test"
        for file, _, test in (each.partition("::") for each in named):
            path = ROOT / file
            if not path.is_file() or test not in _tests_in(path):
                missing.append((number, file, test))
    assert not missing


def test_each_of_the_46_faults_can_be_planted():
    assert faults.misplaced(faults.defects()) == []


def test_every_name_that_is_said_to_be_importable_is():
    column = re.findall(r"^\| [^|]+ \| `([A-Z]\w+)", PAGE.partition("## What carries over")[0], re.MULTILINE)
    assert len(column) > 10
    assert [name for name in column if not hasattr(controller, name)] == []
