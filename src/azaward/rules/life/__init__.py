"""A life on treatment: pregnancy, surgery, and the long run."""
