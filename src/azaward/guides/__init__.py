"""The guide library and the advice for daily life."""
