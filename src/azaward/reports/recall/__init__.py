"""Reports of earlier releases, and what today's knowledge makes of them."""
