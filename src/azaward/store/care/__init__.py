"""What a clinic stores about its patients: records, decisions, contacts and questions."""
