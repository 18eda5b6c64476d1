"""Liver, pancreas and the metabolites of the medicine."""
