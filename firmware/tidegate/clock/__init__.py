"""Monotonic time, and its way to UTC."""
