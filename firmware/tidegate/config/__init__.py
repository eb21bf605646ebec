"""Configuration: one table of keys, checked before use."""
