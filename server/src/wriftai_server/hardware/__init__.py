"""Hardware: what the hub offers to run models on."""
