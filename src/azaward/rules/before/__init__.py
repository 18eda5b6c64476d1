"""Before the first tablet: what must be known, what the enzyme says, and which dose its genes allow."""
