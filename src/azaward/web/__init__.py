"""The pages for the clinic and the patient, served from the machine itself."""
