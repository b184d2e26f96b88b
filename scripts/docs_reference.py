"""The reference of the documentation site, written from the code and the knowledge themselves, so that it cannot grow untrue."""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import click
from flask import Flask
from prometheus_client.metrics import MetricWrapperBase

from cdshooks.cli.main import main
from cdshooks.hooks.services import PREFETCH, REQUIRED, REQUIRED_ONE_OF, SERVICES
from cdshooks.knowledge.entries import Entry, read_entries
from cdshooks.knowledge.load import load_knowledge
from cdshooks.knowledge.publish import attributes, in_words
from cdshooks.web import metrics

ROOT = Path(__file__).parents[1]
SPEC = ROOT / "tests" / "spec"
CONSEQUENCES = {
    "exclude": "not offered",
    "hold": "not offered for now",
    "warn": "offered with a warning",
    "dose_note": "the dose is spoken of",
    "not_applicable": "the regimen does not come into question",
}
ROUTES: Mapping[str, str] = {
    "/cds-services": "Discovery: the services, their hooks and prefetch templates. Asks for no token.",
    "/cds-services/<service_id>": "A hook call: cards, or 400 (not this hook), 401 (no valid token), 412 (required data is "
    "missing), 503 (busy, draining or switched off).",
    "/cds-services/<service_id>/feedback": "What became of cards: 200 once on the disk, 404 for a card that is not the caller's.",
    "/healthz": "The process is alive.",
    "/readyz": "200 when it can answer, else 503, with the reasons; names the knowledge in force and what is switched off.",
    "/version": "The version of the service, its knowledge and Python.",
    "/openapi.json": "The OpenAPI 3.1 document of the routes in force.",
    "/metrics": "What is counted, for Prometheus; see [metrics](metrics.md).",
    "/": "A page for people.",
    "/knowledge": "What the service rests on, as a page.",
    "/knowledge.json": "The same as JSON.",
    "/dsi": "The source attributes of 45 CFR 170.315(b)(11)(iv).",
    "/hazards": "The hazard log.",
    "/app": "The patient page; behind a card it is `/app/opened/` and a reference that is good once.",
}
"""Route -> what a caller may expect of it."""
INNER = re.compile(r"^/(cds-services//|pages\.css$|app/.+|workbench.*|launch$|callback$|static/.*)")
"""Routes that are parts of a page or another spelling of one above."""


def reference_pages(app: Flask) -> dict[str, str]:
    """Path below ``reference/`` -> Markdown."""
    return {
        "settings.md": settings_page(),
        "command-line.md": command_page(),
        "http.md": http_page(app),
        "metrics.md": metrics_page(),
        "line-rules.md": line_rules_page(),
        "criteria.md": criteria_page(),
        "regimens.md": regimens_page(),
        "trials.md": trials_page(),
        "sources.md": sources_page(),
        "hazards.md": hazards_page(),
        "attributes.md": attributes_page(),
    }


def plain(text: object) -> str:
    """A text that Markdown leaves as it is."""
    return re.sub(r"([\\`*_{}\[\]#|~])", r"\\\1", str(text)).replace("<", "&lt;").replace("\n", " ")


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A Markdown table; the cells are Markdown already."""
    lines = [f"| {' | '.join(str(it) for it in row)} |" for row in (head, ["---"] * len(head), *rows)]
    return "\n".join(lines) + "\n"


def section(text: str, heading: str) -> str:
    """What stands under a heading of the second level."""
    found = re.search(rf"^## {re.escape(heading)}\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)
    if found is None:
        raise ValueError(f"no section {heading!r}")
    return found.group(1).strip() + "\n"


def settings_page() -> str:
    """The table of settings, which a test compares with the code."""
    table_of_readme = section((ROOT / "README.md").read_text("utf-8"), "Settings")
    return "# Settings\n\nEvery setting is an environment variable.\n\n" + table_of_readme.replace("](docs/", "](../")


def command_page() -> str:
    """Every command with its help and options."""
    parts = [
        "# Command line\n\nExit status 0: success; 1: a finding; 2: wrong usage. Results on stdout, messages on stderr.\n"
    ]
    for name, command in _commands(main, "cdshooks"):
        context = click.Context(command, info_name=name)
        usage = command.get_usage(context).removeprefix("Usage: ")
        parts.append(f"## `{name}`\n\n`{usage}`\n\n{_help(command)}\n")
        options = [it.get_help_record(context) for it in command.params if isinstance(it, click.Option)]
        rows = [(f"`{it[0]}`", plain(it[1])) for it in options if it is not None]
        if rows:
            parts.append(table(("option", "does"), rows))
    return "\n".join(parts)


def _commands(command: click.Command, name: str) -> Iterator[tuple[str, click.Command]]:
    if isinstance(command, click.Group):
        context = click.Context(command, info_name=name)
        for key in command.list_commands(context):
            found = command.get_command(context, key)
            if found is not None:
                yield from _commands(found, f"{name} {key}")
    else:
        yield name, command


def _help(command: click.Command) -> str:
    text = inspect.cleandoc(command.help or "")
    told, _, example = text.partition("Example: ")
    return plain(told.strip()) + (f"\n\nExample: `{example.strip()}`\n" if example else "\n")


def http_page(app: Flask) -> str:
    """Services, prefetch templates and routes.

    Raises:
        ValueError: A description has no route.
    """
    routes = {it.rule: sorted((it.methods or set()) - {"HEAD", "OPTIONS"}) for it in app.url_map.iter_rules()}
    shown = {rule: methods for rule, methods in routes.items() if not INNER.match(rule)}
    if not ROUTES.keys() <= shown.keys():
        raise ValueError(f"described, but no routes: {sorted(ROUTES.keys() - shown.keys())}")
    required = dict.fromkeys(REQUIRED, "required") | dict.fromkeys(REQUIRED_ONE_OF, "one of these three is required")
    return "\n".join(
        (
            "# HTTP\n\n## Services\n",
            table(("id", "hook", "says"), ((f"`{it.id}`", it.hook, plain(it.description)) for it in SERVICES)),
            "## Prefetch templates\n\nThe same for all services. What is optional and missing is named on the card.\n",
            table(
                ("key", "template", "needed"),
                ((f"`{key}`", f"`{it}`", required.get(key, "")) for key, it in PREFETCH.items()),
            ),
            "## Routes\n",
            table(
                ("route", "methods", "gives"),
                (
                    (f"`{it}`", ", ".join(shown[it]), ROUTES.get(it, ""))
                    for it in (*ROUTES, *sorted(shown.keys() - ROUTES.keys()))
                ),
            ),
        )
    )


def metrics_page() -> str:
    """All metrics of the service with their labels."""
    counted = [it for it in vars(metrics).values() if isinstance(it, MetricWrapperBase)]
    rows = [
        (
            f"`{family.name}{'_total' if family.type == 'counter' else ''}`",
            family.type,
            _labels(one),
            plain(family.documentation),
        )
        for one in counted
        for family in one.describe()
    ]
    rows += [
        ("`cds_kb_age_seconds`", "gauge", "", "Time since the knowledge was last reviewed."),
        ("`cds_kb_state`", "gauge", "`state`", "1 for the state the knowledge is in."),
    ]
    return "# Metrics\n\nSummed over workers. No label holds a patient, a card or a free text.\n\n" + table(
        ("name", "kind", "labels", "counts"), rows
    )


def _labels(one: MetricWrapperBase) -> str:
    return ", ".join(f"`{it}`" for it in one._labelnames)  # noqa: SLF001 - the library has no other way to ask


def line_rules_page() -> str:
    """Each rule with its parameters, sources and the tables of the tests that hold it to its word."""
    parts = [
        "# Line rules\n",
        "How treatment is counted into lines. A hospital may put its own numbers into its overlay (`line_rules.yaml`).",
        "An optional rule can be switched off. The tables are those of the tests.\n",
    ]
    for entry in _entries("line_rules"):
        it = entry.content
        optional = "\n\nOptional." if it.get("is_optional") else ""
        parts.append(f"## {entry.id} {{#{entry.id.lower()}}}\n\n{plain(it['says'])}{optional}\n")
        rows = [(f"`{key}`", p["value"], p["unit"], plain(p["meaning"])) for key, p in it["parameters"].items()]
        if rows:
            parts.append(table(("parameter", "value", "unit", "meaning"), rows))
        parts.append(_sources(it["sources"]))
        parts.extend(_spec_of(defence) for defence in it["defended_by"])
    return "\n".join(parts)


def _spec_of(defence: str) -> str:
    file, _, name = defence.partition("::")
    module = ast.parse((SPEC / f"test_{file}.py").read_text("utf-8"))
    found = [it for it in module.body if isinstance(it, ast.FunctionDef) and it.name.startswith(name)]
    return "\n".join(_spec_table(it) for it in found)


def _spec_table(test: ast.FunctionDef) -> str:
    sentence = test.name.removeprefix("test_").replace("_", " ")
    parts = [f"*{sentence[0].upper()}{sentence[1:]}*\n"]
    for decorator in test.decorator_list:
        if (
            isinstance(decorator, ast.Call)
            and "parametrize" in ast.unparse(decorator.func)
            and len(decorator.args) == 2
        ):
            try:
                names, rows = (ast.literal_eval(it) for it in decorator.args)
            except ValueError:
                continue
            names = [names] if isinstance(names, str) else names
            rows = [row if isinstance(row, tuple) else (row,) for row in rows]
            parts.append(
                table([plain(it).replace("\\_", " ") for it in names], [[plain(it) for it in row] for row in rows])
            )
    drawn = [it.value for it in ast.walk(test) if isinstance(it, ast.Constant) and isinstance(it.value, str)]
    parts.extend(f"```text\n{inspect.cleandoc(it)}\n```\n" for it in drawn if " | " in it and "\n" in it.strip())
    return "\n".join(parts)


def criteria_page() -> str:
    """What must hold for a regimen to be offered."""
    parts = [
        "# Criteria\n",
        "A criterion states what must hold. Its answer is met, not met, unknown, or review (a person must judge).",
        "Unknown is never taken for normal.\n",
    ]
    for entry in _entries("criteria"):
        it = entry.content
        parts.append(f"## {plain(it['title'])} {{#{entry.id.lower()}}}\n\n`{entry.id}`{_applies(it)}\n")
        steps = [
            f"* {plain(in_words(step['requires']))}. If not: {CONSEQUENCES[step['if_not_met']]}."
            f" {plain(step.get('because', ''))}"
            for step in it.get("steps", ())
            if "requires" in step
        ]
        parts.append("\n".join(steps) + "\n")
        unknown = str(it.get("if_unknown", "")).replace("_", " ")
        if unknown:
            parts.append(f"If unknown: {unknown}. {plain(it.get('because_unknown', ''))}\n")
        if it.get("hard_stop"):
            parts.append("A hard stop: an overlay can make it stricter, never lift it.\n")
        parts.append(_sources(it.get("sources", ())))
    return "\n".join(parts)


def _applies(content: Mapping[str, Any]) -> str:
    told = [
        kind.replace("_", " ") + (f" {', '.join(values)}" if isinstance(values, list) else "")
        for kind, values in content.get("applies_to", {}).items()
        if values
    ]
    return f"; applies to {plain('; '.join(told))}" if told else ""


def regimens_page() -> str:
    """Every regimen that is known, with licence, criteria and the figures that were verified in a source."""
    parts = ["# Regimens\n\nOnly figures that were read in their source are shown, here as on cards.\n"]
    for entry in _entries("regimens"):
        it = entry.content
        if it.get("role") != "option":
            continue
        drugs = "; ".join(_component(one) for one in it["components"])
        parts.append(f"## {plain(it['label'])} {{#{entry.id.lower()}}}\n\n`{entry.id}`: {plain(drugs)}\n")
        licences = [
            (
                name,
                plain(told["status"].replace("_", " ")),
                plain(told["text"]) if told.get("verified") else "not verified",
            )
            for name, told in it["jurisdictions"].items()
        ]
        parts.append(table(("where", "status", "since or how"), licences))
        figures = [
            (plain(trial["trial"]), plain(trial.get("population", "")), one["measure"], plain(one["text"]))
            for trial in it.get("evidence", ())
            for one in trial.get("figures", ())
            if one.get("verified")
        ]
        if figures:
            parts.append(table(("trial", "patients", "measure", "result"), figures))
        criteria = ", ".join(f"[{one}](criteria.md#{one.lower()})" for one in it["criteria"])
        if criteria:
            parts.append(f"Criteria of its own: {criteria}\n")
        parts.append(_sources(it.get("sources", ())))
    return "\n".join(parts)


def _component(written: Mapping[str, Any]) -> str:
    """An agent with its dose where that was read in a source, or the agents among which one is chosen."""
    if "one_of" in written:
        return f"{written['slot']}: {' or '.join(_component(it) for it in written['one_of'])}"
    dose = written.get("dose", {}).get("text", "") if written.get("verified") else ""
    return f"{written['agent']} {dose}".strip()


def trials_page() -> str:
    """The coded trials with the status of the day they were coded or read."""
    rows = [
        (
            f"[{it['nct_id']}](https://clinicaltrials.gov/study/{it['nct_id']})",
            plain(it["title"]),
            it["registry"]["status"].lower().replace("_", " "),
            _unbroken(it["registry"]["as_of"]),
            len(it["criteria"]),
        )
        for it in (one.content for one in read_entries("trials", None, id_key="nct_id").by_id.values())
    ]
    return (
        "# Trials\n\nCoded in our own words from the registry. A status is that of its day; `cdshooks trials sync` brings newer "
        "ones.\n\n" + table(("number", "title", "status", "as of", "criteria"), rows)
    )


def sources_page() -> str:
    """Every source with how it was read."""
    rows = []
    for entry in _entries("sources"):
        it = entry.content
        cite = f"[{plain(it['cite'])}]({it['url']})" if it.get("url") else plain(it["cite"])
        numbers = " ".join(f"{key.upper()} {it[key]}" for key in ("doi", "pmid", "nct") if it.get(key))
        rows.append(
            (
                f'<a id="{entry.id.lower()}"></a>`{entry.id}`',
                f"{cite} {numbers}".strip(),
                it["read"].replace("_", " "),
                _unbroken(it.get("published", "")),
            )
        )
    return (
        "# Sources\n\n*full*: the page itself was read; *abstract*; *secondary*: a report or copy, to be confirmed at the "
        "original; *not read*: memory or opinion, never shown as evidence.\n\n"
        + table(("id", "source", "read", "published"), rows)
    )


def hazards_page() -> str:
    """The hazard log."""
    parts = [
        "# Hazard log\n",
        "Severity and likelihood (1 to 5, before the control) are proposals until a clinical safety officer sets them.\n",
    ]
    for entry in _entries("hazards"):
        it = entry.content
        parts.append(f"## {entry.id}: {plain(it['hazard'])} {{#{entry.id.lower()}}}\n")
        told = ("cause", "effect", "severity", "likelihood", "control", "residual", "status")
        rows = [(name, plain(it[name])) for name in told if name in it]
        rows.append(("proven by", ", ".join(f"`{one}`" for one in it["tests"])))
        parts.append(table(("", ""), rows))
    return "\n".join(parts)


def attributes_page() -> str:
    """The statement of purpose and limits, and the source attributes."""
    parts = ["# Statement and source attributes\n"]
    group = None
    for it in attributes(load_knowledge(None), None):
        if it["group"] != group:
            group = it["group"]
            parts.append(f"## {plain(group)}\n")
        parts.append(f"**{plain(it['title'])}.** {plain(it['value'])}\n")
    return "\n".join(parts)


def _unbroken(day: object) -> str:
    """A date that does not end one line and begin the next."""
    return f'<span class="unbroken">{day}</span>' if day else ""


def _entries(kind: str) -> Iterable[Entry]:
    return read_entries(kind, None).by_id.values()


def _sources(cited: Iterable[Mapping[str, str]]) -> str:
    told = [
        f"[{it['source']}](sources.md#{it['source'].lower()})" + (f" ({plain(it['at'])})" if it.get("at") else "")
        for it in cited
    ]
    return f"Source: {'; '.join(told)}\n" if told else ""
