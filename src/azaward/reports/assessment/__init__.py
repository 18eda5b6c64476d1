"""An assessment, for people and for programs."""
