"""What several rules share, worked out once: clean results, the latest of each, the course of treatment."""
