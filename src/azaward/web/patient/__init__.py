"""The pages of a patient: the next test, the results, questions for the visit."""
