"""What happened, and how often."""
