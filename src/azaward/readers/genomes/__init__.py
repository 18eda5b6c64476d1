"""Readers for variant files and genotyping arrays."""
