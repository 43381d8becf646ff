"""Where runtimes live: so far, processes of this machine."""
