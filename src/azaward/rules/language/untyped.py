"""Ibis without its partial types: columns are made at run time, and half-known types are worse than none."""

from __future__ import annotations

from typing import Any

import ibis as _ibis

ibis: Any = _ibis
