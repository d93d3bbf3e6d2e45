"""Do the tests of the core notice when it is wrong? One small defect at a time is planted, the example tests are run.

    PYTHONPATH=. python tests/mutation/mutate.py [--hostile] [module ...]

Everything is imported and collected once; each defect is tried in a child process, which swaps one function's code.
What survives must stand in `survivors.md` with a reason, else this ends with 1. `--hostile` gives the survivors of the
example tests to the hostile world too, which takes its time.
"""

import argparse
import ast
import copy
import importlib
import os
import re
import resource
import signal
import sys
import types
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import pytest

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
CORE = ROOT / "controller" / "core"
SECONDS = 60  # a defect that makes a test run longer has been noticed
CHILDREN = 2
SWAPS: dict[type[ast.AST], list[type[ast.AST]]] = {
    ast.Lt: [ast.LtE, ast.Gt],
    ast.LtE: [ast.Lt],
    ast.Gt: [ast.GtE, ast.Lt],
    ast.GtE: [ast.Gt],
    ast.Eq: [ast.NotEq],
    ast.NotEq: [ast.Eq],
    ast.Is: [ast.IsNot],
    ast.IsNot: [ast.Is],
    ast.In: [ast.NotIn],
    ast.NotIn: [ast.In],
    ast.And: [ast.Or],
    ast.Or: [ast.And],
    ast.Add: [ast.Sub],
    ast.Sub: [ast.Add],
    ast.Mult: [ast.Div],
    ast.Div: [ast.Mult],
    ast.BitOr: [ast.BitAnd],
}
CONDITIONS = (ast.If, ast.While, ast.IfExp)
STATEMENTS = (ast.Assign, ast.AugAssign, ast.Expr, ast.Return)


class Defect:
    """One change to one function of one module."""

    def __init__(self, path: Path, function: ast.FunctionDef, owner: str, before: ast.AST, after: ast.AST) -> None:
        self.module = f"controller.core.{path.stem}"
        self.owner = owner
        self.function = function.name
        self.line = before.lineno if hasattr(before, "lineno") else function.lineno
        place = f"{path.stem}.{owner + '.' if owner else ''}{function.name}"
        self.name = f"{place}: {ast.unparse(before)} -> {ast.unparse(after)}".replace("\n", " ; ")

    def plant(self, tree: ast.Module) -> None:
        """Give the live function the code that the changed source compiles to."""
        code = compile(ast.fix_missing_locations(tree), self.name, "exec", optimize=0)
        scope: object = sys.modules[self.module]
        for name in filter(None, (self.owner, self.function)):
            code = next(one for one in code.co_consts if isinstance(one, types.CodeType) and one.co_name == name)
            scope = vars(scope)[name]
        live = scope.fget if isinstance(scope, property) else scope
        live.__code__ = code


Change = tuple[ast.AST, Callable[[ast.AST], None]]


def changes(node: ast.AST) -> Iterator[Change]:
    """Yield what to show of each change, and how to make it in a copy of the node."""
    yield from operators(node)
    yield from conditions(node)
    if isinstance(node, ast.Constant) and type(node.value) in (bool, int, float):
        value = not node.value if isinstance(node.value, bool) else node.value + 1
        yield node, lambda new: setattr(new, "value", value)
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("min", "max"):
        yield node, lambda new: setattr(new.func, "id", "max" if new.func.id == "min" else "min")


def operators(node: ast.AST) -> Iterator[Change]:
    """Yield operators turned into their neighbours."""
    if isinstance(node, ast.Compare):
        for number, operator in enumerate(node.ops):
            for other in SWAPS.get(type(operator), []):
                yield node, lambda new, number=number, other=other: new.ops.__setitem__(number, other())
    elif isinstance(node, ast.BoolOp | ast.BinOp | ast.AugAssign):
        for other in SWAPS.get(type(node.op), []):
            yield node, lambda new, other=other: setattr(new, "op", other())


def conditions(node: ast.AST) -> Iterator[Change]:
    """Yield conditions that are met always or never."""
    if isinstance(node, CONDITIONS):
        for value in (True, False):
            yield node.test, lambda new, value=value: setattr(new, "test", ast.Constant(value))
    if isinstance(node, ast.comprehension):
        for number, condition in enumerate(node.ifs):
            yield condition, lambda new, number=number: new.ifs.__setitem__(number, ast.Constant(value=True))
    if isinstance(node, ast.match_case) and node.guard is not None:
        yield node.guard, lambda new: setattr(new, "guard", ast.Constant(value=True))


def without_negation(node: ast.AST) -> ast.AST | None:
    """Return the operand of a `not`."""
    return node.operand if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not) else None


def defects(path: Path) -> Iterator[tuple[Defect, ast.Module]]:
    """Yield every defect of a file, with the tree that has it."""
    tree = ast.parse(path.read_text())
    for owner, function in functions(tree):
        for node in statements_of(function):
            for shown, change in changes(node):
                mutant, twin = twin_of(tree, node)
                change(twin)
                after = twin if shown is node else ast.Constant(value="always" if shown in conditions_of(node) else "")
                yield Defect(path, function, owner, shown, changed(shown, node, twin) or after), mutant
            for statement, body, number in dropped(node):
                mutant, twin = twin_of(tree, node)
                getattr(twin, body)[number] = ast.Pass()
                yield Defect(path, function, owner, statement, ast.Pass()), mutant
            operand = without_negation(node)
            if operand is not None:
                mutant, twin = twin_of(tree, node)
                twin.op, twin.operand = ast.Not(), ast.UnaryOp(ast.Not(), twin.operand)
                yield Defect(path, function, owner, node, operand), mutant


def changed(shown: ast.AST, node: ast.AST, twin: ast.AST) -> ast.AST | None:
    """Return what stands now where `shown` stood."""
    if shown is node:
        return twin
    for name, value in ast.iter_fields(node):
        if value is shown:
            return getattr(twin, name)
        if isinstance(value, list) and shown in value:
            return getattr(twin, name)[value.index(shown)]
    return None


def conditions_of(node: ast.AST) -> list[ast.AST]:
    """Return the conditions directly under a node."""
    return [getattr(node, "test", node), *getattr(node, "ifs", [])]


def dropped(node: ast.AST) -> Iterator[tuple[ast.stmt, str, int]]:
    """Yield the statements directly under a node that can be left out, but docstrings."""
    for body in ("body", "orelse"):
        for number, statement in enumerate(getattr(node, body, []) if not isinstance(node, ast.IfExp) else []):
            is_text = isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)
            if isinstance(statement, STATEMENTS) and not is_text:
                yield statement, body, number


def statements_of(function: ast.FunctionDef) -> Iterator[ast.AST]:
    """Yield the function and all that is in it but its signature."""
    yield function
    for statement in function.body:
        typed = [ast.walk(node.annotation) for node in ast.walk(statement) if isinstance(node, ast.AnnAssign)]
        types_only = {id(node) for nodes in typed for node in nodes}
        yield from (node for node in ast.walk(statement) if id(node) not in types_only)


def functions(tree: ast.Module) -> Iterator[tuple[str, ast.FunctionDef]]:
    """Yield functions and methods with the class they are in."""
    for node in tree.body:
        for inner in node.body if isinstance(node, ast.ClassDef) else [node]:
            if isinstance(inner, ast.FunctionDef):
                yield node.name if isinstance(node, ast.ClassDef) else "", inner


def twin_of(tree: ast.Module, node: ast.AST) -> tuple[ast.Module, ast.AST]:
    """Copy the tree; return the copy and the node's twin in it."""
    number = next(number for number, one in enumerate(ast.walk(tree)) if one is node)
    mutant = copy.deepcopy(tree)
    return mutant, next(one for index, one in enumerate(ast.walk(mutant)) if index == number)


class Collected:
    """A pytest plugin that keeps the tests instead of running them."""

    items: list[pytest.Item]

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        self.items = [item for item in session.items if isinstance(item, pytest.Function)]
        return True


def collect() -> list[Callable[[], object]]:
    """Return the example tests as plain calls."""
    plugin = Collected()
    ignored = ["--ignore", str(ROOT / "tests/core/test_hostile_world.py"), "-p", "no:cacheprovider"]
    pytest.main(["-q", str(ROOT / "tests/core"), *ignored], plugins=[plugin])
    calls = []
    for item in plugin.items:
        params = item.callspec.params if hasattr(item, "callspec") else {}
        calls.append(lambda call=item.obj, params=params: call(**params))
    return calls


def hostile() -> None:
    """Run the hostile world, for a shorter time than in the test."""
    module = importlib.import_module("tests.core.test_hostile_world")
    hypothesis = importlib.import_module("hypothesis")
    stateful = importlib.import_module("hypothesis.stateful")
    short = hypothesis.settings(
        module.HostileWorld.TestCase.settings, max_examples=60, database=None, phases=[hypothesis.Phase.generate]
    )
    stateful.run_state_machine_as_test(module.HostileWorld, settings=short)


def is_noticed(defect: Defect | None, tree: ast.Module, tests: list[Callable[[], object]]) -> int:
    """Run in a child: plant (None: nothing), test, and leave by an exit code of 0 for noticed, 1 for survived."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    os.dup2(1, 2)
    signal.alarm(SECONDS)
    resource.setrlimit(resource.RLIMIT_AS, (2 << 30, 2 << 30))
    try:
        if defect is not None:
            defect.plant(tree)
        for test in tests:
            test()
    except BaseException:  # noqa: BLE001 - whatever a defect makes a test raise, it was noticed
        return 0
    return 1


Planted = tuple[Defect | None, ast.Module]


def survivors(found: Iterable[Planted], tests: list[Callable[[], object]]) -> Iterator[Planted]:
    """Try every defect, a few at a time; yield those that no test noticed. Trees are large: only those are kept."""
    running: dict[int, Planted] = {}
    waiting = iter(found)
    following = next(waiting, None)
    while following or running:
        while following and len(running) < CHILDREN:
            child = os.fork()
            if child == 0:
                os._exit(is_noticed(*following, tests))
            running[child] = following
            following = next(waiting, None)
        child, status = os.wait()
        survivor = running.pop(child)
        if os.WIFEXITED(status) and os.WEXITSTATUS(status) == 1:
            yield survivor


def explained() -> set[str]:
    """Return the survivors that have a reason."""
    return set(re.findall(r"^- `(.+?)`: \S", (HERE / "survivors.md").read_text(), re.MULTILINE))


def counted(paths: list[Path], tried: list[str]) -> Iterator[Planted]:
    """Yield the defects of all files, noting their names."""
    for path in paths:
        for defect, tree in defects(path):
            tried.append(defect.name)
            yield defect, tree


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--hostile", action="store_true")
    parser.add_argument("modules", nargs="*")
    given = parser.parse_args()
    paths = [CORE / f"{name}.py" for name in given.modules] or sorted(CORE.glob("*.py"))
    tests = collect()
    if not list(survivors([(None, ast.Module([], []))], tests)):
        print("the tests fail as it is: nothing can be learnt from defects")
        return 1
    tried: list[str] = []
    left = []
    for survivor in survivors(counted(paths, tried), tests):
        left.append(survivor)
        print(f"  survives so far {survivor[0].name}", flush=True)
    if given.hostile:
        left = list(survivors(left, [hostile]))
    known = explained()
    for defect, _ in left:
        print(f"{'explained' if defect.name in known else 'SURVIVED '} {defect.line:>4} {defect.name}")
    unexplained = [defect for defect, _ in left if defect.name not in known]
    counts = f"{len(tried)} defects, {len(tried) - len(left)} noticed, {len(left)} survived"
    print(f"{counts}, {len(unexplained)} without a reason")
    return 1 if unexplained else 0


if __name__ == "__main__":
    sys.exit(main())
