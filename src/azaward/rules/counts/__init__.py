"""The blood counts: limits, slow changes, recovery after a pause, and when the next test is due."""
