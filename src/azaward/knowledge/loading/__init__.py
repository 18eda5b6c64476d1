"""Reads the cited files, checks them, and lays them out as relations for the rules."""
