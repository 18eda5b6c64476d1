"""Signing in, accounts, invitations, second factors."""
