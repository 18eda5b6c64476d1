"""Rearrangements of a variant file: breakends, how far they reach, and counted copies."""
