"""The gunicorn entry: ``cdshooks.wsgi:app``."""

from __future__ import annotations

import logging
import os
import sys

from cdshooks.app import build_app
from cdshooks.errors import KnowledgeError
from cdshooks.settings import SettingsError, read_settings

logging.basicConfig(level=logging.INFO, format="%(message)s")
try:
    app = build_app(read_settings(os.environ))
except (SettingsError, KnowledgeError) as error:
    sys.exit("cdshooks does not start:\n" + "\n".join(f"- {fault}" for fault in error.faults))
