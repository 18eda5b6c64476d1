"""The dose itself: its range, low doses beside allopurinol, and when an effect may be expected."""
