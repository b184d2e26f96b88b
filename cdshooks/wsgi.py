"""The gunicorn entry: ``cdshooks.wsgi:app``."""

from __future__ import annotations

import logging
import os

from cdshooks.app import build_app
from cdshooks.settings import read_settings

logging.basicConfig(level=logging.INFO, format="%(message)s")
app = build_app(read_settings(os.environ))
