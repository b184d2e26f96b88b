"""The gunicorn entry: ``cdshooks.wsgi:app``."""

from __future__ import annotations

import gc
import logging.config
import os
import sys
from pathlib import Path

from flask import Flask

from cdshooks.app import build_app
from cdshooks.errors import KnowledgeError
from cdshooks.json_lines import LOGGING
from cdshooks.knowledge.load import Knowledge, load_knowledge
from cdshooks.settings import SettingsError, read_settings

logging.config.dictConfig(LOGGING)


def _start() -> Flask:
    """The application; if it cannot start, everything that stands in the way is told at once. Source: REL-09."""
    faults: list[str] = []
    settings, knowledge = None, None
    try:
        settings = read_settings(os.environ)
    except SettingsError as error:
        faults.extend(error.faults)
    try:
        knowledge = _load(os.environ.get("CDSHOOKS_KNOWLEDGE_OVERLAY", "").strip())
    except KnowledgeError as error:
        faults.extend(error.faults)
    if settings is not None and knowledge is not None:
        try:
            return build_app(settings, knowledge)
        except SettingsError as error:
            faults.extend(error.faults)
    sys.exit("cdshooks does not start:\n" + "\n".join(f"- {fault}" for fault in faults))


def _load(overlay: str) -> Knowledge:
    return load_knowledge(Path(overlay) if overlay and Path(overlay).is_dir() else None)


app = _start()
gc.collect()
gc.freeze()  # knowledge is never garbage, and the pages that workers share stay shared
gc.enable()
gc.set_threshold(
    50_000, 50, 100
)  # what a call makes goes with its end; looking more often lengthens the tail (docs/speed.md)
