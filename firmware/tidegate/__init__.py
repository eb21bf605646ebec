"""Tidegate: the telemetry agent inside an EV charger."""

__version__ = "0.1.0"
