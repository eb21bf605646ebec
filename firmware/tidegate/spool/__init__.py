"""Observations on raw flash: what was accepted survives."""
