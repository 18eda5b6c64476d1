"""Files in and out: FHIR, CSV and Parquet, azaward's own JSON, reports."""
