"""Receives HL7 messages over MLLP: frames, a journal that survives a crash, and a server. It reads nothing in them."""
