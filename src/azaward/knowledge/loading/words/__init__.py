"""What the names, codes and words in records mean, looked up in the cited files."""
