"""The guides as pages, paper, text and JSON."""
