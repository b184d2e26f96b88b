"""Make the environment of the running interpreter small and quick to start: the last step of the image's build.

What goes: FHIR releases and resources that we do not speak, databases and layers that the store does not speak, tests, and sources
of what is already compiled. What comes: bytecode of just the modules that a started service or a health check holds, for nobody can
write to the image. The vendor's base has none of its standard library, so without it each start and each health check would compile
that anew; ours lies under PYTHONPYCACHEPREFIX, beside that of our modules. Packages of others keep the bytecode alone; a fault in
them is still told with file and line.
"""

from __future__ import annotations

import os
import py_compile
import shutil
import struct
import subprocess
import sys
import sysconfig
from pathlib import Path

SITE = Path(sysconfig.get_path("purelib"))
NOT_SPOKEN = (
    "fhir/resources/STU3",
    "sqlalchemy/dialects/mssql",
    "sqlalchemy/dialects/mysql",
    "sqlalchemy/dialects/oracle",
    "sqlalchemy/testing",
    "sqlalchemy/orm",
    "sqlalchemy/ext/asyncio",
    "gunicorn/asgi",
    "authlib/integrations",
    "authlib/oauth1",
    "authlib/oidc",
    "pint/testsuite",
    "jsonschema/benchmarks",
    "pydantic/v1",
    "alembic/testing",
    "alembic/templates",
    "anyio",  # what httpx and httpcore wait with where a program is asynchronous; ours is not
)
LEXERS_KEPT = ("__init__.py", "_mapping.py", "data.py", "json.py", "python.py", "special.py", "unicon.py")
SOURCES_OF_COMPILED = ("*.c", "*.cpp", "*.h", "*.hpp", "*.pxd", "*.pyx", "*.pyi")
STARTED = """
import os, sys, tempfile
state = tempfile.mkdtemp()
os.environ.update(CDSHOOKS_DEV="1", XDG_STATE_HOME=state)
import cdshooks.wsgi, cdshooks.cli.main, cdshooks.gunicorn_settings, gunicorn.app.wsgiapp, gunicorn.workers.gthread
import gunicorn.arbiter, rich.markdown, rich.syntax, psycopg, sqlalchemy.dialects.postgresql.psycopg, fhir.resources.R4B.bundle
import fhir.resources.R4B.medicationrequest, fhir.resources.R4B.requestgroup, fhir.resources.R4B.servicerequest
import urllib.request
cdshooks.wsgi.app.test_client().get("/metrics")
print("\\n".join(sorted(m.__file__ for m in list(sys.modules.values()) if getattr(m, "__file__", None))))
"""
EVERY_MODULE = """
import importlib, pkgutil, sys, cdshooks
from cdshooks.ehr.resources import TYPES
for it in pkgutil.walk_packages(cdshooks.__path__, "cdshooks."):
    if it.name not in {"cdshooks.wsgi", "cdshooks.__main__"} and ".migrations" not in it.name:
        importlib.import_module(it.name)
for name in TYPES:
    model = getattr(importlib.import_module(f"fhir.resources.R4B.{name.lower()}"), name)
    try: model.model_validate({})
    except ValueError: pass
print("\\n".join(sorted(m.__file__ for m in list(sys.modules.values()) if getattr(m, "__file__", None))))
"""
SEALED = """
from cdshooks.cards.actions import prepare_drafts
from cdshooks.ehr.proved import write_proved
from cdshooks.knowledge.load import load_knowledge
from cdshooks.knowledge.parsed import write_parsed
from cdshooks.knowledge.seal import write_seal
write_proved(prepare_drafts(load_knowledge()))
write_parsed()
write_seal()
"""


def main() -> None:
    """Remove, prove that the service still starts, seal its knowledge, compile what it loaded."""
    if sys.pycache_prefix is None:
        sys.exit("PYTHONPYCACHEPREFIX must name the folder for bytecode")
    before = _megabytes()
    for path in SITE.rglob("__pycache__"):
        shutil.rmtree(path, ignore_errors=True)
    for name in NOT_SPOKEN:
        shutil.rmtree(SITE / name, ignore_errors=True)
    for path in SITE.rglob("tests"):
        if path.is_dir() and not path.is_relative_to(SITE / "cdshooks"):
            shutil.rmtree(path)
    for pattern in SOURCES_OF_COMPILED:
        for path in SITE.rglob(pattern):
            path.unlink()
    # One scorer of rapidfuzz is used; those of its fuzz module, which only its defaults name, have a Python form beside them.
    for path in (SITE / "rapidfuzz").glob("fuzz_cpp*.so"):
        path.unlink()
    # The same metrics for newer processors: a drug name is compared as well by the form for all of them.
    for path in (SITE / "rapidfuzz" / "distance").glob("metrics_cpp_*.so"):
        path.unlink()
    for path in SITE.rglob("*.so*"):
        _strip(path)
    loaded = _loaded(STARTED) | _loaded(EVERY_MODULE)
    # The package's top level is FHIR R5, a module for each resource; what R4B shares with it has just been loaded.
    for path in (SITE / "fhir" / "resources").glob("*.py"):
        if path not in loaded and path.name != "__init__.py":
            path.unlink()
    # Lexers of five hundred languages, of which the command line colours none but these.
    for path in (SITE / "pygments" / "lexers").glob("*.py"):
        if path not in loaded and path.name not in LEXERS_KEPT:
            path.unlink()
    # Resources that no reader of ours reads: of one of these we say that it is not used, never why it is malformed.
    for path in (SITE / "fhir" / "resources" / "R4B").glob("*.py"):
        if path not in loaded and "domainresource.DomainResource" in path.read_text("utf-8"):
            path.unlink()
    _run(SEALED)
    for path in _loaded(STARTED):
        if path.suffix == ".py":
            _compile(path, is_alone=path.is_relative_to(SITE) and not path.is_relative_to(SITE / "cdshooks"))
    _loaded(STARTED)
    _loaded(EVERY_MODULE)
    print(f"{sys.prefix}: {before:.0f} MB before, {_megabytes():.0f} MB now")


def _loaded(program: str) -> frozenset[Path]:
    loaded = frozenset(Path(line) for line in _run(program).splitlines() if line.startswith("/"))
    if SITE / "cdshooks" / "app.py" not in loaded:
        sys.exit(f"what started is not the service of {SITE}")
    return loaded


def _run(program: str) -> str:
    """What a program of this environment prints; -P, for the sources that the image is built from lie in the working directory."""
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    words = [sys.executable, "-P", "-c", program]
    done = subprocess.run(words, capture_output=True, text=True, check=False, env=environment)
    if done.returncode != 0:
        sys.exit(f"the service does not start in the environment made small:\n{done.stderr}")
    return done.stdout


def _compile(path: Path, *, is_alone: bool) -> None:
    bytecode = str(path.with_suffix(".pyc")) if is_alone else None
    py_compile.compile(
        str(path), bytecode, doraise=True, invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH
    )
    if is_alone:
        path.unlink()


def _strip(library: Path) -> None:
    """Cut off what follows the last segment of a 64-bit ELF library: symbols and debug sections, which no loader reads."""
    content = bytearray(library.read_bytes())
    if content[:6] != b"\x7fELF\x02\x01":
        return
    (at,) = struct.unpack_from("<Q", content, 0x20)
    size, count = struct.unpack_from("<HH", content, 0x36)
    end = at + size * count
    for header in range(at, end, size):
        offset, in_file = (
            struct.unpack_from("<Q", content, header + 8)[0],
            struct.unpack_from("<Q", content, header + 32)[0],
        )
        end = max(end, offset + in_file)
    struct.pack_into("<Q", content, 0x28, 0)  # no section headers any more
    struct.pack_into("<HH", content, 0x3C, 0, 0)
    library.write_bytes(content[:end])


def _megabytes() -> float:
    return sum(path.stat().st_size for path in Path(sys.prefix).rglob("*") if path.is_file()) / 1e6


if __name__ == "__main__":
    main()
