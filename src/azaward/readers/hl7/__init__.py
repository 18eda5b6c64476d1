"""Reads HL7 version 2: results, people, medicine orders and vaccines, as hospitals and laboratories send them."""
