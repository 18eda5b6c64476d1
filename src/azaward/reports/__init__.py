"""What goes out: text, JSON, HTML, PDF and FHIR made of what was found."""
