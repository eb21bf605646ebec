"""What is measured, and whether a sample is worth recording."""
