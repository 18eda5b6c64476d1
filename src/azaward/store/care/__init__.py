"""What a clinic keeps about its patients: their records, what was done, who was called, what is asked."""
