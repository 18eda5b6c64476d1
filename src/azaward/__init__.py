"""azaward keeps people on azathioprine safe. Decision support, not a certified medical device."""

__version__ = "0.1.0"
