"""Runs predictions: claims them, keeps runtimes for them, and writes down what comes of it."""
