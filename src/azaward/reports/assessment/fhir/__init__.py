"""What an assessment is in FHIR R4, a module a resource; `to_fhir.py` beside this folder puts them in a Bundle."""
