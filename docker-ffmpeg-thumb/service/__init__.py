"""What happens to a video: one module a stage, in the order in which `job` calls them."""
