"""The pages of a clinic: the worklist, a patient, recall, imports, figures, protocols, the audit."""
