"""A genotype, for a laboratory, a clinician and a patient."""
