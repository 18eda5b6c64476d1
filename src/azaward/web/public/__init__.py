"""The pages that anybody may open: guides, advice, checking a medicine."""
