"""Fever, infections, contacts, vaccines and allergy."""
