"""Latchwork: the open, self-hosted access-code server for smart locks."""

__version__ = "0.1.0"
