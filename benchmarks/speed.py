"""What a hook call costs, as ratios measured in one run: `make bench`. Take the ratios; the times are this machine's of today.

In one process, by processor time, steps in turns: (a) ``orjson.loads`` of the request; (b) strict JSON, reading, lines, options,
trials and cards each; (c) the whole call at the WSGI application. Over HTTP (d): requests a second and for each second of the
server's processor time, p50, p99 and memory at 1, 8 and 32 callers, beside the floor F: the same gunicorn settings, doing nothing
but typed decoding of the members that we read and a fixed card. Tokens, metrics, audit and the store are on. Loopback only.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import tempfile
import time
from itertools import pairwise
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import in_process
import over_http

CALLERS = (1, 8, 32)
PARTS = ("process", "http", "start")
MODELS = {
    "ours (gthread)": {},
    "ours, --reuse-port": {"GUNICORN_CMD_ARGS": "--reuse-port"},
    "gthread": {"GUNICORN_CMD_ARGS": "--worker-class gthread"},
    "gthread, 256 threads": {"GUNICORN_CMD_ARGS": "--worker-class gthread --threads 256"},
    "sync": {"CDSHOOKS_WORKER_CLASS": "sync"},
}
SLOW_CLIENTS, PATIENCE = 200, 10.0
AIMS = {10: 0.3, 100: 0.5, 1_000: 0.6}
"""Calls for each second of processor time at 8 callers, as a part of the floor's."""
AIM_OF_WHOLE_CALL = 1.5
LONGEST_TAIL = 4.0


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument(
        "--part", choices=(*PARTS, "workers"), action="append", help="measure only this; may be given again"
    )
    arguments.add_argument("--quick", action="store_true", help="10 to 1,000 resources, a second for each load")
    arguments.add_argument("--json", type=Path, default=Path("bench.json"), help="where the figures are written")
    given = arguments.parse_args()
    parts = given.part or PARTS
    began = time.monotonic()
    figures: dict[str, object] = {
        "python": platform.python_version(),
        "processors": os.cpu_count(),
        "load_before": os.getloadavg(),
    }
    print(f"Python {platform.python_version()}, {os.cpu_count()} processors, load {os.getloadavg()[0]:.1f} before")
    if "process" in parts:
        sizes = (10, 100, 1_000) if given.quick else (10, 100, 1_000, 5_000)
        figures["in_process"] = tell_steps(in_process.measure(sizes))
    if "http" in parts:
        figures["over_http"] = tell_loads(seconds=1.0 if given.quick else 3.0, turns=1 if given.quick else 2)
    if "start" in parts:
        figures["start"] = tell_start()
    if "workers" in parts:
        figures["workers"] = tell_workers(seconds=2.0 if given.quick else 4.0)
    figures["seconds"] = round(time.monotonic() - began)
    given.json.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
    print(f"\n{figures['seconds']} s; figures in {given.json}")


def tell_steps(measured: dict[int, dict[str, float]]) -> object:
    """The table of steps: milliseconds, and the ratio to ``orjson.loads`` of the same bytes."""
    print("\nIn one process: milliseconds of processor time, and how often orjson.loads of the same request")
    sizes = list(measured)
    print(f"{'resources':<14}" + "".join(f"{size:>18,}" for size in sizes))
    print(f"{'request, KB':<14}" + "".join(f"{measured[size].pop('kilobytes'):>18,.0f}" for size in sizes))
    for name in measured[sizes[0]]:
        cells = ((measured[size][name], measured[size][name] / measured[size]["orjson.loads"]) for size in sizes)
        print(f"{name:<14}" + "".join(f"{time_:>10.2f}{ratio:>8.2f}" for time_, ratio in cells))
    whole = {size: measured[size]["whole call"] for size in sizes}
    for small, large in pairwise(sizes[1:]):
        print(f"growth from {small:,} to {large:,} resources: {whole[large] / whole[small]:.1f} times")
    at = measured[1_000]
    print(f"aim: whole call at 1,000 at most {AIM_OF_WHOLE_CALL}; is {at['whole call'] / at['orjson.loads']:.2f}")
    return measured


def tell_loads(*, seconds: float, turns: int) -> object:
    """The table of loads: ours beside the floor."""
    print("\nOver HTTP: F is the floor; per CPU-s = calls for each second of the server's processor time")
    head = f"{'resources':>9} {'callers':>7} {'calls/s':>8} {'per CPU-s':>9} {'p50 ms':>8} {'p99 ms':>8} {'p99/p50':>7}"
    print(f"{head} {'F calls/s':>9} {'F per CPU-s':>11} {'of F':>5}")
    told: list[dict[str, object]] = []
    with over_http.served("cdshooks.wsgi:app") as ours, over_http.served("floor:app") as floor:
        servers = {"ours": ours, "floor": floor}
        for size, aim in AIMS.items():
            bodies = over_http.bodies_of(size)
            over_http.in_turns(servers, bodies, callers=2, seconds=0.5, turns=1)  # fills caches
            for callers in CALLERS:
                found = over_http.in_turns(servers, bodies, callers=callers, seconds=seconds, turns=turns)
                us, least = found["ours"].told(), found["floor"].told()
                of_floor = us["per_processor_second"] / least["per_processor_second"]
                print(
                    f"{size:>9,} {callers:>7} {us['per_second']:>8.1f} {us['per_processor_second']:>9.1f} {us['p50_ms']:>8.1f} "
                    f"{us['p99_ms']:>8.1f} {us['p99_by_p50']:>7.1f} {least['per_second']:>9.1f} "
                    f"{least['per_processor_second']:>11.1f} {of_floor:>5.2f}"
                    + (f"  aim {aim}" if callers == CALLERS[1] else "")
                    + (f"  {us['refused']} refused" if us["refused"] else "")
                )
                told.append({"resources": size, "callers": callers, "ours": us, "floor": least, "of_floor": of_floor})
        memory = {name: it.megabytes() for name, it in servers.items()}
    print(f"aim: p99 at most {LONGEST_TAIL:g} times p50")
    for name, it in memory.items():
        print(f"memory of a worker, {name}: {it['resident']:.0f} MB, of these its own {it['own']:.0f} MB")
    return {"loads": told, "memory": memory}


def tell_start() -> object:
    """Seconds from the command to the first 200 of /readyz, as in the image: the knowledge is sealed, the modules are compiled."""
    told: dict[str, dict[str, float]] = {}
    print("\ncold start to ready (aim: under 2 s)")
    with over_http.sealed_knowledge(), tempfile.TemporaryDirectory() as folder:
        for what in ("with an empty store", "with a store"):
            server = over_http.Server("cdshooks.wsgi:app", Path(folder))
            server.stop()
            told[what] = {"seconds": server.seconds_to_ready, "processor_seconds": server.processor_seconds_to_ready}
            print(f"{what}: {{seconds:.2f}} s, of processor time {{processor_seconds:.2f}} s".format(**told[what]))
    return told


def tell_workers(*, seconds: float) -> object:
    """The ways in which gunicorn's workers may share their work, one after the other; no part of `make bench`."""
    print(
        f"\nModels of workers, 100 resources, 8 callers; then one honest call beside {SLOW_CLIENTS} that never finish"
    )
    print(f"{'model':<24} {'calls/s':>8} {'per CPU-s':>9} {'p50 ms':>8} {'p99 ms':>8} {'honest call, s':>15}")
    told: dict[str, object] = {}
    bodies = over_http.bodies_of(100)
    for name, settings in MODELS.items():
        with over_http.served("cdshooks.wsgi:app", **settings) as server:
            over_http.load(server, bodies, callers=2, seconds=1.0)
            found = over_http.load(server, bodies, callers=8, seconds=seconds).told()
            with over_http.slow_clients(server, bodies[0], many=SLOW_CLIENTS):
                honest = over_http.seconds_of_one_call(server, bodies[0], patience=PATIENCE)
        print(
            f"{name:<24} {found['per_second']:>8.1f} {found['per_processor_second']:>9.1f} {found['p50_ms']:>8.1f} "
            f"{found['p99_ms']:>8.1f} {f'{honest:.2f}' if honest is not None else 'no answer':>15}",
            flush=True,
        )
        told[name] = {**found, "honest_call_seconds": honest}
    return told


if __name__ == "__main__":
    main()
