"""Long lives of one whole agent, simulated."""
