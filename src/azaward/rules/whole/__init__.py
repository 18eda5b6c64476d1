"""What the record leaves unknown, and the plan that all findings come to."""
