"""What may take long or much memory because of what callers sent, done where it can be ended."""
