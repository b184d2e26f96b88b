"""Small changes of the code that judges, each of which some test has to notice. Source: REL-13.

``python -m tests.code_mutants [--seconds 60] [--seed 0] [MODULE ...]`` changes one thing at a time (a comparison, an and, a not, a
number, a word of a choice), runs the specs of that module against it, and prints what nobody notices. Which changes are tried first
is drawn anew with each seed; the budget ends it. A change that is noticed by never ending counts as noticed.
"""

from __future__ import annotations

import argparse
import ast
import copy
import functools
import importlib
import inspect
import io
import itertools
import math
import os
import random
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from types import FunctionType, ModuleType
from typing import NamedTuple

ROOT = Path(__file__).parents[1]
_WHOLE_PATIENTS = "tests/golden/test_stories.py"
"""Slow, so they come last: for what nothing smaller has noticed."""
_OPTIONS = (
    "tests/spec/test_predicates.py",
    "tests/spec/test_criteria_at_boundaries.py",
    "tests/spec/test_verdicts.py",
    "tests/spec/test_ranking.py",
    "tests/spec/test_order_review.py",
    _WHOLE_PATIENTS,
)
_LINES = (
    "tests/spec/test_line_rules.py",
    "tests/spec/test_line_boundaries.py",
    "tests/spec/test_line_alternatives.py",
    _WHOLE_PATIENTS,
)
SPECS: dict[str, tuple[str, ...]] = {
    "cdshooks.options.predicates": _OPTIONS,
    "cdshooks.options.model": _OPTIONS,
    "cdshooks.partial_date": ("tests/spec/test_partial_date.py", *_LINES),
    "cdshooks.lines.counting": _LINES,
    "cdshooks.lines.ends": _LINES,
    "cdshooks.lines.placing": _LINES,
    "cdshooks.lines.segments": _LINES,
    "cdshooks.ehr.patient_identity": ("tests/web/test_prefetch_states.py",),
    "cdshooks.web.callers": ("tests/web/test_callers.py",),
}
"""What judges, and the tests that say how it should."""
LEAST_SHARE = 0.85
_LONGEST_SECONDS, _AT_ONCE = 120, 2
_PLAIN = (
    "-q",
    "-p",
    "no:cacheprovider",
    "-p",
    "no:xdist",
    "-p",
    "no:cov",
    "-p",
    "no:schemathesis",
    "-p",
    "no:playwright",
)
_COMPARISONS = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.In: ast.NotIn, ast.NotIn: ast.In,
}  # fmt: skip
_OPERATORS = {ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Add, ast.BitAnd: ast.BitOr, ast.BitOr: ast.BitAnd}
_CALLS = {"any": "all", "all": "any", "min": "max", "max": "min", "all_of": "any_of", "any_of": "all_of"}
_OUTCOMES = {"_MET": "_NOT_MET", "_NOT_MET": "_UNKNOWN", "_UNKNOWN": "_MET"}
_MEMBERS = {"MET": "NOT_MET", "NOT_MET": "UNKNOWN", "UNKNOWN": "MET", "first": "last", "last": "first", "least": "most",
            "most": "least", "OURS": "OTHER", "OTHER": "UNSAID", "UNSAID": "OURS"}  # fmt: skip


class Mutant(NamedTuple):
    """A statement of a module's top level with one thing changed."""

    module: str
    line: int
    what: str
    before: ast.stmt
    number: int
    choice: int

    @property
    def after(self) -> ast.stmt:
        """The statement as changed."""
        changed = copy.deepcopy(self.before)
        _change(_places(changed)[self.number], self.choice)
        return changed

    def __str__(self) -> str:
        return f"{self.module}:{self.line} {self.what}"


# ---- what can be changed


def mutants_of(module: str, source: str) -> Iterator[Mutant]:
    """Every change, statement by statement."""
    for statement in ast.parse(source).body:
        for number, place in enumerate(_places(statement)):
            for choice in itertools.count():
                what = _change(_loose(place), choice)
                if what is None:
                    break
                yield Mutant(module, getattr(place, "lineno", statement.lineno), what, statement, number, choice)


def _loose(node: ast.AST) -> ast.AST:
    """A copy whose own members can be exchanged; copying all below for each change would take longer than the specs."""
    made = copy.copy(node)
    for name, value in ast.iter_fields(node):
        if isinstance(value, list):
            setattr(made, name, list(value))
    return made


def _places(statement: ast.AST) -> list[ast.AST]:
    """What decides something: values, and the bodies of functions and methods; no annotation, decorator or docstring."""
    if isinstance(statement, ast.Assign):
        return list(ast.walk(statement.value))
    if isinstance(statement, ast.ClassDef):
        return [it for part in statement.body if isinstance(part, ast.FunctionDef) for it in _places(part)]
    if isinstance(statement, ast.FunctionDef):
        return [it for part in statement.body for it in _walk(part)]
    return []


def _walk(node: ast.AST) -> Iterator[ast.AST]:
    yield node
    for name, value in ast.iter_fields(node):
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.AST) and name not in {"annotation", "returns"}:
                yield from _walk(child)


def _change(node: ast.AST, choice: int) -> str | None:
    """Change this node in its place, in one of its ways; None when there are no more."""
    match node:
        case ast.Compare(ops=ops) if choice < len(ops) and type(ops[choice]) in _COMPARISONS:
            was = type(ops[choice])
            ops[choice] = _COMPARISONS[was]()
            return f"{was.__name__} -> {_COMPARISONS[was].__name__}"
        case ast.BoolOp() if choice == 0:
            was_and = isinstance(node.op, ast.And)
            node.op = ast.Or() if was_and else ast.And()
            return "and -> or" if was_and else "or -> and"
        case ast.BoolOp(values=values) if choice <= len(values) and len(values) > 1:
            gone = values.pop(choice - 1)
            return f"without {ast.unparse(gone)[:40]}"
        case ast.UnaryOp(op=ast.Not()) if choice == 0:
            node.op, node.operand = ast.Not(), ast.UnaryOp(ast.Not(), node.operand)
            return "without not"
        case ast.BinOp() if choice == 0 and type(node.op) in _OPERATORS:
            was = type(node.op)
            node.op = _OPERATORS[was]()
            return f"{was.__name__} -> {_OPERATORS[was].__name__}"
        case ast.Constant(value=bool() as value) if choice == 0:
            node.value = not value
            return f"{value} -> {not value}"
        case ast.Constant(value=int() as value) if choice == 0:
            node.value = value + 1
            return f"{value} -> {value + 1}"
        case ast.IfExp() | ast.If() | ast.While() if choice == 0:
            node.test = ast.UnaryOp(ast.Not(), node.test)
            return "condition turned round"
        case ast.comprehension(ifs=[_, *_]) if choice == 0:
            node.ifs.pop()
            return "filter left out"
        case ast.Call(func=ast.Name(id=name)) if choice == 0 and name in _CALLS:
            node.func = ast.Name(_CALLS[name], ast.Load())
            return f"{name} -> {_CALLS[name]}"
        case ast.Name(id=name, ctx=ast.Load()) if choice == 0 and name in _OUTCOMES:
            node.id = _OUTCOMES[name]
            return f"{name} -> {node.id}"
        case ast.Attribute(attr=name, ctx=ast.Load()) if choice == 0 and name in _MEMBERS:
            node.attr = _MEMBERS[name]
            return f".{name} -> .{node.attr}"
    return None


# ---- making the change in a process


def apply(mutant: Mutant, module: ModuleType) -> None:
    """Put the changed statement in the place of the old one, for everybody who has imported from the module already."""
    after = mutant.after
    tree = ast.fix_missing_locations(ast.Module([after], []))
    code = compile(tree, f"<{mutant}>", "exec")
    if isinstance(after, ast.Assign):
        exec(code, module.__dict__)
        return
    made = dict(module.__dict__)
    exec(code, made)
    name = after.name  # type: ignore[attr-defined]
    _exchange(getattr(module, name), made[name])


def _exchange(old: object, new: object) -> None:
    """The code of functions, methods and properties; what holds a reference to them sees the change."""
    clear = getattr(old, "cache_clear", None)
    if clear is not None:
        clear()
    old, new = inspect.unwrap(old), inspect.unwrap(new)  # type: ignore[arg-type]
    if isinstance(old, FunctionType) and isinstance(new, FunctionType):
        if old.__code__.co_freevars == new.__code__.co_freevars:
            old.__code__, old.__defaults__, old.__kwdefaults__ = new.__code__, new.__defaults__, new.__kwdefaults__
    elif isinstance(old, property) and isinstance(new, property):
        _exchange(old.fget, new.fget)
    elif isinstance(old, classmethod | staticmethod) and isinstance(new, classmethod | staticmethod):
        _exchange(old.__func__, new.__func__)
    elif isinstance(old, type) and isinstance(new, type):
        for name, it in vars(new).items():
            if name in vars(old):
                _exchange(vars(old)[name], it)


def begin(mutant: Mutant | None, specs: tuple[str, ...]) -> int:
    """Run the specs with it in a process that is forked for it, which fails where they do."""
    child = os.fork()
    if child == 0:
        os._exit(_fails(mutant, specs))
    return child


def _fails(mutant: Mutant | None, specs: tuple[str, ...]) -> int:
    import pytest

    signal.alarm(_LONGEST_SECONDS)
    try:
        with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
            if mutant is not None:
                apply(mutant, importlib.import_module(mutant.module))
            return int(pytest.main([*_PLAIN, "-x", *specs]))
    except BaseException:  # noqa: BLE001 - whatever it breaks, it is noticed
        return 1


# ---- trying


def prepare(specs: set[str]) -> None:
    """Load once what every child needs: the knowledge, the test runner, and the modules of the specs."""
    import pytest

    from cdshooks.knowledge import load

    load.load_knowledge = functools.cache(load.load_knowledge)
    load.load_knowledge()
    for name in SPECS:
        importlib.import_module(name)
    importlib.import_module("tests.option_cases").shipped()
    with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
        pytest.main([*_PLAIN, "--collect-only", *sorted(specs)])


def all_mutants(modules: tuple[str, ...], seed: int) -> list[Mutant]:
    """Those of the modules, shuffled, and so that each module has its turn however soon time is over."""
    queues = []
    for name in modules:
        path = ROOT / Path(*name.split(".")).with_suffix(".py")
        queue = list(mutants_of(name, path.read_text(encoding="utf-8")))
        random.Random(f"{seed}{name}").shuffle(queue)
        queues.append(queue)
    return [it for row in itertools.zip_longest(*queues) for it in row if it is not None]


def main() -> int:
    """Print figures and what nobody noticed; 1 when too much was not."""
    parser = argparse.ArgumentParser(description="Changes of the code that judges, and whether the specs notice.")
    parser.add_argument("modules", nargs="*", default=list(SPECS))
    parser.add_argument("--seconds", type=float, default=float("inf"))
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    os.chdir(ROOT)
    prepare({spec for it in given.modules for spec in SPECS[it]})
    specs = tuple(dict.fromkeys(spec for it in given.modules for spec in SPECS[it]))
    if os.waitpid(begin(None, specs), 0)[1] != 0:
        sys.exit(f"the specs fail without any change: {' '.join(specs)}")
    waiting = all_mutants(tuple(given.modules), given.seed)
    end = time.monotonic() + given.seconds
    possible, tried = len(waiting), []
    running: dict[int, Mutant] = {}
    while running or (waiting and time.monotonic() < end):
        while waiting and len(running) < _AT_ONCE and time.monotonic() < end:
            mutant = waiting.pop(0)
            running[begin(mutant, SPECS[mutant.module])] = mutant
        ended, status = os.wait()
        tried.append((running.pop(ended), status != 0))
    unnoticed = [mutant for mutant, noticed in tried if not noticed]
    print(f"{possible} possible, {len(tried)} tried, {len(tried) - len(unnoticed)} noticed")  # noqa: T201
    for it in sorted(unnoticed):
        print(f"not noticed: {it}")  # noqa: T201
    return 0 if is_enough(len(tried), len(tried) - len(unnoticed)) else 1


def is_enough(tried: int, noticed: int) -> bool:
    """Whether as many were noticed as should be, give or take two standard errors of a draw of this size."""
    chance = 2 * math.sqrt(tried * LEAST_SHARE * (1 - LEAST_SHARE))
    return tried > 0 and noticed >= LEAST_SHARE * tried - chance


if __name__ == "__main__":
    sys.exit(main())
