"""Files that mean harm, each through the handler itself: what they cost, what they reach, what is said of them."""
