"""The figures of a service: who was tested in time, how many stay on treatment, and where care differs."""
