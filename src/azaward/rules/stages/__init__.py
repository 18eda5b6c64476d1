"""What several rules share, worked out once for all patients: clean results, the latest of each, the course of treatment."""
