"""HAPI FHIR, the server behind the best-known public sandbox, in a process of its own on loopback, all in memory.

``make hapi-check`` fetches it with Maven, once; the Java beside ``tests/hapi/pom.xml`` puts its parts together as its makers' starter does.
"""

from __future__ import annotations

import shutil
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parents[1]
CLASSPATH = ROOT / "build" / "hapi.classpath"
JVM = ["-Xmx1g", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn"]
PATIENCE_SECONDS = 400
"""Half a minute on a quiet machine."""


def missing() -> str | None:
    """What is not there to run it."""
    if shutil.which("javac") is None:
        return "no JDK is installed"
    if not CLASSPATH.exists():
        return "HAPI FHIR has not been fetched: make hapi-check"
    return None


@contextmanager
def serving_hapi(log: Path, *, page_size: int) -> Iterator[str]:
    """Its base URL. ``page_size``: the most matches on a page, whatever is asked for."""
    command = [
        "java",
        *JVM,
        "-cp",
        CLASSPATH.read_text("utf-8"),
        str(ROOT / "tests/hapi/HapiServer.java"),
        str(page_size),
    ]
    with log.open("wb") as errors, subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors) as process:
        alarm = threading.Timer(PATIENCE_SECONDS, process.kill)
        alarm.start()
        try:
            base = process.stdout.readline().decode().strip()
            alarm.cancel()
            assert base.startswith("http"), log.read_text("utf-8", "replace")[-4000:]
            yield base
        finally:
            alarm.cancel()
            process.terminate()
