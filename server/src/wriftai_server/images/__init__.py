"""Images of models: the OCI distribution protocol over content-addressed blobs."""
