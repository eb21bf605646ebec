"""Properties, each against a model of its own."""
