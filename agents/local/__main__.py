"""Fetch what the local servers need, so that no test has to wait for it: `python -m agents.local`."""

from __future__ import annotations

import sys

from agents.deployed import deployed
from agents.local.java import fetched, java
from agents.local.kafka import LEAST_JAVA
from schemas.base import ConfigError

if __name__ == "__main__":
    try:
        java(LEAST_JAVA)
        fetched(deployed("local", "kafka", "pom.xml"), "kafka")
    except ConfigError as error:
        sys.exit(str(error))
