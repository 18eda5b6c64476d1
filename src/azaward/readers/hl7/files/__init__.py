"""Reads a file of messages as one record: who is who in it, and what later messages change."""
