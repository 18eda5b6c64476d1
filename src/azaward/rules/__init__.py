"""One module a clinical question: tables in, findings out."""
