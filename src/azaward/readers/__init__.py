"""What comes in: files become the record, and whatever can't be used is set aside with its reason."""
