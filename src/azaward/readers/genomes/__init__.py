"""Variant files and genotyping arrays."""
